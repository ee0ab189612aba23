//! What rules see of one event, for the editor's tree and its completion.

use rocket::{State, response::content::RawJson};
use serde_json::{Value, json};

use crate::{
    admin::{refused::Refused, state::Admin},
    ids::EventId,
    matcher::Subject,
    secret::Masker,
    starts, trial,
};

/// A sample is no stored event: it has this number.
const SAMPLE: i64 = 1;

/// `{type, received_at, event, trigger}` of a stored event (`event`) or of a pack's sample (`sample`).
#[rocket::get("/rules/edit/event?<event>&<sample>")]
pub(super) async fn seen(
    admin: &State<Admin>,
    event: Option<&str>,
    sample: Option<&str>,
) -> Result<RawJson<String>, Refused> {
    let subject = match (event.unwrap_or_default(), sample.unwrap_or_default()) {
        ("", "") => return Err(Refused::invalid("Name a stored event or a sample: ?event=evt_... or ?sample=...")),
        ("", sample) => of_sample(admin, sample)?,
        (event, _) => of_event(admin, event).await?,
    };
    let masker = admin.vault.masker();
    let seen = json!({
        "type": subject.kind,
        "received_at": subject.received_at,
        "event": masked(subject.event, &masker),
        "trigger": masked(subject.trigger, &masker),
    });
    Ok(RawJson(seen.to_string()))
}

/// A sender may repeat a secret: no text and no name of a value shows one.
fn masked(value: Value, masker: &Masker) -> Value {
    match value {
        Value::String(text) => Value::String(masker.mask(&text)),
        Value::Array(list) => list.into_iter().map(|inner| masked(inner, masker)).collect(),
        Value::Object(map) => {
            map.into_iter().map(|(name, inner)| (masker.mask(&name), masked(inner, masker))).collect()
        }
        other => other,
    }
}

fn of_sample(admin: &State<Admin>, written: &str) -> Result<Subject, Refused> {
    let registry = (admin.in_force)().registry;
    let fault = |why: String| Refused::invalid(format!("This sample cannot be shown: {why}."));
    let given = trial::sample(&registry, written).map_err(|(why, help)| fault(format!("{why}; {help}")))?;
    let (subject, _) = given.subject(&registry, admin.clock.now(), SAMPLE).map_err(fault)?;
    Ok(subject)
}

async fn of_event(admin: &State<Admin>, written: &str) -> Result<Subject, Refused> {
    let id: EventId =
        written.parse().map_err(|_| Refused::invalid("The id of an event begins with evt_, as the inbox shows it."))?;
    let detail = admin.store.event(id).await?.ok_or_else(|| Refused::missing(&format!("event {id}")))?;
    let registry = (admin.in_force)().registry;
    starts::subject_of(&detail.event, &registry)
        .map_err(|why| Refused::invalid(format!("What rules see of this event cannot be told: {why}.")))
}
