//! Sources are paused and resumed.

use serde_json::json;

use crate::{
    admin::{audit::Deed, refused::Refused, sources, state::Admin},
    model::Person,
};

/// Pauses a source: what comes is taken, stored and answered, and its runs wait.
pub(in crate::admin) async fn pause(admin: &Admin, person: &Person, name: &str) -> Result<(), Refused> {
    sources::source(admin, name, "").await?;
    if !admin.store.pause_source(name.to_owned(), person.name.clone(), admin.clock.now()).await? {
        return Err(Refused::conflict(format!("The source `{name}` is paused already.")));
    }
    let after = json!({ "paused": true });
    let deed = Deed { action: "source.pause", subject: name.to_owned(), before: json!({ "paused": false }), after };
    admin.audit(person, deed).await
}

/// Resumes a source: the runs that wait go on in their order; how many there were. One that is no longer in the settings can be resumed too.
pub(in crate::admin) async fn resume(admin: &Admin, person: &Person, name: &str) -> Result<usize, Refused> {
    let Some(gone) = admin.store.resume_source(name.to_owned(), admin.clock.now()).await? else {
        let shown: String = name.chars().take(63).collect();
        return Err(Refused::conflict(format!("The source `{shown}` is not paused.")));
    };
    admin.wake.ring();
    let after = json!({ "paused": false, "runs": gone });
    let deed = Deed { action: "source.resume", subject: name.to_owned(), before: json!({ "paused": true }), after };
    admin.audit(person, deed).await?;
    Ok(gone)
}
