//! What a server shall run again: a run, the rules on an event, many runs.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    fs,
    time::Duration,
};

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::{Query, Remote},
    runs as looked,
    seen::{EventWhole, RunSeen, read, read_all},
    starts::not_there,
};
use crate::{
    cli::{
        answer::{Answer, clean},
        explain::Subject,
        failure::Failure,
        open,
        progress::Progress,
        replay::{Filter, MOST, Made, Replay, With, agreed, none_found, replayed, too_many},
    },
    ids::{EventId, RunId},
    starts::Wanted,
    store::RunRow,
};

/// Between two looks at a job.
const PAUSE: Duration = Duration::from_millis(500);
/// Runs of an event that are looked at.
const OF_EVENT: usize = 10_000;

/// Runs a run, the rules on an event, or many runs again.
pub(super) async fn replay(remote: &Remote, options: &Replay) -> Result<Answer, Failure> {
    let wanted = match (&options.filter, options.id) {
        (Some(filter), _) => {
            let found = found(remote, filter, options.rule.as_deref()).await?;
            if found.is_empty() {
                return Err(none_found());
            }
            if !agreed(&found, options.yes)? {
                return Ok(Answer::text("Nothing was replayed."));
            }
            found
        }
        (None, Some(Subject::Run(id))) => {
            let row = looked::load(remote, id).await?.row;
            if options.rule.as_ref().is_some_and(|rule| *rule != row.rule) {
                return Err(Failure::No(format!("{id} is a run of `{}`", clean(&row.rule, 96))));
            }
            vec![Wanted { event: row.event, of: Some(id), rule: row.rule }]
        }
        (None, Some(Subject::Event(id))) => {
            let is_plain = options.rule.is_none() && options.from.is_none() && !options.new_keys;
            match &options.with {
                With::Original | With::Current if is_plain => return on_event(remote, id, options).await,
                With::Current => {
                    return Err(not_there("replay of an event --with current and --rule, --from or --new-keys"));
                }
                With::Original | With::Draft(_) => of_event(remote, id, options.rule.as_deref()).await?,
            }
        }
        (None, Some(Subject::Refusal(_)) | None) => {
            return Err(Failure::Usage(
                "name a run (run_...), an event (evt_...), or many runs with --where".to_owned(),
            ));
        }
    };
    all(remote, wanted, options).await
}

/// Repeats one run after another.
async fn all(remote: &Remote, wanted: Vec<Wanted>, options: &Replay) -> Result<Answer, Failure> {
    let (with, draft) = match &options.with {
        With::Original => ("original", None),
        With::Current => ("current", None),
        With::Draft(file) => {
            let unreadable = |error| Failure::Usage(format!("{} cannot be read: {error}", file.display()));
            ("draft", Some(fs::read_to_string(file).map_err(unreadable)?))
        }
    };
    let body = json!({"from": options.from, "with": with, "draft": draft, "new_keys": options.new_keys});
    let (mut made, mut failed) = (Vec::new(), Vec::new());
    {
        let mut progress = Progress::new("runs", wanted.len() as u64);
        let alone = wanted.len() == 1;
        for Wanted { event, of, rule } in wanted {
            let Some(of) = of else { continue };
            match remote.send(Method::POST, &["runs", &of.to_string(), "replay"], &body).await {
                Ok(new) => made.push(Made { id: read::<RunSeen>(new)?.row().id, of: Some(of), event, rule }),
                // What one run cannot do, another may; but a server that does not answer, does not for all.
                Err(Failure::No(why)) if !alone => failed.push(format!("{of}: {why}")),
                Err(failure) => return Err(failure),
            }
            progress.add(1);
        }
    }
    let mut details = Vec::new();
    if options.wait {
        for one in &made {
            details.push(looked::to_its_end(remote, one.id).await?);
        }
    }
    Ok(replayed(&made, &details, &failed, options))
}

async fn rows(remote: &Remote, query: &Query, most: usize) -> Result<Vec<RunRow>, Failure> {
    let items = remote.list(&["runs"], query, most).await?;
    Ok(read_all::<RunSeen>(items)?.into_iter().map(RunSeen::row).collect())
}

/// The runs that a filter means and that are over, oldest first; without those that have a newer run in their place.
async fn found(remote: &Remote, filter: &Filter, rule: Option<&str>) -> Result<Vec<Wanted>, Failure> {
    let mut query = Query::new();
    query.extend(rule.map(str::to_owned).or_else(|| filter.rule.clone()).map(|rule| ("rule", rule)));
    query.extend(filter.state.map(|state| ("state", state.word().to_owned())));
    query.extend(filter.since.map(|since| ("from", since.at(open::clock().now()).to_string())));
    let mut found = Vec::new();
    // Runs that repeat others are of the same event.
    let mut events: HashMap<EventId, (bool, Vec<RunRow>)> = HashMap::new();
    for row in rows(remote, &query, MOST + 1).await? {
        if !row.status.is_final() {
            continue;
        }
        let event = row.event;
        if let Entry::Vacant(place) = events.entry(event) {
            let is_of_kind = match &filter.kind {
                None => true,
                Some(kind) => {
                    let seen: EventWhole = read(remote.get(&["events", &event.to_string()]).await?)?;
                    seen.detail().row.kind == *kind
                }
            };
            let others = rows(remote, &vec![("event", event.to_string())], OF_EVENT).await?;
            place.insert((is_of_kind, others));
        }
        let Some((is_of_kind, others)) = events.get(&event) else { continue };
        if *is_of_kind && !others.iter().any(|other| other.replay_of == Some(row.id)) {
            found.push(Wanted { event, of: Some(row.id), rule: row.rule });
        }
        if found.len() > MOST {
            return Err(too_many());
        }
    }
    found.reverse();
    Ok(found)
}

/// The runs that an event started, of this rule if one is named.
async fn of_event(remote: &Remote, id: EventId, rule: Option<&str>) -> Result<Vec<Wanted>, Failure> {
    let mut firsts: BTreeMap<String, RunId> = BTreeMap::new();
    for row in rows(remote, &vec![("event", id.to_string())], OF_EVENT).await? {
        // A run that repeats another would be repeated with it.
        if row.replay_of.is_none() && rule.is_none_or(|rule| rule == row.rule) {
            firsts.insert(row.rule, row.id);
        }
    }
    if firsts.is_empty() {
        return Err(Failure::No(format!(
            "no such rule ran on {id}; rules that match it now: bellwire replay {id} --with current"
        )));
    }
    Ok(firsts.into_iter().map(|(rule, of)| Wanted { event: id, of: Some(of), rule }).collect())
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

/// All rules on an event: a server does that in the background, as a job.
async fn on_event(remote: &Remote, id: EventId, options: &Replay) -> Result<Answer, Failure> {
    let with = if options.with == With::Original { "original" } else { "current" };
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
