//! `bellwire explain`: what every rule said to an event, and why.

use std::{path::Path, str::FromStr, sync::Arc};

use clap::Args;
use serde_json::{Value, json};

use super::{
    answer::{Answer, clean, machine},
    explained::{self, Shown},
    failure::Failure,
    open, refused,
};
use crate::{
    app,
    config::Config,
    ids::{EventId, RefusalId, RunId},
    model::{EventFlags, Verdict},
    rules::{Rule, Texts},
    starts,
    store::{EventDetail, EventRow, Mode, Store, Suppressed},
    trial::explain::explain_rule,
};

/// Whose rules explain an event.
pub(super) const OF_NOW: &str = "those of the workspace as it is now";
/// The same, where they are those that decided.
pub(super) const THAT_DECIDED: &str = "the set that decided it";

#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bellwire explain evt_01hf3y8a9d000\n  \
    bellwire explain evt_01hf3y8a9d000 calls/missed --current    what the workspace as it is now would say\n  \
    bellwire explain run_01hf3y8a9d000                           the rule of a run on its event\n  \
    bellwire explain ref_01hf3y8a9d000                           why a delivery was refused\n\n\
    Each condition is shown with what it wanted and saw, `->` marks the one that decided. It is computed from the stored event\n\
    and the rule set that decided it. A duplicate has no id of its own: look at its first event, which counts it.")]
pub(super) struct Explain {
    /// evt_..., or run_... for its rule and event, or ref_... for a refused delivery
    pub(super) id: Subject,
    /// Only this rule, such as calls/missed
    pub(super) rule: Option<String>,
    /// By the rules of the workspace as it is now, not by those that decided
    #[arg(long)]
    pub(super) current: bool,
    /// Also rules that do not listen to the event's type
    #[arg(long)]
    pub(super) all: bool,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

/// What can be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Event(EventId),
    Run(RunId),
    Refusal(RefusalId),
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let event = || text.parse().map(Self::Event);
        let run = || text.parse().map(Self::Run);
        let refusal = || text.parse().map(Self::Refusal);
        event().or_else(|_| run()).or_else(|_| refusal()).map_err(|_| {
            format!("`{}` is no id of an event (evt_...), run (run_...) or refusal (ref_...)", clean(text, 64))
        })
    }
}

pub(super) fn run(workspace: &Path, options: &Explain) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    if open::is_unborn(&config)? {
        return Err(Failure::No("nothing was stored for this workspace yet; see `bellwire events list`".to_owned()));
    }
    open::block_on(async {
        let store = open::store(&config, Mode::Read)?;
        match options.id {
            Subject::Refusal(id) => refused::answer(&config, &store, id, options.json).await,
            Subject::Event(id) => event(&config, &store, id, options.rule.as_deref(), options).await,
            Subject::Run(id) => {
                let missing = || Failure::No(format!("there is no run {id}; see `bellwire runs list`"));
                let row = store.run(id).await?.ok_or_else(missing)?.row;
                let rule = options.rule.clone().unwrap_or(row.rule);
                event(&config, &store, row.event, Some(&rule), options).await
            }
        }
    })
}

async fn event(
    config: &Config,
    store: &Store,
    id: EventId,
    rule: Option<&str>,
    options: &Explain,
) -> Result<Answer, Failure> {
    let missing = || Failure::No(format!("there is no event {id}; see `bellwire events list`"));
    let detail = store.event(id).await?.ok_or_else(missing)?;
    let compiled = if options.current { app::check(config) } else { decided(config, store, &detail).await? };
    let broken = compiled.findings.iter().filter(|finding| finding.is_error()).count();
    let subject = starts::subject_of(&detail.event, &compiled.registry).map_err(|why| {
        Failure::No(format!(
            "{why}, so that nobody can say what rules saw; its runs are in `bellwire events show {id}`"
        ))
    })?;
    let rules: Vec<&Arc<Rule>> = match rule {
        None => compiled.set.rules.values().collect(),
        Some(wanted) => {
            vec![compiled.set.rules.get(wanted).ok_or_else(|| no_rule(wanted, &compiled, options.current))?]
        }
    };
    let suppressed = store.suppressed(id).await?;
    let scheduled = starts::scheduled_rule(&detail.event.kind, &detail.event.meta);
    let polled = starts::polled_rule(&detail.event.kind, &detail.event.meta);
    let mut shown = Vec::new();
    let mut deaf = Vec::new();
    for one in rules {
        let mut table = explain_rule(one, &subject, &config.vars);
        table.hears |= scheduled == Some(&*one.id) && one.schedules().next().is_some();
        table.hears |= polled == Some(&*one.id) && one.polls().next().is_some();
        let acted = table.hears && one.enabled;
        if acted || options.all || rule.is_some() {
            let kept_back = suppressed.iter().find(|other| *other.rule == *one.id);
            shown.push(Shown {
                table,
                file: one.file.to_string(),
                enabled: one.enabled,
                by_hand: detail.row.kind == starts::MANUAL
                    || (scheduled.is_some() && detail.row.source == starts::BY_HAND),
                runs: detail.runs.iter().filter(|run| *run.rule == *one.id).collect(),
                suppressed: kept_back,
                kept_back: kept_back.map(|other| explained::why_suppressed(&other.by)),
            });
        } else {
            deaf.push(one.id.to_string());
        }
    }
    if options.json {
        return Ok(Answer::json(&as_json(&detail, &shown, &deaf, &suppressed, options.current)));
    }
    let digest: String = compiled.set.digest.to_string().chars().take(12).collect();
    let whose = if options.current { OF_NOW.to_owned() } else { format!("{THAT_DECIDED}, {digest}") };
    let mut text = head(&detail.row, detail.event.flags, &whose);
    for one in &shown {
        text.push('\n');
        text.push_str(&explained::as_text(one, subject.own));
    }
    text.push_str(&tail(&shown, &deaf, &detail.row.kind));
    let answer = Answer::text(text);
    Ok(if options.current && broken > 0 {
        answer.note("bellwire: files with errors are left out; see `bellwire check`")
    } else {
        answer
    })
}

/// The rules that decided an event, with their packs.
async fn decided(config: &Config, store: &Store, detail: &EventDetail) -> Result<app::Compiled, Failure> {
    let gone = || {
        Failure::No(format!(
            "the rule set that decided {} is no longer in the database; see what the workspace says: \
             bellwire explain {0} --current",
            detail.row.id
        ))
    };
    let texts = store.set_texts(detail.event.set).await?.ok_or_else(gone)?;
    Ok(app::compile(&Texts(Arc::new(texts.into_iter().collect())), config))
}

fn no_rule(wanted: &str, compiled: &app::Compiled, current: bool) -> Failure {
    let known: Vec<&str> = compiled.set.rules.keys().map(|id| &**id).take(8).collect();
    let whose = if current { "the workspace" } else { "the rule set that decided it" };
    let help = if current { "" } else { "; a newer one is looked at with --current" };
    Failure::No(format!("{whose} has no rule `{}`; it has {}{help}", clean(wanted, 128), known.join(", ")))
}

/// What an event is, and by whose rules it is explained.
pub(super) fn head(row: &EventRow, flags: EventFlags, whose: &str) -> String {
    let mut text = format!(
        "{}  {}  {}\nreceived  {} by source {}\nrules     {whose}\n",
        row.id,
        clean(&row.kind, 64),
        row.state,
        row.received_at,
        clean(&row.source, 48),
    );
    if row.seen > 1 {
        let more = row.seen - 1;
        text.push_str(&format!(
            "seen      {} times: {} started nothing\n",
            row.seen,
            if more == 1 {
                "1 later delivery was a duplicate and".to_owned()
            } else {
                format!("{more} later deliveries were duplicates and")
            }
        ));
    }
    if flags.has(EventFlags::OWN) {
        text.push_str("own echo  one of our own actions caused it: only rules with `own: true` hear it\n");
    }
    if flags.has(EventFlags::TRUNCATED) {
        text.push_str("cut       more rules matched than one event may start (limits.runs_per_event)\n");
    }
    text
}

/// What is said below the tables.
pub(super) fn tail(shown: &[Shown<'_>], deaf: &[String], kind: &str) -> String {
    let mut text = String::new();
    if shown.is_empty() {
        text.push_str(&format!("\nNo rule listens to {}.\n", clean(kind, 64)));
    }
    if !deaf.is_empty() {
        let names = clean(&deaf.join(", "), 60);
        let are = if deaf.len() == 1 { "rule does" } else { "rules do" };
        text.push_str(&format!("\n{} {are} not listen to it, or not now: {names} (--all shows them)\n", deaf.len()));
    }
    text
}

fn as_json(
    detail: &EventDetail,
    shown: &[Shown<'_>],
    deaf: &[String],
    suppressed: &[Suppressed],
    current: bool,
) -> Value {
    let rules: Vec<Value> = shown
        .iter()
        .map(|one| {
            let mut value = machine(&one.table);
            if let Value::Object(map) = &mut value {
                if let Some(Value::Object(verdict)) = map.remove("verdict") {
                    map.extend(verdict);
                }
                map.insert("file".to_owned(), json!(one.file));
                map.insert("enabled".to_owned(), json!(one.enabled));
                map.insert("suppressed".to_owned(), machine(&one.suppressed));
                map.insert("runs".to_owned(), machine(&one.runs));
            }
            value
        })
        .collect();
    json!({
        "event": machine(&detail.row),
        "by": if current { "current" } else { "decided" },
        "own": detail.event.flags.has(EventFlags::OWN),
        "duplicates": detail.row.seen.saturating_sub(1),
        "rules": rules,
        "not_listening": deaf,
        "suppressed": machine(&suppressed),
    })
}

/// The word of a verdict.
pub(super) fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Matched => "matched",
        Verdict::NotMatched(_) => "not matched",
        Verdict::Error { .. } => "error",
        Verdict::Undecided => "undecided",
    }
}
