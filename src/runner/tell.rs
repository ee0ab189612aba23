//! Tells rules of problems that were opened or solved: as events of our own, outside of the transaction that something failed in.

use serde_json::json;

use super::RunnerParts;
use crate::{
    clock::Time,
    rules::Rule,
    starts::{self, DEEPEST, Fresh, InForce},
    store::{NewEvent, StoreError, Untold},
};

/// The pack whose events these are.
const SERVICE: &str = "bellwire";
/// Their types.
const OPENED: &str = "bellwire.problem_opened";
const SOLVED: &str = "bellwire.problem_solved";

/// Tells what there is to tell; how many events were stored.
pub(super) async fn tell(parts: &RunnerParts, in_force: &InForce, now: Time) -> Result<usize, StoreError> {
    let mut told = 0;
    for untold in parts.store.untold(now).await? {
        let event = event(parts, in_force, &untold, now);
        let is_event = event.is_some();
        if parts.store.told(&untold, event).await? && is_event {
            told += 1;
        }
    }
    Ok(told)
}

/// The event that tells of a problem. `None`: nobody hears it, or whoever would is what has failed.
fn event(parts: &RunnerParts, in_force: &InForce, untold: &Untold, now: Time) -> Option<NewEvent> {
    let kind = if untold.solved { SOLVED } else { OPENED };
    let rules = &in_force.set.rules;
    if !rules.values().any(|rule| rule.enabled && rule.hears(kind, false)) {
        return None;
    }
    let hears_any = |rule: &Rule| rule.hears(OPENED, false) || rule.hears(SOLVED, false);
    let of = untold.row.rule.as_deref().and_then(|rule| rules.get(rule));
    // A rule that is told of its own failures could fail of that again and again; through others, the depth ends it.
    if of.is_some_and(|rule| hears_any(rule)) || untold.depth >= DEEPEST {
        return None;
    }
    let row = &untold.row;
    let url = parts.config.server.public_url.as_ref();
    let data = json!({
        "id": row.id,
        "kind": row.kind,
        "subject": row.subject,
        "message": row.message,
        "count": row.count,
        "first_at": row.first_at.to_string(),
        "opened_at": row.opened_at.to_string(),
        "last_at": row.last_at.to_string(),
        "rule": row.rule,
        "step": row.step,
        "host": row.host,
        "class": row.class,
        "run": row.run,
        "url": url.map(|url| format!("{}/problems/{}", url.trim_end_matches('/'), row.id)),
    });
    let by = json!({"problem": row.id});
    let fresh = Fresh {
        source: SERVICE.to_owned(),
        service: Some(SERVICE.to_owned()),
        ..starts::emitted(kind.to_owned(), data, untold.depth + 1, by)
    };
    Some(starts::started(&parts.config, &parts.ids, in_force, fresh, now))
}
