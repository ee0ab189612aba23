//! `bellwire run`: a rule, started by a person.

use std::{fs, path::Path, path::PathBuf, sync::Arc};

use clap::Args;
use serde_json::{Map, json};

use super::{
    answer::{Answer, clean},
    dry,
    failure::Failure,
    follow, open, pinned, runs, users,
};
use crate::{
    config::Config,
    ids::{EventId, RunId},
    model::{Finding, RunStatus},
    rules::{On, Rule},
    starts::{self, InForce},
    store::{Mode, Replay, Store},
    value::Value,
};

/// Bytes of a file of inputs.
const INPUTS: u64 = 1024 * 1024;

#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bellwire run calls/escalate --input ticket=42 --wait\n  \
    bellwire run calls/missed --event evt_01hf3y8a9d000          also where it did not match\n  \
    bellwire run calls/missed --event evt_01hf3y8a9d000 --dry    show what it would send\n  \
    bellwire run calls/missed --event sample:gruveo.call/missed --dry --reply find=found.json\n\n\
    A rule with `on: manual` takes inputs, one with a schedule is started as if a slot were now; any rule runs on a stored event. The run is written into the database and taken by the\n\
    running server within a second. `when`, `threshold`, `once` and `digest` are not asked.\n\n\
    Exit code 1 where --wait sees it fail, or it is held.")]
pub(super) struct Run {
    /// The rule, such as calls/missed
    pub(super) rule: String,
    /// An input of a manual rule
    #[arg(long = "input", value_name = "NAME=VALUE", conflicts_with = "event")]
    pub(super) inputs: Vec<String>,
    /// Inputs as a JSON object in a file
    #[arg(long, value_name = "FILE", conflicts_with = "event")]
    pub(super) input_json: Option<PathBuf>,
    /// A stored event, evt_...; with --dry also a file that holds one, or sample:gruveo.call/missed
    #[arg(long, value_name = "ID|FILE")]
    pub(super) event: Option<String>,
    /// Send nothing: show what would be sent
    #[arg(long, conflicts_with = "wait")]
    pub(super) dry: bool,
    #[command(flatten)]
    pub(super) with: dry::With,
    /// Follow it to its end and show what happened
    #[arg(long)]
    pub(super) wait: bool,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(workspace: &Path, options: &Run) -> Result<Answer, Failure> {
    if options.dry {
        return dry::dry(workspace, options);
    }
    let config = open::settings(workspace)?;
    let inputs = inputs(options)?;
    let event = options.event.as_deref().map(str::parse::<EventId>).transpose();
    let event = event.map_err(|error| Failure::Usage(format!("--event: {error}; a file is taken with --dry alone")))?;
    open::block_on(async {
        let store = open::store(&config, Mode::Write)?;
        let run = match event {
            Some(event) => on_event(&config, &store, &options.rule, event).await,
            None => manually(&config, &store, &options.rule, &inputs).await,
        };
        let answer = match run {
            Ok(run) => match keep(&store, options, run, event, &inputs).await {
                Ok(()) => told(&store, run, options).await,
                Err(failure) => Err(failure),
            },
            Err(failure) => Err(failure),
        };
        store.close();
        answer
    })
}

/// Keeps in the audit log what was started: of inputs the names alone, since they may be about people.
async fn keep(
    store: &Store,
    options: &Run,
    run: RunId,
    event: Option<EventId>,
    inputs: &[(String, String)],
) -> Result<(), Failure> {
    let names: Vec<&str> = inputs.iter().map(|(name, _)| name.as_str()).collect();
    let after = json!({ "run": run, "event": event, "inputs": names });
    users::keep(store, open::clock().now(), "rule.run", &options.rule, after).await
}

/// Names and values as texts; a value of a JSON file that is no text as JSON.
pub(super) fn inputs(options: &Run) -> Result<Vec<(String, String)>, Failure> {
    let mut all = Vec::new();
    if let Some(file) = &options.input_json {
        let usage = |why: String| Failure::Usage(format!("--input-json {}: {why}", file.display()));
        let length = fs::metadata(file).map_err(|error| usage(error.to_string()))?.len();
        if length > INPUTS {
            return Err(usage(format!("more than {INPUTS} bytes")));
        }
        let text = fs::read_to_string(file).map_err(|error| usage(error.to_string()))?;
        let object: Map<String, Value> =
            serde_json::from_str(&text).map_err(|error| usage(format!("no JSON object: {error}")))?;
        for (name, value) in object {
            all.push((name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        }
    }
    let mut given = Vec::new();
    for input in &options.inputs {
        let (name, value) = input
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Failure::Usage(format!("--input {}: NAME=VALUE wanted", clean(input, 64))))?;
        if given.contains(&name) {
            return Err(Failure::Usage(format!("--input {} is given twice", clean(name, 64))));
        }
        given.push(name);
        all.retain(|(known, _)| known != name);
        all.push((name.to_owned(), value.to_owned()));
    }
    Ok(all)
}

/// The rule of the workspace. `Err` names its errors.
fn rule_of(compiled: &crate::app::Compiled, id: &str) -> Result<Arc<Rule>, Failure> {
    if let Some(rule) = compiled.set.rules.get(id) {
        return Ok(Arc::clone(rule));
    }
    let file = format!("rules/{id}.y");
    let own = |finding: &&Finding| finding.is_error() && finding.file.starts_with(&file);
    let errors: Vec<String> = compiled.findings.iter().filter(own).map(ToString::to_string).collect();
    if errors.is_empty() {
        let known: Vec<&str> = compiled.set.rules.keys().map(|id| &**id).take(8).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Failure::No(format!("there is no rule `{}`; the workspace has {known}", clean(id, 128))));
    }
    Err(Failure::No(format!("the rule has errors\n{}", errors.join("\n"))))
}

async fn manually(config: &Config, store: &Store, rule: &str, inputs: &[(String, String)]) -> Result<RunId, Failure> {
    let (set_id, compiled) = pinned::workspace(config, store).await?;
    let rule = rule_of(&compiled, rule)?;
    if !rule.on.iter().any(|on| matches!(on, On::Manual { .. } | On::Schedule(_))) {
        return Err(Failure::No(format!(
            "`{0}` is not started by hand: it has no `on: manual` and no schedule; run it on a stored event: \
             bellwire run {0} --event evt_...",
            rule.id
        )));
    }
    let now = open::clock().now();
    let fresh = starts::by_hand(&rule, inputs.to_vec(), now).map_err(|faults| Failure::No(faults.join("\n")))?;
    let in_force = InForce { set: compiled.set, set_id, registry: compiled.registry };
    open::with_ids(now, async |ids| {
        let event = starts::manual_event(ids, &in_force, &rule, fresh.clone(), now);
        let run = event.runs.first().map(|run| run.id);
        store.accept(event).await.map(|_| run)
    })
    .await?
    .ok_or_else(|| Failure::No(format!("`{}` was not started", rule.id)))
}

async fn on_event(config: &Config, store: &Store, rule: &str, event: EventId) -> Result<RunId, Failure> {
    let missing = || Failure::No(format!("there is no event {event}; see `bellwire events list`"));
    let detail = store.event(event).await?.ok_or_else(missing)?;
    if detail.event.body.is_none() {
        return Err(Failure::No(format!("the body of {event} was deleted by retention: nothing can run on it")));
    }
    let (set, compiled) = pinned::workspace(config, store).await?;
    let rule = rule_of(&compiled, rule)?;
    let now = open::clock().now();
    let replay = Replay {
        id: RunId(0),
        event,
        of: None,
        rule: rule.id.to_string(),
        set,
        root: None,
        vars: Map::new(),
        outputs: Vec::new(),
        key: None,
        at: now,
    };
    open::with_ids(now, async |ids| {
        let id = RunId(ids.next(now));
        store.replay(Replay { id, ..replay.clone() }).await
    })
    .await
}

async fn told(store: &Store, run: RunId, options: &Run) -> Result<Answer, Failure> {
    if !options.wait {
        return Ok(if options.json {
            Answer::json(&json!({"run": run, "rule": options.rule}))
        } else {
            Answer::text(format!(
                "{run} of {} is due (a running server takes it within a second)\n  bellwire runs show {run}",
                options.rule
            ))
        });
    }
    let detail = follow::to_its_end(store, run).await?;
    let exit = u8::from(matches!(detail.row.status, RunStatus::Failed | RunStatus::Held));
    let answer =
        if options.json { Answer::json(&runs::as_json(&detail)) } else { Answer::text(runs::as_text(&detail)) };
    Ok(answer.exit(exit))
}
