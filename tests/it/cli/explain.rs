//! `bellwire explain`, `events save` and `backtest`, beside a running server.

use crate::support::{
    app::MISSED,
    journal::Journal,
    program::{Place, until},
};

/// A workspace with one call that matched and one that did not; their ids.
async fn with_events() -> (Place, String, String) {
    let place = Place::workspace(&Journal::start([]).await);
    let serving = place.serve();
    place.call("42").fine();
    place.run(&["send", "gruveo.call", "--sample", "answered"]).fine();
    until("the run ends", || place.states() == ["ok"]);
    drop(serving);
    let events = place.run(&["events", "list", "--json"]).fine().json();
    let id = |at: usize| events[at]["id"].as_str().unwrap().to_owned();
    (place, id(1), id(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_explained_by_the_rules_that_decided_it_or_those_of_now() {
    let (place, matched, unmatched) = with_events().await;
    let shown = place.run(&["explain", &matched]).fine().out;
    assert!(shown.contains("calls/missed: matched") && shown.contains("run run_"), "{shown}");
    let shown = place.run(&["explain", &unmatched]).fine().out;
    assert!(shown.contains("calls/missed: not matched"), "{shown}");
    let decisive = shown.lines().find(|line| line.trim_start().starts_with("->")).unwrap_or_else(|| panic!("{shown}"));
    assert!(decisive.contains("event.resolution") && decisive.contains("\"missed\""), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");

    place.write("rules/calls/missed.yaml", &MISSED.replace("resolution: missed", "resolution: answered"));
    let now = place.run(&["explain", &unmatched, "calls/missed", "--current", "--json"]).fine().json();
    let lines = now["rules"][0]["lines"].as_array().unwrap();
    assert_eq!(
        (lines[0]["path"].as_str(), lines[0]["held"].as_str()),
        (Some("event.resolution"), Some("yes")),
        "{now}"
    );
    let before = place.run(&["explain", &unmatched, "--json"]).fine().json();
    let rule = &before["rules"][0];
    assert_eq!(
        (rule["verdict"].as_str(), rule["lines"][0]["decisive"].as_bool()),
        (Some("not_matched"), Some(true)),
        "{before}"
    );
    let run = place.runs()[0]["id"].as_str().unwrap().to_owned();
    assert!(place.run(&["explain", &run]).fine().out.contains("calls/missed: matched"));

    let missing = place.run(&["explain", &matched, "calls/none"]);
    assert!(missing.code == 1 && missing.err.contains("calls/missed"), "{missing:?}");
    assert_eq!(place.run(&["explain", "what"]).code, 2);
    assert_eq!(place.run(&["explain", "evt_0000000000000"]).code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_becomes_a_fixture_and_a_test_and_the_file_stays_as_it_was() {
    let (place, _, unmatched) = with_events().await;
    let file = "rules/calls/missed.yaml";
    let before = format!("{MISSED}\n# the end\n");
    place.write(file, &before);
    let saved = place.run(&["events", "save", &unmatched, "--test", "calls/missed", "--name", "Not this one"]).fine();
    assert!(saved.out.contains("rules/calls/fixtures/not-this-one.json"), "{saved:?}");
    let after = place.read(file);
    let (head, tail) = before.split_once("\n# the end").unwrap();
    assert!(after.starts_with(head) && after.ends_with(&format!("\n# the end{tail}")), "{after}");
    assert!(after.contains("name: \"Not this one\"") && after.contains("because: event.resolution"), "{after}");
    let fixture: serde_json::Value =
        serde_json::from_str(&place.read("rules/calls/fixtures/not-this-one.json")).unwrap();
    assert_eq!((&fixture["type"], &fixture["body"]["resolution"]), (&"gruveo.call".into(), &"answered".into()));
    place.run(&["check"]).fine();
    let again = place.run(&["events", "save", &unmatched, "--test", "calls/missed", "--name", "Not this one"]);
    assert!(again.code == 1 && again.err.contains("--force"), "{again:?}");
    assert_eq!(place.read(file), after);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_change_would_do_to_the_stored_events_is_told_before_it_is_made() {
    let (place, matched, unmatched) = with_events().await;
    let same = place.run(&["backtest", "--fail-on-change"]).fine();
    assert!(same.out.contains("nothing would be other"), "{same:?}");

    let git = |line: &str| place.shell(&format!("git -c user.name=x -c user.email=x@example.com {line}")).fine();
    git("init -q .");
    git("add rules");
    git("commit -q -m rules");
    place.write("rules/calls/missed.yaml", &MISSED.replace("resolution: missed", "resolution: answered"));
    let changed = MISSED.replace("  event.tracking.ticket: { matches: \"^[0-9]+$\" }\n", "");
    assert_ne!(changed, MISSED);
    place.write("rules/calls/missed.yaml", &changed.replace("resolution: missed", "resolution: answered"));
    for against in [vec![], vec!["--against", "HEAD"]] {
        let words = [vec!["backtest", "--json"], against].concat();
        let told = place.run(&words).fine().json();
        let rule = &told["rules"]["calls/missed"];
        assert_eq!((&rule["appeared"]["count"], &rule["gone"]["count"]), (&1.into(), &1.into()), "{told}");
        assert_eq!(rule["appeared"]["shown"][0]["event"], unmatched.as_str());
        assert_eq!(rule["gone"]["shown"][0]["event"], matched.as_str());
    }
    let text = place.run(&["backtest", "--against", "HEAD", "--fail-on-change"]);
    assert!(text.code == 1 && text.out.contains("1 event no longer matches"), "{text:?}");
    assert!(
        place.run(&["backtest", "--since", "2000-01-01T00:00:00Z", "--until", "1h"]).fine().out.contains("no event")
    );

    place.write("rules/calls/missed.yaml", "name: [\n");
    let broken = place.run(&["backtest"]);
    assert!(broken.code == 1 && broken.out.contains("rules/calls/missed.yaml"), "{broken:?}");
    for against in ["nothing", "--output=x"] {
        place.write("rules/calls/missed.yaml", MISSED);
        let refused = place.run(&["backtest", &format!("--against={against}")]);
        assert!(refused.code == 1 && refused.err.contains("neither a folder nor a commit"), "{refused:?}");
    }
}
