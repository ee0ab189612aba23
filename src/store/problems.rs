//! Problems: raised, seen again, solved.

use super::{error::StoreError, handle::Store};
use crate::{clock::Time, model::Problem};

/// A problem in the list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ProblemRow {
    /// What makes two of them one.
    pub fingerprint: String,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// One sentence, of the last time.
    pub message: String,
    /// How often it was seen since it was opened.
    pub count: i64,
    /// When it was opened.
    pub first_at: Time,
    /// When it was last seen.
    pub last_at: Time,
    /// When it was solved. `None`: it is open.
    pub solved_at: Option<Time>,
}

// CONTRACT STUB
impl Store {
    /// Opens a problem, or counts it once more where it is open; one that was solved is opened anew.
    pub async fn raise(&self, _problem: Problem, _at: Time) -> Result<(), StoreError> {
        Ok(())
    }

    /// Closes the problem of this fingerprint. True: it was open.
    pub async fn solve(&self, _fingerprint: &str, _at: Time) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Problems, the one seen last first: open ones, or all.
    pub async fn problems(&self, _open: bool, _limit: usize) -> Result<Vec<ProblemRow>, StoreError> {
        Ok(Vec::new())
    }
}
