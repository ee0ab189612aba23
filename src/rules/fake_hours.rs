//! Hours for tests of other parts, which know nothing of the settings.

use super::Hours;
use crate::config;

/// Hours in UTC: `("mon-fri", "09:00-17:00")`.
pub(crate) fn hours(days: &[(&str, &str)]) -> Option<Hours> {
    let days = days.iter().map(|(days, span)| ((*days).to_owned(), vec![(*span).to_owned()])).collect();
    Hours::parse(&config::Hours { timezone: "UTC".to_owned(), days, closed: Vec::new() }).ok()
}
