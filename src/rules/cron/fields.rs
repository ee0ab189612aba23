//! The five fields of a cron expression, as crontab(5) reads them.

use std::ops::RangeInclusive;

use crate::rules::keys;

/// The five fields as sets of numbers.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) minutes: Field,
    pub(super) hours: Field,
    pub(super) days: Field,
    pub(super) months: Field,
    /// 0 is Sunday.
    pub(super) weekdays: Field,
}

/// What one field names.
#[derive(Debug)]
pub(super) struct Field {
    /// It is `*`, which restricts nothing.
    pub(super) star: bool,
    /// An element of it begins with `*`.
    wild: bool,
    /// In order, each once.
    pub(super) values: Vec<u8>,
}

/// What may stand in a field.
struct Kind {
    what: &'static str,
    range: RangeInclusive<u8>,
    /// Of the first values.
    names: &'static [&'static str],
}

const MINUTE: Kind = Kind { what: "minute", range: 0..=59, names: &[] };
const HOUR: Kind = Kind { what: "hour", range: 0..=23, names: &[] };
const DAY: Kind = Kind { what: "day of the month", range: 1..=31, names: &[] };
const MONTH: Kind = Kind {
    what: "month",
    range: 1..=12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// 7 is Sunday as well.
const WEEKDAY: Kind =
    Kind { what: "day of the week", range: 0..=7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

/// Words that stand for five fields.
const WORDS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

impl Fields {
    /// Reads an expression. `Err` is one sentence.
    pub(super) fn parse(expression: &str) -> Result<Self, String> {
        let text = expression.trim();
        let shown = keys::shortened(text);
        if text.eq_ignore_ascii_case("@reboot") {
            let why =
                "`@reboot` is no time: a schedule goes by the clock, and slots that a stop has cost are made up for";
            return Err(format!("{why} by `catch_up`"));
        }
        let text = if text.starts_with('@') {
            let known = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
            let words = WORDS.map(|(word, _)| word).join(", ");
            known.map(|(_, fields)| *fields).ok_or_else(|| format!("`{shown}` is not known; known are {words}"))?
        } else {
            text
        };
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = parts.as_slice() else {
            let count = parts.len();
            let why = if count == 6 { ": there is none for seconds" } else { "" };
            return Err(format!("`{shown}` has {count} fields, and a cron expression has five{why}"));
        };
        let mut weekdays = read(weekdays, &WEEKDAY)?;
        for day in &mut weekdays.values {
            *day %= 7;
        }
        weekdays.tidy();
        Ok(Self {
            minutes: read(minutes, &MINUTE)?,
            hours: read(hours, &HOUR)?,
            days: read(days, &DAY)?,
            months: read(months, &MONTH)?,
            weekdays,
        })
    }

    /// Whether the hour is any hour, or any of a step.
    pub(super) fn any_hour(&self) -> bool {
        self.hours.wild || self.hours.values.len() == 24
    }

    /// The expressions, in the words of the crate that evaluates them (seconds first, Sunday is 1), whose slots together are meant.
    pub(super) fn schedules(&self) -> Vec<String> {
        let one = |days: &str, weekdays: &str| {
            let (minutes, hours, months) = (self.minutes.list(0), self.hours.list(0), self.months.list(0));
            format!("0 {minutes} {hours} {days} {months} {weekdays}")
        };
        let (days, weekdays) = (self.days.list(0), self.weekdays.list(1));
        match (self.days.star, self.weekdays.star) {
            (false, false) => vec![one(&days, "*"), one("*", &weekdays)],
            _ => vec![one(&days, &weekdays)],
        }
    }
}

impl Field {
    fn list(&self, more: u8) -> String {
        if self.star {
            return "*".to_owned();
        }
        self.values.iter().map(|value| (value + more).to_string()).collect::<Vec<_>>().join(",")
    }

    fn tidy(&mut self) {
        self.values.sort_unstable();
        self.values.dedup();
    }
}

fn read(text: &str, kind: &Kind) -> Result<Field, String> {
    let mut field = Field { star: text == "*", wild: false, values: Vec::new() };
    for element in text.split(',') {
        field.wild |= element.starts_with('*');
        field.values.extend(read_element(element, kind)?);
    }
    field.tidy();
    Ok(field)
}

/// The values of `*`, `5`, `mon-fri`, `*/10` or `0-30/10`.
fn read_element(element: &str, kind: &Kind) -> Result<Vec<u8>, String> {
    let (range, step) = match element.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (element, None),
    };
    let shown = keys::shortened(element);
    let (first, last) = if range == "*" {
        // A day of the week has one Sunday.
        (*kind.range.start(), if kind.range == WEEKDAY.range { 6 } else { *kind.range.end() })
    } else if let Some((first, last)) = range.split_once('-') {
        let (first, last) = (read_value(first, kind)?, read_value(last, kind)?);
        // `sat-sun`: the Sunday at the week's end.
        let ends_sunday = kind.range == WEEKDAY.range && last == 0 && first > 0;
        (first, if ends_sunday { 7 } else { last })
    } else {
        let value = read_value(range, kind)?;
        if step.is_some() {
            return Err(format!("`{shown}` needs a range before `/`: write `{value}-{}`", range_end(kind)));
        }
        (value, value)
    };
    if first > last {
        return Err(format!("`{shown}` runs backwards: write both parts of the {}, joined by a comma", kind.what));
    }
    let step = match step {
        None => 1,
        Some(step) => match number(step) {
            Some(step) if step > 0 && step <= *kind.range.end() => step,
            _ => return Err(format!("`{}` is no step: from 1 to {} is taken", keys::shortened(step), range_end(kind))),
        },
    };
    Ok((first..=last).step_by(usize::from(step)).collect())
}

fn range_end(kind: &Kind) -> u8 {
    *kind.range.end()
}

fn read_value(text: &str, kind: &Kind) -> Result<u8, String> {
    let lower = text.to_ascii_lowercase();
    let named = kind.names.iter().position(|name| *name == lower).and_then(|index| u8::try_from(index).ok());
    let value = named.map(|index| index + kind.range.start()).or_else(|| number(text));
    value.filter(|value| kind.range.contains(value)).ok_or_else(|| {
        let words = if kind.names.is_empty() { String::new() } else { format!(", or {}", kind.names.join(", ")) };
        let (first, last) = (kind.range.start(), kind.range.end());
        format!("`{}` is no {}: known are {first} to {last}{words}", keys::shortened(text), kind.what)
    })
}

/// A number of one or two digits.
fn number(text: &str) -> Option<u8> {
    let digits = !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
