//! `/rules`: every rule with its state, what it did lately, and when it is started next.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use askama::Template;
use rocket::State;

use super::{
    forms::told,
    spark::{Spark, spark},
};
use crate::{
    admin::{
        rulefiles::{Standing, standing},
        state::Admin,
        view::{Frame, Page, page},
    },
    clock::Time,
    model::{Finding, Person, RunStatus},
    rules::{On, Rule},
    starts::InForce,
    store::{RuleFacts, Spans},
};

/// Rules of a page: their charts and forms make rows large.
const PAGE: usize = 25;
/// Rules that are asked of the store at once.
const CHUNK: usize = 50;
/// Days of the small chart.
pub(super) const DAYS: usize = 14;
/// Runs of one rule that are counted for it on its own page, and in the list, where there are many of them.
pub(super) const COUNTED: usize = 1_000;
const COUNTED_EACH: usize = 250;
/// Time for a search: then the rest is offered.
const TIME: Duration = Duration::from_millis(300);

/// How a rule stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Enabled,
    Disabled,
    /// Its file is not what is in force.
    Held,
}

impl Stand {
    fn word(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Held => "held back",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Held => "held",
        }
    }
}

/// A rule before the store was asked for it.
struct Known {
    id: String,
    /// Its file, from the workspace.
    path: String,
    name: String,
    on: String,
    stand: Stand,
    /// The errors of its file.
    findings: Vec<Finding>,
    next: Option<Time>,
    is_manual: bool,
}

/// A row of the list.
struct Row {
    known: Known,
    last: Option<(String, Time, RunStatus)>,
    last_end: Option<RunStatus>,
    spark: Spark,
}

/// Rows of one folder.
struct Folder {
    name: String,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "rules.html")]
struct List {
    frame: Frame,
    folders: Vec<Folder>,
    shown: usize,
    all: usize,
    q: String,
    state: String,
    folder: String,
    all_folders: Vec<String>,
    held: Vec<Finding>,
    standing: Standing,
    in_force: String,
    /// Where the list goes on. Empty: it does not.
    older: String,
    /// The list goes on since time ran out, not since the page is full.
    is_slow: bool,
}

#[rocket::get("/rules?<q>&<state>&<folder>&<after>&<did>")]
pub(super) async fn list(
    admin: &State<Admin>,
    person: &Person,
    q: Option<&str>,
    state: Option<&str>,
    folder: Option<&str>,
    after: Option<&str>,
    did: Option<&str>,
) -> Page {
    let begun = Instant::now();
    let in_force = (admin.in_force)();
    let now = admin.clock.now();
    let held: Vec<Finding> = admin.workshop.held_back().into_iter().filter(Finding::is_error).collect();
    let (known, standing) = {
        let (admin, in_force, held) = (Admin::clone(admin), in_force.clone(), held.clone());
        let both = tokio::task::spawn_blocking(move || {
            (known(&admin, &in_force, &held, now), standing(&admin.config.workspace))
        });
        both.await.unwrap_or_default()
    };
    let all = known.len();
    let all_folders: BTreeSet<String> = known.iter().map(|rule| folder_of(&rule.id).to_owned()).collect();
    let (q, state, folder) = (q.unwrap_or_default(), state.unwrap_or_default(), folder.unwrap_or_default());
    let fits = |rule: &Known| is_found(rule, q) && (folder.is_empty() || folder_of(&rule.id) == folder);
    let after = after.unwrap_or_default();
    let mut left = known.into_iter().filter(|rule| rule.id.as_str() > after && fits(rule)).peekable();
    let mut rows: Vec<Row> = Vec::new();
    let (mut last_seen, mut is_slow) = (String::new(), false);
    while rows.len() < PAGE && left.peek().is_some() {
        if begun.elapsed() > TIME {
            is_slow = true;
            break;
        }
        let chunk: Vec<Known> = left.by_ref().take(CHUNK.min(PAGE - rows.len())).collect();
        last_seen = chunk.last().map(|rule| rule.id.clone()).unwrap_or_default();
        rows.extend(with_facts(admin, chunk, now).await?.into_iter().filter(|row| is_wanted(row, state)));
    }
    let older = if left.peek().is_some() {
        address(&[("q", q), ("state", state), ("folder", folder), ("after", &last_seen)])
    } else {
        String::new()
    };
    let mut frame = Frame::new(admin, person, "/rules", "Rules");
    told(did).clone_into(&mut frame.notice);
    page(&List {
        frame,
        shown: rows.len(),
        folders: in_folders(rows),
        all,
        q: q.to_owned(),
        state: state.to_owned(),
        folder: folder.to_owned(),
        all_folders: all_folders.into_iter().collect(),
        held,
        standing,
        in_force: in_force.set.digest.to_string().chars().take(12).collect(),
        older,
        is_slow,
    })
}

/// Every rule in force, and every file that is held back, by id.
fn known(admin: &Admin, in_force: &InForce, held: &[Finding], now: Time) -> Vec<Known> {
    let mut all: BTreeMap<String, Known> = BTreeMap::new();
    for rule in in_force.set.rules.values() {
        all.insert(rule.id.to_string(), of_rule(rule, now));
    }
    if !held.is_empty() {
        for (id, path) in unlike(admin, in_force) {
            let own = held.iter().filter(|finding| finding.file == path).cloned().collect();
            let known = all.entry(id.clone()).or_insert_with(|| bare(id, path.clone()));
            (known.stand, known.findings) = (Stand::Held, own);
        }
    }
    all.into_values().collect()
}

/// Rule files on disk that are not what is in force: id and path.
fn unlike(admin: &Admin, in_force: &InForce) -> Vec<(String, String)> {
    let disk = admin.workshop.texts();
    let is_rule = |path: &&String| path.starts_with("rules/") && !path.split('/').any(|part| part == "fixtures");
    let changed = disk.0.iter().filter(|(path, text)| in_force.set.texts.0.get(*path) != Some(text));
    let id = |path: &String| {
        let id = path.strip_prefix("rules/")?;
        Some((id.strip_suffix(".yaml").or_else(|| id.strip_suffix(".yml"))?.to_owned(), path.clone()))
    };
    changed.map(|(path, _)| path).filter(is_rule).filter_map(id).collect()
}

fn bare(id: String, path: String) -> Known {
    Known {
        name: id.clone(),
        id,
        path,
        on: String::new(),
        stand: Stand::Held,
        findings: Vec::new(),
        next: None,
        is_manual: false,
    }
}

fn of_rule(rule: &Arc<Rule>, now: Time) -> Known {
    let next = rule.schedules().filter_map(|schedule| schedule.next_after(now)).min();
    Known {
        id: rule.id.to_string(),
        path: rule.file.to_string(),
        name: rule.name.clone(),
        on: rule.on.iter().map(on_words).collect::<Vec<_>>().join(", "),
        stand: if rule.enabled { Stand::Enabled } else { Stand::Disabled },
        findings: Vec::new(),
        next: next.filter(|_| rule.enabled),
        is_manual: rule.on.iter().any(|on| matches!(on, On::Manual { .. } | On::Schedule(_))),
    }
}

/// What starts a rule, in words.
pub(super) fn on_words(on: &On) -> String {
    match on {
        On::Type { event, .. } => event.clone(),
        On::Service { service, .. } => format!("{service}.*"),
        On::Manual { .. } => "by hand".to_owned(),
        On::Schedule(schedule) => schedule.words(),
        On::Poll(_) => "a poll".to_owned(),
    }
}

/// The folder of a rule's id; empty for the top.
fn folder_of(id: &str) -> &str {
    id.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn is_found(rule: &Known, q: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(&q.trim().to_lowercase());
    q.trim().is_empty() || has(&rule.id) || has(&rule.name) || has(&rule.on)
}

fn is_wanted(row: &Row, state: &str) -> bool {
    match state {
        "failing" => row.last_end == Some(RunStatus::Failed),
        "never" => row.last.is_none(),
        "enabled" => row.known.stand == Stand::Enabled,
        "disabled" => row.known.stand == Stand::Disabled,
        "held" => row.known.stand == Stand::Held,
        _ => true,
    }
}

async fn with_facts(admin: &Admin, rules: Vec<Known>, now: Time) -> Result<Vec<Row>, crate::store::StoreError> {
    let ids = rules.iter().map(|rule| rule.id.clone()).collect();
    let day = 86_400_000;
    let spans = Spans { until: now, length: day, count: DAYS, most: COUNTED_EACH };
    let facts = admin.store.rule_facts(ids, spans).await?;
    let row = |(known, facts): (Known, RuleFacts)| Row {
        known,
        last: facts.last.map(|(run, at, status)| (run.to_string(), at, status)),
        last_end: facts.last_end,
        spark: spark(&facts.spans, facts.is_cut),
    };
    Ok(rules.into_iter().zip(facts).map(row).collect())
}

fn in_folders(rows: Vec<Row>) -> Vec<Folder> {
    let mut folders: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows {
        folders.entry(folder_of(&row.known.id).to_owned()).or_default().push(row);
    }
    folders.into_iter().map(|(name, rows)| Folder { name, rows }).collect()
}

/// The list with these filters; those that are empty are left out.
fn address(fields: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()));
    format!("/rules?{}", query.finish())
}
