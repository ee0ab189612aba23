//! Mail: a request whose URL is of SMTP goes out as one message in one session, with the same guard and the same answers as HTTP.
//!
//! What the server says becomes an answer as of HTTP, so that retries and messages are one thing: 2yz is 200; 4yz ("later", RFC 5321,
//! section 4.2.1) is 503; 5yz is 422, of the sign-in 401. The body is `{"code": 550, "message": "..."}`,
//! and the header `model::SMTP_CODE` has the code too.

use std::{net::SocketAddr, str::FromStr as _, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use lettre::{
    Address,
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::ClientId,
        response::Response,
    },
};
use reqwest::dns::{Name, Resolve as _};
use serde_json::json;

use super::{
    guard::{Guard, NotFound},
    message::{Outgoing, Reply, SendError},
};
use crate::{
    egress::Denied,
    model::{ErrorClass, SMTP_CODE},
};

/// The method of a request that is a message.
pub(super) const METHOD: &str = "MAIL";

/// The header of a request that names who sends; SMTP's `MAIL FROM`.
const FROM: &str = "mail-from";
/// The header of a request that names one who gets it; SMTP's `RCPT TO`.
const TO: &str = "rcpt-to";

/// Ways to sign in, the usual first.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// Whether a URL is of SMTP: `smtps` (TLS from the first byte), `smtp` (TLS by STARTTLS, or nothing is sent), `smtp+plain` (no TLS).
pub(super) fn is_mail(url: &url::Url) -> bool {
    matches!(url.scheme(), "smtp" | "smtps" | "smtp+plain")
}

/// Sends one message. The request's time is the caller's to watch.
pub(super) async fn send(guard: &Guard, request: &Outgoing, begun: &(dyn Fn() + Sync)) -> Result<Reply, SendError> {
    let host = request.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let letter = Letter::of(request)?;
    let mut session = open(guard, request, &host).await?;
    let sent = letter.hand_over(&mut session, &host, begun).await;
    // Whether the server heard the farewell changes nothing.
    drop(tokio::time::timeout(Duration::from_secs(1), session.quit()).await);
    sent
}

fn refused(class: ErrorClass, message: String) -> SendError {
    SendError { class, maybe_executed: false, message }
}

/// Connects, encrypts.
async fn open(guard: &Guard, request: &Outgoing, host: &str) -> Result<AsyncSmtpConnection, SendError> {
    let addresses = addresses(guard, host, request.url.port().unwrap_or(465)).await?;
    let tls = || {
        let parameters = TlsParameters::new_rustls(host.to_owned());
        parameters.map_err(|error| refused(ErrorClass::Tls, format!("no TLS with `{host}`: {error}")))
    };
    let hello = ClientId::Domain("bellwire.invalid".to_owned());
    let wrap = if request.url.scheme() == "smtps" { Some(tls()?) } else { None };
    let failed = |error: SmtpError| unsent(&error, host);
    let opened =
        AsyncSmtpConnection::connect_tokio1(addresses.as_slice(), Some(request.timeout), &hello, wrap, None).await;
    let mut session = opened.map_err(failed)?;
    if request.url.scheme() == "smtp" {
        if !session.can_starttls() {
            let why = "offers no STARTTLS, and without it nothing is sent; use smtps://, or smtp+plain:// where nobody can listen";
            return Err(refused(ErrorClass::Tls, format!("`{host}` {why}")));
        }
        session.starttls(tls()?, &hello).await.map_err(failed)?;
    }
    Ok(session)
}

/// The addresses of a host that egress allows.
async fn addresses(guard: &Guard, host: &str, port: u16) -> Result<Vec<SocketAddr>, SendError> {
    let name = Name::from_str(host).map_err(|_| refused(ErrorClass::Network, format!("`{host}` is no host")))?;
    let found = guard.resolve(name).await.map_err(|error| {
        if let Some(Denied(why)) = error.downcast_ref::<Denied>() {
            return refused(ErrorClass::EgressDenied, why.clone());
        }
        let why = error.downcast_ref::<NotFound>().map(|NotFound(why)| why.to_string()).unwrap_or_default();
        refused(ErrorClass::Network, format!("host `{host}` cannot be found: {why}"))
    })?;
    Ok(found.map(|address| SocketAddr::new(address.ip(), port)).collect())
}

/// A message with its envelope.
struct Letter {
    credentials: Option<Credentials>,
    from: Address,
    to: Vec<Address>,
    data: Vec<u8>,
}

impl Letter {
    fn of(request: &Outgoing) -> Result<Self, SendError> {
        let headers = &request.headers;
        let from = headers.get(FROM).and_then(address).ok_or_else(|| nobody("sender"))?;
        let to: Option<Vec<Address>> = headers.get_all(TO).into_iter().map(address).collect();
        let to = to.filter(|to| !to.is_empty()).ok_or_else(|| nobody("recipient"))?;
        // The same on every attempt, and another for every run and step: a server that has it already knows it again.
        let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or("bellwire");
        let mut data = format!("Message-ID: <{key}@{}>\r\n", from.domain()).into_bytes();
        data.extend(request.body.as_deref().unwrap_or_default());
        Ok(Self { credentials: credentials(headers)?, from, to, data })
    }

    async fn hand_over(
        self,
        session: &mut AsyncSmtpConnection,
        host: &str,
        begun: &(dyn Fn() + Sync),
    ) -> Result<Reply, SendError> {
        if let Some(credentials) = &self.credentials {
            match session.auth(&MECHANISMS, credentials).await {
                Ok(_) => {}
                Err(error) if error.is_permanent() => return Ok(reply(401, &error)),
                Err(error) => return answered(&error, host),
            }
        }
        let said = session.command(Mail::new(Some(self.from), Vec::new())).await;
        if let Err(error) = said {
            return answered(&error, host);
        }
        for to in self.to {
            let said = session.command(Rcpt::new(to, Vec::new())).await;
            if let Err(error) = said {
                return answered(&error, host);
            }
        }
        if let Err(error) = session.command(Data).await {
            return answered(&error, host);
        }
        begun();
        match session.message(&self.data).await {
            Ok(response) => Ok(taken(&response)),
            Err(error) if error.status().is_some() => answered(&error, host),
            Err(error) => {
                let message =
                    format!("`{host}` was given the message and did not say whether it took it: {}", word(&error));
                Err(SendError { class: ErrorClass::Timeout, maybe_executed: true, message })
            }
        }
    }
}

fn address(value: &header::HeaderValue) -> Option<Address> {
    value.to_str().ok()?.parse().ok()
}

fn nobody(who: &str) -> SendError {
    refused(ErrorClass::InvalidInput, format!("the message has no {who} that is an e-mail address"))
}

/// User and password of `Authorization: Basic`. `None`: there is none, and nobody signs in.
fn credentials(headers: &HeaderMap) -> Result<Option<Credentials>, SendError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let pair = value.to_str().ok().and_then(|text| text.strip_prefix("Basic "));
    let pair = pair.and_then(|text| STANDARD.decode(text).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = pair.and_then(|pair| pair.split_once(':').map(|(user, word)| (user.to_owned(), word.to_owned())));
    let Some((user, password)) = pair else {
        return Err(refused(ErrorClass::Internal, "SMTP knows Basic auth (user and password) alone".to_owned()));
    };
    Ok(Some(Credentials::new(user, password)))
}

/// What went wrong before the message was handed over: the server's no is an answer, all else none.
fn answered(error: &SmtpError, host: &str) -> Result<Reply, SendError> {
    if error.is_transient() {
        return Ok(reply(503, error));
    }
    if error.is_permanent() {
        return Ok(reply(422, error));
    }
    Err(unsent(error, host))
}

/// No answer, and surely no message went out.
fn unsent(error: &SmtpError, host: &str) -> SendError {
    if let Some(code) = error.status() {
        return refused(ErrorClass::Network, format!("`{host}` turned the connection away with {code}"));
    }
    if error.is_tls() {
        return refused(ErrorClass::Tls, format!("no TLS with `{host}`: {}", word(error)));
    }
    refused(ErrorClass::Network, format!("no mail session with `{host}`: {}", word(error)))
}

/// The innermost cause, which holds nothing of the message.
fn word(error: &SmtpError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn taken(response: &Response) -> Reply {
    let text: Vec<&str> = response.message().collect();
    let code = u16::from(response.code());
    whole(200, Some(code), &json!({ "code": code, "message": text.join(" ") }))
}

fn reply(status: u16, error: &SmtpError) -> Reply {
    let code = error.status().map(u16::from);
    whole(status, code, &json!({ "code": code, "message": word(error) }))
}

fn whole(status: u16, code: Option<u16>, body: &serde_json::Value) -> Reply {
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(code.map(|code| (SMTP_CODE.to_owned(), code.to_string())));
    Reply { status, headers, body: body.to_string().into_bytes(), truncated: false }
}
