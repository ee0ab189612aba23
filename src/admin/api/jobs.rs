//! `/api/v1/jobs`: long actions, and the replay of many events as one.

use std::{collections::BTreeMap, str::FromStr};

use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Nothing},
    body::{Body, Empty},
    once::Key,
    part::Part,
};
use crate::{
    admin::{
        act::jobs::{self, Events, MOST_BY_LIST, NewJob, With, Work},
        inbox,
        query::Query,
        refused::Refused,
        state::Admin,
    },
    ids::{EventId, JobId},
    model::{Person, Role, Scope},
    store::JobRow,
};

/// What filters of events are called.
const FILTERS: [&str; 9] = ["source", "type", "state", "rule", "since", "from", "to", "q", "when"];

#[derive(OpenApi)]
#[openapi(paths(list_jobs, show_job, cancel_job, replay_events))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("jobs", "Long actions, worked off in the background.")
        .with(Role::Viewer, Scope::Read, rocket::routes![list_jobs, show_job])
        .with(Role::Editor, Scope::Run, rocket::routes![cancel_job, replay_events])
}

/// A long action.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobView {
    #[schema(example = "job_01hf3y8a9d000")]
    id: String,
    /// What it is about.
    what: String,
    /// `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// Who began it.
    by: String,
    /// Things that it has to deal with. `null`: not known beforehand.
    total: Option<i64>,
    /// Things that it has dealt with.
    done: i64,
    /// Things that it could not deal with.
    failed: i64,
    /// Runs that it has made.
    made: i64,
    /// What failed, the first of them.
    faults: Vec<String>,
    /// Why it ended as it did.
    why: Option<String>,
    created_at: Moment,
    /// `null`: it goes on.
    ended_at: Option<Moment>,
}

impl From<JobRow> for JobView {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id.to_string(),
            what: row.what,
            state: row.state.word(),
            by: row.by,
            total: row.total,
            done: row.done,
            failed: row.failed,
            made: row.made,
            faults: row.faults,
            why: row.why,
            created_at: row.created_at.into(),
            ended_at: row.ended_at.map(Moment::from),
        }
    }
}

/// The last 100 jobs, newest first.
#[utoipa::path(responses((status = 200, description = "The last 100.", body = Listed<JobView>)))]
#[get("/api/v1/jobs")]
async fn list_jobs(admin: &State<Admin>, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let rows = admin.store.jobs().await?;
    Reply::ok(&Listed { items: rows.into_iter().map(JobView::from).collect(), next: None })
}

/// One job, with how far it is.
#[utoipa::path(responses((status = 200, description = "The job.", body = JobView)))]
#[get("/api/v1/jobs/<id>")]
async fn show_job(admin: &State<Admin>, id: &str, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    Reply::ok(&found(admin, job_id(id)?).await?)
}

fn job_id(text: &str) -> Result<JobId, Refused> {
    JobId::from_str(text).map_err(|_| missing(text))
}

fn missing(id: &str) -> Refused {
    Refused::missing(&format!("job {}", id.chars().take(64).collect::<String>()))
}

/// A job as it is now.
pub(super) async fn found(admin: &Admin, id: JobId) -> Result<JobView, Refused> {
    admin.store.job(id).await?.map(JobView::from).ok_or_else(|| missing(&id.to_string()))
}

/// End a job that goes on. What it has done stays.
#[utoipa::path(
    request_body = Empty,
    responses((status = 200, description = "The job as it is now.", body = JobView))
)]
#[post("/api/v1/jobs/<id>/cancel", data = "<sent>")]
async fn cancel_job(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let id = job_id(id)?;
    let cancel = async {
        jobs::cancel(admin, person, id).await?;
        Reply::ok(&found(admin, id).await?)
    };
    key?.once(admin, person, sent.digest, cancel).await
}

/// Which text the new runs have.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum TextSent {
    /// That which ran then, with its Idempotency-Keys.
    Original,
    /// That which is in force, with new keys.
    #[default]
    Current,
}

impl From<TextSent> for With {
    fn from(text: TextSent) -> Self {
        match text {
            TextSent::Original => Self::Original,
            TextSent::Current => Self::Current,
        }
    }
}

/// Which events are replayed: either `ids` or `filter`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplaySent {
    /// These; each must be stored.
    #[serde(default)]
    #[schema(required = false, max_items = 1000, example = json!(["evt_01hf3y8a9d000"]))]
    ids: Vec<String>,
    /// All that the inbox shows for these filters, 100,000 at most: `source`, `type`, `state`, `rule`, `since`, `from`, `to`, `q`, `when`.
    #[serde(default)]
    #[schema(required = false)]
    filter: BTreeMap<String, String>,
    /// By which text. Those in force unless set.
    #[serde(default, rename = "with")]
    #[schema(required = false)]
    text: TextSent,
}

/// Run the rules on many events again, as one job.
#[utoipa::path(
    request_body = ReplaySent,
    responses((status = 202, description = "The job that does it.", body = JobView))
)]
#[post("/api/v1/events/replay", data = "<sent>")]
async fn replay_events(
    admin: &State<Admin>,
    person: &Person,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<ReplaySent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let ReplaySent { ids, filter, text } = sent.value;
    let (events, what) = wanted(&ids, &filter)?;
    let job = NewJob {
        work: Work::ReplayEvents(events),
        with: text.into(),
        key: String::new(),
        what,
        back: "/events".to_owned(),
    };
    let begin = async {
        let id = jobs::begin(admin, person, job).await.map_err(unfit)?;
        Ok(Reply::new(202, &found(admin, id).await?)?.header("Location", format!("/api/v1/jobs/{id}")))
    };
    key?.once(admin, person, sent.digest, begin).await
}

/// What a body asks for and does not fit is 422 here.
pub(super) fn unfit(mut refused: Refused) -> Refused {
    if refused.status == 400 {
        refused.status = 422;
    }
    refused
}

fn wanted(ids: &[String], filter: &BTreeMap<String, String>) -> Result<(Events, String), Refused> {
    let invalid = |why: String| Refused::new(422, "invalid", why);
    match (ids.is_empty(), filter.is_empty()) {
        (false, true) if ids.len() <= MOST_BY_LIST => {
            let read = |id: &String| {
                EventId::from_str(id).map_err(|error| invalid(format!("`ids`: {error}.")).with(json!({"id": id})))
            };
            let ids = ids.iter().map(read).collect::<Result<Vec<EventId>, Refused>>()?;
            let what = format!("{} events", ids.len());
            Ok((Events::Ids(ids), what))
        }
        (false, true) => Err(invalid(format!("`ids`: at most {MOST_BY_LIST} of them; take a `filter` for more."))),
        (true, false) => {
            if let Some(other) = filter.keys().find(|name| !FILTERS.contains(&name.as_str())) {
                let other: String = other.chars().take(40).collect();
                return Err(invalid(format!("`filter` has `{other}`; known are {}.", FILTERS.join(", "))));
            }
            let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(filter).finish();
            let asked = Query::read(&query).and_then(|query| inbox::Asked::read(&query)).map_err(unfit)?;
            let query = asked.filter_alone().query();
            let what = format!("all events of `{query}`");
            Ok((Events::Filter(query), what))
        }
        _ => Err(invalid("Say either `ids` or `filter`.".to_owned())),
    }
}
