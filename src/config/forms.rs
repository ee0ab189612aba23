//! The forms in which values are written: spans of time, sizes, networks, names, URLs. Pure.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;
use url::Url;

/// Reads a span of time in the language's form: a whole number with `s m h d w`, such as `30s` or `7d`; a `d` is 24 hours.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wanted = || format!("a span of time such as `30s`, `10m` or `7d` wanted, `{text}` seen");
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(wanted)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wanted()),
    };
    let number: u64 = number.parse().map_err(|_| wanted())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wanted)
}

/// Writes a span of time so that `duration` reads it; milliseconds, which it cannot read, as `20ms`.
pub fn show_duration(span: Duration) -> String {
    let seconds = span.as_secs();
    if span.subsec_millis() > 0 {
        return format!("{}ms", span.as_millis());
    }
    [(604_800, "w"), (86_400, "d"), (3_600, "h"), (60, "m")]
        .into_iter()
        .find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit))
        .map_or_else(|| format!("{seconds}s"), |(unit, letter)| format!("{}{letter}", seconds / unit))
}

/// Reads a size: a whole number of bytes, or with `KiB`, `MiB` or `GiB`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wanted = || format!("a size such as `65536`, `64KiB` or `1MiB` wanted, `{text}` seen");
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(wanted)?;
    let bytes = match unit.trim_start() {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wanted()),
    };
    let number: u64 = number.parse().map_err(|_| wanted())?;
    number.checked_mul(bytes).ok_or_else(wanted)
}

/// Reads a network such as `10.0.0.0/8`; a bare address is a network of one. Bits set behind the mask are refused: they are
/// nearly always a slip.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address));
    }
    let network: IpNet =
        text.parse().map_err(|_| format!("a network such as `10.0.0.0/8` or an address wanted, `{text}` seen"))?;
    if network.trunc() != network {
        return Err(format!("`{text}` has bits set behind its mask; write `{}`", network.trunc()));
    }
    Ok(network)
}

/// Reads the name of a secret: `[a-z][a-z0-9_]{0,62}`.
pub fn secret_name(text: &str) -> Result<String, String> {
    let first = text.starts_with(|c: char| c.is_ascii_lowercase());
    let rest = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if first && rest && text.len() <= 63 {
        return Ok(text.to_owned());
    }
    Err(format!(
        "`{}` is no name of a secret: a letter a-z, then letters a-z, digits and `_`, 63 in all at most",
        text.escape_debug()
    ))
}

/// Reads the name of a source, connection or service: like a secret's, and `-` too.
pub(super) fn part_name(text: &str) -> Result<String, String> {
    secret_name(&text.replace('-', "_")).map(|_| text.to_owned()).map_err(|_| {
        format!(
            "`{}` is no name: a letter a-z, then letters a-z, digits, `_` and `-`, 63 in all at most",
            text.escape_debug()
        )
    })
}

/// Reads a base URL: http or https, a host, no user, query or fragment; without the slash at its end.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let wanted = |why: &str| format!("a URL such as `https://api.example.com/v1` wanted; this one {why}");
    let url = Url::parse(text).map_err(|error| wanted(&format!("does not read: {error}")))?;
    if !matches!(url.scheme(), "http" | "https" | "smtp" | "smtps" | "smtp+plain") {
        return Err(wanted("is neither http nor https, nor of mail (smtps, smtp)"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wanted("holds a user or password; use a secret"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wanted("has a query or fragment"));
    }
    // Schemes are compared by their letters.
    let rest = text.get(url.scheme().len()..).unwrap_or_default();
    Ok(format!("{}{}", url.scheme(), rest.trim_end_matches('/')))
}

/// Reads a span within a day, such as `09:00-17:00`; `24:00` may end it.
pub(super) fn span_of_day(text: &str) -> Result<String, String> {
    let wanted = || format!("a span of a day such as `09:00-17:00` wanted, `{text}` seen");
    let (from, to) = text.split_once('-').ok_or_else(wanted)?;
    let (from, to) = (minutes(from).ok_or_else(wanted)?, minutes(to).ok_or_else(wanted)?);
    if from >= to {
        return Err(format!("`{text}` ends before it begins; write a span over midnight as two"));
    }
    Ok(text.to_owned())
}

fn minutes(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let two = |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?;
    let (hour, minute): (u32, u32) = (two(hour)?, two(minute)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= 24 * 60).then_some(total)
}

/// Reads a day: `2026-12-25`.
pub(super) fn day(text: &str) -> Result<String, String> {
    text.parse::<jiff::civil::Date>()
        .ok()
        .filter(|_| text.len() == 10)
        .map(|_| text.to_owned())
        .ok_or_else(|| format!("a day such as `2026-12-25` wanted, `{text}` seen"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_whole_numbers_with_a_unit() {
        for (text, seconds) in [("0s", 0), ("30s", 30), ("10m", 600), ("2h", 7_200), ("7d", 604_800), ("1w", 604_800)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "s",
            "10",
            "1.5h",
            "10 s",
            "10ms",
            "-1s",
            "10S",
            "99999999999999999999s",
            "9999999999999999999w",
            "１s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_span_is_shown_as_it_is_read() {
        for text in ["0s", "30s", "90s", "10m", "2h", "5d", "1w"] {
            assert_eq!(duration(text).map(show_duration).as_deref(), Ok(text));
        }
        assert_eq!(show_duration(Duration::from_millis(20)), "20ms");
    }

    #[test]
    fn sizes_are_bytes_or_with_a_binary_unit() {
        assert_eq!(size("65536"), Ok(65_536));
        assert_eq!(size("1MiB"), Ok(1 << 20));
        assert_eq!(size("2 KiB"), Ok(2_048));
        for text in ["", "MiB", "1MB", "1.5MiB", "99999999999GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_has_no_bits_behind_its_mask() {
        assert_eq!(network("127.0.0.1").map(|net| net.to_string()).as_deref(), Ok("127.0.0.1/32"));
        assert_eq!(network("::1").map(|net| net.to_string()).as_deref(), Ok("::1/128"));
        assert!(network("10.0.0.0/8").is_ok());
        assert_eq!(network("10.0.0.1/8").unwrap_err(), "`10.0.0.1/8` has bits set behind its mask; write `10.0.0.0/8`");
        assert!(network("10.0.0.0/33").is_err());
        assert!(network("localhost").is_err());
    }

    #[test]
    fn names_keep_to_their_letters() {
        for good in ["a", "gruveo_key", &"a".repeat(63)] {
            assert!(secret_name(good).is_ok(), "{good}");
        }
        for bad in ["", "_a", "1a", "A", "a-b", "a b", "ä", "a\n", &"a".repeat(64)] {
            assert!(secret_name(bad).is_err(), "{bad:?}");
        }
        assert!(part_name("second-team").is_ok());
        assert!(part_name("-team").is_err());
    }

    #[test]
    fn a_base_url_holds_no_password() {
        assert_eq!(base_url("https://api.example.com/v1/").as_deref(), Ok("https://api.example.com/v1"));
        assert_eq!(base_url("HTTPS://api.example.com/V1/").as_deref(), Ok("https://api.example.com/V1"));
        for bad in [
            "",
            "api.example.com",
            "ftp://x.example",
            "https://u:p@x.example",
            "https://x.example/?a=1",
            "http://x.example#y",
        ] {
            assert!(base_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hours_of_a_day_are_checked() {
        for good in ["09:00-17:00", "00:00-24:00"] {
            assert!(span_of_day(good).is_ok(), "{good}");
        }
        for bad in ["9:00-17:00", "09:00", "17:00-09:00", "09:00-09:00", "09:60-10:00", "23:00-24:01", "09:00-25:00"] {
            assert!(span_of_day(bad).is_err(), "{bad}");
        }
        assert!(day("2026-12-25").is_ok());
        assert!(day("2026-02-30").is_err());
    }
}
