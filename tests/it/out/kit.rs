//! One step, one delivery, and what came of them.

use std::collections::BTreeMap;

use bellwire::{model::ErrorClass, store::RunDetail};

use crate::support::{app::TestApp, journal::Journal};

/// A source that takes any payload, for rules that look at any path.
pub const BOX: &str = "[sources.box]\npublic = true\n";

/// An app with one rule on `box.received` whose only step is this; `JOURNAL` stands for the receiver's address.
pub async fn app_of(journal: Journal, step: &str, settings: &str, more: &[(&str, &str)]) -> TestApp {
    let step =
        step.replace("JOURNAL", &journal.address.to_string()).replace("PORT", &journal.address.port().to_string());
    let settings = settings.replace("JOURNAL", &journal.address.to_string());
    let rule = format!("name: one step\non: box.received\ndo:\n{step}\n");
    let more: BTreeMap<String, String> =
        more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    TestApp::on(journal, &[("one", &rule)], &format!("{BOX}\n{settings}"), more).await
}

/// Delivers this payload to it, and lets everything happen.
pub async fn ring(app: &TestApp, payload: &serde_json::Value) {
    let answer = app.post("/hooks/box", &[], payload.to_string()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    app.settle().await;
}

/// The class and message of the error that ended the only run; no class where it did not fail.
pub fn error_of(run: &RunDetail) -> (Option<ErrorClass>, String) {
    let error = run.row.error.as_ref();
    (error.map(|error| error.class), error.map(|error| error.message.clone()).unwrap_or_default())
}
