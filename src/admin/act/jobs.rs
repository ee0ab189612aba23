//! Long actions: begun here, worked off in the background.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    admin::{audit::Deed, inbox::Asked, query::Query, refused::Refused, state::Admin},
    ids::{EventId, JobId, ProblemId, RunId},
    model::Person,
    store::{InboxAsk, InboxFilter, InboxRow, InboxState, JobStart, OPEN_JOBS},
};

/// Things that one job takes by a list of ids.
pub(in crate::admin) const MOST_BY_LIST: usize = 1_000;
/// Things that one job takes by a filter or of a problem.
pub(in crate::admin) const MOST_BY_FILTER: i64 = 100_000;
/// Things that are counted one by one before a job begins.
const MOST_COUNTED: usize = 10_000;
/// How long they are.
const COUNTING: Duration = Duration::from_millis(400);
/// Bytes of a request key.
const LONGEST_KEY: usize = 200;

/// A long action that a person wants.
#[derive(Debug, Clone)]
pub(in crate::admin) struct NewJob {
    /// What it does.
    pub(in crate::admin) work: Work,
    /// Which text the new runs have.
    pub(in crate::admin) with: With,
    /// Of the form or request that asks: the same key never begins a second job. Empty: a new one.
    pub(in crate::admin) key: String,
    /// What it is about, in a few words: `all runs of the problem "503 of desk.example.com"`.
    pub(in crate::admin) what: String,
    /// Where the person came from, as a path: `/problems/4711`.
    pub(in crate::admin) back: String,
}

/// What a job does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::admin) enum Work {
    /// Runs the rules on stored events again.
    ReplayEvents(Events),
    /// Repeats runs that are over.
    ReplayRuns(Runs),
}

/// Which events.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::admin) enum Events {
    /// These; each must be stored.
    Ids(Vec<EventId>),
    /// All accepted ones that the inbox would show for this address (`source=gruveo&state=unmatched`), oldest first.
    Filter(String),
}

/// Which runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::admin) enum Runs {
    /// These; each must be stored.
    Ids(Vec<RunId>),
    /// All failed ones of this problem that nothing has repeated yet, oldest first.
    Problem(ProblemId),
}

/// Which text a new run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::admin) enum With {
    /// The old run's, and its Idempotency-Keys.
    Original,
    /// The rule set in force, with new keys.
    Current,
}

/// A job as its row holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::admin) struct Order {
    pub(in crate::admin) work: Work,
    pub(in crate::admin) with: With,
    /// Nothing that is newer than this id is dealt with.
    pub(in crate::admin) upto: i64,
}

/// Begins a job: its row is written, and the background task takes it up. With a key that was seen before, the job of then.
pub(in crate::admin) async fn begin(admin: &Admin, person: &Person, job: NewJob) -> Result<JobId, Refused> {
    let total = check(admin, &job.work).await?;
    let now = admin.clock.now();
    let id = JobId(admin.ids.next(now));
    if job.key.len() > LONGEST_KEY {
        return Err(Refused::invalid(format!("The request key is longer than {LONGEST_KEY} bytes.")));
    }
    // A key is one person's: nobody can take another's job by it.
    let request = if job.key.is_empty() { id.to_string() } else { format!("{}/{}", person.id, job.key) };
    let order = Order { work: job.work, with: job.with, upto: id.0 };
    let work = serde_json::to_string(&order).map_err(|_| Refused::invalid("This job cannot be kept."))?;
    let start = JobStart {
        id,
        request,
        work,
        what: job.what.clone(),
        back: job.back,
        person: (person.id, person.name.clone()),
        total,
    };
    let begun = admin.store.begin_job(start).await?.ok_or_else(|| {
        let why = format!("{OPEN_JOBS} jobs of yours are under way. Wait until one is over, or cancel some.");
        let mut refused = Refused::new(429, "busy", why);
        refused.retry_after = Some(30);
        refused
    })?;
    if begun == id {
        admin.jobs.ring();
        let after = json!({"what": job.what, "total": total});
        let deed = Deed { action: "job.begin", subject: id.to_string(), after, ..Deed::default() };
        admin.audit(person, deed).await?;
    }
    Ok(begun)
}

/// Ends a job that goes on; what it has done stays.
pub(in crate::admin) async fn cancel(admin: &Admin, person: &Person, id: JobId) -> Result<(), Refused> {
    let why = format!("ended by {}", person.name);
    if !admin.store.cancel_job(id, why, admin.clock.now()).await? {
        return match admin.store.job(id).await? {
            Some(job) => Err(Refused::conflict(format!("{id} is {} already.", job.state.word()))),
            None => Err(Refused::missing(&format!("job {id}"))),
        };
    }
    admin.audit(person, Deed { action: "job.cancel", subject: id.to_string(), ..Deed::default() }).await
}

/// All of it or nothing: how many things it is about. `None`: that is found out on the way.
async fn check(admin: &Admin, work: &Work) -> Result<Option<i64>, Refused> {
    match work {
        Work::ReplayEvents(Events::Ids(ids)) => {
            let wanted = listed(ids.iter().map(|id| id.0), "event")?;
            let known = admin.store.events_known(wanted.clone()).await?;
            all_known(&wanted, &known, |id| EventId(id).to_string())
        }
        Work::ReplayRuns(Runs::Ids(ids)) => {
            let wanted = listed(ids.iter().map(|id| id.0), "run")?;
            let known = admin.store.runs_known(wanted.clone()).await?;
            all_known(&wanted, &known, |id| RunId(id).to_string())
        }
        Work::ReplayEvents(Events::Filter(query)) => {
            let asked = Asked::read(&Query::read(query)?)?;
            if matches!(asked.state, Some(InboxState::Duplicate | InboxState::Refused)) {
                return Err(Refused::invalid("Only accepted deliveries can be replayed: choose matched or unmatched."));
            }
            let counted = count(admin, asked.filter(admin, admin.clock.now())?, MOST_BY_FILTER).await?;
            Ok(counted.filter(|counted| !counted.is_more).map(|counted| counted.count))
        }
        Work::ReplayRuns(Runs::Problem(id)) => {
            let found = admin.store.runs_to_repeat(*id, RunId(i64::MIN), MOST_COUNTED).await?.len();
            Ok((found < MOST_COUNTED).then(|| i64::try_from(found).ok()).flatten())
        }
    }
}

/// How many events a filter means, as far as they were counted.
pub(in crate::admin) struct Counted {
    /// So many were found.
    pub(in crate::admin) count: i64,
    /// There are or may be more.
    pub(in crate::admin) is_more: bool,
}

/// Counts the accepted events that a filter means, `most` at most; a search of bodies goes on for a moment. `None`: not even begun.
pub(in crate::admin) async fn count(admin: &Admin, filter: InboxFilter, most: i64) -> Result<Option<Counted>, Refused> {
    if let Some(count) = admin.store.inbox_count(filter.clone(), most).await? {
        return Ok(Some(Counted { count, is_more: count >= most }));
    }
    if matches!(filter.state, Some(InboxState::Duplicate | InboxState::Refused)) {
        return Ok(None);
    }
    let ask = InboxAsk { filter, above: None, below: None, limit: MOST_COUNTED, oldest_first: true, budget: COUNTING };
    let page = admin.store.inbox(ask).await?;
    let found = page.rows.iter().filter(|row| matches!(row, InboxRow::Event(_))).count();
    Ok(Some(Counted { count: i64::try_from(found).unwrap_or(i64::MAX), is_more: page.next.is_some() }))
}

/// A list as it was sent, each id once.
fn listed(ids: impl Iterator<Item = i64>, what: &str) -> Result<Vec<i64>, Refused> {
    let ids: BTreeSet<i64> = ids.collect();
    match ids.len() {
        0 => Err(Refused::invalid(format!("Choose at least one {what}."))),
        1..=MOST_BY_LIST => Ok(ids.into_iter().collect()),
        many => Err(Refused::invalid(format!(
            "{many} were chosen, and {MOST_BY_LIST} at most are taken by a list. Narrow it, or take all that match a filter."
        ))),
    }
}

fn all_known(wanted: &[i64], known: &BTreeSet<i64>, shown: impl Fn(i64) -> String) -> Result<Option<i64>, Refused> {
    match wanted.iter().find(|id| !known.contains(id)) {
        Some(missing) => Err(Refused::new(
            404,
            "not_found",
            format!("{} is not stored; retention may have deleted it. Nothing was done.", shown(*missing)),
        )),
        None => Ok(i64::try_from(wanted.len()).ok()),
    }
}
