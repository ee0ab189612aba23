//! What people did, and what they were refused; append-only.

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::Value;

use super::{refused::Refused, state::Admin};
use crate::{
    model::{Person, Via},
    store::AuditRow,
    web::Foreign,
};

/// Refusals that are kept in a minute: whoever is refused more often than that fills no disk.
const REFUSALS_PER_MINUTE: i64 = 120;
/// Characters of a subject, a name or a reason.
const LONGEST: usize = 256;

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

/// Something that somebody was refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal<'r> {
    /// `login`, or `request`.
    pub(super) action: &'static str,
    /// The route, or the name that was given.
    pub(super) subject: &'r str,
    /// Why, in a few words of ours.
    pub(super) reason: &'r str,
    /// The address that it came from.
    pub(super) peer: &'r str,
}

impl Admin {
    /// Keeps what a person did. Called after the write, in the same handler; an `Err` tells the person that it was done and not kept.
    pub(super) async fn audit(&self, person: &Person, deed: Deed) -> Result<(), Refused> {
        tracing::info!(person = person.name, action = deed.action, subject = %Foreign(&deed.subject), "done by a person");
        let text = |value: Value| (!value.is_null()).then(|| value.to_string());
        let now = self.clock.now();
        let row = AuditRow {
            id: self.ids.next(now),
            at: now,
            who: person.name.clone(),
            user: Some(person.id),
            token: token_of(person),
            action: deed.action.to_owned(),
            subject: deed.subject.chars().take(LONGEST).collect(),
            before: text(deed.before),
            after: text(deed.after),
            peer: person.peer.clone(),
            outcome: "done".to_owned(),
        };
        self.store.keep_audit(row).await.map_err(|error| {
            tracing::error!(%error, action = deed.action, "a deed was done and is not in the audit log");
            Refused::new(
                503,
                "audit",
                "This was done, but the audit log could not be written. Look at the log of the server.",
            )
        })
    }

    /// Keeps what somebody was refused, a bounded number a minute.
    pub(super) async fn audit_refusal(&self, person: Option<&Person>, refusal: Refusal<'_>) {
        let now = self.clock.now();
        if !self.refusals().passes(now.0 / 60_000) {
            return;
        }
        let who = person.map(|person| person.name.clone()).unwrap_or_default();
        tracing::warn!(
            person = who,
            peer = refusal.peer,
            action = refusal.action,
            subject = %Foreign(refusal.subject),
            reason = refusal.reason,
            "refused"
        );
        let row = AuditRow {
            id: self.ids.next(now),
            at: now,
            who,
            user: person.map(|person| person.id),
            token: person.and_then(token_of),
            action: refusal.action.to_owned(),
            subject: refusal.subject.chars().take(LONGEST).collect(),
            before: None,
            after: Some(serde_json::json!({"reason": refusal.reason}).to_string()),
            peer: refusal.peer.to_owned(),
            outcome: "refused".to_owned(),
        };
        if let Err(error) = self.store.keep_audit(row).await {
            tracing::warn!(%error, "a refusal is not in the audit log");
        }
    }
}

fn token_of(person: &Person) -> Option<i64> {
    match &person.via {
        Via::Token { id, .. } => Some(*id),
        Via::Session { .. } => None,
    }
}

/// How many refusals were kept in which minute.
#[derive(Debug, Default)]
pub(super) struct PerMinute {
    minute: AtomicI64,
    count: AtomicI64,
}

impl PerMinute {
    /// Counts one. Of two at the change of a minute one may go uncounted.
    fn passes(&self, minute: i64) -> bool {
        if self.minute.swap(minute, Ordering::Relaxed) != minute {
            self.count.store(0, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed) < REFUSALS_PER_MINUTE
    }
}
