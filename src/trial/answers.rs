//! What answers the requests of a trial.

use std::time::Duration;

use crate::{
    actions::{Answer, Request},
    model::{ErrorClass, StepPath},
    rules::{HttpStep, Step, StepKind},
    services::Registry,
    value::Value,
};

/// What answers the requests of a trial.
pub trait Answers {
    /// The reply to one attempt. `Err` is one sentence with the way out: there is none, and the trial ends here.
    fn answer(&mut self, call: &Call<'_>) -> Result<Reply, String>;
}

/// One attempt of a step.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// With its turn.
    pub path: &'a StepPath,
    pub step: &'a Step,
    /// From 1.
    pub attempt: u32,
    /// The same for every attempt.
    pub request: &'a Request,
    pub registry: &'a Registry,
}

impl Call<'_> {
    /// The name of what is called: `groove.add_note` or `http`.
    pub fn action(&self) -> &str {
        action_name(self.step)
    }

    /// What the pack says that a service answers. `None` where it says nothing.
    pub fn sample(&self) -> Option<Reply> {
        let StepKind::Action { name, .. } = &self.step.kind else { return None };
        let (_, action) = self.registry.action(name)?;
        action.sample.as_ref().map(|sample| Reply::json(200, sample))
    }

    /// Whether it changes nothing at the target.
    pub fn is_read(&self) -> bool {
        is_read(self.step, self.registry)
    }
}

/// What came, or did not come, of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A whole answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Names and values, in order.
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// None, because no byte went out.
    NotSent {
        /// `network` or `tls`; or why it must never be sent.
        class: ErrorClass,
        /// One sentence.
        message: String,
    },
    /// None in time: whether it took effect is unknown.
    Late,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self::Answer { status, headers, body: body.to_string().into_bytes() }
    }

    /// A reply as tests write it: `{status, json | text, headers}`, `{error: network}` or `{timeout: true}`. `Err` is one sentence.
    pub fn from_value(written: &Value) -> Result<Self, String> {
        let Some(object) = written.as_object() else {
            return Err("a reply is a map such as `{ status: 200, json: { ... } }`".to_owned());
        };
        let sources = ["json", "text", "error", "timeout"];
        let given: Vec<&str> = sources.into_iter().filter(|name| object.contains_key(*name)).collect();
        if given.len() > 1 {
            return Err(format!("a reply holds one of {}", given.join(" and ")));
        }
        if let Some(error) = object.get("error") {
            let said = error.as_str().ok_or("`error` of a reply must be text, such as network")?;
            let class = if said == "tls" { ErrorClass::Tls } else { ErrorClass::Network };
            let message = if matches!(said, "tls" | "network") { "no connection" } else { said };
            return Ok(Self::NotSent { class, message: message.to_owned() });
        }
        match object.get("timeout") {
            Some(Value::Bool(true)) => return Ok(Self::Late),
            Some(_) => return Err("`timeout` of a reply must be `true`".to_owned()),
            None => {}
        }
        let status = match object.get("status") {
            None => 200,
            Some(status) => {
                let status = status.as_u64().and_then(|status| u16::try_from(status).ok());
                let status = status.filter(|status| (100..=599).contains(status));
                status.ok_or("`status` of a reply is a number from 100 to 599")?
            }
        };
        let (kind, body) = match (object.get("text"), object.get("json")) {
            (Some(Value::String(text)), _) => ("text/plain", text.clone().into_bytes()),
            (Some(_), _) => return Err("`text` of a reply must be text".to_owned()),
            (None, Some(json)) => ("application/json", json.to_string().into_bytes()),
            (None, None) => ("application/json", Vec::new()),
        };
        let mut headers = Vec::new();
        for (name, value) in object.get("headers").and_then(Value::as_object).into_iter().flatten() {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                _ => return Err(format!("the header `{name}` of a reply must be text")),
            };
            headers.push((name.to_lowercase(), text));
        }
        if !headers.iter().any(|(name, _)| name == "content-type") {
            headers.insert(0, ("content-type".to_owned(), kind.to_owned()));
        }
        Ok(Self::Answer { status, headers, body })
    }

    /// As actions read it. `message` holds the sentence of one that came too late.
    pub(super) fn as_answer<'a>(&'a self, message: &'a str) -> Answer<'a> {
        match self {
            Self::Answer { status, headers, body } => {
                Answer::Reply { status: *status, headers, body, truncated: false }
            }
            Self::NotSent { class, message } => Answer::None { class: *class, maybe_executed: false, message },
            Self::Late => Answer::None { class: ErrorClass::Timeout, maybe_executed: true, message },
        }
    }

    /// How long it took: nothing, or as long as an attempt may take.
    pub(super) fn took(&self, step: &Step) -> Duration {
        if matches!(self, Self::Late) { step.timeout } else { Duration::ZERO }
    }
}

/// The name of what a step does, as `expect` and traces have it.
pub(super) fn action_name(step: &Step) -> &str {
    match &step.kind {
        StepKind::Action { name, .. } => name,
        StepKind::Http(_) => "http",
        StepKind::Block { .. } => "if",
        StepKind::ForEach { .. } => "for_each",
        StepKind::Wait(_) => "wait",
        StepKind::Attributes(attributes) => keeper_word(attributes.keeper),
        StepKind::Emit { .. } => "emit",
        StepKind::Vars(_) => "vars",
        StepKind::Stop(_) => "stop",
        StepKind::Fail(_) => "fail",
    }
}

/// `profile` or `record`.
pub(super) fn keeper_word(keeper: crate::model::Keeper) -> &'static str {
    match keeper {
        crate::model::Keeper::Profile => "profile",
        crate::model::Keeper::Record => "record",
    }
}

/// Whether a step that sends changes nothing at its target.
pub(super) fn is_read(step: &Step, registry: &Registry) -> bool {
    match &step.kind {
        StepKind::Action { name, .. } => registry.action(name).is_some_and(|(_, action)| action.read),
        StepKind::Http(http) => is_read_method(http),
        _ => false,
    }
}

fn is_read_method(http: &HttpStep) -> bool {
    http.method == http::Method::GET || http.method == http::Method::HEAD
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn replies_read_as_tests_write_them() {
        let answer = |status, kind: &str, body: &str| Reply::Answer {
            status,
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: body.as_bytes().to_vec(),
        };
        for (written, reply) in [
            (json!({"status": 503}), Some(answer(503, "application/json", ""))),
            (json!({"json": [1]}), Some(answer(200, "application/json", "[1]"))),
            (json!({"text": "no"}), Some(answer(200, "text/plain", "no"))),
            (json!({"text": "<p>", "headers": {"Content-Type": "text/html"}}), Some(answer(200, "text/html", "<p>"))),
            (json!({"timeout": true}), Some(Reply::Late)),
            (
                json!({"error": "network"}),
                Some(Reply::NotSent { class: ErrorClass::Network, message: "no connection".to_owned() }),
            ),
            (json!({"timeout": "5s"}), None),
            (json!({"status": 20}), None),
            (json!({"status": "200"}), None),
            (json!({"json": {}, "text": ""}), None),
            (json!([]), None),
        ] {
            assert_eq!(Reply::from_value(&written).ok(), reply, "{written}");
        }
    }
}
