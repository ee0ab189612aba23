//! `/rules/show?id=`: one rule with its text, what is wrong with it, its tests and what it did.

use std::{path::PathBuf, sync::Arc, time::Duration};

use askama::Template;
use rocket::State;

use super::{
    forms::told,
    list::{COUNTED, DAYS, on_words},
    spark::{Spark, spark},
};
use crate::{
    admin::{
        act::rules::{self as act, OnDisk},
        refused::Refused,
        rulefiles::{Standing, standing},
        state::Admin,
        view::{Frame, Page, page},
    },
    clock::Time,
    model::{Finding, Person},
    rules::{On, Rule},
    store::{EventFilter, EventRow, RunFilter, RunRow, Spans},
    trial::Report,
};

/// Time for the tests of a rule whose page is looked at.
const TESTS: Duration = Duration::from_secs(1);
/// Runs and events that are listed.
const LISTED: usize = 10;

/// A line of the text with what is wrong in it.
struct Line {
    number: u32,
    text: String,
    findings: Vec<Finding>,
}

#[derive(Template)]
#[template(path = "rule.html")]
struct Show {
    frame: Frame,
    id: String,
    encoded: String,
    name: String,
    description: String,
    on: Vec<String>,
    state: &'static str,
    is_enabled: bool,
    /// What is on disk is what decides.
    is_in_force: bool,
    can_run: bool,
    path: String,
    digest: String,
    lines: Vec<Line>,
    /// Of the whole file, and of other files that hold it back.
    findings: Vec<Finding>,
    tests: Vec<Report>,
    left: usize,
    runs: Vec<RunRow>,
    events: Vec<EventRow>,
    spark: Spark,
    next: Option<Time>,
    standing: Standing,
}

#[rocket::get("/rules/show?<id>&<did>")]
pub(super) async fn show(admin: &State<Admin>, person: &Person, id: &str, did: Option<&str>) -> Page {
    shown(admin, person, id, did).await
}

/// The same by its path: `/rules/calls/missed`.
#[rocket::get("/rules/<path..>?<did>", rank = 20)]
pub(super) async fn by_path(admin: &State<Admin>, person: &Person, path: PathBuf, did: Option<&str>) -> Page {
    let id = path.to_str().unwrap_or_default();
    let id = id.strip_suffix(".yaml").unwrap_or(id);
    shown(admin, person, id, did).await
}

/// What checking and testing a rule's file gave.
#[derive(Default)]
struct Looked {
    findings: Vec<Finding>,
    tests: Vec<Report>,
    left: usize,
    standing: Standing,
    /// As it is on disk.
    rule: Option<Arc<Rule>>,
}

async fn shown(admin: &Admin, person: &Person, id: &str, did: Option<&str>) -> Page {
    let in_force = (admin.in_force)();
    let running = in_force.set.rules.get(id).cloned();
    let disk = act::on_disk(admin, id).await?;
    if disk.is_none() && running.is_none() {
        let shown: String = id.chars().take(120).collect();
        return Err(Refused::missing(&format!("rule `{}`", shown.escape_debug())));
    }
    let looked = looked(admin, person, disk.as_ref(), id).await?;
    let rule = looked.rule.clone().or_else(|| running.clone());
    let now = admin.clock.now();
    let spans = Spans { until: now, length: 86_400_000, count: DAYS, most: COUNTED };
    let facts = admin.store.rule_facts(vec![id.to_owned()], spans).await?.into_iter().next().unwrap_or_default();
    let filter = RunFilter { rule: Some(id.to_owned()), limit: Some(LISTED), ..RunFilter::default() };
    let runs = admin.store.runs(filter).await?;
    let path = disk.as_ref().map(|disk| disk.file.path());
    let text = disk.as_ref().map(|disk| disk.text.as_str());
    let is_in_force = match &path {
        Some(path) => in_force.set.texts.0.get(path).map(String::as_str) == text,
        None => false,
    };
    let state = match (&running, is_in_force) {
        (Some(rule), true) if rule.enabled => "enabled",
        (Some(_), true) => "disabled",
        _ => "held",
    };
    let path = path.unwrap_or_else(|| format!("rules/{id}.yaml"));
    let (own, mut others): (Vec<Finding>, Vec<Finding>) =
        looked.findings.into_iter().partition(|finding| finding.file == path);
    // What is wrong elsewhere matters to this rule where it keeps it from coming into force.
    others.retain(|_| !is_in_force);
    let mut frame = Frame::new(admin, person, "/rules", rule.as_ref().map_or(id, |rule| rule.name.as_str()));
    told(did).clone_into(&mut frame.notice);
    let on = rule.as_ref().map(|rule| rule.on.iter().map(on_words).collect()).unwrap_or_default();
    let startable = |rule: &Arc<Rule>| rule.on.iter().any(|on| matches!(on, On::Manual { .. } | On::Schedule(_)));
    let (lines, own) = lines(text.unwrap_or_default(), own);
    page(&Show {
        frame,
        encoded: url::form_urlencoded::byte_serialize(id.as_bytes()).collect(),
        id: id.to_owned(),
        name: rule.as_ref().map_or_else(|| id.to_owned(), |rule| rule.name.clone()),
        description: rule.as_ref().and_then(|rule| rule.description.clone()).unwrap_or_default(),
        on,
        state,
        is_enabled: rule.as_ref().is_none_or(|rule| rule.enabled),
        is_in_force,
        can_run: running.as_ref().is_some_and(startable),
        path,
        digest: disk.map(|disk| disk.digest).unwrap_or_default(),
        lines,
        findings: own.into_iter().chain(others).collect(),
        tests: looked.tests,
        left: looked.left,
        runs,
        events: heard(admin, rule.as_deref()).await?,
        spark: spark(&facts.spans, facts.is_cut),
        next: running
            .filter(|rule| rule.enabled)
            .and_then(|rule| rule.schedules().filter_map(|one| one.next_after(now)).min()),
        standing: looked.standing,
    })
}

async fn looked(admin: &Admin, person: &Person, disk: Option<&OnDisk>, id: &str) -> Result<Looked, Refused> {
    let turn = admin.searches().turn(person.id).await?;
    let (admin, id) = (admin.clone(), id.to_owned());
    let path = disk.map(|disk| disk.file.path());
    let task = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let checked = admin.workshop.check(&[]);
        let rule = checked.set.rules.get(id.as_str()).cloned();
        let tested = rule.as_ref().map(|rule| admin.workshop.tests(&checked, rule, TESTS)).unwrap_or_default();
        let is_held = checked.findings.iter().any(Finding::is_error);
        let is_ours = |finding: &Finding| Some(&finding.file) == path.as_ref() || (is_held && finding.is_error());
        let findings = checked.findings.into_iter().filter(is_ours).chain(tested.findings).collect();
        let standing = standing(&admin.config.workspace);
        Looked { findings, tests: tested.reports, left: tested.left.len(), standing, rule }
    });
    Ok(task.await.unwrap_or_default())
}

/// The lines of a text with the findings of each, and the findings that are of no line.
fn lines(text: &str, findings: Vec<Finding>) -> (Vec<Line>, Vec<Finding>) {
    let mut lines: Vec<Line> = text
        .lines()
        .zip(1..)
        .map(|(text, number)| Line { number, text: text.to_owned(), findings: Vec::new() })
        .collect();
    let mut rest = Vec::new();
    for finding in findings {
        let row = usize::try_from(finding.place.line).ok().and_then(|line| line.checked_sub(1));
        match row.and_then(|row| lines.get_mut(row)) {
            Some(line) => line.findings.push(finding),
            None => rest.push(finding),
        }
    }
    (lines, rest)
}

/// The newest events that a rule listens to.
async fn heard(admin: &Admin, rule: Option<&Rule>) -> Result<Vec<EventRow>, Refused> {
    let mut found = Vec::new();
    let kinds = rule.map(|rule| act::heard_kinds(rule, &(admin.in_force)().registry)).unwrap_or_default();
    for kind in kinds.into_iter().take(20) {
        let filter = EventFilter { kind: Some(kind), limit: Some(LISTED), ..EventFilter::default() };
        found.extend(admin.store.events(filter).await?);
    }
    found.sort_by_key(|event: &EventRow| std::cmp::Reverse(event.id));
    found.truncate(LISTED);
    Ok(found)
}
