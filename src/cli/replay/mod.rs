//! `bellwire replay`: runs again, each a new run that points to the old one.

mod job;
mod select;

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use serde_json::{Value, json};

pub(in crate::cli) use self::{
    job::Made,
    select::{Filter, MOST, none_found, too_many},
};

use self::job::Job;
use super::{
    answer::{Answer, clean},
    check::count,
    explain::Subject,
    failure::Failure,
    follow, open,
    progress::Progress,
    runs, users,
};
use crate::{
    model::RunStatus,
    starts::Wanted,
    store::{Mode, RunDetail, Store},
};

/// New runs that the audit log names; of more the number.
const AUDITED: usize = 100;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(after_long_help = "Examples:\n  bellwire replay run_01hf3y8a9d000\n  \
    bellwire replay run_01hf3y8a9d000 --from note                steps before it keep their results\n  \
    bellwire replay evt_01hf3y8a9d000 --with current             rules of the workspace that match it now\n  \
    bellwire replay run_01hf3y8a9d000 --with draft:new.yaml --wait\n  \
    bellwire replay --where 'rule=calls/missed state=failed since=2h' --yes\n\n\
    With the original text a step that took effect before has the same Idempotency-Key again, so that the target can tell; with\n\
    --new-keys, or another text, it does it once more.\n\n\
    Exit code 1 where one could not be replayed, or --wait sees one fail.")]
pub(super) struct Replay {
    /// run_..., or evt_... for all runs of an event
    #[arg(conflicts_with = "filter")]
    pub(super) id: Option<Subject>,
    /// Go on at this step, by its id or path (do.1); those before it keep what they gave
    #[arg(long, value_name = "STEP")]
    pub(super) from: Option<String>,
    /// By the rules that ran then, by the workspace's now, or by a file: original, current, draft:FILE
    #[arg(long, default_value = "original", value_name = "TEXT")]
    pub(super) with: With,
    /// New Idempotency-Keys also with the original text
    #[arg(long)]
    pub(super) new_keys: bool,
    /// Only this rule, such as calls/missed
    #[arg(long)]
    pub(super) rule: Option<String>,
    /// Every run like that: rule=..., state=failed, since=2h, type=..., separated by blanks
    #[arg(long = "where", value_name = "FILTER")]
    pub(super) filter: Option<Filter>,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
    /// Follow the new runs to their end
    #[arg(long)]
    pub(super) wait: bool,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

/// Which text a run is repeated with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum With {
    Original,
    Current,
    Draft(PathBuf),
}

impl FromStr for With {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "original" => Ok(Self::Original),
            None if text == "current" => Ok(Self::Current),
            Some(("draft", file)) if !file.is_empty() => Ok(Self::Draft(PathBuf::from(file))),
            _ => Err("original, current or draft:FILE wanted"),
        }
    }
}

pub(super) fn run(workspace: &Path, options: &Replay) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    if open::is_unborn(&config)? {
        return Err(Failure::No("nothing ran in this workspace yet; see `bellwire runs list`".to_owned()));
    }
    open::block_on(async {
        let store = open::store(&config, Mode::Write)?;
        let job = Job::new(&config, &store, options);
        let answer = all(&store, &job, options).await;
        store.close();
        answer
    })
}

async fn all(store: &Store, job: &Job<'_>, options: &Replay) -> Result<Answer, Failure> {
    let wanted = match (&options.filter, options.id) {
        (Some(filter), _) => {
            let now = open::clock().now();
            let found = select::found(store, filter, options.rule.as_deref(), now).await?;
            if found.is_empty() {
                return Err(none_found());
            }
            if !agreed(&found, options.yes)? {
                return Ok(Answer::text("Nothing was replayed."));
            }
            found
        }
        (None, Some(Subject::Run(id))) => vec![job.of_run(id).await?],
        (None, Some(Subject::Event(id))) => job.of_event(id, options.rule.as_deref()).await?,
        (None, Some(Subject::Refusal(_)) | None) => {
            return Err(Failure::Usage(
                "name a run (run_...), an event (evt_...), or many runs with --where".to_owned(),
            ));
        }
    };
    let mut made = Vec::new();
    let mut failed = Vec::new();
    {
        let mut progress = Progress::new("runs", u64::try_from(wanted.len()).unwrap_or(u64::MAX));
        let alone = wanted.len() == 1;
        for one in wanted {
            match job.replay(&one).await {
                Ok(new) => made.push(new),
                // What one run cannot do, another may; but a database that fails, fails for all.
                Err(Failure::No(why)) if !alone => failed.push(format!("{}: {why}", name(&one))),
                Err(failure) => return Err(failure),
            }
            progress.add(1);
        }
    }
    keep(store, &made, &failed, options).await?;
    told(store, &made, &failed, options).await
}

/// Keeps in the audit log what was repeated: one row for all of it.
async fn keep(store: &Store, made: &[Made], failed: &[String], options: &Replay) -> Result<(), Failure> {
    if made.is_empty() {
        return Ok(());
    }
    let subject = match options.id {
        Some(Subject::Run(id)) => id.to_string(),
        Some(Subject::Event(id)) => id.to_string(),
        Some(Subject::Refusal(id)) => id.to_string(),
        None => "runs by a filter".to_owned(),
    };
    let with = match options.with {
        With::Original => "original",
        With::Current => "current",
        With::Draft(_) => "draft",
    };
    let runs: Vec<_> = made.iter().take(AUDITED).map(|one| one.id).collect();
    let after = json!({
        "runs": runs, "made": made.len(), "failed": failed.len(), "from": options.from, "with": with,
        "new_keys": options.new_keys,
    });
    users::keep(store, open::clock().now(), "run.replay", &subject, after).await
}

fn name(wanted: &Wanted) -> String {
    wanted.of.map_or_else(|| format!("{} on {}", wanted.rule, wanted.event), |run| run.to_string())
}

async fn told(store: &Store, made: &[Made], failed: &[String], options: &Replay) -> Result<Answer, Failure> {
    let mut details = Vec::new();
    if options.wait {
        for one in made {
            details.push(follow::to_its_end(store, one.id).await?);
        }
    }
    Ok(replayed(made, &details, failed, options))
}

/// What was replayed; `details` of each where they were followed to their end.
pub(in crate::cli) fn replayed(made: &[Made], details: &[RunDetail], failed: &[String], options: &Replay) -> Answer {
    let bad = details.iter().any(|detail| matches!(detail.row.status, RunStatus::Failed | RunStatus::Held));
    let exit = u8::from(bad || !failed.is_empty());
    let mut answer = if options.json {
        let runs: Vec<Value> = if options.wait {
            details.iter().map(runs::as_json).collect()
        } else {
            made.iter().map(Made::as_json).collect()
        };
        Answer::json(&json!({"replayed": runs, "failed": failed}))
    } else {
        let mut lines: Vec<String> = if options.wait {
            details.iter().map(runs::as_text).collect()
        } else {
            made.iter().map(Made::to_string).collect()
        };
        if made.len() > 1 {
            lines.push(format!("{} replayed", count(made.len(), "run")));
        }
        Answer::text(lines.join("\n"))
    };
    for why in failed {
        answer.err.push_str(&format!("bellwire: not replayed: {}\n", clean(why, 400)));
    }
    answer.exit(exit)
}

/// Shows how many, and asks a person.
pub(in crate::cli) fn agreed(found: &[Wanted], yes: bool) -> Result<bool, Failure> {
    let mut rules: Vec<(&str, usize)> = Vec::new();
    for one in found {
        match rules.iter_mut().find(|(rule, _)| *rule == one.rule) {
            Some((_, number)) => *number += 1,
            None => rules.push((&one.rule, 1)),
        }
    }
    let rules: Vec<String> = rules.iter().map(|(rule, number)| format!("{number} of {}", clean(rule, 64))).collect();
    let what = format!("{} would run again: {}", count(found.len(), "run"), clean(&rules.join(", "), 200));
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(format!("{what}; say --yes to do it")));
    }
    eprint!("{what}. Go on? [y/N] ");
    drop(io::stderr().flush());
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    Ok(read.is_ok() && matches!(line.trim(), "y" | "Y" | "yes"))
}
