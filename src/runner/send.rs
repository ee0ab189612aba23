//! One request of one attempt: addressed, given its secrets, sent, and what came back kept masked.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::{
    actions::{Answer, Request, Target},
    connections::{Came, Connections, Destination, Pause, Post, Unready},
    model::{ErrorClass, SMTP_CODE, StepError},
    net::{Client, Reply, SendError},
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
    /// Its access token was refused, and a person has to log in before there is another: it did not take effect.
    Paused(Pause),
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
            Self::Refused(_) | Self::Paused(_) => None,
        }
    }

    /// What it says of the host: whether it is there and does its work. `throttled`: the answer means "slow down".
    pub(super) fn came(&self, throttled: bool) -> Came {
        match self {
            // A mail server that says "later" is there, and has spoken of one message.
            Self::Reply(reply) if reply.headers.iter().any(|(name, _)| name == SMTP_CODE) => Came::Answer,
            Self::Reply(reply) if reply.status >= 500 && !throttled => Came::Failure,
            Self::Reply(_) => Came::Answer,
            Self::None(error) => match error.class {
                ErrorClass::Network | ErrorClass::Tls | ErrorClass::Timeout | ErrorClass::BadReply => Came::Failure,
                // What our own rules forbid says nothing of the host.
                _ => Came::Nothing,
            },
            Self::Refused(_) | Self::Paused(_) => Came::Nothing,
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

/// Where a request goes.
pub(super) fn destination(request: &Request) -> Destination<'_> {
    match &request.target {
        Target::Connection { name, host, path } => Destination::Connection { name, host: host.as_deref(), path },
        Target::Url(url) => Destination::Url(url),
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
#[derive(Clone, Copy)]
pub(super) struct Envelope<'a> {
    /// What the target knows a repeated request by. `None`: none is sent.
    pub(super) key: Option<&'a str>,
    pub(super) depth: u8,
    pub(super) timeout: Duration,
}

/// Sends once; once more where an access token was refused and a new one was had.
pub(super) async fn send(
    client: &Client,
    connections: &Connections,
    registry: &Registry,
    request: &Request,
    envelope: &Envelope<'_>,
) -> Sent {
    let headers = match headers(request, envelope) {
        Ok(headers) => headers,
        Err(error) => return Sent::Refused(error),
    };
    let post = Post {
        destination: destination(request),
        auth: request.auth.as_ref(),
        method: &request.method,
        headers: &headers,
        body: request.body.as_deref().map(str::as_bytes),
        timeout: envelope.timeout,
    };
    match connections.send(client, registry, &post).await {
        Ok(Ok(reply)) => Sent::Reply(reply),
        Ok(Err(error)) => Sent::None(error),
        Err(Unready::Refused(error)) => Sent::Refused(error),
        // Nothing of it went out, or it was refused for its token alone: the step's schedule says when again.
        Err(Unready::Later(error)) => {
            Sent::None(SendError { class: error.class, maybe_executed: false, message: error.message })
        }
        Err(Unready::Paused(pause)) => Sent::Paused(pause),
    }
}

fn headers(request: &Request, envelope: &Envelope<'_>) -> Result<HeaderMap, StepError> {
    let pairs = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut headers = Connections::headers(pairs)?;
    if let Some(key) = envelope.key {
        let key = HeaderValue::from_str(key)
            .map_err(|_| refused(ErrorClass::Internal, "the Idempotency-Key does not fit a header".to_owned()))?;
        headers.insert(IDEMPOTENCY_KEY, key);
    }
    headers.insert(DEPTH, HeaderValue::from(u16::from(envelope.depth) + 1));
    Ok(headers)
}

fn refused(class: ErrorClass, message: String) -> StepError {
    StepError { step: String::new(), class, status: None, message, attempt: 0 }
}
