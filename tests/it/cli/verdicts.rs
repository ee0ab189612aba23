//! `bellwire explain`, beside a running server: whatever kept an event from running a rule is told.

use serde_json::json;

use crate::support::{
    journal::Journal,
    program::{Place, until},
};

const DO: &str = "do:\n  - groove.add_note: { ticket: 1, body: \"{{ events | size }}\" }\n";

fn rule(around: &str) -> String {
    format!("name: a\non: box.start\n{around}\n{DO}")
}

fn explained(place: &Place, event: &str) -> String {
    let text = place.run(&["explain", event]).fine().out;
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn what_once_kept_away_names_the_event_that_has_the_key() {
    let once = rule("once: { per: \"{{ event.id }}\", within: 10m }");
    let place = Place::with_rules(&Journal::start([]).await, &[("a", &once)]);
    let _serving = place.serve();
    let first = place.ring("start", &json!({"id": 1}));
    let second = place.ring("start", &json!({"id": 1, "again": true}));
    let keyless = place.ring("start", &json!({"id": null}));
    until("they run", || place.states() == ["ok", "ok"]);
    assert!(explained(&place, &first).contains("a: matched"));
    let told = explained(&place, &second);
    assert!(told.contains("a: matched") && told.contains("started no run"), "{told}");
    assert!(told.contains("`once`") && told.contains(&first), "{told}");
    let json = place.run(&["explain", &second, "--json"]).fine().json();
    assert_eq!(
        (&json["rules"][0]["suppressed"]["by"], &json["rules"][0]["suppressed"]["event"]),
        (&json!("once"), &json!(first))
    );
    let told = explained(&place, &keyless);
    assert!(told.contains("run run_") && told.contains("once: ") && told.contains("null"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_threshold_counted_and_what_digest_gathered_is_told() {
    let threshold = rule("threshold: { per: \"{{ event.id }}\", count: 3, within: 1h }");
    let digest = rule("digest: { every: 1h, max: 3 }").replace("box.start", "box.list").replace("name: a", "name: b");
    let journal = Journal::start([]).await;
    let place = Place::with_rules(&journal, &[("a", &threshold), ("b", &digest)]);
    let _serving = place.serve();
    let counted: Vec<String> = (0..2).map(|n| place.ring("start", &json!({"id": 1, "n": n}))).collect();
    let keyless = place.ring("start", &json!({"n": 9}));
    assert!(place.runs().is_empty());
    for (event, says) in counted.iter().zip(["number 1 of 3", "number 2 of 3"]) {
        let told = explained(&place, event);
        assert!(told.contains("`threshold`") && told.contains(says), "{told}");
    }
    let told = explained(&place, &keyless);
    assert!(told.contains("its key is null or empty"), "{told}");
    let last = place.ring("start", &json!({"id": 1, "n": 3}));
    journal.wait_for(1).await;
    let run = place.newest("ok");
    let told = explained(&place, &last);
    assert!(told.contains(&run) && !told.contains("started no run"), "{told}");
    assert_eq!(journal.requests()[0].json()["body"], "3");

    let gathered: Vec<String> = (0..2).map(|n| place.ring("list", &json!({"n": n}))).collect();
    let run = place.newest("collecting");
    for event in &gathered {
        let told = explained(&place, event);
        assert!(told.contains("b: matched") && told.contains(&run), "{told}");
    }
    let told = explained(&place, &run);
    assert!(told.contains("b: matched") && told.contains("collecting"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_echo_a_duplicate_and_a_refusal_are_told() {
    let journal = Journal::start([]).await;
    let heard = "name: n\non: groove.note_added\ndo:\n  - emit: { type: notes.heard, data: {} }\n";
    let place = Place::workspace(&journal).with("BELLWIRE_SECRET_GROOVE_HOOK_TOKEN", "a-groove-hook-token");
    place.write("rules/n.yaml", heard);
    let _serving = place.serve();
    place.call("42").fine();
    place.newest("ok");
    let note = [
        "send",
        "groove.note_added",
        "--as-is",
        "--json",
        "--set",
        "id=7",
        "--set",
        "href=https://api.groovehq.com/v1/messages/7",
    ];
    let sent = place.run(&note).fine().json();
    let echo = sent["answer"]["id"].as_str().unwrap_or_else(|| panic!("{sent}")).to_owned();
    let again = place.run(&note).fine().json();
    assert_eq!((&again["answer"]["duplicate"], &again["answer"]["id"]), (&json!(true), &json!(echo)), "{again}");
    let told = explained(&place, &echo);
    assert!(told.contains("own echo") && told.contains("own: true"), "{told}");
    assert!(told.contains("1 later delivery was a duplicate and started nothing"), "{told}");
    assert_eq!(place.runs().len(), 1, "an echo starts nothing");
    let named = place.run(&["explain", &echo, "n"]).fine().out;
    assert!(named.contains("n: does not hear echoes of our own actions"), "{named}");
    let json = place.run(&["explain", &echo, "--json"]).fine().json();
    assert_eq!((&json["own"], &json["duplicates"]), (&json!(true), &json!(1)), "{json}");

    let (status, refused) = place.post("/hooks/gruveo", "{}");
    assert_eq!(status, 401, "{refused}");
    // An answer tells a stranger no more than it must; the log names the refusal.
    until("it is logged", || place.read("log").contains("ref_"));
    let log = place.read("log");
    let at = log.find("ref_").unwrap();
    let id = &log[at..at + 17];
    let mut told = place.run(&["explain", id]);
    until("it is kept", || {
        told = place.run(&["explain", id]);
        told.code == 0
    });
    assert!(told.out.contains("refused with 401: signature_missing") && told.out.contains("gruveo"), "{told:?}");
    let json = place.run(&["explain", id, "--json"]).fine().json();
    assert_eq!((&json["reason"], &json["status"]), (&json!("signature_missing"), &json!(401)), "{json}");
    assert!(json["help"].as_str().is_some_and(|help| !help.is_empty()));
    assert_eq!(place.run(&["explain", "ref_0000000000000"]).code, 1);
}
