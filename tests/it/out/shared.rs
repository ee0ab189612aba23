//! Rate and places belong to a connection: rules share them, and two connections of one service do not.

use std::time::Duration;

use bellwire::model::RunStatus;
use serde_json::json;

use super::kit::{BOX, ring};
use crate::support::{
    app::{TestApp, states},
    journal::{Journal, Reply},
};

const SECOND: Duration = Duration::from_secs(1);

fn note(connection: &str) -> String {
    format!(
        "name: NAME\non: box.received\ndo:\n  - groove.add_note: {{ ticket: 1, body: x }}\n    connection: {connection}\n"
    )
}

fn second(journal: &Journal) -> String {
    format!(
        "{BOX}\n[connections.second]\nservice = \"groove\"\nbase_url = \"http://{}/second\"\nrate = \"1/min\"\nconcurrent = 1\n\
         [connections.third]\nservice = \"groove\"\nbase_url = \"http://{}/third\"\nrate = \"1/min\"\n",
        journal.address, journal.address
    )
}

fn of(app: &TestApp, connection: &str) -> usize {
    app.journal.requests().iter().filter(|request| request.path.starts_with(&format!("/{connection}/"))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_rules_share_the_rate_of_a_connection_and_another_has_its_own() {
    let journal = Journal::start([]).await;
    let settings = second(&journal);
    let rules: Vec<(String, String)> = [("a", "second"), ("b", "second"), ("c", "second"), ("d", "third")]
        .iter()
        .map(|(name, connection)| ((*name).to_owned(), note(connection).replace("NAME", name)))
        .collect();
    let rules: Vec<(&str, &str)> = rules.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
    let app = TestApp::with(journal, &rules, &settings).await;
    ring(&app, &json!({})).await;
    assert_eq!((of(&app, "second"), of(&app, "third")), (1, 1), "one a minute each");
    app.advance(61 * SECOND).await;
    assert_eq!((of(&app, "second"), of(&app, "third")), (2, 1));
    app.advance(61 * SECOND).await;
    assert_eq!((of(&app, "second"), of(&app, "third")), (3, 1));
    assert!(states(&app.runs().await).iter().all(|state| *state == RunStatus::Ok));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_rules_share_the_places_of_a_connection() {
    let journal = Journal::slow(Duration::from_millis(40)).await;
    let settings = format!(
        "{BOX}\n[connections.second]\nservice = \"groove\"\nbase_url = \"http://{}/second\"\nrate = \"unlimited\"\nconcurrent = 2\n",
        journal.address
    );
    let (a, b) = (note("second").replace("NAME", "a"), note("second").replace("NAME", "b"));
    let app = TestApp::with(journal, &[("a", &a), ("b", &b)], &settings).await;
    for n in 0..6 {
        assert_eq!(app.post("/hooks/box", &[], json!({"n": n}).to_string()).await.status, 202);
    }
    app.settle().await;
    assert_eq!((of(&app, "second"), app.journal.busiest()), (12, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_one_rule_was_asked_for_holds_all_rules_of_its_connection_alone() {
    let journal = Journal::start([Reply::with(429, "Retry-After", "600")]).await;
    let settings = second(&journal).replace("rate = \"1/min\"\n", "rate = \"unlimited\"\n");
    let (a, b, c) = (
        note("second").replace("NAME", "a").replace("box.received", "box.one"),
        note("second").replace("NAME", "b").replace("box.received", "box.two"),
        note("third").replace("NAME", "c").replace("box.received", "box.two"),
    );
    let app = TestApp::with(journal, &[("a", &a), ("b", &b), ("c", &c)], &settings).await;
    for event in ["one", "two"] {
        assert_eq!(app.post(&format!("/hooks/box/{event}"), &[], "{}").await.status, 202);
        app.settle().await;
    }
    assert_eq!((of(&app, "second"), of(&app, "third")), (1, 1));
    app.advance(590 * SECOND).await;
    assert_eq!((of(&app, "second"), of(&app, "third")), (1, 1));
    app.advance(15 * SECOND).await;
    assert_eq!((of(&app, "second"), of(&app, "third")), (3, 1));
}
