//! From `tests` as written to cases.

use std::{sync::Arc, time::Duration};

use super::{
    Bench, Case,
    case::{Wanted, WantedVerdict, object},
    effects::Effects,
    fixture,
};
use crate::{
    clock::Time,
    model::Finding,
    rules::{
        Condition, Node, OnStepError, Reader, Rule, Step, StepKind, codes, parse_condition, parse_duration, shortened,
        suggestion,
    },
    starts::SCHEDULED,
    trial::{
        events::{Given, of_schedule, sample},
        world::NOON,
    },
    value::{Document, Object, Value, YamlLimits, read_yaml},
};

/// Outcomes that a run of a test can have.
const OUTCOMES: &[&str] = &["ok", "failed", "held", "skipped", "cancelled", "waiting"];
/// What can keep a matched event from starting a run.
const GATES: &[&str] = &["once", "threshold", "digest", "own"];

/// The tests of a rule. `Err` holds what is wrong with them, with places in the rule's file.
pub fn read_suite(bench: Bench<'_>, rule: &Arc<Rule>) -> Result<Vec<Case>, Vec<Finding>> {
    if rule.tests.is_empty() {
        return Ok(Vec::new());
    }
    let text = bench.set.texts.0.get(&*rule.file).map_or("", String::as_str);
    // The rule holds, so its text reads.
    let document = read_yaml(text, YamlLimits::default()).unwrap_or_default();
    // A condition is read from a map: those on `steps` are one of their own.
    let about_steps: Vec<Value> = rule.tests.iter().map(about_steps).collect();
    let cases = {
        let reading = Reading::new(bench, rule, &document, &about_steps);
        let node = reading.reader.root().child("tests");
        let list = node.value.as_array().map(Vec::as_slice).unwrap_or_default();
        let cases: Vec<Case> = list
            .iter()
            .enumerate()
            .filter_map(|(index, value)| reading.case(&node.element(index, value), index))
            .collect();
        let mut findings = reading.reader.into_findings();
        findings.retain(Finding::is_error);
        findings.sort_by(|left, right| left.order().cmp(&right.order()));
        findings.dedup();
        if !findings.is_empty() {
            return Err(findings);
        }
        cases
    };
    Ok(cases)
}

/// The entries `steps.find.attempts: 3` and their like of a test.
fn about_steps(test: &Value) -> Value {
    let entries = test.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("steps."));
    Value::Object(entries.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The tests of one rule while they are read.
pub(super) struct Reading<'a> {
    pub(super) reader: Reader<'a>,
    bench: Bench<'a>,
    rule: &'a Rule,
    about_steps: &'a [Value],
}

impl<'a> Reading<'a> {
    fn new(bench: Bench<'a>, rule: &'a Rule, document: &'a Document, about_steps: &'a [Value]) -> Self {
        let reader = Reader::new(&rule.file, document, &bench.set.files, bench.vocabulary);
        Self { reader, bench, rule, about_steps }
    }

    fn case(&self, node: &Node<'a>, index: usize) -> Option<Case> {
        self.reader.object(node, "a test")?;
        let before = self.reader.count();
        let name = node.get("name").and_then(|name| name.value.as_str()).map(str::to_owned);
        let now = node.get("now").and_then(|inner| self.instant(&inner)).unwrap_or(NOON);
        let case = Case {
            name: name.unwrap_or_else(|| format!("test {}", index + 1)),
            place: self.reader.place(node),
            events: self.events(node),
            now,
            profiles: self.attributes(node, "profiles"),
            records: self.attributes(node, "records"),
            vars: node.get("vars").map(|inner| self.vars(&inner)).unwrap_or_default(),
            replies: node.get("replies").map(|inner| self.replies(&inner)).unwrap_or_default(),
            expect: node.get("expect").map(|inner| self.expect(&inner)),
            verdicts: node.get("verdict").map(|inner| self.verdicts(&inner)).unwrap_or_default(),
            outcomes: node.get("outcome").map(|inner| self.outcomes(&inner)).unwrap_or_default(),
            steps: self.steps(node, index),
        };
        let says =
            |name: &String| ["expect", "verdict", "outcome"].contains(&name.as_str()) || name.starts_with("steps.");
        if !node.value.as_object().is_some_and(|test| test.keys().any(says)) {
            let help = "write `expect:` with the effects in their order, or `expect: []` for none";
            self.reader.error(codes::MISSING_KEY, self.reader.place(node), "this test expects nothing", help);
        }
        (self.reader.count() == before).then_some(case)
    }

    fn instant(&self, node: &Node<'a>) -> Option<Time> {
        let at = self.reader.text(node, "`now`").and_then(Time::parse);
        if at.is_none() && node.value.is_string() {
            let help = "write a time with its offset, such as 2026-03-02T10:00:00Z";
            self.reader.error(codes::OPERAND, self.reader.place(node), "`now` takes a time", help);
        }
        at
    }

    fn events(&self, node: &Node<'a>) -> Vec<(Duration, Given)> {
        if let Some(event) = node.get("event") {
            return self.event(&event).map(|given| (Duration::ZERO, given)).into_iter().collect();
        }
        let Some(events) = node.get("events") else { return Vec::new() };
        let list = events.value.as_array().map(Vec::as_slice).unwrap_or_default();
        if list.is_empty() {
            let help = "write `event: { sample: gruveo.call/missed }`";
            self.reader.error(codes::RANGE, self.reader.place(&events), "`events` is empty", help);
        }
        let mut read = Vec::new();
        for (index, value) in list.iter().enumerate() {
            let inner = events.element(index, value);
            let at = inner.get("at").map_or(Some(Duration::ZERO), |at| self.span(&at));
            read.extend(at.zip(self.event(&inner)));
        }
        // In order of time; those of one moment as they are written.
        read.sort_by_key(|(at, _)| *at);
        read
    }

    fn span(&self, node: &Node<'a>) -> Option<Duration> {
        let span = node.value.as_str().and_then(parse_duration);
        if span.is_none() {
            let help = "write how long after the first it comes, such as 10m";
            self.reader.error(codes::DURATION, self.reader.place(node), "`at` takes a duration", help);
        }
        span
    }

    fn event(&self, node: &Node<'a>) -> Option<Given> {
        let given = if let Some(inner) = node.get("sample") {
            let written = self.reader.text(&inner, "`sample`")?;
            of_schedule(self.rule, written)
                .map_or_else(|| sample(self.bench.registry, written), Ok)
                .map_err(|(why, help)| self.reader.error(codes::UNKNOWN_FIELD, self.reader.place(&inner), why, help))
                .ok()?
        } else if let Some(inner) = node.get("fixture") {
            self.fixture_event(&inner)?
        } else {
            let inner = node.get("type")?;
            let kind = self.reader.text(&inner, "`type`")?;
            self.look_at_type(&inner, kind);
            let payload = node.get("payload").map_or_else(|| Value::Object(Object::new()), |inner| inner.value.clone());
            match of_schedule(self.rule, kind) {
                // A slot always has all of its names; those that are not given are those of the schedule.
                Some(slot) => slot.set(payload),
                None => Given::payload(kind, payload),
            }
        };
        match node.get("set") {
            Some(set) => {
                self.reader.object(&set, "`set`")?;
                Some(given.set(set.value.clone()))
            }
            None => Some(given),
        }
    }

    /// A type that nobody knows and that is nearly one that somebody knows is a slip of the pen.
    fn look_at_type(&self, node: &Node<'a>, kind: &str) {
        if self.rule.hears(kind, true) || kind == SCHEDULED || self.bench.vocabulary.event(kind).is_some() {
            return;
        }
        let known = self.bench.vocabulary.event_types();
        let help = suggestion(kind, known.iter().map(String::as_str));
        if help.starts_with("did you mean") {
            let message = format!("unknown event type `{}`", shortened(kind));
            self.reader.error(codes::UNKNOWN_EVENT, self.reader.place(node), message, help);
        }
    }

    fn fixture_event(&self, node: &Node<'a>) -> Option<Given> {
        let value = self.fixture(node)?;
        let read = Given::from_file(value, Given::only_type(self.rule));
        read.map_err(|(why, help)| self.reader.error(codes::MISSING_KEY, self.reader.place(node), why, help)).ok()
    }

    pub(super) fn fixture(&self, node: &Node<'a>) -> Option<Value> {
        let name = self.reader.text(node, "`fixture`")?;
        let read = fixture::read(&self.bench.config.workspace, &self.rule.file, name);
        read.map_err(|(why, help)| self.reader.error(codes::UNREADABLE, self.reader.place(node), why, help)).ok()
    }

    fn attributes(&self, node: &Node<'a>, name: &str) -> Vec<(String, Object)> {
        let Some(inner) = node.get(name) else { return Vec::new() };
        let Some(all) = self.reader.object(&inner, &format!("`{name}`")) else { return Vec::new() };
        let one = |key: &String| {
            let attributes = inner.child(key);
            self.reader.object(&attributes, "attributes").map(|object| (key.clone(), object.clone()))
        };
        all.keys().filter_map(one).collect()
    }

    fn vars(&self, node: &Node<'a>) -> Object {
        let known = self.bench.vocabulary.vars();
        for name in self.reader.object(node, "`vars`").into_iter().flat_map(serde_json::Map::keys) {
            if known.contains_key(name) {
                continue;
            }
            let message = format!("no var of bellwire.toml is called `{}`", shortened(name));
            let near = suggestion(name, known.keys().map(String::as_str));
            let help =
                if near.is_empty() { "a test can change [vars], not those of the rule".to_owned() } else { near };
            self.reader.error(codes::UNKNOWN_VAR, self.reader.key_place(&node.child(name)), message, help);
        }
        object(node.value)
    }

    fn expect(&self, node: &Node<'a>) -> Vec<Wanted> {
        let list = node.value.as_array().map(Vec::as_slice).unwrap_or_default();
        let effects = Effects { reader: &self.reader, vocabulary: self.bench.vocabulary };
        list.iter().enumerate().filter_map(|(index, value)| effects.wanted(&node.element(index, value))).collect()
    }

    fn verdicts(&self, node: &Node<'a>) -> Vec<WantedVerdict> {
        match node.value {
            Value::Array(list) => {
                let read = (0..).zip(list).filter_map(|(index, value)| self.verdict(&node.element(index, value)));
                read.collect()
            }
            _ => self.verdict(node).into_iter().collect(),
        }
    }

    fn verdict(&self, node: &Node<'a>) -> Option<WantedVerdict> {
        let object = self.reader.object(node, "`verdict`")?;
        self.reader.only_keys(node, &["matched", "because", "suppressed"], "a verdict", &[]);
        if object.is_empty() {
            let help = "write `verdict: { matched: false, because: event.resolution }`";
            self.reader.error(codes::MISSING_KEY, self.reader.place(node), "this verdict says nothing", help);
        }
        let matched = node.get("matched").and_then(|inner| self.reader.boolean(&inner, "`matched`"));
        let because = node.get("because").and_then(|inner| self.reader.text(&inner, "`because`")).map(str::to_owned);
        let suppressed = node.get("suppressed").and_then(|inner| self.word(&inner, "`suppressed`", GATES));
        Some(WantedVerdict { matched, because, suppressed })
    }

    fn outcomes(&self, node: &Node<'a>) -> Vec<String> {
        match node.value {
            Value::Array(list) => (0..)
                .zip(list)
                .filter_map(|(index, value)| self.word(&node.element(index, value), "`outcome`", OUTCOMES))
                .collect(),
            _ => self.word(node, "`outcome`", OUTCOMES).into_iter().collect(),
        }
    }

    fn word(&self, node: &Node<'a>, what: &str, known: &[&str]) -> Option<String> {
        let word = self.reader.text(node, what)?;
        if !known.contains(&word) {
            let help = suggestion(word, known.iter().copied());
            let message = format!("{what} cannot be `{}`", shortened(word));
            self.reader.error(codes::CHOICE, self.reader.place(node), message, help);
            return None;
        }
        Some(word.to_owned())
    }

    /// `steps.find.attempts: 3` and their like, as one condition over `steps`.
    fn steps(&self, node: &Node<'a>, index: usize) -> Option<Condition> {
        let value = self.about_steps.get(index).filter(|value| value.as_object().is_some_and(|map| !map.is_empty()))?;
        let own = Node { value, pointer: node.pointer.clone() };
        let ids = self.ids();
        for name in value.as_object()?.keys() {
            let id = name.split('.').nth(1).unwrap_or_default();
            if !ids.iter().any(|known| known == id) {
                let message = format!("no step has the id `{}`", shortened(id));
                let help = suggestion(id, ids.iter().map(String::as_str));
                self.reader.error(codes::UNKNOWN_STEP, self.reader.key_place(&own.child(name)), message, help);
            }
        }
        parse_condition(&self.reader, &own, "`steps`")
    }

    fn ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        each_step(self.rule, &mut |step| ids.extend(step.id.clone()));
        ids
    }

    /// Ids and paths of the steps that a reply can be given to.
    pub(super) fn answered_steps(&self) -> Vec<String> {
        let mut names = Vec::new();
        each_step(self.rule, &mut |step| {
            if matches!(step.kind, StepKind::Action { .. } | StepKind::Http(_)) {
                names.extend(step.id.clone());
                names.push(step.path.to_string());
            }
        });
        names
    }
}

/// Calls `see` with every step of a rule.
fn each_step(rule: &Rule, see: &mut dyn FnMut(&Step)) {
    fn below(steps: &[Step], see: &mut dyn FnMut(&Step)) {
        for step in steps {
            see(step);
            match &step.kind {
                StepKind::Block { then, otherwise } => {
                    below(then, see);
                    below(otherwise, see);
                }
                StepKind::ForEach { steps, .. } => below(steps, see),
                _ => {}
            }
            if let OnStepError::Steps(steps) = &step.on_error {
                below(steps, see);
            }
        }
    }
    below(&rule.steps, see);
    below(&rule.on_error, see);
}
