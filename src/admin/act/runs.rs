//! What people do with runs: cancel, hasten, release, resolve, replay.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    admin::{audit::Deed, books::Shelf, refused::Refused, rulefiles::digest_of, state::Admin, workshop::Draft},
    ids::RunId,
    model::Person,
    starts::{self, Again, AgainError, Book, Manner, Text},
    store::{Replay, Resolution, RunDetail, StoreError},
};

/// The longest draft, in bytes.
const LONGEST_DRAFT: usize = 256 * 1024;

/// By which text a run is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin) enum With {
    /// That which it ran by.
    Original,
    /// That which is in force.
    Current,
    /// This, in the place of the rule's file; nothing of it is kept in the workspace.
    Draft(String),
}

/// A replay that is wanted.
#[derive(Debug, Clone)]
pub(in crate::admin) struct Wish {
    /// The run that is repeated.
    pub(in crate::admin) of: RunId,
    /// The step where it goes on, by its id or path. `None`: from the beginning.
    pub(in crate::admin) from: Option<String>,
    /// By which text.
    pub(in crate::admin) with: With,
    /// New Idempotency-Keys also with the original text.
    pub(in crate::admin) new_keys: bool,
    /// What tells it from the same wish sent twice.
    pub(in crate::admin) key: Option<[u8; 16]>,
}

/// The run. `Err`: there is none.
pub(in crate::admin) async fn find(admin: &Admin, id: RunId) -> Result<RunDetail, Refused> {
    admin.store.run(id).await?.ok_or_else(|| Refused::missing(&format!("run {id}")))
}

/// Ends an open run: at once, or after its open request has been answered.
pub(in crate::admin) async fn cancel(admin: &Admin, person: &Person, id: RunId) -> Result<(), Refused> {
    let was = find(admin, id).await?.row.status;
    if !admin.store.cancel(id, admin.clock.now()).await? {
        let now = find(admin, id).await?.row.status;
        return Err(Refused::conflict(format!("Run {id} is {now}: it is over already.")));
    }
    admin.wake.ring();
    told(admin, person, "run.cancel", id.to_string(), (json!(was.word()), json!("cancelled"))).await
}

/// Lets a run go on at once that waits for its next attempt.
pub(in crate::admin) async fn retry_now(admin: &Admin, person: &Person, id: RunId) -> Result<(), Refused> {
    let was = find(admin, id).await?.row;
    if !admin.store.hasten(id, admin.clock.now()).await? {
        return Err(Refused::conflict(format!(
            "Run {id} is {}: there is no attempt that waits for its time. Load the page again to see where it stands.",
            was.status
        )));
    }
    admin.wake.ring();
    told(admin, person, "run.retry", id.to_string(), (json!({"due_at": was.due_at}), json!({"due_at": "now"}))).await
}

/// Lets go of what a rule's blown fuse holds, and mends the fuse; how many.
pub(in crate::admin) async fn release(admin: &Admin, person: &Person, rule: &str) -> Result<usize, Refused> {
    let released = admin.store.release(rule.to_owned(), admin.clock.now()).await?;
    if released == 0 {
        return Err(Refused::conflict(format!("The fuse of `{rule}` holds no run.")));
    }
    admin.wake.ring();
    told(admin, person, "run.release", rule.to_owned(), (Value::Null, json!({"released": released}))).await?;
    Ok(released)
}

/// Says what became of the attempt without an answer that holds a run, or that a read is to tell of.
pub(in crate::admin) async fn resolve(
    admin: &Admin,
    person: &Person,
    id: RunId,
    resolution: Resolution,
) -> Result<(), Refused> {
    let detail = find(admin, id).await?;
    if detail.is_held_by_source() {
        return Err(Refused::conflict(format!(
            "Run {id} waits until its source is resumed, not for an attempt: resume the source on its page."
        )));
    }
    if detail.is_held_by_fuse() {
        let rule = &detail.row.rule;
        return Err(Refused::conflict(format!(
            "Run {id} is held by the blown fuse of `{rule}`, not for an attempt: release the rule instead."
        )));
    }
    if resolution == Resolution::Verify && !detail.can_be_read_back() {
        return Err(Refused::conflict(format!(
            "Nothing can tell what became of the attempt of {id}: the action of that step has no `verify`. Look at the target, then say \
             whether it was done."
        )));
    }
    if !admin.store.resolve(id, resolution, admin.clock.now()).await? {
        let status = find(admin, id).await?.row.status;
        return Err(Refused::conflict(format!(
            "Run {id} is {status}, and no attempt of it is in doubt: there is nothing to say of it. Load the page again to see where it stands."
        )));
    }
    admin.wake.ring();
    let word = match resolution {
        Resolution::Done => "done",
        Resolution::Retry => "retry",
        Resolution::Fail => "fail",
        Resolution::Verify => "verify",
    };
    told(admin, person, "run.resolve", id.to_string(), (json!(detail.row.status.word()), json!(word))).await
}

/// Repeats a run that is over; the new run, or that of the same wish sent before.
pub(in crate::admin) async fn replay(admin: &Admin, person: &Person, wish: Wish) -> Result<RunId, Refused> {
    let (text, word, draft) = match &wish.with {
        With::Original => (Text::Original, "original", None),
        With::Current => (Text::Current, "current", None),
        With::Draft(draft) => {
            let rule = find(admin, wish.of).await?.row.rule;
            (Text::Draft, "draft", Some(drafted(admin, person, &rule, draft).await?))
        }
    };
    let manner = Manner { text, new_keys: wish.new_keys, from: wish.from.clone() };
    let books = Shelf { admin, draft };
    let again = Again {
        store: &admin.store,
        books: &books,
        vars: &admin.config.vars,
        runs_per_event: admin.config.limits.runs_per_event,
        manner: &manner,
    };
    let now = admin.clock.now();
    let wanted = again.of_run(wish.of).await.map_err(refused)?;
    let replay = again.prepare(&wanted, now).await.map_err(refused)?;
    let id = RunId(admin.ids.next(now));
    let stored = match admin.store.replay(Replay { id, key: wish.key, ..replay }).await {
        Err(StoreError::Rejected(why)) => {
            return Err(Refused::conflict(format!("Run {} cannot be replayed: {why}.", wish.of)));
        }
        other => other?,
    };
    if stored != id {
        // The same wish was sent twice: it was done and told the first time.
        return Ok(stored);
    }
    admin.wake.ring();
    let mut after = json!({"run": id, "from": wish.from, "with": word, "new_keys": wish.new_keys});
    if let (With::Draft(text), Some(after)) = (&wish.with, after.as_object_mut()) {
        after.insert("draft".to_owned(), digest_of(plain(text).as_bytes()).into());
    }
    told(admin, person, "run.replay", wish.of.to_string(), (Value::Null, after)).await?;
    Ok(id)
}

/// A draft as it is tried and kept: a browser sends the lines of a textarea with CR LF.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// The rules in force with a draft in the place of one of them.
async fn drafted(admin: &Admin, person: &Person, rule: &str, text: &str) -> Result<Book, Refused> {
    if text.len() > LONGEST_DRAFT {
        return Err(Refused::new(413, "too_large", "The draft is longer than 256 KiB."));
    }
    let known = (admin.in_force)().set.rules.get(rule).map(|rule| rule.file.to_string());
    let path = known.unwrap_or_else(|| format!("rules/{rule}.yaml"));
    let workshop = Arc::clone(&admin.workshop);
    let draft = Draft { path: path.clone(), text: Some(plain(text)) };
    let turn = admin.trials().turn(person.id).await?;
    let checked = tokio::task::spawn_blocking(move || (workshop.check(&[draft]), turn)).await;
    let (checked, _turn) = checked.map_err(|_| {
        Refused::new(500, "internal", "The draft could not be checked. The log of the server says why.")
    })?;
    let errors: Vec<String> = checked
        .findings
        .iter()
        .filter(|finding| finding.is_error() && finding.file == path)
        .map(ToString::to_string)
        .collect();
    if !errors.is_empty() {
        let refused = Refused::new(422, "invalid", format!("The draft has errors: {}", errors.join("; ")));
        return Err(refused.with(json!({ "findings": errors })));
    }
    let id = starts::kept_set(&admin.store, &checked.set.texts, admin.clock.now()).await?;
    Ok(Book { id, set: checked.set, registry: checked.registry })
}

fn refused(error: AgainError) -> Refused {
    match error {
        AgainError::Store(error) => error.into(),
        AgainError::NoRun(run) => Refused::missing(&format!("run {run}")),
        AgainError::Not(why) => Refused::new(422, "invalid", format!("{why}.")),
        AgainError::NoSet => Refused::conflict(
            "The rule set of that run is no longer in the database: replay it with the text in force.",
        ),
        error => Refused::conflict(format!("{error}.")),
    }
}

async fn told(
    admin: &Admin,
    person: &Person,
    action: &'static str,
    subject: String,
    (before, after): (Value, Value),
) -> Result<(), Refused> {
    admin.audit(person, Deed { action, subject, before, after }).await
}
