//! `[hours.NAME]`: working hours, for conditions and waits.

use std::collections::BTreeMap;

use super::{forms, reader::Section};

/// Working hours. Their form is checked here; what they mean is for those who use them.
#[derive(Debug, Clone)]
pub struct Hours {
    /// Such as `Europe/Athens`.
    pub timezone: String,
    /// `mon-fri` or `sat` -> `09:00-17:00`, several for one day.
    pub days: BTreeMap<String, Vec<String>>,
    /// `2026-12-25`.
    pub closed: Vec<String>,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Hours {
    /// The keys of the section that are no days.
    pub(super) const KEYS: &'static [&'static str] = &["timezone", "closed"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        if !section.has("timezone") {
            section.refuse("timezone", "is missing; name the zone, such as `timezone = \"Europe/Athens\"`");
        }
        let timezone = section.parsed("timezone", timezone).unwrap_or_default();
        let closed = section.list("closed", forms::day);
        let named: Vec<String> = section.keys().into_iter().filter(|key| is_day(key)).collect();
        let days = named.into_iter().map(|day| (day.clone(), section.list(&day, forms::span_of_day))).collect();
        let mut known = Self::KEYS.to_vec();
        known.extend(DAYS);
        section.finish(&known);
        Self { timezone, days, closed }
    }
}

fn is_day(key: &str) -> bool {
    let (from, to) = key.split_once('-').unwrap_or((key, key));
    DAYS.contains(&from) && DAYS.contains(&to)
}

fn timezone(text: &str) -> Result<String, String> {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
    if text.is_empty() || !text.chars().all(letters) {
        return Err(format!("a zone such as `Europe/Athens` or `UTC` wanted, `{}` seen", text.escape_debug()));
    }
    Ok(text.to_owned())
}
