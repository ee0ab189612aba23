//! `/api/v1/settings`: what is in force and where it comes from, and what retention would delete.

use rocket::{State, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    answer::{Answer, Moment, Reply},
    asked::{Asked, Text},
    part::Part,
};
use crate::{
    admin::{
        refused::Refused,
        settings::{DAYS, ROWS, estimate, tables},
        state::Admin,
    },
    model::{Role, Scope},
};

#[derive(OpenApi)]
#[openapi(paths(show_settings))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("settings", "What is in force, and where it comes from.").with(
        Role::Owner,
        Scope::Read,
        rocket::routes![show_settings],
    )
}

/// A key of the settings.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SettingView {
    #[schema(example = "retention.days")]
    key: String,
    /// As text; what is secret is hidden.
    value: String,
    /// The file, the variable of the environment, or `default`.
    from: String,
}

/// What retention would delete.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EstimateView {
    days: u32,
    rows: u64,
    /// These budgets are not those in force.
    is_guess: bool,
    /// Events that are too old.
    too_old: u64,
    /// There are more of them than were counted.
    is_cut: bool,
    /// Events that are too many.
    too_many: u64,
    /// Events that would be deleted.
    deleted: u64,
    /// Bytes of them, if events take the whole database evenly.
    bytes: u64,
    /// What came before then would be deleted.
    oldest_kept: Moment,
}

/// The settings in force.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SettingsView {
    workspace: String,
    /// `SQLite` or `PostgreSQL`.
    database: &'static str,
    /// Events that are stored.
    events: u64,
    /// Bytes that the database takes.
    bytes: u64,
    settings: Vec<SettingView>,
    retention: EstimateView,
}

/// Budgets that are asked about.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SettingsAsked {
    /// What would be deleted if events were kept for so many days. As in the settings unless set.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 36500)]
    days: Option<Text<u32>>,
    /// What would be deleted if so many events were kept. As in the settings unless set.
    #[param(value_type = u64, required = false, minimum = 1000, maximum = 1_000_000_000_000_u64)]
    rows: Option<Text<u64>>,
}

/// What is in force and where it comes from, and what retention would delete.
#[utoipa::path(params(SettingsAsked), responses((status = 200, description = "The settings.", body = SettingsView)))]
#[get("/api/v1/settings")]
async fn show_settings(admin: &State<Admin>, asked: Result<Asked<SettingsAsked>, Refused>) -> Answer {
    let Asked(asked) = asked?;
    let config = &admin.config;
    let days = asked.days.map_or(config.retention.days, |days| days.0);
    let rows = asked.rows.map_or(config.retention.rows, |rows| rows.0);
    if asked.days.is_some() && !DAYS.contains(&days) {
        return Err(Refused::invalid("`days`: a number from 1 to 36500 wanted."));
    }
    if asked.rows.is_some() && !ROWS.contains(&rows) {
        return Err(Refused::invalid("`rows`: a number from 1000 to 1000000000000 wanted."));
    }
    let stored = admin.store.stored().await?;
    let estimate = estimate(admin, &stored, days, rows).await?;
    let settings = tables(config).into_iter().flat_map(|table| {
        let name = table.name;
        table.keys.into_iter().map(move |(key, value, from)| SettingView { key: format!("{name}.{key}"), value, from })
    });
    Reply::ok(&SettingsView {
        workspace: config.workspace.display().to_string(),
        database: if config.database.url.is_some() { "PostgreSQL" } else { "SQLite" },
        events: stored.events,
        bytes: stored.bytes,
        settings: settings.collect(),
        retention: EstimateView {
            days,
            rows,
            is_guess: estimate.is_guess,
            too_old: estimate.by_days,
            is_cut: estimate.is_cut,
            too_many: estimate.by_rows,
            deleted: estimate.deleted(),
            bytes: estimate.bytes,
            oldest_kept: estimate.oldest_kept.into(),
        },
    })
}
