//! `bellwire replay`, beside a running server: which text, which steps, and which Idempotency-Keys the target sees.

use serde_json::json;

use crate::support::{
    journal::{Journal, Received, Reply},
    program::{Place, until},
};

const TWO: &str = r#"
name: two
on: box.start
do:
  - id: first
    groove.add_note: { ticket: 1, body: "one {{ event.n }}" }
    retry: 0
  - id: second
    groove.add_note: { ticket: 2, body: "two {{ steps.first.result.id | default: 0 }}" }
    retry: 0
"#;

fn reply(id: u32) -> Reply {
    let body = json!({"message": {"id": id, "href": format!("https://api.groovehq.com/v1/messages/{id}")}});
    Reply::Status(201, Vec::new(), body.to_string())
}

fn keys(requests: &[Received]) -> Vec<String> {
    requests.iter().map(|request| request.header("idempotency-key").unwrap().to_owned()).collect()
}

fn bodies(requests: &[Received]) -> Vec<String> {
    requests.iter().map(|request| request.json()["body"].as_str().unwrap().to_owned()).collect()
}

/// One run that ended as the replies say; its id.
async fn ran(place: &Place, journal: &Journal, state: &str, requests: usize) -> String {
    place.ring("start", &json!({"n": 1}));
    journal.wait_for(requests).await;
    place.newest(state)
}

/// The id of the only new run.
fn replayed(place: &Place, words: &[&str]) -> String {
    let told = place.run(&[&["replay", "--wait", "--json"], words].concat()).fine().json();
    let runs = told["replayed"].as_array().unwrap();
    assert_eq!(runs.len(), 1, "{told}");
    runs[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_text_has_the_keys_of_the_first_run_and_any_other_has_its_own() {
    let journal = Journal::start([]).await;
    let place = Place::with_rules(&journal, &[("two", TWO)]);
    let _serving = place.serve();
    let first = ran(&place, &journal, "ok", 2).await;
    let of_first = keys(&journal.requests());
    assert_ne!(of_first[0], of_first[1]);

    let second = replayed(&place, &[&first]);
    let third = replayed(&place, &[&second]);
    assert_eq!(keys(&journal.requests())[2..], [of_first.clone(), of_first.clone()].concat(), "a chain has one root");
    let new = replayed(&place, &[&third, "--new-keys"]);
    let after_new = replayed(&place, &[&new]);
    let current = replayed(&place, &[&first, "--with", "current"]);
    place.write("draft.yaml", &TWO.replace("one {{", "draft {{"));
    let draft = replayed(&place, &[&first, "--with", "draft:draft.yaml"]);
    let all = keys(&journal.requests());
    assert_eq!(all[8..10], all[6..8], "those of the run that began anew");
    let fresh: Vec<String> = [&all[6..8], &all[10..14]].concat();
    for (at, key) in fresh.iter().enumerate() {
        assert!(!of_first.contains(key) && !fresh[..at].contains(key), "{all:?}");
    }
    assert_eq!(bodies(&journal.requests())[12], "draft 1");
    assert_eq!(place.run(&["check"]).fine().code, 0, "a draft is not written into the workspace");

    for (run, of) in
        [(&second, &first), (&third, &second), (&new, &third), (&after_new, &new), (&current, &first), (&draft, &first)]
    {
        assert_eq!(place.shown(run)["replay_of"], json!(of));
        let shown = place.run(&["runs", "show", run]).fine().out;
        assert!(shown.contains(&format!("repeats   {of}")), "{shown}");
    }
    assert_eq!(place.shown(&first)["replay_of"], json!(null));
    let told = place.run(&["replay", &first]).fine();
    assert!(told.out.contains(&format!("two  repeats {first}")), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_at_a_step_with_what_the_steps_before_it_gave() {
    let journal = Journal::start([reply(77), Reply::status(500)]).await;
    let place = Place::with_rules(&journal, &[("two", TWO)]);
    let _serving = place.serve();
    let failed = ran(&place, &journal, "failed", 2).await;
    for from in ["second", "do.1"] {
        let new = replayed(&place, &[&failed, "--from", from]);
        assert_eq!(place.shown(&new)["attempts"].as_array().unwrap().len(), 1);
    }
    let requests = journal.requests();
    assert_eq!(bodies(&requests), ["one 1", "two 77", "two 77", "two 77"]);
    let all = keys(&requests);
    assert_eq!((&all[2], &all[3]), (&all[1], &all[1]), "the target can tell that it is the same step");

    // The workspace's text has a step more before it: found again by its id.
    place.write("rules/two.yaml", &TWO.replace("do:\n", "do:\n  - vars: { x: 1 }\n"));
    replayed(&place, &[&failed, "--from", "second", "--with", "current"]);
    let all = journal.wait_for(5).await;
    assert_eq!(bodies(&all)[4], "two 77");
    assert!(!keys(&all)[..4].contains(&keys(&all)[4]));
    let unknown = place.run(&["replay", &failed, "--from", "third"]);
    assert!(unknown.code == 1 && unknown.err.contains("first, second"), "{unknown:?}");
    assert_eq!(journal.requests().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_runs_are_repeated_by_what_they_have_in_common_each_once() {
    let fails = || Reply::status(500);
    let journal = Journal::start([fails(), fails(), fails()]).await;
    let other = TWO.replace("box.start", "box.other");
    let place = Place::with_rules(&journal, &[("two", TWO), ("other", &other)]);
    let _serving = place.serve();
    for (event, count) in [("start", 1), ("start", 2), ("other", 3)] {
        place.ring(event, &json!({"n": 1}));
        journal.wait_for(count).await;
        place.newest("failed");
    }
    let filter = "rule=two state=failed since=1h";
    let asked = place.run(&["replay", "--where", filter]);
    assert!(asked.code == 2 && asked.err.contains("2 runs would run again: 2 of two; say --yes"), "{asked:?}");
    let told = place.run(&["replay", "--where", filter, "--yes", "--wait", "--json"]).fine().json();
    let new = told["replayed"].as_array().unwrap();
    assert_eq!(new.len(), 2, "{told}");
    assert!(new.iter().all(|run| run["state"] == "ok" && run["rule"] == "two"), "{told}");
    let again = place.run(&["replay", "--where", filter, "--yes"]);
    assert!(again.code == 1 && again.err.contains("no run"), "what was repeated is not repeated again: {again:?}");
    let rest = place.run(&["replay", "--where", "type=box.other", "--yes"]).fine();
    assert!(rest.out.contains("other  repeats run_"), "{rest:?}");
    until("it ends", || place.states().iter().filter(|state| *state == "ok").count() == 3);
    for (words, code, says) in [
        (&["replay", "--where", "state=due", "--yes"][..], 2, "not over"),
        (&["replay", "--where", "what=x", "--yes"], 2, "wanted"),
        (&["replay"], 2, "--where"),
        (&["replay", "run_0000000000000"], 1, "there is no run"),
        (&["replay", "evt_0000000000000"], 1, "there is no event"),
        (&["replay", "ref_0000000000000"], 2, "run_"),
        (&["replay", "run_0000000000000", "--with", "yesterday"], 2, "draft:FILE"),
    ] {
        let refused = place.run(words);
        assert!(refused.code == code && refused.err.contains(says), "{words:?}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_repeated_with_the_rules_that_ran_or_those_that_match_it_now() {
    let journal = Journal::start([]).await;
    let other = TWO.replace("name: two", "name: other").replace("box.start", "box.other");
    let place = Place::with_rules(&journal, &[("two", TWO), ("other", &other)]);
    let _serving = place.serve();
    let event = place.ring("start", &json!({"n": 1}));
    journal.wait_for(2).await;
    let first = place.newest("ok");
    let new = replayed(&place, &[&event]);
    assert_eq!(place.shown(&new)["replay_of"], json!(first));
    let again = replayed(&place, &[&event]);
    assert_eq!(place.shown(&again)["replay_of"], json!(first), "one for each rule, not for each of its runs");

    let unmatched = place.ring("none", &json!({}));
    let none = place.run(&["replay", &unmatched]);
    assert!(none.code == 1 && none.err.contains("--with current"), "{none:?}");
    place.write("rules/other.yaml", &other.replace("box.other", "box.start"));
    let told = place.run(&["replay", &event, "--with", "current", "--wait", "--json"]).fine().json();
    let rules: Vec<_> =
        told["replayed"].as_array().unwrap().iter().map(|run| (&run["rule"], &run["replay_of"])).collect();
    assert_eq!(rules, [(&json!("other"), &json!(null)), (&json!("two"), &json!(first))], "{told}");
    let one = place.run(&["replay", &event, "--with", "current", "--rule", "two"]).fine();
    assert!(one.out.lines().count() == 1 && one.out.contains("two"), "{one:?}");

    place.write("draft.yaml", &TWO.replace("do:\n", "when: { event.n: 2 }\ndo:\n"));
    let refused = place.run(&["replay", &event, "--with", "draft:draft.yaml", "--rule", "two"]);
    assert!(refused.code == 1 && refused.err.contains("event.n is 2 wanted, 1 seen"), "{refused:?}");
    place.write("draft.yaml", &TWO.replace("add_note", "add_nte"));
    let broken = place.run(&["replay", &first, "--with", "draft:draft.yaml"]);
    assert!(broken.code == 1 && broken.err.contains("draft.yaml:6:5"), "{broken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_not_over_is_not_repeated() {
    let journal = Journal::start([]).await;
    let place = Place::with_rules(&journal, &[("later", "name: later\non: box.start\ndo:\n  - wait: 1h\n")]);
    let _serving = place.serve();
    place.ring("start", &json!({}));
    let run = place.newest("waiting");
    let refused = place.run(&["replay", &run]);
    assert!(refused.code == 1 && refused.err.contains(&format!("bellwire runs cancel {run}")), "{refused:?}");
}
