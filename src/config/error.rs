//! What can be wrong with the settings. Every error names the key, where its value came from and the way out.

use std::{fmt, path::PathBuf};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// `defaults.toml`, compiled in.
    Default,
    /// A settings file; the line is 0 where it cannot be told.
    File {
        /// As the user names it: `bellwire.toml`.
        name: String,
        /// From 1.
        line: usize,
    },
    /// A variable of the environment.
    Variable(String),
}

impl fmt::Display for Origin {
    /// `default`, `bellwire.toml:7` or `BELLWIRE_SERVER_LISTEN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line: line @ 1.. } => write!(f, "{name}:{line}"),
            Self::File { name, .. } | Self::Variable(name) => f.write_str(name),
        }
    }
}

/// One fault in the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file is there and does not read.
    #[error("{file}: cannot be read: {why}", file = .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The file is no TOML.
    #[error("{file}:{line}: not TOML: {why}")]
    Syntax {
        /// The file as the user names it.
        file: String,
        /// From 1.
        line: usize,
        /// What the parser says.
        why: String,
    },
    /// A key that no version knows.
    #[error("{from}: unknown key `{key}`{}", did_you_mean(.near.as_deref()))]
    UnknownKey {
        /// With its section: `server.lisen`.
        key: String,
        /// Where it stands.
        from: Origin,
        /// The known key that is nearest to it.
        near: Option<String>,
    },
    /// A variable that begins like ours and is not.
    #[error("unknown variable {name} in the environment{}", did_you_mean(.near.as_deref()))]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The known variable that is nearest to it.
        near: Option<String>,
    },
    /// A value of the wrong kind, out of range, or not of its form. The value of a secret is not shown.
    #[error("{from}: `{key}`: {why}")]
    Invalid {
        /// With its section: `server.listen`.
        key: String,
        /// Where its value came from.
        from: Origin,
        /// What was wanted and what was there.
        why: String,
    },
}

fn did_you_mean(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// The candidate nearest to `word`, if one is near enough to be meant.
pub(super) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    candidates
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), known))
        .filter(|(distance, known)| *distance <= (known.chars().count() / 3).clamp(1, 4))
        .min()
        .map(|(_, known)| known.to_owned())
}
