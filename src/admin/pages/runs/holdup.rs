//! Why a run that is due has not gone on: its source is paused, or what it would send next is held up.

use serde_json::Value;

use crate::{
    admin::{
        Goal, Holdup,
        here::encoded,
        refused::Refused,
        state::Admin,
        view::{Frame, Markup, relative},
    },
    clock::Time,
    model::RunStatus,
    rules::{Rule, StepKind},
    store::{AttemptRow, PausedSource, RunDetail},
};

/// What holds a due run up.
pub(super) struct HeldUp {
    /// What, up to its time.
    what: String,
    /// The same for a notice: short.
    short: String,
    until: Option<Time>,
    /// Until when. `None`: nobody knows.
    pub(super) at: Option<Markup>,
    /// The connection. Empty for a whole URL.
    pub(super) connection: String,
    /// Its page.
    pub(super) href: String,
}

impl HeldUp {
    /// The sentence up to its time.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    /// In one sentence without marks.
    pub(super) fn sentence(&self, now: Time) -> String {
        match self.until {
            Some(until) => {
                let whole = until.to_string();
                let time = whole.get(11..19).unwrap_or(&whole);
                format!("{} until {time} UTC ({}).", self.short, relative(until, now))
            }
            None => format!("{}.", self.short),
        }
    }
}

/// What holds a run up that could go on. `None`: nothing is known to, or it is not due.
pub(super) fn held_up(admin: &Admin, frame: &Frame, detail: &RunDetail, rule: Option<&Rule>) -> Option<HeldUp> {
    if detail.row.status != RunStatus::Due {
        return None;
    }
    let goal = goal(detail, rule)?;
    let holdup = admin.outward.holdup(&goal, detail.row.id)?;
    let (name, connection) = match goal {
        Goal::Connection { name, .. } => (name.clone(), name),
        Goal::Url(url) => (host_of(&url), String::new()),
    };
    let (until, what, short) = match holdup {
        Holdup::LeftAlone(until) => (
            Some(until),
            format!("Nothing is sent to {name} after failures in a row; it is asked again"),
            format!("It waits while the host of {name} is left alone,"),
        ),
        Holdup::Paused(until) => (
            Some(until),
            format!("It waits for the pause of {name}, which asked to be called less: nothing is sent before"),
            format!("It waits for the pause of {name}"),
        ),
        Holdup::Rate(until) => (
            Some(until),
            format!("It waits for its turn: by the rate limit of {name} it goes"),
            format!("It waits for its turn by the rate limit of {name}"),
        ),
        Holdup::Full => {
            let what = format!("It waits for a place: as many requests to {name} are out as may be at once");
            (None, what.clone(), what)
        }
    };
    // What ends before the run is due does not hold it up.
    let due = detail.row.due_at.unwrap_or(frame.now).max(frame.now);
    if until.unwrap_or(frame.now) < due {
        return None;
    }
    let href = if connection.is_empty() { String::new() } else { format!("/connections/{}", encoded(&connection)) };
    Some(HeldUp { what, short, until, at: until.map(|at| frame.ago(&at)), connection, href })
}

/// Where the run's next request goes, as far as that is known without rendering it.
fn goal(detail: &RunDetail, rule: Option<&Rule>) -> Option<Goal> {
    let is_over = |path: &str| detail.outputs.iter().any(|output| output.step.0 == path);
    if let Some(last) = detail.attempts.last().filter(|last| !is_over(&last.step.0)) {
        return target_of(last);
    }
    let next = rule?.steps.iter().find(|step| !is_over(&step.path.0))?;
    let StepKind::Action { name, connection, .. } = &next.kind else { return None };
    let service = name.split('.').next().unwrap_or_default();
    Some(Goal::Connection { name: connection.clone().unwrap_or_else(|| service.to_owned()), host: None })
}

fn target_of(attempt: &AttemptRow) -> Option<Goal> {
    let request: Value = serde_json::from_slice(attempt.request.as_deref()?).ok()?;
    let target = request.get("target")?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    if let Some(url) = text(target.get("url")) {
        return Some(Goal::Url(url));
    }
    let connection = target.get("connection")?;
    Some(Goal::Connection { name: text(connection.get("name"))?, host: text(connection.get("host")) })
}

fn host_of(url: &str) -> String {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "the target".to_owned())
}

/// The paused source that holds a run.
pub(super) struct Paused {
    pub(super) source: String,
    pub(super) href: String,
    /// Who paused it, and when. `None`: it is being resumed in this moment.
    pub(super) by: Option<(String, Markup)>,
}

/// The source that a run waits for. `None`: it waits for none.
pub(super) async fn paused(admin: &Admin, frame: &Frame, detail: &RunDetail) -> Result<Option<Paused>, Refused> {
    if !detail.is_held_by_source() {
        return Ok(None);
    }
    let Some(event) = admin.store.event(detail.row.event).await? else { return Ok(None) };
    let source = event.event.source;
    let all = admin.store.paused_sources().await?;
    let one: Option<PausedSource> = all.into_iter().find(|paused| paused.source == source);
    Ok(Some(Paused {
        href: format!("/sources/{}", encoded(&source)),
        by: one.map(|paused| (paused.by, frame.ago(&paused.since))),
        source,
    }))
}
