//! What went wrong with a request, and whether it may have taken effect.

use std::{error::Error, io, time::Duration};

use super::{guard::NotFound, message::SendError};
use crate::{egress::Denied, model::ErrorClass};

/// An error and all that caused it, those inside of I/O errors too.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'e (dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            // `source` of an I/O error skips the very error that it wraps.
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

fn cause<E: Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// No head of an answer came: `begun` tells whether anything of the request can have gone out.
pub(super) fn unanswered(error: &reqwest::Error, host: &str, begun: bool) -> SendError {
    let maybe_executed = begun && !error.is_connect() && !error.is_builder();
    let (class, message) = if let Some(Denied(why)) = cause::<Denied>(error) {
        (ErrorClass::EgressDenied, why.clone())
    } else if let Some(NotFound(why)) = cause::<NotFound>(error) {
        (ErrorClass::Network, format!("host `{host}` cannot be found: {why}"))
    } else if let Some(why) = tls(error) {
        (ErrorClass::Tls, format!("no TLS with `{host}`: {why}"))
    } else if error.is_builder() {
        (ErrorClass::RenderType, format!("the request to `{host}` cannot be written: its URL or a header is not valid"))
    } else if error.is_timeout() && !maybe_executed {
        (ErrorClass::Network, format!("no connection to `{host}` in time"))
    } else if cause::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        (ErrorClass::BadReply, format!("the answer of `{host}` is not HTTP/1.1, or its head is too large"))
    } else if maybe_executed {
        (ErrorClass::Timeout, format!("the connection to `{host}` broke before an answer came{}", because(error)))
    } else {
        (ErrorClass::Network, format!("no connection to `{host}`{}", because(error)))
    };
    SendError { class, maybe_executed, message }
}

/// The head of an answer came, but not the whole body.
pub(super) fn cut_short(error: &reqwest::Error, host: &str) -> SendError {
    let message = format!("the answer of `{host}` broke off{}", because(error));
    SendError { class: ErrorClass::BadReply, maybe_executed: true, message }
}

/// The request's time was up.
pub(super) fn late(host: &str, timeout: Duration, begun: bool) -> SendError {
    let seconds = timeout.as_secs_f64();
    if begun {
        let message = format!("no whole answer from `{host}` within {seconds} s");
        return SendError { class: ErrorClass::Timeout, maybe_executed: true, message };
    }
    let message = format!("no connection to `{host}` within {seconds} s");
    SendError { class: ErrorClass::Network, maybe_executed: false, message }
}

/// What TLS said, if it was TLS: an end or nonsense in the middle of the handshake counts.
fn tls(error: &reqwest::Error) -> Option<String> {
    if let Some(why) = cause::<rustls::Error>(error) {
        return Some(why.to_string());
    }
    let secure = error.url().is_some_and(|url| url.scheme() == "https");
    let kind = cause::<io::Error>(error)?.kind();
    let broken = matches!(kind, io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData);
    (secure && error.is_connect() && broken).then(|| "the handshake broke off".to_owned())
}

/// The system's own word for it, which holds nothing of the request.
fn because(error: &reqwest::Error) -> String {
    cause::<io::Error>(error).map(|io| format!(": {}", io.kind())).unwrap_or_default()
}
