//! Rules are started out of their time: a slot of a schedule now, a poll now.

use sha2::{Digest as _, Sha256};

use serde_json::json;

use crate::{
    admin::{audit::Deed, refused::Refused, state::Admin},
    ids::{EventId, RunId},
    model::Person,
    starts::{self, Fresh},
    store::{Accepted, Dedupe},
};

/// How long the second press of a button is known for one.
const REMEMBERED: std::time::Duration = std::time::Duration::from_hours(24);

/// Fires a slot of a schedule of a rule, for real: the run that it starts, and its event. `place` is which of the rule's schedules, from 0.
/// `key` tells this press of the button from all others.
pub(in crate::admin) async fn fire(
    admin: &Admin,
    person: &Person,
    rule: &str,
    place: usize,
    key: &str,
) -> Result<(EventId, Option<RunId>), Refused> {
    let in_force = (admin.in_force)();
    let missing = || Refused::missing(&format!("schedule {place} of the rule `{}`", shortened(rule)));
    let known = in_force.set.rules.get(rule).ok_or_else(missing)?;
    let schedule = known.schedules().nth(place).ok_or_else(missing)?;
    if !known.enabled {
        return Err(Refused::conflict(format!("The rule `{rule}` is not enabled; switch it on first.")));
    }
    let now = admin.clock.now();
    let slot = crate::clock::Time(now.0 - now.0.rem_euclid(1000));
    let pressed: [u8; 16] = digest(&[rule, key]);
    let dedupe = Some(Dedupe { key: pressed, digest: pressed, expires: now.plus(REMEMBERED) });
    let fresh = Fresh { source: starts::BY_HAND.to_owned(), dedupe, ..starts::fired(known, schedule, slot, 0) };
    let event = starts::manual_event(&admin.ids, &in_force, known, fresh, now);
    let (id, run) = (event.id, event.runs.first().map(|run| run.id));
    match admin.store.accept(event).await? {
        Accepted::Duplicate { first } => return Ok((first, None)),
        Accepted::New { .. } => {}
    }
    admin.wake.ring();
    let after = json!({ "schedule": schedule.expression(), "event": id });
    admin.audit(person, Deed { action: "schedule.run", subject: rule.to_owned(), after, ..Deed::default() }).await?;
    Ok((id, run))
}

/// Makes the polls of a rule due now; how many.
pub(in crate::admin) async fn poll(admin: &Admin, person: &Person, rule: &str) -> Result<usize, Refused> {
    let in_force = (admin.in_force)();
    let missing = || Refused::missing(&format!("rule `{}` with a poll", shortened(rule)));
    let known = in_force.set.rules.get(rule).filter(|rule| rule.polls().next().is_some()).ok_or_else(missing)?;
    if !known.enabled {
        return Err(Refused::conflict(format!("The rule `{rule}` is not enabled, and its polls ask for nothing.")));
    }
    let rows: Vec<_> = admin.store.polls().await?.into_iter().filter(|row| row.id.rule == rule).collect();
    if rows.is_empty() {
        return Err(Refused::conflict(format!(
            "The rule `{rule}` was not asked for yet: it is within a second anyway."
        )));
    }
    let now = admin.clock.now();
    let count = rows.len();
    for row in rows {
        admin.store.poll_due(row.id, row.target, row.every, now).await?;
    }
    admin.wake.ring();
    let after = json!({ "polls": count });
    admin.audit(person, Deed { action: "poll.run", subject: rule.to_owned(), after, ..Deed::default() }).await?;
    Ok(count)
}

fn shortened(text: &str) -> String {
    text.chars().take(128).collect()
}

fn digest(parts: &[&str]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    let mut key = [0; 16];
    key.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    key
}
