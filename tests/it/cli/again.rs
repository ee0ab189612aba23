//! `bellwire run` and `bellwire replay`: runs that a person starts beside a running server.

use crate::support::{
    journal::{Journal, Reply},
    program::{Place, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_has_the_keys_of_the_first_run_and_a_manual_run_its_inputs() {
    let journal = Journal::start([Reply::status(404), Reply::status(404)]).await;
    let place = Place::workspace(&journal);
    let by_hand = "name: by hand\non: { manual: { inputs: { ticket: { type: integer, required: true } } } }\ndo:\n  - groove.add_note: { ticket: \"{{ event.ticket }}\", body: by hand }\n";
    place.write("rules/hand.yaml", by_hand);
    let _serving = place.serve();
    place.call("42").fine();
    until("the run fails", || place.states() == ["failed"]);
    for wanted in [vec!["failed"; 2], vec!["ok", "failed", "failed"]] {
        let last = place.runs()[0]["id"].as_str().unwrap().to_owned();
        place.run(&["replay", &last]).fine();
        until("the replay ends", || place.states() == wanted);
    }
    let requests = journal.requests();
    let keys: Vec<_> = requests.iter().map(|request| request.header("idempotency-key").unwrap()).collect();
    assert!(
        keys.len() == 3 && keys.iter().all(|key| *key == keys[0]),
        "a replay of a replay is the same effect: {keys:?}"
    );

    let missing = place.run(&["run", "hand"]);
    assert!(missing.code == 1 && missing.err.contains("`ticket` is missing"), "{missing:?}");
    place.run(&["run", "hand", "--input", "ticket=7", "--wait"]).fine();
    let requests = journal.requests();
    assert_eq!(requests[3].path, "/v1/tickets/7/messages");
    assert_eq!(requests[3].json()["body"], "by hand");
    assert_ne!(requests[3].header("idempotency-key"), requests[0].header("idempotency-key"));
}
