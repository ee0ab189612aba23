//! What git knows of one rule file: who changed it, when, and what it said then.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use git2::{Oid, Repository, Sort};

use super::{RuleFile, git};
use crate::clock::Time;

/// Commits that are looked at for one file.
const COMMITS: usize = 20_000;
/// Time for that.
const TIME: Duration = Duration::from_millis(800);
/// Bytes of a text that are taken.
const LARGEST: usize = 1024 * 1024;
/// Characters of a message that are shown.
const MESSAGE: usize = 500;

/// A commit that changed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin) struct Edit {
    /// The commit in hexadecimal.
    pub(in crate::admin) commit: String,
    pub(in crate::admin) at: Time,
    pub(in crate::admin) author: String,
    pub(in crate::admin) message: String,
    /// The digest of the file's text in git. `None`: it was deleted.
    pub(in crate::admin) blob: Option<String>,
}

/// The newest commits that changed a file, `most` at most, and whether there may be more. Empty where there is no repository.
pub(in crate::admin) fn history(workspace: &Path, file: &RuleFile, most: usize) -> (Vec<Edit>, bool) {
    let Ok(place) = git::place(workspace) else { return (Vec::new(), false) };
    walk(&place.repository, &place.path(&file.path()), most).unwrap_or_default()
}

fn walk(repository: &Repository, path: &Path, most: usize) -> Result<(Vec<Edit>, bool), git2::Error> {
    let begun = Instant::now();
    let mut walk = repository.revwalk()?;
    walk.set_sorting(Sort::TIME)?;
    walk.push_head()?;
    let mut edits = Vec::new();
    for (count, id) in walk.enumerate() {
        if edits.len() >= most || count >= COMMITS || begun.elapsed() > TIME {
            return Ok((edits, true));
        }
        // A shallow clone ends somewhere.
        let Ok(commit) = repository.find_commit(id?) else { break };
        let blob = blob_in(&commit, path);
        let mut parents = commit.parents().peekable();
        let differs = if parents.peek().is_none() {
            blob.is_some()
        } else {
            parents.all(|parent| blob_in(&parent, path) != blob)
        };
        if differs {
            edits.push(edit(&commit, blob));
        }
    }
    Ok((edits, false))
}

fn blob_in(commit: &git2::Commit<'_>, path: &Path) -> Option<Oid> {
    commit.tree().ok()?.get_path(path).ok().map(|entry| entry.id())
}

fn edit(commit: &git2::Commit<'_>, blob: Option<Oid>) -> Edit {
    let line = |bytes: &[u8]| -> String {
        String::from_utf8_lossy(bytes).chars().filter(|sign| !sign.is_control()).take(MESSAGE).collect()
    };
    let author = commit.author();
    Edit {
        commit: commit.id().to_string(),
        at: Time(commit.time().seconds().saturating_mul(1000)),
        author: line(author.name_bytes()),
        message: line(commit.summary_bytes().unwrap_or_default()),
        blob: blob.map(|id| id.to_string()),
    }
}

/// What a file said in a commit. `None`: there is no such commit, or the file was not in it, or is no text.
pub(in crate::admin) fn text_at(workspace: &Path, file: &RuleFile, commit: &str) -> Option<String> {
    if commit.len() != 40 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let place = git::place(workspace).ok()?;
    let commit = place.repository.find_commit(Oid::from_str(commit).ok()?).ok()?;
    let id = blob_in(&commit, &place.path(&file.path()))?;
    // Its size is known before it is unpacked.
    let (size, _) = place.repository.odb().ok()?.read_header(id).ok()?;
    if size > LARGEST {
        return None;
    }
    let blob = place.repository.find_blob(id).ok()?;
    String::from_utf8(blob.content().to_vec()).ok()
}
