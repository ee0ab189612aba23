//! What the API tells, read into the rows that the store gives, so that both are shown by the same hands.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};
use serde_json::{Map, Value};

use crate::{
    cli::{answer::clean, failure::Failure},
    clock::Time,
    ids::{AttemptId, EventId, RefusalId, RunId},
    model::{
        AttemptKind, AttemptOutcome, EventFlags, Refusal, RunStatus, StepError, StepOutcome, StepOutput, StepPath,
    },
    store::{AttemptRow, AttributesRow, EventDetail, EventRow, RunDetail, RunRow, StoredEvent},
};

/// A value of the API as ours.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        Failure::No(format!(
            "the server's answer is not of a form that is known here: {}; is it of another version?",
            clean(&error.to_string(), 300)
        ))
    })
}

/// Many of them.
pub(super) fn read_all<T: DeserializeOwned>(values: Vec<Value>) -> Result<Vec<T>, Failure> {
    values.into_iter().map(read).collect()
}

/// A time: RFC 3339.
#[derive(Debug, Clone, Copy)]
pub(super) struct At(pub(super) Time);

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Time::parse(&text).map(Self).ok_or_else(|| D::Error::custom("a time wanted"))
    }
}

/// Anything that is read of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<T>(pub(super) T);

impl<'de, T: FromStr<Err: std::fmt::Display>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

fn time(at: Option<At>) -> Option<Time> {
    at.map(|at| at.0)
}

/// Bytes of a value that the API tells as JSON where they are JSON, else as text. `None`: they are gone.
fn bytes_of(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        // A text that reads as JSON was one in JSON: else it would be told as that.
        Value::String(text) if serde_json::from_str::<Value>(&text).is_err() => Some(text.into_bytes()),
        value => Some(value.to_string().into_bytes()),
    }
}

/// An event in a list.
#[derive(Debug, Deserialize)]
pub(super) struct EventSeen {
    id: EventId,
    #[serde(rename = "type")]
    kind: String,
    source: String,
    received_at: At,
    state: String,
    runs: u32,
    seen: u32,
    bytes: u64,
    flags: Vec<String>,
}

impl EventSeen {
    /// Its flags; one that is not known here is left out.
    pub(super) fn flags(&self) -> EventFlags {
        let all = [
            EventFlags::ID_REUSED,
            EventFlags::DEDUPE_FALLBACK,
            EventFlags::DUPLICATE_KEYS,
            EventFlags::TRUNCATED,
            EventFlags::OWN,
        ];
        let is_set = |flag: &EventFlags| flag.words().iter().any(|word| self.flags.iter().any(|known| known == word));
        all.into_iter().filter(is_set).fold(EventFlags::default(), EventFlags::and)
    }

    /// As the store gives it.
    pub(super) fn row(self) -> EventRow {
        EventRow {
            flags: self.flags().words(),
            id: self.id,
            kind: self.kind,
            source: self.source,
            received_at: self.received_at.0,
            state: if self.state == "matched" { "matched" } else { "unmatched" },
            runs: self.runs,
            seen: self.seen,
            bytes: self.bytes,
        }
    }
}

/// An event whole.
#[derive(Debug, Deserialize)]
pub(super) struct EventWhole {
    #[serde(flatten)]
    event: EventSeen,
    service: Option<String>,
    verified: String,
    depth: u8,
    trigger: Map<String, Value>,
    body: Value,
    run_list: Vec<RunSeen>,
}

impl EventWhole {
    /// As the store gives it.
    pub(super) fn detail(self) -> EventDetail {
        let flags = self.event.flags();
        let row = self.event.row();
        let event = StoredEvent {
            id: row.id,
            kind: row.kind.clone(),
            source: row.source.clone(),
            service: self.service,
            received_at: row.received_at,
            verified: self.verified,
            depth: self.depth,
            flags,
            meta: self.trigger,
            body: bytes_of(self.body),
            set: 0,
        };
        EventDetail { row, event, runs: self.run_list.into_iter().map(RunSeen::row).collect() }
    }
}

/// A run in a list.
#[derive(Debug, Deserialize)]
pub(super) struct RunSeen {
    id: RunId,
    rule: String,
    state: Word<RunStatus>,
    event: EventId,
    created_at: At,
    ended_at: Option<At>,
    due_at: Option<At>,
    error: Option<StepError>,
    why: Option<String>,
    replay_of: Option<RunId>,
}

impl RunSeen {
    /// As the store gives it.
    pub(super) fn row(self) -> RunRow {
        RunRow {
            id: self.id,
            rule: self.rule,
            status: self.state.0,
            event: self.event,
            created_at: self.created_at.0,
            ended_at: time(self.ended_at),
            due_at: time(self.due_at),
            error: self.error,
            why: self.why,
            replay_of: self.replay_of,
        }
    }
}

/// A run whole.
#[derive(Debug, Deserialize)]
pub(super) struct RunWhole {
    #[serde(flatten)]
    run: RunSeen,
    rule_set: String,
    vars: Map<String, Value>,
    steps: Vec<StepSeen>,
    attempts: Vec<AttemptSeen>,
}

#[derive(Debug, Deserialize)]
struct StepSeen {
    step: String,
    outcome: StepOutcome,
    result: Value,
    error: Option<StepError>,
    response: Value,
}

#[derive(Debug, Deserialize)]
struct AttemptSeen {
    id: AttemptId,
    step: String,
    kind: AttemptKind,
    number: u32,
    started_at: At,
    ended_at: Option<At>,
    outcome: AttemptOutcome,
    error: Option<StepError>,
    status: Option<u16>,
    reason: String,
    request: Value,
    reply: Value,
}

impl RunWhole {
    /// As the store gives it.
    pub(super) fn detail(self) -> RunDetail {
        let output = |step: StepSeen| StepOutput {
            step: StepPath(step.step),
            outcome: step.outcome,
            result: step.result,
            error: step.error,
            response: step.response,
            waited: std::time::Duration::ZERO,
        };
        let attempt = |attempt: AttemptSeen| AttemptRow {
            id: attempt.id,
            step: StepPath(attempt.step),
            kind: attempt.kind,
            number: attempt.number,
            planned_at: None,
            started_at: attempt.started_at.0,
            ended_at: time(attempt.ended_at),
            outcome: attempt.outcome,
            error: attempt.error,
            status: attempt.status,
            request: bytes_of(attempt.request),
            reply: bytes_of(attempt.reply),
            reason: attempt.reason,
        };
        RunDetail {
            row: self.run.row(),
            set: 0,
            set_digest: self.rule_set,
            started_at: None,
            step: None,
            cancelled: false,
            said: None,
            vars: self.vars,
            outputs: self.steps.into_iter().map(output).collect(),
            attempts: self.attempts.into_iter().map(attempt).collect(),
        }
    }
}

/// A refused delivery.
#[derive(Debug, Deserialize)]
pub(super) struct RefusalSeen {
    id: RefusalId,
    refused_at: At,
    source: Option<String>,
    peer: String,
    reason: String,
    status: u16,
    detail: String,
    bytes: u64,
}

impl RefusalSeen {
    /// As the store gives it.
    pub(super) fn row(self) -> Refusal {
        let Self { id, refused_at, source, peer, reason, status, detail, bytes } = self;
        Refusal { id, at: refused_at.0.0, source, peer, reason, status, detail, bytes }
    }
}

/// What is kept of a person.
#[derive(Debug, Deserialize)]
pub(super) struct ProfileSeen {
    email: String,
    attributes: Map<String, Value>,
    from: Map<String, Value>,
    changed_at: At,
}

impl ProfileSeen {
    /// As the store gives it.
    pub(super) fn row(self) -> AttributesRow {
        let Self { email, attributes, from, changed_at } = self;
        AttributesRow { key: email, attributes, origins: from, changed_at: changed_at.0 }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_shown_as_it_came() {
        for (value, bytes) in [
            (json!({"a": 1}), Some(r#"{"a":1}"#)),
            (json!("plain text"), Some("plain text")),
            (json!("42"), Some("\"42\"")),
            (json!(null), None),
        ] {
            assert_eq!(bytes_of(value.clone()).as_deref(), bytes.map(str::as_bytes), "{value}");
        }
    }

    #[test]
    fn an_answer_of_another_form_names_the_place() {
        let failure = read::<RunSeen>(json!({"id": "run_0000000000001", "rule": 1})).err().map(|why| why.to_string());
        assert!(failure.as_ref().is_some_and(|why| why.contains("another version")), "{failure:?}");
    }
}
