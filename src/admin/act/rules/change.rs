//! Rules are switched, renamed, deleted and taken back to what they were.

use std::collections::BTreeSet;

use super::{
    look::{OnDisk, on_disk, text_of_version},
    put::{Put, Saved, put},
    save::{Wish, save},
};
use crate::{
    admin::{
        refused::Refused,
        rulefiles::{self, Change, RuleFile, switched},
        state::Admin,
    },
    model::Person,
};

/// Rules that are switched at once.
const MOST: usize = 1_000;

/// The file of a rule that must be there.
async fn wanted(admin: &Admin, id: &str) -> Result<OnDisk, Refused> {
    on_disk(admin, id).await?.ok_or_else(|| {
        let shown: String = id.chars().take(120).collect();
        Refused::missing(&format!("rule `{}` in the workspace", shown.escape_debug()))
    })
}

fn unsaid(changes: Vec<Change>, message: String, action: &'static str) -> Put {
    Put { changes, message, action, tests: false, force_tests: false, confirm_secret: true }
}

/// Switches rules on or off, all or none of them. Those that stand like this already stay untouched.
pub(in crate::admin) async fn switch(
    admin: &Admin,
    person: &Person,
    ids: &[String],
    enabled: bool,
) -> Result<Saved, Refused> {
    let ids: BTreeSet<&String> = ids.iter().collect();
    if ids.is_empty() {
        return Err(Refused::invalid("Choose at least one rule."));
    }
    if ids.len() > MOST {
        return Err(Refused::invalid(format!("Choose {MOST} rules at most.")));
    }
    let _alone = admin.desk().alone().await;
    let mut changes = Vec::new();
    for id in &ids {
        let now = wanted(admin, id).await?;
        let text = switched(&now.text, enabled).map_err(|why| {
            Refused::new(
                422,
                "switch",
                format!("`{}` was left as it is: {why}. Write `enabled: {enabled}` in the editor.", now.file),
            )
        })?;
        if text != now.text {
            changes.push(Change { file: now.file, was: Some(now.text), text: Some(text) });
        }
    }
    if changes.is_empty() {
        return Ok(Saved {
            digest: String::new(),
            commit: None,
            committed: false,
            why_not: "they stand like this already".to_owned(),
            in_force: true,
            findings: Vec::new(),
        });
    }
    let word = if enabled { "Enable" } else { "Disable" };
    let names: Vec<&str> = changes.iter().take(3).map(|change| change.file.id()).collect();
    let more = if changes.len() > 3 { format!(" and {} more", changes.len() - 3) } else { String::new() };
    let message = format!("{word} {}{more}", names.join(", "));
    put(admin, person, unsaid(changes, message, "rule.switch")).await
}

/// Deletes a rule's file, if it is still what the person saw.
pub(in crate::admin) async fn delete(
    admin: &Admin,
    person: &Person,
    id: &str,
    digest: &str,
    message: &str,
) -> Result<Saved, Refused> {
    let _alone = admin.desk().alone().await;
    let now = wanted(admin, id).await?;
    still(&now, digest)?;
    let message = if message.trim().is_empty() { format!("Delete {id}") } else { message.to_owned() };
    let change = Change { file: now.file, was: Some(now.text), text: None };
    put(admin, person, unsaid(vec![change], message, "rule.delete")).await
}

fn still(now: &OnDisk, digest: &str) -> Result<(), Refused> {
    if now.digest == digest {
        return Ok(());
    }
    Err(Refused::conflict(format!("`{}` was changed since you looked at it. Look at it again first.", now.file)))
}

/// A rule that gets another id.
#[derive(Debug, Clone, Copy)]
pub(in crate::admin) struct Rename<'r> {
    pub(in crate::admin) id: &'r str,
    pub(in crate::admin) to: &'r str,
    /// Of the text that the person saw.
    pub(in crate::admin) digest: &'r str,
    pub(in crate::admin) message: &'r str,
}

/// Gives a rule another id: the same text under another path, in one commit.
pub(in crate::admin) async fn rename(admin: &Admin, person: &Person, wish: Rename<'_>) -> Result<Saved, Refused> {
    let to = RuleFile::fresh_id(wish.to).map_err(|why| Refused::new(422, "name", format!("{why}.")))?;
    let _alone = admin.desk().alone().await;
    let now = wanted(admin, wish.id).await?;
    still(&now, wish.digest)?;
    if on_disk(admin, wish.to).await?.is_some() {
        return Err(Refused::conflict(format!("`{to}` is there already. Choose another name.")));
    }
    let message = if wish.message.trim().is_empty() {
        format!("Rename {} to {}", wish.id, wish.to)
    } else {
        wish.message.to_owned()
    };
    let changes = vec![
        Change { file: to, was: None, text: Some(now.text.clone()) },
        Change { file: now.file, was: Some(now.text), text: None },
    ];
    put(admin, person, unsaid(changes, message, "rule.rename")).await
}

/// Saves what a rule said once as what it says now. `wish.text` is taken from there.
pub(in crate::admin) async fn restore(
    admin: &Admin,
    person: &Person,
    version: &str,
    over: bool,
    wish: Wish,
) -> Result<Saved, Refused> {
    let file = RuleFile::known(&wish.path).map_err(|why| Refused::new(422, "name", format!("{why}.")))?;
    if !over && is_dirty(admin, &file).await {
        return Err(Refused::conflict(format!(
            "{file} has changes that are not committed, and restoring writes over them. Commit them first, or tick that it may."
        )));
    }
    let missing = || Refused::missing(&format!("version of `{file}` like this any more"));
    let text = text_of_version(admin, &file, version).await?.ok_or_else(missing)?;
    let short: String = version.chars().take(12).collect();
    let message = if wish.message.trim().is_empty() {
        format!("Restore {} as it was in {short}", file.id())
    } else {
        wish.message.clone()
    };
    save(admin, person, Wish { text, message, ..wish }).await
}

/// Whether a file has changes that no commit holds; false where the workspace is in no repository.
async fn is_dirty(admin: &Admin, file: &RuleFile) -> bool {
    let (workspace, path) = (admin.config.workspace.clone(), file.path());
    let looked = tokio::task::spawn_blocking(move || rulefiles::standing(&workspace).dirty.contains(&path));
    looked.await.unwrap_or(false)
}
