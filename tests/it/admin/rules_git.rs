//! A workspace in a git repository: what is saved is committed in the person's name, and nothing of the repository is run.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use bellwire::model::Role;
use serde_json::{Value, json};

use super::rules::{Desk, base, digest, disk};
use crate::support::{
    app::{GROOVE_TOKEN, MISSED, TestApp, event_id, missed_call},
    journal::Journal,
};

/// What the `git` program says.
fn git(at: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "core.hooksPath=/dev/null"]);
    command.args(["-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]).current_dir(at).args(words);
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A Bellwire whose workspace is a repository, with work of somebody else in it.
async fn in_git() -> TestApp {
    let app = TestApp::start(Journal::start([]).await).await;
    let at = app.folder.path();
    fs::write(at.join(".gitignore"), "data/\nbellwire.toml\nran\nevil.sh\n").unwrap();
    fs::write(at.join("other.txt"), "1\n").unwrap();
    git(at, &["init", "-q"]);
    git(at, &["add", "."]);
    git(at, &["commit", "-q", "-m", "Begin"]);
    fs::write(at.join("other.txt"), "2\n").unwrap();
    git(at, &["add", "other.txt"]);
    fs::write(at.join("other.txt"), "3\n").unwrap();
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_saved_file_is_committed_and_no_hook_or_filter_runs() {
    let app = in_git().await;
    let at = app.folder.path();
    let evil = at.join("evil.sh");
    fs::write(&evil, format!("#!/bin/sh\ntouch '{}'\ncat\nexit 1\n", at.join("ran").display())).unwrap();
    fs::set_permissions(&evil, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all(at.join(".git/hooks")).unwrap();
    for hook in ["pre-commit", "commit-msg", "post-commit", "reference-transaction", "post-index-change"] {
        fs::copy(&evil, at.join(".git/hooks").join(hook)).unwrap();
    }
    let evil = evil.display();
    let config = format!(
        "[core]\n\tfsmonitor = {evil}\n\tsshCommand = {evil}\n\tautocrlf = true\n[filter \"x\"]\n\tclean = {evil}\n\tsmudge = {evil}\n\
         [commit]\n\tgpgsign = true\n[gpg]\n\tprogram = {evil}\n[credential]\n\thelper = {evil}\n[remote \"origin\"]\n\turl = ext::{evil}\n"
    );
    let kept = fs::read_to_string(at.join(".git/config")).unwrap();
    fs::write(at.join(".git/config"), format!("{kept}{config}")).unwrap();
    fs::write(at.join(".git/info/attributes"), "* filter=x ident text\n").unwrap();

    let desk = Desk::of(&app).await;
    let text = MISSED.replace('\n', "\r\n");
    let saved = desk.save(&app, "calls/missed", &text).await.is(200).json;
    assert_eq!((&saved["committed"], &saved["why_not"], &saved["in_force"]), (&json!(true), &json!(""), &json!(true)));
    desk.get("/rules").await.is(200).with("main");
    desk.get("/rules/versions?id=calls/missed").await.is(200).with("Because");
    assert!(!at.join("ran").exists());

    fs::write(at.join(".git/config"), kept).unwrap();
    fs::remove_file(at.join(".git/info/attributes")).unwrap();
    assert_eq!(git(at, &["rev-parse", "refs/heads/main"]).trim(), saved["commit"].as_str().unwrap());
    assert_eq!(git(at, &["show", "--name-only", "--format=%s", "HEAD"]), "Because\n\nrules/calls/missed.yaml\n");
    assert_eq!(git(at, &["cat-file", "blob", "HEAD:rules/calls/missed.yaml"]), text);
    assert_eq!(git(at, &["status", "--porcelain"]), "MM other.txt\n");
    assert_eq!(disk(&app, "calls/missed").unwrap(), text.as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_a_version_that_can_be_compared_and_restored() {
    let app = in_git().await;
    let at = app.folder.path();
    let desk = Desk::of(&app).await;
    let hostile = "<script>alert(1)</script>\n\n\"onmouseover=x";
    let changed = MISSED.replace("Greece", "Greece # <img src=x onerror=alert(1)>");
    let changed = changed.replace("contains: Greece # <img src=x onerror=alert(1)>", "contains: Greece");
    let changed = changed.replace("do:\n", "# <img src=x onerror=alert(1)>\ndo:\n");
    let body = json!({"path": "rules/calls/missed.yaml", "text": changed, "base": base(&app, "calls/missed"), "message": hostile});
    let commit = desk.json("/rules/save", &body).await.is(200).json["commit"].as_str().unwrap().to_owned();
    let first = git(at, &["rev-parse", "HEAD~1"]).trim().to_owned();
    let page = desk.get("/rules/versions?id=calls/missed").await.is(200);
    page.with(&commit[..10]).with(&first[..10]).with("Begin").with("&#60;script&#62;").without("<script>alert");
    let page = desk.get(&format!("/rules/versions/diff?id=calls/missed&from={first}&to={commit}")).await.is(200);
    page.with("<ins>+ # &#60;img src=x").without("<img src=x");
    let diff = format!("/rules/versions/diff?id=calls/missed&from={first}&to=now");
    let page = desk.get(&diff).await.is(200);
    page.with("0 lines come back, 1 line goes").with("Restore this version …").without("not committed");
    app.write_rule("calls/missed", &changed.replace("after ", "some time after "));
    desk.get(&diff).await.is(200).with("This file has changes that are not committed").with("name=\"over\"");
    let restore = |base: String| {
        [
            ("id", "calls/missed".to_owned()),
            ("path", "rules/calls/missed.yaml".to_owned()),
            ("version", first.clone()),
            ("base", base),
            ("message", "Back".to_owned()),
        ]
    };
    let unticked = restore(base(&app, "calls/missed"));
    desk.form("/rules/restore", &unticked.each_ref().map(|(name, value)| (*name, value.as_str()))).await.is(409);
    assert_ne!(disk(&app, "calls/missed").unwrap(), MISSED.as_bytes());
    app.write_rule("calls/missed", &changed);
    let restore = restore(base(&app, "calls/missed"));
    let restore = restore.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(desk.form("/rules/restore", &restore).await.is(303).place, "/rules/show?id=calls%2Fmissed&did=restored");
    assert_eq!(disk(&app, "calls/missed").unwrap(), MISSED.as_bytes());
    assert_eq!(git(at, &["log", "--format=%s", "-1"]), "Back\n");
    for odd in ["HEAD", "--output=x", "0000000000000000000000000000000000000000", "../../etc/passwd"] {
        desk.get(&format!("/rules/versions/diff?id=calls/missed&from={odd}&to=now")).await.is(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files_are_one_commit() {
    let app = in_git().await;
    let at = app.folder.path();
    let desk = Desk::of(&app).await;
    desk.save(&app, "b", "name: B\non: gruveo.call\ndo: [{ stop: x }]\n").await.is(200);
    desk.form("/rules/bulk", &[("ids", "b"), ("ids", "calls/missed"), ("enabled", "false")]).await.is(303);
    let shown = git(at, &["show", "--name-only", "--format=%s", "HEAD"]);
    assert_eq!(shown, "Disable b, calls/missed\n\nrules/b.yaml\nrules/calls/missed.yaml\n");
    desk.form("/rules/rename", &[("id", "b"), ("to", "c/d"), ("digest", &base(&app, "b"))]).await.is(303);
    assert_eq!(
        git(at, &["show", "--name-status", "--format=%s", "-M", "HEAD"]),
        "Rename b to c/d\n\nR100\trules/b.yaml\trules/c/d.yaml\n"
    );
    desk.form("/rules/delete", &[("id", "c/d"), ("digest", &base(&app, "c/d")), ("message", "Gone")]).await.is(303);
    assert_eq!(git(at, &["ls-tree", "-r", "--name-only", "HEAD", "rules"]), "rules/calls/missed.yaml\n");
    assert_eq!(git(at, &["status", "--porcelain"]), "MM other.txt\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_committed_is_saved_all_the_same_and_it_is_told_why() {
    let app = in_git().await;
    let at = app.folder.path();
    let desk = Desk::of(&app).await;
    let lock = at.join(".git/index.lock");
    let spoil = |why: &str| match why {
        "another git command" => fs::write(&lock, "").unwrap(),
        "no branch is checked out" => drop(git(at, &["checkout", "-q", "--detach"])),
        "bare" => drop(git(at, &["config", "core.bare", "true"])),
        _ => fs::write(at.join(".git/HEAD"), "ref: ../../x\n").unwrap(),
    };
    let mend = |why: &str| match why {
        "another git command" => fs::remove_file(&lock).unwrap(),
        "no branch is checked out" => drop(git(at, &["checkout", "-q", "main"])),
        "bare" => drop(git(at, &["--git-dir=.git", "config", "core.bare", "false"])),
        _ => fs::write(at.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap(),
    };
    let reasons = ["another git command", "no branch is checked out", "bare", "git says"];
    for (number, why) in reasons.into_iter().enumerate() {
        let before = git(at, &["rev-parse", "refs/heads/main"]);
        spoil(why);
        let text = format!("# {number}\n{MISSED}");
        let saved = desk.save(&app, "calls/missed", &text).await.is(200).json;
        mend(why);
        assert_eq!(
            (&saved["committed"], &saved["commit"], &saved["in_force"]),
            (&json!(false), &Value::Null, &json!(true)),
            "{why}"
        );
        assert!(saved["why_not"].as_str().unwrap().contains(why) || why == "git says", "{why}: {saved}");
        assert_eq!(saved["digest"], digest(text.as_bytes()).as_str());
        assert_eq!(disk(&app, "calls/missed").unwrap(), text.as_bytes());
        assert_eq!(git(at, &["rev-parse", "refs/heads/main"]), before);
        git(at, &["checkout", "-q", "--", "rules"]);
        app.app.reload().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_is_made_of_an_event_is_one_commit_of_both_files() {
    let app = in_git().await;
    let at = app.folder.path();
    let event = event_id(&app.call(&missed_call("42")).await);
    app.settle().await;
    let browser = app.sign_in(Role::Editor).await;
    let fields = [("rule", "calls/missed"), ("name", "A call that nobody took")];
    let saved = browser.post(&format!("/events/{event}/test"), &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let shown = git(at, &["show", "--format=%s", "--name-only", "HEAD"]);
    assert_eq!(
        shown.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>(),
        [
            "Test calls/missed with an event: A call that nobody took",
            "rules/calls/fixtures/a-call-that-nobody-took.json",
            "rules/calls/missed.yaml"
        ]
    );
    assert_eq!(git(at, &["status", "--porcelain", "rules"]), "");
    assert!(git(at, &["diff", "--cached", "--name-only"]).contains("other.txt"), "what else is staged stays staged");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_test_is_written_through_a_link_or_with_the_value_of_a_secret() {
    let app = in_git().await;
    let at = app.folder.path();
    let browser = app.sign_in(Role::Editor).await;
    let before = fs::read_to_string(at.join("rules/calls/missed.yaml")).unwrap();
    let mut poisoned = missed_call("42");
    poisoned["note"] = json!(GROOVE_TOKEN);
    let event = event_id(&app.call(&poisoned).await);
    app.settle().await;
    let fields = [("rule", "calls/missed"), ("name", "A call")];
    let refused = browser.post(&format!("/events/{event}/test"), &fields).await.is(422);
    assert!(refused.text.contains("the value of a secret"), "{}", refused.text);
    let mut foreign = missed_call("44");
    foreign["note"] = json!(format!("AKIA{}", "A1".repeat(8)));
    let event = event_id(&app.call(&foreign).await);
    app.settle().await;
    let refused = browser.post(&format!("/events/{event}/test"), &fields).await.is(422);
    assert!(refused.text.contains("a key of AWS"), "{}", refused.text);

    // A token that only the test would show: two halves in the event, whole in the request that the rule makes of them.
    let token = format!("ghp_{}", "a1B2".repeat(9));
    app.write_rule(
        "calls/joined",
        &MISSED
            .replace("name: ", "name: Joined ")
            .replace("{{ event.location }}", "{{ event.tracking.a }}{{ event.tracking.b }}"),
    );
    app.app.reload().await.unwrap();
    let mut halves = missed_call("45");
    (halves["tracking"]["a"], halves["tracking"]["b"]) = (json!(token[..20]), json!(token[20..]));
    let event = event_id(&app.call(&halves).await);
    app.settle().await;
    let joined = [("rule", "calls/joined"), ("name", "A joined call")];
    let refused = browser.post(&format!("/events/{event}/test"), &joined).await.is(422);
    assert!(refused.text.contains("the test seems to hold"), "{}", refused.text);
    let named = [("rule", "calls/missed"), ("name", token.as_str())];
    let harmless = event_id(&app.call(&missed_call("46")).await);
    app.settle().await;
    let refused = browser.post(&format!("/events/{harmless}/test"), &named).await.is(422);
    assert!(refused.text.contains("the name seems to hold"), "{}", refused.text);
    let desk = Desk::of(&app).await;
    let text = format!("{before}# more\n");
    let body =
        json!({"path": "rules/calls/missed.yaml", "text": text, "base": base(&app, "calls/missed"), "message": token});
    desk.json("/rules/save", &body).await.is(422);
    assert!(!git(at, &["log", "--format=%B"]).contains("ghp_"));

    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), at.join("rules/calls/fixtures")).unwrap();
    let event = event_id(&app.call(&missed_call("43")).await);
    app.settle().await;
    browser.post(&format!("/events/{event}/test"), &fields).await.is(422);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert_eq!(fs::read_to_string(at.join("rules/calls/missed.yaml")).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_holds_no_secret_and_a_comparison_has_an_end() {
    let app = in_git().await;
    let desk = Desk::of(&app).await;
    let text = MISSED.replace("Greece", "Crete");
    let body = json!({"path": "rules/calls/missed.yaml", "text": text, "base": base(&app, "calls/missed"),
        "message": format!("Use {GROOVE_TOKEN}"), "confirm_secret": true, "force_tests": true});
    let refused = desk.json("/rules/save", &body).await.is(422);
    assert_eq!(refused.json["error"]["code"], "message", "{}", refused.text);
    let long = json!({"path": "rules/calls/missed.yaml", "text": "\n".repeat(480_000)});
    assert_eq!(desk.json("/rules/diff", &long).await.is(422).json["error"]["code"], "too_long");
    let seen = desk
        .json("/rules/diff", &json!({"path": "rules/calls/missed.yaml", "text": "\n".repeat(15_000)}))
        .await
        .is(200);
    assert!(seen.json["lines"].as_array().unwrap().len() <= 10_001);
}
