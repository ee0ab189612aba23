//! A run from its first step to its end without a clock or a network: replies come from a script, waits end at once.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::json;

use crate::{
    actions::{self, Answer, Reading, Request, Target},
    model::{Effect, ErrorClass, Keeper, StepError, StepOutcome, StepOutput, StepPath},
    rules::{Rule, Step, StepKind},
    services::Registry,
    value::{Object, Value},
    walk::{About, End, Next, Stand, Walk},
};

/// Steps that one run may take; more than that are not worth comparing.
const MOST: usize = 2_000;

/// A reply: status, headers, body.
pub type Told = (u16, Vec<(String, String)>, Vec<u8>);

/// What answers a run's steps.
pub trait Script {
    /// The last reply to a request. `None`: the pack's sample, else 200 and `{}`.
    fn reply(&mut self, path: &StepPath) -> Option<Told>;
    /// How a step ended, where that is known without asking further: of a `wait`, or of a request that was never answered.
    fn output(&mut self, path: &StepPath) -> Option<StepOutput>;
}

/// Every request is answered by its pack's sample; waits time out.
pub(super) struct Samples;

impl Script for Samples {
    fn reply(&mut self, _: &StepPath) -> Option<Told> {
        None
    }

    fn output(&mut self, _: &StepPath) -> Option<StepOutput> {
        None
    }
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct Driven {
    /// In order.
    pub did: Vec<Did>,
    pub end: End,
}

/// One step that asked or changed something outside of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Did {
    pub path: StepPath,
    /// `groove.add_note`, `http`, `profile`, `record`, `emit`.
    pub action: String,
    /// It changed nothing.
    pub read: bool,
    /// What it was given, as `expect` of a test sees it.
    pub given: Value,
    /// As people compare it. `Err`: it could not be rendered.
    pub shown: Result<String, StepError>,
}

impl Driven {
    /// All of it as text, to be compared.
    pub fn text(&self) -> String {
        let mut texts: Vec<String> = self.did.iter().map(Did::text).collect();
        texts.push(match &self.end {
            End::Ok { why: None } => "end: ok".to_owned(),
            End::Ok { why: Some(why) } => format!("end: ok: {why}"),
            End::Failed(error) => format!("end: failed: {}", sentence(error)),
        });
        texts.join("\n\n")
    }

    /// Why it failed, or why a step of it did. `None`: all went well.
    pub fn failure(&self) -> Option<String> {
        let of_step = self.did.iter().find_map(|did| did.shown.as_ref().err());
        let of_run = match &self.end {
            End::Failed(error) => Some(error),
            End::Ok { .. } => None,
        };
        of_step.or(of_run).map(sentence)
    }
}

impl Did {
    fn text(&self) -> String {
        let shown = self.shown.as_ref().map_or_else(sentence, Clone::clone);
        format!("{} ({})\n{shown}", self.action, self.path)
    }
}

fn sentence(error: &StepError) -> String {
    format!("{} in {}: {}", error.class, error.step, error.message)
}

/// Drives a run to its end. `settings` are `[vars]`, `vars` those that the verdict computed.
pub fn drive(
    rule: &Arc<Rule>,
    about: About,
    settings: &Object,
    vars: Object,
    registry: &Registry,
    script: &mut dyn Script,
) -> Driven {
    let mut now = about.started_at.unwrap_or(about.received_at);
    let stand = Stand { vars, ..Stand::default() };
    let mut walk = Walk::new(Arc::clone(rule), about, settings, stand);
    let mut keep = HashMap::new();
    let mut did = Vec::new();
    for _ in 0..MOST {
        match walk.next(now) {
            Next::End(end) => return Driven { did, end },
            Next::Request { path, began } => {
                let output = request(&walk, &path, began, registry, script, &mut did);
                walk.end(output);
            }
            Next::Effect { path, effect } => {
                let output = effected(&path, effect, &mut keep, &mut did);
                walk.end(output);
            }
            Next::Wait { path, began, wait } => {
                now = wait.until.unwrap_or(began).max(now);
                let timed_out = || {
                    let outcome = if wait.event.is_some() { StepOutcome::TimedOut } else { StepOutcome::Ok };
                    StepOutput { waited: now.since(began), ..ended(&path, outcome) }
                };
                let output = script.output(&path).unwrap_or_else(timed_out);
                walk.end(output);
            }
        }
    }
    let message = format!("more than {MOST} steps: the rest is not looked at");
    let error = StepError { step: "run".to_owned(), class: ErrorClass::Internal, status: None, message, attempt: 0 };
    Driven { did, end: End::Failed(error) }
}

fn ended(path: &StepPath, outcome: StepOutcome) -> StepOutput {
    StepOutput {
        step: path.clone(),
        outcome,
        result: Value::Null,
        error: None,
        response: Value::Null,
        waited: Duration::ZERO,
    }
}

fn failed(path: &StepPath, error: StepError, response: Value) -> StepOutput {
    StepOutput { error: Some(error), response, ..ended(path, StepOutcome::Failed) }
}

fn request(
    walk: &Walk,
    path: &StepPath,
    began: crate::clock::Time,
    registry: &Registry,
    script: &mut dyn Script,
    did: &mut Vec<Did>,
) -> StepOutput {
    let Some(step) = walk.step(path) else {
        let message = format!("there is no step {path}");
        let error = StepError { step: path.0.clone(), class: ErrorClass::Internal, status: None, message, attempt: 0 };
        return failed(path, error, Value::Null);
    };
    let (action, read, sample) = about(step, registry);
    let context = walk.context(path, began);
    let mut one = Did { path: path.clone(), action, read, given: Value::Null, shown: Ok(String::new()) };
    match actions::prepare(step, &context, registry) {
        Ok(request) => one.shown = Ok(lines(&request)),
        Err(mut error) => {
            error.message.push_str(&walk.explain_var(&error.message));
            one.shown = Err(error.clone());
            did.push(one);
            return failed(path, error, Value::Null);
        }
    }
    one.given = actions::inputs(step, &context, registry).unwrap_or_default();
    did.push(one);
    if let Some(output) = script.output(path) {
        return output;
    }
    let (status, headers, body) = script.reply(path).unwrap_or_else(|| {
        let json = vec![("content-type".to_owned(), "application/json".to_owned())];
        (200, json, sample.unwrap_or_else(|| json!({})).to_string().into_bytes())
    });
    let answer = Answer::Reply { status, headers: &headers, body: &body, truncated: false };
    match actions::read(step, registry, &answer, 1, began) {
        Reading::Ok { result, response, .. } => StepOutput { result, response, ..ended(path, StepOutcome::Ok) },
        Reading::Retry { error, response, .. } | Reading::Failed { error, response } => failed(path, error, response),
        Reading::Unknown { error, .. } => failed(path, error, Value::Null),
    }
}

/// The name of what a step calls, whether it changes nothing, and what its pack says comes back.
fn about(step: &Step, registry: &Registry) -> (String, bool, Option<Value>) {
    match &step.kind {
        StepKind::Action { name, .. } => {
            let action = registry.action(name).map(|(_, action)| action);
            (name.clone(), action.is_some_and(|action| action.read), action.and_then(|action| action.sample.clone()))
        }
        StepKind::Http(http) => {
            ("http".to_owned(), http.method == http::Method::GET || http.method == http::Method::HEAD, None)
        }
        _ => (String::new(), true, None),
    }
}

/// Attributes as a run's own steps see them, by whose they are and their key.
type Kept = HashMap<(Keeper, String), Object>;

fn effected(path: &StepPath, effect: Effect, kept: &mut Kept, did: &mut Vec<Did>) -> StepOutput {
    match effect {
        Effect::Attributes { keeper, key, change } => {
            let (action, name) = match keeper {
                Keeper::Profile => ("profile", "email"),
                Keeper::Record => ("record", "key"),
            };
            let mut given = serde_json::to_value(&change).unwrap_or_default();
            if let Value::Object(map) = &mut given {
                map.retain(|_, value| !matches!(value, Value::Object(inner) if inner.is_empty()));
                map.retain(|_, value| !matches!(value, Value::Array(inner) if inner.is_empty()));
                map.insert(name.to_owned(), Value::String(key.clone()));
            }
            let attributes = kept.entry((keeper, key)).or_default();
            let said = change.apply(attributes);
            let result = Value::Object(attributes.clone());
            did.push(effect_of(path, action, change.is_read(), given));
            match said {
                Ok(()) => StepOutput { result, ..ended(path, StepOutcome::Ok) },
                Err(message) => {
                    let class = ErrorClass::InvalidInput;
                    let error = StepError { step: path.0.clone(), class, status: None, message, attempt: 0 };
                    failed(path, error, Value::Null)
                }
            }
        }
        Effect::Emit { kind, data } => {
            did.push(effect_of(path, "emit", false, json!({"type": kind, "data": data})));
            ended(path, StepOutcome::Ok)
        }
    }
}

fn effect_of(path: &StepPath, action: &str, read: bool, given: Value) -> Did {
    let shown = Ok(serde_json::to_string_pretty(&given).unwrap_or_default());
    Did { path: path.clone(), action: action.to_owned(), read, given, shown }
}

/// A request line by line: method and target, headers, the body as people read JSON.
fn lines(request: &Request) -> String {
    let target = match &request.target {
        Target::Connection { name, host: None, path } => format!("{name} {path}"),
        Target::Connection { name, host: Some(host), path } => format!("{name} ({host}) {path}"),
        Target::Url(url) => url.clone(),
    };
    let mut text = vec![format!("{} {target}", request.method)];
    text.extend(request.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    if let Some(auth) = &request.auth {
        text.push(format!("(auth: {})", serde_json::to_string(auth).unwrap_or_default()));
    }
    if let Some(body) = &request.body {
        text.push(String::new());
        let pretty =
            serde_json::from_str::<Value>(body).ok().and_then(|value| serde_json::to_string_pretty(&value).ok());
        text.push(pretty.unwrap_or_else(|| body.clone()));
    }
    text.join("\n")
}
