//! What people did, and what they were refused; append-only.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

use super::{auth::network, refused::Refused, state::Admin};
use crate::{
    model::{Person, Via},
    store::AuditRow,
    web::Foreign,
};

/// Refusals of one kind that are kept in a minute of all whom nobody knows: whoever is refused more often than that fills no disk.
const OF_STRANGERS: u32 = 120;
/// Of these of one network: nobody takes the place of all others.
const OF_NETWORK: u32 = 30;
/// Refusals of one user, or of tries to be it, that are kept in a minute: strangers take no place of theirs.
const OF_USER: u32 = 30;
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
        self.tell_left_out().await;
        if !self.refusals().passes(person, refusal) {
            return;
        }
        let now = self.clock.now();
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
        self.keep_refusal(row).await;
    }

    /// Once a minute is over, says of how many refusals of it there is no row.
    pub(super) async fn tell_left_out(&self) {
        let now = self.clock.now();
        let left_out = self.refusals().turn(now.0 / 60_000);
        if left_out == 0 {
            return;
        }
        tracing::warn!(left_out, "more was refused than is kept of a minute");
        let row = AuditRow {
            id: self.ids.next(now),
            at: now,
            who: String::new(),
            user: None,
            token: None,
            action: "refusals.more".to_owned(),
            subject: format!("{left_out} more refusals were not kept"),
            before: None,
            after: None,
            peer: String::new(),
            outcome: "refused".to_owned(),
        };
        self.keep_refusal(row).await;
    }

    async fn keep_refusal(&self, row: AuditRow) {
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

/// How many refusals of whom were kept in this minute.
#[derive(Debug, Default)]
pub(super) struct PerMinute(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    number: i64,
    kept: HashMap<String, u32>,
    left_out: u64,
}

impl PerMinute {
    /// Begins a minute, if it is another one; how many were left out of the one before.
    fn turn(&self, number: i64) -> u64 {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.number == number {
            return 0;
        }
        std::mem::replace(&mut *minute, Minute { number, ..Minute::default() }).left_out
    }

    /// Whether this one is kept.
    fn passes(&self, person: Option<&Person>, refusal: Refusal<'_>) -> bool {
        let Refusal { action, subject, peer, .. } = refusal;
        // The subject of a sign-in is the name of a user, or empty where there is none of that name.
        let tried = (action != "request" && !subject.is_empty()).then_some(subject);
        let places = match person.map(|person| person.name.as_str()).or(tried) {
            Some(user) => vec![(format!("user {user}"), OF_USER)],
            None => vec![(action.to_owned(), OF_STRANGERS), (format!("{action} {}", network(peer)), OF_NETWORK)],
        };
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.iter().any(|(place, most)| minute.kept.get(place).is_some_and(|count| count >= most)) {
            minute.left_out += 1;
            return false;
        }
        for (place, _) in places {
            *minute.kept.entry(place).or_default() += 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_the_places_of_others() {
        let minute = PerMinute::default();
        let of = |action: &'static str, subject: &'static str, peer: &'static str| Refusal {
            action,
            subject,
            reason: "",
            peer,
        };
        let passed = |refusal: Refusal<'_>, times: u32| (0..times).filter(|_| minute.passes(None, refusal)).count();
        assert_eq!(minute.turn(1), 0);
        assert_eq!(passed(of("request", "POST /login", "203.0.113.7"), 100), 30, "of one network");
        assert_eq!(passed(of("request", "POST /setup", "203.0.113.99"), 1), 0, "it is the same");
        assert_eq!(passed(of("login", "", "203.0.113.7"), 1), 1, "another kind");
        for n in 0..10 {
            let peer = Box::leak(format!("198.51.{n}.1").into_boxed_str());
            passed(of("request", "POST /login", peer), 30);
        }
        assert_eq!(passed(of("request", "POST /login", "192.0.2.1"), 1), 0, "of all strangers");
        assert_eq!(passed(of("login", "ada", "203.0.113.7"), 40), 30, "a user has places of its own");
        assert_eq!(passed(of("login", "bob", "203.0.113.7"), 1), 1);
        assert_eq!(minute.turn(1), 0, "it is not over");
        assert_eq!(minute.turn(2), 70 + 1 + 210 + 1 + 10);
        assert_eq!(minute.turn(3), 0);
        assert_eq!(passed(of("request", "POST /login", "203.0.113.7"), 1), 1);
    }
}
