//! The program itself, as a process: what its log says of secrets, and what SIGTERM leaves behind.

use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    app::{GROOVE_TOKEN, GRUVEO_KEY, MISSED, missed_call, sign},
    journal::Journal,
    raw,
};

const TOKEN: &str = "a-groove-hook-token-0123456789abcdef";

/// A started program; killed when dropped.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellwire"));
    command
        .arg("--workspace")
        .arg(folder)
        .env("BELLWIRE_SECRET_GRUVEO_KEY", GRUVEO_KEY)
        .env("BELLWIRE_SECRET_GROOVE_TOKEN", GROOVE_TOKEN)
        .env("BELLWIRE_SECRET_GROOVE_HOOK_TOKEN", TOKEN)
        .stdin(Stdio::null());
    command
}

async fn serve(folder: &TempDir, journal: &Journal, settings: &str) -> Running {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\n[egress]\nallow = [\"127.0.0.1/32\"]\nports = [{}]\n\
         [services.groove]\nbase_url = \"http://{}/v1\"\nrate = \"unlimited\"\nconcurrent = 8\n{settings}",
        journal.address.port(),
        journal.address
    );
    std::fs::write(folder.path().join("bellwire.toml"), text).unwrap();
    std::fs::create_dir_all(folder.path().join("rules")).unwrap();
    std::fs::write(folder.path().join("rules/missed.yaml"), MISSED).unwrap();
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let child = command(folder.path()).arg("serve").stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
    let running = Running { child, address: SocketAddr::from(([127, 0, 0, 1], port)) };
    for _ in 0..400 {
        if tokio::net::TcpStream::connect(running.address).await.is_ok() {
            return running;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not listen: {}", std::fs::read_to_string(folder.path().join("log")).unwrap());
}

fn delivery(ticket: &str) -> Vec<u8> {
    let body = missed_call(ticket).to_string();
    let signature = sign(GRUVEO_KEY, body.as_bytes());
    raw::post("/hooks/gruveo", &format!("X-Gruveo-SHA256-HMAC: {signature}\r\nConnection: close\r\n"), body.as_bytes())
}

/// I48: at the most talkative level, whatever libraries say included, no line holds a proof or a secret.
#[tokio::test(flavor = "multi_thread")]
async fn no_line_of_the_log_holds_a_secret() {
    let (folder, journal) = (tempfile::tempdir().unwrap(), Journal::start([]).await);
    let running = serve(&folder, &journal, "[log]\nlevel = \"trace\"\n").await;
    let send = async |bytes: &[u8]| raw::send(running.address, bytes, Duration::from_secs(5)).await.status();
    let lines = format!(
        "X-Groove-Event: note_added\r\nCookie: {TOKEN}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n"
    );
    assert_eq!(send(&raw::post(&format!("/hooks/groove?token={TOKEN}"), &lines, b"{}")).await, 202);
    for (path, status) in [
        (format!("/hooks/groove?other={TOKEN}"), 404),
        (format!("/hooks/groove/{TOKEN}/x?token={TOKEN}"), 404),
        (format!("/hooks/{TOKEN}"), 404),
        (format!("/{TOKEN}"), 404),
        (format!("/hooks/groove/{TOKEN}?token={TOKEN}"), 400),
    ] {
        assert_eq!(send(&raw::post(&path, "Connection: close\r\n", b"{}")).await, status, "{path}");
    }
    assert_eq!(
        send(format!("GET /hooks/groove?token={TOKEN} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes())
            .await,
        405
    );
    assert_eq!(
        send(format!("POST /hooks/groove?token={TOKEN} HTTP/1.1\r\nContent-Length: 0\r\n\r\n").as_bytes()).await,
        400
    );
    assert_eq!(send(&delivery("42")).await, 202);
    journal.wait_for(1).await;
    let proof = sign(GRUVEO_KEY, missed_call("42").to_string().as_bytes());
    drop(running);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("delivery accepted") && log.contains("delivery refused"), "{log}");
    for secret in [TOKEN, GRUVEO_KEY, GROOVE_TOKEN, &proof, "john@acme.com"] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}

/// I57: SIGTERM in the middle of 100 deliveries. What was answered is kept, and the process ends by itself and well.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_leaves_every_answered_delivery() {
    let (folder, journal) = (tempfile::tempdir().unwrap(), Journal::start([]).await);
    let mut running = serve(&folder, &journal, "").await;
    let address = running.address;
    let senders: Vec<_> = (0..100)
        .map(|n| {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(n)).await;
                let stream = tokio::net::TcpStream::connect(address).await;
                let Ok(mut stream) = stream else { return None };
                drop(tokio::io::AsyncWriteExt::write_all(&mut stream, &delivery(&n.to_string())).await);
                raw::read_one(&mut stream, Duration::from_secs(15)).await
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(60)).await;
    let signalled = Command::new("kill").args(["-TERM", &running.child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    let mut answered = BTreeSet::new();
    for sender in senders {
        match sender.await.unwrap() {
            Some(answer) if answer.status == 202 => {
                answered.insert(answer.json()["id"].as_str().unwrap().to_owned());
            }
            Some(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
            None => {}
        }
    }
    let ended = tokio::task::spawn_blocking(move || running.child.wait().unwrap()).await.unwrap();
    assert!(ended.success(), "{ended}");
    let list = command(folder.path()).args(["events", "list", "--json", "--limit", "1000"]).output().unwrap();
    let events: Vec<Value> = serde_json::from_slice(&list.stdout).unwrap();
    let kept: BTreeSet<String> = events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    assert!(answered.is_subset(&kept), "{} answered, {} kept", answered.len(), kept.len());
    assert!(!answered.is_empty(), "the signal came before all of them");
}
