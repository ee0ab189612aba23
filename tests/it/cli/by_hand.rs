//! What a person starts and ends by hand, beside a running server: `bellwire run`, `runs cancel` and `runs release`.

use serde_json::json;

use crate::support::{
    app::MISSED,
    journal::{Journal, Reply},
    program::{Place, until},
};

const CLOSE: &str = r#"
name: Close a ticket
on:
  manual:
    inputs:
      ticket: { type: integer, required: true }
      urgent: { type: boolean }
      level: { type: enum, choices: [low, high], default: low }
      tags: { type: list }
do:
  - id: note
    groove.add_note: { ticket: "{{ event.ticket }}", body: "{{ event.level }} {{ event.urgent }} {{ event.tags | size }}" }
    retry: 0
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_started_with_typed_inputs() {
    let journal = Journal::start([]).await;
    let place = Place::with_rules(&journal, &[("tickets/close", CLOSE)]);
    let _serving = place.serve();
    place.write("inputs.json", r#"{"ticket": 1, "tags": ["a", "b"], "urgent": true}"#);
    let words =
        ["run", "tickets/close", "--input-json", "inputs.json", "--input", "ticket=42", "--input", "level=high"];
    let told = place.run(&words).fine();
    let run = place.newest("ok");
    assert!(told.out.contains(&format!("bellwire runs show {run}")), "{told:?}");
    let note = journal.wait_for(1).await.remove(0);
    assert_eq!((note.path.as_str(), &note.json()["body"]), ("/v1/tickets/42/messages", &json!("high true 2")));
    let event = place.shown(&run)["event"].as_str().unwrap().to_owned();
    let stored = place.run(&["events", "show", &event, "--json"]).fine().json();
    assert_eq!(stored["body"], json!({"ticket": 42, "urgent": true, "level": "high", "tags": ["a", "b"]}), "{stored}");
    let explained = place.run(&["explain", &run]).fine();
    assert!(explained.out.contains("tickets/close: started by hand"), "{explained:?}");
    assert_eq!(
        place.run(&["run", "tickets/close", "--input", "ticket=7", "--json"]).fine().json()["rule"],
        "tickets/close"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_are_wrong_are_named_all_at_once_and_nothing_runs() {
    let place = Place::with_rules(&Journal::start([]).await, &[("tickets/close", CLOSE), ("calls/missed", MISSED)]);
    let _serving = place.serve();
    for (inputs, says) in [
        (&[][..], &["input `ticket` is missing", "--input ticket="][..]),
        (&["ticket=many"], &["`ticket`", "whole number"]),
        (&["ticket=1", "level=middle"], &["`level`", "low"]),
        (&["ticket=1", "urgent=perhaps"], &["`urgent`", "boolean"]),
        (&["ticket=1", "tags=[a"], &["`tags`", "JSON"]),
        (&["tiket=1"], &["no input `tiket`", "did you mean `ticket`?", "input `ticket` is missing"]),
    ] {
        let mut words = vec!["run", "tickets/close"];
        for input in inputs {
            words.extend(["--input", input]);
        }
        for dry in [false, true] {
            if dry {
                words.push("--dry");
            }
            let refused = place.run(&words);
            assert_ne!(refused.code, 0, "{words:?}: {refused:?}");
            assert!(says.iter().all(|part| refused.err.contains(part)), "{words:?}: {refused:?}");
        }
    }
    assert_eq!(place.run(&["run", "tickets/close", "--input", "ticket"]).code, 2);
    let listens = place.run(&["run", "calls/missed", "--input", "ticket=1"]);
    assert!(listens.code == 1 && listens.err.contains("bellwire run calls/missed --event evt_"), "{listens:?}");
    let unknown = place.run(&["run", "tickets/clse", "--input", "ticket=1"]);
    assert!(unknown.code == 1 && unknown.err.contains("there is no rule `tickets/clse`"), "{unknown:?}");
    assert!(unknown.err.contains("tickets/close"), "{unknown:?}");
    place.write("rules/tickets/close.yaml", &CLOSE.replace("add_note", "add_nte"));
    let broken = place.run(&["run", "tickets/close", "--input", "ticket=1"]);
    assert!(broken.code == 1 && broken.err.contains("did you mean `groove.add_note`?"), "{broken:?}");
    assert!(place.runs().is_empty(), "nothing ran");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_waits_sees_how_it_ended() {
    let journal = Journal::start([Reply::created(), Reply::status(404)]).await;
    let place = Place::with_rules(&journal, &[("tickets/close", CLOSE)]);
    let _serving = place.serve();
    let words = ["run", "tickets/close", "--input", "ticket=42", "--wait"];
    let well = place.run(&words).fine();
    assert!(well.out.contains("tickets/close  ok") && well.out.contains("attempt 1 of do.0"), "{well:?}");
    let badly = place.run(&[&words[..], &["--json"]].concat());
    assert_eq!((badly.code, badly.json()["state"].as_str()), (1, Some("failed")), "{badly:?}");
    assert_eq!(badly.json()["error"]["status"], 404, "{badly:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_runs_on_a_stored_event_that_it_did_not_match() {
    let journal = Journal::start([]).await;
    let place = Place::workspace(&journal);
    let _serving = place.serve();
    place.run(&["send", "gruveo.call", "--sample", "answered", "--set", "tracking.ticket=9"]).fine();
    let event = place.run(&["events", "list", "--json"]).fine().json()[0]["id"].as_str().unwrap().to_owned();
    let unmatched = place.run(&["runs", "list"]).fine();
    assert!(unmatched.out.contains("No runs yet"), "{unmatched:?}");
    for _ in 0..2 {
        place.run(&["run", "calls/missed", "--event", &event, "--wait"]).fine();
    }
    let notes = journal.wait_for(2).await;
    assert!(notes.iter().all(|note| note.path == "/v1/tickets/9/messages"), "{notes:?}");
    assert_ne!(notes[0].header("idempotency-key"), notes[1].header("idempotency-key"), "each is one of its own");
    let newest = place.newest("ok");
    assert_eq!(place.shown(&newest)["replay_of"], json!(null));
    for (event, code, says) in
        [("evt_0000000000000", 1, "there is no event"), ("call.json", 2, "--dry"), ("run_0000000000000", 2, "evt_")]
    {
        let refused = place.run(&["run", "calls/missed", "--event", event]);
        assert!(refused.code == code && refused.err.contains(says), "{refused:?}");
    }
}

const LATER: &str = r"
name: later
on: box.start
do:
  - wait: 1h
  - groove.add_note: { ticket: 1, body: x }
on_error:
  - groove.add_note: { ticket: 2, body: x }
";

#[tokio::test(flavor = "multi_thread")]
async fn an_open_run_is_cancelled_once_and_does_nothing_more() {
    let journal = Journal::start([]).await;
    let place = Place::with_rules(&journal, &[("later", LATER)]);
    let _serving = place.serve();
    place.ring("start", &json!({}));
    let run = place.newest("waiting");
    let told = place.run(&["runs", "cancel", &run]).fine();
    assert!(told.out.contains(&run) && told.out.contains("cancelled"), "{told:?}");
    assert_eq!(place.newest("cancelled"), run);
    let again = place.run(&["runs", "cancel", &run]);
    assert!(again.code == 1 && again.err.contains("is cancelled: it is over already"), "{again:?}");
    let missing = place.run(&["runs", "cancel", "run_0000000000000"]);
    assert!(missing.code == 1 && missing.err.contains("bellwire runs list"), "{missing:?}");
    assert!(place.run(&["runs", "show", &run]).fine().out.contains("cancelled"));
    assert!(journal.requests().is_empty(), "neither its steps nor its on_error");
}

const FUSED: &str = r"
name: fused
on: box.start
fuse: { count: 1, within: 10m }
do:
  - groove.add_note: { ticket: 1, body: x }
";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_blown_fuse_holds_is_released_by_a_person() {
    let journal = Journal::start([]).await;
    let place = Place::with_rules(&journal, &[("fused", FUSED)]);
    let _serving = place.serve();
    let none = place.run(&["runs", "release", "fused"]);
    assert!(none.code == 1 && none.err.contains("holds no run"), "{none:?}");
    place.ring("start", &json!({"n": 0}));
    place.newest("ok");
    for n in 1..3 {
        place.ring("start", &json!({"n": n}));
    }
    assert_eq!(place.states(), ["held", "held", "ok"]);
    let held = place.runs()[0]["id"].as_str().unwrap().to_owned();
    let shown = place.run(&["runs", "show", &held]).fine();
    assert!(shown.out.contains("bellwire runs release fused"), "{shown:?}");
    assert!(!shown.out.contains("runs resolve"), "there is no attempt to be resolved: {shown:?}");
    let listed = place.run(&["runs", "list"]).fine();
    assert!(listed.out.contains("fuse"), "{listed:?}");
    let resolved = place.run(&["runs", "resolve", &held, "--done"]);
    assert!(resolved.code == 1 && resolved.err.contains("bellwire runs release fused"), "{resolved:?}");
    let told = place.run(&["runs", "release", "fused"]).fine();
    assert!(told.out.contains("2 runs of fused released"), "{told:?}");
    until("they run", || place.states() == ["ok", "ok", "ok"]);
    assert_eq!(journal.requests().len(), 3);
}
