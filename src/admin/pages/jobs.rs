//! `/jobs`: long actions, how far they are and what they gave.

use askama::Template;
use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act,
        guard::{Access, Guarded, guard},
        plural::counted,
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, Page, page},
    },
    ids::{JobId, RunId},
    model::{Person, Role, RunStatus},
    store::JobRow,
};

pub(super) fn routes() -> Vec<Guarded> {
    let mut all = guard(Access::Page(Role::Viewer), rocket::routes![list, show, progress]);
    all.extend(guard(Access::Page(Role::Editor), rocket::routes![cancel]));
    all
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct List {
    frame: Frame,
    jobs: Vec<JobRow>,
}

#[derive(Template)]
#[template(path = "job.html")]
struct Show {
    frame: Frame,
    job: JobRow,
    result: Outcome,
}

#[derive(Template)]
#[template(path = "job_progress.html")]
struct Part {
    frame: Frame,
    job: JobRow,
    result: Outcome,
}

/// What became of the runs that a job has made.
struct Outcome {
    /// How many are how: the badge, and the words beside it.
    counts: Vec<(&'static str, String)>,
    /// Those that need somebody first, then the others.
    runs: Vec<(RunId, RunStatus)>,
    /// How many of them were looked at, where there are more. `None`: all.
    of: Option<usize>,
    /// How many of those that were looked at go on no more by themselves.
    over: usize,
    looked_at: usize,
    /// How many go on.
    open: usize,
}

impl Outcome {
    /// Whether the page is to look again.
    fn moves(&self, job: &JobRow) -> bool {
        job.is_running() || self.open > 0
    }
}

/// What the progress of a job says in words.
fn told(job: &JobRow) -> String {
    let dealt = job.done + job.failed;
    let of = job.total.map_or_else(String::new, |total| format!(" of {total}"));
    let made = counted(&job.made, "new run");
    format!("{dealt}{of} dealt with: {made}, {} could not be repeated", job.failed)
}

/// `/jobs`
#[rocket::get("/jobs")]
async fn list(admin: &State<Admin>, person: &Person) -> Page {
    let jobs = admin.store.jobs().await?;
    page(&List { frame: Frame::new(admin, person, "/runs", "Jobs"), jobs })
}

/// `/jobs/<id>`
#[rocket::get("/jobs/<id>")]
async fn show(id: &str, admin: &State<Admin>, person: &Person) -> Page {
    let job = found(admin, id).await?;
    let result = outcome(admin, &job).await?;
    page(&Show { frame: Frame::new(admin, person, "/runs", "Job"), job, result })
}

/// What of the page moves: polled by it.
#[rocket::get("/jobs/<id>/progress")]
async fn progress(id: &str, admin: &State<Admin>, person: &Person) -> Page {
    let job = found(admin, id).await?;
    let result = outcome(admin, &job).await?;
    page(&Part { frame: Frame::new(admin, person, "/runs", "Job"), job, result })
}

/// Ends a job that goes on.
#[rocket::post("/jobs/<id>/cancel", data = "<sent>")]
async fn cancel(
    id: &str,
    sent: Result<Sent, Refused>,
    admin: &State<Admin>,
    person: &Person,
) -> Result<Redirect, Refused> {
    sent?;
    let id: JobId = id.parse().map_err(|_| Refused::missing("such job"))?;
    act::jobs::cancel(admin, person, id).await?;
    Ok(Redirect::to(format!("/jobs/{id}")))
}

/// Runs of a job that are listed.
const LISTED: usize = 50;

/// Looks where the runs of a job stand; of a great job those that were made first.
async fn outcome(admin: &Admin, job: &JobRow) -> Result<Outcome, Refused> {
    let states = admin.store.states_of(job.runs.clone()).await?;
    let count = |wanted: &[RunStatus]| states.iter().filter(|(_, state)| wanted.contains(state)).count();
    let over = states.iter().filter(|(_, state)| state.is_final()).count();
    let held = count(&[RunStatus::Held]);
    let open = states.len() - over - held;
    let words = [
        ("ok", count(&[RunStatus::Ok]), "ok"),
        ("failed", count(&[RunStatus::Failed]), "failed"),
        ("held", held, "held"),
        ("skipped", count(&[RunStatus::Skipped]), "skipped"),
        ("cancelled", count(&[RunStatus::Cancelled]), "cancelled"),
        ("running", open, "still to end"),
    ];
    let shown = words.into_iter().filter(|(_, count, _)| *count > 0);
    let made = usize::try_from(job.made).unwrap_or(usize::MAX);
    let mut runs = states.clone();
    runs.sort_by_key(|(id, state)| (rank(*state), *id));
    runs.truncate(LISTED);
    Ok(Outcome {
        counts: shown.map(|(badge, count, word)| (badge, format!("{count} {word}"))).collect(),
        of: (job.runs.len() < made).then_some(job.runs.len()),
        looked_at: states.len(),
        over: over + held,
        open,
        runs,
    })
}

/// Those that ask for somebody come first.
fn rank(state: RunStatus) -> u8 {
    match state {
        RunStatus::Failed => 0,
        RunStatus::Held => 1,
        RunStatus::Ok => 3,
        _ => 2,
    }
}

async fn found(admin: &Admin, id: &str) -> Result<JobRow, Refused> {
    let id: JobId = id.parse().map_err(|_| Refused::missing("such job"))?;
    admin.store.job(id).await?.ok_or_else(|| Refused::missing(&format!("job {id}")))
}
