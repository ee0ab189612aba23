//! `bellwire polls`: the list, beside a server and without one, and a poll that a person asks for.

use serde_json::json;

use crate::support::{
    journal::{Journal, Reply},
    program::{Place, until},
};

fn rule(journal: &Journal) -> String {
    format!(
        "name: new items\non: {{ poll: {{ every: 1h, http: {{ url: \"http://{}/list\" }}, items: result, key: id }} }}\ndo:\n- stop: seen\n",
        journal.address
    )
}

fn list(text: &str) -> Reply {
    Reply::Status(200, Vec::new(), text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_is_listed_and_asked_for_by_hand() {
    let journal = Journal::start([list(r#"[{"id": 1}]"#), list(r#"[{"id": 2}, {"id": 1}]"#), Reply::status(500)]).await;
    let place = Place::with_rules(&journal, &[("items/new", &rule(&journal))]);
    let before = place.run(&["polls", "--json"]).fine().json();
    assert_eq!(
        (&before[0]["rule"], &before[0]["every"], &before[0]["last"]),
        (&json!("items/new"), &json!("1h"), &json!(null))
    );
    let told = place.run(&["polls", "run", "items/new"]);
    assert!(told.code == 1 && told.err.contains("bellwire serve"), "{told:?}");
    let _serving = place.serve();
    journal.wait_for(1).await;
    until("the first answer is kept", || place.run(&["polls", "--json"]).fine().json()[0]["last"].is_string());
    place.run(&["polls", "run", "items/new"]).fine();
    until("the new item is an event", || place.run(&["polls", "--json"]).fine().json()[0]["items"] == 1);
    let run = place.newest("ok");
    let event = place.shown(&run)["event"].as_str().unwrap().to_owned();
    let stored = place.run(&["events", "show", &event, "--json"]).fine().json();
    assert_eq!((&stored["type"], &stored["body"]), (&json!("poll.item"), &json!({"id": 2})), "{stored}");
    let explained = place.run(&["explain", &event]).fine();
    assert!(explained.out.contains("items/new") && !explained.out.contains("does not listen"), "{explained:?}");
    place.run(&["polls", "run", "items/new"]).fine();
    until("the failure is kept", || place.run(&["polls", "--json"]).fine().json()[0]["failures"] == 1);
    let shown = place.run(&["polls"]).fine();
    assert!(shown.out.contains("500") && shown.out.contains("items/new"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_for_says_why() {
    let journal = Journal::start([]).await;
    let disabled = rule(&journal).replace("on:", "enabled: false\non:");
    let place = Place::with_rules(&journal, &[("items/new", &disabled)]);
    let told = place.run(&["polls", "run", "items/old"]);
    assert!(told.code == 1 && told.err.contains("known are items/new"), "{told:?}");
    let told = place.run(&["polls", "run", "items/new"]);
    assert!(told.code == 1 && told.err.contains("not enabled"), "{told:?}");
    let none = Place::with_rules(&journal, &[]);
    assert!(none.run(&["polls"]).fine().out.contains("No rule has a poll"));
}
