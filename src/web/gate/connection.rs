//! One client's connection: request after request, one at a time.

use std::{
    net::IpAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use tokio::{net::TcpStream, sync::Semaphore};

use super::{
    Bounds, Observer, RefusedRequest, Upstream,
    body::{Body, End, Reader},
    head::{Framing, Head},
    reply::{Form, of_fault, send},
};
use crate::{
    lifecycle::{Lifecycle, Phase},
    web::{Counters, Fault, Foreign, MARK, PEER, Sampler, client_address, loggable},
};

/// What all connections share.
pub(super) struct Shared {
    pub(super) bounds: Bounds,
    pub(super) upstream: Upstream,
    pub(super) lifecycle: Lifecycle,
    pub(super) observer: Observer,
    pub(super) counters: Arc<Counters>,
    /// Log lines of refusals: one a second of a reason; of what is not even HTTP one a minute.
    pub(super) lines: Sampler,
    pub(super) rare_lines: Sampler,
    /// The common buffer of large bodies, in KiB.
    pub(super) common: Arc<Semaphore>,
}

/// How a request is known where it is refused.
struct Known<'k> {
    client: IpAddr,
    path: &'k str,
    head_only: bool,
}

/// Serves one connection to its end.
pub(super) async fn serve(stream: TcpStream, peer: IpAddr, shared: &Shared) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut reader = Reader::new(stream);
    let mut draining = pin!(shared.lifecycle.reached(Phase::Draining));
    let mut first = true;
    loop {
        let head = match reader.head(&shared.bounds, first, draining.as_mut()).await {
            Ok(head) => head,
            Err(End::Closed) => return,
            Err(End::Fault(fault, _)) => {
                let known = Known { client: peer, path: "", head_only: false };
                return refuse(reader, &fault, 0, &known, shared).await;
            }
        };
        first = false;
        let client = client_address(peer, head.forwarded.iter().map(String::as_str), &shared.bounds.trusted);
        let path = head.target.path().to_owned();
        let known = Known { client, path: &path, head_only: head.method == Method::HEAD };
        let body = match reader.body(&head, &shared.bounds, &shared.common).await {
            Ok(body) => body,
            Err(End::Closed) => return,
            Err(End::Fault(fault, bytes)) => return refuse(reader, &fault, bytes, &known, shared).await,
        };
        let (old, keep) = (head.old, head.keep);
        let request = forwarded(head, &body, client, &shared.upstream.mark);
        let sent = shared.upstream.send(request).await;
        let form = Form {
            head_only: known.head_only,
            old,
            keep: keep && shared.lifecycle.is_serving(),
            patience: shared.bounds.idle_timeout,
        };
        match sent {
            Ok((answer, exchange)) => {
                if send(&mut reader, answer, exchange, form).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                let fault = match error {
                    super::upstream::UpstreamError::Crowded => Fault::BUSY,
                    _ => Fault::INTERNAL,
                };
                tracing::error!(peer = %client, path = %Foreign(loggable(&path)), %error, "a request could not be handed on");
                return refuse(reader, &fault, body.bytes.len(), &known, shared).await;
            }
        }
        if !form.keep || !shared.lifecycle.is_serving() {
            return reader.close(false).await;
        }
    }
}

/// The request as Rocket gets it: framed anew, by the length of the bytes that are there.
fn forwarded(head: Head, body: &Body, client: IpAddr, mark: &HeaderValue) -> Request<Full<Bytes>> {
    let has_body = head.framing != Framing::None || head.method == Method::POST;
    let mut request = Request::new(Full::new(body.bytes.clone()));
    *request.method_mut() = head.method;
    *request.uri_mut() = head.target;
    let mut headers = head.headers;
    headers.insert(MARK, mark.clone());
    if let Ok(client) = HeaderValue::try_from(client.to_string()) {
        headers.insert(PEER, client);
    }
    if has_body {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.bytes.len()));
    }
    headers.entry(header::HOST).or_insert(HeaderValue::from_static("localhost"));
    *request.headers_mut() = headers;
    request
}

async fn refuse(mut reader: Reader, fault: &Fault, bytes: usize, known: &Known<'_>, shared: &Shared) {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    shared.counters.count("", fault.code);
    let lines = if known.path.is_empty() { &shared.rare_lines } else { &shared.lines };
    if let Some(more) = lines.pass(fault.code, Instant::now()) {
        tracing::warn!(peer = %known.client, path = %Foreign(loggable(known.path)), reason = fault.code, status = fault.status, bytes, more, "request refused");
    }
    let refused =
        RefusedRequest { peer: known.client, path: known.path, reason: fault.code, status: fault.status, bytes };
    (shared.observer)(&refused);
    let answer = of_fault(fault, known.head_only);
    if reader.write(&answer, Duration::from_secs(5)).await.is_ok() {
        reader.close(true).await;
    }
}
