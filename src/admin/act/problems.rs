//! What people say of problems: known, muted, gone.

use serde_json::json;

use crate::{
    admin::{audit::Deed, refused::Refused, state::Admin},
    clock::Time,
    ids::ProblemId,
    model::Person,
    store::{ProblemRow, ProblemWord},
};

/// The problem. `Err`: there is none.
pub(in crate::admin) async fn find(admin: &Admin, id: ProblemId) -> Result<ProblemRow, Refused> {
    admin.store.problem(id).await?.ok_or_else(|| Refused::missing(&format!("problem {id}")))
}

/// Keeps what a person says of a problem that is not solved.
pub(in crate::admin) async fn say(
    admin: &Admin,
    person: &Person,
    id: ProblemId,
    word: ProblemWord,
) -> Result<(), Refused> {
    let was = find(admin, id).await?;
    let action = match &word {
        ProblemWord::Acknowledge { .. } => "problem.acknowledge",
        ProblemWord::Mute { .. } => "problem.mute",
        ProblemWord::Resolve => "problem.resolve",
        ProblemWord::Reopen => "problem.reopen",
    };
    if !admin.store.word_on(id, word, admin.clock.now()).await? {
        return Err(Refused::conflict(format!("Problem {id} is solved: there is nothing to say of it.")));
    }
    let now = find(admin, id).await?;
    let until = |row: &ProblemRow| match row.muted_until {
        Some(Time(i64::MAX)) => json!("for ever"),
        Some(until) => json!(until.to_string()),
        None => json!(null),
    };
    let standing = |row: &ProblemRow| json!({"state": row.state, "muted_until": until(row)});
    let (before, after) = (standing(&was), standing(&now));
    let subject = format!("{id} {} {}", was.kind, was.subject);
    admin.audit(person, Deed { action, subject, before, after }).await
}
