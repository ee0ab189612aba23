//! Long actions of people: a row each, moved on in steps that are one commit with what they write.

use std::collections::BTreeSet;

use diesel::{ExpressionMethods as _, Insertable, OptionalExtension as _, QueryDsl as _, Queryable, RunQueryDsl as _};

use super::{
    dialect::{self, Conn, each},
    error::StoreError,
    handle::Store,
    names::{Known, Lookup},
    replay::{self, Replay},
    schema::{events, jobs, runs},
};
use crate::{
    clock::Time,
    ids::{JobId, RunId, time_of},
    model::RunStatus,
};

/// Jobs of a list.
const LISTED: i64 = 100;
/// Jobs of one person that go on at once.
pub const OPEN_JOBS: usize = 20;
/// Faults that a job keeps.
const KEPT: usize = 100;
/// New runs that a job keeps the ids of.
const KEPT_RUNS: usize = 500;

/// Where a job stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It goes on, also after a restart.
    #[default]
    Running,
    /// It came to its end.
    Done,
    /// It cannot go on.
    Failed,
    /// A person ended it.
    Cancelled,
}

impl JobState {
    fn code(self) -> i16 {
        match self {
            Self::Running => 0,
            Self::Done => 1,
            Self::Failed => 2,
            Self::Cancelled => 3,
        }
    }

    fn of(code: i16) -> Result<Self, StoreError> {
        let all = [Self::Running, Self::Done, Self::Failed, Self::Cancelled];
        let found = all.into_iter().find(|state| state.code() == code);
        found.ok_or_else(|| StoreError::Corrupt(format!("{code} is no state of a job")))
    }

    /// The word in tables and pages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A job as it is begun.
#[derive(Debug, Clone)]
pub struct JobStart {
    /// Its id.
    pub id: JobId,
    /// Of the form that asked: the same one begins no second job.
    pub request: String,
    /// What it does, as JSON; whoever works it off knows the form.
    pub work: String,
    /// What it is about, for people.
    pub what: String,
    /// The page that the person came from, as a path.
    pub back: String,
    /// The person's id and name.
    pub person: (i64, String),
    /// Things that it has to deal with. `None`: not known beforehand.
    pub total: Option<i64>,
}

/// A job.
#[derive(Debug, Clone, serde::Serialize)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// What it does, as JSON.
    #[serde(skip)]
    pub work: String,
    /// What it is about, for people.
    pub what: String,
    /// The page that the person came from, as a path.
    #[serde(skip)]
    pub back: String,
    /// Where it stands.
    pub state: JobState,
    /// The person's id.
    #[serde(skip)]
    pub person: i64,
    /// The person's name.
    pub by: String,
    /// Things that it has to deal with. `None`: not known beforehand.
    pub total: Option<i64>,
    /// Things that it has dealt with.
    pub done: i64,
    /// Things that it could not deal with.
    pub failed: i64,
    /// Runs that it has made.
    pub made: i64,
    /// The last thing that it has dealt with; 0 for none.
    #[serde(skip)]
    pub place: i64,
    /// What failed, the first of them.
    pub faults: Vec<String>,
    /// The first 500 of the runs that it has made.
    pub runs: Vec<RunId>,
    /// Why it ended as it did. `None`: it is running, or there is nothing to say.
    pub why: Option<String>,
    /// When it was begun.
    pub created_at: Time,
    /// When it was over. `None`: it is not.
    pub ended_at: Option<Time>,
}

impl JobRow {
    /// Whether it goes on.
    pub fn is_running(&self) -> bool {
        self.state == JobState::Running
    }
}

/// One step of a job: what it writes, and how far the job is with it.
#[derive(Debug, Clone, Default)]
pub struct JobStep {
    /// New runs.
    pub replays: Vec<Replay>,
    /// Things that were dealt with in this step.
    pub done: i64,
    /// Things that could not be dealt with in this step, a sentence each.
    pub faults: Vec<String>,
    /// The last thing of this step.
    pub place: i64,
    /// The job is over with this step, and why it ended so (empty: there is nothing to say).
    pub end: Option<(JobState, String)>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = jobs, treat_none_as_default_value = false)]
struct JobInsert {
    id: i64,
    request: String,
    work: String,
    what: String,
    back: String,
    state: i16,
    person: i64,
    person_name: String,
    total: Option<i64>,
    done: i64,
    failed: i64,
    made: i64,
    place: i64,
    faults: String,
    runs: String,
}

#[derive(Debug, Queryable)]
struct JobTableRow {
    id: i64,
    _request: String,
    work: String,
    what: String,
    back: String,
    state: i16,
    person: i64,
    person_name: String,
    total: Option<i64>,
    done: i64,
    failed: i64,
    made: i64,
    place: i64,
    faults: String,
    runs: String,
    why: Option<String>,
    ended_at: Option<i64>,
}

fn shown(row: JobTableRow) -> Result<JobRow, StoreError> {
    Ok(JobRow {
        id: JobId(row.id),
        work: row.work,
        what: row.what,
        back: row.back,
        state: JobState::of(row.state)?,
        person: row.person,
        by: row.person_name,
        total: row.total,
        done: row.done,
        failed: row.failed,
        made: row.made,
        place: row.place,
        faults: list_of(&row.faults)?,
        runs: list_of(&row.runs)?,
        why: row.why,
        created_at: time_of(row.id),
        ended_at: row.ended_at.map(Time),
    })
}

fn list_of<T: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<T>, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("a list of a job: {error}")))
}

/// A list for its column, cut to what a job keeps of it.
fn kept(list: impl Iterator<Item = String>, most: usize) -> String {
    serde_json::to_string(&list.take(most).collect::<Vec<_>>()).unwrap_or_else(|_| "[]".to_owned())
}

impl Store {
    /// Which of these events are stored.
    pub async fn events_known(&self, ids: Vec<i64>) -> Result<BTreeSet<i64>, StoreError> {
        let known = |conn: &mut Conn, _: &Lookup| -> Result<Vec<i64>, StoreError> {
            Ok(events::table.filter(events::id.eq_any(ids)).select(events::id).load(conn)?)
        };
        self.read(known).await.map(|ids| ids.into_iter().collect())
    }

    /// Which of these runs are stored.
    pub async fn runs_known(&self, ids: Vec<i64>) -> Result<BTreeSet<i64>, StoreError> {
        let known = |conn: &mut Conn, _: &Lookup| -> Result<Vec<i64>, StoreError> {
            Ok(runs::table.filter(runs::id.eq_any(ids)).select(runs::id).load(conn)?)
        };
        self.read(known).await.map(|ids| ids.into_iter().collect())
    }

    /// Where these runs stand, in the order of their ids; those that are no longer stored are left out.
    pub async fn states_of(&self, runs: Vec<RunId>) -> Result<Vec<(RunId, RunStatus)>, StoreError> {
        let ids: Vec<i64> = runs.into_iter().map(|run| run.0).collect();
        let states = |conn: &mut Conn, _: &Lookup| -> Result<Vec<(i64, i16)>, StoreError> {
            Ok(each!(conn, c => runs::table
                .filter(runs::id.eq_any(ids))
                .order(runs::id.asc())
                .select((runs::id, runs::status))
                .load(c))?)
        };
        let rows = self.read(states).await?;
        rows.into_iter().map(|(id, code)| Ok((RunId(id), super::runs::status_of(code)?))).collect()
    }

    /// Begins a job; where one was begun with the same request key, that one. `None`: the person has `OPEN_JOBS` that go on.
    pub async fn begin_job(&self, start: JobStart) -> Result<Option<JobId>, StoreError> {
        let size = 512 + start.work.len();
        self.write(size, move |desk| begin(&mut desk.conn, &start)).await
    }

    /// One job. `None`: there is none of this id.
    pub async fn job(&self, id: JobId) -> Result<Option<JobRow>, StoreError> {
        self.read(move |conn, _| find(conn, id)).await
    }

    /// Jobs, newest first; 100 at most.
    pub async fn jobs(&self) -> Result<Vec<JobRow>, StoreError> {
        let list = |conn: &mut Conn| -> Result<Vec<JobTableRow>, StoreError> {
            Ok(each!(conn, c => jobs::table.order(jobs::id.desc()).limit(LISTED).load(c))?)
        };
        self.read(move |conn, _| list(conn)?.into_iter().map(shown).collect()).await
    }

    /// Jobs that go on, oldest first.
    pub async fn running_jobs(&self) -> Result<Vec<JobRow>, StoreError> {
        self.read(|conn, _| {
            let mut rows = dialect::running_jobs(conn)?;
            rows.sort_unstable();
            let found = rows.into_iter().filter_map(|id| find(conn, JobId(id)).transpose());
            found.collect()
        })
        .await
    }

    /// Writes one step of a job and moves it on, both or neither. False: the job is over, or not at `from`; nothing was written.
    pub async fn step_job(&self, id: JobId, from: i64, step: JobStep, now: Time) -> Result<bool, StoreError> {
        let size = 256 + step.replays.len() * 1024;
        self.write(size, move |desk| move_on(&mut desk.conn, &mut desk.known, id, from, &step, now)).await
    }

    /// Ends a job that goes on. False: it is over already.
    pub async fn cancel_job(&self, id: JobId, why: String, now: Time) -> Result<bool, StoreError> {
        self.write(64, move |desk| {
            let changed = each!(&mut desk.conn, c => diesel::update(jobs::table.find(id.0))
                .filter(jobs::state.eq(JobState::Running.code()))
                .set((
                    jobs::state.eq(JobState::Cancelled.code()),
                    jobs::why.eq(Some(&why)),
                    jobs::ended_at.eq(Some(now.0)),
                ))
                .execute(c))?;
            Ok(changed == 1)
        })
        .await
    }
}

fn begin(conn: &mut Conn, start: &JobStart) -> Result<Option<JobId>, StoreError> {
    let known: Option<i64> = each!(conn, c => jobs::table
        .filter(jobs::request.eq(&start.request))
        .select(jobs::id)
        .get_result(c)
        .optional())?;
    if let Some(known) = known {
        return Ok(Some(JobId(known)));
    }
    let mut open = 0;
    for id in dialect::running_jobs(conn)? {
        open += usize::from(find(conn, JobId(id))?.is_some_and(|job| job.person == start.person.0));
    }
    if open >= OPEN_JOBS {
        return Ok(None);
    }
    let row = JobInsert {
        id: start.id.0,
        request: start.request.clone(),
        work: start.work.clone(),
        what: start.what.clone(),
        back: start.back.clone(),
        state: JobState::Running.code(),
        person: start.person.0,
        person_name: start.person.1.clone(),
        total: start.total,
        done: 0,
        failed: 0,
        made: 0,
        place: 0,
        faults: "[]".to_owned(),
        runs: "[]".to_owned(),
    };
    each!(conn, c => diesel::insert_into(jobs::table).values(&row).execute(c))?;
    Ok(Some(start.id))
}

fn find(conn: &mut Conn, id: JobId) -> Result<Option<JobRow>, StoreError> {
    let row: Option<JobTableRow> = each!(conn, c => jobs::table.find(id.0).get_result(c).optional())?;
    row.map(shown).transpose()
}

fn move_on(
    conn: &mut Conn,
    known: &mut Known,
    id: JobId,
    from: i64,
    step: &JobStep,
    now: Time,
) -> Result<bool, StoreError> {
    let Some(job) = find(conn, id)? else { return Ok(false) };
    if !job.is_running() || job.place != from {
        return Ok(false);
    }
    for one in &step.replays {
        replay::insert(conn, known, one)?;
    }
    let count = |items: usize| i64::try_from(items).unwrap_or(i64::MAX);
    let faults = kept(job.faults.into_iter().chain(step.faults.iter().cloned()), KEPT);
    let made = step.replays.iter().map(|one| one.id);
    let runs = kept(job.runs.into_iter().chain(made).map(|run| run.to_string()), KEPT_RUNS);
    let (state, why) = step.end.clone().unwrap_or_default();
    each!(conn, c => diesel::update(jobs::table.find(id.0))
        .set((
            jobs::state.eq(state.code()),
            jobs::done.eq(job.done + step.done),
            jobs::failed.eq(job.failed + count(step.faults.len())),
            jobs::made.eq(job.made + count(step.replays.len())),
            jobs::place.eq(step.place),
            jobs::faults.eq(faults),
            jobs::runs.eq(runs),
            jobs::why.eq((!why.is_empty()).then_some(why)),
            jobs::ended_at.eq(step.end.is_some().then_some(now.0)),
        ))
        .execute(c))?;
    Ok(true)
}
