//! A dumb receiver: keeps every request as it came, and answers by a script. It knows nothing of Groove or of Bellwire.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What the receiver does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    Status(u16, Vec<(&'static str, String)>, String),
    /// Tells everything back that it was sent, in every form that comes to mind; its status is the body's `status`, else 200.
    Echo,
    /// Never answers, keeps the connection open.
    Silence,
    /// Closes after the request without a byte.
    Cut,
    /// These bytes, whatever they are; then it closes.
    Bytes(Vec<u8>),
    /// This head, and then bytes without an end.
    Endless(&'static str),
    /// This head, and then a byte now and then.
    Trickle(&'static str),
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self::Status(status, Vec::new(), "{}".to_owned())
    }

    pub fn with(status: u16, name: &'static str, value: &str) -> Self {
        Self::Status(status, vec![(name, value.to_owned())], "{}".to_owned())
    }

    pub fn created() -> Self {
        Self::Status(201, Vec::new(), r#"{"message":{"href":"https://api.groovehq.com/v1/messages/7"}}"#.to_owned())
    }
}

#[derive(Clone)]
pub struct Journal {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Received>>>,
    script: Arc<Mutex<VecDeque<Reply>>>,
    arrived: Arc<Notify>,
    /// Requests that wait for their answer now, and the most there were at once.
    open: Arc<(AtomicUsize, AtomicUsize)>,
    /// How long every answer takes.
    delay: Duration,
}

impl Journal {
    /// One that takes `delay` for every answer.
    pub async fn slow(delay: Duration) -> Self {
        Self::with([], delay).await
    }

    /// Starts on a free loopback port. Answers 201 once the script has run out.
    pub async fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        Self::with(script, Duration::ZERO).await
    }

    async fn with(script: impl IntoIterator<Item = Reply>, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let journal = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            script: Arc::new(Mutex::new(script.into_iter().collect())),
            arrived: Arc::default(),
            open: Arc::default(),
            delay,
        };
        let serving = journal.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let journal = serving.clone();
                tokio::spawn(async move { journal.serve(stream).await });
            }
        });
        journal
    }

    /// Adds to the script.
    pub fn then(&self, replies: impl IntoIterator<Item = Reply>) {
        self.script.lock().unwrap().extend(replies);
    }

    pub fn requests(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }

    /// The requests so far, and none of them again.
    pub fn take_requests(&self) -> Vec<Received> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    /// Answers the next requests with these, whatever was left of the script.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        *self.script.lock().unwrap() = replies.into_iter().collect();
    }

    /// The most requests that were open at once.
    pub fn busiest(&self) -> usize {
        self.open.1.load(Ordering::SeqCst)
    }

    /// Waits until `count` requests have come.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        let waiting = async {
            loop {
                let arrived = self.arrived.notified();
                let seen = self.requests();
                if seen.len() >= count {
                    return seen;
                }
                arrived.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting)
            .await
            .unwrap_or_else(|_| panic!("{count} requests were wanted, {} came", self.requests().len()))
    }

    async fn serve(&self, mut stream: TcpStream) {
        let mut buffer = Vec::new();
        while let Some(request) = read_request(&mut stream, &mut buffer).await {
            self.requests.lock().unwrap().push(request.clone());
            let reply = self.script.lock().unwrap().pop_front().unwrap_or_else(Reply::created);
            self.arrived.notify_waiters();
            let open = self.open.0.fetch_add(1, Ordering::SeqCst) + 1;
            self.open.1.fetch_max(open, Ordering::SeqCst);
            tokio::time::sleep(self.delay).await;
            // Before the answer: whoever has it may send the next request at once.
            self.open.0.fetch_sub(1, Ordering::SeqCst);
            let reply = if matches!(reply, Reply::Echo) { echo(&request, self.address) } else { reply };
            match reply {
                Reply::Status(status, headers, body) => {
                    let mut head = format!(
                        "HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
                        body.len()
                    );
                    for (name, value) in headers {
                        head.push_str(&format!("{name}: {value}\r\n"));
                    }
                    let whole = format!("{head}\r\n{body}");
                    if stream.write_all(whole.as_bytes()).await.is_err() {
                        return;
                    }
                }
                Reply::Silence => tokio::time::sleep(Duration::from_secs(600)).await,
                Reply::Cut | Reply::Echo => return,
                Reply::Bytes(bytes) => {
                    drop(stream.write_all(&bytes).await);
                    return;
                }
                Reply::Endless(head) => {
                    let mut more = stream.write_all(head.as_bytes()).await;
                    while more.is_ok() {
                        more = stream.write_all(&[b'x'; 16 * 1024]).await;
                    }
                    return;
                }
                Reply::Trickle(head) => {
                    let mut more = stream.write_all(head.as_bytes()).await;
                    while more.is_ok() {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        more = stream.write_all(b"x").await;
                    }
                    return;
                }
            }
        }
    }
}

/// A receiver that keeps nothing to itself.
fn echo(request: &Received, address: SocketAddr) -> Reply {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap_or_default();
    let status = body["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let mut told: Vec<String> = request.headers.iter().map(|(_, value)| value.clone()).collect();
    told.extend(url::form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into_owned()));
    told.extend(
        request
            .path
            .split(['/', '?'])
            .map(|part| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()),
    );
    if let Some(pair) = request.header("authorization").and_then(|value| value.strip_prefix("Basic ")) {
        told.push(String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap());
    }
    let base64: Vec<String> = told.iter().map(|value| STANDARD.encode(value)).collect();
    let hex: Vec<String> = told.iter().map(hex::encode).collect();
    let message = format!("no luck with {} {} and {}", request.method, request.path, told.join(" "));
    let answer = serde_json::json!({
        "error": {"message": message}, "path": request.path, "headers": request.headers, "told": told, "base64": base64,
        "hex": hex, "text": request.body,
    });
    let location = format!("http://{address}{}", request.path);
    Reply::Status(status, vec![("X-Path", request.path.clone()), ("Location", location)], answer.to_string())
}

pub(super) async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Received> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    while buffer.len() < end + 4 + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(buffer[end + 4..end + 4 + length].to_vec()).unwrap();
    buffer.drain(..end + 4 + length);
    Some(Received { method, path, headers, body })
}
