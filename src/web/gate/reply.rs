//! What goes back to the client: Rocket's answer, framed anew, or one of the gate's own.

use bytes::{BufMut, BytesMut};
use http::{HeaderName, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::Duration;

use super::{
    body::{End, Reader},
    upstream::Exchange,
};
use crate::web::{Fault, STANDARD, errors::request_id};

/// Bytes of an answer that go out in one write at most.
const WRITE: usize = 64 * 1024;

/// What of the request decides the form of its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    /// Asked by HEAD: no body.
    pub(super) head_only: bool,
    /// HTTP/1.0: knows no chunks.
    pub(super) old: bool,
    /// The connection goes on after it.
    pub(super) keep: bool,
    /// How long the client may take no byte.
    pub(super) patience: Duration,
}

#[derive(Clone, Copy)]
enum Framing {
    None,
    Length,
    Chunked,
    UntilClose,
}

/// Sends Rocket's answer. An answer that breaks off is broken off here too.
pub(super) async fn send(
    reader: &mut Reader,
    answer: Response<Incoming>,
    mut exchange: Exchange<'_>,
    form: Form,
) -> Result<(), End> {
    let (parts, mut body) = answer.into_parts();
    let length = body.size_hint().exact();
    let bodiless = form.head_only || matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let framing = match (bodiless, length) {
        (true, _) => Framing::None,
        (false, Some(_)) => Framing::Length,
        (false, None) if form.old => Framing::UntilClose,
        (false, None) => Framing::Chunked,
    };
    let mut out = BytesMut::with_capacity(1024);
    status_line(&mut out, parts.status);
    for (name, value) in &parts.headers {
        if !is_of_one_hop(name) && (bodiless || name != header::CONTENT_LENGTH) {
            field(&mut out, name.as_str(), value.as_bytes());
        }
    }
    match (framing, length) {
        (Framing::Length, Some(length)) => field(&mut out, "content-length", length.to_string().as_bytes()),
        (Framing::Chunked, _) => field(&mut out, "transfer-encoding", b"chunked"),
        _ => {}
    }
    if !form.keep {
        field(&mut out, "connection", b"close");
    }
    out.put_slice(b"\r\n");

    loop {
        let Some(frame) = exchange.drive(body.frame()).await else { return Err(End::Closed) };
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| End::Closed)?.into_data() else { continue };
        match framing {
            Framing::None => continue,
            Framing::Length | Framing::UntilClose => out.put_slice(&data),
            Framing::Chunked if data.is_empty() => continue,
            Framing::Chunked => {
                out.put_slice(format!("{:x}\r\n", data.len()).as_bytes());
                out.put_slice(&data);
                out.put_slice(b"\r\n");
            }
        }
        // An answer of known length waits for its end; a stream of events does not.
        if !matches!(framing, Framing::Length) || out.len() >= WRITE {
            reader.write(&out, form.patience).await?;
            out.clear();
        }
    }
    if matches!(framing, Framing::Chunked) {
        out.put_slice(b"0\r\n\r\n");
    }
    exchange.finish(parts.status).await;
    reader.write(&out, form.patience).await
}

/// An answer of the gate itself. The connection ends after it.
pub(super) fn of_fault(fault: &Fault, head_only: bool) -> BytesMut {
    let id = if fault.status >= 500 { request_id() } else { String::new() };
    let body = fault.body(&id);
    let mut out = BytesMut::with_capacity(512);
    status_line(&mut out, StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    field(&mut out, "content-type", b"application/json");
    for (name, value) in STANDARD {
        field(&mut out, &name.to_ascii_lowercase(), value.as_bytes());
    }
    if let Some(seconds) = fault.retry_after {
        field(&mut out, "retry-after", seconds.to_string().as_bytes());
    }
    if let Some(allow) = fault.allow {
        field(&mut out, "allow", allow.as_bytes());
    }
    field(&mut out, "content-length", body.len().to_string().as_bytes());
    field(&mut out, "connection", b"close");
    out.put_slice(b"\r\n");
    if !head_only {
        out.put_slice(body.as_bytes());
    }
    out
}

fn status_line(out: &mut BytesMut, status: StatusCode) {
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(status.as_str().as_bytes());
    out.put_slice(b" ");
    out.put_slice(status.canonical_reason().unwrap_or("Status").as_bytes());
    out.put_slice(b"\r\n");
}

fn field(out: &mut BytesMut, name: &str, value: &[u8]) {
    out.put_slice(name.as_bytes());
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

fn is_of_one_hop(name: &HeaderName) -> bool {
    *name == header::CONNECTION
        || *name == header::TRANSFER_ENCODING
        || *name == header::UPGRADE
        || *name == header::TRAILER
        || name.as_str() == "keep-alive"
}
