//! What a person starts on a server: a rule, a poll.

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    client::Remote,
    dry, runs as looked,
    seen::{RunSeen, read},
};
use crate::{
    cli::{
        answer::{Answer, clean},
        failure::Failure,
        polls,
        run::{self, Run},
        runs,
    },
    ids::{EventId, RunId},
    model::RunStatus,
};

/// A form of a verb that no server does.
pub(super) fn not_there(what: &str) -> Failure {
    Failure::Usage(format!("{what} works on a workspace of this machine, not by a server's API"))
}

/// Starts a rule by hand.
pub(super) async fn run(remote: &Remote, options: &Run) -> Result<Answer, Failure> {
    if options.dry {
        return dry::run(remote, options).await;
    }
    let body = if let Some(event) = &options.event {
        let event: EventId = event
            .parse()
            .map_err(|error| Failure::Usage(format!("--event: {error}; by a server's API one that it has stored")))?;
        json!({ "event": event })
    } else {
        let inputs = run::inputs(options)?.into_iter().map(|(name, value)| (name, Value::String(value)));
        json!({"inputs": inputs.collect::<Map<String, Value>>()})
    };
    let started: RunSeen = read(remote.send(Method::POST, &["rules", &options.rule, "run"], &body).await?)?;
    let run = started.row().id;
    if options.wait {
        return followed(remote, &[run], |details| {
            details.first().map(|detail| runs::shown(detail, options.json)).unwrap_or_default()
        })
        .await;
    }
    Ok(if options.json {
        Answer::json(&json!({"run": run, "rule": options.rule}))
    } else {
        let rule = clean(&options.rule, 128);
        Answer::text(format!(
            "{run} of {rule} is due (the server takes it within a second)\n  bellwire runs show {run}"
        ))
    })
}

/// Follows runs to their end; exit code 1 where one fails or is held.
async fn followed(
    remote: &Remote,
    ids: &[RunId],
    told: impl FnOnce(&[crate::store::RunDetail]) -> Answer,
) -> Result<Answer, Failure> {
    let mut details = Vec::new();
    for id in ids {
        details.push(looked::to_its_end(remote, *id).await?);
    }
    let is_bad = details.iter().any(|detail| matches!(detail.row.status, RunStatus::Failed | RunStatus::Held));
    Ok(told(&details).exit(u8::from(is_bad)))
}

/// Makes the polls of a rule due.
pub(super) async fn poll(remote: &Remote, rule: &str) -> Result<Answer, Failure> {
    let due = remote.send(Method::POST, &["polls", "run"], &json!({"rule": rule})).await?;
    let polls = due["polls"].as_u64().and_then(|polls| usize::try_from(polls).ok()).unwrap_or(0);
    Ok(polls::asked_now(polls, rule))
}
