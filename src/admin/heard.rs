//! What the rules in force run on: a sample of a service that one of them matches, for whoever sends a first delivery.

use std::time::Duration;

use super::curl::quoted;
use crate::{
    clock::Time,
    matcher,
    model::Verdict,
    rules::Rule,
    services::Pack,
    starts::InForce,
    trial::Given,
    value::{Object, Value, merge},
};

/// Rules of one service that are asked, and time for one answer.
const ASKED: usize = 20;
const TIME: Duration = Duration::from_millis(50);

/// A sample of a pack, and what is laid over it so that a rule matches.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heard {
    /// The pack's name, and that of the event.
    pub(super) service: String,
    pub(super) event: String,
    /// The sample's name.
    pub(super) sample: String,
    /// What a test of the rule lays over the sample. Null: nothing.
    pub(super) set: Value,
}

impl Heard {
    /// What the service would send.
    pub(super) fn body(&self, pack: &Pack) -> Value {
        let samples = pack.events.get(&self.event).map(|kind| kind.samples.as_slice()).unwrap_or_default();
        let found = samples.iter().find(|(name, _)| *name == self.sample);
        let mut body = found.map(|(_, body)| body.clone()).unwrap_or_default();
        if !self.set.is_null() {
            merge(&mut body, self.set.clone());
        }
        body
    }

    /// The command that sends it.
    pub(super) fn command(&self) -> String {
        let mut changes = String::new();
        flags(&self.set, "", &mut changes);
        format!("bellwire send {}.{} --sample {}{changes}", self.service, self.event, self.sample)
    }
}

/// `--set tracking.ticket=42` for each value.
fn flags(value: &Value, path: &str, into: &mut String) {
    let (flag, text) = match value {
        Value::Object(map) => {
            for (name, inner) in map {
                flags(inner, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, into);
            }
            return;
        }
        Value::Null if path.is_empty() => return,
        Value::String(text) => ("--set", text.clone()),
        other => ("--set-json", other.to_string()),
    };
    let change = format!("{path}={text}");
    let is_plain = change.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=._-@/:".contains(&byte));
    into.push_str(&format!(" {flag} {}", if is_plain { change } else { quoted(&change) }));
}

/// A sample that an enabled rule matches, as it is or as a test of the rule changes it; else one that a rule hears. `None`: no rule
/// hears this service.
pub(super) fn heard(in_force: &InForce, pack: &Pack, vars: &Object, now: Time) -> Option<Heard> {
    let kinds: Vec<String> = pack.events.keys().map(|event| format!("{}.{event}", pack.name)).collect();
    let rules = in_force.set.rules.values().filter(|rule| rule.enabled);
    let hearing = rules.filter(|rule| kinds.iter().any(|kind| rule.hears(kind, false)));
    let mut first = None;
    for rule in hearing.take(ASKED) {
        for one in of_tests(rule, pack).into_iter().chain(of_samples(rule, pack)) {
            let kind = format!("{}.{}", one.service, one.event);
            let given = Given::sent(&kind, one.body(pack)).subject(&in_force.registry, now, 1);
            let Ok((subject, _)) = given else { continue };
            if matches!(matcher::explain(rule, &subject, vars, TIME).verdict, Verdict::Matched) {
                return Some(one);
            }
            first.get_or_insert(one);
        }
    }
    first
}

/// Samples with changes, as the rule's tests write them: `event: { sample: gruveo.call/missed, set: {...} }`.
fn of_tests(rule: &Rule, pack: &Pack) -> Vec<Heard> {
    let one = |test: &Value| {
        let event = test.get("event")?;
        let (kind, sample) = event.get("sample")?.as_str()?.split_once('/')?;
        let name = kind.strip_prefix(&pack.name)?.strip_prefix('.')?;
        let samples = &pack.events.get(name)?.samples;
        let set = event.get("set").filter(|set| set.is_object())?;
        let is_there = rule.hears(kind, false) && samples.iter().any(|(known, _)| known == sample);
        is_there.then(|| Heard {
            service: pack.name.clone(),
            event: name.to_owned(),
            sample: sample.to_owned(),
            set: set.clone(),
        })
    };
    rule.tests.iter().filter_map(one).collect()
}

/// The samples of what the rule hears.
fn of_samples(rule: &Rule, pack: &Pack) -> Vec<Heard> {
    let events = pack.events.iter().filter(|(event, _)| rule.hears(&format!("{}.{event}", pack.name), false));
    let samples = events.flat_map(|(event, kind)| kind.samples.iter().map(move |(sample, _)| (event, sample)));
    let all = samples.map(|(event, sample)| Heard {
        service: pack.name.clone(),
        event: event.clone(),
        sample: sample.clone(),
        set: Value::Null,
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_command_writes_each_change_as_a_shell_takes_it() {
        let set = json!({"tracking": {"ticket": "42", "name": "it's me"}, "duration": 3});
        let heard = Heard { service: "gruveo".to_owned(), event: "call".to_owned(), sample: "missed".to_owned(), set };
        let command = heard.command();
        assert!(command.starts_with("bellwire send gruveo.call --sample missed --set "), "{command}");
        for part in [" --set tracking.ticket=42", r" --set 'tracking.name=it'\''s me'", " --set-json duration=3"] {
            assert!(command.contains(part), "{command}");
        }
    }
}
