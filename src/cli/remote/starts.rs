//! What a person starts on a server: a rule, a replay, a poll.

use std::{fs, time::Duration};

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    client::Remote,
    runs as looked,
    seen::{RunSeen, read},
};
use crate::{
    cli::{
        answer::{Answer, clean},
        explain::Subject,
        failure::Failure,
        polls,
        replay::{Replay, With},
        run::{self, Run},
        runs,
    },
    ids::{EventId, RunId},
    model::RunStatus,
};

/// Between two looks at a job.
const PAUSE: Duration = Duration::from_millis(500);

fn not_there(what: &str) -> Failure {
    Failure::Usage(format!("{what} works on a workspace of this machine, not by a server's API"))
}

/// Starts a rule by hand.
pub(super) async fn run(remote: &Remote, options: &Run) -> Result<Answer, Failure> {
    if options.dry {
        return Err(not_there("run --dry"));
    }
    if options.event.is_some() {
        return Err(not_there("run --event"));
    }
    let inputs = run::inputs(options)?.into_iter().map(|(name, value)| (name, Value::String(value)));
    let body = json!({"inputs": inputs.collect::<Map<String, Value>>()});
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

/// Runs a run, or the rules on an event, again.
pub(super) async fn replay(remote: &Remote, options: &Replay) -> Result<Answer, Failure> {
    if options.filter.is_some() {
        return Err(not_there("replay --where"));
    }
    match options.id {
        Some(Subject::Run(id)) => replay_run(remote, id, options).await,
        Some(Subject::Event(id)) => replay_event(remote, id, options).await,
        Some(Subject::Refusal(_)) | None => {
            Err(Failure::Usage("name a run (run_...) or an event (evt_...)".to_owned()))
        }
    }
}

async fn replay_run(remote: &Remote, id: RunId, options: &Replay) -> Result<Answer, Failure> {
    let (with, draft) = match &options.with {
        With::Original => ("original", None),
        With::Current => ("current", None),
        With::Draft(file) => {
            let unreadable = |error| Failure::Usage(format!("{} cannot be read: {error}", file.display()));
            ("draft", Some(fs::read_to_string(file).map_err(unreadable)?))
        }
    };
    let body = json!({"from": options.from, "with": with, "draft": draft, "new_keys": options.new_keys});
    let made: RunSeen = read(remote.send(Method::POST, &["runs", &id.to_string(), "replay"], &body).await?)?;
    let made = made.row();
    if options.wait {
        return followed(remote, &[made.id], |details| {
            if options.json {
                let runs: Vec<Value> = details.iter().map(runs::as_json).collect();
                return Answer::json(&json!({"replayed": runs, "failed": []}));
            }
            Answer::text(details.iter().map(runs::as_text).collect::<Vec<_>>().join("\n"))
        })
        .await;
    }
    Ok(if options.json {
        let run = json!({"run": made.id, "of": id, "event": made.event, "rule": made.rule});
        Answer::json(&json!({"replayed": [run], "failed": []}))
    } else {
        Answer::text(format!("{}  {}  repeats {id}", made.id, clean(&made.rule, 96)))
    })
}

#[derive(Deserialize)]
struct Job {
    id: String,
    state: String,
    made: i64,
    failed: i64,
    faults: Vec<String>,
    why: Option<String>,
}

/// A server does that in the background, as a job.
async fn replay_event(remote: &Remote, id: EventId, options: &Replay) -> Result<Answer, Failure> {
    let with = match &options.with {
        With::Original => "original",
        With::Current => "current",
        With::Draft(_) => return Err(not_there("replay of an event with a draft")),
    };
    if options.rule.is_some() || options.from.is_some() || options.new_keys {
        return Err(not_there("replay of an event with --rule, --from or --new-keys"));
    }
    let begun = remote.send(Method::POST, &["events", "replay"], &json!({"ids": [id], "with": with})).await?;
    let (mut value, mut job): (Value, Job) = (begun.clone(), read(begun)?);
    while options.wait && job.state == "running" {
        tokio::time::sleep(PAUSE).await;
        value = remote.get(&["jobs", &job.id]).await?;
        job = read(value.clone())?;
    }
    let exit = u8::from(job.failed > 0 || job.state == "failed");
    if options.json {
        return Ok(Answer::json(&value).exit(exit));
    }
    let mut text = format!(
        "{}  {}  {} made, {} not; see `bellwire runs list --event {id}`\n",
        clean(&job.id, 40),
        clean(&job.state, 20),
        job.made,
        job.failed
    );
    for why in job.faults.iter().chain(&job.why) {
        text.push_str(&format!("  {}\n", clean(why, 400)));
    }
    Ok(Answer::text(text).exit(exit))
}

/// Makes the polls of a rule due.
pub(super) async fn poll(remote: &Remote, rule: &str) -> Result<Answer, Failure> {
    let due = remote.send(Method::POST, &["polls", "run"], &json!({"rule": rule})).await?;
    let polls = due["polls"].as_u64().and_then(|polls| usize::try_from(polls).ok()).unwrap_or(0);
    Ok(polls::asked_now(polls, rule))
}
