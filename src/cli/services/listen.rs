//! Listens for one delivery, where no server runs that could take it.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::captured::Captured;
use crate::clock::SharedClock;

/// What is waited for.
pub(super) struct Wanted {
    /// `None`: any.
    pub(super) source: Option<String>,
    /// Bytes of a body at most.
    pub(super) largest: usize,
    pub(super) clock: SharedClock,
}

/// For the head of a request, and for all of it.
const HEAD: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(30);

/// Waits for the first delivery that is wanted and answers it; others are refused. Ends only by it: whoever calls says for how long.
pub(super) async fn one(listener: TcpListener, wanted: Wanted) -> Captured {
    let wanted = Arc::new(wanted);
    let (found, mut finds) = mpsc::channel(1);
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                tokio::spawn(connection(stream, Arc::clone(&wanted), found.clone()));
            },
            // `found` lives here, so that there is always somebody who could send.
            Some(captured) = finds.recv() => return captured,
        }
    }
}

/// Serves a connection; what was captured is told once its answer has gone out.
async fn connection(stream: TcpStream, wanted: Arc<Wanted>, found: mpsc::Sender<Captured>) {
    let seen: Arc<Mutex<Option<Captured>>> = Arc::default();
    let service = service_fn(|request| {
        let (wanted, seen) = (Arc::clone(&wanted), Arc::clone(&seen));
        async move {
            let (status, text) = match take(request, &wanted).await {
                Ok(captured) => {
                    *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(captured);
                    (StatusCode::ACCEPTED, r#"{"captured":true}"#.to_owned())
                }
                Err((status, code, message)) => {
                    let error = serde_json::json!({"error": {"code": code, "message": message}});
                    (status, error.to_string())
                }
            };
            let mut response = Response::new(Full::new(Bytes::from(text)));
            *response.status_mut() = status;
            let json = http::HeaderValue::from_static("application/json");
            response.headers_mut().insert(http::header::CONTENT_TYPE, json);
            Ok::<_, Infallible>(response)
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // Whether the sender waited for the answer is not ours to mend.
    drop(tokio::time::timeout(WHOLE, serving).await);
    let captured = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(captured) = captured {
        drop(found.send(captured).await);
    }
}

type Fault = (StatusCode, &'static str, &'static str);

async fn take(request: Request<Incoming>, wanted: &Wanted) -> Result<Captured, Fault> {
    const NOTHING: Fault = (StatusCode::NOT_FOUND, "not_found", "there is nothing here");
    let path = request.uri().path().to_owned();
    let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8().map(String::from).ok();
    let parts: Option<Vec<String>> =
        path.strip_prefix("/hooks/").map(|rest| rest.split('/').map(decoded).collect()).unwrap_or_default();
    let Some((source, rest)) = parts.as_deref().and_then(<[String]>::split_first) else { return Err(NOTHING) };
    let is_name = source.len() <= 63
        && !source.is_empty()
        && source.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !is_name || rest.len() > 2 || wanted.source.as_ref().is_some_and(|wanted| wanted != source) {
        return Err(NOTHING);
    }
    if request.method() != Method::POST {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "the method is not allowed here"));
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let headers = request.headers().clone();
    if headers.contains_key(http::header::CONTENT_ENCODING) {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_encoding", "send the body without Content-Encoding"));
    }
    let body = Limited::new(request.into_body(), wanted.largest).collect().await;
    let body =
        body.map_err(|_| (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is too large or broken"))?;
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned();
    let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
    Ok(Captured::new(wanted.clock.now(), source, rest, query, headers, &body.to_bytes()))
}
