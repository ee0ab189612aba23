//! An item that a poll has found: an event that starts the rule that the poll stands in, and no other.

use std::sync::Arc;

use serde_json::{Map, json};

use super::{Fresh, InForce, event::started_by};
use crate::{
    clock::Time,
    config::Config,
    ids::IdSource,
    model::EventFlags,
    rules::Rule,
    store::NewEvent,
    value::{Object, Value},
};

/// The type of every event that a poll finds; its `meta` names the rule.
pub const POLLED: &str = "poll.item";

/// The name in `meta` under which the event of one rule alone names it.
const RULE: &str = "rule";

/// Matches an item against its own rule alone, and makes what is stored of it: `when`, `once` and the like are asked as usual.
pub fn polled(
    config: &Config,
    ids: &IdSource,
    in_force: &InForce,
    rule: &Arc<Rule>,
    item: Value,
    now: Time,
) -> NewEvent {
    let fresh = Fresh {
        kind: POLLED.to_owned(),
        source: "poll".to_owned(),
        service: None,
        verified: super::INTERNAL.to_owned(),
        depth: 0,
        own: false,
        echo: None,
        flags: EventFlags::default(),
        body: item.to_string().into_bytes(),
        event: item,
        meta: Map::from_iter([(RULE.to_owned(), json!(&*rule.id))]),
        dictionary: Arc::default(),
        dedupe: None,
    };
    started_by(config, ids, in_force.set_id, fresh, now, |_| vec![rule])
}

/// The rule whose poll found a stored event. `None`: no poll did.
pub fn polled_rule<'m>(kind: &str, meta: &'m Object) -> Option<&'m str> {
    (kind == POLLED).then(|| meta.get(RULE)).flatten().and_then(Value::as_str)
}
