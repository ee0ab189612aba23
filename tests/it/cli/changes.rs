//! `bellwire backtest`: what a change would do to the stored events, told before it is made.

use crate::support::{app::MISSED, journal::Journal, program::Place};

const FILE: &str = "rules/calls/missed.yaml";

/// Two calls that matched and one that did not; their ids.
async fn with_calls() -> (Place, Journal, Vec<String>) {
    let journal = Journal::start([]).await;
    let place = Place::workspace(&journal);
    let serving = place.serve();
    place.call("42").fine();
    place.call("43").fine();
    place.run(&["send", "gruveo.call", "--sample", "answered"]).fine();
    journal.wait_for(2).await;
    drop(serving);
    let events = place.run(&["events", "list", "--json"]).fine().json();
    let mut ids: Vec<String> =
        events.as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    (place, journal, ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_would_be_other_are_shown_as_a_difference() {
    let (place, journal, ids) = with_calls().await;
    place.write(
        FILE,
        &MISSED.replace("Missed call from", "Lost call from").replace("contains: Greece", "contains: Lost"),
    );
    let text = place.run(&["backtest", "--fail-on-change"]);
    assert_eq!(text.code, 1, "{text:?}");
    assert!(text.out.contains("calls/missed (changed)"), "{}", text.out);
    assert!(text.out.contains("2 events would do something else"), "{}", text.out);
    assert!(text.out.contains("\n      - ") && text.out.contains("\n      + "), "{}", text.out);
    assert!(text.out.contains("Lost call from Greece") && text.out.contains("Missed call from Greece"), "{}", text.out);
    assert!(
        text.out.contains("matched 2 before, 2 now") && text.out.ends_with("Something would be other.\n"),
        "{}",
        text.out
    );
    let told = place.run(&["backtest", "--json"]).fine().json();
    let rule = &told["rules"]["calls/missed"];
    assert_eq!(
        (&told["changed"], &told["events"], &rule["differs"]["count"]),
        (&true.into(), &3.into(), &2.into()),
        "{told}"
    );
    let shown: Vec<_> =
        rule["differs"]["shown"].as_array().unwrap().iter().map(|one| one["event"].as_str().unwrap()).collect();
    assert_eq!(shown, ids[..2], "oldest first");
    let one = place.run(&["backtest", "--limit", "1", "--json"]).fine().json();
    assert_eq!(one["rules"]["calls/missed"]["differs"]["shown"].as_array().unwrap().len(), 1);
    assert_eq!(journal.requests().len(), 2, "nothing was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_would_fail_now_is_an_error_and_not_a_difference() {
    let (place, _, _) = with_calls().await;
    place.write(FILE, &MISSED.replace("{{ event.tracking.ticket }}", "no number {{ event.tracking.ticket }}"));
    let text = place.run(&["backtest"]).fine();
    assert!(text.out.contains("2 events fail now and did not"), "{}", text.out);
    assert!(text.out.contains("invalid_input"), "{}", text.out);
    assert!(!text.out.contains("would do something else"), "{}", text.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_rules_come_from_a_commit_or_a_folder() {
    let (place, _, _) = with_calls().await;
    let git = |line: &str| place.shell(&format!("git -c user.name=x -c user.email=x@example.com {line}")).fine();
    git("init -q .");
    git("add rules");
    git("commit -q -m rules");
    let answered = MISSED.replace("resolution: missed", "resolution: answered");
    place.write("before/rules/calls/missed.yaml", MISSED);
    let same = place.run(&["backtest", "--against", "HEAD", "--fail-on-change"]).fine();
    assert!(same.out.contains("nothing would be other"), "{same:?}");
    place.write("rules/calls/more.yaml", &answered.replacen("name: ", "name: more ", 1));
    place.write(FILE, &answered.replace("  event.tracking.ticket: { matches: \"^[0-9]+$\" }\n", ""));
    for against in ["HEAD", "before"] {
        let told = place.run(&["backtest", "--against", against, "--fail-on-change"]);
        assert_eq!(told.code, 1, "{told:?}");
        assert!(told.out.contains("2 events no longer match"), "{}", told.out);
        assert!(told.out.contains("1 event matches now and did not"), "{}", told.out);
        assert!(told.out.contains("calls/more (new)"), "{}", told.out);
        let json = place.run(&["backtest", "--against", against, "--json"]).fine().json();
        assert!(json["against"].as_str().is_some_and(|named| named.contains(against)), "{json}");
        let why = json["rules"]["calls/missed"]["gone"]["shown"][0]["text"].as_str().unwrap();
        assert!(why.contains("event.resolution"), "{why}");
    }
    let only = place.run(&["backtest", "--against", "HEAD", "--rule", "calls/more"]).fine();
    assert!(only.out.contains("calls/more (new)") && !only.out.contains("calls/missed ("), "{}", only.out);
    let unknown = place.run(&["backtest", "--rule", "calls/none"]);
    assert!(unknown.code == 1 && unknown.err.contains("neither side has a rule `calls/none`"), "{unknown:?}");
    std::fs::remove_file(place.path().join(FILE)).unwrap();
    let gone = place.run(&["backtest", "--against", "HEAD"]).fine();
    assert!(gone.out.contains("calls/missed (gone)"), "{}", gone.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_is_told_in_the_singular() {
    let journal = Journal::start([]).await;
    let place = Place::workspace(&journal);
    let serving = place.serve();
    place.call("42").fine();
    place.newest("ok");
    drop(serving);
    for (text, says) in [
        (MISSED.replace("resolution: missed", "resolution: declined"), "1 event no longer matches\n"),
        (MISSED.replace("Missed call", "Lost call"), "1 event would do something else\n"),
        (
            MISSED.replace("{{ event.tracking.ticket }}", "x{{ event.tracking.ticket }}"),
            "1 event fails now and did not\n",
        ),
    ] {
        place.write(FILE, &text);
        let told = place.run(&["backtest"]).fine();
        assert!(told.out.contains(says), "{says}: {}", told.out);
    }
    place.write(FILE, "name: [\n");
    let json = place.run(&["backtest", "--json"]);
    assert_eq!((json.code, &json.json()["errors"]), (1, &1.into()), "{json:?}");
    assert_eq!(json.json()["findings"][0]["file"], FILE);
}
