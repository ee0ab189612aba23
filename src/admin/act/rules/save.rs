//! A text that somebody has edited is saved: never over another's.

use serde::Deserialize;
use serde_json::json;

use super::{
    look::{OnDisk, blocking, file_on_disk},
    put::{Put, Saved, put},
};
use crate::{
    admin::{
        refused::Refused,
        rulefiles::{self, Change, RuleFile, digest_of, lines},
        state::Admin,
    },
    model::Person,
};

/// Commits that are looked through for the text that was opened.
const LOOKED_AT: usize = 50;

/// A text to be saved.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Wish {
    /// From the workspace: `rules/calls/missed.yaml`.
    pub(in crate::admin) path: String,
    pub(in crate::admin) text: String,
    /// SHA-256 of the text that was opened, in hexadecimal. Empty: the file is new.
    #[serde(default)]
    pub(in crate::admin) base: String,
    /// For the commit.
    #[serde(default)]
    pub(in crate::admin) message: String,
    /// It may hold what looks like a secret.
    #[serde(default)]
    pub(in crate::admin) confirm_secret: bool,
    /// Its tests may fail.
    #[serde(default)]
    pub(in crate::admin) force_tests: bool,
}

/// Saves a text: checked, tested, written, committed, in force. A file that is not what was opened is a 409 with the three texts.
pub(in crate::admin) async fn save(admin: &Admin, person: &Person, wish: Wish) -> Result<Saved, Refused> {
    let named = |why: String| Refused::new(422, "name", format!("{why}."));
    let file = RuleFile::known(&wish.path).map_err(named)?;
    let _alone = admin.desk().alone().await;
    let now = file_on_disk(admin, file.clone()).await?;
    let digest = now.as_ref().map(|now| now.digest.as_str()).unwrap_or_default();
    if digest != wish.base {
        return Err(conflict(admin, &file, &wish, now).await?);
    }
    if now.is_none() {
        RuleFile::fresh(&wish.path).map_err(named)?;
    }
    let put_it = Put {
        changes: vec![Change { file, was: now.map(|now| now.text), text: Some(wish.text) }],
        message: wish.message,
        action: "rule.save",
        tests: true,
        force_tests: wish.force_tests,
        confirm_secret: wish.confirm_secret,
    };
    put(admin, person, put_it).await
}

/// What was opened, what is there now, and what was to be saved.
async fn conflict(admin: &Admin, file: &RuleFile, wish: &Wish, now: Option<OnDisk>) -> Result<Refused, Refused> {
    let base = opened(admin, file, &wish.base).await?;
    let theirs = now.as_ref().map(|now| now.text.as_str());
    let told = match (&now, wish.base.is_empty()) {
        (None, _) => {
            format!("`{file}` was deleted or renamed meanwhile. Nothing was saved; your text is still in the editor.")
        }
        (Some(_), true) => format!("`{file}` is there already. Choose another name, or open the file that is there."),
        (Some(_), false) => {
            format!(
                "Somebody else changed `{file}` since you opened it. Nothing was saved; put the texts together and save again."
            )
        }
    };
    let details = json!({
        "path": wish.path,
        "base": base,
        "theirs": theirs,
        "theirs_digest": now.as_ref().map(|now| now.digest.as_str()).unwrap_or_default(),
        "yours": wish.text,
        "diff": lines(theirs.unwrap_or_default(), &wish.text),
        "their_changes": base.as_deref().map(|base| lines(base, theirs.unwrap_or_default())),
    });
    Ok(Refused::conflict(told).with(details))
}

/// The text that was opened, by its digest. `None`: it was never in force, nor is it in git.
async fn opened(admin: &Admin, file: &RuleFile, digest: &str) -> Result<Option<String>, Refused> {
    if digest.is_empty() {
        return Ok(None);
    }
    if let Some(text) = admin.store.text_of_digest(digest).await? {
        return Ok(Some(text));
    }
    let (workspace, file, digest) = (admin.config.workspace.clone(), file.clone(), digest.to_owned());
    blocking(move || {
        let (edits, _) = rulefiles::history(&workspace, &file, LOOKED_AT);
        let mut texts = edits.iter().filter_map(|edit| rulefiles::text_at(&workspace, &file, &edit.commit));
        Ok(texts.find(|text| digest_of(text.as_bytes()) == digest))
    })
    .await
}
