//! The commit that the workspace stands at, read from git's own files: no git is run for a page.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What is read of any of git's files at most.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Where a workspace stands in its repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Commit {
    /// The first digits of its id.
    pub(super) id: String,
    /// The branch. Empty where none is checked out.
    pub(super) branch: String,
}

/// The commit of the repository that a workspace is in. `None`: it is in none, or nothing is committed yet.
pub(super) fn of(workspace: &Path) -> Option<Commit> {
    let git = workspace.ancestors().find_map(|folder| git_folder(&folder.join(".git")))?;
    let head = text(&git.join("HEAD"))?;
    let Some(name) = head.trim().strip_prefix("ref: ") else {
        return Some(Commit { id: short(&head)?, branch: String::new() });
    };
    // A worktree keeps its branches with the repository that it belongs to.
    let shared = text(&git.join("commondir")).map_or(git.clone(), |path| git.join(path.trim()));
    let id = text(&git.join(name)).or_else(|| text(&shared.join(name))).or_else(|| packed(&shared, name))?;
    let branch = name.strip_prefix("refs/heads/").unwrap_or(name).to_owned();
    Some(Commit { id: short(&id)?, branch })
}

fn git_folder(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return Some(path.to_owned());
    }
    let link = text(path)?;
    let to = PathBuf::from(link.trim().strip_prefix("gitdir: ")?);
    Some(path.parent()?.join(to))
}

fn packed(git: &Path, name: &str) -> Option<String> {
    let all = text(&git.join("packed-refs"))?;
    all.lines().filter_map(|line| line.split_once(' ')).find(|(_, of)| *of == name).map(|(id, _)| id.to_owned())
}

fn text(path: &Path) -> Option<String> {
    let size = fs::metadata(path).ok().filter(fs::Metadata::is_file)?.len();
    if size > LARGEST { None } else { fs::read_to_string(path).ok() }
}

fn short(id: &str) -> Option<String> {
    let id = id.trim();
    let holds = id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    holds.then(|| id.get(..10).map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_commit_is_found_loose_packed_and_without_a_branch() {
        let folder = tempfile::tempdir().unwrap();
        let (git, inside) = (folder.path().join(".git"), folder.path().join("a/workspace"));
        assert_eq!(of(&inside), None);
        write(&git.join("HEAD"), "ref: refs/heads/main\n");
        assert_eq!(of(&inside), None, "nothing is committed yet");
        write(&git.join("packed-refs"), &format!("# pack-refs\n{ID} refs/heads/main\n"));
        let wanted = Commit { id: "0123456789".to_owned(), branch: "main".to_owned() };
        assert_eq!(of(&inside), Some(wanted.clone()));
        write(&git.join("refs/heads/main"), &format!("f{}\n", ID.trim_start_matches('0')));
        assert_eq!(of(&inside).unwrap().id, "f123456789");
        write(&git.join("HEAD"), ID);
        assert_eq!(of(&inside).unwrap(), Commit { branch: String::new(), ..wanted });
        write(&git.join("HEAD"), "<script>");
        assert_eq!(of(&inside), None);
    }

    #[test]
    fn a_worktree_has_its_branch_in_the_repository_it_belongs_to() {
        let folder = tempfile::tempdir().unwrap();
        let git = folder.path().join("main/.git");
        write(&git.join("refs/heads/other"), ID);
        write(&git.join("worktrees/w/HEAD"), "ref: refs/heads/other\n");
        write(&git.join("worktrees/w/commondir"), "../..\n");
        let workspace = folder.path().join("w");
        write(&workspace.join(".git"), &format!("gitdir: {}\n", git.join("worktrees/w").display()));
        assert_eq!(of(&workspace).unwrap().branch, "other");
    }
}
