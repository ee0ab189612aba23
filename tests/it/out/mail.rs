//! Mail, by a real SMTP server with TLS and a sign-in.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{
    journal::Journal,
    program::{Place, Serving, until},
};

const RULE: &str = r#"
name: mail
on: box.received
do:
  - email.send:
      from: Support <support@example.com>
      to: "{{ event.to }}"
      bcc: boss@example.com
      subject: "Missed call: {{ event.who }}"
      text: "Hello {{ event.who }}"
      html: "<p>Hello {{ event.who }}</p>"
    retry: { after: [1h] }
"#;

/// A mail server of its own process; it ends with its standard input.
struct MailServer {
    port: u16,
    lines: BufReader<ChildStdout>,
    _input: ChildStdin,
    child: Child,
}

impl MailServer {
    fn start(mode: &str, folder: &Path) -> Self {
        let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        let generated = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .stderr(Stdio::null())
            .status();
        assert!(generated.unwrap().success());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/smtp_server.py");
        let mut child = Command::new("/usr/bin/python3")
            .args([script, mode])
            .args([&certificate, &key])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        lines.read_line(&mut port).unwrap();
        let port =
            port.trim().parse().unwrap_or_else(|error| panic!("{error}: is python3-aiosmtpd there? `make setup`"));
        Self { port, lines, _input: child.stdin.take().unwrap(), child }
    }

    fn message(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A running workspace whose mail goes to this server.
async fn place(server: &MailServer, scheme: &str, certificates: &Path, password: &str) -> (Place, Serving, Journal) {
    let journal = Journal::start([]).await;
    let place = Place::with_rules(&journal, &[("mail", RULE)])
        .with("BELLWIRE_EGRESS_PORTS", &server.port.to_string())
        .with("BELLWIRE_SERVICES_EMAIL_BASE_URL", &format!("{scheme}://localhost:{}", server.port))
        .with("BELLWIRE_SECRET_SMTP_USER", "mailer@bellwire")
        .with("BELLWIRE_SECRET_SMTP_PASSWORD", password)
        .with("SSL_CERT_FILE", &certificates.join("cert.pem").display().to_string());
    let serving = place.serve();
    (place, serving, journal)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_out_over_tls_with_a_sign_in() {
    for (mode, scheme) in [("smtps", "smtps"), ("starttls", "smtp"), ("plain", "smtp+plain")] {
        let folder = tempfile::tempdir().unwrap();
        let mut server = MailServer::start(mode, folder.path());
        let (place, _serving, _journal) = place(&server, scheme, folder.path(), "a-mail-password").await;
        place.ring("received", &json!({ "to": "maria@example.com, Nick <nick@example.com>", "who": "Zoë <b>" }));
        let message = server.message();
        assert_eq!(message["to"], json!(["maria@example.com", "nick@example.com", "boss@example.com"]));
        assert_eq!((&message["from"], &message["user"]), (&json!("support@example.com"), &json!("mailer@bellwire")));
        assert_eq!(message["tls"], json!(mode != "plain"), "{mode}");
        let data = message["data"].as_str().unwrap();
        assert!(data.starts_with("Message-ID: <bw_") && data.contains("@example.com>\r\n"), "{data}");
        assert!(!data.contains("boss@") && data.contains("multipart/alternative"), "{data}");
        let shown = place.shown(&place.newest("ok"));
        assert_eq!(shown["steps"][0]["result"]["code"], 250, "{shown}");
        assert!(!shown.to_string().contains("a-mail-password"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mail_server_refuses_is_told_and_tried_again_only_where_that_helps() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = MailServer::start("starttls", folder.path());
    let (place, serving, _journal) = place(&server, "smtp", folder.path(), "a-mail-password").await;
    let ring = |to: &str| place.ring("received", &json!({ "to": to, "who": "x" }));
    ring("maria@example.com, refused@example.com");
    let shown = place.shown(&place.newest("failed"));
    assert!(shown["error"]["message"].as_str().unwrap().contains("no such user"), "{shown}");
    ring("later@example.com");
    until("it waits for another attempt", || {
        place.states()[0] == "due"
            && !place.shown(place.runs()[0]["id"].as_str().unwrap())["attempts"].as_array().unwrap().is_empty()
    });
    let shown = place.shown(place.runs()[0]["id"].as_str().unwrap());
    assert_eq!(shown["attempts"][0]["status"], 503, "{shown}");
    ring("not an address");
    place.newest("failed");
    ring("silent@example.com");
    assert_eq!(server.message()["to"][0], "silent@example.com", "of the refused ones nothing was handed over");
    let held = place.shown(&place.newest("held"));
    assert_eq!(held["attempts"][0]["outcome"], "unknown", "{held}");
    drop(serving);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_or_a_sign_in_nothing_is_handed_over() {
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::start("plain", folder.path());
    let (place_, serving, _journal) = place(&server, "smtp", folder.path(), "a-mail-password").await;
    place_.ring("received", &json!({ "to": "maria@example.com", "who": "x" }));
    let first =
        |place: &Place| place.runs().first().map(|run| place.shown(run["id"].as_str().unwrap())["attempts"][0].clone());
    until("it was tried", || first(&place_).is_some_and(|attempt| attempt["error"]["class"] == "tls"));
    drop(serving);
    let (place_, _serving, _journal) = place(&server, "smtp+plain", folder.path(), "a-wrong-password").await;
    place_.ring("received", &json!({ "to": "maria@example.com", "who": "x" }));
    let shown = place_.shown(&place_.newest("failed"));
    assert_eq!(shown["attempts"][0]["status"], 401, "{shown}");
}
