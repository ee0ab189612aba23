//! A draft is tried: what is wrong with it, what it says to an event, what it would send, what its tests say. Nothing is sent or kept.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shown::{Shown, caused, shown};
use crate::{
    admin::{
        refused::Refused,
        rulefiles::RuleFile,
        state::Admin,
        workshop::{Checked, Draft, Dry, Tested},
    },
    ids::EventId,
    matcher::{Explanation, Held, Line, Subject},
    model::{Finding, Person, Place, Verdict},
    rules::Rule,
    secret::Masker,
    starts,
    store::StoredEvent,
    trial::{Given, explain::explain_rule, sample},
};

/// Time for one trial, with what it waits for.
const TIME: Duration = Duration::from_secs(5);
/// Time for the tests among it.
const TESTS: Duration = Duration::from_secs(2);
/// Bytes of a draft, or of all drafts that are checked together.
pub(in crate::admin) const LARGEST: usize = 512 * 1024;
/// Characters of one text of an answer; a payload may hold megabytes.
const LONGEST: usize = 64 * 1024;

/// A draft to be tried.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Trial {
    /// From the workspace: `rules/calls/missed.yaml`.
    pub(in crate::admin) path: String,
    pub(in crate::admin) text: String,
    /// A stored event, `evt_...`.
    #[serde(default)]
    pub(in crate::admin) event: Option<String>,
    /// A sample of a pack, `gruveo.call/missed`.
    #[serde(default)]
    pub(in crate::admin) sample: Option<String>,
    /// What it would send is shown also where it does not match.
    #[serde(default)]
    pub(in crate::admin) force: bool,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub(in crate::admin) struct Tried {
    pub(in crate::admin) findings: Vec<Shown>,
    /// No error is among them.
    pub(in crate::admin) ok: bool,
    /// `None`: no event, or the draft does not hold.
    pub(in crate::admin) explain: Option<Value>,
    pub(in crate::admin) dry: Option<Value>,
    pub(in crate::admin) tests: Vec<Value>,
    /// What kept a part of it from being tried, a sentence each.
    pub(in crate::admin) notes: Vec<String>,
}

/// That so many bytes of drafts are not looked at.
pub(in crate::admin) fn too_large() -> Refused {
    Refused::new(413, "too_large", "The drafts are longer than 512 KiB together.")
}

/// Tries a draft, when it is its turn, within seconds.
pub(in crate::admin) async fn tried(admin: &Admin, person: &Person, trial: Trial) -> Result<Tried, Refused> {
    let slow = || {
        let mut refused = Refused::new(503, "slow", "Trying this draft takes more than 5 seconds. It was given up.");
        refused.retry_after = Some(1);
        refused
    };
    if trial.text.len() > LARGEST {
        return Err(too_large());
    }
    let (event, missed) = stored(admin, trial.event.as_deref()).await?;
    let all = async {
        let turn = admin.trials().turn(person.id).await?;
        let admin = admin.clone();
        super::look::blocking(move || {
            let mut tried = one(&admin, &trial, event.as_ref());
            tried.notes.extend(missed);
            // Given back when the thread is done, also where nobody waits any more.
            drop(turn);
            Ok(tried)
        })
        .await
    };
    tokio::time::timeout(TIME, all).await.unwrap_or_else(|_| Err(slow()))
}

/// The stored event, or why it cannot be had.
async fn stored(admin: &Admin, id: Option<&str>) -> Result<(Option<StoredEvent>, Option<String>), Refused> {
    let Some(id) = id.filter(|id| !id.is_empty()) else { return Ok((None, None)) };
    let id: EventId = id.parse().map_err(|error| Refused::invalid(format!("{error}.")))?;
    Ok(match admin.store.event(id).await? {
        Some(found) => (Some(found.event), None),
        None => (None, Some(format!("There is no event {id} any more."))),
    })
}

fn one(admin: &Admin, trial: &Trial, event: Option<&StoredEvent>) -> Tried {
    let nothing = |findings: Vec<Finding>| Tried {
        ok: !findings.iter().any(Finding::is_error),
        findings: shown(&findings, &trial.path, &trial.text),
        explain: None,
        dry: None,
        tests: Vec::new(),
        notes: Vec::new(),
    };
    let file = match RuleFile::known(&trial.path) {
        Ok(file) => file,
        Err(why) => return nothing(vec![Finding::error("R013", &trial.path, Place::default(), why)]),
    };
    let before = {
        let workshop = Arc::clone(&admin.workshop);
        let state = workshop.texts().digest();
        admin.desk().before(state, move || workshop.check(&[]).findings)
    };
    let draft = Draft { path: trial.path.clone(), text: Some(trial.text.clone()) };
    let checked = admin.workshop.check(&[draft]);
    let mut findings = caused(&checked.findings, &before, std::slice::from_ref(&trial.path));
    let rule = checked.set.rules.get(file.id()).filter(|rule| *rule.file == *trial.path);
    let Some(rule) = rule else { return nothing(findings) };
    let Tested { reports, findings: faults, left } = admin.workshop.tests(&checked, rule, TESTS);
    findings.extend(faults);
    let mut tried = nothing(findings);
    let masker = admin.vault.masker();
    tried.tests = reports
        .iter()
        .map(|report| {
            let message = report.misses.iter().map(|miss| miss.message.as_str()).collect::<Vec<_>>().join("; ");
            let mut test = json!({
                "name": report.name, "ok": report.passed(), "message": message, "line": report.place.line,
                "misses": report.misses,
            });
            mask(&mut test, &masker);
            test
        })
        .collect();
    let unrun = |(name, line): (String, u32)| json!({"name": name, "ok": false, "message": "not run: out of time", "line": line});
    tried.tests.extend(left.into_iter().map(unrun));
    match subject(admin, trial, event, &checked, rule) {
        Ok(Some(subject)) => {
            tried.explain = Some(explained(&explain_rule(rule, &subject, &admin.config.vars), &masker));
            let Dry { run, notes } = admin.workshop.dry_run(&checked, rule, &subject, trial.force);
            tried.dry = Some(dry(&run, notes, &masker));
        }
        Ok(None) => {}
        Err(why) => tried.notes.push(why),
    }
    tried
}

/// What it is tried on: the event, the sample, or for a rule that nobody sends events to one as it would start. `Err` is one sentence.
fn subject(
    admin: &Admin,
    trial: &Trial,
    event: Option<&StoredEvent>,
    checked: &Checked,
    rule: &Rule,
) -> Result<Option<Subject>, String> {
    if let Some(event) = event {
        return starts::subject_of(event, &checked.registry).map(Some);
    }
    let now = admin.clock.now();
    let given = match trial.sample.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => sample(&checked.registry, name).map_err(|(why, help)| format!("{why}; {help}"))?,
        None => match starts::by_hand(rule, Vec::new(), now) {
            Ok(fresh) => Given::payload(&fresh.kind, fresh.event),
            Err(_) => return Ok(None),
        },
    };
    given.subject(&checked.registry, now, 1).map(|(subject, _)| Some(subject))
}

fn explained(table: &Explanation, masker: &Masker) -> Value {
    let (word, message) = match &table.verdict {
        Verdict::Matched => ("matched", String::new()),
        Verdict::NotMatched(evidence) => ("not_matched", evidence.note.clone()),
        Verdict::Error { message } => ("error", message.clone()),
        Verdict::Undecided => ("undecided", String::new()),
    };
    let failed = matches!(table.verdict, Verdict::Error { .. });
    let conditions: Vec<Value> =
        table.lines.iter().map(|line| condition(line, failed && message.contains(&line.note))).collect();
    let mut value = json!({
        "verdict": word, "message": message, "hears": table.hears, "conditions": conditions, "vars": table.vars,
        "faults": table.faults,
    });
    mask(&mut value, masker);
    value
}

fn condition(line: &Line, is_error: bool) -> Value {
    let verdict = match line.held {
        Held::Yes => "pass",
        Held::No if is_error && !line.note.is_empty() => "error",
        Held::No => "fail",
        Held::NotAsked => "skipped",
    };
    let text = if line.group.is_empty() {
        format!("{} {} {}", line.path, line.operator, line.wanted)
    } else {
        line.group.to_owned()
    };
    json!({
        "depth": line.depth, "group": line.group, "text": text, "path": line.path, "operator": line.operator,
        "wanted": line.wanted, "seen": line.seen, "verdict": verdict, "decisive": line.decisive, "note": line.note,
        "line": line.place.line, "column": line.place.column,
    })
}

/// A dry run as the editor takes it. Credentials are names in `‹›` already; what a payload holds of one is masked here.
fn dry(run: &crate::trial::DryRun, notes: Vec<String>, masker: &Masker) -> Value {
    let exchange = |exchange: &crate::trial::Exchange| {
        let wire = exchange.request.as_ref();
        json!({
            "step": exchange.step, "id": exchange.id, "action": exchange.action, "attempt": exchange.attempt,
            "method": wire.map(|wire| wire.method.as_str()), "url": wire.map(|wire| wire.url.as_str()),
            "headers": wire.map(|wire| wire.headers.clone()).unwrap_or_default(),
            "body": wire.and_then(|wire| wire.body.as_deref()),
            "status": exchange.status, "reply": exchange.reply,
            "refused": exchange.refused.as_ref().map(|error| format!("{}: {}", error.class.word(), error.message)),
        })
    };
    let effect = |(action, inputs): &(String, Value)| json!({"action": action, "inputs": inputs});
    let mut value = json!({
        "outcome": run.outcome, "message": run.message,
        "exchanges": run.exchanges.iter().map(exchange).collect::<Vec<_>>(),
        "effects": run.effects.iter().map(effect).collect::<Vec<_>>(),
        "steps": run.steps, "notes": notes,
    });
    mask(&mut value, masker);
    value
}

/// Masks and cuts every text in a value.
fn mask(value: &mut Value, masker: &Masker) {
    match value {
        Value::String(text) => {
            let safe = masker.mask(text);
            *text = if safe.len() > LONGEST { safe.chars().take(LONGEST).chain(['…']).collect() } else { safe };
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| mask(inner, masker)),
        Value::Object(map) => {
            let whole = std::mem::take(map);
            map.extend(whole.into_iter().map(|(name, mut inner)| {
                mask(&mut inner, masker);
                (masker.mask(&name), inner)
            }));
        }
        _ => {}
    }
}
