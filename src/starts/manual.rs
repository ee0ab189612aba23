//! A manual event: a rule that a person starts, with inputs that become its payload.

use std::sync::Arc;

use serde_json::Map;

use super::{Fresh, InForce};
use crate::{
    clock::Time,
    ids::{EventId, IdSource, RunId},
    model::{EventFlags, RunStatus},
    rules::{ManualInput, On, Rule},
    services::{self, Input, InputType},
    store::{NewEvent, NewRun},
    value::{JsonLimits, Object, Value, read_json},
};

/// The type of every manual event; its run says which rule it started.
pub const MANUAL: &str = "manual.run";

/// The source of events that a person makes.
pub const BY_HAND: &str = "manual";

/// Edits between a name that was typed and the one that was meant, at most.
const NEAR: usize = 2;

/// Makes the event of a rule that a person starts. Inputs are texts as they were typed; those of type `list` and `object` are JSON. One
/// that is not given is its default, else null. `Err` is every fault, a sentence each.
pub fn manual(rule: &Rule, inputs: Vec<(String, String)>) -> Result<Fresh, Vec<String>> {
    let declared: Vec<&ManualInput> = rule
        .on
        .iter()
        .filter_map(|on| match on {
            On::Manual { inputs } => Some(inputs),
            On::Type { .. } | On::Service { .. } | On::Schedule(_) | On::Poll(_) => None,
        })
        .flatten()
        .collect();
    if !rule.on.iter().any(|on| matches!(on, On::Manual { .. })) {
        let why = "it has no `manual` in `on`; start it on a stored event with --event";
        return Err(vec![format!("rule `{}` takes no inputs: {why}", rule.id)]);
    }
    let mut faults = Vec::new();
    let mut given = Map::new();
    for (name, text) in inputs {
        match declared.iter().find(|input| input.name == name) {
            None => faults.push(unknown(rule, &declared, &name)),
            Some(_) if given.contains_key(&name) => faults.push(format!("input `{name}` is given twice")),
            Some(input) => match typed(input, &text) {
                Ok(value) => drop(given.insert(name, value)),
                Err(why) => {
                    given.insert(name, Value::Null);
                    faults.push(why);
                }
            },
        }
    }
    let mut payload = Object::new();
    for input in declared {
        let value = given.shift_remove(&input.name).unwrap_or_else(|| {
            if input.required && input.default.is_null() {
                let name = &input.name;
                faults.push(format!("input `{name}` is missing: --input {name}=... gives it ({})", input.kind));
            }
            input.default.clone()
        });
        payload.insert(input.name.clone(), value);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let event = Value::Object(payload);
    Ok(Fresh {
        kind: MANUAL.to_owned(),
        source: BY_HAND.to_owned(),
        service: None,
        verified: super::INTERNAL.to_owned(),
        depth: 0,
        own: false,
        echo: None,
        flags: EventFlags::default(),
        body: event.to_string().into_bytes(),
        event,
        meta: Map::new(),
        dictionary: Arc::default(),
        dedupe: None,
    })
}

/// The event of any rule that a person starts without naming a stored one: one with `manual` on its inputs, one with a `schedule` as if a
/// slot of it were at `now` (to the second). `Err` is every fault, a sentence each.
pub fn by_hand(rule: &Rule, inputs: Vec<(String, String)>, now: Time) -> Result<Fresh, Vec<String>> {
    let is_manual = rule.on.iter().any(|on| matches!(on, On::Manual { .. }));
    match rule.schedules().next().filter(|_| !is_manual) {
        None => manual(rule, inputs),
        Some(_) if !inputs.is_empty() => {
            Err(vec![format!("rule `{}` goes by a schedule and takes no inputs", rule.id)])
        }
        Some(schedule) => {
            let slot = Time(now.0 - now.0.rem_euclid(1000));
            Ok(Fresh { source: BY_HAND.to_owned(), ..super::fired(rule, schedule, slot, 0) })
        }
    }
}

/// What is stored of a manual event: one run of that rule, which passes no gates; its vars are computed when it begins.
pub fn manual_event(ids: &IdSource, in_force: &InForce, rule: &Rule, fresh: Fresh, now: Time) -> NewEvent {
    let id = EventId(ids.next(now));
    let run = NewRun::new(RunId(ids.next(now)), &rule.id, RunStatus::Due, now, Map::new(), None);
    NewEvent {
        id,
        kind: fresh.kind,
        source: fresh.source,
        service: fresh.service,
        received_at: now,
        verified: fresh.verified,
        depth: fresh.depth,
        flags: fresh.flags,
        meta: fresh.meta,
        body: fresh.body,
        dictionary: fresh.dictionary,
        dedupe: fresh.dedupe,
        set: in_force.set_id,
        payload: fresh.event,
        echo: fresh.echo,
        own: fresh.own,
        runs: vec![run],
    }
}

fn unknown(rule: &Rule, declared: &[&ManualInput], name: &str) -> String {
    let names: Vec<&str> = declared.iter().map(|input| input.name.as_str()).collect();
    let near = names.iter().map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
    let help = match near.filter(|(distance, _)| *distance <= NEAR) {
        Some((_, near)) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "it takes none".to_owned(),
        None => format!("known are {}", names.join(", ")),
    };
    format!("rule `{}` has no input `{name}`; {help}", rule.id)
}

/// A typed text as a value of the input's type. `Err` is one sentence.
fn typed(input: &ManualInput, text: &str) -> Result<Value, String> {
    let kind = InputType::ALL.into_iter().find(|(word, _)| *word == input.kind).map(|(_, kind)| kind);
    let kind = kind.ok_or_else(|| format!("input `{}`: `{}` is no type of an input", input.name, input.kind))?;
    let value = if matches!(kind, InputType::List | InputType::Object) {
        let read = read_json(text.as_bytes(), JsonLimits::default());
        read.map_err(|error| format!("input `{}`: {} in JSON wanted: {error}", input.name, input.kind))?.value
    } else {
        Value::String(text.to_owned())
    };
    let input = Input {
        name: input.name.clone(),
        kind,
        required: input.required,
        default: (!input.default.is_null()).then(|| input.default.clone()),
        choices: input.choices.clone(),
        help: String::new(),
        target: false,
    };
    services::coerce(&input, value).map_err(|(_, why)| why)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rules::{Around, Condition, Set, Texts, fake::Fake};

    fn input(name: &str, kind: &str, required: bool, default: Value) -> ManualInput {
        let choices = vec!["low".to_owned(), "high".to_owned()];
        ManualInput { name: name.to_owned(), kind: kind.to_owned(), required, default, choices, help: String::new() }
    }

    fn rule(on: Vec<On>) -> Rule {
        Rule {
            id: Arc::from("tickets/close"),
            file: Arc::from("rules/tickets/close.yaml"),
            name: "close".to_owned(),
            description: None,
            enabled: true,
            on,
            vars: Vec::new(),
            when: Condition::All(Vec::new()),
            around: Around::default(),
            timeout: None,
            steps: Vec::new(),
            on_error: Vec::new(),
            tests: Vec::new(),
        }
    }

    fn close() -> Rule {
        rule(vec![On::Manual {
            inputs: vec![
                input("ticket", "integer", true, Value::Null),
                input("urgency", "enum", true, json!("low")),
                input("tags", "list", false, Value::Null),
            ],
        }])
    }

    fn said(rule: &Rule, inputs: &[(&str, &str)]) -> Result<Value, Vec<String>> {
        let inputs = inputs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        manual(rule, inputs).map(|fresh| fresh.event)
    }

    #[test]
    fn typed_texts_become_the_payload_with_their_types() {
        let all = [("tags", r#"["a", 1]"#), ("ticket", "42"), ("urgency", "high")];
        assert_eq!(said(&close(), &all), Ok(json!({"ticket": 42, "urgency": "high", "tags": ["a", 1]})));
        let least = said(&close(), &[("ticket", "42")]);
        assert_eq!(least, Ok(json!({"ticket": 42, "urgency": "low", "tags": null})));
    }

    #[test]
    fn the_body_that_is_stored_reads_as_the_payload() {
        let fresh = manual(&close(), vec![("ticket".to_owned(), "42".to_owned())]).unwrap_or_else(|_| panic!("faults"));
        assert_eq!(read_json(&fresh.body, JsonLimits::default()).map(|read| read.value), Ok(fresh.event));
        assert_eq!((fresh.kind.as_str(), fresh.source.as_str(), fresh.depth), ("manual.run", "manual", 0));
    }

    #[test]
    fn every_fault_is_told_with_the_way_out() {
        let faults = said(&close(), &[("tikcet", "42"), ("urgency", "none"), ("tags", "a,b"), ("urgency", "low")]);
        assert_eq!(
            faults.unwrap_err(),
            [
                "rule `tickets/close` has no input `tikcet`; did you mean `ticket`?",
                "input `urgency`: one of `low`, `high` wanted, text seen",
                "input `tags`: list in JSON wanted: not JSON at line 1, column 1",
                "input `urgency` is given twice",
                "input `ticket` is missing: --input ticket=... gives it (integer)",
            ]
        );
    }

    #[test]
    fn a_rule_that_nobody_starts_by_hand_says_how_to_run_it() {
        let on = vec![On::Type { event: "gruveo.call".to_owned(), own: false }];
        let faults = said(&rule(on), &[]).unwrap_err();
        assert!(faults[0].contains("--event"), "{faults:?}");
        assert_eq!(said(&rule(vec![On::Manual { inputs: Vec::new() }]), &[]), Ok(json!({})));
    }

    #[test]
    fn its_event_has_one_run_that_passes_nothing() {
        let in_force = InForce {
            set: Arc::new(Set::compile(Texts::default(), &Fake::new()).set),
            set_id: 7,
            registry: Arc::new(services::Registry::default()),
        };
        let fresh = manual(&close(), vec![("ticket".to_owned(), "1".to_owned())]).unwrap_or_else(|_| panic!("faults"));
        let event = manual_event(&IdSource::default(), &in_force, &close(), fresh, Time(5));
        assert_eq!(
            (event.set, event.runs.len(), event.payload),
            (7, 1, json!({"ticket": 1, "urgency": "low", "tags": null}))
        );
        let run = &event.runs[0];
        assert_eq!((run.rule.as_str(), run.status, run.due_at), ("tickets/close", RunStatus::Due, Time(5)));
        assert_eq!(run.gates, crate::store::Gates::default());
    }
}
