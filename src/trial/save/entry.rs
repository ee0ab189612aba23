//! The test that a stored event and what came of it make.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::json;

use super::Mask;
use crate::{
    matcher::{self, Subject},
    model::{Evidence, StepOutcome, StepOutput, StepPath, Verdict},
    rules::{Rule, Step, StepKind, WaitWhat},
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
    let later = tape.later(rule, &mut notes);
    if !later.is_empty() {
        // In the place of `event`, behind `name`.
        entry.shift_remove("event");
        let mut events = vec![json!({"fixture": fixture})];
        events.extend(later);
        entry.insert("events".to_owned(), Value::Array(events));
    }
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
    /// The steps of `outputs` in the order in which they ended.
    order: Vec<StepPath>,
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
        let order = recorded.outputs.iter().map(|output| output.step.clone()).collect();
        let mut outputs = HashMap::new();
        for output in &recorded.outputs {
            let mut output = output.clone();
            mask.reply(&mut output.result);
            outputs.insert(output.step.clone(), output);
        }
        Self { replies, outputs, order }
    }

    /// The events that waits of the run took, as `events` of a test has them, each with its time since the first.
    fn later(&self, rule: &Rule, notes: &mut Vec<String>) -> Vec<Value> {
        let mut since = Duration::ZERO;
        let mut events = Vec::new();
        for output in self.order.iter().filter_map(|path| self.outputs.get(path)) {
            since = since.saturating_add(output.waited);
            let step = step_of(rule, &starts::path_in_text(&output.step));
            let Some(StepKind::Wait(wait)) = step.map(|step| &step.kind) else { continue };
            let (WaitWhat::Event { kinds, .. }, StepOutcome::Ok) = (&wait.what, output.outcome) else { continue };
            let [kind] = kinds.as_slice() else {
                let why = format!(
                    "{} waits for one of several types; which came is not known, so look at `events`",
                    output.step
                );
                notes.push(why);
                continue;
            };
            if holds_template(&output.result) {
                notes.push(format!(
                    "the event that {} took holds what reads like a template and is left out",
                    output.step
                ));
                continue;
            }
            events.push(json!({"type": kind, "payload": output.result, "at": format!("{}s", since.as_secs())}));
        }
        events
    }

    /// The replies by the ids of their steps, or by their paths where they have none, as a test has them.
    fn replies(&self, rule: &Rule, known: &Rule, notes: &mut Vec<String>) -> Object {
        let mut by_name: Object = Object::new();
        let mut is_left_out = false;
        for (path, reply) in &self.replies {
            let Some(name) = step_of(rule, &starts::path_in_text(path)).and_then(|step| name_in(known, step)) else {
                is_left_out = true;
                continue;
            };
            match by_name.get_mut(&name) {
                Some(Value::Array(list)) => list.push(reply.clone()),
                Some(first) => *first = Value::Array(vec![first.take(), reply.clone()]),
                None => {
                    by_name.insert(name, reply.clone());
                }
            }
        }
        if is_left_out {
            let why = "steps that are no longer in the file have no recorded reply in the test";
            notes.push(why.to_owned());
        }
        by_name
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

/// What a test calls a step that ran: the id of one that sends, else the path where the file still has the same action.
fn name_in(known: &Rule, ran: &Step) -> Option<String> {
    let mut found = None;
    known.each_step(&mut |step| {
        let is_it = match &ran.id {
            Some(id) => step.id.as_ref() == Some(id),
            None => {
                step.path == ran.path
                    && step.id.is_none()
                    && std::mem::discriminant(&step.kind) == std::mem::discriminant(&ran.kind)
            }
        };
        if is_it && matches!(step.kind, StepKind::Action { .. } | StepKind::Http(_)) {
            found = Some(step.id.clone().unwrap_or_else(|| step.path.0.clone()));
        }
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
