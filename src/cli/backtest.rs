//! `bellwire backtest`: what the workspace's rules would have done otherwise on the events that are stored.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
};

use clap::Args;
use serde_json::{Value, json};

use super::{
    answer::{Answer, clean, machine},
    check::count,
    failure::Failure,
    git, open,
    progress::Progress,
    when::When,
};
use crate::{
    app,
    config::Config,
    ids::{EventId, first_at},
    model::Finding,
    rules::Texts,
    store::{Mode, Store, StoredEvent},
    trial::backtest::{Backtest, Examples, Fate, Report, RuleReport, Side},
};

/// Events that are read at once.
const BATCH: usize = 250;
/// Threads that match.
const THREADS: usize = 2;
/// Lines of one difference that are shown to people.
const DIFF: usize = 40;

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire backtest                            the workspace against what is in force\n  \
    bellwire backtest --since 7d --rule calls/missed\n  \
    bellwire backtest --against main --fail-on-change\n  \
    bellwire backtest --against ../before --json\n  \
    bellwire backtest --url https://bellwire.example.com       the files here against what a server has in force\n\n\
    Nothing is sent: reads are answered by the packs' samples, waits time out. Both sides see the settings as they are now.\n\
    `threshold`, `once`, `digest` and `concurrency` are taken as passed.\n\n\
    Exit code 1 where the workspace has errors, and with --fail-on-change where anything would be other."
)]
pub(super) struct Options {
    /// Events since then: 30d, 2h or 2026-03-01T10:00:00Z
    #[arg(long, default_value = "30d", value_name = "TIME")]
    pub(super) since: When,
    /// Events up to then; now unless set
    #[arg(long, value_name = "TIME")]
    pub(super) until: Option<When>,
    /// The old rules: a commit, or the folder of a workspace; those in force unless set
    #[arg(long, value_name = "COMMIT|DIR")]
    pub(super) against: Option<String>,
    /// Only this rule, such as calls/missed
    #[arg(long)]
    pub(super) rule: Option<String>,
    /// Examples that are shown of each kind, a rule
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub(super) limit: u16,
    /// With --url: the files that the server has, in place of those here
    #[arg(long)]
    pub(super) there: bool,
    /// Exit code 1 where anything would be other
    #[arg(long)]
    pub(super) fail_on_change: bool,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(workspace: &Path, options: &Options) -> Result<Answer, Failure> {
    if options.there {
        return Err(Failure::Usage(
            "--there goes with --url: without a server, the files here are all there is".to_owned(),
        ));
    }
    let config = open::settings(workspace)?;
    let new = app::check(&config);
    let errors: Vec<&Finding> = new.findings.iter().filter(|finding| finding.is_error()).collect();
    if !errors.is_empty() {
        return Ok(broken(&errors, options.json));
    }
    if open::is_unborn(&config)? {
        return Err(Failure::No("no events are stored for this workspace yet; see `bellwire events list`".to_owned()));
    }
    let store = open::store(&config, Mode::Read)?;
    let (old, named) = old_side(&config, &store, options.against.as_deref())?;
    let left_out = old.findings.iter().filter(|finding| finding.is_error()).count();
    if let Some(rule) = &options.rule
        && !new.set.rules.contains_key(rule.as_str())
        && !old.set.rules.contains_key(rule.as_str())
    {
        return Err(Failure::No(format!("neither side has a rule `{}`", clean(rule, 128))));
    }
    let side =
        |compiled: &app::Compiled| Side { set: Arc::clone(&compiled.set), registry: Arc::clone(&compiled.registry) };
    let backtest = Arc::new(Backtest::new(
        side(&old),
        side(&new),
        config.vars.clone(),
        options.rule.as_deref(),
        usize::from(options.limit),
    ));
    let report = if backtest.is_idle() { Report::default() } else { over_events(&store, &backtest, options)? };
    let changed = report.is_changed();
    let answer = if options.json {
        let mut value = as_json(&fates(&backtest), &report, &named);
        value["old"] = json!(old.set.digest.to_string());
        value["new"] = json!(new.set.digest.to_string());
        Answer::json(&value)
    } else {
        Answer::text(as_text(&fates(&backtest), &report, &named))
    };
    let answer = if left_out > 0 {
        answer.note(&format!("bellwire: {} in the old rules: those files are left out", count(left_out, "error")))
    } else {
        answer
    };
    Ok(answer.exit(u8::from(options.fail_on_change && changed)))
}

fn broken(errors: &[&Finding], json: bool) -> Answer {
    if json {
        return Answer::json(&json!({"errors": errors.len(), "findings": errors})).exit(1);
    }
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Answer::text(format!("{}\n{} in the workspace: mend them first", lines.join("\n"), count(errors.len(), "error")))
        .exit(1)
}

/// The old rules and what they are called.
fn old_side(config: &Config, store: &Store, against: Option<&str>) -> Result<(app::Compiled, String), Failure> {
    let Some(against) = against else {
        let texts = open::block_on(async {
            Ok(match store.in_force().await? {
                Some(set) => store.set_texts(set).await?,
                None => None,
            })
        })?;
        let texts = texts
            .ok_or_else(|| Failure::No("no rules were ever in force here; name others with --against".to_owned()))?;
        return Ok((app::compile(&Texts(Arc::new(texts.into_iter().collect())), config), "those in force".to_owned()));
    };
    let shown = clean(against, 64);
    if Path::new(against).is_dir() {
        return Ok((app::of_folder(Path::new(against), config), format!("those of {shown}")));
    }
    let folder = tempfile::tempdir().map_err(|error| Failure::Storage(format!("no temporary folder: {error}")))?;
    git::export(&config.workspace, against, folder.path()).map_err(Failure::No)?;
    Ok((app::of_folder(folder.path(), config), format!("those of commit {shown}")))
}

/// Reads events on this thread's runtime and matches them on others.
fn over_events(store: &Store, backtest: &Arc<Backtest>, options: &Options) -> Result<Report, Failure> {
    let now = open::clock().now();
    let after = EventId(first_at(options.since.at(now)).saturating_sub(1));
    let until = options.until.map_or(i64::MAX, |until| first_at(until.at(now)));
    let (send, receive) = mpsc::sync_channel::<Vec<StoredEvent>>(THREADS);
    let receive = Mutex::new(receive);
    std::thread::scope(|scope| {
        let worker = || {
            let mut report = Report::default();
            loop {
                let batch = receive.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(batch) = batch else { return report };
                backtest.look(&batch, &mut report);
            }
        };
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(worker)).collect();
        let read = open::block_on(read_all(store, backtest, (after, EventId(until)), &send));
        drop(send);
        let mut report = Report::default();
        for worker in workers {
            let part = worker.join().map_err(|_| Failure::Storage("a matching thread died".to_owned()))?;
            report.merge(part);
        }
        read?;
        for rule in report.rules.values_mut() {
            let RuleReport { appeared, gone, differs, errors, .. } = rule;
            [appeared, gone, differs, errors].into_iter().for_each(Examples::sort);
        }
        Ok(report)
    })
}

async fn read_all(
    store: &Store,
    backtest: &Arc<Backtest>,
    (mut after, upto): (EventId, EventId),
    send: &mpsc::SyncSender<Vec<StoredEvent>>,
) -> Result<(), Failure> {
    let mut progress = Progress::new("events", store.events_counted(after, upto).await?);
    let asked = Arc::clone(backtest);
    let wanted: Arc<dyn Fn(&str) -> bool + Send + Sync> = Arc::new(move |kind| asked.wants(kind));
    loop {
        let batch = store.event_page(Arc::clone(&wanted), after, upto, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(()) };
        after = last.id;
        progress.add(u64::try_from(batch.len()).unwrap_or(u64::MAX));
        if send.send(batch).is_err() {
            return Ok(());
        }
    }
}

/// Rules that are not the same on both sides, each with what became of it.
fn fates(backtest: &Backtest) -> Vec<(String, &'static str)> {
    backtest.fates().iter().map(|(id, of)| (id.to_string(), fate(*of))).collect()
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Added => "new",
        Fate::Removed => "gone",
        Fate::Changed => "changed",
    }
}

/// What was found, as people read it.
pub(super) fn as_text(fates: &[(String, &'static str)], report: &Report, named: &str) -> String {
    if fates.is_empty() {
        return format!("The rules are the same as {named}: nothing would be other.");
    }
    let mut text = format!(
        "{} of {} against {named}: {} other, {} looked at\n",
        "The workspace's rules",
        "now",
        count(fates.len(), "rule"),
        count(usize::try_from(report.events).unwrap_or(usize::MAX), "event"),
    );
    for (why, number) in
        [("without their body (retention)", report.without_body), ("that no longer read", report.unreadable)]
    {
        if number > 0 {
            text.push_str(&format!("{number} of them {why} were left out\n"));
        }
    }
    for (id, fate) in fates {
        text.push_str(&format!("\n{} ({fate})\n", clean(id, 96)));
        let Some(rule) = report.rules.get(id) else {
            text.push_str("  no event concerns it\n");
            continue;
        };
        text.push_str(&format!("  matched {} before, {} now\n", rule.matched_old, rule.matched_new));
        for (one, several, examples) in [
            ("matches now and did not", "match now and did not", &rule.appeared),
            ("no longer matches", "no longer match", &rule.gone),
            ("would do something else", "would do something else", &rule.differs),
            ("fails now and did not", "fail now and did not", &rule.errors),
        ] {
            text.push_str(&listed(if examples.count == 1 { one } else { several }, examples));
        }
        if !rule.is_changed() {
            text.push_str("  nothing would be other\n");
        }
    }
    text.push_str(if report.is_changed() { "\nSomething would be other.\n" } else { "\nNothing would be other.\n" });
    text
}

fn listed(what: &str, examples: &Examples) -> String {
    if examples.count == 0 {
        return String::new();
    }
    let mut text = format!("  {} {what}\n", count(usize::try_from(examples.count).unwrap_or(usize::MAX), "event"));
    let mut before = "";
    for example in &examples.shown {
        text.push_str(&format!("    {}  {}", example.event, example.received_at));
        if example.text == before {
            text.push_str("  the same\n");
            continue;
        }
        before = &example.text;
        if example.text.contains('\n') {
            text.push('\n');
            for line in example.text.lines().take(DIFF) {
                text.push_str(&format!("      {}\n", clean(line, 160)));
            }
            let more = example.text.lines().count().saturating_sub(DIFF);
            if more > 0 {
                text.push_str(&format!("      ({}; --json has all)\n", count(more, "more line")));
            }
        } else {
            text.push_str(&format!("  {}\n", clean(&example.text, 160)));
        }
    }
    text
}

/// The machine's form.
pub(super) fn as_json(fates: &[(String, &'static str)], report: &Report, named: &str) -> Value {
    let fates: serde_json::Map<String, Value> = fates.iter().map(|(id, of)| (id.clone(), json!(of))).collect();
    json!({
        "against": named,
        "events": report.events,
        "without_body": report.without_body,
        "unreadable": report.unreadable,
        "changed": report.is_changed(),
        "not_the_same": fates,
        "rules": machine(&report.rules),
    })
}
