//! Why a verb could not do what was asked, and the exit code of it.

use std::fmt;

use crate::{
    config::ConfigError,
    store::{StoreError, VaultError},
};

/// Why a verb could not do what was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// The answer is no: nothing of that name, not now, not so. Exit 1.
    No(String),
    /// Wrong use. Exit 2.
    Usage(String),
    /// The database or a file. Exit 74.
    Storage(String),
    /// The settings. Exit 78.
    Configuration(Vec<ConfigError>),
}

impl Failure {
    /// The exit code.
    pub(super) fn exit(&self) -> u8 {
        match self {
            Self::No(_) => 1,
            Self::Usage(_) => 2,
            Self::Storage(_) => 74,
            Self::Configuration(_) => 78,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No(why) | Self::Usage(why) | Self::Storage(why) => writeln!(f, "bellwire: {why}"),
            Self::Configuration(errors) => {
                for error in errors {
                    writeln!(f, "bellwire: {error}")?;
                }
                writeln!(f, "bellwire: every setting is explained by `bellwire config defaults`")
            }
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Store(error) => error.into(),
            VaultError::Missing(_) | VaultError::TooShort(_) => Self::No(error.to_string()),
            VaultError::Sealed { .. } | VaultError::Unsealable { .. } => Self::Storage(error.to_string()),
        }
    }
}
