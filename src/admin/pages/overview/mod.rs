//! `/`: how it goes.

mod chart;
mod commit;
mod steps;

use askama::Template;
use rocket::State;

use self::{chart::Chart, commit::Commit, steps::Steps};
use crate::{
    admin::{
        guard::{Access, Guarded, guard},
        refused::Refused,
        state::Admin,
        view::{Frame, Page, page},
    },
    clock::Time,
    model::{Person, Role, RunStatus},
    store::{Backlog, BriefRun, OpenProblem, PausedSource, Stored, Stretch, Window},
};

/// Rows of each short list.
const FEW: u8 = 5;
/// Digits of a rule set's digest that are shown.
const DIGITS: usize = 12;

pub(super) fn routes() -> Vec<Guarded> {
    guard(Access::Page(Role::Viewer), rocket::routes![show])
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    /// The word of the window in the address.
    window: &'static str,
    /// Its choices: what it is called, its address, whether it is this one.
    windows: Vec<(&'static str, String, bool)>,
    sum: Stretch,
    /// Of the runs that ended well or failed. `None`: none did.
    success: Option<String>,
    charts: [Chart; 2],
    waiting: Standing,
    running: Standing,
    held: Standing,
    oldest_due: Option<Time>,
    in_progress: Vec<BriefRun>,
    failures: Vec<BriefRun>,
    problems: Vec<OpenProblem>,
    open_problems: u64,
    next: Vec<Next>,
    set: InForce,
    room: Room,
    steps: Option<Steps>,
    paused_sources: Vec<PausedSource>,
    /// Runs that wait for those. Empty: none.
    paused_runs: String,
}

/// How many, and whether there are more.
struct Standing {
    count: String,
    is_none: bool,
}

impl Standing {
    fn of(backlog: &Backlog, states: &[RunStatus]) -> Self {
        let (count, more) = backlog.of(states);
        Self { count: format!("{}{}", chart::short(count), if more { "+" } else { "" }), is_none: count == 0 }
    }
}

/// A schedule and when it fires next.
struct Next {
    rule: String,
    words: String,
    at: Time,
}

/// The rule set that decides.
struct InForce {
    digest: String,
    rules: usize,
    enabled: usize,
    commit: Option<Commit>,
}

/// What is stored, and what may be.
struct Room {
    events: String,
    most: String,
    /// Hundredths of the budget of rows.
    percent: u64,
    size: String,
    free: String,
    days: u64,
    oldest: Option<Time>,
}

#[rocket::get("/?<window>")]
async fn show(admin: &State<Admin>, person: &Person, window: Option<&str>) -> Page {
    let (word, length) = chosen(window);
    let now = admin.clock.now();
    let store = &admin.store;
    let (stretches, backlog, stored) =
        tokio::try_join!(store.tallies(length, now), store.backlog(now), store.stored())?;
    let (problems, open_problems, in_progress, failures) = tokio::try_join!(
        store.newest_problems(FEW),
        store.open_problems(),
        store.newest_runs(RunStatus::Running, FEW),
        store.newest_runs(RunStatus::Failed, FEW),
    )?;
    let paused_sources = store.paused_sources().await?;
    let open_problems = u64::try_from(open_problems).unwrap_or(0);
    admin.glance().tell_problems(open_problems);
    let sum = total(&stretches);
    let set = in_force(admin).await?;
    let steps = steps::of(admin, &(admin.in_force)(), &stored).await?;
    page(&Overview {
        frame: Frame::new(admin, person, "/", "Overview"),
        window: word,
        windows: WINDOWS.iter().map(|(one, name, _)| (*name, format!("/?window={one}"), *one == word)).collect(),
        success: success(sum.ok, sum.failed),
        sum,
        charts: [chart::deliveries(&stretches, length), chart::runs(&stretches, length)],
        waiting: Standing::of(
            &backlog,
            &[RunStatus::Due, RunStatus::Undecided, RunStatus::Collecting, RunStatus::Waiting],
        ),
        running: Standing::of(&backlog, &[RunStatus::Running]),
        held: Standing::of(&backlog, &[RunStatus::Held]),
        oldest_due: backlog.oldest_due,
        in_progress,
        failures,
        problems,
        open_problems,
        next: next(admin, now),
        set,
        room: room(admin, &stored),
        steps,
        paused_runs: waiting_for(&paused_sources),
        paused_sources,
    })
}

/// How many runs wait for paused sources, in words. Empty: none.
fn waiting_for(paused: &[PausedSource]) -> String {
    let count: u64 = paused.iter().map(|paused| paused.waiting).sum();
    match count {
        0 => String::new(),
        1 => "1 waits for a paused source".to_owned(),
        count => format!("{count} wait for a paused source"),
    }
}

/// The word in the address, what people read, the length.
const WINDOWS: [(&str, &str, Window); 4] = [
    ("hour", "1 h", Window::Hour),
    ("day", "24 h", Window::Day),
    ("week", "7 d", Window::Week),
    ("month", "30 d", Window::Month),
];

/// The window of this word; a day for any other.
fn chosen(word: Option<&str>) -> (&'static str, Window) {
    let found = WINDOWS.iter().find(|(known, ..)| Some(*known) == word);
    found.map_or(("day", Window::Day), |(word, _, window)| (*word, *window))
}

fn total(stretches: &[Stretch]) -> Stretch {
    let mut sum = Stretch::default();
    for one in stretches {
        sum.accepted += one.accepted;
        sum.duplicate += one.duplicate;
        sum.refused += one.refused;
        sum.ok += one.ok;
        sum.failed += one.failed;
        sum.skipped += one.skipped;
        sum.cancelled += one.cancelled;
    }
    sum
}

/// `99.9 %`: rounded down, so that it is 100 only where nothing failed.
fn success(ok: u64, failed: u64) -> Option<String> {
    let all = ok.saturating_add(failed);
    let thousandth = ok.saturating_mul(1000).checked_div(all)?;
    let (whole, tenth) = (thousandth / 10, thousandth % 10);
    Some(if tenth == 0 { format!("{whole} %") } else { format!("{whole}.{tenth} %") })
}

/// The schedules that fire next.
fn next(admin: &Admin, now: Time) -> Vec<Next> {
    let in_force = (admin.in_force)();
    let enabled = in_force.set.rules.values().filter(|rule| rule.enabled);
    let mut all: Vec<Next> = enabled
        .flat_map(|rule| {
            rule.schedules().filter_map(move |schedule| {
                let at = schedule.next_after(now)?;
                Some(Next { rule: rule.id.to_string(), words: schedule.words(), at })
            })
        })
        .collect();
    all.sort_by_key(|next| next.at);
    all.truncate(usize::from(FEW));
    all
}

async fn in_force(admin: &Admin) -> Result<InForce, Refused> {
    let in_force = (admin.in_force)();
    let digest = admin.store.set_digest(in_force.set_id).await?.unwrap_or_default();
    let workspace = admin.config.workspace.clone();
    // An error means that reading panicked: the page does without.
    let commit = tokio::task::spawn_blocking(move || commit::of(&workspace)).await.unwrap_or(None);
    Ok(InForce {
        digest: digest.chars().take(DIGITS).collect(),
        rules: in_force.set.rules.len(),
        enabled: in_force.set.rules.values().filter(|rule| rule.enabled).count(),
        commit,
    })
}

fn room(admin: &Admin, stored: &Stored) -> Room {
    let budget = &admin.config.retention;
    let percent = stored.events.saturating_mul(100).checked_div(budget.rows).unwrap_or(0);
    Room {
        events: chart::short(stored.events),
        most: chart::short(budget.rows),
        percent: percent.min(100),
        size: bytes(stored.bytes),
        free: if stored.free < 1 << 20 { String::new() } else { bytes(stored.free) },
        days: u64::from(budget.days),
        oldest: stored.oldest,
    }
}

/// `920 kB`, `1.4 GB`.
fn bytes(count: u64) -> String {
    let (unit, word) = match count {
        0..=999_999 => return format!("{} kB", count.div_ceil(1000)),
        1_000_000..=999_999_999 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    format!("{}.{} {word}", count / unit, count % unit * 10 / unit)
}
