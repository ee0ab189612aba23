//! One request of a pack's action on a person's word: prepared, shown, sent once, and what came of it.

use std::{sync::Arc, time::Duration};

use crate::{
    actions::{self, Answer as Came, Reading, Request, Target},
    clock::Time,
    config::Config,
    connections::{self, Connections, Destination, Post},
    egress::Egress,
    model::{ErrorClass, Place, StepError, StepPath},
    net::Client,
    rules::{OnStepError, Retry, RetryWhen, Step, StepKind, suggestion},
    services::{Action, AuthUse, Input, InputType, Pack, Registry, coerce},
    store::Vault,
    value::{JsonLimits, Value, read_json},
};

/// As long as a step may take unless it says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a body that are kept to be shown.
const SHOWN: usize = 64 * 1024;

/// Why no request could be made.
#[derive(Debug, thiserror::Error)]
pub enum ErrandError {
    /// There is no such connection.
    #[error("there is no service or connection `{name}`; {help}")]
    Connection {
        /// As it was asked for.
        name: String,
        /// The nearest one.
        help: String,
    },
    /// There is no such action.
    #[error("the pack `{service}` has no action `{action}`; {help}")]
    Action {
        /// The pack.
        service: String,
        /// As it was asked for.
        action: String,
        /// The nearest one.
        help: String,
    },
    /// The pack names none.
    #[error("the pack `{0}` names no action that tells whether a connection works; send one from a rule instead")]
    NoTest(String),
    /// What was given does not fit, a sentence each.
    #[error("{}", .0.join("; "))]
    Inputs(Vec<String>),
    /// A template of the pack failed.
    #[error("`{action}` cannot be prepared: {why}")]
    Unprepared {
        /// The action, `groove.add_note`.
        action: String,
        /// One sentence.
        why: String,
    },
}

/// What requests are made with.
#[derive(Clone, Copy)]
pub struct Errands<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The packs in force.
    pub registry: &'a Registry,
    /// The secrets.
    pub vault: &'a Vault,
    /// Which targets may be called.
    pub egress: &'a Egress,
    /// The ways out.
    pub connections: &'a Connections,
    /// What sends.
    pub client: &'a Client,
    /// The time.
    pub now: Time,
}

/// A request that is ready to go.
pub struct Errand {
    /// The action, `groove.add_note`.
    pub action: String,
    /// It changes nothing at the service.
    pub is_read: bool,
    pack: Arc<Pack>,
    step: Step,
    request: Request,
}

/// A request as it would go out, with names in the place of secrets.
#[derive(Debug, Clone)]
pub struct Shown {
    /// In upper case.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// `None`: it has none.
    pub body: Option<String>,
    /// Why it could not be sent as it is: a closed target, a secret for another place.
    pub fault: Option<String>,
}

/// What came of a request.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// `GET https://api.example.com/v1/me`, with the names of secrets in the place of their values.
    pub asked: String,
    /// `None`: there was no answer.
    pub status: Option<u16>,
    /// From the first byte out to the last byte in.
    pub milliseconds: u64,
    /// The gist of the result, which names no values; or why it does not work, with the way out.
    pub result: Result<String, (ErrorClass, String)>,
    /// The body of the answer, masked and cut. `None`: there was no answer.
    pub reply: Option<String>,
}

impl Errands<'_> {
    /// The request that tells whether a connection works.
    pub fn test(&self, connection: &str) -> Result<Errand, ErrandError> {
        let pack = self.pack_of(connection)?;
        let test = pack.test.clone().ok_or_else(|| ErrandError::NoTest(pack.name.clone()))?;
        self.of_action(pack, &test, connection, &[])
    }

    /// A request of any action, with inputs as they were typed: texts, of type `list` and `object` JSON; an empty one is not given.
    pub fn prepare(&self, connection: &str, action: &str, inputs: &[(String, String)]) -> Result<Errand, ErrandError> {
        let pack = self.pack_of(connection)?;
        self.of_action(pack, action, connection, inputs)
    }

    fn pack_of(&self, name: &str) -> Result<Arc<Pack>, ErrandError> {
        let service = self.config.connections.get(name).map_or(name, |connection| connection.service.as_str());
        let known = || self.config.connections.keys().chain(self.registry.packs.keys()).map(String::as_str);
        self.registry.packs.get(service).cloned().ok_or_else(|| ErrandError::Connection {
            name: name.chars().take(100).collect(),
            help: near(name, known(), "see `bellwire services list`"),
        })
    }

    fn of_action(
        &self,
        pack: Arc<Pack>,
        name: &str,
        connection: &str,
        given: &[(String, String)],
    ) -> Result<Errand, ErrandError> {
        let action = pack.actions.get(name).ok_or_else(|| ErrandError::Action {
            service: pack.name.clone(),
            action: name.chars().take(100).collect(),
            help: near(
                name,
                pack.actions.keys().map(String::as_str),
                &format!("see `bellwire services show {}`", pack.name),
            ),
        })?;
        let full = format!("{}.{name}", pack.name);
        let values = typed(action, given).map_err(ErrandError::Inputs)?;
        let request = actions::prepare_values(&pack, action, &values, connection, self.now)
            .map_err(|why| ErrandError::Unprepared { action: full.clone(), why })?;
        let (step, is_read) = (step(&full, connection), action.read);
        Ok(Errand { action: full, is_read, pack, step, request })
    }

    /// The request as it would go out.
    pub fn shown(&self, errand: &Errand) -> Shown {
        let request = &errand.request;
        let origins = |name: &str| self.vault.origins(name);
        let to = destination(request);
        let masker = self.vault.masker();
        let mut headers = request.headers.clone();
        let body = request.body.as_deref().map(|body| masker.mask(body));
        let method = request.method.clone();
        let seen = connections::preview(self.config, self.registry, self.egress, &origins, &to, request.auth.as_ref());
        match seen {
            Ok(preview) => {
                headers.extend(preview.headers);
                Shown { method, url: preview.url, headers, body, fault: None }
            }
            Err(error) => {
                let url = match &request.target {
                    Target::Connection { path, .. } => path.clone(),
                    Target::Url(url) => url.clone(),
                };
                Shown { method, url, headers, body, fault: Some(error.message) }
            }
        }
    }

    /// Sends it, once.
    pub async fn send(&self, errand: &Errand) -> Outcome {
        let began = std::time::Instant::now();
        let Shown { method, url, .. } = self.shown(errand);
        let mut outcome = Outcome {
            asked: format!("{method} {url}"),
            status: None,
            milliseconds: 0,
            result: Ok(String::new()),
            reply: None,
        };
        let (result, status, reply) = self.sent(errand).await;
        outcome.milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let masker = self.vault.masker();
        outcome.result = match result {
            Ok(result) => Ok(masker.mask(&gist(&result))),
            Err((error, is_about_tokens)) => {
                let help = if is_about_tokens { String::new() } else { help(&error, &errand.pack, status) };
                let message = masker.mask(&error.message);
                Err((error.class, if help.is_empty() { message } else { format!("{message}. {help}") }))
            }
        };
        outcome.status = status;
        outcome.reply = reply.map(|body| masker.mask(&cut(&body)));
        outcome
    }

    async fn sent(&self, errand: &Errand) -> (Result<Value, (StepError, bool)>, Option<u16>, Option<Vec<u8>>) {
        let request = &errand.request;
        let headers =
            match Connections::headers(request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))) {
                Ok(headers) => headers,
                Err(error) => return (Err((error, false)), None, None),
            };
        let post = Post {
            destination: destination(request),
            auth: request.auth.as_ref(),
            method: &request.method,
            headers: &headers,
            body: request.body.as_deref().map(str::as_bytes),
            timeout: TIMEOUT,
        };
        let answer = match self.connections.send(self.client, self.registry, &post).await {
            Ok(answer) => answer,
            // It is about a token, which comes from elsewhere, and says why there is none.
            Err(connections::Unready::Later(error)) => return (Err((error, true)), None, None),
            Err(unready) => return (Err((unready.error(), false)), None, None),
        };
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
        let result = match actions::read(&errand.step, self.registry, &came, 1, self.now) {
            Reading::Ok { result, .. } => Ok(result),
            Reading::Failed { error, .. } | Reading::Retry { error, .. } | Reading::Unknown { error, .. } => {
                Err((error, false))
            }
        };
        (result, status, answer.ok().map(|reply| reply.body))
    }
}

/// The inputs of an action with their types; null for what is not given. `Err` is every fault, a sentence each.
fn typed<'a>(action: &'a Action, given: &[(String, String)]) -> Result<Vec<(&'a str, Value)>, Vec<String>> {
    let mut faults: Vec<String> = given
        .iter()
        .filter(|(name, _)| action.inputs.iter().all(|input| input.name != *name))
        .map(|(name, _)| format!("`{}` has no input `{name}`", action.name))
        .collect();
    let mut values = Vec::with_capacity(action.inputs.len());
    for input in &action.inputs {
        let text = given.iter().find(|(name, _)| *name == input.name).map(|(_, text)| text.as_str());
        match read(input, text.filter(|text| !text.is_empty())) {
            Ok(value) => values.push((input.name.as_str(), value)),
            Err(why) => faults.push(why),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

fn read(input: &Input, text: Option<&str>) -> Result<Value, String> {
    let value = match text {
        None => Value::Null,
        Some(text) if matches!(input.kind, InputType::List | InputType::Object) => {
            let read = read_json(text.as_bytes(), JsonLimits::default());
            read.map_err(|error| format!("input `{}`: {} in JSON wanted: {error}", input.name, input.kind.word()))?
                .value
        }
        Some(text) => Value::String(text.to_owned()),
    };
    coerce(input, value).map_err(|(_, why)| why)
}

/// The step that a rule would have.
fn step(action: &str, connection: &str) -> Step {
    Step {
        path: StepPath("test".to_owned()),
        id: None,
        place: Place::default(),
        condition: None,
        kind: StepKind::Action { name: action.to_owned(), inputs: Vec::new(), connection: Some(connection.to_owned()) },
        retry: Retry { after: Vec::new(), when: RetryWhen { network: false, statuses: Vec::new() }, unknown: None },
        timeout: TIMEOUT,
        on_error: OnStepError::Stop,
    }
}

fn destination(request: &Request) -> Destination<'_> {
    match &request.target {
        Target::Connection { name, host, path } => Destination::Connection { name, host: host.as_deref(), path },
        Target::Url(url) => Destination::Url(url),
    }
}

fn cut(body: &[u8]) -> String {
    let end = body.len().min(SHOWN);
    let mut text = String::from_utf8_lossy(body.get(..end).unwrap_or(body)).into_owned();
    if body.len() > SHOWN {
        text.push_str("\n... and more");
    }
    text
}

/// What a result is, in a few words.
fn gist(result: &Value) -> String {
    match result {
        Value::Null => "an empty answer".to_owned(),
        Value::Array(list) => match list.first().and_then(Value::as_object) {
            Some(first) => {
                let names: Vec<&str> = first.keys().take(6).map(String::as_str).collect();
                format!("a list of {}, each with {}", list.len(), names.join(", "))
            }
            None => format!("a list of {}", list.len()),
        },
        Value::Object(object) => {
            let names: Vec<&str> = object.keys().take(8).map(String::as_str).collect();
            format!("an object with {}", names.join(", "))
        }
        other => other.to_string().chars().take(200).collect(),
    }
}

/// The way out, where the sentence does not have it.
fn help(error: &StepError, pack: &Pack, status: Option<u16>) -> String {
    let secrets = pack.auth.as_ref().map(AuthUse::secret_names).unwrap_or_default();
    let again =
        secrets.first().map(|name| format!("`bellwire secrets set {name}` sets another one")).unwrap_or_default();
    match (error.class, status) {
        (ErrorClass::Status, Some(401)) => format!("The service does not take the credentials: {again}"),
        (ErrorClass::Status, Some(403)) => {
            format!("The service knows who asks and does not allow it: look at what the token may do; {again}")
        }
        (ErrorClass::Status, Some(404)) => "Nothing is at that address: look at the connection's `base_url`".to_owned(),
        (ErrorClass::Status, Some(429)) => "The service wants it slower: try again later".to_owned(),
        (ErrorClass::Status, Some(500..)) => "The service has trouble of its own: try again later".to_owned(),
        (ErrorClass::Network | ErrorClass::Timeout, _) => {
            "Look at the connection's `base_url`, and whether this machine reaches it".to_owned()
        }
        (ErrorClass::Tls, _) => "Look at the certificate of that address, and at the clock of this machine".to_owned(),
        (ErrorClass::BadReply | ErrorClass::Redirect, _) => {
            "What answers there is perhaps not the service: look at the connection's `base_url`".to_owned()
        }
        _ => String::new(),
    }
}

/// The name that was meant, perhaps; else where all of them stand.
fn near<'n>(name: &str, known: impl Iterator<Item = &'n str>, list: &str) -> String {
    let near = suggestion(name, known);
    if near.is_empty() { list.to_owned() } else { near }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_gist_of_a_result_names_no_values() {
        for (result, says) in [
            (json!([{"id": 1, "name": "Anna"}, {"id": 2}]), "a list of 2, each with id, name"),
            (json!([1, 2, 3]), "a list of 3"),
            (json!({"id": 1, "email": "anna@example.com"}), "an object with id, email"),
            (json!(null), "an empty answer"),
        ] {
            assert_eq!(gist(&result), says);
        }
    }
}
