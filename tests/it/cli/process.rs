//! `bellwire serve` as a process: signals, a second one, changes while it runs.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{
    app::MISSED,
    journal::{Journal, Reply},
    program::{Place, free_address, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_one_workspace_is_refused() {
    let place = Place::workspace(&Journal::start([]).await);
    let mut serving = place.serve();
    let place = place.with("BELLWIRE_SERVER_LISTEN", &free_address().to_string());
    let second = place.run(&["serve"]);
    assert_eq!(second.code, 74);
    assert!(second.err.contains("another `bellwire serve` uses this database; stop it first"), "{second:?}");
    assert!(serving.is_running());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_told_with_the_setting() {
    let place = Place::workspace(&Journal::start([]).await);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = place.with("BELLWIRE_SERVER_LISTEN", &address).run(&["serve"]);
    assert_eq!(refused.code, 78);
    assert!(refused.err.contains(&address) && refused.err.contains("`server.listen`"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_an_open_request_end_and_claims_no_other() {
    let journal = Journal::slow(Duration::from_secs(2)).await;
    let place = Place::workspace(&journal).with("BELLWIRE_SERVICES_GROOVE_CONCURRENT", "1");
    let mut serving = place.serve();
    place.call("1").fine();
    journal.wait_for(1).await;
    place.call("2").fine();
    let began = Instant::now();
    serving.signal(Signal::TERM);
    assert_eq!(serving.ended().code(), Some(0), "{}", place.read("log"));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(journal.requests().len(), 1, "nothing new was begun");
    assert_eq!(place.states(), ["due", "ok"], "the open request was answered and is recorded");

    let _serving = place.serve();
    until("the other run ends", || place.states() == ["ok", "ok"]);
    assert_eq!(journal.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let journal = Journal::start([Reply::Silence]).await;
    let place = Place::workspace(&journal);
    let mut serving = place.serve();
    place.call("1").fine();
    journal.wait_for(1).await;
    serving.signal(Signal::TERM);
    std::thread::sleep(Duration::from_millis(500));
    assert!(serving.is_running(), "it waits for the answer:\n{}", place.read("log"));
    let began = Instant::now();
    serving.signal(Signal::INT);
    assert_eq!(serving.ended().code(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_rule_decides_within_a_second_and_a_bad_edit_does_not() {
    let journal = Journal::start([]).await;
    let place = Place::workspace(&journal);
    let mut serving = place.serve();
    place.call("42").fine();
    journal.wait_for(1).await;
    let last = || journal.requests().last().unwrap().json()["body"].as_str().unwrap().to_owned();

    let began = Instant::now();
    place.write("rules/calls/missed.yaml", &MISSED.replace("Missed call", "Edited"));
    until("a delivery obeys the edited rule", || {
        place.call("42").fine();
        last().starts_with("Edited")
    });
    // One second, and what starting the command and the call take on a busy machine.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());

    place.write("rules/calls/missed.yaml", "name: half a rule\non: gruveo.call\n");
    until("the log names the file", || place.read("log").contains("the workspace has errors"));
    let before = journal.requests().len();
    place.call("42").fine();
    journal.wait_for(before + 1).await;
    assert!(last().starts_with("Edited"), "the last good rule goes on");

    place.write("rules/calls/missed.yaml", &MISSED.replace("Missed call", "Again"));
    serving.signal(Signal::HUP);
    until("a delivery obeys the rule", || {
        place.call("42").fine();
        last().starts_with("Again")
    });
    assert!(serving.is_running());
}
