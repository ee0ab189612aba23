//! What the overview and the frame of all pages tell: each question reads a bounded number of rows, whatever is stored.

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};

use super::{
    dialect::{self, Conn, each},
    error::StoreError,
    handle::Store,
    names::Lookup,
    runs::status_of,
    schema::{problems, runs},
    state,
};
use crate::{
    clock::Time,
    ids::{RunId, time_of},
    model::{ProblemState, RunStatus},
};

/// Open runs of one state that are counted; beyond that it is "more".
pub const COUNTED: u64 = 10_000;

/// How many runs are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The state; none that is final.
    pub status: RunStatus,
    /// How many; `COUNTED` where there are more.
    pub count: u64,
    /// There are more.
    pub more: bool,
}

/// What waits to be done.
#[derive(Debug, Clone, Default)]
pub struct Backlog {
    /// States that some run is in, in their order.
    pub standings: Vec<Standing>,
    /// When the oldest due run was due. `None`: none is due now.
    pub oldest_due: Option<Time>,
}

impl Backlog {
    /// How many runs are in any of these states, and whether there are more.
    pub fn of(&self, states: &[RunStatus]) -> (u64, bool) {
        let some = self.standings.iter().filter(|standing| states.contains(&standing.status));
        some.fold((0, false), |(count, more), standing| (count + standing.count, more || standing.more))
    }
}

/// A run as the overview names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BriefRun {
    /// Its id.
    pub id: RunId,
    /// The rule's id.
    pub rule: String,
    /// Where it stands.
    pub status: RunStatus,
    /// When it was made.
    pub created_at: Time,
    /// When its first step began.
    pub started_at: Option<Time>,
    /// When it was over.
    pub ended_at: Option<Time>,
}

/// A problem as the overview names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenProblem {
    /// What makes two of them one.
    pub fingerprint: String,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// One sentence, of the last time.
    pub message: String,
    /// How often it was seen.
    pub count: i64,
    /// When it was last seen.
    pub last_at: Time,
}

/// What is stored, and the room that it takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stored {
    /// Events.
    pub events: u64,
    /// Of the database, its write-ahead log aside.
    pub bytes: u64,
    /// Pages within that hold nothing.
    pub free: u64,
    /// When the oldest event was received. `None`: there is none.
    pub oldest: Option<Time>,
}

impl Store {
    /// The problems that were seen last of those that are open, and neither acknowledged nor muted.
    pub async fn newest_problems(&self, limit: u8) -> Result<Vec<OpenProblem>, StoreError> {
        self.read(move |conn, _| newest_problems(conn, limit)).await
    }

    /// What waits to be done now.
    pub async fn backlog(&self, now: Time) -> Result<Backlog, StoreError> {
        self.read(move |conn, _| backlog(conn, now)).await
    }

    /// The newest runs in a state that is not `ok`, newest first.
    pub async fn newest_runs(&self, status: RunStatus, limit: u8) -> Result<Vec<BriefRun>, StoreError> {
        self.read(move |conn, lookup| newest_runs(conn, lookup, status, limit)).await
    }

    /// Whether there is any run.
    pub async fn has_runs(&self) -> Result<bool, StoreError> {
        let first = |conn: &mut Conn, _: &Lookup| -> Result<Vec<i64>, StoreError> {
            Ok(each!(conn, c => runs::table.select(runs::id).limit(1).load(c))?)
        };
        Ok(!self.read(first).await?.is_empty())
    }

    /// What is stored.
    pub async fn stored(&self) -> Result<Stored, StoreError> {
        self.read(|conn, _| stored(conn)).await
    }

    /// How many events are older than `before`, counted up to `most`.
    pub async fn events_before(&self, before: Time, most: i64) -> Result<u64, StoreError> {
        let end = crate::ids::first_at(before);
        let count = move |conn: &mut Conn, _: &Lookup| -> Result<usize, StoreError> {
            use super::schema::events;
            let older = events::table.filter(events::id.lt(end)).order(events::id.asc()).select(events::id).limit(most);
            let ids: Vec<i64> = each!(conn, c => older.load(c))?;
            Ok(ids.len())
        };
        Ok(self.read(count).await? as u64)
    }

    /// The digest of a rule set in hex. `None`: there is no such set.
    pub async fn set_digest(&self, set: i64) -> Result<Option<String>, StoreError> {
        self.read(move |conn, _| super::runs::digest_of(conn, set)).await
    }
}

fn newest_problems(conn: &mut Conn, limit: u8) -> Result<Vec<OpenProblem>, StoreError> {
    type Row = (String, String, String, String, i64, i64);
    let rows: Vec<Row> = each!(conn, c => problems::table
        .filter(problems::state.eq(ProblemState::Open.code()))
        .order((problems::last_at.desc(), problems::id.desc()))
        .limit(i64::from(limit))
        .select((
            problems::fingerprint,
            problems::kind,
            problems::subject,
            problems::message,
            problems::count,
            problems::last_at,
        ))
        .load(c))?;
    let open = |(fingerprint, kind, subject, message, count, last_at)| OpenProblem {
        fingerprint,
        kind,
        subject,
        message,
        count,
        last_at: Time(last_at),
    };
    Ok(rows.into_iter().map(open).collect())
}

fn backlog(conn: &mut Conn, now: Time) -> Result<Backlog, StoreError> {
    let mut standings = Vec::new();
    for status in RunStatus::ALL.into_iter().filter(|status| !status.is_final()) {
        let counted = dialect::runs_in_state(conn, status.code(), COUNTED)?;
        if counted > 0 {
            standings.push(Standing { status, count: counted.min(COUNTED), more: counted > COUNTED });
        }
    }
    let oldest = dialect::open_rules(conn, now)?.into_iter().filter_map(|rule| rule.first).min();
    Ok(Backlog { standings, oldest_due: oldest.filter(|at| *at <= now.0).map(Time) })
}

fn newest_runs(conn: &mut Conn, lookup: &Lookup, status: RunStatus, limit: u8) -> Result<Vec<BriefRun>, StoreError> {
    type Row = (i64, i32, i16, Option<i64>, Option<i64>);
    let rows: Vec<Row> = each!(conn, c => runs::table
        .filter(dialect::not_ok())
        .filter(runs::status.eq(status.code()))
        .order(runs::id.desc())
        .limit(i64::from(limit))
        .select((runs::id, runs::rule, runs::status, runs::started_at, runs::ended_at))
        .load(c))?;
    let brief = |(id, rule, status, started_at, ended_at): Row| {
        Ok(BriefRun {
            id: RunId(id),
            rule: lookup.name(conn, rule)?.to_string(),
            status: status_of(status)?,
            created_at: time_of(id),
            started_at: started_at.map(Time),
            ended_at: ended_at.map(Time),
        })
    };
    rows.into_iter().map(brief).collect()
}

fn stored(conn: &mut Conn) -> Result<Stored, StoreError> {
    use super::schema::events;
    let oldest: Option<i64> = each!(conn, c => events::table.select(diesel::dsl::min(events::id)).get_result(c))?;
    let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(Stored {
        events: unsigned(state::number(conn, state::EVENTS)?.unwrap_or(0)),
        bytes: unsigned(dialect::bytes(conn)?),
        free: unsigned(dialect::free_bytes(conn)?),
        oldest: oldest.map(time_of),
    })
}
