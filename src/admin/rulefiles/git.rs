//! Commits of rule files, where the workspace stands in a git repository. Objects, the index and the branch are written by libgit2, which
//! runs no hook, no filter program and nothing else that a repository names; the network is not compiled in.

use std::path::{Path, PathBuf};

use git2::{
    Commit as GitCommit, ErrorCode, FileMode, IndexEntry, IndexTime, ObjectType, Oid, Repository, RepositoryOpenFlags,
    RepositoryState, Signature, Status, StatusOptions, build::TreeUpdateBuilder,
};

use crate::{clock::Time, model::Person};

/// Characters of a message at most.
const MESSAGE: usize = 4_000;
/// Characters of a name or an address at most.
const NAME: usize = 100;
/// The bits of an entry's flags that hold its stage.
const STAGE: u16 = 0x3000;
/// Files with changes that are told.
const DIRTY: usize = 100;

/// A file of a commit. `text` is `None` where it is deleted.
#[derive(Debug, Clone)]
pub(in crate::admin) struct Change<'c> {
    /// From the workspace, with slashes: `rules/calls/missed.yaml`.
    pub(in crate::admin) path: String,
    pub(in crate::admin) text: Option<&'c str>,
}

/// Who commits, when, and what is said of it.
#[derive(Debug, Clone, Copy)]
pub(in crate::admin) struct Commit<'c> {
    pub(in crate::admin) person: &'c Person,
    pub(in crate::admin) message: &'c str,
    pub(in crate::admin) at: Time,
}

/// How it stands with the repository of a workspace.
#[derive(Debug, Clone, Default)]
pub(in crate::admin) struct Standing {
    /// Why nothing is committed, as one sentence. Empty where it is.
    pub(in crate::admin) why_not: String,
    /// Whether there is a repository at all.
    pub(in crate::admin) is_repository: bool,
    /// The branch, without `refs/heads/`.
    pub(in crate::admin) branch: String,
    /// The commit of the branch in hexadecimal. Empty: there is none yet.
    pub(in crate::admin) head: String,
    /// Files of `rules/` and `templates/` that differ from that commit, from the workspace; a hundred at most.
    pub(in crate::admin) dirty: Vec<String>,
}

impl Standing {
    /// The commit, as people name it.
    pub(in crate::admin) fn short(&self) -> String {
        self.head.chars().take(10).collect()
    }
}

/// A repository that may be committed to, and where the workspace stands in it.
pub(super) struct Place {
    pub(super) repository: Repository,
    /// From the top of the repository to the workspace. Empty: it is the top.
    pub(super) inside: PathBuf,
}

impl Place {
    /// A path of the workspace as the repository has it.
    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.inside.join(file)
    }
}

/// The repository that a workspace stands in. `Err` is one sentence; the flag says whether there is one at all.
pub(super) fn place(workspace: &Path) -> Result<Place, (bool, String)> {
    // Variables such as GIT_DIR do not count: they may be those of whoever started us elsewhere.
    let none: [&std::ffi::OsStr; 0] = [];
    let repository = match Repository::open_ext(workspace, RepositoryOpenFlags::empty(), none) {
        Ok(repository) => repository,
        Err(error) if error.code() == ErrorCode::NotFound => {
            return Err((false, "the workspace is in no git repository".to_owned()));
        }
        Err(error) if error.code() == ErrorCode::Owner => {
            return Err((true, "the repository belongs to another user of this machine".to_owned()));
        }
        Err(error) => return Err((true, format!("the repository cannot be opened: {}", said(&error)))),
    };
    let inside = {
        let Some(top) = repository.workdir().filter(|_| !repository.is_bare()) else {
            return Err((true, "the repository is bare: it has no files".to_owned()));
        };
        // `core.worktree` may name any folder; only the one that holds the repository is ours.
        if !top.join(".git").exists() {
            return Err((true, "the repository keeps its files elsewhere".to_owned()));
        }
        let whole = |path: &Path| path.canonicalize().map_err(|error| (true, format!("its folder: {error}")));
        let (top, here) = (whole(top)?, whole(workspace)?);
        here.strip_prefix(&top)
            .map(Path::to_path_buf)
            .map_err(|_| (true, "the repository is of another folder".to_owned()))?
    };
    Ok(Place { repository, inside })
}

/// Commits exactly these files: the commit's tree is that of the branch with them. What else is changed or staged stays as it is. `Err` is
/// one sentence on why nothing was committed.
pub(in crate::admin) fn commit(workspace: &Path, changes: &[Change<'_>], about: Commit<'_>) -> Result<String, String> {
    let place = place(workspace).map_err(|(_, why)| why)?;
    let branch = branch_of(&place.repository)?;
    put(&place, &branch, changes, about).map_err(|why| match why {
        Why::Git(error) if error.code() == ErrorCode::Locked => "another git command is at work in it".to_owned(),
        Why::Git(error) if error.code() == ErrorCode::Modified => "the branch moved meanwhile; save again".to_owned(),
        Why::Git(error) => format!("git says: {}", said(&error)),
        Why::Told(why) => why,
    })
}

enum Why {
    Git(git2::Error),
    Told(String),
}

impl From<git2::Error> for Why {
    fn from(error: git2::Error) -> Self {
        Self::Git(error)
    }
}

/// The branch that HEAD names, with its commit.
struct Branch {
    name: String,
    head: Option<Oid>,
}

fn branch_of(repository: &Repository) -> Result<Branch, String> {
    if repository.state() != RepositoryState::Clean {
        return Err("a merge, a rebase or the like is under way in the repository; end it first".to_owned());
    }
    let git = |error: git2::Error| format!("git says: {}", said(&error));
    let head = repository.find_reference("HEAD").map_err(git)?;
    let name = head.symbolic_target().map_err(git)?;
    let detached = || "no branch is checked out in the repository; a commit would be lost".to_owned();
    let name = name.filter(|name| name.starts_with("refs/heads/")).ok_or_else(detached)?.to_owned();
    let head = match repository.refname_to_id(&name) {
        Ok(id) => Some(id),
        Err(error) if error.code() == ErrorCode::NotFound => None,
        Err(error) => return Err(git(error)),
    };
    Ok(Branch { name, head })
}

fn put(place: &Place, branch: &Branch, changes: &[Change<'_>], about: Commit<'_>) -> Result<String, Why> {
    let repository = &place.repository;
    let parent = branch.head.map(|id| repository.find_commit(id)).transpose()?;
    let old = match &parent {
        Some(parent) => parent.tree()?,
        None => repository.find_tree(repository.treebuilder(None)?.write()?)?,
    };
    let mut index = repository.index()?;
    let mut update = TreeUpdateBuilder::new();
    for change in changes {
        let path = place.path(&change.path);
        let before = old.get_path(&path).ok();
        let Some(text) = change.text else {
            if before.is_some() {
                update.remove(&path);
            }
            if index.get_path(&path, 0).is_some() {
                index.remove_path(&path)?;
            }
            continue;
        };
        if before.is_none() && index.get_path(&path, 0).is_none() && repository.is_path_ignored(&path)? {
            return Err(Why::Told(format!("`.gitignore` leaves `{}` out", change.path)));
        }
        if before.as_ref().is_some_and(|entry| entry.kind() != Some(ObjectType::Blob)) {
            return Err(Why::Told(format!("`{}` is no file in the last commit", change.path)));
        }
        // The very bytes: filters of the repository would change them.
        let blob = repository.blob(text.as_bytes())?;
        let executable = before.is_some_and(|entry| entry.filemode() == i32::from(FileMode::BlobExecutable));
        let mode = if executable { FileMode::BlobExecutable } else { FileMode::Blob };
        update.upsert(&path, blob, mode);
        index.add(&entry(&path, blob, mode))?;
    }
    let tree = repository.find_tree(update.create_updated(repository, &old)?)?;
    if parent.as_ref().is_some_and(|parent| parent.tree_id() == tree.id()) {
        return Err(Why::Told("the last commit has it like this already".to_owned()));
    }
    let who = signature(about)?;
    let message = message(about.message, changes);
    let parents: Vec<&GitCommit<'_>> = parent.iter().collect();
    let id = repository.commit(None, &who, &who, &message, &tree, &parents)?;
    look_again(repository, &mut index)?;
    // Before the branch: a lock of another command ends it here, with nothing moved but what is staged.
    index.write()?;
    let log = format!("commit: {}", message.lines().next().unwrap_or_default());
    match branch.head {
        Some(head) => repository.reference_matching(&branch.name, id, true, head, &log)?,
        None => repository.reference(&branch.name, id, false, &log)?,
    };
    Ok(id.to_string())
}

/// Takes the size from entries that are as young as the index itself. The `git` program compares times by the second: it looks at the
/// content of such a file because of the index's own time, which is about to change.
fn look_again(repository: &Repository, index: &mut git2::Index) -> Result<(), git2::Error> {
    let written = std::fs::metadata(repository.path().join("index")).and_then(|about| about.modified());
    let since =
        written.ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs());
    let is_young = |entry: &IndexEntry| u64::try_from(entry.mtime.seconds()).is_ok_and(|at| at >= since);
    // Stages of a conflict and entries with flags of their own are left to git.
    let is_plain = |entry: &IndexEntry| entry.flags & STAGE == 0 && entry.flags_extended == 0;
    let young: Vec<IndexEntry> =
        index.iter().filter(|entry| entry.file_size > 0 && is_plain(entry) && is_young(entry)).collect();
    young.into_iter().try_for_each(|entry| index.add(&IndexEntry { file_size: 0, ..entry }))
}

/// Without sizes and times: the next look of git compares the content.
fn entry(path: &Path, id: Oid, mode: FileMode) -> IndexEntry {
    IndexEntry {
        ctime: IndexTime::new(0, 0),
        mtime: IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode: u32::try_from(i32::from(mode)).unwrap_or(0o100_644),
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.to_string_lossy().into_owned().into_bytes(),
    }
}

fn signature(about: Commit<'_>) -> Result<Signature<'static>, git2::Error> {
    let name = tidy(&about.person.name);
    let name = if name.is_empty() { "Bellwire".to_owned() } else { name };
    let email: String = tidy(about.person.email.as_deref().unwrap_or_default()).split_whitespace().collect();
    // An address that leads nowhere (RFC 2606).
    let email = if email.is_empty() { "bellwire@localhost.invalid".to_owned() } else { email };
    Signature::new(&name, &email, &git2::Time::new(about.at.0.div_euclid(1000), 0))
}

/// A name in a commit: what would end it, or begin the next line, goes away.
fn tidy(text: &str) -> String {
    let kept: String =
        text.chars().filter(|sign| !sign.is_control() && !matches!(sign, '<' | '>')).take(NAME).collect();
    kept.trim_matches([' ', '.', ',', ':', ';', '"', '\\', '\'']).to_owned()
}

/// What is said of a commit: what the person wrote, or which files it is.
fn message<'c>(written: &str, changes: &'c [Change<'c>]) -> String {
    let keep = |sign: &char| *sign == '\n' || *sign == '\t' || !sign.is_control();
    let cut: String = written.trim().chars().filter(keep).take(MESSAGE).collect();
    let cut = cut.trim();
    if !cut.is_empty() {
        return format!("{cut}\n");
    }
    let name = |path: &'c str| path.strip_prefix("rules/").unwrap_or(path).trim_end_matches(".yaml");
    let names: Vec<&str> = changes.iter().take(3).map(|change| name(&change.path)).collect();
    let more = if changes.len() > 3 { format!(" and {} more", changes.len() - 3) } else { String::new() };
    format!("Change {}{more}\n", names.join(", "))
}

/// How it stands with the repository of a workspace.
pub(in crate::admin) fn standing(workspace: &Path) -> Standing {
    let place = match place(workspace) {
        Ok(place) => place,
        Err((is_repository, why_not)) => return Standing { why_not, is_repository, ..Standing::default() },
    };
    let dirty = dirty(&place).unwrap_or_default();
    let standing = Standing { is_repository: true, dirty, ..Standing::default() };
    match branch_of(&place.repository) {
        Ok(Branch { name, head }) => Standing {
            branch: name.trim_start_matches("refs/heads/").to_owned(),
            head: head.map(|id| id.to_string()).unwrap_or_default(),
            ..standing
        },
        Err(why_not) => Standing { why_not, ..standing },
    }
}

fn dirty(place: &Place) -> Result<Vec<String>, git2::Error> {
    let mut options = StatusOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true).exclude_submodules(true).disable_pathspec_match(true);
    // Nothing is written: a look at a page changes no index.
    options.update_index(false);
    for folder in ["rules", "templates"] {
        options.pathspec(place.path(folder));
    }
    let found = place.repository.statuses(Some(&mut options))?;
    let changed = found.iter().filter(|entry| entry.status() != Status::CURRENT && entry.status() != Status::IGNORED);
    let inside = |entry: git2::StatusEntry<'_>| {
        let path = PathBuf::from(String::from_utf8_lossy(entry.path_bytes()).into_owned());
        path.strip_prefix(&place.inside).map(|path| path.display().to_string()).ok()
    };
    Ok(changed.filter_map(inside).take(DIRTY).collect())
}

/// What libgit2 said, in one line.
fn said(error: &git2::Error) -> String {
    error.message().chars().filter(|sign| !sign.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests;
