//! `/jobs`: long actions, how far they are and what they gave.

use askama::Template;
use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act,
        guard::{Access, Guarded, guard},
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, Page, page},
    },
    ids::JobId,
    model::{Person, Role},
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
}

#[derive(Template)]
#[template(path = "job_progress.html")]
struct Part {
    frame: Frame,
    job: JobRow,
}

/// What the progress of a job says in words.
fn told(job: &JobRow) -> String {
    let dealt = job.done + job.failed;
    let of = job.total.map_or_else(String::new, |total| format!(" of {total}"));
    format!("{dealt}{of} dealt with: {} new runs, {} could not be repeated", job.made, job.failed)
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
    page(&Show { frame: Frame::new(admin, person, "/runs", "Job"), job })
}

/// What of the page moves: polled by it.
#[rocket::get("/jobs/<id>/progress")]
async fn progress(id: &str, admin: &State<Admin>, person: &Person) -> Page {
    let job = found(admin, id).await?;
    page(&Part { frame: Frame::new(admin, person, "/runs", "Job"), job })
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

async fn found(admin: &Admin, id: &str) -> Result<JobRow, Refused> {
    let id: JobId = id.parse().map_err(|_| Refused::missing("such job"))?;
    admin.store.job(id).await?.ok_or_else(|| Refused::missing(&format!("job {id}")))
}
