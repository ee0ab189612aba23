//! How often a connection may be called.

use std::{fmt, str::FromStr, time::Duration};

/// `24/min`, `10/s`, `1000/h`, `5000/d`, or `unlimited`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// As often as there is something to send.
    Unlimited,
    /// At most `count` requests in any `span`.
    Per {
        /// Never 0.
        count: u32,
        /// A second, a minute, an hour or a day.
        span: Duration,
    },
}

/// The units, with the seconds they have.
const UNITS: [(&str, u64); 4] = [("s", 1), ("min", 60), ("h", 3_600), ("d", 86_400)];

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        let wanted = || format!("a rate such as `24/min`, `10/s`, `1000/h` or `unlimited` wanted, `{text}` seen");
        let (count, unit) = text.split_once('/').ok_or_else(wanted)?;
        let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(wanted)?;
        if !count.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wanted());
        }
        match count.parse() {
            Ok(0) => Err("a rate of 0 would never send; leave the connection out, or disable the rule".to_owned()),
            Ok(count) => Ok(Self::Per { count, span: Duration::from_secs(seconds) }),
            Err(_) => Err(wanted()),
        }
    }
}

impl fmt::Display for Rate {
    /// So that `from_str` reads it again; a span that is no unit in seconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("unlimited"),
            Self::Per { count, span } => match UNITS.into_iter().find(|(_, seconds)| *seconds == span.as_secs()) {
                Some((unit, _)) => write!(f, "{count}/{unit}"),
                None => write!(f, "{count}/{}s", span.as_secs()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_survives_its_text() {
        for text in ["24/min", "10/s", "1000/h", "5000/d", "unlimited", "1/s"] {
            assert_eq!(text.parse::<Rate>().map(|rate| rate.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("24/min".parse(), Ok(Rate::Per { count: 24, span: Duration::from_secs(60) }));
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in
            ["", "24", "24/", "/min", "24/minute", "-1/s", "+1/s", "1.5/s", "24 / min", "Unlimited", "99999999999/s"]
        {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        assert!("0/s".parse::<Rate>().unwrap_err().contains("never send"));
    }
}
