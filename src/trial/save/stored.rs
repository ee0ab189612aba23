//! A stored event, and what became of it, as the files that a test is made of.

use std::{fs, io, path::Path, sync::Arc};

use serde_json::{Value, json};

use super::{Mask, Recorded, Saved, saved};
use crate::{
    ids::EventId,
    rules::{Rule, Set},
    services::{Reading, Registry},
    starts,
    store::{EventDetail, RunDetail, Store, StoreError},
    value::Object,
};

/// Characters of a fixture's name.
const LONGEST: usize = 80;

/// What a test and its fixture are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Of the test.
    pub test: String,
    /// Of the fixture, without folder and ending.
    pub file: String,
}

impl Names {
    /// By what a person called the test; without that, by rule and event.
    pub fn of(name: Option<&str>, rule: &Rule, event: EventId) -> Self {
        let test = name.map_or_else(|| format!("{} on {event}", rule.name), str::to_owned);
        let source = name.map_or_else(|| event.to_string(), str::to_lowercase);
        let mut file = String::new();
        for c in source.chars().take(LONGEST) {
            match c {
                'a'..='z' | '0'..='9' | '_' => file.push(c),
                _ if !file.ends_with('-') && !file.is_empty() => file.push('-'),
                _ => {}
            }
        }
        let file = file.trim_end_matches('-');
        Self { test, file: if file.is_empty() { event.to_string() } else { file.to_owned() } }
    }

    /// The fixture's path from the workspace, beside the file of the rule.
    pub fn fixture(&self, rule_file: &str) -> String {
        let folder = rule_file.rsplit_once('/').map_or("rules", |(folder, _)| folder);
        format!("{folder}/fixtures/{}.json", self.file)
    }

    /// Whether the rule has a test of this name already.
    pub fn is_taken(&self, rule: &Rule) -> bool {
        rule.tests.iter().any(|test| test.get("name").and_then(Value::as_str) == Some(&self.test))
    }
}

/// The newest run of a rule on an event that is over.
pub async fn newest_run(store: &Store, detail: &EventDetail, rule: &str) -> Result<Option<RunDetail>, StoreError> {
    match detail.runs.iter().find(|run| run.rule == rule && run.status.is_final()) {
        Some(row) => store.run(row.id).await,
        None => Ok(None),
    }
}

/// The rules and packs that something is decided by.
pub type Decided<'d> = (&'d Set, &'d Registry);

/// The fixture and the test of `rule` on an event. `run` is what came of it, and `old` what that ran by. `Err` is one sentence.
pub fn made(
    names: &Names,
    rule: &Arc<Rule>,
    registry: &Registry,
    vars: &Object,
    mut detail: EventDetail,
    run: Option<(&RunDetail, Option<Decided<'_>>)>,
    masks_people: bool,
) -> Result<(Value, Saved), String> {
    let id = detail.row.id;
    let bytes = detail.event.body.as_deref().ok_or_else(|| format!("the body of {id} was deleted by retention"))?;
    let read = Reading::kept(&detail.event.meta).read(bytes);
    let mut body = read.map_err(|refused| format!("the body of {id} no longer reads: {}", refused.detail))?.value;
    let mut mask = Mask::new(masks_people);
    let untrusted = detail
        .event
        .service
        .as_deref()
        .and_then(|service| registry.pack(service))
        .zip(detail.event.kind.split_once('.'))
        .and_then(|(pack, (_, name))| pack.events.get(name))
        .map(|known| known.untrusted.clone())
        .unwrap_or_default();
    mask.payload(&mut body, &untrusted);
    // From here on it is what a fixture holds: JSON of what rules see.
    detail.event.body = Some(body.to_string().into_bytes());
    Reading::JSON.keep(&mut detail.event.meta);
    let old = run.and_then(|(_, old)| old);
    let (ran, registry) =
        old.and_then(|(set, registry)| Some((set.rules.get(&rule.id)?, registry))).unwrap_or((rule, registry));
    let subject = starts::subject_of(&detail.event, registry)?;
    let recorded = run.map(|(run, _)| recorded(run));
    let fixture = format!("{}.json", names.file);
    let recorded = recorded.as_ref().map(|recorded| (recorded, &mut mask));
    let test = saved(&names.test, &fixture, (ran, rule), &subject, vars, registry, recorded);
    Ok((json!({"type": detail.event.kind, "body": body}), test))
}

fn recorded(run: &RunDetail) -> Recorded {
    let attempts = run.attempts.iter().map(|attempt| {
        let reply = attempt.reply.as_deref().map_or(Value::Null, |bytes| {
            let text = || Value::String(String::from_utf8_lossy(bytes).into_owned());
            serde_json::from_slice(bytes).unwrap_or_else(|_| text())
        });
        (attempt.step.clone(), reply)
    });
    Recorded { attempts: attempts.collect(), outputs: run.outputs.clone() }
}

/// Writes a file beside the old one and puts it in its place: whoever reads sees one or the other, whole.
pub fn replace(file: &Path, text: &str) -> io::Result<()> {
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
