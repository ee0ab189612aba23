//! A fired schedule: an event that starts the rule that the schedule stands in, and no other.

use std::sync::Arc;

use serde_json::{Map, json};

use super::{Fresh, InForce, event::started_by};
use crate::{
    clock::Time,
    config::Config,
    ids::IdSource,
    matcher::Subject,
    model::EventFlags,
    rules::{Every, Rule, Schedule},
    store::NewEvent,
    value::{Object, Value},
};

/// The type of every event that a schedule fires; its `meta` names the rule.
pub const SCHEDULED: &str = "schedule.fired";

/// The name in `meta` under which the event of one rule alone names it.
const RULE: &str = "rule";

/// `{slot, timezone, cron or every, missed}`: the slot's time in UTC, the zone and the expression as written, and how many slots before
/// this one were never fired.
pub fn slot_payload(schedule: &Schedule, slot: Time, missed: u64) -> Value {
    let mut payload = Object::new();
    payload.insert("slot".to_owned(), slot.to_string().into());
    payload.insert("timezone".to_owned(), schedule.timezone().into());
    match &schedule.at {
        Every::Cron(cron) => payload.insert("cron".to_owned(), cron.expression.clone().into()),
        Every::After(_) => {
            let written = schedule.expression();
            payload.insert("every".to_owned(), written.trim_start_matches("every ").into())
        }
    };
    payload.insert("missed".to_owned(), missed.into());
    Value::Object(payload)
}

/// The event of a slot, before it is matched.
pub fn fired(rule: &Rule, schedule: &Schedule, slot: Time, missed: u64) -> Fresh {
    let event = slot_payload(schedule, slot, missed);
    Fresh {
        kind: SCHEDULED.to_owned(),
        source: "schedule".to_owned(),
        service: None,
        verified: super::INTERNAL.to_owned(),
        depth: 0,
        own: false,
        echo: None,
        flags: EventFlags::default(),
        body: event.to_string().into_bytes(),
        event,
        meta: Map::from_iter([(RULE.to_owned(), json!(&*rule.id))]),
        dictionary: Arc::default(),
        dedupe: None,
    }
}

/// Matches an event against one rule alone, whatever it listens to, and makes what is stored of it: `when`, `once` and the like are asked
/// as usual.
pub fn started_one(
    config: &Config,
    ids: &IdSource,
    in_force: &InForce,
    rule: &Arc<Rule>,
    fresh: Fresh,
    now: Time,
) -> NewEvent {
    started_by(config, ids, in_force.set_id, fresh, now, |_: &Subject| vec![rule])
}

/// The rule whose schedule fired a stored event. `None`: no schedule did.
pub fn scheduled_rule<'m>(kind: &str, meta: &'m Object) -> Option<&'m str> {
    (kind == SCHEDULED).then(|| meta.get(RULE)).flatten().and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rules::{CatchUp, Cron, Set, Texts, fake::Fake};

    fn schedule(at: Every) -> Schedule {
        Schedule { at, catch_up: CatchUp::Last }
    }

    #[test]
    fn the_payload_tells_the_slot_and_its_schedule() {
        let daily = schedule(Every::Cron(Cron::parse("0 9 * * *", Some("Europe/Athens")).unwrap()));
        assert_eq!(
            slot_payload(&daily, Time(1_772_434_800_000), 2),
            json!({"slot": "2026-03-02T07:00:00Z", "timezone": "Europe/Athens", "cron": "0 9 * * *", "missed": 2})
        );
        let often = schedule(Every::After(Duration::from_mins(10)));
        assert_eq!(
            slot_payload(&often, Time(0), 0),
            json!({"slot": "1970-01-01T00:00:00Z", "timezone": "UTC", "every": "10m", "missed": 0})
        );
    }

    #[test]
    fn its_event_starts_its_own_rule_where_the_conditions_hold() {
        let rule = |id: &str, missed: u64| {
            let text = format!(
                "name: {id}\non: {{ schedule: {{ every: 10m }} }}\nwhen: {{ event.missed: {missed} }}\nonce: {{ within: 1h }}\ndo:\n- stop: x\n"
            );
            (format!("rules/{id}.yaml"), text)
        };
        let texts = Texts(Arc::new([rule("a", 0), rule("b", 0), rule("c", 7)].into_iter().collect()));
        let compiled = Set::compile(texts, &Fake::new());
        assert!(compiled.holds(), "{:?}", compiled.findings);
        let set = Arc::new(compiled.set);
        let in_force = InForce { set: Arc::clone(&set), set_id: 3, registry: Arc::default() };
        let folder = std::env::temp_dir();
        let config = crate::config::load(&folder, &std::collections::BTreeMap::new()).unwrap();
        let event = |id: &str| {
            let rule = &set.rules[id];
            let fresh = fired(rule, rule.schedules().next().unwrap(), Time(600_000), 0);
            started_one(&config, &IdSource::default(), &in_force, rule, fresh, Time(600_001))
        };
        let of_a = event("a");
        assert_eq!((of_a.kind.as_str(), of_a.source.as_str(), of_a.set), ("schedule.fired", "schedule", 3));
        assert_eq!(of_a.runs.iter().map(|run| run.rule.as_str()).collect::<Vec<_>>(), ["a"]);
        assert!(of_a.runs[0].gates.once.is_some());
        assert_eq!(scheduled_rule(&of_a.kind, &of_a.meta), Some("a"));
        assert!(event("c").runs.is_empty());
    }
}
