//! `bellwire users` and `bellwire tokens`, and what `serve` does before anybody may sign in.

use std::collections::BTreeMap;

use bellwire::{
    clock::SystemClock,
    store::{AuditFilter, AuditRow, Mode, Store},
};

use crate::support::{
    journal::Journal,
    program::{Place, until},
};

#[test]
fn users_are_made_changed_and_removed_without_the_server() {
    let place = Place::empty();
    place.run(&["init", "."]).fine();
    assert!(place.run(&["users", "list"]).fine().out.contains("bellwire users link"));
    assert_eq!(place.run(&["users", "role", "ada", "owner"]).code, 1);
    let link = place.run(&["users", "link", "--json"]).fine().json();
    assert!(link["link"].as_str().unwrap().starts_with("http://127.0.0.1:8000/setup?token="), "{link}");
    let added = place.run(&["users", "add", "Ada", "--role", "owner", "--email", "ada@example.com"]).fine();
    assert!(added.out.contains("/setup?token="), "{added:?}");
    assert_eq!(place.run(&["users", "add", "ada", "--role", "viewer"]).code, 1);
    assert_eq!(place.run(&["users", "add", "a b", "--role", "viewer"]).code, 2);
    assert_eq!(place.run(&["users", "link"]).code, 2);
    for verb in [&["role", "ada", "editor"][..], &["disable", "ada"], &["remove", "ada"]] {
        let refused = place.run(&[&["users"], verb].concat());
        assert!(refused.code == 1 && refused.err.contains("last owner"), "{refused:?}");
    }
    place.run_with(&["users", "password", "ada"], "short\n").code.eq(&2).then_some(()).unwrap();
    place.run_with(&["users", "password", "ada"], "correct horse battery\n").fine();
    place.run(&["users", "add", "bob", "--role", "viewer"]).fine();
    place.run(&["users", "role", "bob", "editor"]).fine();
    place.run(&["users", "disable", "bob"]).fine();
    let list = place.run(&["users", "list", "--json"]).fine();
    assert!(!list.out.contains("argon2"), "{}", list.out);
    let rows = list.json();
    assert_eq!((&rows[0]["name"], &rows[1]["role"]), (&"ada".into(), &"editor".into()));
    assert!(rows[0]["id"].as_str().unwrap().starts_with("usr_"), "{rows}");
    place.run(&["users", "enable", "bob"]).fine();
    assert!(place.run(&["users", "sessions", "list", "bob"]).fine().out.contains("No open session"));
    place.run(&["users", "sessions", "end", "bob"]).fine();
    place.run(&["users", "remove", "bob"]).fine();
    assert_eq!(place.run(&["users", "enable", "bob"]).code, 1);
}

#[test]
fn a_token_is_shown_once_and_revoked_by_its_id() {
    let place = Place::empty();
    place.run(&["init", "."]).fine();
    place.run(&["users", "add", "ada", "--role", "owner"]).fine();
    let words = ["tokens", "new", "ci", "--user", "ada", "--scope", "run", "--scope", "read", "--expires", "90d"];
    let made = place.run(&words).fine();
    let token = made.out.trim();
    assert!(token.starts_with("bw_") && token.len() == 67, "{made:?}");
    let list = place.run(&["tokens", "list", "--json"]).fine();
    assert!(!list.out.contains(token));
    let row = &list.json()[0];
    assert_eq!((&row["scopes"][0], &row["scopes"][1]), (&"read".into(), &"run".into()));
    let id = row["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("tok_") && row["expires_at"].is_string(), "{row}");
    assert_eq!(place.run(&["tokens", "new", "x", "--user", "nobody", "--scope", "read"]).code, 1);
    assert_eq!(place.run(&["tokens", "new", "x", "--user", "ada", "--scope", "all"]).code, 2);
    place.run(&["tokens", "revoke", &id]).fine();
    assert_eq!(place.run(&["tokens", "revoke", &id]).code, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_prints_the_link_of_the_owner_and_refuses_a_network_without_tls() {
    let journal = Journal::start([]).await;
    let place = Place::workspace(&journal);
    let serving = place.serve();
    // It listens a moment before it says so.
    until("the link is printed", || place.read("log").contains("Create the owner"));
    let log = place.read("log");
    assert!(log.contains("/setup?token="), "{log}");
    assert!(log.contains("sign in from this machine alone"), "{log}");
    drop(serving);
    let place = place.with("BELLWIRE_SERVER_LISTEN", "0.0.0.0:0");
    let refused = place.run(&["serve"]);
    assert_eq!(refused.code, 78, "{refused:?}");
    for way in ["server.public_url", "server.admin_listen", "server.dangerous_plain_http"] {
        assert!(refused.err.contains(way), "{refused:?}");
    }
}

const SLOW: &str = "name: Slow\non: box.start\ndo:\n  - wait: 1d\n";

/// The audit log of a workspace, newest first.
pub(super) async fn audited(place: &Place) -> Vec<AuditRow> {
    let config = bellwire::config::load(place.path(), &BTreeMap::new()).unwrap();
    let clock = std::sync::Arc::new(SystemClock);
    let store = Store::open(&config, Mode::Read, clock, std::sync::Arc::new(|why| panic!("{why}"))).unwrap();
    store.audit(AuditFilter::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_commands_write_is_in_the_audit_log_without_values() {
    let place = Place::with_rules(&Journal::start([]).await, &[("slow", SLOW)]);
    let serving = place.serve();
    place.ring("start", &serde_json::json!({}));
    let run = place.newest("waiting");
    place.run_with(&["secrets", "set", "crm_token"], "correct-horse-battery\n").fine();
    place.run(&["secrets", "remove", "crm_token"]).fine();
    place.run(&["profiles", "set", "maria@example.com", "plan=Platinum"]).fine();
    place.write("people.csv", "email,plan\nmaria@example.com,Platinum\n");
    place.run(&["profiles", "import", "people.csv"]).fine();
    place.run(&["profiles", "forget", "maria@example.com", "--yes"]).fine();
    place.run(&["runs", "cancel", &run]).fine();
    until("the run is over", || place.shown(&run)["state"] == "cancelled");
    place.run(&["replay", &run]).fine();
    place.run(&["run", "slow", "--event", place.runs()[0]["event"].as_str().unwrap()]).fine();
    drop(serving);
    let rows = audited(&place).await;
    let actions: Vec<&str> = rows.iter().map(|row| row.action.as_str()).collect();
    let wanted = [
        "rule.run",
        "run.replay",
        "run.cancel",
        "person.forget",
        "person.import",
        "person.set",
        "secret.remove",
        "secret.set",
    ];
    assert_eq!(actions, wanted);
    for row in rows {
        assert_eq!((row.who.as_str(), row.outcome.as_str()), ("(command line)", "done"), "{row:?}");
        let text = format!("{row:?}");
        assert!(!text.contains("horse") && !text.contains("Platinum") && !text.contains("maria"), "{text}");
    }
}
