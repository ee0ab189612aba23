//! Problems: raised, seen again, solved.

use super::{
    dialect::{self, ProblemTableRow},
    error::StoreError,
    handle::Store,
};
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

impl Store {
    /// Opens a problem, or counts it once more where it is open; one that was solved is opened anew.
    pub async fn raise(&self, problem: Problem, at: Time) -> Result<(), StoreError> {
        let size = 128 + problem.message.len();
        self.write(size, move |desk| dialect::raise_problem(&mut desk.conn, &problem, at.0)).await
    }

    /// Closes the problem of this fingerprint. True: it was open.
    pub async fn solve(&self, fingerprint: &str, at: Time) -> Result<bool, StoreError> {
        let fingerprint = fingerprint.to_owned();
        self.write(128, move |desk| dialect::solve_problem(&mut desk.conn, &fingerprint, at.0)).await
    }

    /// Problems, the one seen last first: open ones, or all; 1,000 at most.
    pub async fn problems(&self, open: bool, limit: usize) -> Result<Vec<ProblemRow>, StoreError> {
        let rows = self.read(move |conn, _| dialect::problems(conn, open)).await?;
        Ok(rows.into_iter().take(limit).map(ProblemRow::from).collect())
    }
}

impl From<ProblemTableRow> for ProblemRow {
    fn from(row: ProblemTableRow) -> Self {
        Self {
            fingerprint: row.fingerprint,
            kind: row.kind,
            subject: row.subject,
            message: row.message,
            count: row.count,
            first_at: Time(row.first_at),
            last_at: Time(row.last_at),
            solved_at: row.solved_at.map(Time),
        }
    }
}
