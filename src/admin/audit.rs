//! What people did, append-only.
// CONTRACT STUB: kept in the table `audit` by the one who builds sign-in.

use serde_json::Value;

use super::{refused::Refused, state::Admin};
use crate::model::Person;

/// Something that a person did.
#[derive(Debug, Clone, Default)]
pub(super) struct Deed {
    /// `rule.save`, `run.cancel`, `secret.set`, `user.disable`: what, in two words.
    pub(super) action: &'static str,
    /// What it was done to: a rule's id, a run, a name.
    pub(super) subject: String,
    /// What it was. Never a secret. `Null`: nothing.
    pub(super) before: Value,
    /// What it is. Never a secret. `Null`: nothing.
    pub(super) after: Value,
}

impl Admin {
    /// Keeps what a person did. Called after the write, in the same handler; an `Err` tells the person that it was done and not kept.
    pub(super) async fn audit(&self, person: &Person, deed: Deed) -> Result<(), Refused> {
        tracing::info!(person = person.name, action = deed.action, subject = deed.subject, "done by a person");
        Ok(())
    }
}
