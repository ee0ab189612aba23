//! A rule as it is meant: nothing left to check. (`raw` is as written.)

use std::{sync::Arc, time::Duration};

use super::{Condition, Cron, Hours, Poll, Schedule};
use crate::{
    model::{Keeper, Place, StepPath},
    templates::{Leaf, Tree},
    value::Value,
};

/// A rule that holds together.
#[derive(Debug)]
pub struct Rule {
    /// The path in `rules/` without its ending: `calls/missed`.
    pub id: Arc<str>,
    /// The file as the user names it: `rules/calls/missed.yaml`.
    pub file: Arc<str>,
    pub name: String,
    pub description: Option<String>,
    pub enabled: bool,
    /// What it listens to; any of them.
    pub on: Vec<On>,
    pub vars: Vec<Var>,
    pub when: Condition,
    pub around: Around,
    /// Of the whole run, from its first step.
    pub timeout: Option<Duration>,
    pub steps: Vec<Step>,
    /// Run once when a run has finally failed.
    pub on_error: Vec<Step>,
    /// `tests`, as written.
    pub tests: Vec<Value>,
}

impl Rule {
    /// Whether it listens to events of type `kind`; `own` says that one of our own actions caused the event.
    pub fn hears(&self, kind: &str, own: bool) -> bool {
        self.on.iter().any(|on| match on {
            On::Type { event, own: hears_own } => event == kind && (!own || *hears_own),
            On::Service { service, own: hears_own } => kind.split('.').next() == Some(service) && (!own || *hears_own),
            On::Manual { .. } | On::Schedule(_) | On::Poll(_) => false,
        })
    }
}

impl Rule {
    /// Its schedules, in the order of the file.
    pub fn schedules(&self) -> impl Iterator<Item = &Schedule> {
        self.on.iter().filter_map(|on| match on {
            On::Schedule(schedule) => Some(schedule),
            _ => None,
        })
    }

    /// Its polls, in the order of the file.
    pub fn polls(&self) -> impl Iterator<Item = &Poll> {
        self.on.iter().filter_map(|on| match on {
            On::Poll(poll) => Some(poll),
            _ => None,
        })
    }

    /// Calls `see` with every step of `do` and `on_error`, those inside of others too, in the order of the file.
    pub fn each_step<'r>(&'r self, see: &mut dyn FnMut(&'r Step)) {
        self.steps.iter().chain(&self.on_error).for_each(|step| step.each(see));
    }
}

impl Step {
    /// Calls `see` with it and every step inside of it, in the order of the file.
    pub fn each<'r>(&'r self, see: &mut dyn FnMut(&'r Self)) {
        see(self);
        match &self.kind {
            StepKind::Block { then, otherwise } => then.iter().chain(otherwise).for_each(|step| step.each(see)),
            StepKind::ForEach { steps, .. } => steps.iter().for_each(|step| step.each(see)),
            _ => {}
        }
        if let OnStepError::Steps(steps) = &self.on_error {
            for step in steps {
                step.each(see);
            }
        }
    }
}

/// What a rule listens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// One type, such as `gruveo.call`; `own` hears echoes of our own actions too.
    Type { event: String, own: bool },
    /// Every type of a service: `groove.*`.
    Service { service: String, own: bool },
    /// A person or a call of the API, with inputs that become the payload.
    Manual { inputs: Vec<ManualInput> },
    /// The clock.
    Schedule(Schedule),
    /// What is new in an answer that is asked for again and again.
    Poll(Poll),
}

/// An input of a manual event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualInput {
    pub name: String,
    /// `text, integer, number, boolean, list, object, email, url, time, enum`.
    pub kind: String,
    pub required: bool,
    /// Taken where nothing is given; null for none.
    pub default: Value,
    /// Of an enum.
    pub choices: Vec<String>,
    pub help: String,
}

/// What decides whether, when and beside whom a run starts.
#[derive(Debug, Default)]
pub struct Around {
    pub threshold: Option<Threshold>,
    pub once: Option<Once>,
    pub digest: Option<DigestWindow>,
    pub concurrency: Option<Concurrency>,
    /// Also the standard one of a rule that acts on the service it listens to (100 runs in 10 minutes).
    pub fuse: Option<Fuse>,
}

/// The run starts at the `count`th event of a key within a time.
#[derive(Debug)]
pub struct Threshold {
    /// `None`: the whole rule is one key.
    pub per: Option<Leaf>,
    pub count: u32,
    pub within: Duration,
}

/// A key's first event starts a run, others do not until `within` has passed.
#[derive(Debug)]
pub struct Once {
    /// `None`: the whole rule is one key.
    pub per: Option<Leaf>,
    pub within: Duration,
}

/// Events of a key are gathered into one run.
#[derive(Debug)]
pub struct DigestWindow {
    /// `None`: the whole rule is one key.
    pub per: Option<Leaf>,
    pub every: Every,
    /// At so many events the run starts at once; 1,000 unless set.
    pub max: u32,
}

/// When a digest's run starts, or a rule by its schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Every {
    /// Of a digest, so long after the first event.
    After(Duration),
    /// At the next of these times.
    Cron(Cron),
}

/// How many runs of a key are under way at once.
#[derive(Debug)]
pub struct Concurrency {
    /// `None`: the whole rule is one key.
    pub per: Option<Leaf>,
    pub limit: u32,
    pub when_full: WhenFull,
}

/// What becomes of a run that finds its key's places taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits, in order of arrival.
    Queue,
    /// It ends as skipped.
    Skip,
    /// The oldest running one ends as cancelled.
    CancelOldest,
}

/// More runs than that hold the rule until a person releases it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fuse {
    pub count: u32,
    pub within: Duration,
}

/// A computed value of a rule.
#[derive(Debug)]
pub struct Var {
    pub name: String,
    pub value: Tree,
    pub place: Place,
}

/// One entry of `do`, `then`, `else` or `on_error`.
#[derive(Debug)]
pub struct Step {
    /// Its identity in the pinned text: `do.1.then.0`, `on_error.0`.
    pub path: StepPath,
    pub id: Option<String>,
    pub place: Place,
    /// The step's own `if`; of a block, the one that chooses between `then` and `else`.
    pub condition: Option<Condition>,
    pub kind: StepKind,
    pub retry: Retry,
    /// Of one attempt; 30 s unless set, at most 120 s.
    pub timeout: Duration,
    pub on_error: OnStepError,
}

/// What a step does.
#[derive(Debug)]
pub enum StepKind {
    /// An action of a pack: `groove.add_note`, with its inputs as written.
    Action {
        name: String,
        inputs: Vec<(String, Tree)>,
        connection: Option<String>,
    },
    Http(Box<HttpStep>),
    /// `if` with `then` and `else`.
    Block {
        then: Vec<Step>,
        otherwise: Vec<Step>,
    },
    /// Its steps once for each element of a list, one turn after another.
    ForEach {
        /// What gives the list.
        list: Tree,
        /// The name of the element in the turn.
        name: String,
        /// A longer list fails the step; 100 unless set.
        limit: u32,
        steps: Vec<Step>,
    },
    Wait(Box<WaitStep>),
    /// `profile` and `record`.
    Attributes(Box<AttributesStep>),
    /// An event of our own.
    Emit {
        kind: String,
        data: Tree,
    },
    /// Writes vars for the whole run.
    Vars(Vec<(String, Tree)>),
    /// Ends the run well, saying why.
    Stop(Leaf),
    /// Ends the run badly, saying why.
    Fail(Leaf),
}

/// What a `wait` waits for.
#[derive(Debug)]
pub struct WaitStep {
    pub what: WaitWhat,
    /// Only time inside these hours counts.
    pub hours: Option<Hours>,
}

#[derive(Debug)]
pub enum WaitWhat {
    /// `wait: 10m` and `{for: 4h}`.
    For(Duration),
    /// `{until: "{{ ... }}"}`: a time.
    Until(Leaf),
    /// `{event, when, for}`.
    Event {
        kinds: Vec<String>,
        /// Sees `incoming` beside the names of a step. Holds at least one equality on `incoming`, outside of `any` and `not`.
        when: Condition,
        /// `None`: for as long as it takes.
        limit: Option<Duration>,
    },
}

/// A `profile` or `record` step.
#[derive(Debug)]
pub struct AttributesStep {
    pub keeper: Keeper,
    /// The e-mail, or the key.
    pub key: Leaf,
    pub set: Vec<(String, Tree)>,
    pub add: Vec<(String, Tree)>,
    pub append: Vec<(String, Tree)>,
    pub remove: Vec<String>,
}

/// A bare HTTP request.
#[derive(Debug)]
pub struct HttpStep {
    pub method: http::Method,
    /// Rendered with `Sink::PathSegment` before the first `?`, `Sink::QueryValue` after it. Scheme and host are literal or from [vars].
    pub url: Leaf,
    pub auth: Option<HttpAuth>,
    pub headers: Vec<(String, Leaf)>,
    pub query: Vec<(String, Tree)>,
    pub body: HttpBody,
}

/// `auth: {bearer: NAME}` and its kin with names of secrets, or the name of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpAuth {
    Bearer(String),
    Basic { user: String, password: String },
    Header { name: String, secret: String },
    Query { name: String, secret: String },
    Connection(String),
}

#[derive(Debug)]
pub enum HttpBody {
    None,
    Json(Tree),
    Form(Vec<(String, Tree)>),
    Text(Leaf),
    /// One name at its top: objects are elements, `@name` an attribute, a list repeats.
    Xml(Tree),
    Multipart(Vec<HttpPart>),
}

/// One part of a multipart body.
#[derive(Debug)]
pub struct HttpPart {
    pub name: String,
    /// A list stands as often as it has elements; null is left out.
    pub value: Tree,
    /// What the file is called. `None` or null: the part is a field.
    pub filename: Option<Leaf>,
    /// `None` or null: of a file `application/octet-stream`, of a field none.
    pub content_type: Option<Leaf>,
}

/// When a failed attempt is tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// The delay before each retry; its length is the number of retries.
    pub after: Vec<Duration>,
    pub when: RetryWhen,
    /// What an attempt without an answer means. `None`: by the kind of step (read or idempotent: retry; else ask).
    pub unknown: Option<Unknown>,
}

/// `when: [network, 429, 5xx]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryWhen {
    /// Network, TLS, 408 and 425.
    pub network: bool,
    /// Inclusive ranges: 429 is 429..=429, 5xx is 500..=599.
    pub statuses: Vec<(u16, u16)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    Retry,
    Ask,
    Verify,
}

/// What follows when a step has finally failed.
#[derive(Debug)]
pub enum OnStepError {
    Stop,
    Continue,
    Steps(Vec<Step>),
}

impl Retry {
    /// The delays of a step that says nothing: 5 s, 30 s, 2 min, 10 min, 30 min, 2 h, 5 h, 10 h.
    pub const STANDARD_SECONDS: [u64; 8] = [5, 30, 120, 600, 1800, 7200, 18_000, 36_000];
}
