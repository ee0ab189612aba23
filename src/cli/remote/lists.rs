//! What a server tells in lists: events, refusals, calls, problems, circuits, schedules, polls.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::{Query, Remote},
    seen::{At, EventSeen, EventWhole, RefusalSeen, read, read_all},
};
use crate::{
    admin::Call,
    cli::{
        answer::Answer,
        arguments::{EventsList, Problems},
        calls::{self, Calls},
        circuits, events,
        failure::Failure,
        open, polls, problems, refused,
        save::{self, Save},
        schedules::{self, Cells},
    },
    clock::Time,
    ids::{EventId, ProblemId, time_of},
    model::ProblemState,
    rules::Schedule,
    store::ProblemRow,
};

/// Problems that are told at most.
const MOST: usize = 10_000;
/// Calls of a page.
const PAGE: usize = 500;

/// Events, newest first.
pub(super) async fn events(remote: &Remote, options: &EventsList) -> Result<Answer, Failure> {
    let mut query = Query::new();
    query.extend(options.kind.clone().map(|kind| ("type", kind)));
    query.extend(options.source.clone().map(|source| ("source", source)));
    query.extend(options.matched.then(|| ("state", "matched".to_owned())));
    query.extend(options.unmatched.then(|| ("state", "unmatched".to_owned())));
    query.extend(options.before.map(|before| ("cursor", before.to_string())));
    let narrowed = !query.is_empty();
    let items = remote.list(&["events"], &query, usize::from(options.limit)).await?;
    let rows: Vec<_> = read_all::<EventSeen>(items)?.into_iter().map(EventSeen::row).collect();
    Ok(events::listed(&rows, narrowed, options.json))
}

/// One event whole.
pub(super) async fn event(remote: &Remote, id: EventId, json: bool) -> Result<Answer, Failure> {
    let whole: EventWhole = read(remote.get(&["events", &id.to_string()]).await?)?;
    Ok(events::shown(&whole.detail(), json))
}

#[derive(Deserialize)]
struct SavedSeen {
    file: String,
    fixture: String,
    notes: Vec<String>,
}

/// An event becomes a test of a rule, in the server's workspace.
pub(super) async fn save(remote: &Remote, options: &Save) -> Result<Answer, Failure> {
    if options.force {
        let why = "events save --force replaces files of a workspace of this machine; by a server's API choose another --name";
        return Err(Failure::Usage(why.to_owned()));
    }
    let body = json!({"rule": options.rule, "name": options.name, "mask": options.mask});
    let path = ["events", &options.id.to_string(), "save"];
    let saved: SavedSeen = read(remote.send(Method::POST, &path, &body).await?)?;
    Ok(save::saved_as(&saved.fixture, &saved.file, options.name.as_deref(), &saved.notes))
}

/// Refused deliveries, newest first.
pub(super) async fn refusals(remote: &Remote, limit: u16, json: bool) -> Result<Answer, Failure> {
    let items = remote.list(&["refusals"], &Query::new(), usize::from(limit)).await?;
    let rows: Vec<_> = read_all::<RefusalSeen>(items)?.into_iter().map(RefusalSeen::row).collect();
    Ok(refused::list(&rows, json))
}

#[derive(Deserialize)]
struct CallSeen {
    event: EventId,
    at: At,
    link: String,
    resolution: String,
    duration: Option<i64>,
    waiting_time: Option<i64>,
    location: String,
    user: Value,
    tracking: Value,
}

impl From<CallSeen> for Call {
    fn from(seen: CallSeen) -> Self {
        let body = json!({
            "link": seen.link, "resolution": seen.resolution, "duration": seen.duration, "waitingTime": seen.waiting_time,
            "location": seen.location, "user": seen.user, "tracking": seen.tracking,
        });
        Self { event: seen.event, at: seen.at.0, body }
    }
}

/// Calls, newest first. The server asks by how they ended and by link, the rest is asked here.
pub(super) async fn calls(remote: &Remote, options: &Calls) -> Result<Answer, Failure> {
    let filter = calls::filter(options)?;
    let most = usize::try_from(options.limit).unwrap_or(usize::MAX);
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut query: Query = vec![("limit", most.min(PAGE).to_string())];
        query.extend(options.resolution.clone().map(|resolution| ("resolution", resolution)));
        query.extend(options.link.clone().map(|link| ("link", link)));
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let (items, next) = remote.page(&["calls"], &query).await?;
        let page = read_all::<CallSeen>(items)?.into_iter().map(Call::from);
        found.extend(page.filter(|call| filter.takes(call)));
        // An event comes after its call: what came before then is of no call since.
        let is_before = |cursor: &String, since: Time| cursor.parse().is_ok_and(|id: EventId| time_of(id.0) < since);
        let is_over = |cursor: &String| filter.since.is_some_and(|since| is_before(cursor, since));
        cursor = next.filter(|next| found.len() < most && !is_over(next));
        if cursor.is_none() {
            break;
        }
    }
    found.truncate(most);
    calls::told(&found, options)
}

#[derive(Deserialize)]
struct ProblemSeen {
    id: ProblemId,
    #[serde(default)]
    fingerprint: String,
    kind: String,
    subject: String,
    message: String,
    count: i64,
    state: String,
    first_at: At,
    last_at: At,
    solved_at: Option<At>,
    #[serde(default)]
    acknowledged_by: Option<String>,
    #[serde(default)]
    muted_until: Option<At>,
}

impl From<ProblemSeen> for ProblemRow {
    fn from(seen: ProblemSeen) -> Self {
        Self {
            id: seen.id,
            fingerprint: seen.fingerprint,
            kind: seen.kind,
            subject: seen.subject,
            message: seen.message,
            state: ProblemState::from_word(&seen.state).unwrap_or(ProblemState::Open),
            count: seen.count,
            first_at: seen.first_at.0,
            opened_at: seen.first_at.0,
            last_at: seen.last_at.0,
            solved_at: seen.solved_at.map(|at| at.0),
            acknowledged_by: seen.acknowledged_by,
            acknowledged_at: None,
            muted_until: seen.muted_until.map(|at| at.0),
            rule: None,
            step: None,
            host: None,
            class: None,
            run: None,
        }
    }
}

/// Problems, the one seen last first.
pub(super) async fn problems(remote: &Remote, options: &Problems) -> Result<Answer, Failure> {
    if let Some(verb) = options.verb {
        let now = open::clock().now();
        let body = verb.until(now).map_or_else(|| json!({}), |until| json!({"until": until.to_string()}));
        remote.send(Method::POST, &["problems", &verb.id().to_string(), verb.word()], &body).await?;
        return Ok(verb.told(now));
    }
    let mut query = Query::new();
    query.extend((!options.all).then(|| ("state", "open".to_owned())));
    let items = remote.list(&["problems"], &query, MOST).await?;
    if options.json {
        return Ok(Answer::json(&Value::Array(items)));
    }
    let rows: Vec<ProblemRow> = read_all::<ProblemSeen>(items)?.into_iter().map(ProblemRow::from).collect();
    Ok(Answer::text(problems::as_text(&rows, options.all)))
}

#[derive(Deserialize)]
struct CircuitSeen {
    host: String,
    since: At,
    last_failure: At,
    message: String,
}

/// Hosts that are left alone.
pub(super) async fn circuits(remote: &Remote, json: bool) -> Result<Answer, Failure> {
    let items = remote.all(&["circuits"]).await?;
    if json {
        return Ok(Answer::json(&Value::Array(items)));
    }
    let line = |seen: CircuitSeen| [seen.host, seen.since.0.to_string(), seen.last_failure.0.to_string(), seen.message];
    Ok(circuits::as_text(read_all::<CircuitSeen>(items)?.into_iter().map(line)))
}

#[derive(Deserialize)]
struct ScheduleSeen {
    rule: String,
    enabled: bool,
    expression: String,
    timezone: String,
    since: Option<At>,
    last: Option<At>,
    next: Option<At>,
    missed: u64,
}

/// Schedules, by rule.
pub(super) async fn schedules(remote: &Remote, json: bool) -> Result<Answer, Failure> {
    let items = remote.all(&["schedules"]).await?;
    if json {
        return Ok(Answer::json(&Value::Array(items)));
    }
    let mut rows: Vec<(ScheduleSeen, Schedule)> = Vec::new();
    for seen in read_all::<ScheduleSeen>(items)? {
        let schedule = schedules::read(&seen.expression, Some(&seen.timezone))?;
        rows.push((seen, schedule));
    }
    Ok(Answer::text(schedules::rows_as_text(rows.iter().map(|(seen, schedule)| Cells {
        rule: &seen.rule,
        schedule,
        enabled: seen.enabled,
        last: seen.last.map(|at| at.0),
        next: seen.next.map(|at| at.0),
        missed: seen.since.map(|_| seen.missed),
    }))))
}

/// Polls, by rule.
pub(super) async fn polls(remote: &Remote, json: bool) -> Result<Answer, Failure> {
    Ok(polls::told(remote.all(&["polls"]).await?, json))
}
