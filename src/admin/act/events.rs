//! What people do with stored events.

use serde_json::json;

use super::named;
use crate::{
    admin::{
        audit::Deed,
        refused::Refused,
        rulefiles::{self, Change, Commit, GitChange, RuleFile},
        state::Admin,
        workshop::Draft,
    },
    ids::EventId,
    model::{Finding, Person},
    starts::InForce,
    trial::save::{Decided, Names, made, newest_run, with_test},
};

/// Characters of a test's name.
const LONGEST: usize = 120;

/// A stored event that becomes a test of a rule.
#[derive(Debug, Clone)]
pub(in crate::admin) struct NewTest {
    /// The event.
    pub(in crate::admin) event: EventId,
    /// The rule's id.
    pub(in crate::admin) rule: String,
    /// What the test is called. `None`: by rule and event.
    pub(in crate::admin) name: Option<String>,
    /// Also e-mails and telephone numbers where strangers can write.
    pub(in crate::admin) masks_people: bool,
}

/// What was written.
#[derive(Debug, Clone)]
pub(in crate::admin) struct Written {
    /// The rule's file.
    pub(in crate::admin) file: String,
    /// The fixture's.
    pub(in crate::admin) fixture: String,
    /// Why it was not committed. Empty where it was.
    pub(in crate::admin) why_not: String,
    /// What the test cannot hold, a sentence each.
    pub(in crate::admin) notes: Vec<String>,
}

/// Writes an event into the folder `fixtures` beside a rule, and a test into the rule's file, as one commit. All else in it stays as it is.
pub(in crate::admin) async fn save_as_test(admin: &Admin, person: &Person, new: NewTest) -> Result<Written, Refused> {
    if let Some(name) = &new.name
        && (name.chars().count() > LONGEST || !name.chars().all(named::fits))
    {
        return Err(Refused::invalid(format!("A test's name has at most {LONGEST} characters, and no line breaks.")));
    }
    let _alone = admin.desk().alone().await;
    let texts = texts_now(admin).await?;
    let InForce { set, registry, .. } = (admin.in_force)();
    let no_rule = || Refused::missing(&format!("rule `{}` in force", new.rule));
    let rule = set.rules.get(new.rule.as_str()).ok_or_else(no_rule)?;
    let file = rule.file.to_string();
    let written =
        texts.0.get(&file).ok_or_else(|| Refused::missing(&format!("file {file}; it was deleted meanwhile")))?;
    let names = Names::of(new.name.as_deref(), rule, new.event);
    let fixture = names.fixture(&file);
    if names.is_taken(rule) || admin.config.workspace.join(&fixture).exists() {
        return Err(Refused::conflict(format!(
            "{file} has such a test already, or {fixture} is there. Choose another name."
        )));
    }
    let missing = || Refused::missing(&format!("event {}", new.event));
    let detail = admin.store.event(new.event).await?.ok_or_else(missing)?;
    let run = newest_run(&admin.store, &detail, &rule.id).await?;
    let old = match &run {
        Some(run) => admin.workshop.stored(run.set).await?,
        None => None,
    };
    let decided: Option<Decided<'_>> = old.as_ref().map(|old| (&*old.set, &*old.registry));
    let run = run.as_ref().map(|run| (run, decided));
    let (payload, test) = made(&names, rule, &registry, &admin.config.vars, detail, run, new.masks_people)
        .map_err(|why| Refused::conflict(format!("No test can be made of it: {why}.")))?;
    let edited = with_test(written, &test.entry).map_err(|why| {
        Refused::conflict(format!("{file} was left as it is: {why}. The test, to be put in by hand: {:#}", test.entry))
    })?;
    check(admin, person, &file, &edited).await?;
    let pretty = format!("{}\n", serde_json::to_string_pretty(&payload).unwrap_or_default());
    let masker = admin.vault.masker();
    if masker.mask(&pretty) != pretty || masker.mask(&edited) != edited {
        let told = "Nothing was saved: the event holds the value of a secret, which must not stand in a file. Write the test by hand.";
        return Err(Refused::new(422, "secret", told));
    }
    // What stood in the file before somebody has looked at already.
    let added: String = edited.lines().filter(|line| !written.lines().any(|old| old == *line)).collect();
    for (text, holder) in [(&pretty, "the event"), (&names.test, "the name"), (&added, "the test")] {
        let Some(what) = rulefiles::known_secret(text) else { continue };
        let told = format!(
            "Nothing was saved: {holder} seems to hold {what}, which must not stand in a file. Write the test by hand."
        );
        return Err(Refused::new(422, "secret", told));
    }
    let unfit = |why: String| Refused::conflict(format!("{why}. Write the test by hand."));
    let changes = vec![
        Change { file: RuleFile::known(&file).map_err(unfit)?, was: Some(written.clone()), text: Some(edited) },
        Change { file: RuleFile::fixture(&fixture).map_err(unfit)?, was: None, text: Some(pretty) },
    ];
    let message = format!("Test {} with an event: {}", rule.id, names.test);
    let committed = written_and_committed(admin, person, changes, message).await?;
    admin.workshop.reload().await?;
    let after = json!({"event": new.event, "test": names.test, "fixture": fixture, "commit": committed.as_ref().ok()});
    admin.audit(person, Deed { action: "test.save", subject: new.rule, after, ..Deed::default() }).await?;
    Ok(Written { file, fixture, why_not: committed.err().unwrap_or_default(), notes: test.notes })
}

/// Why it was not committed is told as `Err` of what comes of it.
async fn written_and_committed(
    admin: &Admin,
    person: &Person,
    changes: Vec<Change>,
    message: String,
) -> Result<Result<String, String>, Refused> {
    let (workspace, person, at) = (admin.config.workspace.clone(), person.clone(), admin.clock.now());
    let wrote = tokio::task::spawn_blocking(move || {
        rulefiles::write_all(&workspace, &changes)?;
        let files: Vec<GitChange<'_>> =
            changes.iter().map(|change| GitChange { path: change.file.path(), text: change.text.as_deref() }).collect();
        Ok::<_, Refused>(rulefiles::commit(&workspace, &files, Commit { person: &person, message: &message, at }))
    });
    wrote.await.unwrap_or_else(|error| {
        tracing::error!(%error, "the writing of a test ended early");
        Err(Refused::new(500, "internal", "The test was not written. The log of the server says why."))
    })
}

async fn texts_now(admin: &Admin) -> Result<crate::rules::Texts, Refused> {
    let workshop = std::sync::Arc::clone(&admin.workshop);
    let texts = tokio::task::spawn_blocking(move || workshop.texts()).await;
    texts.map_err(|_| Refused::new(500, "internal", "The workspace cannot be read. The log of the server says why."))
}

/// The workspace with the edited file must have no error in it.
async fn check(admin: &Admin, person: &Person, file: &str, edited: &str) -> Result<(), Refused> {
    let workshop = std::sync::Arc::clone(&admin.workshop);
    let draft = Draft { path: file.to_owned(), text: Some(edited.to_owned()) };
    let turn = admin.trials().turn(person.id).await?;
    let checked = tokio::task::spawn_blocking(move || (workshop.check(&[draft]), turn)).await;
    let (checked, _turn) = checked
        .map_err(|_| Refused::new(500, "internal", "The test cannot be checked. The log of the server says why."))?;
    let errors: Vec<String> = checked
        .findings
        .iter()
        .filter(|finding| finding.is_error() && finding.file == file)
        .map(Finding::to_string)
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    let message = format!("{file} was left as it is: with the test it would have errors: {}", errors.join("; "));
    Err(Refused::conflict(message))
}
