use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;

use super::*;
use crate::{
    clock::Time,
    model::Finding,
    rules::{ActionInfo, EventInfo, InputInfo, Set, Texts, Vocabulary},
    trial::Given,
    value::{YamlLimits, read_yaml},
};

fn registry() -> Registry {
    Registry::load(&BTreeMap::new()).unwrap()
}

/// The packs that come with Bellwire, as rules ask for them.
struct Known {
    registry: Registry,
    vars: Object,
}

impl Vocabulary for Known {
    fn event(&self, kind: &str) -> Option<EventInfo<'_>> {
        let (service, event) = kind.split_once('.')?;
        let known = self.registry.pack(service)?.events.get(event)?;
        Some(EventInfo { schema: &known.schema, untrusted: &known.untrusted })
    }

    fn event_types(&self) -> Vec<String> {
        let packs = self.registry.packs.values();
        packs.flat_map(|pack| pack.events.keys().map(|event| format!("{}.{event}", pack.name))).collect()
    }

    fn has_service(&self, name: &str) -> bool {
        self.registry.packs.contains_key(name)
    }

    fn action(&self, name: &str) -> Option<ActionInfo> {
        let (_, action) = self.registry.action(name)?;
        let inputs = action.inputs.iter().map(|input| InputInfo {
            name: input.name.clone(),
            kind: input.kind.word(),
            required: input.required && input.default.is_none(),
            choices: input.choices.clone(),
            help: String::new(),
            target: input.target,
        });
        Some(ActionInfo { title: action.title.clone(), inputs: inputs.collect(), read: action.read, verify: false })
    }

    fn action_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn has_connection(&self, name: &str) -> bool {
        self.registry.packs.contains_key(name)
    }

    fn vars(&self) -> &Object {
        &self.vars
    }

    fn hours(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What is wrong with a text as a rule file.
fn errors(text: &str, known: &Known) -> Vec<Finding> {
    let texts = Texts(Arc::new([("rules/new.yaml".to_owned(), text.to_owned())].into()));
    Set::compile(texts, known).findings.into_iter().filter(Finding::is_error).collect()
}

#[test]
fn a_draft_of_every_sample_holds_with_each_of_its_steps() {
    let known = Known { registry: registry(), vars: Object::new() };
    let mut offered = 0;
    for pack in known.registry.packs.values() {
        for (name, event) in &pack.events {
            for (sample, body) in &event.samples {
                let kind = format!("{}.{name}", pack.name);
                let given = Given::sent(&kind, body.clone()).subject(&known.registry, Time(0), 1);
                let (subject, _) = given.unwrap_or_else(|why| panic!("{kind}/{sample}: {why}"));
                let (text, _) = from_event(&kind, &subject.event, &known.registry, &|_| true);
                assert!(!text.contains("event. "), "{text}");
                let found = errors(&text, &known);
                assert!(found.is_empty(), "{kind}/{sample}: {found:?}\n{text}");
                let steps: Vec<&str> = text.lines().filter(|line| line.starts_with("  # - ")).collect();
                for step in steps {
                    let done = text.replace(step, &step.replacen("# ", "", 1));
                    let found = errors(&done, &known);
                    assert!(found.is_empty(), "{kind}/{sample}: {found:?}\n{done}");
                    offered += usize::from(!step.contains("emit:"));
                }
            }
        }
    }
    assert!(offered > 20, "{offered} actions are offered");
}

#[test]
fn a_missed_call_gives_a_rule_for_missed_calls() {
    let event = json!({"resolution": "missed", "link": "@acme", "duration": 0, "tracking": {"ticket": "42"}});
    let (text, id) = from_event("gruveo.call", &event, &registry(), &|name| name == "groove");
    assert_eq!(id, "gruveo/call");
    let read = read_yaml(&text, YamlLimits::default()).unwrap_or_else(|faults| panic!("{faults:?}\n{text}")).value;
    assert_eq!(read["on"], "gruveo.call");
    assert_eq!(read["when"], json!({"event.resolution": "missed"}));
    let note = "  # - groove.add_note: { ticket: \"{{ event.tracking.ticket }}\", body: \"A call has ended: {{ event.resolution }}\" }\n";
    assert!(text.contains(note), "{text}");
    assert!(!text.contains("slack."), "{text}");
}

#[test]
fn of_services_that_are_not_set_up_nothing_is_offered() {
    let event = json!({"resolution": "missed", "tracking": {"ticket": "42"}});
    let (text, _) = from_event("gruveo.call", &event, &registry(), &|_| false);
    let steps: Vec<&str> = text.lines().filter(|line| line.starts_with("  # - ")).collect();
    assert_eq!(steps, ["  # - emit: { type: my_gruveo.noticed, data: { resolution: \"{{ event.resolution }}\" } }"]);
}

#[test]
fn whatever_an_event_holds_the_draft_reads_as_a_rule() {
    let hostile = json!({
        "status": "a: {{ secrets.x }}\n# <script>", "state": "yes", "type": "in progress", "a b": {"kind": "x"},
        "action": "\u{202e}x", "inner": {"deep": {"state": "open"}, "is_open": true}, "kind": "2026-03-01",
    });
    let (text, id) = from_event("shop-1.Ord\u{e9}r/../x", &hostile, &registry(), &|_| true);
    assert_eq!(id, "shop-1/ord-r-x");
    let read = read_yaml(&text, YamlLimits::default()).unwrap_or_else(|faults| panic!("{faults:?}\n{text}")).value;
    assert_eq!(read["when"], json!({"event.state": "yes", "event.type": "in progress", "event.inner.is_open": true}));
    let (bare, _) = from_event("x.y", &json!([1]), &registry(), &|_| true);
    assert!(read_yaml(&bare, YamlLimits::default()).is_ok_and(|read| read.value.get("when").is_none()), "{bare}");
}
