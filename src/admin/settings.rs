//! What is in force and where it comes from, and what retention would delete: for the page and the API alike.

use std::{ops::RangeInclusive, time::Duration};

use serde_json::Value;

use super::{refused::Refused, state::Admin};
use crate::{
    clock::Time,
    config::{Config, print},
    store::Stored,
};

/// Old events are counted so far: more are "and more".
const COUNTED: i64 = 100_000;
/// Budgets that may be asked about.
pub(super) const DAYS: RangeInclusive<u32> = 1..=36_500;
pub(super) const ROWS: RangeInclusive<u64> = 1_000..=1_000_000_000_000;

/// A section of the settings.
pub(super) struct Table {
    /// As it stands in bellwire.toml.
    pub(super) name: String,
    /// Its keys: name, value, and where that comes from.
    pub(super) keys: Vec<(String, String, String)>,
}

/// What a budget would delete.
pub(super) struct Estimate {
    /// Events that are younger are kept.
    pub(super) days: u32,
    /// So many events are kept.
    pub(super) rows: u64,
    /// Events that are older.
    pub(super) by_days: u64,
    /// `by_days` is that and more.
    pub(super) is_cut: bool,
    /// Events that are too many.
    pub(super) by_rows: u64,
    /// What came before then is deleted.
    pub(super) oldest_kept: Time,
    /// Bytes of them, if events take the whole database evenly.
    pub(super) bytes: u64,
    /// It is not what is in force.
    pub(super) is_guess: bool,
}

impl Estimate {
    /// Events that would be deleted.
    pub(super) fn deleted(&self) -> u64 {
        self.by_days.max(self.by_rows)
    }
}

/// What these budgets would delete.
pub(super) async fn estimate(admin: &Admin, stored: &Stored, days: u32, rows: u64) -> Result<Estimate, Refused> {
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
pub(super) fn tables(config: &Config) -> Vec<Table> {
    let empty = serde_json::Map::new();
    let printed = print::as_json(config);
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
