//! The one way in which rule files are written: checked, written, committed, put in force, and kept in the audit log.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    look::blocking,
    shown::{Shown, caused, shown},
};
use crate::{
    admin::{
        audit::Deed,
        refused::Refused,
        rulefiles::{self, Change, Commit, GitChange, digest_of, known_secret, pasted},
        state::Admin,
        workshop::{Draft, Tested},
    },
    model::{Finding, Person},
};

/// Time for the tests of a rule that is saved.
/// Nobody else saves meanwhile.
const TESTS: Duration = Duration::from_secs(5);

/// Files that are to be written together.
pub(super) struct Put {
    pub(super) changes: Vec<Change>,
    pub(super) message: String,
    /// `rule.save`, `rule.switch`, ...
    pub(super) action: &'static str,
    /// Tests of the changed rules are run first.
    pub(super) tests: bool,
    /// Written although tests fail.
    pub(super) force_tests: bool,
    /// Written although a text looks like a secret; also where nothing new is written.
    pub(super) confirm_secret: bool,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub(in crate::admin) struct Saved {
    /// Of the (first) file as it is now. Empty: it was deleted.
    pub(in crate::admin) digest: String,
    /// The commit in hexadecimal.
    pub(in crate::admin) commit: Option<String>,
    pub(in crate::admin) committed: bool,
    /// Why it was not committed. Empty where it was.
    pub(in crate::admin) why_not: String,
    /// What was written decides now.
    pub(in crate::admin) in_force: bool,
    /// Warnings of the files, and errors of others that hold everything back.
    pub(in crate::admin) findings: Vec<Shown>,
}

/// Checks, writes, commits, reloads, keeps it. The caller holds the desk.
pub(super) async fn put(admin: &Admin, person: &Person, wish: Put) -> Result<Saved, Refused> {
    let desk = admin.clone();
    let (wish, findings) = blocking(move || {
        let findings = checked(&desk, &wish)?;
        Ok((wish, findings))
    })
    .await?;
    let workspace = admin.config.workspace.clone();
    let changes = wish.changes.clone();
    blocking(move || Ok(rulefiles::write_all(&workspace, &changes)?)).await?;
    let committed = commit(admin, person, &wish).await?;
    // Written is written: what follows is told, and takes nothing back.
    let loaded = admin.workshop.reload().await;
    if let Err(error) = &loaded {
        tracing::error!(%error, "the rules cannot be reloaded for now");
    }
    let texts = (admin.in_force)().set.texts.clone();
    let is_so = |change: &Change| texts.0.get(&change.file.path()) == change.text.as_ref();
    let in_force = loaded.is_ok() && wish.changes.iter().all(is_so);
    let held = admin.workshop.held_back();
    for change in &wish.changes {
        audit(admin, person, &wish, change, committed.as_ref().ok()).await?;
    }
    let first = wish.changes.first();
    let path = first.map(|change| change.file.path()).unwrap_or_default();
    let text = first.and_then(|change| change.text.as_deref());
    let mut all = findings;
    all.extend(held.into_iter().filter(Finding::is_error));
    all.sort_by(|left, right| left.order().cmp(&right.order()));
    all.dedup();
    Ok(Saved {
        digest: text.map(|text| digest_of(text.as_bytes())).unwrap_or_default(),
        committed: committed.is_ok(),
        why_not: committed.as_ref().err().cloned().unwrap_or_default(),
        commit: committed.ok(),
        in_force,
        findings: shown(&all, &path, text.unwrap_or_default()),
    })
}

/// The findings that stay. `Err`: it may not be written like this.
fn checked(admin: &Admin, wish: &Put) -> Result<Vec<Finding>, Refused> {
    if admin.vault.masker().mask(&wish.message) != wish.message {
        let told =
            "Nothing was saved: the message holds the value of a secret, and a commit keeps it for ever.".to_owned();
        return Err(refused(wish, "message", told, &[], Value::Null));
    }
    if let Some(what) = known_secret(&wish.message) {
        let told = format!("Nothing was saved: the message seems to hold {what}, and a commit keeps it for ever.");
        return Err(refused(wish, "message", told, &[], Value::Null));
    }
    let changed: Vec<&Change> = wish.changes.iter().filter(|change| change.text != change.was).collect();
    let drafts: Vec<Draft> =
        changed.iter().map(|change| Draft { path: change.file.path(), text: change.text.clone() }).collect();
    let files: Vec<String> = drafts.iter().map(|draft| draft.path.clone()).collect();
    let before = {
        let workshop = std::sync::Arc::clone(&admin.workshop);
        let texts = workshop.texts();
        admin.desk().before(texts.digest(), move || workshop.check(&[]).findings)
    };
    let after = admin.workshop.check(&drafts);
    let mut findings = caused(&after.findings, &before, &files);
    if findings.iter().any(Finding::is_error) {
        let first = findings.iter().find(|finding| finding.is_error()).map(Finding::to_string).unwrap_or_default();
        let told = format!("Nothing was saved: it would have errors. {first}");
        return Err(refused(wish, "findings", told, &findings, Value::Null));
    }
    if wish.tests {
        tested(admin, wish, &after, &changed, &findings)?;
    }
    let masker = admin.vault.masker();
    let mut secrets = Vec::new();
    for change in &changed {
        let Some(text) = &change.text else { continue };
        secrets.extend(pasted(&change.file.path(), text, change.was.as_deref().unwrap_or_default(), &masker));
    }
    if !secrets.is_empty() && !wish.confirm_secret {
        findings.extend(secrets);
        let told = "Nothing was saved yet: the text seems to hold a secret. Keep it with `bellwire secrets set`, or save all the same.";
        return Err(refused(wish, "secret", told.to_owned(), &findings, Value::Null));
    }
    findings.extend(secrets);
    Ok(findings)
}

fn tested(
    admin: &Admin,
    wish: &Put,
    after: &crate::admin::workshop::Checked,
    changed: &[&Change],
    findings: &[Finding],
) -> Result<(), Refused> {
    for change in changed.iter().filter(|change| change.text.is_some()) {
        let Some(rule) = after.set.rules.get(change.file.id()) else { continue };
        let Tested { reports, findings: faults, left } = admin.workshop.tests(after, rule, TESTS);
        if faults.iter().any(Finding::is_error) {
            let all: Vec<Finding> = findings.iter().cloned().chain(faults).collect();
            let told = "Nothing was saved: its tests have errors.".to_owned();
            return Err(refused(wish, "findings", told, &all, Value::Null));
        }
        let failed: Vec<&crate::trial::Report> = reports.iter().filter(|report| !report.passed()).collect();
        if wish.force_tests || (failed.is_empty() && left.is_empty()) {
            continue;
        }
        let told = match failed.first() {
            Some(first) => {
                format!("Nothing was saved: the test `{}` fails. Save it all the same, or mend it.", first.name)
            }
            None => "Nothing was saved: its tests take too long. Save it all the same, or shorten them.".to_owned(),
        };
        let tests: Vec<Value> = reports
            .iter()
            .map(|report| {
                let message = report.misses.first().map(|miss| miss.message.clone()).unwrap_or_default();
                json!({"name": report.name, "ok": report.passed(), "message": message, "line": report.place.line})
            })
            .collect();
        return Err(refused(wish, "tests", told, findings, Value::Array(tests)));
    }
    Ok(())
}

fn refused(wish: &Put, code: &'static str, told: String, findings: &[Finding], tests: Value) -> Refused {
    let first = wish.changes.first();
    let path = first.map(|change| change.file.path()).unwrap_or_default();
    let text = first.and_then(|change| change.text.as_deref()).unwrap_or_default();
    let tests = if tests.is_null() { json!([]) } else { tests };
    Refused::new(422, code, told).with(json!({"findings": shown(findings, &path, text), "tests": tests}))
}

/// The commit; `Ok(Err(..))` is why there is none.
async fn commit(admin: &Admin, person: &Person, wish: &Put) -> Result<Result<String, String>, Refused> {
    let (workspace, at) = (admin.config.workspace.clone(), admin.clock.now());
    let (person, message, changes) = (person.clone(), wish.message.clone(), wish.changes.clone());
    blocking(move || {
        let files: Vec<GitChange<'_>> =
            changes.iter().map(|change| GitChange { path: change.file.path(), text: change.text.as_deref() }).collect();
        Ok(rulefiles::commit(&workspace, &files, Commit { person: &person, message: &message, at }))
    })
    .await
}

async fn audit(
    admin: &Admin,
    person: &Person,
    wish: &Put,
    change: &Change,
    commit: Option<&String>,
) -> Result<(), Refused> {
    let digest = |text: &Option<String>| text.as_ref().map(|text| digest_of(text.as_bytes()));
    if change.was == change.text && commit.is_none() {
        return Ok(());
    }
    let mut after = json!({"digest": digest(&change.text), "commit": commit});
    // A person's own save says whether it was forced; the others have neither question.
    for (name, forced) in [("force_tests", wish.force_tests), ("confirm_secret", wish.confirm_secret)] {
        if let Some(after) = after.as_object_mut().filter(|_| wish.tests && forced) {
            after.insert(name.to_owned(), true.into());
        }
    }
    let deed = Deed {
        action: wish.action,
        subject: change.file.id().to_owned(),
        before: json!({"digest": digest(&change.was)}),
        after,
    };
    admin.audit(person, deed).await
}
