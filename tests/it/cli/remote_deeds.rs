//! `--url`: what a person does by a server's API, beyond a look.

use serde_json::{Value, json};

use super::remote::Two;
use crate::support::{
    journal::{Journal, Reply},
    program::{Place, until},
};

const HEARD: &str = "name: Heard\non: box.rang\nwhen: { event.loud: true }\ndo:\n  - id: end\n    fail: \"too loud\"\n";
const SENDS: &str = "name: Sends\non: box.rang\nwhen: { event.loud: never }\ndo:\n  - groove.add_note: { ticket: 7, body: \"{{ event.who }}\" }\n";
const FUSED: &str =
    "name: Fused\non: box.start\nfuse: { count: 1, within: 10m }\ndo:\n  - groove.add_note: { ticket: 1, body: x }\n";
const SCOPES: [&str; 4] = ["read", "run", "rules", "people"];

/// The only problem, as a machine reads it.
fn problem(place: &Place) -> Value {
    let all = place.run(&["problems", "--all", "--json"]).fine().json();
    assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
    all[0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_on_a_problem_is_kept_by_the_server_or_beside_it() {
    let two = Two::with(&SCOPES, &[("heard", HEARD)]).await;
    two.there.ring("rang", &json!({"loud": true}));
    two.there.newest("failed");
    let listed = two.ask(&["problems"]).fine().out;
    assert_eq!(listed, two.there.run(&["problems"]).fine().out);
    let id = problem(&two.there)["id"].as_str().unwrap().to_owned();
    assert!(listed.contains(&id) && id.starts_with("prb_"), "{listed}");
    assert!(two.ask(&["problems", "mute", &id, "--for", "8h"]).fine().out.contains("tells nobody until"));
    let muted = problem(&two.there);
    assert!(muted["state"] == "muted" && !muted["muted_until"].is_null(), "{muted}");
    two.ask(&["problems", "reopen", &id]).fine();
    assert_eq!(problem(&two.there)["state"], "open");
    two.ask(&["problems", "acknowledge", &id]).fine();
    assert_eq!(
        (problem(&two.there)["state"].clone(), problem(&two.there)["acknowledged_by"].clone()),
        (json!("acknowledged"), json!("ada"))
    );
    two.there.run(&["problems", "mute", &id]).fine();
    assert_eq!(problem(&two.there)["state"], "muted");
    two.there.run(&["problems", "resolve", &id]).fine();
    assert_eq!(problem(&two.there)["state"], "solved");
    for ended in [two.ask(&["problems", "resolve", &id]), two.there.run(&["problems", "resolve", &id])] {
        assert!(ended.code == 1 && ended.err.contains("solved"), "{ended:?}");
    }
    for ended in
        [two.ask(&["problems", "mute", "prb_0000000000001"]), two.there.run(&["problems", "mute", "prb_0000000000001"])]
    {
        assert!(ended.code == 1 && ended.err.contains("prb_0000000000001"), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fuse_is_mended_by_the_server() {
    let two = Two::with(&SCOPES, &[("fused", FUSED)]).await;
    for n in 0..3 {
        two.there.ring("start", &json!({"n": n}));
        until("it is taken", || {
            two.there.states().len() == n + 1
                && !two.there.states().iter().any(|state| state == "due" || state == "running")
        });
    }
    assert_eq!(two.there.states(), ["held", "held", "ok"]);
    assert!(two.ask(&["runs", "release", "fused"]).fine().out.contains("2 runs of fused released"));
    until("they run", || two.there.states() == ["ok", "ok", "ok"]);
    let none = two.ask(&["runs", "release", "fused"]);
    assert!(none.code == 1 && none.err.contains("holds no run"), "{none:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_runs_on_an_event_of_the_server_or_is_only_tried_on_it() {
    let two = Two::with(&SCOPES, &[("heard", HEARD), ("sends", SENDS)]).await;
    let event = two.there.ring("rang", &json!({"loud": false, "who": "maria"}));
    let dry = two.ask(&["run", "sends", "--event", &event, "--dry"]);
    assert!(dry.code == 1 && dry.out.contains("does not match: event.loud") && dry.out.contains("--force"), "{dry:?}");
    let dry = two.ask(&["run", "sends", "--event", &event, "--dry", "--force"]).fine().out;
    let local = two.there.run(&["run", "sends", "--event", &event, "--dry", "--force"]).fine().out;
    let rest = |text: &str| {
        text.split_once('\n')
            .unwrap()
            .1
            .lines()
            .filter(|line| !line.starts_with("note:"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(dry.contains("maria") && dry.contains("Nothing was sent"), "{dry}");
    assert_eq!(rest(&dry), rest(&local));
    let told = two.ask(&["run", "sends", "--event", &event, "--dry", "--force", "--json"]).fine().json();
    assert_eq!(told["dry"]["exchanges"][0]["method"], "POST", "{told}");
    for words in [&["--reply", "a={}"][..], &["--ask"], &["--event", "event.json"]] {
        let ended = two.ask(&[&["run", "sends", "--dry"], words].concat());
        assert!(ended.code == 2 && ended.err.contains("workspace of this machine"), "{words:?}: {ended:?}");
    }
    assert!(two.there.states().is_empty(), "nothing ran");
    let ran = two.ask(&["run", "heard", "--event", &event, "--wait", "--json"]);
    assert_eq!((ran.code, &ran.json()["state"], &ran.json()["event"]), (1, &json!("failed"), &json!(event)));
    let missing = two.ask(&["run", "heard", "--event", "evt_0000000000001"]);
    assert!(missing.code == 1 && missing.err.contains("There is no event evt_0000000000001"), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_runs_are_replayed_by_the_server_each_once() {
    let two = Two::with(&SCOPES, &[("heard", HEARD)]).await;
    let events = [1, 2].map(|n| {
        let event = two.there.ring("rang", &json!({"loud": true, "n": n}));
        until("it ran", || two.there.states().len() == n && two.there.states().iter().all(|state| state == "failed"));
        event
    });
    let filter = "rule=heard state=failed since=1h type=box.rang";
    let asked = two.ask(&["replay", "--where", filter]);
    assert!(asked.code == 2 && asked.err.contains("2 runs would run again: 2 of heard"), "{asked:?}");
    let none = two.ask(&["replay", "--where", "rule=heard type=box.other", "--yes"]);
    assert!(none.code == 1 && none.err.contains("no run that is over"), "{none:?}");
    let done = two.ask(&["replay", "--where", filter, "--yes", "--wait", "--json"]);
    assert_eq!(done.code, 1, "{done:?}");
    let done = done.json()["replayed"].clone();
    let of: Vec<&Value> = done.as_array().unwrap().iter().map(|run| &run["event"]).collect();
    assert_eq!(of, [&json!(events[0]), &json!(events[1])], "the oldest first: {done}");
    let again = two.ask(&["replay", "--where", filter, "--yes", "--json"]).fine().json();
    let repeated: Vec<&Value> = again["replayed"].as_array().unwrap().iter().map(|run| &run["of"]).collect();
    assert_eq!(repeated, [&done[0]["id"], &done[1]["id"]], "those that were repeated are not repeated again");
    let from = two.ask(&["replay", &events[0], "--rule", "heard", "--from", "end", "--json"]).fine().json();
    assert_eq!(from["replayed"][0]["rule"], "heard", "{from}");
    let other = two.ask(&["replay", &events[0], "--rule", "other"]);
    assert!(other.code == 1 && other.err.contains("no such rule ran"), "{other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_becomes_a_test_in_the_servers_workspace() {
    let two = Two::with(&SCOPES, &[("heard", HEARD)]).await;
    let event = two.there.ring("rang", &json!({"loud": true}));
    two.there.newest("failed");
    let saved = two.ask(&["events", "save", &event, "--test", "heard", "--name", "a loud one"]).fine();
    assert!(saved.out.contains("added the test `a loud one` to rules/heard.yaml"), "{saved:?}");
    assert!(two.there.read("rules/heard.yaml").contains("a loud one"));
    two.there.run(&["test"]).fine();
    let twice = two.ask(&["events", "save", &event, "--test", "heard", "--name", "a loud one"]);
    assert!(twice.code == 1 && twice.err.contains("another name"), "{twice:?}");
    assert_eq!(two.ask(&["events", "save", &event, "--test", "heard", "--force"]).code, 2);
    let none = two.ask(&["events", "save", &event, "--test", "other"]);
    assert!(none.code == 1 && none.err.contains("other"), "{none:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_imported_exported_and_shown_by_the_server() {
    let two = Two::with(&SCOPES, &[]).await;
    let sheet = "email,plan,seats\nanna@example.com,Free,3\nMaria@example.com,Team,10\nnobody,x,1\n";
    two.here.write("people.csv", sheet);
    let dry = two.ask(&["profiles", "import", "people.csv", "--typed", "--dry"]);
    assert!(dry.code == 1 && dry.out.contains("2 profiles could be imported"), "{dry:?}");
    assert!(two.ask(&["profiles", "list"]).fine().out.contains("No profiles"));
    let done = two.ask(&["profiles", "import", "people.csv", "--typed"]);
    assert!(
        done.code == 1 && done.out.contains("2 profiles imported, 1 left out") && done.out.contains("line 4"),
        "{done:?}"
    );
    let kept = two.there.run(&["profiles", "get", "maria@example.com", "--json"]).fine().json();
    assert_eq!((&kept["attributes"]["seats"], &kept["from"]["seats"]), (&json!(10), &json!("import")), "{kept}");
    for words in [
        &["profiles", "export"][..],
        &["profiles", "export", "--csv"],
        &["profiles", "preview", "maria@example.com"],
        &["profiles", "preview", "maria@example.com", "--json"],
        &["profiles", "preview", "nobody@example.com", "--json"],
    ] {
        assert_eq!(two.ask(words).fine().out, two.there.run(words).fine().out, "{words:?}");
    }
    assert!(two.ask(&["profiles", "preview", "maria@example.com"]).fine().out.contains("<dd>Team</dd>"));
    assert_eq!(two.ask(&["profiles", "preview", "--data", "answer.json"]).code, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_is_sent_again_under_the_same_key() {
    let journal = Journal::start([Reply::Cut, Reply::status(200), Reply::status(200)]).await;
    let here = Place::empty();
    let url = format!("http://{}", journal.address);
    let cancel = || here.run(&["runs", "cancel", "run_0000000000001", "--url", &url, "--token", "bw_x"]);
    cancel().fine();
    cancel().fine();
    let requests = journal.requests();
    let keys: Vec<&str> = requests.iter().map(|request| request.header("idempotency-key").unwrap()).collect();
    assert_eq!(keys.len(), 3);
    assert!(keys[0].len() == 32 && keys[0] == keys[1] && keys[1] != keys[2], "{keys:?}");
}
