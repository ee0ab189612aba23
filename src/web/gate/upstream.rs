//! The way from the gate to Rocket: a few connections over loopback that are used again and again.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{
    body::{Body as _, Incoming},
    client::conn::http1::{Connection, SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    sync::{Semaphore, SemaphorePermit},
};

/// Connections to Rocket at once: more requests than that wait here, which costs no descriptors.
const CONNECTIONS: usize = 256;
/// How long a request waits for one of them.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of a body that Rocket reads together with the head, whether it wants them or not.
const READ_AT_ONCE: u64 = 2048;

/// Rocket, as the gate reaches it.
#[derive(Debug)]
pub(in crate::web) struct Upstream {
    address: SocketAddr,
    pub(super) mark: HeaderValue,
    idle: Mutex<Vec<Link>>,
    places: Semaphore,
}

/// Why Rocket gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpstreamError {
    #[error("no connection to the inner server was free within 5 s")]
    Crowded,
    #[error("no connection to the inner server: {0}")]
    Connect(#[from] io::Error),
    #[error("the inner server gave no answer: {0}")]
    Exchange(#[from] hyper::Error),
    #[error("the inner server closed the connection")]
    Closed,
}

impl Upstream {
    pub(in crate::web) fn new(address: SocketAddr, mark: HeaderValue) -> Self {
        Self { address, mark, idle: Mutex::default(), places: Semaphore::new(CONNECTIONS) }
    }

    /// Sends `request` and returns the head of the answer, with the link by which its body is read.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Exchange<'_>), UpstreamError> {
        let waiting = tokio::time::timeout(PATIENCE, self.places.acquire());
        let Ok(Ok(place)) = waiting.await else { return Err(UpstreamError::Crowded) };
        let mut request = request;
        let length = request.body().size_hint().exact().unwrap_or(u64::MAX);
        // An idle connection may have ended unseen. A request that never went out on it goes out on a new one, once.
        if let Some(mut link) = self.pooled() {
            let sent = link.sender.try_send_request(request);
            match link.driver.drive(sent).await.ok_or(UpstreamError::Closed)? {
                Ok(answer) => {
                    let link = Some(link);
                    return Ok((answer, Exchange { upstream: self, link, length, _place: place }));
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(error.into_error().into()),
                },
            }
        }
        let mut link = Link::open(self.address).await?;
        let sent = link.sender.send_request(request);
        let answer = link.driver.drive(sent).await.ok_or(UpstreamError::Closed)??;
        Ok((answer, Exchange { upstream: self, link: Some(link), length, _place: place }))
    }

    fn pooled(&self) -> Option<Link> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let link = idle.pop()?;
            if link.sender.is_ready() {
                return Some(link);
            }
        }
    }
}

/// One request on its way; its connection can be used again once the answer is read to its end.
pub(super) struct Exchange<'u> {
    upstream: &'u Upstream,
    link: Option<Link>,
    /// Bytes of the request's body.
    length: u64,
    _place: SemaphorePermit<'u>,
}

impl Exchange<'_> {
    /// Waits for `future`, which needs the connection to go on. `None` where the connection ended without it.
    pub(super) async fn drive<F: Future>(&mut self, future: F) -> Option<F::Output> {
        self.link.as_mut()?.driver.drive(future).await
    }

    /// The answer was read to its end: the connection may serve another request. Where it refused one with a body, Rocket may have left
    /// some of that unread and close the connection, which the next request must not meet.
    pub(super) async fn finish(mut self, status: StatusCode) {
        let Some(mut link) = self.link.take() else { return };
        if self.length > READ_AT_ONCE && !status.is_success() {
            return;
        }
        if !link.sender.is_ready() {
            let ready = link.sender.ready();
            if !matches!(link.driver.drive(ready).await, Some(Ok(()))) {
                return;
            }
        }
        self.upstream.idle.lock().unwrap_or_else(PoisonError::into_inner).push(link);
    }
}

/// A connection, driven by whoever uses it: no task of its own, so nobody is woken in between.
struct Link {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
}

struct Driver {
    connection: Pin<Box<Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
    over: bool,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("over", &self.driver.over).finish_non_exhaustive()
    }
}

impl Link {
    async fn open(address: SocketAddr) -> Result<Self, UpstreamError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        Ok(Self { sender, driver: Driver { connection: Box::pin(connection), over: false } })
    }
}

impl Driver {
    async fn drive<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|context| {
            loop {
                if let Poll::Ready(output) = future.as_mut().poll(context) {
                    return Poll::Ready(Some(output));
                }
                if self.over {
                    return Poll::Ready(None);
                }
                if self.connection.as_mut().poll(context).is_pending() {
                    // What the connection has just read may be what the future waits for.
                    return future.as_mut().poll(context).map(Some);
                }
                self.over = true;
            }
        })
        .await
    }
}
