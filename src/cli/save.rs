//! `bellwire events save`: a stored event as a fixture and a test of a rule.

use std::{fs, io, sync::Arc};

use clap::Args;
use serde_json::Value;

use super::{
    answer::{Answer, clean},
    failure::Failure,
    open, pinned,
};
use crate::{
    app::{self, Compiled},
    config::Config,
    ids::EventId,
    model::Finding,
    rules::{Rule, Texts},
    store::{EventDetail, Mode, Store},
    trial::save::{Decided, Names, Saved, made, newest_run, replace, with_test},
};

#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bellwire events save evt_01hf3y8a9d000 --test calls/missed\n  \
    bellwire events save evt_01hf3y8a9d000 --test calls/missed --name 'no ticket' --mask\n\n\
    It writes the event into the folder `fixtures` beside the rule, and a test into the rule's file: with the recorded replies,\n\
    and what the run did as `expect`. The rest of the file stays as it is, comments too. Look at both before you share them:\n\
    values of names such as token, password and secret are masked; with --mask e-mails and telephone numbers where strangers\n\
    can write (what the pack marks untrusted) as well.")]
pub(super) struct Save {
    /// evt_...
    pub(super) id: EventId,
    /// The rule, such as calls/missed
    #[arg(long = "test", value_name = "RULE")]
    pub(super) rule: String,
    /// What the test is called; also names the fixture
    #[arg(long, value_name = "TEXT")]
    pub(super) name: Option<String>,
    /// Also mask e-mails and telephone numbers where strangers can write
    #[arg(long)]
    pub(super) mask: bool,
    /// Replace a fixture of that name
    #[arg(long)]
    pub(super) force: bool,
}

pub(super) fn run(config: &Config, options: &Save) -> Result<Answer, Failure> {
    let missing = || Failure::No(format!("there is no event {}; see `bellwire events list`", options.id));
    if open::is_unborn(config)? {
        return Err(missing());
    }
    let compiled = app::check(config);
    let rule = compiled.set.rules.get(options.rule.as_str()).ok_or_else(|| {
        Failure::No(format!(
            "the workspace has no rule `{}` that holds; see `bellwire check`",
            clean(&options.rule, 96)
        ))
    })?;
    let file = rule.file.to_string();
    let text = compiled.set.texts.0.get(&file).cloned().unwrap_or_default();
    let named = Names::of(options.name.as_deref(), rule, options.id);
    let fixture = named.fixture(&file);
    let target = config.workspace.join(&fixture);
    if target.exists() && !options.force {
        return Err(Failure::No(format!(
            "{fixture} is there already; choose another --name, or --force to replace it"
        )));
    }
    if named.is_taken(rule) {
        return Err(Failure::No(format!(
            "{file} has a test called `{}`; choose another --name",
            clean(&named.test, 96)
        )));
    }
    let (event, made) = open::block_on(async {
        let store = open::store(config, Mode::Read)?;
        let detail = store.event(options.id).await?.ok_or_else(missing)?;
        make(config, &store, &compiled, rule, detail, options.mask, &named).await
    })?;
    let edited = with_test(&text, &made.entry).map_err(|why| {
        Failure::No(format!("{file} was left as it is: {why}. The test, to be put in by hand:\n{:#}", made.entry))
    })?;
    holds(config, &compiled, &file, &edited)?;
    let storage = |error: io::Error, what: &str| Failure::Storage(format!("{what} cannot be written: {error}"));
    let pretty = format!("{}\n", serde_json::to_string_pretty(&event).unwrap_or_default());
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(|error| storage(error, &fixture))?;
    }
    replace(&target, &pretty).map_err(|error| storage(error, &fixture))?;
    replace(&config.workspace.join(&file), &edited).map_err(|error| storage(error, &file))?;
    Ok(saved_as(&fixture, &file, Some(&named.test), &made.notes))
}

/// What was written.
pub(super) fn saved_as(fixture: &str, file: &str, test: Option<&str>, notes: &[String]) -> Answer {
    let test = test.map_or_else(|| "a test".to_owned(), |test| format!("the test `{}`", clean(test, 96)));
    let (fixture, file) = (clean(fixture, 300), clean(file, 300));
    let mut answer =
        Answer::text(format!("wrote {fixture}\nadded {test} to {file}\nLook at both, then: bellwire test {file}"));
    for note in notes {
        answer.err.push_str(&format!("bellwire: {}\n", clean(note, 400)));
    }
    answer
}

/// The masked event, and the test.
async fn make(
    config: &Config,
    store: &Store,
    compiled: &Compiled,
    rule: &Arc<Rule>,
    detail: EventDetail,
    mask: bool,
    named: &Names,
) -> Result<(Value, Saved), Failure> {
    let run = newest_run(store, &detail, &rule.id).await?;
    let old = match &run {
        Some(run) => pinned::stored(config, store, run.set).await.ok(),
        None => None,
    };
    let decided: Option<Decided<'_>> = old.as_ref().map(|old| (&*old.set, &*old.registry));
    let run = run.as_ref().map(|run| (run, decided));
    made(named, rule, &compiled.registry, &config.vars, detail, run, mask).map_err(Failure::No)
}

/// The workspace with the edited file must have no error that it had not.
fn holds(config: &Config, before: &Compiled, file: &str, edited: &str) -> Result<(), Failure> {
    let mut texts = (*before.set.texts.0).clone();
    texts.insert(file.to_owned(), edited.to_owned());
    let after = app::compile(&Texts(Arc::new(texts)), config);
    let errors: Vec<String> = after
        .findings
        .iter()
        .filter(|finding| finding.is_error() && finding.file == file)
        .map(Finding::to_string)
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(Failure::No(format!("{file} was left as it is: with the test it would have errors\n{}", errors.join("\n"))))
}
