//! `/runs/<id>`: the trace of a run.

use askama::Template;
use rocket::State;
use serde_json::Value;

use super::{
    attempts::{Exchange, exchange_of},
    gantt::{self, Gantt},
    holdup::{HeldUp, Paused, held_up, paused},
    replay::Form,
    texts::{DiffLine, difference},
    timeline::{Entry, timeline},
    words::{Line, ending, line_of},
};
use crate::{
    admin::{
        refused::Refused,
        said,
        state::Admin,
        view::{Frame, Markup, Page, page},
    },
    ids::{RunId, time_of},
    model::{AttemptKind, AttemptOutcome, Person, RunStatus},
    rules::{Rule, StepKind},
    starts::Book,
    store::{AttemptRow, RunDetail},
};

/// The tabs: word in the URL, name.
const TABS: [(&str, &str); 4] =
    [("steps", "Steps"), ("data", "Variables and results"), ("event", "Event"), ("rule", "Rule as it was")];
/// Characters of a body or result that are shown.
const SHOWN: usize = 64 * 1024;

#[derive(Template)]
#[template(path = "runs/show.html")]
struct Show {
    frame: Frame,
    trace: Trace,
    older: String,
    newer: String,
    repeats: Vec<Line>,
    form: Form,
}

#[derive(Template)]
#[template(path = "runs/live.html")]
struct Live {
    frame: Frame,
    trace: Trace,
}

/// The part of the page that changes while the run goes on.
#[expect(clippy::struct_excessive_bools, reason = "each is a part of the page that is there or not")]
struct Trace {
    line: Line,
    problem: String,
    set: String,
    started: Option<Markup>,
    ended: Option<Markup>,
    ending: String,
    held_up: Option<HeldUp>,
    paused: Option<Paused>,
    tab: &'static str,
    tabs: Vec<(&'static str, String)>,
    /// What it is about, newest first. Empty: the one event alone.
    events: Vec<(String, Markup)>,
    /// Who said what became of an attempt, and when.
    said: Vec<(String, Markup, &'static str)>,
    is_over: bool,
    can_cancel: bool,
    can_hasten: bool,
    is_fuse: bool,
    /// What is due is no attempt.
    is_read_next: bool,
    unknown: Option<Unknown>,
    entries: Vec<Entry>,
    /// There is no rule to draw the timeline by.
    is_lost: bool,
    gantt: Option<Gantt>,
    vars: String,
    results: Vec<(String, &'static str, String)>,
    event: Option<EventView>,
    rule_file: String,
    rule_text: String,
    difference: Vec<DiffLine>,
    /// What stands beside the rule's text: that it is the same as in force, changed, or gone.
    compared: &'static str,
}

/// An attempt without an answer.
struct Unknown {
    step: String,
    sent: Markup,
    exchange: Exchange,
    error: String,
    /// The action that the pack's `verify` would ask. Empty: it has none.
    asks: String,
    /// What was asked already, and what came of it.
    reads: Vec<(Markup, String)>,
    /// When it is asked next without anybody's doing. `None`: a person must say so.
    next: Option<Markup>,
    can_verify: bool,
}

struct EventView {
    kind: String,
    source: String,
    received: Markup,
    verified: String,
    meta: String,
    body: String,
}

#[rocket::get("/runs/<id>?<tab>&<did>")]
pub(super) async fn show(
    id: &str,
    tab: Option<&str>,
    did: Option<&str>,
    admin: &State<Admin>,
    person: &Person,
) -> Page {
    shown(admin, person, run_id(id)?, tab_of(tab), (did, None)).await
}

/// The whole page. `form`: what was sent of the form that repeats the run, where that did not fit.
pub(super) async fn shown(
    admin: &Admin,
    person: &Person,
    id: RunId,
    tab: &'static str,
    (did, form): (Option<&str>, Option<Form>),
) -> Page {
    let mut frame = Frame::new(admin, person, "/runs", format!("Run {id}"));
    frame.notice = notice(did).to_owned();
    let detail = crate::admin::act::runs::find(admin, id).await?;
    let pinned = admin.workshop.stored(detail.set).await?;
    let (older, newer) = admin.store.runs_beside(id).await?;
    let repeats = admin.store.repeats(id).await?.iter().map(|row| line_of(&frame, row)).collect();
    let trace = trace(admin, &frame, &detail, pinned.as_ref(), tab).await?;
    if did == Some("retried")
        && let Some(held_up) = &trace.held_up
    {
        frame.notice = format!("It is due now, and not sent yet. {}", held_up.sentence(frame.now));
    }
    let text =
        || text_in_force(admin, &detail.row.rule).unwrap_or_else(|| text_of(pinned.as_ref(), &detail.row.rule).1);
    let link = |run: Option<RunId>| run.map(|run| format!("/runs/{run}")).unwrap_or_default();
    page(&Show {
        older: link(older),
        newer: link(newer),
        repeats,
        form: form.unwrap_or_else(|| Form::of(text())),
        trace,
        frame,
    })
}

/// What is asked for again and again while the run goes on.
#[rocket::get("/runs/<id>/live?<tab>")]
pub(super) async fn live(id: &str, tab: Option<&str>, admin: &State<Admin>, person: &Person) -> Page {
    let (id, tab) = (run_id(id)?, tab_of(tab));
    let frame = Frame::new(admin, person, "/runs", format!("Run {id}"));
    let detail = crate::admin::act::runs::find(admin, id).await?;
    let pinned = admin.workshop.stored(detail.set).await?;
    let trace = trace(admin, &frame, &detail, pinned.as_ref(), tab).await?;
    page(&Live { frame, trace })
}

pub(super) fn run_id(text: &str) -> Result<RunId, Refused> {
    text.parse().map_err(|_| Refused::missing("run of that id"))
}

fn tab_of(word: Option<&str>) -> &'static str {
    let known = TABS.into_iter().find(|(known, _)| word == Some(*known));
    known.map_or("steps", |(known, _)| known)
}

fn notice(word: Option<&str>) -> &'static str {
    match word {
        Some("cancelled") => "It ends as cancelled, after its open request, if it has one, has been answered.",
        Some("retried") => "It is tried again as soon as its connection is free.",
        Some("released") => "The runs of this rule that its fuse held are released, and the fuse is mended.",
        Some("done") => "The attempt is taken as done: the run goes on with its next step.",
        Some("retry") => "The attempt is taken as not done: it is tried again.",
        Some("fail") => "The attempt is taken as failed.",
        Some("verify") => "The service is asked what became of the attempt.",
        Some("replayed") => "This is the new run: it repeats the one named below.",
        _ => "",
    }
}

async fn trace(
    admin: &Admin,
    frame: &Frame,
    detail: &RunDetail,
    pinned: Option<&Book>,
    tab: &'static str,
) -> Result<Trace, Refused> {
    let row = &detail.row;
    let wait = if row.status == RunStatus::Waiting { admin.store.wait_of(row.id).await? } else { None };
    let rule = pinned.and_then(|pinned| pinned.set.rules.get(row.rule.as_str()));
    let is_over = row.status.is_final();
    let events = admin.store.events_of_run(row.id).await?;
    let events: Vec<(String, Markup)> =
        events.iter().rev().map(|event| (event.to_string(), frame.ago(&time_of(event.0)))).collect();
    let said = said::of_run(admin, row.id).await?;
    let problem = admin.store.problem_of(row.id).await?.map(|id| id.to_string()).unwrap_or_default();
    let (file, text) = if tab == "rule" { text_of(pinned, &row.rule) } else { Default::default() };
    let in_force = if tab == "rule" { text_in_force(admin, &row.rule) } else { None };
    let compared = match &in_force {
        None => "The rule is no longer in force.",
        Some(now) if *now == text => "It is the same as the text in force.",
        Some(_) => "The text in force is another one. What was taken out is marked −, what was put in +.",
    };
    Ok(Trace {
        line: line_of(frame, row),
        problem,
        set: detail.set_digest.chars().take(12).collect(),
        started: detail.started_at.map(|at| frame.ago(&at)),
        ended: row.ended_at.map(|at| frame.ago(&at)),
        ending: ending(detail),
        held_up: held_up(admin, frame, detail, rule.map(AsRef::as_ref)),
        paused: paused(admin, frame, detail).await?,
        tab,
        tabs: TABS
            .into_iter()
            .map(|(word, name)| match word {
                "event" if events.len() > 1 => (word, format!("Events ({})", events.len())),
                _ => (word, name.to_owned()),
            })
            .collect(),
        events: if events.len() > 1 { events } else { Vec::new() },
        said: said.iter().map(|one| (one.who.clone(), frame.ago(&one.at), one.words())).collect(),
        is_over,
        can_cancel: !is_over && !detail.cancelled,
        can_hasten: row.status == RunStatus::Due
            && row.due_at.is_some_and(|at| at > frame.now)
            && !detail.waits_for_read(),
        is_fuse: detail.is_held_by_fuse(),
        is_read_next: detail.waits_for_read(),
        unknown: unknown((admin, frame), detail, pinned, rule.map(AsRef::as_ref)),
        entries: match rule {
            // The form that repeats a run names its steps beside every tab.
            Some(rule) if tab == "steps" || is_over => timeline((admin, frame), rule, detail, wait.as_ref(), &said),
            _ => Vec::new(),
        },
        is_lost: rule.is_none(),
        gantt: gantt::draw(detail, frame.now).filter(|_| tab == "steps"),
        vars: pretty(&Value::Object(detail.vars.clone())),
        results: if tab == "data" { results(detail) } else { Vec::new() },
        event: if tab == "event" { event_view(admin, frame, detail).await? } else { None },
        rule_file: file,
        difference: in_force.map(|now| difference(&text, &now)).unwrap_or_default(),
        rule_text: text,
        compared,
    })
}

fn results(detail: &RunDetail) -> Vec<(String, &'static str, String)> {
    let one =
        |output: &crate::model::StepOutput| (output.step.to_string(), output.outcome.word(), pretty(&output.result));
    detail.outputs.iter().map(one).collect()
}

/// What is known of the attempt that holds a run.
fn unknown(
    (admin, frame): (&Admin, &Frame),
    detail: &RunDetail,
    pinned: Option<&Book>,
    rule: Option<&Rule>,
) -> Option<Unknown> {
    let is_held = detail.row.status == RunStatus::Held && !detail.is_held_by_fuse() && !detail.is_held_by_source();
    if !is_held && !detail.waits_for_read() {
        return None;
    }
    let last = detail.attempts.iter().rev().find(|attempt| attempt.kind == AttemptKind::Try)?;
    let reads = detail.attempts.iter().filter(|row| row.kind == AttemptKind::Verify && row.id > last.id);
    let error = last.error.as_ref().map_or_else(
        || "No answer was recorded: the process may have ended while the request was out.".to_owned(),
        |error| error.message.clone(),
    );
    Some(Unknown {
        step: last.step.to_string(),
        sent: frame.ago(&last.started_at),
        exchange: exchange_of(admin, last),
        error,
        asks: rule.and_then(|rule| asks(rule, last, pinned?)).unwrap_or_default(),
        reads: reads.map(|read| (frame.ago(&read.started_at), read_in_words(read))).collect(),
        next: detail.row.due_at.map(|at| frame.ago(&at)),
        can_verify: detail.can_be_read_back(),
    })
}

fn read_in_words(row: &AttemptRow) -> String {
    let why = row.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
    match row.outcome {
        AttemptOutcome::Ok => "nothing was found: the attempt took no effect".to_owned(),
        AttemptOutcome::Started => "the answer is still to come".to_owned(),
        AttemptOutcome::Retry | AttemptOutcome::Unknown => format!("the service could not be asked{why}"),
        AttemptOutcome::Failed => format!("the service could not tell{why}"),
    }
}

/// The action that tells what became of an attempt, as the pack says.
fn asks(rule: &Rule, last: &AttemptRow, pinned: &Book) -> Option<String> {
    let mut found = None;
    rule.each_step(&mut |step| {
        if step.path.0 == crate::starts::path_in_text(&last.step).0 {
            found = Some(step);
        }
    });
    let StepKind::Action { name, .. } = &found?.kind else { return None };
    let (pack, action) = pinned.registry.action(name)?;
    action.verify.as_ref().map(|verify| format!("{}.{}", pack.name, verify.action))
}

async fn event_view(admin: &Admin, frame: &Frame, detail: &RunDetail) -> Result<Option<EventView>, Refused> {
    let Some(found) = admin.store.event(detail.row.event).await? else { return Ok(None) };
    let event = found.event;
    let body = match &event.body {
        None => "Retention has deleted it.".to_owned(),
        Some(bytes) => match serde_json::from_slice::<Value>(bytes) {
            Ok(value) => pretty(&value),
            Err(_) => String::from_utf8_lossy(bytes).chars().take(SHOWN).collect(),
        },
    };
    Ok(Some(EventView {
        kind: event.kind,
        source: event.source,
        received: frame.ago(&event.received_at),
        verified: event.verified,
        meta: pretty(&Value::Object(event.meta)),
        body,
    }))
}

fn pretty(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Object(map) if map.is_empty() => String::new(),
        value => serde_json::to_string_pretty(value).unwrap_or_default().chars().take(SHOWN).collect(),
    }
}

/// The file of a rule in a set, and its text.
fn text_of(pinned: Option<&Book>, rule: &str) -> (String, String) {
    let found = pinned.and_then(|pinned| {
        let file = &pinned.set.rules.get(rule)?.file;
        Some((file.to_string(), pinned.set.texts.0.get(&**file)?.clone()))
    });
    found.unwrap_or_default()
}

fn text_in_force(admin: &Admin, rule: &str) -> Option<String> {
    let now = (admin.in_force)();
    let file = &now.set.rules.get(rule)?.file;
    now.set.texts.0.get(&**file).cloned()
}
