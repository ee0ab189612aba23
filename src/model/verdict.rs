//! What a rule said to an event.

use serde::Serialize;
use serde_json::Value;

/// What a rule said to an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// Every condition held.
    Matched,
    /// A condition did not hold: the first one.
    NotMatched(Evidence),
    /// Vars or conditions could not be evaluated within their bounds.
    Error {
        /// One sentence.
        message: String,
    },
    /// Not reached in the time an event may take: the runner decides.
    Undecided,
}

/// The first condition that did not hold, with the value it saw.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Evidence {
    /// The path that was looked at.
    pub path: String,
    /// The operator, such as `is` or `matches`.
    pub operator: String,
    /// What was wanted.
    pub wanted: Value,
    /// What was seen; null where nothing was there.
    pub seen: Value,
    /// Why, where it is not plain: `number wanted, text seen`, or the error of a template. Empty otherwise.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}
