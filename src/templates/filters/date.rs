//! Times: read, moved to a zone, and formatted, on jiff and with bounds.

use jiff::{
    Timestamp, Zoned, civil,
    fmt::{rfc2822, strtime},
    tz::TimeZone,
};
use serde_json::Value;

use super::{super::evaluate::whole, Answer, Filter, FilterError, Given, refused};

pub(super) const FILTERS: &[Filter] = &[
    Filter { name: "date", least: 1, most: 1, named: &["timezone"], run: date },
    Filter { name: "in_timezone", least: 1, most: 1, named: &[], run: in_timezone },
    Filter { name: "parse_time", least: 0, most: 2, named: &[], run: parse_time },
    Filter { name: "timezone", least: 1, most: 1, named: &[], run: in_timezone },
];

/// A number in a format that is wider than this pads for nobody.
const WIDTH: u32 = 64;
/// Bytes of a format.
const FORMAT: usize = 256;
/// Bytes of a text that may be a time.
const TIME_TEXT: usize = 128;

/// `date: '%Y-%m-%d'`: of an RFC 3339 text, of seconds since the epoch, of `'now'`. In the offset that the text has, else UTC.
fn date(given: Given<'_>) -> Answer {
    if is_absent(&given.input) {
        return Ok(given.input);
    }
    let Some(format) = given.text_at(0)?.filter(|format| !format.is_empty()) else { return Ok(given.input.clone()) };
    let at = match civil_or_zoned(&given) {
        Ok(at) => at,
        // A card shows what it was given rather than nothing.
        Err(_) if given.lenient => return Ok(given.input.clone()),
        Err(error) => return Err(error),
    };
    let at = match given.named("timezone") {
        Some(name) => at.with_time_zone(zone(name.as_str().unwrap_or_default())?),
        None => at,
    };
    given.give(formatted(&at, &format)?)
}

fn is_absent(value: &Value) -> bool {
    matches!(value, Value::Null) || value.as_str() == Some("")
}

/// `in_timezone: 'Europe/Athens'`: the same instant as RFC 3339 text with that zone's offset.
fn in_timezone(given: Given<'_>) -> Answer {
    if is_absent(&given.input) {
        return Ok(given.input);
    }
    let name = given.wanted_text(0)?;
    let at = instant(&given)?.with_time_zone(zone(&name)?);
    given.give(rfc3339(&at))
}

/// `parse_time: '%d/%m/%Y %H:%M', 'Europe/Athens'`: RFC 3339 text of a time that is written otherwise. Without a format:
/// RFC 3339, RFC 2822 or seconds since the epoch. The zone counts where the text has no offset of its own; without either the
/// text is refused.
fn parse_time(given: Given<'_>) -> Answer {
    if is_absent(&given.input) {
        return Ok(Value::Null);
    }
    let Some(format) = given.text_at(0)? else {
        return given.give(rfc3339(&instant(&given)?));
    };
    check_format(&format)?;
    let text = given.text()?;
    if text.len() > TIME_TEXT {
        return Err(not_a_time(&given));
    }
    let read = strtime::parse(format.as_bytes(), text.as_bytes())
        .map_err(|_| refused(format!("`{text}` is not written as `{format}`")))?;
    if let Ok(at) = read.to_timestamp() {
        return given.give(rfc3339(&at.to_zoned(TimeZone::UTC)));
    }
    let zone = match given.text_at(1)? {
        Some(name) => zone(&name)?,
        None => return Err(refused("a time without offset is refused; name a zone after the format")),
    };
    let local = read.to_datetime().or_else(|_| read.to_date().map(|date| date.at(0, 0, 0, 0)));
    let local = local.map_err(|_| refused(format!("`{format}` leaves the date open")))?;
    let at = local.to_zoned(zone).map_err(|_| refused("this time is out of range"))?;
    given.give(rfc3339(&at))
}

/// The input as an instant: one with an offset, or a number of seconds, or `now`.
fn instant(given: &Given<'_>) -> Result<Zoned, FilterError> {
    let no_time = || not_a_time(given);
    match &given.input {
        Value::Number(_) => {
            let seconds = whole(&given.input).ok_or_else(no_time)?;
            let at = Timestamp::from_second(seconds).map_err(|_| no_time())?;
            Ok(at.to_zoned(TimeZone::UTC))
        }
        Value::String(text) if text.len() > TIME_TEXT => Err(no_time()),
        Value::String(text) => match text.trim() {
            "now" | "today" => {
                let now = Timestamp::from_millisecond(given.now.0).map_err(|_| no_time())?;
                Ok(now.to_zoned(TimeZone::UTC))
            }
            text => written(text).ok_or_else(no_time),
        },
        _ => Err(no_time()),
    }
}

/// A text with an offset: RFC 3339 or RFC 2822, or `2026-03-01 10:00:00 +0200`.
fn written(text: &str) -> Option<Zoned> {
    if let Ok(at) = text.parse::<Timestamp>() {
        let offset = strtime_offset(text).unwrap_or(TimeZone::UTC);
        return Some(at.to_zoned(offset));
    }
    if let Ok(at) = rfc2822::parse(text) {
        return Some(at);
    }
    let at = strtime::parse("%Y-%m-%d %H:%M:%S %z", text).ok()?;
    at.to_zoned().ok()
}

/// The offset that an RFC 3339 text ends with.
fn strtime_offset(text: &str) -> Option<TimeZone> {
    let digits = text.get(text.len().checked_sub(6)?..)?;
    let pieces = strtime::parse("%:z", digits).ok()?;
    Some(TimeZone::fixed(pieces.offset()?))
}

/// As [`instant`]; a date or time without offset too, read as UTC: to show it needs no zone.
fn civil_or_zoned(given: &Given<'_>) -> Result<Zoned, FilterError> {
    let error = match instant(given) {
        Ok(at) => return Ok(at),
        Err(error) => error,
    };
    let Some(text) = given.input.as_str().map(str::trim).filter(|text| text.len() <= TIME_TEXT) else {
        return Err(error);
    };
    if text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(seconds) = text.parse::<i64>()
    {
        let at = Timestamp::from_second(seconds).map_err(|_| not_a_time(given))?;
        return Ok(at.to_zoned(TimeZone::UTC));
    }
    let local = text.parse::<civil::DateTime>().ok().or_else(|| {
        let read = ["%B %d, %Y", "%b %d, %Y"].iter().find_map(|format| strtime::parse(format, text).ok())?;
        read.to_date().ok().map(|date| date.at(0, 0, 0, 0))
    });
    local.and_then(|local| local.to_zoned(TimeZone::UTC).ok()).ok_or(error)
}

fn not_a_time(given: &Given<'_>) -> FilterError {
    /// Enough to know a text by.
    const SHOWN: usize = 40;
    let shown = match &given.input {
        Value::String(text) => text.chars().take(SHOWN).collect(),
        Value::Number(number) => number.to_string(),
        other => format!("a {}", crate::value::type_name(other)),
    };
    refused(format!("`{shown}` is not a time: RFC 3339 text with an offset, or seconds since 1970, is wanted"))
}

fn zone(name: &str) -> Result<TimeZone, FilterError> {
    if name.len() > TIME_TEXT {
        return Err(refused("there is no time zone with so long a name"));
    }
    TimeZone::get(name).map_err(|_| refused(format!("there is no time zone `{}`", name.escape_debug())))
}

fn rfc3339(at: &Zoned) -> String {
    if at.offset().is_zero() {
        return at.timestamp().to_string();
    }
    at.timestamp().display_with_offset(at.offset()).to_string()
}

fn check_format(format: &str) -> Result<(), FilterError> {
    if format.len() > FORMAT {
        return Err(refused(format!("a format of more than {FORMAT} bytes")));
    }
    let mut rest = format;
    while let Some((_, after)) = rest.split_once('%') {
        let flags = after.trim_start_matches(['-', '_', '0', '^', '#', ':', '.']);
        let digits = flags.len() - flags.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let width = flags.get(..digits).unwrap_or_default();
        if digits > 0 && width.parse::<u32>().map_or(true, |width| width > WIDTH) {
            return Err(refused(format!("a width over {WIDTH} in the format")));
        }
        rest = after.strip_prefix('%').unwrap_or(after);
    }
    Ok(())
}

/// Formats a time; `%L` and `%3N` are milliseconds as in Ruby.
fn formatted(at: &Zoned, format: &str) -> Result<String, FilterError> {
    check_format(format)?;
    let millis = format!("{:03}", at.subsec_nanosecond() / 1_000_000);
    let pieces = format.split("%%").map(|piece| piece.replace("%L", &millis).replace("%3N", &millis));
    let format = pieces.collect::<Vec<_>>().join("%%");
    let broken = strtime::BrokenDownTime::from(at);
    broken.to_string(format.as_str()).map_err(|error| refused(format!("the format is not understood: {error}")))
}
