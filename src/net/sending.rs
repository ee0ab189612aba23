//! The body of a request, which notes whether anything of the request can have gone out.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use hyper::body::{Body, Bytes, Frame, SizeHint};

/// Whether a request's head was written: from then on bytes may have gone out. Before, they surely have not.
#[derive(Clone, Default)]
pub(super) struct Begun(Arc<AtomicBool>);

impl Begun {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    pub(super) fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A body in one piece. hyper asks for its length and its data when it has a connection and writes the head, not sooner; a layer that
/// asks sooner would make `Begun` true too early, which errs on the safe side.
pub(super) struct Sending {
    data: Option<Bytes>,
    begun: Begun,
}

impl Sending {
    pub(super) fn new(data: Vec<u8>, begun: Begun) -> Self {
        Self { data: (!data.is_empty()).then(|| data.into()), begun }
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.begun.set();
        Poll::Ready(self.data.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.begun.set();
        self.data.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.data.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
    }
}
