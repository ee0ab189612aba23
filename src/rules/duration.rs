//! Durations as rules write them: a whole number with `s`, `m`, `h`, `d` or `w`.

use std::time::Duration;

/// Reads `30s`, `5m`, `4h`, `2d`, `1w`. `None` for anything else.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let number = text.strip_suffix(unit)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
}

/// Reads `4h ago`, in milliseconds. `None` for anything else.
pub(super) fn parse_ago(text: &str) -> Option<i64> {
    let span = parse_duration(text.strip_suffix(" ago")?.trim_end())?;
    i64::try_from(span.as_millis()).ok()
}

/// A duration as rules write it, in its largest whole unit.
pub fn shown_duration(span: Duration) -> String {
    let seconds = span.as_secs();
    for (unit, size) in [("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60)] {
        if seconds > 0 && seconds.is_multiple_of(size) {
            return format!("{}{unit}", seconds / size);
        }
    }
    format!("{seconds}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_numbers_with_one_unit() {
        for (text, seconds) in [("30s", 30), ("5m", 300), ("4h", 14_400), ("2d", 172_800), ("1w", 604_800), ("0s", 0)] {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)));
        }
        for text in ["", "s", "5", "1.5h", "-1s", "1h30m", " 1s", "99999999999999999999s", "5é", "+5s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        assert_eq!(parse_ago("4h ago"), Some(14_400_000));
        assert_eq!(parse_ago("4h"), None);
        assert_eq!(shown_duration(Duration::from_hours(720)), "30d");
    }
}
