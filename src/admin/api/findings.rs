//! Findings of files, as the API tells them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{Finding, Severity};

/// One fault in one file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FindingView {
    /// Stable.
    #[schema(example = "R012")]
    code: &'static str,
    /// `error`: the file is not taken. `warning`: it is, and somebody should look.
    severity: &'static str,
    #[schema(example = "rules/calls/missed.yaml")]
    file: String,
    /// From 1; 0 where the whole file is meant.
    line: u32,
    /// From 1; 0 where the whole line is meant.
    column: u32,
    message: String,
    /// The way out. Empty where the message says it all.
    help: String,
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let Finding { code, file, place, message, help, .. } = finding;
        Self { code, severity, file, line: place.line, column: place.column, message, help }
    }
}

impl FindingView {
    /// One that was made ready for people already.
    pub(super) fn new(
        code: &'static str,
        severity: &'static str,
        file: String,
        (line, column): (u32, u32),
        message: String,
        help: String,
    ) -> Self {
        Self { code, severity, file, line, column, message, help }
    }
}
