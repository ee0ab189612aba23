//! Rule files saved, switched and tried by browsers: checked first, byte for byte, and never over another's text.

use std::{fs, os::unix::fs::symlink};

use bellwire::{model::Role, store::AuditFilter};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{
    app::{MISSED, TestApp, event_id, missed_call},
    browser::{Browser, Shown},
    journal::Journal,
};

/// A browser of somebody who may do everything.
pub(super) struct Desk {
    browser: Browser,
    csrf: String,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) text: String,
    /// Null where it is no JSON.
    pub(super) json: Value,
    pub(super) place: String,
}

impl Seen {
    #[track_caller]
    pub(super) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    #[track_caller]
    pub(super) fn with(self, text: &str) -> Self {
        assert!(self.text.contains(text), "`{text}` is missing ({}):\n{}", self.status, self.text);
        self
    }

    #[track_caller]
    pub(super) fn without(self, text: &str) -> Self {
        assert!(!self.text.contains(text), "`{text}` is there ({}):\n{}", self.status, self.text);
        self
    }
}

impl Desk {
    pub(super) async fn of(app: &TestApp) -> Self {
        let browser = app.sign_in(Role::Owner).await;
        let csrf = browser.csrf();
        Self { browser, csrf }
    }

    /// A browser in which nobody can say what the session's token is.
    pub(super) fn forged(self) -> Self {
        Self { csrf: "forged".to_owned(), ..self }
    }

    pub(super) async fn get(&self, path: &str) -> Seen {
        seen(self.browser.get(path).await)
    }

    pub(super) async fn json(&self, path: &str, body: &Value) -> Seen {
        let headers = [
            ("Origin", self.browser.base.as_str()),
            ("Sec-Fetch-Site", "same-origin"),
            ("X-CSRF", &self.csrf),
            ("Accept", "application/json"),
            ("Content-Type", "application/json"),
        ];
        seen(self.browser.send("POST", path, &headers, Some(body.to_string())).await)
    }

    pub(super) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let mut all = vec![("csrf", self.csrf.as_str())];
        all.extend(fields);
        seen(self.browser.form(path, &all).await)
    }

    /// Saves a text over the one that is there now.
    pub(super) async fn save(&self, app: &TestApp, id: &str, text: &str) -> Seen {
        let body =
            json!({"path": format!("rules/{id}.yaml"), "text": text, "base": base(app, id), "message": "Because"});
        self.json("/rules/save", &body).await
    }
}

fn seen(shown: Shown) -> Seen {
    let Shown { status, location: place, text, .. } = shown;
    Seen { status, json: serde_json::from_str(&text).unwrap_or_default(), text, place }
}

pub(super) fn disk(app: &TestApp, id: &str) -> Option<Vec<u8>> {
    fs::read(app.folder.path().join(format!("rules/{id}.yaml"))).ok()
}

pub(super) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

pub(super) fn base(app: &TestApp, id: &str) -> String {
    disk(app, id).map(|bytes| digest(&bytes)).unwrap_or_default()
}

const PLAIN: &str = "name: Plain\non: gruveo.call\ndo:\n  - stop: done\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_saved_byte_for_byte_and_in_force_at_once() {
    let app = TestApp::start(Journal::start([]).await).await;
    let desk = Desk::of(&app).await;
    let odd = "\u{feff}# ein Kommentar\r\nname:   Odd   # beside\r\n\r\non: gruveo.call\r\ndo:\r\n  - stop: \"schön\"\r\n# no line end";
    let saved = desk.save(&app, "new/odd", odd).await.is(200).json;
    assert_eq!(disk(&app, "new/odd").unwrap(), odd.as_bytes());
    assert_eq!(saved["digest"], digest(odd.as_bytes()).as_str());
    assert_eq!(
        (&saved["in_force"], &saved["committed"], &saved["commit"]),
        (&json!(true), &json!(false), &Value::Null)
    );
    assert_eq!(saved["why_not"], "the workspace is in no git repository");
    let read = desk.get("/rules/text?path=rules/new/odd.yaml").await.is(200).json;
    assert_eq!((&read["text"], &read["digest"]), (&json!(odd), &saved["digest"]));
    app.call(&missed_call("42")).await;
    assert!(app.runs().await.iter().any(|run| run.rule == "new/odd"), "it hears the next event");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_editors_the_second_is_told_and_nothing_is_lost() {
    let app = TestApp::with(Journal::start([]).await, &[("plain", PLAIN)], "").await;
    let desk = Desk::of(&app).await;
    let opened = base(&app, "plain");
    let (one, two) = (PLAIN.replace("Plain", "One"), PLAIN.replace("Plain", "Two"));
    let body = |text: &str| json!({"path": "rules/plain.yaml", "text": text, "base": opened, "message": ""});
    let (a, b) = (body(&one), body(&two));
    let (first, second) = tokio::join!(desk.json("/rules/save", &a), desk.json("/rules/save", &b));
    let (kept, lost, theirs, yours) =
        if first.status == 200 { (first, second, one, two) } else { (second, first, two, one) };
    kept.is(200);
    let error = lost.is(409).json["error"].clone();
    assert_eq!(error["code"], "conflict");
    let details = &error["details"];
    assert_eq!(
        (&details["base"], &details["theirs"], &details["yours"]),
        (&json!(PLAIN), &json!(theirs), &json!(yours))
    );
    assert_eq!(details["theirs_digest"], digest(theirs.as_bytes()).as_str());
    assert!(details["diff"].as_array().unwrap().iter().any(|line| line["kind"] == "add"), "{details}");
    assert_eq!(disk(&app, "plain").unwrap(), theirs.as_bytes());
    // A new rule whose name was taken meanwhile, and one that is gone.
    let taken = json!({"path": "rules/plain.yaml", "text": yours, "base": "", "message": ""});
    assert_eq!(desk.json("/rules/save", &taken).await.is(409).json["error"]["details"]["theirs"], theirs.as_str());
    fs::remove_file(app.folder.path().join("rules/plain.yaml")).unwrap();
    let gone = json!({"path": "rules/plain.yaml", "text": yours, "base": digest(theirs.as_bytes()), "message": ""});
    let gone = desk.json("/rules/save", &gone).await.is(409).json;
    assert_eq!(gone["error"]["details"]["theirs"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_errors_is_never_saved_and_what_fails_its_tests_only_on_purpose() {
    let app = TestApp::start(Journal::start([]).await).await;
    let desk = Desk::of(&app).await;
    let wrong = MISSED.replace("groove.add_note:\n", "groove.add_nte:\n");
    let refused = desk.save(&app, "calls/missed", &wrong).await.is(422).json;
    assert_eq!(refused["error"]["code"], "findings");
    let finding = &refused["error"]["details"]["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["file"], &finding["severity"]),
        (&json!("R032"), &json!("rules/calls/missed.yaml"), &json!("error"))
    );
    assert!(finding["end_column"].as_u64() > finding["column"].as_u64(), "{finding}");
    let failing = MISSED.replace("contains: Greece", "contains: France");
    let mut body = json!({"path": "rules/calls/missed.yaml", "text": failing, "base": base(&app, "calls/missed")});
    let refused = desk.json("/rules/save", &body).await.is(422).json;
    assert_eq!(refused["error"]["code"], "tests");
    let tests = refused["error"]["details"]["tests"].as_array().unwrap().clone();
    assert_eq!(tests.iter().map(|test| test["ok"].clone()).collect::<Vec<_>>(), [json!(false), json!(true)]);
    assert_eq!(disk(&app, "calls/missed").unwrap(), MISSED.as_bytes());
    body["force_tests"] = json!(true);
    desk.json("/rules/save", &body).await.is(200);
    assert_eq!(last_save(&app).await["force_tests"], true);
    body["base"] = json!(base(&app, "calls/missed"));
    body["text"] = json!(wrong);
    assert_eq!(desk.json("/rules/save", &body).await.is(422).json["error"]["code"], "findings");
}

/// What the audit log says of the last save.
async fn last_save(app: &TestApp) -> Value {
    let filter = AuditFilter { action: Some("rule.save".to_owned()), ..AuditFilter::default() };
    let rows = app.store().audit(filter).await.unwrap();
    serde_json::from_str(rows[0].after.as_deref().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_secret_is_asked_about_and_its_value_is_never_told_back() {
    let app = TestApp::start(Journal::start([]).await).await;
    let desk = Desk::of(&app).await;
    let text = format!("name: Leak\non: gruveo.call\ndo:\n  - stop: \"{}\"\n", crate::support::app::GROOVE_TOKEN);
    let mut body = json!({"path": "rules/leak.yaml", "text": text, "base": ""});
    let refused = desk.json("/rules/save", &body).await.is(422);
    assert_eq!(refused.json["error"]["code"], "secret");
    let finding = &refused.json["error"]["details"]["findings"][0];
    assert_eq!((&finding["severity"], &finding["line"]), (&json!("warning"), &json!(4)));
    refused.with("groove_token").without(crate::support::app::GROOVE_TOKEN);
    assert!(disk(&app, "leak").is_none());
    body["confirm_secret"] = json!(true);
    desk.json("/rules/save", &body).await.is(200);
    let told = last_save(&app).await;
    assert_eq!((&told["confirm_secret"], &told["force_tests"]), (&json!(true), &Value::Null), "{told}");
    // It was looked at: what is changed elsewhere does not ask again.
    let changed = text.replace("Leak", "Leaks");
    desk.save(&app, "leak", &changed).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_and_no_link_leads_out_of_the_rules() {
    let app = TestApp::with(Journal::start([]).await, &[("plain", PLAIN)], "").await;
    let desk = Desk::of(&app).await;
    let key = app.folder.path().join("key.yaml");
    fs::write(&key, PLAIN).unwrap();
    for path in [
        "../key.yaml",
        "key.yaml",
        "rules/../key.yaml",
        "rules/a/../../key.yaml",
        "/etc/passwd",
        "rules/.git/config",
        "bellwire.toml",
        "rules/CON.yaml",
        "rules/con.yaml",
        "rules/Plain.yaml",
        "rules/a\nb.yaml",
        "rules/é.yaml",
        "rules/x.yml",
        "rules/x.json",
        "",
    ] {
        let body = json!({"path": path, "text": PLAIN, "base": ""});
        assert_eq!(desk.json("/rules/save", &body).await.is(422).json["error"]["code"], "name", "{path:?}");
    }
    let long = json!({"path": format!("rules/{}.yaml", "a".repeat(201)), "text": PLAIN, "base": ""});
    desk.json("/rules/save", &long).await.is(422);
    symlink(&key, app.folder.path().join("rules/link.yaml")).unwrap();
    symlink(app.folder.path(), app.folder.path().join("rules/out")).unwrap();
    for path in ["rules/link.yaml", "rules/out/key.yaml"] {
        desk.get(&format!("/rules/text?path={path}")).await.is(422);
        let body = json!({"path": path, "text": "changed", "base": digest(PLAIN.as_bytes())});
        desk.json("/rules/save", &body).await.is(422);
        desk.form("/rules/delete", &[("id", &path[6..path.len() - 5]), ("digest", &digest(PLAIN.as_bytes()))])
            .await
            .is(422);
    }
    assert_eq!(fs::read_to_string(&key).unwrap(), PLAIN);
    let forged = Desk::of(&app).await.forged();
    forged.json("/rules/save", &json!({"path": "rules/x.yaml", "text": PLAIN, "base": ""})).await.is(403);
    assert!(disk(&app, "x").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_tried_on_an_event_and_nothing_is_sent_or_kept() {
    let app = TestApp::start(Journal::start([]).await).await;
    let desk = Desk::of(&app).await;
    let mut call = missed_call("42");
    call["location"] = json!(crate::support::app::GROOVE_TOKEN);
    let event = event_id(&app.call(&call).await);
    app.settle().await;
    let (sent, runs) = (app.journal.requests().len(), app.runs().await.len());
    let draft = MISSED.replace("resolution: missed", "resolution: answered");
    let body = json!({"path": "rules/calls/missed.yaml", "text": draft, "event": event.to_string()});
    let seen = desk.json("/rules/draft", &body).await.is(200).without(crate::support::app::GROOVE_TOKEN);
    let tried = &seen.json;
    assert_eq!(
        (&tried["ok"], &tried["explain"]["verdict"], &tried["dry"]["outcome"]),
        (&json!(true), &json!("not_matched"), &json!("unmatched"))
    );
    let conditions = tried["explain"]["conditions"].as_array().unwrap();
    let told: Vec<(&Value, &Value, &Value, &Value)> =
        conditions.iter().map(|one| (&one["path"], &one["verdict"], &one["seen"], &one["line"])).collect();
    assert_eq!(told[0], (&json!("event.resolution"), &json!("fail"), &json!("missed"), &json!(5)));
    assert_eq!(told[1], (&json!("event.tracking.ticket"), &json!("pass"), &json!("42"), &json!(6)));
    assert_eq!(tried["tests"][0]["ok"], false);
    let forced = json!({"path": "rules/calls/missed.yaml", "text": draft, "event": event.to_string(), "force": true});
    let seen = desk.json("/rules/draft", &forced).await.is(200).without(crate::support::app::GROOVE_TOKEN);
    let exchange = &seen.json["dry"]["exchanges"][0];
    assert_eq!((&exchange["method"], &exchange["action"]), (&json!("POST"), &json!("groove.add_note")));
    assert!(exchange["headers"].to_string().contains("‹groove_token›"), "{exchange}");
    assert!(exchange["body"].as_str().unwrap().contains("[secret groove_token]"), "{exchange}");
    // A sample, no event at all, a text that does not hold, a name that cannot be.
    let sample = json!({"path": "rules/new/one.yaml", "text": MISSED, "sample": "gruveo.call/missed"});
    let seen = desk.json("/rules/draft", &sample).await.is(200).json;
    assert_eq!((&seen["ok"], &seen["explain"]["hears"]), (&json!(true), &json!(true)), "{seen}");
    let none = json!({"path": "rules/calls/missed.yaml", "text": MISSED, "event": null, "sample": null});
    let seen = desk.json("/rules/draft", &none).await.is(200).json;
    assert_eq!(
        (&seen["ok"], &seen["explain"], &seen["dry"], &seen["tests"][0]["ok"]),
        (&json!(true), &Value::Null, &Value::Null, &json!(true))
    );
    for (path, text, code) in [
        ("rules/calls/missed.yaml", "name: [", "R001"),
        ("rules/calls/missed.yaml", "name: x\non: gruveo.cal\ndo: [{ stop: x }]\n", "R030"),
        ("rules/../x.yaml", PLAIN, "R013"),
        ("rules/bomb.yaml", "a: &a [x]\nb: [*a, *a]\n", "R006"),
    ] {
        let seen = desk.json("/rules/draft", &json!({"path": path, "text": text})).await.is(200).json;
        assert_eq!((&seen["ok"], &seen["explain"]), (&json!(false), &Value::Null));
        assert!(seen["findings"].as_array().unwrap().iter().any(|one| one["code"] == code), "{code}: {seen}");
    }
    desk.json("/rules/draft", &json!({"path": "rules/x.yaml", "text": "x".repeat(3_000_000)})).await.is(413);
    assert_eq!((app.journal.requests().len(), app.runs().await.len(), app.events().await.len()), (sent, runs, 1));
    assert_eq!(disk(&app, "calls/missed").unwrap(), MISSED.as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_blamed_for_what_it_does_to_other_files_and_not_for_what_was_wrong_before() {
    let emits = "name: Emits\non: gruveo.call\ndo:\n  - emit: { type: calls.lost, data: {} }\n";
    let hears = "name: Hears\non: calls.lost\ndo:\n  - stop: done\n";
    let app = TestApp::with(Journal::start([]).await, &[("emits", emits), ("hears", hears)], "").await;
    let desk = Desk::of(&app).await;
    let draft = emits.replace("calls.lost", "calls.found");
    let tried = desk.json("/rules/draft", &json!({"path": "rules/emits.yaml", "text": draft})).await.is(200).json;
    assert_eq!((&tried["ok"], &tried["findings"][0]["file"]), (&json!(false), &json!("rules/hears.yaml")), "{tried}");
    desk.save(&app, "emits", &draft).await.is(422).with("rules/hears.yaml");
    desk.form("/rules/delete", &[("id", "emits"), ("digest", &base(&app, "emits"))])
        .await
        .is(422)
        .with("rules/hears.yaml");
    assert!(disk(&app, "emits").is_some());
    // A file that somebody broke by hand keeps nobody from saving another one; it is not in force then, and that is told.
    app.write_rule("broken", "name: [");
    app.app.reload().await.unwrap();
    let saved = desk.save(&app, "hears", &hears.replace("done", "over")).await.is(200).json;
    assert_eq!(saved["in_force"], false);
    assert!(saved["findings"].to_string().contains("rules/broken.yaml"), "{saved}");
    desk.get("/rules").await.is(200).with("rules/broken.yaml").with("held back");
    desk.get("/rules/show?id=hears").await.is(200).with("not in force");
    desk.get("/rules/show?id=broken").await.is(200).with("name: [");
    desk.save(&app, "broken", PLAIN).await.is(200);
    assert!(app.app.held_back().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_touches_one_word_and_many_rules_are_switched_all_or_none() {
    let odd = "# top\r\nname:   Odd # beside\r\nenabled:  true   # yes\r\non: gruveo.call\r\ndo: [{ stop: x }]";
    let app = TestApp::with(Journal::start([]).await, &[("odd", odd), ("plain", PLAIN)], "").await;
    let desk = Desk::of(&app).await;
    let seen = desk.form("/rules/switch", &[("id", "odd"), ("enabled", "false")]).await.is(303);
    assert_eq!(seen.place, "/rules/show?id=odd&did=disabled");
    assert_eq!(disk(&app, "odd").unwrap(), odd.replace("true ", "false ").into_bytes());
    app.call(&missed_call("1")).await;
    assert_eq!(app.runs().await.iter().map(|run| run.rule.as_str()).collect::<Vec<_>>(), ["plain"]);
    desk.form("/rules/switch", &[("id", "odd"), ("enabled", "true")]).await.is(303);
    assert_eq!(disk(&app, "odd").unwrap(), odd.as_bytes());
    desk.form("/rules/bulk", &[("ids", "odd"), ("ids", "nowhere"), ("enabled", "false")]).await.is(404);
    desk.form("/rules/bulk", &[("enabled", "false")]).await.is(400);
    desk.form("/rules/bulk", &[("ids", "odd"), ("enabled", "perhaps")]).await.is(400);
    assert_eq!(disk(&app, "odd").unwrap(), odd.as_bytes());
    let all = [("ids", "odd"), ("ids", "plain"), ("ids", "odd"), ("enabled", "false")];
    assert_eq!(desk.form("/rules/bulk", &all).await.is(303).place, "/rules?did=disabled");
    assert_eq!(disk(&app, "plain").unwrap(), PLAIN.replace("Plain\n", "Plain\nenabled: false\n").into_bytes());
    let many: Vec<String> = (0..1_001).map(|number| format!("r{number}")).collect();
    let mut fields: Vec<(&str, &str)> = many.iter().map(|id| ("ids", id.as_str())).collect();
    fields.push(("enabled", "false"));
    desk.form("/rules/bulk", &fields).await.is(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_renamed_and_deleted_as_it_was_seen_and_restored_as_it_was() {
    let app = TestApp::with(Journal::start([]).await, &[("plain", PLAIN)], "").await;
    let desk = Desk::of(&app).await;
    let old = digest(PLAIN.as_bytes());
    for (to, status) in [("../x", 422), ("Big", 422), ("plain", 409), ("a b", 422)] {
        desk.form("/rules/rename", &[("id", "plain"), ("to", to), ("digest", &old)]).await.is(status);
    }
    let seen = desk.form("/rules/rename", &[("id", "plain"), ("to", "calls/plain"), ("digest", &old)]).await.is(303);
    assert_eq!(seen.place, "/rules/show?id=calls%2Fplain&did=renamed-only");
    assert!(disk(&app, "plain").is_none());
    let changed = PLAIN.replace("done", "over");
    desk.save(&app, "calls/plain", &changed).await.is(200);
    desk.form("/rules/delete", &[("id", "calls/plain"), ("digest", &old)]).await.is(409);
    desk.get("/rules/versions?id=calls/plain").await.is(200).with(&old[..10]).with(&base(&app, "calls/plain")[..10]);
    let page = format!("/rules/versions/diff?id=calls/plain&from={old}&to=now");
    desk.get(&page)
        .await
        .is(200)
        .with("<del>-   - stop: done</del>")
        .with("<ins>+   - stop: over</ins>")
        .with("Restore");
    desk.get(&format!("{page}&view=side")).await.is(200).with("<del>  - stop: done</del>");
    let (now, path) = (base(&app, "calls/plain"), "rules/calls/plain.yaml");
    let restore = [("id", "calls/plain"), ("path", path), ("version", old.as_str()), ("base", old.as_str())];
    desk.form("/rules/restore", &restore).await.is(409);
    let restore = [("id", "calls/plain"), ("path", path), ("version", old.as_str()), ("base", now.as_str())];
    desk.form("/rules/restore", &restore).await.is(303);
    assert_eq!(disk(&app, "calls/plain").unwrap(), PLAIN.as_bytes());
    desk.form("/rules/delete", &[("id", "calls/plain"), ("digest", &old)]).await.is(303);
    assert!(disk(&app, "calls/plain").is_none());
    desk.get("/rules/show?id=calls/plain").await.is(404);
    desk.get("/rules/versions?id=calls/plain").await.is(200).with("not there now");
    let again = [("id", "calls/plain"), ("path", path), ("version", old.as_str()), ("base", "")];
    desk.form("/rules/restore", &again).await.is(303);
    assert_eq!(disk(&app, "calls/plain").unwrap(), PLAIN.as_bytes());
}
