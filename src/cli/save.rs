//! `bellwire events save`: a stored event as a fixture and a test of a rule.

use std::{fs, io, path::Path, sync::Arc};

use clap::Args;
use serde_json::{Value, json};

use super::{
    answer::{Answer, clean},
    events::body_of,
    failure::Failure,
    open, pinned,
};
use crate::{
    app::{self, Compiled},
    config::Config,
    ids::EventId,
    model::Finding,
    rules::{Rule, Texts},
    services::Reading,
    starts,
    store::{EventDetail, Mode, RunDetail, Store},
    trial::save::{Mask, Recorded, Saved, saved, with_test},
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
    let named = names(options, rule);
    let folder = file.rsplit_once('/').map_or("rules", |(folder, _)| folder);
    let fixture = format!("{folder}/fixtures/{}.json", named.file);
    let target = config.workspace.join(&fixture);
    if target.exists() && !options.force {
        return Err(Failure::No(format!(
            "{fixture} is there already; choose another --name, or --force to replace it"
        )));
    }
    if rule.tests.iter().any(|test| test.get("name").and_then(Value::as_str) == Some(&named.test)) {
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
    let mut answer = Answer::text(format!(
        "wrote {fixture}\nadded the test `{}` to {file}\nLook at both, then: bellwire test {file}",
        clean(&named.test, 96)
    ));
    for note in &made.notes {
        answer.err.push_str(&format!("bellwire: {}\n", clean(note, 400)));
    }
    Ok(answer)
}

struct Names {
    test: String,
    /// Of the fixture, without ending.
    file: String,
}

fn names(options: &Save, rule: &Rule) -> Names {
    let test = options.name.clone().unwrap_or_else(|| format!("{} on {}", rule.name, options.id));
    let source = options.name.as_deref().map_or_else(|| options.id.to_string(), str::to_lowercase);
    let mut file = String::new();
    for c in source.chars().take(80) {
        match c {
            'a'..='z' | '0'..='9' | '_' => file.push(c),
            _ if !file.ends_with('-') && !file.is_empty() => file.push('-'),
            _ => {}
        }
    }
    let file = file.trim_end_matches('-');
    Names { test, file: if file.is_empty() { options.id.to_string() } else { file.to_owned() } }
}

/// The masked event, and the test.
async fn make(
    config: &Config,
    store: &Store,
    compiled: &Compiled,
    rule: &Arc<Rule>,
    mut detail: EventDetail,
    mask: bool,
    named: &Names,
) -> Result<(Value, Saved), Failure> {
    let gone = || Failure::No(format!("the body of {} was deleted by retention", detail.row.id));
    let read = Reading::kept(&detail.event.meta).read(detail.event.body.as_deref().ok_or_else(gone)?);
    let mut body = read
        .map_err(|refused| Failure::No(format!("the body of {} no longer reads: {}", detail.row.id, refused.detail)))?
        .value;
    let mut mask = Mask::new(mask);
    let untrusted = detail
        .event
        .service
        .as_deref()
        .and_then(|service| compiled.registry.pack(service))
        .zip(detail.event.kind.split_once('.'))
        .and_then(|(pack, (_, name))| pack.events.get(name))
        .map(|known| known.untrusted.clone())
        .unwrap_or_default();
    mask.payload(&mut body, &untrusted);
    // From here on it is what a fixture holds: JSON of what rules see.
    detail.event.body = Some(body.to_string().into_bytes());
    Reading::JSON.keep(&mut detail.event.meta);
    let run = newest(store, &detail, &rule.id).await?;
    let old = match &run {
        Some(run) => pinned::stored(config, store, run.set).await.ok(),
        None => None,
    };
    let (ran, registry) = old
        .as_ref()
        .and_then(|old| Some((old.set.rules.get(&rule.id)?, &old.registry)))
        .unwrap_or((rule, &compiled.registry));
    let subject = starts::subject_of(&detail.event, registry).map_err(Failure::No)?;
    let recorded = run.as_ref().map(recorded);
    let fixture = format!("{}.json", named.file);
    let made = saved(
        &named.test,
        &fixture,
        (ran, rule),
        &subject,
        &config.vars,
        registry,
        recorded.as_ref().map(|recorded| (recorded, &mut mask)),
    );
    Ok((json!({"type": detail.event.kind, "body": body}), made))
}

/// The newest run of a rule on an event that is over.
async fn newest(store: &Store, detail: &EventDetail, rule: &str) -> Result<Option<RunDetail>, Failure> {
    let found = detail.runs.iter().find(|run| run.rule == rule && run.status.is_final());
    Ok(match found {
        Some(row) => store.run(row.id).await?,
        None => None,
    })
}

fn recorded(run: &RunDetail) -> Recorded {
    let attempts = run.attempts.iter().map(|attempt| {
        let reply = attempt.reply.as_deref().map_or(Value::Null, body_of);
        (attempt.step.clone(), reply)
    });
    Recorded { attempts: attempts.collect(), outputs: run.outputs.clone() }
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

/// Writes a file beside the old one and puts it in its place: whoever reads sees one or the other, whole.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let new = tempfile::Builder::new().prefix(".bellwire").tempfile_in(folder)?;
    fs::write(new.path(), text)?;
    let permissions = match fs::metadata(file) {
        Ok(old) => old.permissions(),
        Err(_) => std::os::unix::fs::PermissionsExt::from_mode(0o644),
    };
    fs::set_permissions(new.path(), permissions)?;
    new.persist(file).map(drop).map_err(|error| error.error)
}
