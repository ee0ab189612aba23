use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use super::*;
use crate::{
    admin::rulefiles::{RuleFile, history, text_at},
    model::{Role, Via},
};

const AT: Time = Time(1_767_225_600_000);

fn person(name: &str, email: Option<&str>) -> Person {
    let via = Via::Session { csrf: String::new(), fresh: false };
    Person {
        id: 1,
        name: name.to_owned(),
        email: email.map(str::to_owned),
        role: Role::Editor,
        via,
        peer: String::new(),
    }
}

/// What the `git` program says in a folder.
fn git(at: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "core.hooksPath=/dev/null"]);
    command.args(["-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]).current_dir(at).args(words);
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A repository with one commit.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir_all(at.join("rules/calls")).unwrap();
    fs::write(at.join("rules/calls/missed.yaml"), "one\n").unwrap();
    fs::write(at.join("README.md"), "# rules\n").unwrap();
    git(at, &["init", "-q"]);
    git(at, &["add", "."]);
    git(at, &["commit", "-q", "-m", "Begin"]);
    folder
}

fn save(at: &Path, file: &RuleFile, text: Option<&str>, message: &str) -> Result<String, String> {
    let path = at.join(file.path());
    match text {
        Some(text) => {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        None => fs::remove_file(path).unwrap(),
    }
    let who = person("Ben", Some("ben@example.com"));
    commit(at, &[Change { path: file.path(), text }], Commit { person: &who, message, at: AT })
}

fn missed() -> RuleFile {
    RuleFile::known("rules/calls/missed.yaml").unwrap()
}

#[test]
fn exactly_this_file_is_committed_and_other_work_stays_as_it_is() {
    let folder = repository();
    let at = folder.path();
    fs::write(at.join("README.md"), "# staged\n").unwrap();
    git(at, &["add", "README.md"]);
    // Of the same length, in the same second: nothing but its content tells that it was changed.
    fs::write(at.join("README.md"), "# STAGED\n").unwrap();
    fs::write(at.join("rules/untracked.yaml"), "x\n").unwrap();
    let id = save(at, &missed(), Some("two\r\n"), "Say two").unwrap();
    // As if it had been saved seconds later.
    let index = fs::File::options().write(true).open(at.join(".git/index")).unwrap();
    let written = index.metadata().unwrap().modified().unwrap();
    index.set_modified(written + std::time::Duration::from_secs(5)).unwrap();
    assert_eq!(git(at, &["rev-parse", "HEAD"]).trim(), id);
    assert_eq!(
        git(at, &["show", "--name-only", "--format=%an <%ae>%n%cn%n%s", "HEAD"]),
        "Ben <ben@example.com>\nBen\nSay two\n\nrules/calls/missed.yaml\n"
    );
    assert_eq!(git(at, &["cat-file", "blob", "HEAD:rules/calls/missed.yaml"]), "two\r\n");
    assert_eq!(git(at, &["status", "--porcelain"]), "MM README.md\n?? rules/untracked.yaml\n");
    assert_eq!(git(at, &["show", ":README.md"]), "# staged\n");
    git(at, &["fsck", "--strict"]);
    let standing = standing(at);
    assert_eq!(
        (standing.branch.as_str(), standing.head.as_str(), standing.why_not.as_str()),
        ("main", id.as_str(), "")
    );
    assert_eq!(standing.dirty, ["rules/untracked.yaml"]);
}

#[test]
fn a_new_file_a_deleted_one_and_the_first_commit_of_all_are_commits_too() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    git(at, &["init", "-q"]);
    let new = RuleFile::known("rules/a/b/new.yaml").unwrap();
    save(at, &new, Some("x"), "").unwrap();
    assert_eq!(git(at, &["log", "--format=%s"]), "Change a/b/new\n");
    save(at, &missed(), Some("y"), "Add").unwrap();
    save(at, &new, None, "Delete").unwrap();
    assert_eq!(
        git(at, &["ls-tree", "-r", "-t", "--name-only", "HEAD"]),
        "rules\nrules/calls\nrules/calls/missed.yaml\n"
    );
    assert_eq!(git(at, &["status", "--porcelain"]), "");
    let (edits, more) = history(at, &new, 10);
    assert_eq!(edits.iter().map(|edit| edit.message.as_str()).collect::<Vec<_>>(), ["Delete", "Change a/b/new"]);
    assert!(!more && edits[0].blob.is_none());
    assert_eq!(text_at(at, &new, &edits[1].commit).as_deref(), Some("x"));
    assert_eq!(text_at(at, &new, &edits[0].commit), None);
    for odd in ["HEAD", "--help", "", &"z".repeat(40), &"0".repeat(40)] {
        assert_eq!(text_at(at, &new, odd), None, "{odd}");
    }
}

#[test]
fn nothing_that_a_repository_names_is_ever_run() {
    let folder = repository();
    let at = folder.path();
    let ran = at.join("ran");
    let evil = at.join("evil.sh");
    fs::write(&evil, format!("#!/bin/sh\ntouch '{}'\ncat\n", ran.display())).unwrap();
    fs::set_permissions(&evil, fs::Permissions::from_mode(0o755)).unwrap();
    let hooks = at.join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in [
        "pre-commit",
        "post-commit",
        "commit-msg",
        "prepare-commit-msg",
        "reference-transaction",
        "post-index-change",
        "pre-auto-gc",
        "fsmonitor-watchman",
    ] {
        fs::copy(&evil, hooks.join(hook)).unwrap();
    }
    let config = format!(
        "[core]\n\tfsmonitor = {0}\n\tsshCommand = {0}\n\teditor = {0}\n\tpager = {0}\n\thooksPath = {1}\n\
         [filter \"evil\"]\n\tclean = {0}\n\tsmudge = {0}\n\tprocess = {0}\n\trequired = true\n\
         [commit]\n\tgpgsign = true\n[gpg]\n\tprogram = {0}\n[credential]\n\thelper = !{0}\n\
         [alias]\n\tcommit = !{0}\n[diff \"evil\"]\n\ttextconv = {0}\n[include]\n\tpath = {2}\n",
        evil.display(),
        hooks.display(),
        at.join("more").display()
    );
    fs::write(at.join("more"), format!("[core]\n\tfsmonitor = {}\n", evil.display())).unwrap();
    let file = at.join(".git/config");
    let before = fs::read_to_string(&file).unwrap();
    fs::write(&file, before + &config).unwrap();
    fs::write(at.join(".gitattributes"), "* filter=evil diff=evil text=auto eol=lf ident\n").unwrap();
    let id = save(at, &missed(), Some("two $Id$\r\n"), "Two").unwrap();
    let repository = Repository::open(at).unwrap();
    let blob = repository
        .find_commit(Oid::from_str(&id).unwrap())
        .unwrap()
        .tree()
        .unwrap()
        .get_path(Path::new("rules/calls/missed.yaml"))
        .unwrap()
        .id();
    assert_eq!(repository.find_blob(blob).unwrap().content(), b"two $Id$\r\n");
    standing(at);
    history(at, &missed(), 10);
    assert!(!ran.exists());
}

#[test]
fn a_name_of_a_person_cannot_say_more_than_a_name() {
    let folder = repository();
    let at = folder.path();
    let who = person("Eve <x@y>\ncommitter Root <root@example.com> 0 +0000\n\0", Some("a b>\n<c@example.com"));
    let about = Commit { person: &who, message: "<script>alert(1)</script>\0\u{1b}[31m\n\nbody\n", at: AT };
    commit(at, &[Change { path: missed().path(), text: Some("two") }], about).unwrap();
    let shown = git(at, &["log", "-1", "--format=%an|%ae|%cn|%B"]);
    let wanted = "Eve x@ycommitter Root root@example.com 0 +0000|abc@example.com|Eve x@ycommitter Root root@example.com 0 +0000|<script>alert(1)</script>[31m\n\nbody\n\n";
    assert_eq!(shown, wanted);
    let nobody = person(" <> ", None);
    let long = "x".repeat(100_000);
    commit(
        at,
        &[Change { path: missed().path(), text: Some("three") }],
        Commit { person: &nobody, message: &long, at: AT },
    )
    .unwrap();
    let shown = git(at, &["log", "-1", "--format=%an|%ae|%s"]);
    assert_eq!(shown.trim().len(), "Bellwire|bellwire@localhost.invalid|".len() + MESSAGE);
}

#[test]
fn where_nothing_can_be_committed_it_is_said_why() {
    /// Makes a repository one that cannot be committed to.
    type Spoil = fn(&Path);

    let plain = tempfile::tempdir().unwrap();
    fs::create_dir_all(plain.path().join("rules/calls")).unwrap();
    assert_eq!(save(plain.path(), &missed(), Some("x"), ""), Err("the workspace is in no git repository".to_owned()));
    assert!(!standing(plain.path()).is_repository);

    let table: [(&str, Spoil); 8] = [
        ("no branch is checked out", |at| drop(git(at, &["checkout", "-q", "--detach"]))),
        ("is under way", |at| fs::write(at.join(".git/MERGE_HEAD"), git(at, &["rev-parse", "HEAD"])).unwrap()),
        ("another git command", |at| fs::write(at.join(".git/index.lock"), "").unwrap()),
        ("bare", |at| drop(git(at, &["config", "core.bare", "true"]))),
        ("keeps its files elsewhere", |at| drop(git(at, &["config", "core.worktree", "/"]))),
        ("git says", |at| fs::write(at.join(".git/index"), "nonsense").unwrap()),
        ("git says", |at| {
            fs::remove_dir_all(at.join(".git/objects")).unwrap();
            fs::create_dir(at.join(".git/objects")).unwrap();
        }),
        ("no git repository", |at| fs::remove_file(at.join(".git/HEAD")).unwrap()),
    ];
    for (why, spoil) in table {
        let folder = repository();
        spoil(folder.path());
        let said = save(folder.path(), &missed(), Some("two"), "").unwrap_err();
        assert!(said.contains(why), "{why}: {said}");
        assert_eq!(fs::read_to_string(folder.path().join("rules/calls/missed.yaml")).unwrap(), "two");
    }
    let ignored = repository();
    fs::write(ignored.path().join(".gitignore"), "rules/local/\n").unwrap();
    let said = save(ignored.path(), &RuleFile::known("rules/local/x.yaml").unwrap(), Some("x"), "").unwrap_err();
    assert!(said.contains(".gitignore"), "{said}");
}

#[test]
fn a_workspace_may_be_a_folder_of_a_repository() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    git(top, &["init", "-q"]);
    fs::create_dir_all(top.join("ops/bell wire")).unwrap();
    let at = top.join("ops/bell wire");
    save(&at, &missed(), Some("x"), "Add").unwrap();
    assert_eq!(git(top, &["ls-tree", "-r", "--name-only", "HEAD"]), "ops/bell wire/rules/calls/missed.yaml\n");
    fs::write(at.join("rules/other.yaml"), "x").unwrap();
    assert_eq!(standing(&at).dirty, ["rules/other.yaml"]);
    assert_eq!(history(&at, &missed(), 10).0.len(), 1);
}

#[test]
fn a_repository_of_another_user_is_not_written_to() {
    let folder = repository();
    let at = folder.path();
    for path in [at.to_owned(), at.join(".git")] {
        // Only root can give a file away; whoever else runs this has nothing to test.
        if std::os::unix::fs::chown(path, Some(12_345), Some(12_345)).is_err() {
            return;
        }
    }
    assert_eq!(
        save(at, &missed(), Some("two"), ""),
        Err("the repository belongs to another user of this machine".to_owned())
    );
    assert!(history(at, &missed(), 10).0.is_empty());
}
