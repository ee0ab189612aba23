//! The form that repeats a run: what it was filled with, and what of that did not fit.

use serde_json::Value;

use crate::admin::{refused::Refused, sent::Sent};

/// The form as it is shown.
pub(super) struct Form {
    /// What tells it from the same form sent twice.
    pub(super) key: String,
    /// The step to begin at. Empty: the first.
    pub(super) from: String,
    /// `original`, `current` or `draft`.
    pub(super) with: String,
    /// The draft.
    pub(super) text: String,
    pub(super) new_keys: bool,
    /// What is wrong with the draft.
    pub(super) findings: Vec<String>,
    /// What is wrong with anything else. Empty: nothing.
    pub(super) fault: String,
}

impl Form {
    /// One that nobody has filled yet, with the text that a draft begins with.
    pub(super) fn of(text: String) -> Self {
        Self {
            key: super::deeds::new_key(),
            from: String::new(),
            with: "original".to_owned(),
            text,
            new_keys: false,
            findings: Vec::new(),
            fault: String::new(),
        }
    }

    /// One as it was sent, and was refused.
    pub(super) fn again(sent: &Sent, refused: &Refused) -> Self {
        let text = |name: &str| sent.all(name).next().unwrap_or_default().to_owned();
        let listed = refused.details.as_ref().and_then(|details| details.get("findings")).and_then(Value::as_array);
        let findings: Vec<String> = listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        Self {
            key: super::deeds::new_key(),
            from: text("from"),
            with: text("with"),
            text: text("text"),
            new_keys: sent.is_ticked("new_keys"),
            fault: if findings.is_empty() { refused.message.to_string() } else { String::new() },
            findings,
        }
    }

    /// Whether the text below is meant.
    pub(super) fn is_draft(&self) -> bool {
        self.with == "draft"
    }
}
