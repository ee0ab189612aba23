//! Runs of a server: looked at, resolved, cancelled, followed.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::{
    client::{Query, Remote},
    seen::{RunSeen, RunWhole, read, read_all},
};
use crate::{
    cli::{
        answer::Answer,
        arguments::{Resolve, RunsList},
        failure::Failure,
        release, runs,
    },
    ids::RunId,
    model::RunStatus,
    store::{Resolution, RunDetail},
};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs, newest first.
pub(super) async fn list(remote: &Remote, options: &RunsList) -> Result<Answer, Failure> {
    let mut query = Query::new();
    query.extend(options.rule.clone().map(|rule| ("rule", rule)));
    query.extend(options.state.map(|state| ("state", state.word().to_owned())));
    query.extend(options.event.map(|event| ("event", event.to_string())));
    query.extend(options.before.map(|before| ("cursor", before.to_string())));
    let narrowed = !query.is_empty();
    let items = remote.list(&["runs"], &query, usize::from(options.limit)).await?;
    let rows: Vec<_> = read_all::<RunSeen>(items)?.into_iter().map(RunSeen::row).collect();
    Ok(runs::listed(&rows, narrowed, options.json))
}

/// One run whole.
pub(super) async fn show(remote: &Remote, id: RunId, json: bool) -> Result<Answer, Failure> {
    Ok(runs::shown(&load(remote, id).await?, json))
}

/// One run as it is now.
pub(super) async fn load(remote: &Remote, id: RunId) -> Result<RunDetail, Failure> {
    let whole: RunWhole = read(remote.get(&["runs", &id.to_string()]).await?)?;
    Ok(whole.detail())
}

/// Says what became of a held run's attempt.
pub(super) async fn resolve(remote: &Remote, options: &Resolve) -> Result<Answer, Failure> {
    let resolution = runs::chosen(&options.outcome);
    let word = match resolution {
        Resolution::Done => "done",
        Resolution::Retry => "retry",
        Resolution::Fail => "fail",
        Resolution::Verify => "verify",
    };
    remote.send(Method::POST, &["runs", &options.id.to_string(), "resolve"], &json!({"outcome": word})).await?;
    Ok(runs::resolved_as(options.id, resolution))
}

/// Ends an open run.
pub(super) async fn cancel(remote: &Remote, id: RunId) -> Result<Answer, Failure> {
    remote.send(Method::POST, &["runs", &id.to_string(), "cancel"], &json!({})).await?;
    Ok(release::cancelled_as(id))
}

/// Lets go of what a rule's blown fuse holds.
pub(super) async fn release(remote: &Remote, rule: &str) -> Result<Answer, Failure> {
    let released = remote.send(Method::POST, &["rules", rule, "release"], &json!({})).await?;
    let runs = released["runs"].as_u64().and_then(|runs| usize::try_from(runs).ok()).unwrap_or(0);
    Ok(release::released_as(runs, rule))
}

/// Waits until a run is over or held.
pub(super) async fn to_its_end(remote: &Remote, id: RunId) -> Result<RunDetail, Failure> {
    loop {
        let detail = load(remote, id).await?;
        if detail.row.status.is_final() || detail.row.status == RunStatus::Held {
            return Ok(detail);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
