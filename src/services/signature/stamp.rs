//! When a signature was made: one that is too old, or not yet, is a replay or a wrong clock.

use std::time::Duration;

use super::header::entries;
use crate::{
    clock::Time,
    services::{Refused, Request, StampUnit},
    value::{JsonLimits, Path, Value, read_json},
};

/// How far the sender's clock may be off where a pack says nothing: what most services advise.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// When a signature was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// Where it stands.
    pub place: StampPlace,
    /// How it is written.
    pub unit: StampUnit,
    /// How far it may be from our time, either way; just as far still holds.
    pub tolerance: Duration,
}

/// Where the time of a signature stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StampPlace {
    /// In a header of its own, in lower case; several names as for the signature's.
    Headers(Vec<String>),
    /// In the signature's own header: the entry that begins so, such as `t=`.
    Entry(String),
    /// In the body, which the signature covers. A body without it is refused: it could be sent again for ever.
    Body(Path),
}

impl Stamped {
    /// The time as it was sent. `None` where it stands in the body.
    pub(super) fn read(
        &self,
        request: &Request<'_>,
        place: usize,
        list: Option<char>,
        signature: &[u8],
    ) -> Result<Option<String>, Refused> {
        let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(refused("the time is not text".to_owned(), None)),
        };
        match &self.place {
            StampPlace::Headers(names) => {
                let Some(name) = names.get(place).or(names.first()) else { return Ok(None) };
                let mut values = request.header(name);
                let value = values.next().ok_or_else(|| refused(format!("there is no header `{name}`"), None))?;
                if values.next().is_some() {
                    let detail = format!("header `{name}` stands more than once");
                    return Err(Refused::new(400, "duplicate_header", detail));
                }
                text(value)
            }
            StampPlace::Entry(prefix) => {
                let list = entries(signature, list.unwrap_or(','));
                let found: Vec<&[u8]> = list.filter_map(|entry| entry.strip_prefix(prefix.as_bytes())).collect();
                match found.as_slice() {
                    [one] => text(one),
                    [] => Err(refused(format!("the signature's header holds no time: `{prefix}` is missing"), None)),
                    _ => Err(refused(format!("the signature's header holds `{prefix}` more than once"), None)),
                }
            }
            StampPlace::Body(_) => Ok(None),
        }
    }

    /// Seconds by which the sender's clock is behind ours, or why the time does not hold. `proven`: the signature over it does.
    pub(super) fn judge(&self, text: &str, now: Time, proven: bool) -> Result<i64, Refused> {
        let Some(skew) = self.skew(text, now) else {
            return Err(refused(format!("the time is not {}", form(self.unit)), None));
        };
        self.hold(skew, proven)
    }

    /// The same for a time in a body whose signature holds. `None`: it stands elsewhere.
    pub(super) fn judge_body(&self, body: &[u8], now: Time) -> Result<Option<i64>, Refused> {
        let StampPlace::Body(path) = &self.place else { return Ok(None) };
        let missing = || refused(format!("the body holds no time: `{path}` is missing"), None);
        let Ok(parsed) = read_json(body, JsonLimits::default()) else { return Err(missing()) };
        let text = match path.find(&parsed.value) {
            None | Some(Value::Null) => return Err(missing()),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        self.judge(&text, now, true).map(Some)
    }

    fn hold(&self, skew: Skew, proven: bool) -> Result<i64, Refused> {
        let allowed = i64::try_from(self.tolerance.as_millis()).unwrap_or(i64::MAX);
        let seconds = skew.0.checked_div(1_000).unwrap_or_default();
        if skew.0.unsigned_abs() <= allowed.unsigned_abs() {
            return Ok(seconds);
        }
        let way = if skew.0 > 0 { "behind" } else { "ahead of" };
        let rest = if proven { "the signature itself holds" } else { "the signature does not hold either" };
        let detail = format!(
            "the time of the signature is {} s {way} our clock, {} s are allowed; {rest}",
            skew.0.unsigned_abs().div_ceil(1_000),
            self.tolerance.as_secs(),
        );
        // A stranger can send any time: only one that the key's holder has signed says something of clocks.
        Err(refused(detail, proven.then_some(seconds)))
    }

    /// Milliseconds from the time that `text` writes to `now`. `None`: it writes none.
    fn skew(&self, text: &str, now: Time) -> Option<Skew> {
        let number = || {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse::<i64>().ok()).flatten()
        };
        let milliseconds = match self.unit {
            // Whole seconds are compared: what was sent in this second is not half a second old.
            StampUnit::Seconds => now.0.div_euclid(1_000).saturating_sub(number()?).saturating_mul(1_000),
            StampUnit::Milliseconds => now.0.saturating_sub(number()?),
            StampUnit::Text => now.0.saturating_sub(Time::parse(text)?.0),
        };
        Some(Skew(milliseconds))
    }
}

/// Milliseconds by which the sender's clock is behind ours.
#[derive(Debug, Clone, Copy)]
struct Skew(i64);

fn form(unit: StampUnit) -> &'static str {
    match unit {
        StampUnit::Seconds => "a number of seconds since 1970",
        StampUnit::Milliseconds => "a number of milliseconds since 1970",
        StampUnit::Text => "a time such as 2026-03-01T10:00:00Z",
    }
}

fn refused(detail: String, skew: Option<i64>) -> Refused {
    Refused { skew, ..Refused::new(401, "timestamp", detail) }
}
