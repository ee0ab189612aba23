//! A rule that a person starts.

use serde_json::{Map, json};

use crate::{
    admin::{audit::Deed, refused::Refused, state::Admin},
    ids::{EventId, RunId},
    model::Person,
    rules::On,
    starts::{self, InForce},
    store::Replay,
};

/// Starts a rule with these inputs, as `bellwire run` does: one with `manual`, or one with a schedule as if a slot were now.
pub(in crate::admin) async fn run(
    admin: &Admin,
    person: &Person,
    id: &str,
    inputs: Vec<(String, String)>,
) -> Result<RunId, Refused> {
    let in_force = (admin.in_force)();
    let rule = in_force.set.rules.get(id).ok_or_else(|| missing(id))?;
    if !rule.on.iter().any(|on| matches!(on, On::Manual { .. } | On::Schedule(_))) {
        let told =
            format!("`{id}` is not started by hand: it has no `on: manual` and no schedule. Replay one of its events.");
        return Err(Refused::new(422, "not_manual", told));
    }
    let now = admin.clock.now();
    let names: Vec<String> = inputs.iter().map(|(name, _)| name.clone()).collect();
    let fresh = starts::by_hand(rule, inputs, now).map_err(|faults| {
        let told = faults.iter().map(|fault| fault.replace("--input ", "")).collect::<Vec<_>>().join(". ");
        Refused::new(422, "inputs", format!("{told}."))
    })?;
    let event = starts::manual_event(&admin.ids, &in_force, rule, fresh, now);
    let stored = event.id;
    let run = event.runs.first().map(|run| run.id).ok_or_else(|| missing(id))?;
    admin.store.accept(event).await?;
    admin.wake.ring();
    let after = json!({"run": run, "event": stored, "inputs": names});
    admin.audit(person, Deed { action: "rule.run", subject: id.to_owned(), after, ..Deed::default() }).await?;
    Ok(run)
}

/// Starts a rule in force on a stored event, also where it does not match: `when`, `threshold`, `once` and `digest` are not asked.
pub(in crate::admin) async fn run_on(
    admin: &Admin,
    person: &Person,
    id: &str,
    event: EventId,
) -> Result<RunId, Refused> {
    let InForce { set, set_id, .. } = (admin.in_force)();
    let rule = set.rules.get(id).ok_or_else(|| missing(id))?;
    let found = admin.store.event(event).await?.ok_or_else(|| Refused::missing(&format!("event {event}")))?;
    if found.event.body.is_none() {
        let why = format!("The body of {event} was deleted by retention: nothing can run on it.");
        return Err(Refused::conflict(why));
    }
    let now = admin.clock.now();
    let replay = Replay {
        id: RunId(admin.ids.next(now)),
        event,
        of: None,
        rule: rule.id.to_string(),
        set: set_id,
        root: None,
        vars: Map::new(),
        outputs: Vec::new(),
        key: None,
        at: now,
    };
    let run = admin.store.replay(replay).await?;
    admin.wake.ring();
    let after = json!({"run": run, "event": event});
    admin.audit(person, Deed { action: "rule.run", subject: id.to_owned(), after, ..Deed::default() }).await?;
    Ok(run)
}

fn missing(id: &str) -> Refused {
    let shown: String = id.chars().take(120).collect();
    Refused::missing(&format!("rule `{}` in force", shown.escape_debug()))
}
