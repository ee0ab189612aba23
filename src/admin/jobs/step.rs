//! What one step of a job does.

use std::time::Duration;

use crate::{
    admin::{
        act::jobs::{Events, MOST_BY_FILTER, Order, Runs, With, Work},
        books::Shelf,
        inbox::Asked,
        query::Query,
        refused::Refused,
        state::Admin,
    },
    ids::{EventId, RunId, time_of},
    starts::{Again, AgainError, Manner, Text, Wanted},
    store::{InboxAsk, InboxRow, InboxState, JobRow, JobState, JobStep, Replay, StoreError},
};

/// Things of one step: its commit must not keep deliveries waiting.
const SIZE: usize = 25;
/// How long one step searches.
const BUDGET: Duration = Duration::from_millis(150);

/// Why a step was not made.
pub(super) enum Stop {
    /// The database did not answer: later again.
    Store(StoreError),
    /// The job cannot go on. A sentence.
    Why(String),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What there is to deal with next.
struct Batch {
    things: Vec<Thing>,
    /// How far that reaches.
    place: i64,
    is_last: bool,
}

#[derive(Clone, Copy)]
enum Thing {
    Event(EventId),
    Run(RunId),
}

/// The next step of a job.
pub(super) async fn next(admin: &Admin, job: &JobRow) -> Result<JobStep, Stop> {
    let order: Order = serde_json::from_str(&job.work)
        .map_err(|error| Stop::Why(format!("This job was kept in a form that is not known: {error}.")))?;
    let left = usize::try_from(MOST_BY_FILTER - job.done - job.failed).unwrap_or(0);
    let batch = batch(admin, job, &order, SIZE.min(left)).await?;
    let text = match order.with {
        With::Original => Text::Original,
        With::Current => Text::Current,
    };
    let manner = Manner { text, new_keys: false, from: None };
    let books = Shelf { admin, draft: None };
    let again = Again {
        store: &admin.store,
        books: &books,
        vars: &admin.config.vars,
        runs_per_event: admin.config.limits.runs_per_event,
        manner: &manner,
    };
    let mut step = JobStep { place: batch.place, ..JobStep::default() };
    for thing in &batch.things {
        match prepared(admin, &again, *thing).await {
            Ok(replays) => {
                step.done += 1;
                step.replays.extend(replays);
            }
            Err(AgainError::Store(error)) => return Err(Stop::Store(error)),
            Err(error) => step.faults.push(match thing {
                Thing::Event(id) => format!("{id}: {error}"),
                Thing::Run(id) => format!("{id}: {error}"),
            }),
        }
    }
    let done = job.done + job.failed + i64::try_from(batch.things.len()).unwrap_or(0);
    if batch.is_last {
        step.end = Some((JobState::Done, String::new()));
    } else if done >= MOST_BY_FILTER {
        let why = format!("It ended after {MOST_BY_FILTER}, the most that one job takes. Begin another for the rest.");
        step.end = Some((JobState::Done, why));
    }
    Ok(step)
}

/// The new runs of one thing; none of them is written here.
async fn prepared(admin: &Admin, again: &Again<'_>, thing: Thing) -> Result<Vec<Replay>, AgainError> {
    let wanted: Vec<Wanted> = match thing {
        Thing::Run(id) => vec![again.of_run(id).await?],
        Thing::Event(id) => again.of_event(id, None).await?,
    };
    let mut replays = Vec::with_capacity(wanted.len());
    for one in &wanted {
        let now = admin.clock.now();
        let replay = again.prepare(one, now).await?;
        replays.push(Replay { id: RunId(admin.ids.next(now)), ..replay });
    }
    Ok(replays)
}

async fn batch(admin: &Admin, job: &JobRow, order: &Order, size: usize) -> Result<Batch, Stop> {
    match &order.work {
        Work::ReplayEvents(Events::Ids(ids)) => {
            let ids = ids.iter().map(|id| id.0).collect();
            Ok(listed(ids, job.place, size, |id| Thing::Event(EventId(id))))
        }
        Work::ReplayRuns(Runs::Ids(ids)) => {
            let ids = ids.iter().map(|id| id.0).collect();
            Ok(listed(ids, job.place, size, |id| Thing::Run(RunId(id))))
        }
        Work::ReplayRuns(Runs::Problem(problem)) => {
            let runs = admin.store.runs_to_repeat(*problem, RunId(job.place), size).await.map_err(Stop::Store)?;
            // Runs that this job has made, and that failed as well, are another job's.
            let runs: Vec<RunId> = runs.into_iter().filter(|run| run.0 < order.upto).collect();
            let is_last = runs.len() < size;
            let place = runs.last().map_or(job.place, |run| run.0);
            Ok(Batch { things: runs.into_iter().map(Thing::Run).collect(), place, is_last })
        }
        Work::ReplayEvents(Events::Filter(query)) => filtered(admin, job, order, query, size).await,
    }
}

/// Those of a list that come next, in the order of their ids.
fn listed(mut ids: Vec<i64>, place: i64, size: usize, thing: impl Fn(i64) -> Thing) -> Batch {
    ids.sort_unstable();
    ids.dedup();
    let left: Vec<i64> = ids.into_iter().filter(|id| *id > place).collect();
    let is_last = left.len() <= size;
    let now: Vec<i64> = left.into_iter().take(size).collect();
    let place = now.last().copied().unwrap_or(place);
    Batch { things: now.into_iter().map(thing).collect(), place, is_last }
}

/// Accepted events that a filter means, oldest first.
async fn filtered(admin: &Admin, job: &JobRow, order: &Order, query: &str, size: usize) -> Result<Batch, Stop> {
    let fault = |refused: Refused| Stop::Why(refused.message.into_owned());
    let asked = Asked::read(&Query::read(query).map_err(fault)?).map_err(fault)?;
    // Spans are told from when the job was begun, wherever it stands.
    let mut filter = asked.filter(admin, time_of(job.id.0)).map_err(|unfit| fault(unfit.into()))?;
    filter.until = Some(filter.until.map_or(order.upto, |until| until.min(order.upto)));
    if matches!(filter.state, Some(InboxState::Duplicate | InboxState::Refused)) {
        return Err(Stop::Why("Duplicates and refusals cannot be replayed.".to_owned()));
    }
    let above = (job.place > 0).then_some(job.place);
    let ask = InboxAsk { filter, above, below: None, limit: size, oldest_first: true, budget: BUDGET };
    let page = admin.store.inbox(ask).await?;
    let events = page.rows.iter().filter_map(|row| match row {
        InboxRow::Event(event) => Some(Thing::Event(event.id)),
        InboxRow::Duplicate(_) | InboxRow::Refused(_) => None,
    });
    Ok(Batch { things: events.collect(), place: page.next.unwrap_or(job.place), is_last: page.next.is_none() })
}
