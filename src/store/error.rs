//! Why the store did not do what was asked.

use crate::model::IllegalMove;

/// Why the store did not do what was asked. Nothing of the job is kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The queue to the writer is full, or the database is locked, full or read-only: answer 503 and go on.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// An I/O error or corruption at commit: the process ends with 74.
    #[error("storage failed: {0}")]
    Failed(String),
    /// The database is not one of ours, of another schema version, in use, or lost. The sentence names path and way out.
    #[error("{0}")]
    Refused(String),
    /// A row that no version wrote.
    #[error("stored data does not read: {0}")]
    Corrupt(String),
    /// An id is taken, by another process that made it in the same moment: with another one it may pass.
    #[error("the write was rejected: {0}")]
    Doubled(String),
    /// This one write breaks a law of the tables; others of its commit are kept.
    #[error("the write was rejected: {0}")]
    Rejected(String),
    /// A change of a run's state that its laws do not allow.
    #[error(transparent)]
    Illegal(#[from] IllegalMove),
}

impl StoreError {
    /// Whether the fault lies in the one job, so that the others of its batch may be tried without it.
    pub(super) fn is_of_the_job(&self) -> bool {
        matches!(self, Self::Corrupt(_) | Self::Doubled(_) | Self::Rejected(_) | Self::Illegal(_))
    }
}
