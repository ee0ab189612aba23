//! `--url`: the command line asks a running server by its API, without a workspace of its own.

use serde_json::json;

use crate::support::{
    journal::Journal,
    program::{Ended, Place, free_address, until},
};

const BY_HAND: &str =
    "name: By hand\non: { manual: { inputs: { who: { type: text } } } }\ndo:\n  - stop: \"{{ event.who }}\"\n";
const HEARD: &str = "name: Heard\non: box.rang\nwhen: { event.loud: true }\ndo:\n  - fail: \"too loud\"\n";

/// A workspace with a server, and an empty folder elsewhere whose commands ask it.
pub(super) struct Two {
    pub(super) there: Place,
    pub(super) here: Place,
    pub(super) url: String,
    _serving: crate::support::program::Serving,
}

impl Two {
    async fn start(scopes: &[&str]) -> Self {
        Self::with(scopes, &[("by/hand", BY_HAND), ("heard", HEARD)]).await
    }

    pub(super) async fn with(scopes: &[&str], rules: &[(&str, &str)]) -> Self {
        let address = free_address();
        let there =
            Place::with_rules(&Journal::start([]).await, rules).with("BELLWIRE_SERVER_LISTEN", &address.to_string());
        there.run(&["users", "add", "ada", "--role", "owner"]).fine();
        let here = Place::empty();
        here.write("token.txt", &token(&there, scopes));
        let serving = there.serve();
        Self { there, here, url: format!("http://{address}"), _serving: serving }
    }

    pub(super) fn ask(&self, words: &[&str]) -> Ended {
        self.ask_with(words, "")
    }

    pub(super) fn ask_with(&self, words: &[&str], input: &str) -> Ended {
        let server = ["--url", &self.url, "--token-file", "token.txt"];
        self.here.run_with(&[words, &server].concat(), input)
    }

    /// Both say the same, as text and for machines.
    pub(super) fn agree(&self, words: &[&str]) {
        for form in [&[][..], &["--json"]] {
            let words = [words, form].concat();
            assert_eq!(self.ask(&words).fine().out, self.there.run(&words).fine().out, "{words:?}");
        }
    }
}

fn token(there: &Place, scopes: &[&str]) -> String {
    let mut words = vec!["tokens", "new", "remote", "--user", "ada"];
    for scope in scopes {
        words.extend(["--scope", scope]);
    }
    there.run(&words).fine().out.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_tells_is_shown_as_beside_its_database() {
    let two = Two::start(&["read", "secrets"]).await;
    let event = two.there.ring("rang", &json!({"loud": true}));
    let run = two.there.newest("failed");
    two.there.ring("rang", &json!({"loud": false}));
    for words in [
        &["events", "list"][..],
        &["events", "list", "--unmatched", "--limit", "1"],
        &["events", "show", &event],
        &["events", "refused"],
        &["runs", "list"],
        &["runs", "list", "--state", "failed"],
        &["runs", "list", "--state", "ok"],
        &["runs", "show", &run],
        &["connections"],
        &["polls"],
        &["calls"],
        &["profiles", "list"],
        &["secrets", "list"],
    ] {
        two.agree(words);
    }
    let said = two.ask(&["explain", &event]).fine().out;
    assert!(said.contains("heard: matched") && said.contains(&run), "{said}");
    let by_run = two.ask(&["explain", &run, "--json"]).fine().json();
    assert_eq!((&by_run["rules"][0]["rule"], &by_run["by"]), (&json!("heard"), &json!("decided")));
    assert!(two.ask(&["problems"]).fine().out.contains("heard"));
    assert!(two.ask(&["backtest", "--there"]).fine().out.contains("The rules are the same"));
    assert_eq!(two.ask(&["backtest", "--there", "--json"]).fine().json()["changed"], false);
    let nothing = two.ask(&["backtest", "--fail-on-change"]);
    assert!(nothing.code == 2 && nothing.err.contains("there is no rules/ in"), "{nothing:?}");
    let files = [("by/hand", BY_HAND), ("heard", HEARD)];
    for (name, text) in files {
        two.here.write(&format!("rules/{name}.yaml"), text);
    }
    assert!(two.ask(&["backtest", "--fail-on-change"]).fine().out.contains("The rules are the same"));
    two.here.write("rules/heard.yaml", &HEARD.replace("name: ", "enabled: false\nname: "));
    let changed = two.ask(&["backtest", "--fail-on-change", "--json"]);
    assert_eq!((changed.code, &changed.json()["changed"]), (1, &json!(true)), "{changed:?}");
    std::fs::remove_file(two.here.path().join("rules/heard.yaml")).unwrap();
    let gone = two.ask(&["backtest", "--fail-on-change"]);
    assert!(gone.code == 1 && gone.out.contains("heard"), "{gone:?}");
    assert_eq!(two.ask(&["backtest", "--against", "main"]).code, 2);
    assert!(two.ask(&["circuits"]).fine().out.contains("No circuit is open"));
    assert!(two.ask(&["schedules"]).fine().out.contains("No rule has a schedule"));
    assert!(two.ask(&["services", "list"]).fine().out.contains("groove"));
    let shown = two.ask(&["services", "show", "groove"]).fine().out;
    assert!(shown.contains("groove.add_note") && shown.contains("Actions"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_list_is_followed_over_its_pages() {
    let two = Two::start(&["read"]).await;
    for at in 0..5 {
        two.there.ring("rang", &json!({"loud": false, "at": at}));
    }
    let whole = two.ask(&["events", "list", "--json"]).fine().json();
    let first = two.ask(&["events", "list", "--limit", "2", "--json"]).fine().json();
    assert_eq!((whole.as_array().unwrap().len(), first.as_array().unwrap().len()), (5, 2));
    let last = first[1]["id"].as_str().unwrap();
    let rest = two.ask(&["events", "list", "--before", last, "--json"]).fine().json();
    assert_eq!(rest.as_array().unwrap()[..], whole.as_array().unwrap()[2..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_does_is_done_by_the_server() {
    let two = Two::start(&["read", "run", "people", "secrets"]).await;
    let ran = two.ask(&["run", "by/hand", "--input", "who=maria", "--wait", "--json"]).fine().json();
    assert_eq!((&ran["state"], &ran["why"]), (&json!("ok"), &json!("maria")), "{ran}");
    let run = ran["id"].as_str().unwrap();
    let again = two.ask(&["replay", run, "--wait", "--json"]).fine().json();
    assert_eq!(again["replayed"][0]["replay_of"], run, "{again}");
    let over = two.ask(&["runs", "cancel", run]);
    assert!(over.code == 1 && over.err.contains("it is over already"), "{over:?}");

    two.ask(&["profiles", "set", "Maria@example.com", "plan=Pro", "--add", "calls=2"]).fine();
    two.agree(&["profiles", "get", "maria@example.com"]);
    let gone = two.ask(&["profiles", "set", "maria@example.com", "--remove", "plan", "--remove", "calls"]).fine();
    assert!(gone.out.contains("nothing is left"), "{gone:?}");
    assert_eq!(two.ask(&["profiles", "forget", "maria@example.com"]).code, 2);
    two.ask(&["profiles", "forget", "maria@example.com", "--yes"]).fine();

    two.ask_with(&["secrets", "set", "crm_token", "--for", "https://crm.example.com"], "a-value-that-is-long\n").fine();
    two.agree(&["secrets", "list"]);
    let short = two.ask_with(&["secrets", "set", "crm_token"], "short\n");
    assert_eq!(short.code, 2, "{short:?}");
    two.ask(&["secrets", "remove", "crm_token"]).fine();
    let missing = two.ask(&["secrets", "remove", "crm_token"]);
    assert!(missing.code == 1 && missing.err.contains("crm_token"), "{missing:?}");

    let event = two.there.ring("rang", &json!({"loud": true}));
    two.there.newest("failed");
    two.ask(&["replay", &event, "--with", "current"]).fine();
    until("the rule ran twice", || {
        two.ask(&["runs", "list", "--event", &event, "--json"]).fine().json().as_array().unwrap().len() == 2
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_names_the_way_out() {
    let two = Two::start(&["read"]).await;
    let scope = two.ask(&["run", "by/hand", "--input", "who=a"]);
    assert!(scope.code == 1 && scope.err.contains("lacks the scope `run`"), "{scope:?}");
    let missing = two.ask(&["runs", "show", "run_0000000000001"]);
    assert!(missing.code == 1 && missing.err.contains("There is no run run_0000000000001"), "{missing:?}");
    for (words, code, part) in [
        (&["runs", "list", "--url", &two.url][..], 2, "--token-file"),
        (&["runs", "list", "--url", &two.url, "--token", "bw_wrong"], 1, "does not take the token"),
        (&["runs", "list", "--url", &format!("http://{}", free_address()), "--token", "bw_x"], 1, "bellwire serve"),
        (&["runs", "list", "--url", &format!("{}/hooks", two.url), "--token", "bw_x"], 1, "no Bellwire"),
        (&["runs", "list", "--url", "http://192.0.2.1", "--token", "bw_x"], 2, "plain http"),
        (&["runs", "list", "--token", "bw_x"], 2, "--url"),
    ] {
        let ended = two.here.run(words);
        assert!(ended.code == code && ended.err.contains(part), "{words:?}: {ended:?}");
    }
}

#[test]
fn a_verb_that_needs_a_workspace_says_so_and_one_that_needs_none_works() {
    let here = Place::empty().with("BELLWIRE_URL", "http://127.0.0.1:9").with("BELLWIRE_TOKEN", "bw_x");
    for words in [
        &["serve"][..],
        &["init", "."],
        &["check"],
        &["test"],
        &["doctor"],
        &["users", "list"],
        &["services", "test", "groove.add_note"],
        &["connections", "logout", "crm"],
    ] {
        let ended = here.run(words);
        assert!(ended.code == 2 && ended.err.contains("workspace of this machine"), "{words:?}: {ended:?}");
    }
    assert!(here.run(&["doctor"]).err.contains("BELLWIRE_URL is set: unset it"));
    for words in [&["help", "rules"][..], &["config", "defaults"], &["schedules", "next", "0 9 * * *"]] {
        here.run(words).fine();
    }
    // Without a server named these two are no settings that nobody knows.
    let place = Place::empty();
    place.run(&["init", "."]).fine();
    place.with("BELLWIRE_TOKEN", "bw_x").run(&["check"]).fine();
}
