//! A dry run: every request of a run as it would be sent, and nothing sent.

use std::sync::Arc;

use serde::Serialize;

use super::{
    answers::{Answers, Call, Reply},
    play::{Around, Left, Play},
    report::TraceLine,
    world::{Came, World},
};
use crate::{
    actions::{self, Request},
    clock::Time,
    matcher::{self, Subject},
    model::{StepError, Verdict},
    rules::Rule,
    services::Registry,
    value::{Object, Value},
    walk::{About, End},
};

/// What deciding may take: long beside what a rule takes in a server, since nobody waits but the one who asked.
const DECIDING: std::time::Duration = std::time::Duration::from_secs(2);

/// Where requests would go: known to whoever has the settings, since a trial reaches no connection.
pub trait Door {
    /// The URL and the headers of the auth, with `‹name›` where a secret would stand. `Err`: it would be refused.
    fn address(&self, request: &Request) -> Result<Outgoing, StepError>;
    /// The reply to a request, where one is given. `Err` is one sentence: the dry run ends here.
    fn reply(&mut self, call: &Call<'_>, wire: &Wire) -> Result<Option<Reply>, String>;
}

/// Where a request would go, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub url: String,
    /// Of the auth alone; names in lower case.
    pub headers: Vec<(String, String)>,
}

/// A request as it would go out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wire {
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Names in lower case, as they are sent.
    pub headers: Vec<(String, String)>,
    /// The bytes as text. `None`: no body.
    pub body: Option<String>,
}

/// Where a reply came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Assumed {
    /// It was given.
    Given,
    /// What the pack says that the service answers.
    Sample,
    /// 200 and `{}`.
    Empty,
    /// It would not be sent at all.
    Refused,
}

/// One attempt: a request, and what was taken for its reply.
#[derive(Debug, Clone, Serialize)]
pub struct Exchange {
    /// Its path, with its turn.
    pub step: String,
    pub id: Option<String>,
    /// `groove.add_note` or `http`.
    pub action: String,
    pub attempt: u32,
    /// `None` where it has no address.
    pub request: Option<Wire>,
    pub reply: Assumed,
    /// The status of the reply. `None`: none.
    pub status: Option<u16>,
    /// Why it would be refused. `None`: it would be sent.
    pub refused: Option<StepError>,
}

/// What a run would do.
#[derive(Debug, Clone, Serialize)]
pub struct DryRun {
    /// What the rule says to the event.
    pub verdict: Verdict,
    pub exchanges: Vec<Exchange>,
    /// What it would change here: `emit`, `profile` and `record`, each with its inputs.
    pub effects: Vec<(String, Value)>,
    pub steps: Vec<TraceLine>,
    /// `ok, failed, held, waiting`; `unmatched` where it would not start; `broken` where there was no reply to go on with.
    pub outcome: &'static str,
    /// Why, where it is not plain.
    pub message: String,
}

impl DryRun {
    /// Whether a request would be refused, or could not be made.
    pub fn is_refused(&self) -> bool {
        let unmade = |line: &TraceLine| line.outcome == "failed" && line.attempts == 0 && line.action != "fail";
        self.exchanges.iter().any(|exchange| exchange.refused.is_some()) || self.steps.iter().any(unmade)
    }
}

/// Plays a rule on an event. A rule that does not match runs all the same where `force` is set. `vars` are `[vars]`.
pub fn dry_run(
    rule: &Arc<Rule>,
    registry: &Registry,
    vars: &Object,
    subject: &Subject,
    door: &mut dyn Door,
    force: bool,
) -> DryRun {
    let (verdict, computed) = matcher::verdict(rule, subject, vars, DECIDING);
    let mut dry = DryRun {
        exchanges: Vec::new(),
        effects: Vec::new(),
        steps: Vec::new(),
        outcome: "unmatched",
        message: String::new(),
        verdict,
    };
    if dry.verdict != Verdict::Matched && !force {
        return dry;
    }
    let now = subject.received_at;
    let about = About {
        events: vec![subject.event.clone()],
        trigger: subject.trigger.clone(),
        received_at: now,
        run: crate::ids::RunId(0).to_string(),
        started_at: Some(now),
        replay_of: None,
    };
    let mut world = World::default();
    world.events.push(Came { kind: subject.kind.clone(), payload: subject.event.clone() });
    let depth = subject.trigger.get("depth").and_then(Value::as_u64).unwrap_or_default();
    let mut recorder = Recorder { door, depth, exchanges: Vec::new() };
    let mut play = Play::new(rule, about, vars, computed, 0);
    (dry.outcome, dry.message) = to_its_end(&mut play, now, registry, &mut world, &mut recorder);
    dry.exchanges = recorder.exchanges;
    dry.steps = play.trace();
    let own = |action: &str| matches!(action, "emit" | "profile" | "record");
    dry.effects =
        world.done.into_iter().filter(|done| own(&done.action)).map(|done| (done.action, done.inputs)).collect();
    dry
}

/// Waits and retries pass at once.
fn to_its_end(
    play: &mut Play,
    now: Time,
    registry: &Registry,
    world: &mut World,
    answers: &mut dyn Answers,
) -> (&'static str, String) {
    let mut now = now;
    loop {
        let mut around = Around { registry, world: &mut *world, answers: &mut *answers };
        match play.go(now, &mut around) {
            Left::Until(due) | Left::Waits(Some(due)) => now = due.max(now),
            Left::Waits(None) => return ("waiting", "it waits for an event, for as long as it takes".to_owned()),
            Left::Ended(End::Ok { why }) => return ("ok", why.unwrap_or_default()),
            Left::Ended(End::Failed(error)) => return ("failed", error.message),
            Left::Held(error) => return ("held", error.message),
            Left::Broken(why) => return ("broken", why),
        }
    }
}

struct Recorder<'d> {
    door: &'d mut dyn Door,
    depth: u64,
    exchanges: Vec<Exchange>,
}

impl Answers for Recorder<'_> {
    fn answer(&mut self, call: &Call<'_>) -> Result<Reply, String> {
        let mut exchange = Exchange {
            step: call.path.to_string(),
            id: call.step.id.clone(),
            action: call.action().to_owned(),
            attempt: call.attempt,
            request: None,
            reply: Assumed::Refused,
            status: None,
            refused: None,
        };
        let wire = match self.door.address(call.request) {
            Ok(outgoing) => wire(call, outgoing, self.depth),
            Err(error) => {
                let reply = Reply::NotSent { class: error.class, message: error.message.clone() };
                exchange.refused = Some(error);
                self.exchanges.push(exchange);
                return Ok(reply);
            }
        };
        let (assumed, reply) = match self.door.reply(call, &wire)? {
            Some(reply) => (Assumed::Given, reply),
            None => match call.sample() {
                Some(sample) => (Assumed::Sample, sample),
                None => (Assumed::Empty, Reply::json(200, &Value::Object(Object::new()))),
            },
        };
        exchange.request = Some(wire);
        exchange.reply = assumed;
        exchange.status = match &reply {
            Reply::Answer { status, .. } => Some(*status),
            Reply::NotSent { .. } | Reply::Late => None,
        };
        self.exchanges.push(exchange);
        Ok(reply)
    }
}

/// Everything that goes out: the headers of the step, of the attempt, of the auth and of the client.
fn wire(call: &Call<'_>, to: Outgoing, depth: u64) -> Wire {
    let request = call.request;
    let mut headers: Vec<(String, String)> =
        request.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
    let mut put = |name: &str, value: String| {
        headers.retain(|(known, _)| known != name);
        headers.push((name.to_owned(), value));
    };
    put("idempotency-key", actions::idempotency_key(0, &call.path.0));
    put("bellwire-depth", (depth + 1).to_string());
    for (name, value) in to.headers {
        put(&name, value);
    }
    let client = [
        ("accept", "*/*".to_owned()),
        ("accept-encoding", "identity".to_owned()),
        ("user-agent", concat!("Bellwire/", env!("CARGO_PKG_VERSION")).to_owned()),
        ("host", host(&to.url)),
    ];
    for (name, value) in client {
        if !headers.iter().any(|(known, _)| known == name) {
            headers.push((name.to_owned(), value));
        }
    }
    let body = request.body.clone().filter(|body| !body.is_empty());
    let says_length = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
    if body.is_some() || says_length {
        headers.push(("content-length".to_owned(), body.as_ref().map_or(0, String::len).to_string()));
    }
    Wire { method: request.method.clone(), url: to.url, headers, body }
}

/// Host and port of a URL as the header has them: a port that is the scheme's own is left out.
fn host(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    let host = parsed.as_ref().and_then(url::Url::host_str).unwrap_or_default().to_owned();
    parsed.as_ref().and_then(url::Url::port).map_or(host.clone(), |port| format!("{host}:{port}"))
}
