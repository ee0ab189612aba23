//! The stand-in's server: hyper on a loopback port.

use std::{
    convert::Infallible,
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    body::{Body, Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use super::{
    asked::Asked,
    desk::{Answer, Desk, Note},
    options::{OnNote, Options},
};

/// Bytes of a request's body that are read.
const BODY: usize = 1024 * 1024;

/// A stand-in that runs until it is stopped or dropped.
pub struct StandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    desk: Mutex<Desk>,
    on_note: Option<OnNote>,
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StandIn {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start(options: Options) -> io::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), options).await
    }

    /// Starts on this address; port 0 is any free one.
    pub async fn start_at(address: SocketAddr, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let on_note = options.on_note.clone();
        let desk = Mutex::new(Desk::new(options, &format!("http://{address}")));
        let shared = Arc::new(Shared { desk, on_note });
        let server = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, server })
    }

    /// Where it listens; the API is at `/v1` below.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL of its API, such as `http://127.0.0.1:40001/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The base URL of its uploader and of its GraphQL API, which stand at other hosts than the rest, such as `http://127.0.0.1:40001`.
    pub fn root_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Notes that arrived, oldest first: those among the last 10,000 messages.
    pub fn notes(&self) -> Vec<Note> {
        self.shared.desk().notes()
    }

    /// The next `count` requests are answered "too often".
    pub fn throttle(&self, count: usize) {
        self.shared.desk().throttled = count;
    }

    /// Closes the port and every connection.
    pub async fn stop(mut self) {
        self.server.abort();
        // An abort is how it ends.
        (&mut self.server).await.unwrap_or_default();
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl fmt::Debug for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StandIn({})", self.address)
    }
}

/// Takes connections; those that are open end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(open.spawn(serve(stream, Arc::clone(&shared)))),
                // No descriptors left, most likely: others have to close first.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            },
            Some(_) = open.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| respond(request, Arc::clone(&shared)));
    // A client that breaks off is its own affair.
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.unwrap_or_default();
}

async fn respond(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    // A length that is told is not waited for.
    let is_too_long = body.size_hint().lower() > u64::try_from(BODY).unwrap_or(u64::MAX);
    let read = if is_too_long { None } else { Limited::new(body, BODY).collect().await.ok() };
    let answer = match read {
        Some(body) => shared.desk().answer(&Asked::read(&head, &body.to_bytes())),
        None => Answer { status: 413, ..Answer::default() },
    };
    if let (Some(note), Some(on_note)) = (&answer.note, &shared.on_note) {
        on_note(note);
    }
    Ok(response(answer))
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let body = match answer.body {
        Some(body) => {
            response = response.header(http::header::CONTENT_TYPE, "application/json");
            Bytes::from(body.to_string())
        }
        None => Bytes::new(),
    };
    // An option may hold a status that is none.
    response.body(Full::new(body)).unwrap_or_else(|_| {
        let mut broken = Response::new(Full::new(Bytes::new()));
        *broken.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        broken
    })
}

#[cfg(test)]
mod tests;
