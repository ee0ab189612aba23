//! Sources that are paused: their deliveries are taken, stored and answered, and the runs of those wait.

use super::{
    dialect::{self, Conn},
    error::StoreError,
    handle::Store,
    marks, refusals,
    runs::RunInsert,
    writer::Desk,
};
use crate::{
    clock::Time,
    ids::{first_at, time_of},
    model::{Refusal, RunStatus},
};

/// Why a run of a paused source does not begin.
pub const PAUSED: &str = "its source is paused";

/// Runs that one commit lets go.
const STEP: usize = 500;

/// A source that is paused.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PausedSource {
    /// Its name.
    pub source: String,
    /// Since when.
    pub since: Time,
    /// Who paused it.
    pub by: String,
    /// Runs that wait for it; 10,000 stands for that many and more.
    pub waiting: u64,
}

/// What came in of a type.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KindCount {
    /// `gruveo.call`.
    pub kind: String,
    /// How many; 5,000 and more may stand for more.
    pub count: u64,
    /// When the newest one that is stored came. `None`: none is stored.
    pub last: Option<Time>,
}

/// A new run of a paused source waits: one that would begin is held; of an undecided one nobody knows yet whether it would.
pub(super) fn wait(run: &mut RunInsert, status: RunStatus) {
    run.marks = Some(run.marks.unwrap_or(0) | marks::SOURCE);
    run.due_at = None;
    run.why = Some(PAUSED.to_owned());
    if status == RunStatus::Due {
        run.status = RunStatus::Held.code();
    }
}

impl Store {
    /// The sources that are paused, by name.
    pub async fn paused_sources(&self) -> Result<Vec<PausedSource>, StoreError> {
        self.read(|conn, _| {
            let rows = dialect::paused_sources(conn)?;
            rows.into_iter().map(|row| paused(conn, row)).collect()
        })
        .await
    }

    /// Pauses a source: the runs of what comes from now on are not begun. False: it is paused already.
    pub async fn pause_source(&self, source: String, by: String, now: Time) -> Result<bool, StoreError> {
        let pause = move |desk: &mut Desk| {
            desk.known.paused = None;
            dialect::pause_source(&mut desk.conn, &source, now.0, &by)
        };
        self.write(128, pause).await
    }

    /// Lets the runs go that wait for a source, in their order and in short transactions, and then those that come; how many there were.
    /// `None`: it is not paused.
    pub async fn resume_source(&self, source: String, now: Time) -> Result<Option<usize>, StoreError> {
        let name = source.clone();
        if !self.read(move |conn, _| Ok(dialect::paused_names(conn)?.contains(&name))).await? {
            return Ok(None);
        }
        let mut gone = 0;
        loop {
            let source = source.clone();
            let go = move |desk: &mut Desk| {
                let some = dialect::let_some_go(&mut desk.conn, &source, now.0)?;
                if some < STEP {
                    // With the last of them, so that none that comes meanwhile overtakes one that waits.
                    desk.known.paused = None;
                    dialect::unpause_source(&mut desk.conn, &source)?;
                }
                Ok(some)
            };
            let some = self.write(64, go).await?;
            gone += some;
            if some < STEP {
                return Ok(Some(gone));
            }
        }
    }

    /// The types that came in by a source and are stored, with how many since a time; the newest 200.
    pub async fn kinds_of_source(&self, source: String, since: Time) -> Result<Vec<KindCount>, StoreError> {
        self.read(move |conn, _| {
            let rows = dialect::kinds_of_source(conn, &source, first_at(since))?;
            let count = |row: dialect::KindRow| KindCount {
                kind: row.kind,
                count: u64::try_from(row.count).unwrap_or(0),
                last: row.newest.map(time_of),
            };
            Ok(rows.into_iter().map(count).collect())
        })
        .await
    }

    /// The newest refused deliveries of a source, newest first.
    pub async fn refusals_of(&self, source: String, limit: usize) -> Result<Vec<Refusal>, StoreError> {
        self.read(move |conn, _| refusals::of_source(conn, &source, limit)).await
    }
}

fn paused(conn: &mut Conn, (source, since, by): (String, i64, String)) -> Result<PausedSource, StoreError> {
    let waiting = u64::try_from(dialect::queued_of(conn, &source)?).unwrap_or(0);
    Ok(PausedSource { source, since: Time(since), by, waiting })
}
