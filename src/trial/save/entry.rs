//! The test that a stored event and what came of it make.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::json;

use super::Mask;
use crate::{
    matcher::{self, Subject},
    model::{Evidence, StepOutput, StepPath, Verdict},
    rules::{Rule, Step, StepKind},
    services::Registry,
    starts,
    trial::backtest::{Did, Script, Told, drive},
    value::{Object, Value},
    walk::About,
};

const TIME: Duration = Duration::from_secs(2);

/// What came of a run: replies and ends of steps, as they were kept.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// Of each attempt, oldest first: its step and what it got. `{status, headers, body}`; null for none.
    pub attempts: Vec<(StepPath, Value)>,
    pub outputs: Vec<StepOutput>,
}

/// A test, and what there is to say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    pub entry: Value,
    /// Sentences for people: what a test cannot hold.
    pub notes: Vec<String>,
}

/// The test of `rule` on an event that is masked already. `recorded` is what its run got; `None`: it did not run, and replies are those
/// of the packs' samples. `known` is the rule as it stands in the file: a step's reply is kept where it has the step's id.
pub fn saved(
    name: &str,
    fixture: &str,
    (rule, known): (&Arc<Rule>, &Rule),
    subject: &Subject,
    settings: &Object,
    registry: &Registry,
    recorded: Option<(&Recorded, &mut Mask)>,
) -> Saved {
    let mut entry = Object::new();
    entry.insert("name".to_owned(), name.into());
    entry.insert("event".to_owned(), json!({"fixture": fixture}));
    entry.insert("now".to_owned(), subject.received_at.to_string().into());
    let mut notes = Vec::new();
    let (verdict, vars) = matcher::verdict(rule, subject, settings, TIME);
    let vars = match verdict {
        Verdict::Matched => vars,
        other => {
            entry.insert("expect".to_owned(), json!([]));
            if let Verdict::NotMatched(Evidence { path, .. }) = other
                && !path.is_empty()
            {
                entry.insert("verdict".to_owned(), json!({"matched": false, "because": path}));
            }
            return Saved { entry: Value::Object(entry), notes };
        }
    };
    let mut tape = Tape::default();
    match recorded {
        Some((recorded, mask)) => tape = Tape::of(recorded, mask),
        None => notes.push("the rule did not run on this event: what is expected is what it would do".to_owned()),
    }
    let replies = tape.replies(rule, known, &mut notes);
    let about = About {
        events: vec![subject.event.clone()],
        trigger: subject.trigger.clone(),
        received_at: subject.received_at,
        run: "run_0000000000000".to_owned(),
        started_at: Some(subject.received_at),
        replay_of: None,
    };
    let driven = drive(rule, about, settings, vars, registry, &mut tape);
    if !replies.is_empty() {
        entry.insert("replies".to_owned(), Value::Object(replies));
    }
    let effects = driven.did.iter().filter(|did| !did.read && did.shown.is_ok());
    entry.insert("expect".to_owned(), effects.map(expected).collect());
    if let Some(why) = driven.failure() {
        notes.push(format!("the run fails: {why}"));
        entry.insert("outcome".to_owned(), "failed".into());
    }
    Saved { entry: Value::Object(entry), notes }
}

/// An effect as `expect` has it.
fn expected(did: &Did) -> Value {
    let mut inputs = Object::new();
    for (name, value) in did.given.as_object().into_iter().flatten() {
        let wanted = match value {
            // A text that reads like a template would be rendered.
            Value::String(text) if text.contains("{{") || text.contains("{%") => continue,
            Value::Array(_) | Value::Object(_) if holds_template(value) => continue,
            Value::Null | Value::Object(_) => json!({ "is": value }),
            other => other.clone(),
        };
        inputs.insert(name.clone(), wanted);
    }
    let mut effect = Object::new();
    effect.insert(did.action.clone(), Value::Object(inputs));
    Value::Object(effect)
}

fn holds_template(value: &Value) -> bool {
    let text = value.to_string();
    text.contains("{{") || text.contains("{%")
}

/// What was recorded, played back.
#[derive(Default)]
struct Tape {
    /// Every reply to a step, oldest first.
    replies: Vec<(StepPath, Value)>,
    outputs: HashMap<StepPath, StepOutput>,
}

impl Tape {
    fn of(recorded: &Recorded, mask: &mut Mask) -> Self {
        let mut replies = Vec::new();
        for (path, reply) in &recorded.attempts {
            let mut kept = Object::new();
            if let Some(status) = reply.get("status") {
                kept.insert("status".to_owned(), status.clone());
                let body = reply.get("body").and_then(Value::as_str).unwrap_or_default();
                match serde_json::from_str::<Value>(body) {
                    Ok(mut json) => {
                        mask.reply(&mut json);
                        kept.insert("json".to_owned(), json);
                    }
                    Err(_) if body.trim().is_empty() => {}
                    Err(_) => {
                        let mut text = Value::String(body.to_owned());
                        mask.reply(&mut text);
                        kept.insert("text".to_owned(), text);
                    }
                }
            } else {
                kept.insert("timeout".to_owned(), true.into());
            }
            replies.push((path.clone(), Value::Object(kept)));
        }
        let outputs = recorded.outputs.iter().map(|output| (output.step.clone(), output.clone())).collect();
        Self { replies, outputs }
    }

    /// The replies by the ids of their steps, as a test has them.
    fn replies(&self, rule: &Rule, known: &Rule, notes: &mut Vec<String>) -> Object {
        let mut by_id: Object = Object::new();
        let mut nameless = false;
        for (path, reply) in &self.replies {
            let plain = starts::path_in_text(path);
            let id = step_of(rule, &plain).and_then(|step| step.id.clone());
            let Some(id) = id.filter(|id| sends(known, id)) else {
                nameless = true;
                continue;
            };
            match by_id.get_mut(&id) {
                Some(Value::Array(list)) => list.push(reply.clone()),
                Some(first) => *first = Value::Array(vec![first.take(), reply.clone()]),
                None => {
                    by_id.insert(id, reply.clone());
                }
            }
        }
        if nameless {
            notes
                .push("steps without `id` have no recorded reply in the test: they get their pack's sample".to_owned());
        }
        by_id
    }
}

fn step_of<'r>(rule: &'r Rule, path: &StepPath) -> Option<&'r Step> {
    let mut found = None;
    rule.each_step(&mut |step| {
        if step.path == *path {
            found = Some(step);
        }
    });
    found
}

/// Whether a rule has a step of this id that sends.
fn sends(rule: &Rule, id: &str) -> bool {
    let mut found = false;
    rule.each_step(&mut |step| {
        found |= step.id.as_deref() == Some(id) && matches!(step.kind, StepKind::Action { .. } | StepKind::Http(_));
    });
    found
}

impl Script for Tape {
    fn reply(&mut self, path: &StepPath) -> Option<Told> {
        // The last one counts: those before it were tried again.
        let (_, reply) = self.replies.iter().rfind(|(of, _)| of == path)?;
        let status = reply.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok())?;
        let body = match (reply.get("json"), reply.get("text")) {
            (Some(json), _) => json.to_string(),
            (None, Some(text)) => text.as_str().unwrap_or_default().to_owned(),
            (None, None) => String::new(),
        };
        let kind = if reply.get("json").is_some() { "application/json" } else { "text/plain" };
        Some((status, vec![("content-type".to_owned(), kind.to_owned())], body.into_bytes()))
    }

    fn output(&mut self, path: &StepPath) -> Option<StepOutput> {
        let answered = self.replies.iter().any(|(of, reply)| of == path && reply.get("status").is_some());
        if answered { None } else { self.outputs.get(path).cloned() }
    }
}
