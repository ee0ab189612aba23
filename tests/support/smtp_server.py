"""A mail server for tests: aiosmtpd with TLS, STARTTLS or neither, and one user. Prints its port, then each message as a line of JSON.

Usage: smtp_server.py smtps|starttls|plain CERTIFICATE KEY
"""

import json
import socket
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

mode, certificate, key = sys.argv[1:4]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)


class Desk:
    """Takes what it is given; some recipients make it behave as bad servers do."""

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return "550 5.1.1 no such user"
        if address.startswith("later@"):
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode("utf-8", "replace"),
            "tls": server.transport.get_extra_info("sslcontext") is not None,
            "user": session.auth_data.decode() if session.auth_data else None,
        }
        print(json.dumps(message), flush=True)
        if any(address.startswith("silent@") for address in envelope.rcpt_tos):
            server.transport.abort()
        return "250 2.0.0 Ok: queued as 4XyZ1234"


def authenticate(server, session, envelope, mechanism, data):
    fine = data.login == b"mailer@bellwire" and data.password == b"a-mail-password"
    return AuthResult(success=fine, handled=False, auth_data=data.login if fine else None)


class Server(Controller):
    def factory(self):
        return SMTP(
            self.handler,
            hostname="localhost",
            authenticator=authenticate,
            auth_required=True,
            auth_require_tls=mode == "starttls",
            tls_context=context if mode == "starttls" else None,
            require_starttls=mode == "starttls",
        )


with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
server = Server(Desk(), hostname="127.0.0.1", port=port, ssl_context=context if mode == "smtps" else None)
server.start()
print(port, flush=True)
# Ends with the test: its standard input is a pipe.
threading.Thread(target=lambda: (sys.stdin.read(), server.stop())).start()
