//! `/settings`: what is in force and where it comes from, and what retention would delete.

use askama::Template;
use rocket::State;

use crate::{
    admin::{
        guard::{Access, Guarded, guard},
        query::Query,
        refused::Refused,
        settings::{DAYS, Estimate, ROWS, Table, estimate, tables},
        state::Admin,
        view::{Frame, Page, page},
    },
    model::{Person, Role},
    store::Stored,
};

pub(super) fn routes() -> Vec<Guarded> {
    guard(Access::Page(Role::Owner), rocket::routes![show])
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings {
    frame: Frame,
    workspace: String,
    database: &'static str,
    stored: Stored,
    tables: Vec<Table>,
    estimate: Estimate,
    fault: String,
}

#[rocket::get("/settings")]
async fn show(admin: &State<Admin>, person: &Person, query: Result<Query, Refused>) -> Page {
    let query = query?;
    let config = &admin.config;
    let stored = admin.store.stored().await?;
    let (mut days, mut rows) = (config.retention.days, config.retention.rows);
    let mut fault = String::new();
    match query.short("days", 10)?.map(str::parse::<u32>) {
        Some(Ok(asked)) if DAYS.contains(&asked) => days = asked,
        Some(_) => "Days: a number from 1 to 36500 wanted.".clone_into(&mut fault),
        None => {}
    }
    match query.short("rows", 15)?.map(str::parse::<u64>) {
        Some(Ok(asked)) if ROWS.contains(&asked) => rows = asked,
        Some(_) => "Events: a number from 1000 on wanted.".clone_into(&mut fault),
        None => {}
    }
    page(&Settings {
        frame: Frame::new(admin, person, "/settings", "Settings"),
        workspace: config.workspace.display().to_string(),
        // An address is one of PostgreSQL; without one the database is a file.
        database: if config.database.url.is_some() { "PostgreSQL" } else { "SQLite" },
        tables: tables(config),
        estimate: estimate(admin, &stored, days, rows).await?,
        stored,
        fault,
    })
}

/// `1234 MB`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass by reference")]
fn size(bytes: &u64) -> String {
    let mut size = *bytes;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 10_000 {
            return format!("{size} {unit}");
        }
        size /= 1000;
    }
    format!("{size} TB")
}
