//! Every name that a rule looks at: is it there, may it be missing?

use super::{
    Checker, Here, Part, each_reference,
    never::{self, Never},
    of_leaf,
    schema::{Walk, either, walk},
};
use crate::{
    model::{Place, is_dropped, is_telling},
    rules::{Condition, EventInfo, Operand, Test, codes, keys},
    templates::{Reference, Tree},
    value::{Path, Segment, Value},
};

const TRIGGER: [&str; 9] = ["id", "type", "source", "service", "received_at", "verified", "depth", "headers", "query"];
const RUN: [&str; 3] = ["id", "started_at", "replay_of"];
const RULE: [&str; 2] = ["id", "name"];
const ERROR: [&str; 5] = ["step", "class", "status", "message", "attempt"];
const STEP: [&str; 4] = ["outcome", "result", "error", "response"];
const RESPONSE: [&str; 2] = ["status", "headers"];

/// What other tools call ours.
const FOREIGN: [(&str, &str); 10] = [
    ("payload", "event"),
    ("body", "event"),
    ("data", "event"),
    ("inputs", "event"),
    ("input", "event"),
    ("headers", "trigger.headers"),
    ("query", "trigger.query"),
    ("var", "vars"),
    ("env", "vars"),
    ("step", "steps"),
];

/// How a path is looked up.
#[derive(Clone, Copy)]
struct Look {
    /// In a template, where a list has `size`, `first` and `last`; else in a condition.
    template: bool,
    /// Null would be noticed.
    strict: bool,
}

impl Checker<'_> {
    /// Checks what a template looks at. `leaf` is where its leaf stands.
    pub(super) fn reference(&self, leaf: Place, reference: &Reference, here: &Here) {
        let at = self.reader.in_text(leaf, reference.place);
        let look = Look { template: true, strict: !reference.has_default };
        let Some(optional) = self.path(at, &reference.path, look, here) else { return };
        if optional && !reference.has_default && !reference.open && !here.guards.has(&reference.path) {
            let message = format!("{} may be missing", reference.path);
            let help =
                format!("add `| default: \"...\"`, or a condition such as `{}: {{ exists: true }}`", reference.path);
            self.reader.warn(codes::OPTIONAL, at, message, keys::shortened_to(&help, 200));
        }
    }

    /// Checks a condition's paths, and the templates on its right sides.
    pub(super) fn condition(&self, condition: &Condition, here: &Here) {
        condition.each_test(&mut |test| {
            self.path(test.place, &test.path, Look { template: false, strict: false }, here);
            if test.path.root() == Some("event") {
                self.never(test, &self.events);
            }
            self.right_side(test, here);
        });
    }

    /// Checks `when` of a wait: its left sides see the event that is waited for as `incoming`, its right sides do not.
    pub(super) fn wait_condition(&self, condition: &Condition, incoming: &[EventInfo<'_>], here: &Here) {
        condition.each_test(&mut |test| {
            if test.path.root() == Some("incoming") {
                let look = Look { template: false, strict: false };
                self.payload(test.place, &test.path, test.path.below_root(), look, incoming);
                self.never(test, incoming);
            } else {
                self.path(test.place, &test.path, Look { template: false, strict: false }, here);
            }
            self.right_side(test, here);
        });
    }

    fn right_side(&self, test: &Test, here: &Here) {
        for operator in &test.operators {
            operator.each(&mut |operator| match &operator.operand {
                Operand::Template(leaf) => {
                    for reference in of_leaf(leaf) {
                        self.reference(operator.place, reference, here);
                    }
                }
                Operand::Tree(tree) => self.tree(tree, here),
                _ => {}
            });
        }
    }

    /// Checks what a tree of templates looks at.
    pub(super) fn tree(&self, tree: &Tree, here: &Here) {
        each_reference(tree, &mut |leaf, reference| self.reference(leaf, reference, here));
    }

    fn never(&self, test: &Test, events: &[EventInfo<'_>]) {
        let mut of_events: Option<Vec<Never>> = None;
        for event in events {
            // An event that does not say may hold anything.
            let Walk::Found { schemas, .. } = walk(event.schema, test.path.below_root(), false) else { return };
            let found = never::find(test, event.schema, &schemas);
            of_events = Some(match of_events {
                None => found,
                // What never holds for one event may hold for another.
                Some(mut all) => {
                    all.retain(|never| found.iter().any(|other| other.place == never.place));
                    all
                }
            });
        }
        for never in of_events.into_iter().flatten() {
            self.reader.error(codes::NEVER, never.place, never.message, never.help);
        }
    }

    /// Checks a path: `Some` where it can be there, true where it may be missing.
    fn path(&self, at: Place, path: &Path, look: Look, here: &Here) -> Option<bool> {
        if here.part == Part::Poll {
            return self.poll_path(at, path);
        }
        let below = path.below_root();
        match path.root() {
            Some(root) if here.loops.iter().any(|turn| turn.name == root) => Some(false),
            Some("event") => self.payload(at, path, below, look, &self.events),
            Some("events") => self.events_path(at, path, below, look),
            Some("trigger") => self.field(at, path, below, &TRIGGER).and_then(|_| self.kept(at, path, below)),
            Some("rule") => self.field(at, path, below, &RULE),
            Some("now") => Some(false),
            Some("vars") => self.var(at, path, here),
            Some("run") if matches!(here.part, Part::Step | Part::OnError) => self.field(at, path, below, &RUN),
            Some("error") if here.part == Part::OnError => self.field(at, path, below, &ERROR),
            Some("steps") if matches!(here.part, Part::Step | Part::OnError) => {
                self.step_name(at, path, below, look.strict, here)
            }
            Some("secrets") => {
                let help = "a secret is named in `auth` or by a pack, and never seen by a rule";
                self.reader.error(codes::SECRET, at, "rules cannot see secrets", help);
                None
            }
            Some(root @ ("run" | "steps" | "error" | "incoming")) => {
                let (message, help) = match root {
                    "error" => (
                        "`error` is seen under `on_error` alone",
                        "elsewhere, `steps.ID.error` tells of a step's error",
                    ),
                    "incoming" => (
                        "`incoming` is seen on the left sides of `when` of `wait` alone",
                        "here the payload is `event`; after the wait the one that came is `steps.ID.result`",
                    ),
                    "run" => ("`run` is not there yet when a rule is matched", "it is seen in steps"),
                    _ => ("no step has run yet when a rule is matched", "`steps` is seen in steps"),
                };
                self.reader.error(codes::UNKNOWN_ROOT, at, message, help);
                None
            }
            root => {
                self.unknown_root(at, root, path, here);
                None
            }
        }
    }

    fn unknown_root(&self, at: Place, root: Option<&str>, path: &Path, here: &Here) {
        const KNOWN: [&str; 8] = ["event", "events", "trigger", "vars", "steps", "run", "rule", "now"];
        let known: Vec<&str> = KNOWN.into_iter().chain(here.loops.iter().map(|turn| turn.name.as_str())).collect();
        let root = root.unwrap_or_default();
        let mut help = match FOREIGN.iter().find(|(theirs, _)| *theirs == root) {
            Some((_, ours)) => format!("here it is called `{ours}`"),
            None => keys::suggestion(root, known.iter().copied()),
        };
        let in_event =
            self.events.iter().any(|event| matches!(walk(event.schema, path.segments(), true), Walk::Found { .. }));
        if in_event {
            help = format!("write `event.{path}`");
        }
        if help.is_empty() {
            help = format!("what is seen here: {}", known.join(", "));
        }
        let message = format!("nothing is called `{}`", keys::shortened(root));
        self.reader.error(codes::UNKNOWN_ROOT, at, message, help);
    }

    /// A place in `events`: an element, and what is in it.
    fn events_path(&self, at: Place, path: &Path, below: &[Segment], look: Look) -> Option<bool> {
        match below {
            [] => Some(false),
            [Segment::Any, rest @ ..] => self.payload(at, path, rest, look, &self.events),
            [Segment::Index(index), rest @ ..] => {
                let sure = self.rule.around.threshold.as_ref().map_or(1, |threshold| threshold.count);
                let there = u32::try_from(*index).is_ok_and(|index| index < sure);
                self.payload(at, path, rest, look, &self.events).map(|optional| optional || !there)
            }
            [Segment::Name(name), rest @ ..] if name == "first" || name == "last" => {
                self.payload(at, path, rest, look, &self.events)
            }
            [Segment::Name(name), ..] if name == "size" => Some(false),
            [Segment::Name(name), ..] => {
                let message = format!("`events` is a list: there is no {}", keys::shortened(&path.to_string()));
                let name = keys::shortened(name);
                let help = format!("write `event.{name}` for the newest, `events.0.{name}` for the oldest, or a loop");
                self.reader.error(codes::UNKNOWN_FIELD, at, message, help);
                None
            }
        }
    }

    /// A header or query value of the delivery: some are never kept, whatever comes.
    fn kept(&self, at: Place, path: &Path, below: &[Segment]) -> Option<bool> {
        let [Segment::Name(part), Segment::Name(name), ..] = below else { return Some(false) };
        let headers = part == "headers";
        if !headers && part != "query" {
            return Some(false);
        }
        let lower = name.to_lowercase();
        let shown = keys::shortened(&path.to_string());
        let (message, help) = if is_dropped(&lower) {
            let help = if is_telling(&lower) {
                "what proves who sends is checked when a delivery comes in, and `trigger.verified` says so; to see a value, \
                 send it under another name"
            } else {
                "it says nothing of the event; what is needed of it has to come in the body"
            };
            (format!("{shown} is never there: `{}` is not kept", keys::shortened(name)), help.to_owned())
        } else if headers && lower != *name {
            let right = keys::shortened(&Path::new(vec![Segment::Name(lower)]).to_string());
            let message = format!("{shown} is never there: names of headers are kept in small letters");
            (message, format!("write `trigger.headers.{right}`"))
        } else {
            return Some(true);
        };
        self.reader.error(codes::NEVER_KEPT, at, message, help);
        None
    }

    /// A place in a payload, by the schemas of the events that it may be of.
    fn payload(&self, at: Place, path: &Path, below: &[Segment], look: Look, events: &[EventInfo<'_>]) -> Option<bool> {
        let walks: Vec<Walk<'_>> = events.iter().map(|event| walk(event.schema, below, look.template)).collect();
        match either(walks) {
            Walk::Unknown => Some(false),
            Walk::Found { optional, .. } => Some(optional),
            Walk::Missing { name, mut known } => {
                known.sort_unstable();
                known.dedup();
                let name = keys::shortened(&name);
                let shown = keys::shortened(&path.to_string());
                let help = match (known.is_empty(), name.as_str()) {
                    (_, "size" | "length" | "count") if !look.template => {
                        "in a condition the number of elements or letters is the operator `length`".to_owned()
                    }
                    (_, "first") if !look.template => "in a condition the first element is `0`".to_owned(),
                    (true, _) => "nothing is below it: it is not an object".to_owned(),
                    _ => keys::suggestion(&name, known.iter().copied()),
                };
                let help =
                    if help.is_empty() { format!("it has {}", keys::shortened(&known.join(", "))) } else { help };
                let message = format!("the payload has no {shown}: `{name}` is not there");
                self.reader.error(codes::NOT_IN_SCHEMA, at, message, help);
                None
            }
        }
    }

    fn field(&self, at: Place, path: &Path, below: &[Segment], known: &[&str]) -> Option<bool> {
        match below.first() {
            Some(Segment::Name(name)) if !known.contains(&name.as_str()) => {
                let message = format!("there is no {}", keys::shortened(&path.to_string()));
                self.reader.error(codes::UNKNOWN_FIELD, at, message, keys::suggestion(name, known.iter().copied()));
                None
            }
            _ => Some(false),
        }
    }

    fn var(&self, at: Place, path: &Path, here: &Here) -> Option<bool> {
        let Some(Segment::Name(name)) = path.below_root().first() else { return Some(false) };
        let of_rule = self.reader.document.value.get("vars").and_then(Value::as_object);
        let of_settings = self.reader.vocabulary.vars();
        if of_settings.contains_key(name) || of_rule.is_some_and(|vars| vars.contains_key(name)) {
            return Some(false);
        }
        if here.written.iter().any(|(written, _)| written == name) {
            return Some(!here.written.iter().any(|(written, sure)| written == name && *sure));
        }
        if self.written.contains_key(name.as_str()) {
            let message = format!("no step before this one has written the var `{name}`");
            self.reader.error(
                codes::UNKNOWN_VAR,
                at,
                message,
                "write it under `vars` of the rule, or in a step before",
            );
            return None;
        }
        let known = of_settings.keys().chain(of_rule.into_iter().flat_map(serde_json::Map::keys)).map(String::as_str);
        let known = known.chain(here.written.iter().map(|(name, _)| name.as_str()));
        let message = format!("no var is called `{}`", keys::shortened(name));
        let near = keys::suggestion(name, known);
        let help = if near.is_empty() { "write it under `vars`".to_owned() } else { near };
        self.reader.error(codes::UNKNOWN_VAR, at, message, help);
        None
    }

    fn step_name(&self, at: Place, path: &Path, below: &[Segment], strict: bool, here: &Here) -> Option<bool> {
        let Some(Segment::Name(id)) = below.first() else { return Some(false) };
        let Some(known) = self.ids.get(id) else {
            let message = format!("no step has the id `{}`", keys::shortened(id));
            let near = keys::suggestion(id, self.ids.names());
            let help = if near.is_empty() { format!("write `id: {}` into a step", keys::shortened(id)) } else { near };
            self.reader.error(codes::UNKNOWN_STEP, at, message, help);
            return None;
        };
        if !known.turn.is_empty() && !here.loops.iter().any(|turn| turn.pointer == known.turn) {
            let message = format!("the step `{id}` is seen in its own turn of `for_each` only");
            let help = "give the `for_each` an `id`: its result is a list with the result of each turn's last step";
            self.reader.error(codes::UNKNOWN_STEP, at, message, help);
            return None;
        }
        let rest = below.get(1..).unwrap_or_default();
        self.field(at, path, rest, &STEP)?;
        let response = matches!(rest.first(), Some(Segment::Name(name)) if name == "response");
        if response {
            self.field(at, path, rest.get(1..).unwrap_or_default(), &RESPONSE)?;
        }
        let result = response || matches!(rest.first(), Some(Segment::Name(name)) if name == "result");
        match here.done.iter().rev().find(|(done, _)| done == id) {
            None => {
                let message = format!("the step `{id}` has not run yet here");
                self.reader.warn(codes::UNSURE_RESULT, at, message, "move it before this step");
            }
            Some((_, false)) if strict && result && !here.guards.has(path) && !Self::proven(id, here) => {
                let message = if known.waits {
                    format!("nothing may have come for the wait `{id}`: its result is then null")
                } else {
                    format!("the step `{id}` may have been skipped or have failed: its result is then null")
                };
                let help = format!("use it under `if: {{ steps.{id}.outcome: ok }}`, or add `| default: ...`");
                self.reader.warn(codes::UNSURE_RESULT, at, message, help);
            }
            Some(_) => {}
        }
        Some(false)
    }

    /// Whether a condition says that the step went well.
    fn proven(id: &str, here: &Here) -> bool {
        let name = |name: &str| Segment::Name(name.to_owned());
        let of_step = |last: &str| [name("steps"), name(id), name(last)];
        let outcome = Path::new(of_step("outcome").to_vec());
        here.guards.was_checked(&outcome)
            || here.guards.present.iter().any(|path| path.segments().starts_with(&of_step("result")))
    }
}
