//! One request to a service about its webhooks.

use std::time::Duration;

use super::way::Way;
use crate::{
    actions::{self, Answer as Came, Reading, Request, Target},
    cli::open,
    connections::{Connections, Destination, Post},
    model::{ErrorClass, Place, StepPath},
    rules::{OnStepError, Retry, RetryWhen, Step, StepKind},
    services::Action,
    value::{Object, Value},
};

/// As long as a step may take unless it says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why there is no answer that says yes. Sentences are masked.
pub(super) enum Not {
    /// The service said no, or could not be asked: nothing was changed there.
    Refused { status: Option<u16>, message: String },
    /// The request may have arrived, and no answer came.
    Unknown(String),
}

impl Not {
    pub(super) fn message(&self) -> &str {
        match self {
            Self::Refused { message, .. } | Self::Unknown(message) => message,
        }
    }

    /// Whether the next request would fare the same.
    pub(super) fn is_of_all(&self) -> bool {
        match self {
            Self::Refused { status, .. } => !matches!(status, Some(400 | 404 | 405 | 409 | 410 | 415 | 422)),
            Self::Unknown(_) => true,
        }
    }
}

/// What a request's templates see.
pub(super) fn values<'v>(inputs: &'v Object, more: Vec<(&'v str, Value)>) -> Vec<(&'v str, Value)> {
    inputs.iter().map(|(name, value)| (name.as_str(), value.clone())).chain(more).collect()
}

impl Way<'_> {
    /// The request of an action of the pack's `subscribe`.
    pub(super) fn request(&self, action: &Action, values: &[(&str, Value)]) -> Result<Request, Not> {
        let now = open::clock().now();
        actions::prepare_values(self.pack, action, values, &self.connection, now)
            .map_err(|why| self.refused(None, &format!("the pack's request cannot be made: {why}")))
    }

    /// Sends it. `{status, headers, body}` of an answer that says yes.
    pub(super) async fn ask(&self, action: &Action, values: &[(&str, Value)]) -> Result<Value, Not> {
        let request = self.request(action, values)?;
        let headers = Connections::headers(request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .map_err(|error| self.refused(None, &error.message))?;
        let Target::Connection { name, host, path } = &request.target else {
            return Err(self.refused(None, "the pack's request goes through no connection"));
        };
        let post = Post {
            destination: Destination::Connection { name, host: host.as_deref(), path },
            auth: None,
            method: &request.method,
            headers: &headers,
            body: request.body.as_deref().map(str::as_bytes),
            timeout: TIMEOUT,
        };
        let sent = self.desk.connections.send(&self.desk.client, &self.desk.registry, &post).await;
        let answer = sent.map_err(|unready| self.refused(None, &unready.error().message))?;
        let (came, status) = match &answer {
            Ok(reply) => (
                Came::Reply {
                    status: reply.status,
                    headers: &reply.headers,
                    body: &reply.body,
                    truncated: reply.truncated,
                },
                Some(reply.status),
            ),
            Err(error) => {
                (Came::None { class: error.class, maybe_executed: error.maybe_executed, message: &error.message }, None)
            }
        };
        let now = open::clock().now();
        match actions::read_action(&step(action, &self.connection), self.pack, action, &came, now) {
            Reading::Ok { result, response, .. } => Ok(whole(response, result)),
            Reading::Unknown { error, .. } => Err(Not::Unknown(self.masked(&error.message))),
            // The answer cannot be read, and said yes.
            Reading::Failed { error, .. } if error.class == ErrorClass::BadReply && status.is_some_and(|s| s < 300) => {
                Err(Not::Unknown(self.masked(&error.message)))
            }
            Reading::Failed { error, .. } | Reading::Retry { error, .. } => Err(self.refused(status, &error.message)),
        }
    }

    fn refused(&self, status: Option<u16>, message: &str) -> Not {
        Not::Refused { status, message: self.masked(message) }
    }

    pub(super) fn masked(&self, text: &str) -> String {
        self.desk.vault.masker().mask(text)
    }
}

fn whole(mut response: Value, body: Value) -> Value {
    if let Value::Object(object) = &mut response {
        object.insert("body".to_owned(), body);
    }
    response
}

/// The step that a rule would have.
fn step(action: &Action, connection: &str) -> Step {
    Step {
        path: StepPath(action.name.clone()),
        id: None,
        place: Place::default(),
        condition: None,
        kind: StepKind::Action {
            name: action.name.clone(),
            inputs: Vec::new(),
            connection: Some(connection.to_owned()),
        },
        retry: Retry { after: Vec::new(), when: RetryWhen { network: false, statuses: Vec::new() }, unknown: None },
        timeout: TIMEOUT,
        on_error: OnStepError::Stop,
    }
}
