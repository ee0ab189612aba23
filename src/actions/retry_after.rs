//! What a `Retry-After` header says.

use std::time::Duration;

use crate::{clock::Time, value::Value};

/// A service may make us wait this long and no longer.
pub(super) const LONGEST: Duration = Duration::from_hours(1);

/// The wait that the headers ask for: seconds (a fraction is rounded up) or an HTTP date, one hour at most; the longest of several.
/// `None` where there is none that can be read.
pub(super) fn of(headers: &[(String, String)], now: Time) -> Option<Duration> {
    let named = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    named.filter_map(|(_, value)| read(value.trim(), now)).max()
}

/// The wait that a place in a throttled answer's body asks for: seconds, as a number or text, one hour at most. `None` for all else.
pub(super) fn of_value(value: &Value) -> Option<Duration> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    seconds(&text).map(|wait| wait.min(LONGEST))
}

fn read(value: &str, now: Time) -> Option<Duration> {
    let wait = seconds(value).or_else(|| date(value).map(|at| at.since(now)))?;
    Some(wait.min(LONGEST))
}

/// Digits, with or without a fraction. A longer wait than 64 bits of seconds is one all the same.
fn seconds(value: &str) -> Option<Duration> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let more = u64::from(fraction.bytes().any(|b| b != b'0'));
    let whole = whole.parse::<u64>().unwrap_or(u64::MAX);
    Some(Duration::from_secs(whole.saturating_add(more)))
}

fn date(value: &str) -> Option<Time> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Time(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_in_a_body_are_read_clamped_or_ignored() {
        use serde_json::json;
        for (value, seconds) in [
            (json!(35), Some(35)),
            (json!(0.57), Some(1)),
            (json!("12"), Some(12)),
            (json!(1_000_000), Some(3600)),
            (json!(-1), None),
            (json!(null), None),
            (json!("soon"), None),
            (json!([5]), None),
        ] {
            assert_eq!(of_value(&value).map(|wait| wait.as_secs()), seconds, "{value}");
        }
    }

    #[test]
    fn waits_are_read_clamped_or_ignored() {
        let now = Time::parse("2026-03-01T10:00:00Z").unwrap();
        let wait = |values: &[&str]| {
            let headers: Vec<_> = values.iter().map(|v| ("retry-after".to_owned(), (*v).to_owned())).collect();
            of(&headers, now).map(|wait| wait.as_secs())
        };
        for (values, seconds) in [
            (&[][..], None),
            (&["0"], Some(0)),
            (&["5"], Some(5)),
            (&[" 5 "], Some(5)),
            (&["120.5"], Some(121)),
            (&["120.0"], Some(120)),
            (&["1000000000"], Some(3600)),
            (&["99999999999999999999999999"], Some(3600)),
            (&["1e9"], None),
            (&["-1"], None),
            (&["+1"], None),
            (&[""], None),
            (&["."], None),
            (&["soon"], None),
            (&["5, 10"], None),
            (&["Sun, 01 Mar 2026 10:01:30 GMT"], Some(90)),
            (&["Sun, 01 Mar 2026 09:00:00 GMT"], Some(0)),
            (&["Mon, 01 Mar 2027 10:00:00 GMT"], Some(3600)),
            (&["Sun, 41 Mar 2026 10:00:00 GMT"], None),
            (&["5", "10"], Some(10)),
            (&["bad", "10"], Some(10)),
        ] {
            assert_eq!(wait(values), seconds, "{values:?}");
        }
    }
}
