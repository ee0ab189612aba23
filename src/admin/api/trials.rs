//! `POST /api/v1/dry-run` and `POST /api/v1/backtest`: what a rule would do. Nothing is sent, nothing is kept.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rocket::{State, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Moment, Reply},
    asked::{Asked, At, Nothing, Text},
    body::{Body, objects},
    checks::{DraftSent, drafts},
    explained,
    findings::FindingView,
    part::Part,
};
use crate::{
    admin::{
        act::rules::{self, Trial},
        gate::Turn,
        refused::Refused,
        state::Admin,
    },
    ids::{EventId, first_at},
    model::{Finding, Person, Role, Scope},
    secret::Masker,
    store::StoredEvent,
    trial::backtest::{Backtest, Examples, Fate, Report, RuleReport, Side},
};

/// Events that are read at once.
const BATCH: usize = 250;
/// How long a backtest takes; then it says how far it has come.
const TIME: Duration = Duration::from_secs(15);
/// How far back it looks unless asked for otherwise.
const SPAN: Duration = Duration::from_hours(24 * 30);
/// One at a time: it takes a processor whole.
static ALONE: Semaphore = Semaphore::const_new(1);

#[derive(OpenApi)]
#[openapi(paths(dry_run, backtest))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("trials", super::checks::ABOUT).with(Role::Viewer, Scope::Read, rocket::routes![dry_run, backtest])
}

/// A draft of a rule, and what it is tried on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DrySent {
    #[schema(example = "rules/calls/missed.yaml")]
    path: String,
    /// Its text. That of the file unless set.
    #[serde(default)]
    #[schema(required = false)]
    text: Option<String>,
    /// A stored event.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, pattern = "^evt_[0-9a-f][0-9abcdefghjkmnpqrstvwxyz]{12}$")]
    event: Option<Text<EventId>>,
    /// A sample of a pack.
    #[serde(default)]
    #[schema(required = false, example = "gruveo.call/missed")]
    sample: Option<String>,
    /// What it would send is told also where it does not match.
    #[serde(default)]
    #[schema(required = false)]
    force: bool,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DryView {
    /// No error is among the findings.
    ok: bool,
    findings: Vec<FindingView>,
    /// The truth table. `null`: no event, or the draft does not hold.
    explain: Value,
    /// The requests that would be sent, secrets by their names. `null`: it would not run.
    dry: Value,
    /// What the rule's own tests say.
    tests: Vec<Value>,
    /// What kept a part of it from being tried, a sentence each.
    notes: Vec<String>,
}

/// Try a rule, or a draft of it, on an event: what it says, what it would send, what its tests say. Nothing is sent.
#[utoipa::path(request_body = DrySent, responses((status = 200, description = "What came of it.", body = DryView)))]
#[post("/api/v1/dry-run", data = "<sent>")]
async fn dry_run(
    admin: &State<Admin>,
    person: &Person,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<DrySent>, Refused>,
) -> Answer {
    let DrySent { path, text, event, sample, force } = sent?.value;
    asked?;
    let text = if let Some(text) = text {
        text
    } else {
        let workshop = Arc::clone(&admin.workshop);
        let texts = tokio::task::spawn_blocking(move || workshop.texts()).await.map_err(|_| explained::died())?;
        let missing = || Refused::missing(&format!("file `{}`", path.chars().take(128).collect::<String>()));
        texts.0.get(&path).cloned().ok_or_else(missing)?
    };
    let event = event.map(|event| event.0.to_string());
    let tried = rules::tried(admin, person, Trial { path, text, event, sample, force }).await?;
    let findings = tried.findings.into_iter().map(|finding| {
        let severity = if finding.severity == crate::model::Severity::Error { "error" } else { "warning" };
        let place = (finding.line, finding.column);
        FindingView::new(finding.code, severity, finding.file, place, finding.message, finding.help)
    });
    Reply::ok(&DryView {
        ok: tried.ok,
        findings: findings.collect(),
        explain: tried.explain.unwrap_or_default(),
        dry: tried.dry.unwrap_or_default(),
        tests: tried.tests,
        notes: tried.notes,
    })
}

/// Rules that are compared with those in force, over stored events.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BacktestSent {
    /// In place of the workspace's files. Empty: the workspace as it is.
    #[serde(default, deserialize_with = "objects")]
    #[schema(required = false, max_items = 200)]
    drafts: Vec<DraftSent>,
    /// Only this rule.
    #[serde(default)]
    #[schema(required = false)]
    rule: Option<String>,
    /// Events since then: 30 days unless set.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, format = DateTime)]
    since: Option<Text<At>>,
    /// Events before then: now unless set.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, format = DateTime)]
    until: Option<Text<At>>,
    /// Behind this event: `upto` of an answer that was not complete.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, pattern = "^evt_[0-9a-f][0-9abcdefghjkmnpqrstvwxyz]{12}$")]
    after: Option<Text<EventId>>,
    /// Examples that are told of each kind, a rule: 5 unless set.
    #[serde(default)]
    #[schema(value_type = Option<u8>, required = false, minimum = 0, maximum = 100)]
    examples: Option<u8>,
}

/// What would be other.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BacktestView {
    /// Anything would be other.
    changed: bool,
    /// All events were looked at. False: ask again with `after` set to `upto`.
    complete: bool,
    /// The last event that was looked at. `null`: none was.
    upto: Option<String>,
    /// Events that were looked at.
    events: u64,
    /// Of those, the ones whose body retention has deleted.
    without_body: u64,
    /// Of those, the ones whose body no longer reads.
    unreadable: u64,
    /// Rules that are not the same on both sides.
    rules: Vec<RuleDiffers>,
}

/// What differs for one rule.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleDiffers {
    rule: String,
    /// `new`, `gone` or `changed`.
    fate: &'static str,
    /// Events that the old one matched.
    matched_old: u64,
    /// Events that the new one matches.
    matched_new: u64,
    /// Events that match now and did not.
    appeared: ExamplesView,
    /// Events that no longer match.
    gone: ExamplesView,
    /// Events on which it would do something else.
    differs: ExamplesView,
    /// Events on which it fails now and did not.
    errors: ExamplesView,
}

/// How many, and the oldest few of them.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct ExamplesView {
    count: u64,
    shown: Vec<ExampleView>,
}

/// One event, and what there is to say of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExampleView {
    event: String,
    received_at: Moment,
    text: String,
}

impl ExamplesView {
    fn of(mut examples: Examples, masker: &Masker) -> Self {
        examples.sort();
        let shown = examples.shown.into_iter().map(|example| ExampleView {
            event: example.event.to_string(),
            received_at: example.received_at.into(),
            text: masker.mask(&example.text),
        });
        Self { count: examples.count, shown: shown.collect() }
    }
}

/// Say what the workspace, or drafts, would have done otherwise than the rules in force on stored events. Takes 15 seconds at most.
#[utoipa::path(
    request_body = BacktestSent,
    responses((status = 200, description = "What would be other.", body = BacktestView))
)]
#[post("/api/v1/backtest", data = "<sent>")]
async fn backtest(
    admin: &State<Admin>,
    person: &Person,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<BacktestSent>, Refused>,
) -> Answer {
    let sent = sent?.value;
    asked?;
    let drafts = drafts(sent.drafts)?;
    let Ok(alone) = ALONE.try_acquire() else {
        let mut refused = Refused::new(429, "busy", "A backtest is under way. Ask again in a few seconds.");
        refused.retry_after = Some(5);
        return Err(refused);
    };
    let (new, turn) = explained::check(admin, person, drafts).await?;
    let errors: Vec<&Finding> = new.findings.iter().filter(|finding| finding.is_error()).collect();
    if !errors.is_empty() {
        let why = format!("{} errors in the rules: mend them first.", errors.len());
        let details = serde_json::json!({ "findings": errors });
        return Err(Refused::new(422, "findings", why).with(details));
    }
    let old = (admin.in_force)();
    let sides = (Side { set: old.set, registry: old.registry }, Side { set: new.set, registry: new.registry });
    if sent.examples.is_some_and(|examples| examples > 100) {
        return Err(Refused::new(422, "invalid", "`examples`: 100 at most."));
    }
    let examples = usize::from(sent.examples.unwrap_or(5));
    let vars = admin.config.vars.clone();
    let backtest = Arc::new(Backtest::new(sides.0, sides.1, vars, sent.rule.as_deref(), examples));
    let now = admin.clock.now();
    let since = sent.since.map_or_else(|| now.minus(SPAN), |since| since.0.0);
    let after = EventId(first_at(since).saturating_sub(1)).max(sent.after.map_or(EventId(0), |after| after.0));
    let upto = EventId(sent.until.map_or(i64::MAX, |until| first_at(until.0.0).saturating_sub(1)));
    let (report, last, complete) = over_events(admin, &backtest, (after, upto), (turn, alone)).await?;
    let masker = admin.vault.masker();
    Reply::ok(&told(&backtest, report, last, complete, &masker))
}

/// Looks at events until they or the time is over: what was found, the last one, and whether that was all.
async fn over_events(
    admin: &Admin,
    backtest: &Arc<Backtest>,
    (mut after, upto): (EventId, EventId),
    turns: (Turn, SemaphorePermit<'static>),
) -> Result<(Report, Option<EventId>, bool), Refused> {
    let (mut report, mut last) = (Report::default(), None);
    if backtest.is_idle() {
        return Ok((report, last, true));
    }
    let began = Instant::now();
    let asked = Arc::clone(backtest);
    // Held by the thread that looks, too: one that nobody waits for any more counts until it is done.
    let turns = Arc::new(turns);
    let wanted: Arc<dyn Fn(&str) -> bool + Send + Sync> = Arc::new(move |kind| asked.wants(kind));
    loop {
        let batch: Vec<StoredEvent> = admin.store.event_page(Arc::clone(&wanted), after, upto, BATCH).await?;
        if batch.is_empty() {
            return Ok((report, last, true));
        }
        let (backtest, turns) = (Arc::clone(backtest), Arc::clone(&turns));
        let look = move || {
            let mut seen = after;
            for event in &batch {
                backtest.look(std::slice::from_ref(event), &mut report);
                seen = event.id;
                if began.elapsed() >= TIME {
                    break;
                }
            }
            drop(turns);
            (report, seen)
        };
        (report, after) = tokio::task::spawn_blocking(look).await.map_err(|_| explained::died())?;
        last = Some(after);
        if began.elapsed() >= TIME {
            return Ok((report, last, false));
        }
    }
}

fn told(
    backtest: &Backtest,
    mut report: Report,
    last: Option<EventId>,
    complete: bool,
    masker: &Masker,
) -> BacktestView {
    let changed = report.is_changed();
    let differs = |(id, fate): (&Arc<str>, &Fate)| {
        let RuleReport { matched_old, matched_new, appeared, gone, differs, errors } =
            report.rules.remove(&**id).unwrap_or_default();
        RuleDiffers {
            rule: id.to_string(),
            fate: match fate {
                Fate::Added => "new",
                Fate::Removed => "gone",
                Fate::Changed => "changed",
            },
            matched_old,
            matched_new,
            appeared: ExamplesView::of(appeared, masker),
            gone: ExamplesView::of(gone, masker),
            differs: ExamplesView::of(differs, masker),
            errors: ExamplesView::of(errors, masker),
        }
    };
    let rules = backtest.fates().iter().map(differs).collect();
    BacktestView {
        changed,
        complete,
        upto: last.map(|last| last.to_string()),
        events: report.events,
        without_body: report.without_body,
        unreadable: report.unreadable,
        rules,
    }
}
