//! `bellwire events` and `bellwire runs`: what came and what became of it, beside a running server.

use crate::support::{
    app::{GROOVE_TOKEN, GRUVEO_KEY, MISSED},
    journal::{Journal, Reply},
    program::{Place, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_arrays_with_id_and_state() {
    let place = Place::workspace(&Journal::start([]).await);
    for list in ["events", "runs"] {
        assert_eq!(place.run(&[list, "list", "--json"]).fine().out, "[]\n");
        assert!(place.run(&[list, "list"]).fine().out.starts_with(&format!("No {list} yet")));
    }
    let _serving = place.serve();
    let sent = place.call("42").fine();
    place.run(&["send", "gruveo.call", "--sample", "answered"]).fine();
    until("the run ends", || place.states() == ["ok"]);

    let events = place.run(&["events", "list", "--json"]).fine().json();
    let states: Vec<_> = events.as_array().unwrap().iter().map(|event| event["state"].clone()).collect();
    assert_eq!(states, ["unmatched", "matched"]);
    let event = events[1]["id"].as_str().unwrap();
    assert!(event.starts_with("evt_") && sent.out.contains(event), "{}", sent.out);
    let runs = place.runs();
    assert_eq!((runs[0]["rule"].as_str(), runs[0]["event"].as_str()), (Some("calls/missed"), Some(event)));
    let run = runs[0]["id"].as_str().unwrap();
    assert!(run.starts_with("run_"));

    let shown = place.run(&["runs", "show", run]).fine().out;
    assert!(shown.contains("attempt 1 of do.0") && shown.contains("Missed call from Greece"), "{shown}");
    let json = place.run(&["runs", "show", run, "--json"]).fine();
    assert_eq!(json.json()["attempts"][0]["status"], 201);
    let shown = place.run(&["events", "show", event]).fine().out;
    assert!(shown.contains("\"location\": \"Greece\"") && shown.contains(run), "{shown}");
    assert_eq!(place.run(&["events", "show", event, "--json"]).fine().json()["body"]["tracking"]["ticket"], "42");
    for ended in [shown, json.out, place.read("log")] {
        assert!(!ended.contains(GROOVE_TOKEN) && !ended.contains(GRUVEO_KEY), "{ended}");
    }
    for (list, filter, count) in [
        ("events", "--unmatched", 1),
        ("events", "--type=gruveo.call", 2),
        ("events", "--type=groove.note_added", 0),
        ("runs", "--state=ok", 1),
        ("runs", "--state=failed", 0),
        ("runs", "--rule=calls/missed", 1),
    ] {
        let found = place.run(&[list, "list", filter, "--json"]).fine().json();
        assert_eq!(found.as_array().unwrap().len(), count, "{filter}");
    }
    for words in [["events", "show", "evt_0000000000000"], ["runs", "show", "run_0000000000000"]] {
        let missing = place.run(&words);
        assert_eq!(missing.code, 1);
        assert!(missing.err.contains("there is no") && missing.err.contains("list`"), "{missing:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_a_fresh_event_each_time_unless_it_is_sent_as_it_is() {
    let place = Place::workspace(&Journal::start([]).await);
    let _serving = place.serve();
    let first = place.call("42").fine();
    let second = place.call("42").fine();
    assert!(first.out.contains("answered 202") && second.out.contains("answered 202"), "{second:?}");

    let as_is = ["send", "gruveo.call", "--as-is", "--json"];
    assert_eq!(place.run(&as_is).fine().json()["status"], 202);
    let again = place.run(&as_is).fine().json();
    assert_eq!((again["status"].as_u64(), again["answer"]["duplicate"].as_bool()), (Some(200), Some(true)), "{again}");
    let explained = place.run(&["send", "gruveo.call", "--as-is"]).fine();
    assert!(explained.err.contains("leave out --as-is"), "{explained:?}");

    let timed = ["send", "gruveo.call", "--set-json", "timestamp=1598619431000", "--json"];
    assert_eq!(place.run(&timed).fine().json()["status"], 202);
    assert_eq!(place.run(&timed).fine().json()["status"], 200, "a time that is named stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_run_is_resolved_by_a_person_once() {
    let place = Place::workspace(&Journal::start([Reply::Silence, Reply::Silence]).await);
    place.write(
        "rules/calls/missed.yaml",
        &MISSED.replace("tests:", "    timeout: 1s\n    retry: { unknown: ask }\ntests:"),
    );
    let _serving = place.serve();
    for (flag, state) in [("--done", "ok"), ("--fail", "failed")] {
        place.call("42").fine();
        until("the run is held", || place.states().first().is_some_and(|state| state == "held"));
        let run = place.runs()[0]["id"].as_str().unwrap().to_owned();
        let shown = place.run(&["runs", "show", &run]).fine().out;
        assert!(shown.contains(&format!("bellwire runs resolve {run} {flag}")), "{shown}");
        place.run(&["runs", "resolve", &run, flag]).fine();
        until("the run ends", || place.states().first().is_some_and(|now| now == state));
        let again = place.run(&["runs", "resolve", &run, "--retry"]);
        assert_eq!(again.code, 1);
        assert!(again.err.contains(&format!("is {state}, not held")), "{again:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_read_could_not_be_answered_is_resolved_at_once() {
    let place = Place::workspace(&Journal::start([Reply::Cut, Reply::status(503)]).await);
    place.write("rules/calls/missed.yaml", &MISSED.replace("tests:", "    retry: { unknown: ask }\ntests:"));
    let _serving = place.serve();
    place.call("42").fine();
    until("the run is held", || place.states().first().is_some_and(|state| state == "held"));
    let run = place.runs()[0]["id"].as_str().unwrap().to_owned();
    place.run(&["runs", "resolve", &run, "--verify"]).fine();
    until("it was asked", || place.run(&["runs", "show", &run]).fine().out.contains("verify 1 of "));
    until("it is due again", || place.states().first().is_some_and(|state| state == "due"));
    let shown = place.run(&["runs", "show", &run]).fine().out;
    assert!(shown.contains("What comes next is a read") && shown.contains("--done"), "{shown}");
    place.run(&["runs", "resolve", &run, "--done"]).fine();
    until("the run ends", || place.states().first().is_some_and(|state| state == "ok"));
}

#[test]
fn a_postgresql_that_does_not_answer_is_no_empty_list() {
    let place = Place::empty();
    place.run(&["init", "."]).fine();
    let url = format!("postgresql://bellwire@{}/bellwire", crate::support::program::free_address());
    let away = place.with("BELLWIRE_DATABASE_URL", &url);
    for words in [["runs", "list"], ["events", "list"], ["secrets", "list"]] {
        let ended = away.run(&words);
        assert_eq!(ended.code, 74, "{ended:?}");
        assert!(ended.err.contains("`database.url` does not answer"), "{ended:?}");
    }
    let doctor = away.run(&["doctor"]);
    assert!(doctor.code == 1 && doctor.out.contains("FAIL  database"), "{doctor:?}");

    let empty = away.with("BELLWIRE_DATABASE_URL", &crate::support::postgres::fresh_database());
    assert!(empty.run(&["runs", "list"]).fine().out.contains("No runs yet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn open_circuits_are_listed_and_none_is_an_empty_list() {
    let place = Place::workspace(&Journal::start([]).await);
    assert!(place.run(&["circuits"]).fine().out.contains("No circuit is open"));
    assert_eq!(place.run(&["circuits", "--json"]).fine().json(), serde_json::json!([]));
    let _serving = place.serve();
    assert!(place.run(&["circuits"]).fine().out.contains("No circuit is open"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_have_the_service_asked_where_its_pack_says_how() {
    let place = Place::workspace(&Journal::start([Reply::Cut, Reply::status(404)]).await);
    place.write("rules/calls/missed.yaml", &MISSED.replace("tests:", "    retry: { unknown: ask }\ntests:"));
    let _serving = place.serve();
    place.call("42").fine();
    until("the run is held", || place.states().first().is_some_and(|state| state == "held"));
    let run = place.runs()[0]["id"].as_str().unwrap().to_owned();
    let shown = place.run(&["runs", "show", &run]).fine().out;
    assert!(shown.contains(&format!("bellwire runs resolve {run} --verify")), "{shown}");
    place.run(&["runs", "resolve", &run, "--verify"]).fine();
    until("it was asked", || place.run(&["runs", "show", &run]).fine().out.contains("verify 1 of "));
    until("the run is held again", || place.states().first().is_some_and(|state| state == "held"));
    let json = place.run(&["runs", "show", &run, "--json"]).fine().json();
    let kinds: Vec<_> = json["attempts"].as_array().unwrap().iter().map(|attempt| attempt["kind"].clone()).collect();
    assert_eq!(kinds, ["try", "verify"]);
}
