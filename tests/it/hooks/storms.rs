//! Bad moments: a store that cannot write, a sender that has gone, an end in the middle of it all.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use bellwire::model::RunStatus;
use diesel::{Connection as _, SqliteConnection, connection::SimpleConnection as _};
use tokio::io::AsyncWriteExt as _;

use crate::support::{
    app::{GRUVEO_KEY, TestApp, event_id, missed_call, sign, states},
    journal::Journal,
    raw,
};

async fn app() -> TestApp {
    TestApp::start(Journal::start([]).await).await
}

/// I55: somebody else holds the write lock for longer than anybody waits.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_cannot_write_senders_are_told_to_come_again() {
    let app = app().await;
    let file = std::fs::read_dir(app.folder.path().join("data"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3")))
        .unwrap();
    let mut other = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let started = Instant::now();
    let tries = (0..5).map(|n| {
        let app = &app;
        async move { app.call(&missed_call(&n.to_string())).await }
    });
    for answer in futures_util::future::join_all(tries).await {
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    tokio::time::sleep(Duration::from_secs(2)).await;
    other.batch_execute("ROLLBACK").unwrap();
    // The same deliveries again: each is one event, whether the store took it in the end or not.
    for n in 0..5 {
        let answer = app.call(&missed_call(&n.to_string())).await;
        assert!(matches!(answer.status, 200 | 202), "{answer:?}");
    }
    app.settle().await;
    assert_eq!(app.events().await.len(), 5);
    assert_eq!(app.journal.requests().len(), 5);
}

/// I56
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_has_gone_loses_nothing() {
    // The whole delivery is written, and the sender is gone before it could read a byte.
    let app = app().await;
    let mut sent = BTreeSet::new();
    for n in 0..20 {
        let body = missed_call(&n.to_string()).to_string();
        let lines = format!("X-Gruveo-SHA256-HMAC: {}\r\n", sign(GRUVEO_KEY, body.as_bytes()));
        let mut stream = raw::connect(app.app.address()).await;
        stream.write_all(&raw::post("/hooks/gruveo", &lines, body.as_bytes())).await.unwrap();
        if n % 2 == 0 {
            // With unread bytes to come, this is a reset rather than an end.
            stream.set_zero_linger().unwrap();
        }
        drop(stream);
        sent.insert(body);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut accepted = 0;
    for body in &sent {
        let answer = app.signed(body.as_bytes()).await;
        assert!(matches!(answer.status, 200 | 202), "{answer:?}");
        accepted += usize::from(answer.status == 202);
    }
    app.settle().await;
    assert_eq!(app.events().await.len(), 20, "{accepted} came anew");
    assert_eq!(states(&app.runs().await), [RunStatus::Ok; 20]);
    assert_eq!(app.journal.requests().len(), 20, "each has run once");
}

/// I57, many times: the end comes while deliveries are under way.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_without_a_commit_when_the_end_comes() {
    let mut app = app().await;
    let mut acknowledged = BTreeMap::new();
    for round in 0..5_u64 {
        let address = app.app.address();
        let senders: Vec<_> = (0..100)
            .map(|n| {
                let body = missed_call(&format!("{}0{n:03}", round + 1)).to_string();
                let signature = sign(GRUVEO_KEY, body.as_bytes());
                tokio::spawn(async move {
                    let lines = format!("X-Gruveo-SHA256-HMAC: {signature}\r\n");
                    let request = raw::post("/hooks/gruveo", &lines, body.as_bytes());
                    let Ok(mut stream) = tokio::net::TcpStream::connect(address).await else { return (body, None) };
                    drop(stream.write_all(&request).await);
                    (body, raw::read_one(&mut stream, Duration::from_secs(15)).await)
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(round * 4)).await;
        app = app.restart().await;
        for sender in senders {
            let (body, answer) = sender.await.unwrap();
            match answer {
                Some(answer) if answer.status == 202 => {
                    acknowledged.insert(answer.json()["id"].as_str().unwrap().to_owned(), body);
                }
                Some(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
                None => {}
            }
        }
    }
    app.settle().await;
    // What was cut off by the end is looked for at the target a little later; a receiver that knows no notes leaves it to a person.
    app.advance(Duration::from_secs(10)).await;
    let events = app.events().await;
    let kept: BTreeSet<String> = events.iter().map(|event| event.id.to_string()).collect();
    for (id, body) in &acknowledged {
        assert!(kept.contains(id), "{id} was answered and is not kept: {body}");
    }
    let runs = app.runs().await;
    assert_eq!(runs.len(), events.len(), "a run each");
    // Runs whose answer was cut off by the end may be held; none is lost.
    assert!(runs.iter().all(|run| matches!(run.status, RunStatus::Ok | RunStatus::Held)), "{runs:?}");
}

/// 503 while it drains, and the sender is told to come again.
#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_delivery_is_there_after_a_restart() {
    let app = app().await;
    let answer = app.call(&missed_call("42")).await;
    let id = event_id(&answer);
    let app = app.restart().await;
    assert!(app.store().event(id).await.unwrap().is_some());
    let again = app.call(&missed_call("42")).await;
    assert_eq!((again.status, event_id(&again)), (200, id));
}
