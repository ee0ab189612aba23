use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

async fn talk(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_note_that_arrives_is_answered_kept_and_told() {
    let told: Arc<Mutex<Vec<Note>>> = Arc::default();
    let teller = Arc::clone(&told);
    let on_note: OnNote = Arc::new(move |note: &Note| teller.lock().unwrap().push(note.clone()));
    let stand_in = StandIn::start(Options { on_note: Some(on_note), ..Options::default() }).await.unwrap();
    assert!(stand_in.address().ip().is_loopback());
    let body = r#"{"body": "Missed call", "note": true}"#;
    let request = format!(
        "POST /v1/tickets/42/messages HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer groove-demo-token\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = talk(stand_in.address(), &request).await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert!(answer.contains(&format!("\"href\":\"{}/messages/", stand_in.base_url())), "{answer}");
    // An Idempotency-Key is not honoured: the same again is a second note.
    talk(stand_in.address(), &request.replace("Host: a", "Host: a\r\nIdempotency-Key: same")).await;
    assert_eq!(stand_in.notes().len(), 2);
    assert_eq!(*told.lock().unwrap(), stand_in.notes());
}

#[tokio::test]
async fn a_body_too_large_is_413_and_nothing_is_kept() {
    let stand_in = StandIn::start(Options::default()).await.unwrap();
    let head =
        "POST /v1/tickets/42/messages HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2000000\r\n\r\n";
    let answer = talk(stand_in.address(), head).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(stand_in.notes().is_empty());
}

#[tokio::test]
async fn a_stand_in_that_was_stopped_is_gone() {
    let stand_in = StandIn::start(Options::default()).await.unwrap();
    let address = stand_in.address();
    let mut open = TcpStream::connect(address).await.unwrap();
    stand_in.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
    assert_eq!(open.read(&mut [0; 8]).await.unwrap_or(0), 0, "open connections end with it");
}
