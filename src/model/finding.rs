//! A fault in a user's file: the same list serves the command line, the admin pages and the API.

use std::fmt;

use serde::Serialize;

/// Where something stands in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// From 1; 0 where the whole file is meant.
    pub line: u32,
    /// From 1, in characters; 0 where the whole line is meant.
    pub column: u32,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file is not taken.
    Error,
    /// The file is taken; somebody should look.
    Warning,
}

/// One fault in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable, such as `R012`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The file as the user names it, relative to the workspace: `rules/calls/missed.yaml`.
    pub file: String,
    /// Where in the file.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The way out. Empty where the message says it all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub help: String,
}

impl Finding {
    /// An error at `place` of `file`.
    pub fn error(code: &'static str, file: &str, place: Place, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            file: file.to_owned(),
            place,
            message: message.into(),
            help: String::new(),
        }
    }

    /// A warning at `place` of `file`.
    pub fn warning(code: &'static str, file: &str, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, file, place, message) }
    }

    /// The same with the way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Whether the file cannot be taken because of this.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// What a list of findings is sorted by.
    pub fn order(&self) -> (&str, Place, &'static str) {
        (&self.file, self.place, self.code)
    }
}

impl fmt::Display for Finding {
    /// `rules/x.yaml:7:17: error R012: message`, and the help in a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}", self.file)?;
        if self.place.line > 0 {
            write!(f, ":{}", self.place.line)?;
            if self.place.column > 0 {
                write!(f, ":{}", self.place.column)?;
            }
        }
        write!(f, ": {severity} {}: {}", self.code, self.message)?;
        if !self.help.is_empty() {
            write!(f, "\n    help: {}", self.help)?;
        }
        Ok(())
    }
}
