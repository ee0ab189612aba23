//! `/settings`: what is in force and where it comes from, and what retention would delete.

use std::time::Duration;

use askama::Template;
use rocket::State;
use serde_json::Value;

use crate::{
    admin::{
        guard::{Access, Guarded, guard},
        query::Query,
        refused::Refused,
        state::Admin,
        view::{Frame, Page, page},
    },
    clock::Time,
    config::print,
    model::{Person, Role},
    store::Stored,
};

/// Old events are counted so far: more are "and more".
const COUNTED: i64 = 100_000;

pub(super) fn routes() -> Vec<Guarded> {
    guard(Access::Page(Role::Owner), rocket::routes![show])
}

struct Table {
    name: String,
    keys: Vec<(String, String, String)>,
}

/// What a budget would delete.
struct Estimate {
    days: u32,
    rows: u64,
    /// Events that are older.
    by_days: u64,
    /// `by_days` is that and more.
    is_cut: bool,
    /// Events that are too many.
    by_rows: u64,
    oldest_kept: Time,
    /// Bytes of them, if events take the whole database evenly.
    bytes: u64,
    is_guess: bool,
}

impl Estimate {
    fn deleted(&self) -> u64 {
        self.by_days.max(self.by_rows)
    }
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
        Some(Ok(asked @ 1..=36_500)) => days = asked,
        Some(_) => "Days: a number from 1 to 36500 wanted.".clone_into(&mut fault),
        None => {}
    }
    match query.short("rows", 15)?.map(str::parse::<u64>) {
        Some(Ok(asked @ 1_000..=1_000_000_000_000)) => rows = asked,
        Some(_) => "Events: a number from 1000 on wanted.".clone_into(&mut fault),
        None => {}
    }
    page(&Settings {
        frame: Frame::new(admin, person, "/settings", "Settings"),
        workspace: config.workspace.display().to_string(),
        // An address is one of PostgreSQL; without one the database is a file.
        database: if config.database.url.is_some() { "PostgreSQL" } else { "SQLite" },
        tables: tables(&print::as_json(config)),
        estimate: estimate(admin, &stored, days, rows).await?,
        stored,
        fault,
    })
}

async fn estimate(admin: &Admin, stored: &Stored, days: u32, rows: u64) -> Result<Estimate, Refused> {
    let before = admin.clock.now().minus(Duration::from_hours(24 * u64::from(days)));
    let by_days = admin.store.events_before(before, COUNTED).await?;
    let by_rows = stored.events.saturating_sub(rows);
    let used = stored.bytes.saturating_sub(stored.free);
    let each = used.checked_div(stored.events).unwrap_or(0);
    let retention = &admin.config.retention;
    Ok(Estimate {
        days,
        rows,
        by_days,
        is_cut: i64::try_from(by_days).is_ok_and(|count| count >= COUNTED),
        by_rows,
        oldest_kept: before,
        bytes: by_days.max(by_rows).saturating_mul(each),
        is_guess: (days, rows) != (retention.days, retention.rows),
    })
}

/// What `bellwire config print` tells; secrets are hidden there already.
fn tables(printed: &Value) -> Vec<Table> {
    let empty = serde_json::Map::new();
    let settings = printed.get("settings").and_then(Value::as_object).unwrap_or(&empty);
    let table = |(name, keys): (&String, &Value)| {
        let text = |value: &Value, key: &str| match value.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let keys = keys.as_object().unwrap_or(&empty).iter();
        Table {
            name: name.clone(),
            keys: keys.map(|(key, told)| (key.clone(), text(told, "value"), text(told, "from"))).collect(),
        }
    };
    settings.iter().map(table).filter(|table| !table.keys.is_empty()).collect()
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
