//! A rule that a person starts.

use serde_json::json;

use crate::{
    admin::{audit::Deed, refused::Refused, state::Admin},
    ids::RunId,
    model::Person,
    rules::On,
    starts,
};

/// Starts a rule with these inputs, as `bellwire run` does: one with `manual`, or one with a schedule as if a slot were now.
pub(in crate::admin) async fn run(
    admin: &Admin,
    person: &Person,
    id: &str,
    inputs: Vec<(String, String)>,
) -> Result<RunId, Refused> {
    let in_force = (admin.in_force)();
    let missing = || {
        let shown: String = id.chars().take(120).collect();
        Refused::missing(&format!("rule `{}` in force", shown.escape_debug()))
    };
    let rule = in_force.set.rules.get(id).ok_or_else(missing)?;
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
    let run = event.runs.first().map(|run| run.id).ok_or_else(missing)?;
    admin.store.accept(event).await?;
    admin.wake.ring();
    let after = json!({"run": run, "event": stored, "inputs": names});
    admin.audit(person, Deed { action: "rule.run", subject: id.to_owned(), after, ..Deed::default() }).await?;
    Ok(run)
}
