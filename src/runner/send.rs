//! One request of one attempt: addressed, given its secrets, sent, and what came back kept masked.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use crate::{
    actions::{Answer, Request, Target},
    connections::{Connections, Destination},
    model::{ErrorClass, StepError},
    net::{Client, Outgoing, Reply, SendError},
    secret::Masker,
    services::Registry,
};

/// Bytes of a reply's body that are kept.
const KEPT_REPLY: usize = 64 * 1024;

/// The header that tells a target which attempts are one.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The header that counts how many of our own actions led here: a loop through other servers ends.
const DEPTH: HeaderName = HeaderName::from_static("bellwire-depth");

/// What came of sending.
pub(super) enum Sent {
    /// A whole answer.
    Reply(Reply),
    /// No answer.
    None(SendError),
    /// It never went out, and never will as it is.
    Refused(StepError),
}

impl Sent {
    /// As actions read it. `None` where it was refused.
    pub(super) fn answer(&self) -> Option<Answer<'_>> {
        match self {
            Self::Reply(reply) => Some(Answer::Reply {
                status: reply.status,
                headers: &reply.headers,
                body: &reply.body,
                truncated: reply.truncated,
            }),
            Self::None(error) => {
                Some(Answer::None { class: error.class, maybe_executed: error.maybe_executed, message: &error.message })
            }
            Self::Refused(_) => None,
        }
    }

    /// The HTTP status, if an answer came.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Reply(reply) => Some(reply.status),
            _ => None,
        }
    }

    /// The reply as it is stored: masked, cut. `None` where there is none.
    pub(super) fn kept(&self, masker: &Masker) -> Option<Vec<u8>> {
        let Self::Reply(reply) = self else { return None };
        // What was cut off in the middle of a secret would be found by nobody: such an end is not kept.
        let sure = if reply.truncated { reply.body.len().saturating_sub(masker.longest()) } else { reply.body.len() };
        let body = masker.mask(&String::from_utf8_lossy(reply.body.get(..sure).unwrap_or_default()));
        let kept = body.get(..body.floor_char_boundary(KEPT_REPLY)).unwrap_or_default();
        let headers: Vec<Value> = reply.headers.iter().map(|(name, value)| json!([name, masker.mask(value)])).collect();
        let whole = json!({
            "status": reply.status,
            "headers": headers,
            "body": kept,
            "cut": reply.truncated || kept.len() < body.len(),
        });
        Some(whole.to_string().into_bytes())
    }
}

/// Which connection a request goes through, or which host and port: what rate and places are counted by.
pub(super) fn lane(request: &Request) -> String {
    match &request.target {
        Target::Connection { name, .. } => name.clone(),
        Target::Url(url) => url::Url::parse(url)
            .ok()
            .and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?)))
            .unwrap_or_default(),
    }
}

/// What belongs to an attempt beside its request.
pub(super) struct Envelope<'a> {
    pub(super) key: &'a str,
    pub(super) depth: u8,
    pub(super) timeout: Duration,
}

/// Sends once.
pub(super) async fn send(
    client: &Client,
    connections: &Connections,
    registry: &Registry,
    request: &Request,
    envelope: &Envelope<'_>,
) -> Sent {
    let outgoing = match outgoing(connections, registry, request, envelope) {
        Ok(outgoing) => outgoing,
        Err(error) => return Sent::Refused(error),
    };
    match client.send(outgoing).await {
        Ok(reply) => Sent::Reply(reply),
        Err(error) => Sent::None(error),
    }
}

fn outgoing(
    connections: &Connections,
    registry: &Registry,
    request: &Request,
    envelope: &Envelope<'_>,
) -> Result<Outgoing, StepError> {
    let destination = match &request.target {
        Target::Connection { name, path } => Destination::Connection { name, path },
        Target::Url(url) => Destination::Url(url),
    };
    let (url, secret_headers) = connections.address(registry, &destination, request.auth.as_ref())?;
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| refused(ErrorClass::RenderType, format!("`{}` is no HTTP method", request.method)))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| refused(ErrorClass::InvalidHeaderValue, format!("`{name}` is no name of a header")))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            refused(ErrorClass::InvalidHeaderValue, format!("the value of header `{name}` holds control characters"))
        })?;
        headers.append(name, value);
    }
    let key = HeaderValue::from_str(envelope.key)
        .map_err(|_| refused(ErrorClass::Internal, "the Idempotency-Key does not fit a header".to_owned()))?;
    headers.insert(IDEMPOTENCY_KEY, key);
    headers.insert(DEPTH, HeaderValue::from(u16::from(envelope.depth) + 1));
    headers.extend(secret_headers);
    let body = connections.body(registry, &destination, &url, request.body.as_deref())?.map(String::into_bytes);
    Ok(Outgoing { method, url, headers, body, timeout: envelope.timeout })
}

fn refused(class: ErrorClass, message: String) -> StepError {
    StepError { step: String::new(), class, status: None, message, attempt: 0 }
}
