//! Reads a client's bytes within their deadlines: a head, and the whole body that follows it.

use std::{future::Future, sync::Arc};

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Duration, Instant, timeout, timeout_at},
};

use super::{
    Bounds,
    chunked::Decoder,
    head::{Framing, Head, Scan, parse, scan},
};
use crate::web::Fault;

/// Bytes that one read takes at least.
const READ: usize = 8 * 1024;
/// A body up to here costs nothing of the common buffer.
const SMALL: usize = 16 * 1024;
/// Bytes that a permit of the common buffer stands for.
const UNIT: usize = 1024;
/// How long, and for how many bytes, what a refused client still sends is read, so that it gets to see the answer.
const LINGER: (Duration, usize) = (Duration::from_millis(500), 1024 * 1024);

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// With this answer; so many bytes of a body had been read.
    Fault(Fault, usize),
    /// Without one: the client is gone, or has nothing to say.
    Closed,
}

/// A client's connection and what was read of it too early.
#[derive(Debug)]
pub(super) struct Reader {
    stream: TcpStream,
    buffer: BytesMut,
}

/// A body, with what it takes of the common buffer as long as it lives.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) bytes: Bytes,
    _held: Option<OwnedSemaphorePermit>,
}

impl Reader {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: BytesMut::new() }
    }

    /// Reads the next head. `draining` ends the wait for its first byte.
    pub(super) async fn head(
        &mut self,
        bounds: &Bounds,
        first: bool,
        draining: impl Future<Output = ()>,
    ) -> Result<Head, End> {
        if self.buffer.is_empty() {
            // An idle connection holds no buffer.
            self.buffer = BytesMut::new();
            let patience = if first { bounds.head_timeout } else { bounds.idle_timeout };
            tokio::select! {
                biased;
                read = timeout(patience, self.read()) => match read {
                    Ok(Ok(1..)) => {}
                    _ => return Err(End::Closed),
                },
                () = draining => return Err(End::Closed),
            }
        }
        let deadline = Instant::now() + bounds.head_timeout;
        let (mut from, mut skipped) = (0, false);
        loop {
            if !skipped && self.buffer.starts_with(b"\r\n") {
                // Some old clients end a body with an empty line that it does not count.
                self.buffer.advance(2);
                skipped = true;
            }
            if !(self.buffer.is_empty() || (!skipped && self.buffer.as_ref() == b"\r")) {
                match scan(&self.buffer, &mut from) {
                    Scan::End(length) => {
                        let head = self.buffer.split_to(length);
                        return parse(&head).map_err(|fault| End::Fault(fault, 0));
                    }
                    Scan::Refused(fault) => return Err(End::Fault(fault, 0)),
                    Scan::More => {}
                }
            }
            match timeout_at(deadline, self.read()).await {
                Ok(Ok(1..)) => {}
                Ok(_) => return Err(End::Closed),
                Err(_) => return Err(End::Fault(Fault::new(408, "slow_head", "the head came too slowly"), 0)),
            }
        }
    }

    /// Reads the whole body.
    pub(super) async fn body(&mut self, head: &Head, bounds: &Bounds, common: &Arc<Semaphore>) -> Result<Body, End> {
        let most = bounds.body_at(head.target.path());
        let length = match head.framing {
            Framing::None => return Ok(Body::default()),
            Framing::Length(length) => match usize::try_from(length) {
                Ok(length) if length <= most => Some(length),
                _ => return Err(End::Fault(Fault::TOO_LARGE, 0)),
            },
            Framing::Chunked => None,
        };
        if head.expects && self.buffer.len() < length.unwrap_or(usize::MAX) {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n", bounds.idle_timeout).await?;
        }
        let mut meter = Meter::new(bounds, common);
        match length {
            Some(length) => self.body_of(length, &mut meter).await,
            None => self.chunked_body(most, &mut meter).await,
        }
    }

    async fn body_of(&mut self, length: usize, meter: &mut Meter<'_>) -> Result<Body, End> {
        /// How far ahead of the bytes that came the buffer grows: a length that is only claimed costs nothing.
        const AHEAD: usize = 64 * 1024;
        while self.buffer.len() < length {
            let have = self.buffer.len();
            meter.hold(have)?;
            self.buffer.reserve((length - have).clamp(1, AHEAD));
            let read = meter.read(have, self.stream.read_buf(&mut self.buffer)).await?;
            if read == 0 {
                return Err(End::Fault(Fault::INCOMPLETE, have));
            }
        }
        Ok(Body { bytes: self.buffer.split_to(length).freeze(), _held: meter.held.take() })
    }

    async fn chunked_body(&mut self, limit: usize, meter: &mut Meter<'_>) -> Result<Body, End> {
        let mut decoder = Decoder::new(limit);
        loop {
            let done = decoder.take(&mut self.buffer).map_err(|fault| End::Fault(fault, decoder.body.len()))?;
            if done {
                return Ok(Body { bytes: decoder.body.freeze(), _held: meter.held.take() });
            }
            let have = decoder.body.len();
            meter.hold(have)?;
            self.buffer.reserve(READ);
            let read = meter.read(have, self.stream.read_buf(&mut self.buffer)).await?;
            if read == 0 {
                return Err(End::Fault(Fault::INCOMPLETE, have));
            }
        }
    }

    async fn read(&mut self) -> std::io::Result<usize> {
        self.buffer.reserve(READ);
        self.stream.read_buf(&mut self.buffer).await
    }

    /// Writes all of `bytes`; a client that takes none of them for `patience` is given up.
    pub(super) async fn write(&mut self, bytes: &[u8], patience: Duration) -> Result<(), End> {
        match timeout(patience, self.stream.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::Closed),
        }
    }

    /// Says goodbye: no more from us, and for a moment what the client still sends is thrown away. To close with unread bytes would
    /// reset the connection, and the answer with it.
    pub(super) async fn close(mut self, linger: bool) {
        if self.stream.shutdown().await.is_err() || (!linger && self.buffer.is_empty()) {
            return;
        }
        let (span, most) = LINGER;
        let thrown_away = async {
            let mut seen = 0;
            while seen < most {
                self.buffer.clear();
                match self.read().await {
                    Ok(read @ 1..) => seen += read,
                    _ => return,
                }
            }
        };
        if timeout(span, thrown_away).await.is_err() {
            tracing::trace!("a refused client went on sending");
        }
    }
}

/// Watches over one body: its deadlines, and its share of the common buffer.
struct Meter<'b> {
    bounds: &'b Bounds,
    common: &'b Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    deadline: Instant,
    window_ends: Instant,
    window_began_with: usize,
}

impl<'b> Meter<'b> {
    fn new(bounds: &'b Bounds, common: &'b Arc<Semaphore>) -> Self {
        let now = Instant::now();
        Self {
            bounds,
            common,
            held: None,
            deadline: now + bounds.body_timeout,
            window_ends: now + bounds.body_pace,
            window_began_with: 0,
        }
    }

    /// Takes a share of the common buffer for a body of which `have` bytes came, one step ahead.
    fn hold(&mut self, have: usize) -> Result<(), End> {
        if have < SMALL {
            return Ok(());
        }
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = have.div_ceil(UNIT);
        if wanted <= held {
            return Ok(());
        }
        let step = u32::try_from((wanted - held).max(64)).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(self.common).try_acquire_many_owned(step) else {
            return Err(End::Fault(Fault::new(503, "buffer_full", "too many large bodies at once").after(1), have));
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }

    /// Waits for a read of a body of which `have` bytes came: until the deadline, or until a span of time brought too few.
    async fn read(&mut self, have: usize, read: impl Future<Output = std::io::Result<usize>>) -> Result<usize, End> {
        let mut read = std::pin::pin!(read);
        loop {
            let until = self.deadline.min(self.window_ends);
            if let Ok(read) = timeout_at(until, read.as_mut()).await {
                self.roll(have)?;
                return read.map_err(|_| End::Closed);
            }
            self.roll(have)?;
        }
    }

    /// Begins a new span where the last one is over, if it brought enough.
    fn roll(&mut self, have: usize) -> Result<(), End> {
        let now = Instant::now();
        if now < self.deadline.min(self.window_ends) {
            return Ok(());
        }
        let wanted = self.bounds.body_rate.saturating_mul(self.bounds.body_pace.as_secs().max(1));
        let came = have.saturating_sub(self.window_began_with);
        if now >= self.deadline || u64::try_from(came).unwrap_or(u64::MAX) < wanted {
            return Err(End::Fault(Fault::new(408, "slow_body", "the body came too slowly"), have));
        }
        self.window_began_with = have;
        self.window_ends = now + self.bounds.body_pace;
        Ok(())
    }
}
