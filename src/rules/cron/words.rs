//! A cron expression in words, for people who do not read five fields.

use super::fields::{Field, Fields};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Times of a day that are named one by one.
const FEW: usize = 8;

impl Fields {
    /// Such as `at 09:00, Monday to Friday`.
    pub(super) fn words(&self) -> String {
        let mut parts = vec![self.time()];
        let (days, weekdays) = (self.days(), self.weekdays());
        match (days, weekdays) {
            (Some(days), Some(weekdays)) => parts.push(format!("{days}, and every {weekdays}")),
            (Some(days), None) => parts.push(days),
            (None, Some(weekdays)) => parts.push(weekdays),
            (None, None) if !self.hours.star && parts.iter().all(|time| time.starts_with("at ")) => {
                parts.push("every day".to_owned());
            }
            (None, None) => {}
        }
        if !self.months.star {
            parts.push(format!("in {}", ranges(&self.months.values, |month| name(&MONTHS, month, 1))));
        }
        parts.join(", ")
    }

    fn time(&self) -> String {
        let (minutes, hours) = (&self.minutes, &self.hours);
        if hours.star {
            return match (minutes.star, even_step(minutes, 60), minutes.values.as_slice()) {
                (true, ..) => "every minute".to_owned(),
                (_, Some(step), _) => format!("every {step} minutes"),
                (_, _, [0]) => "every hour".to_owned(),
                _ => format!("at minute {} of every hour", numbers(&minutes.values)),
            };
        }
        let at_hours = match even_step(hours, 24) {
            Some(step) => format!("every {step} hours"),
            None => format!("hour {}", numbers(&hours.values)),
        };
        if minutes.star {
            return format!("every minute of {at_hours}");
        }
        if let Some(step) = even_step(minutes, 60) {
            return format!("every {step} minutes of {at_hours}");
        }
        if minutes.values.len() * hours.values.len() <= FEW {
            let times = hours.values.iter().flat_map(|hour| minutes.values.iter().map(move |minute| (hour, minute)));
            let times: Vec<String> = times.map(|(hour, minute)| format!("{hour:02}:{minute:02}")).collect();
            return format!("at {}", listed(&times));
        }
        format!("at minute {} of {at_hours}", numbers(&minutes.values))
    }

    fn days(&self) -> Option<String> {
        (!self.days.star).then(|| format!("on day {} of the month", numbers(&self.days.values)))
    }

    fn weekdays(&self) -> Option<String> {
        (!self.weekdays.star).then(|| ranges(&self.weekdays.values, |day| name(&DAYS, day, 0)))
    }
}

/// Of `*/n` where n divides the whole.
fn even_step(field: &Field, whole: u8) -> Option<u8> {
    let [first, second, ..] = field.values.as_slice() else { return None };
    let step = second.checked_sub(*first)?;
    let wanted: Vec<u8> = (0..whole).step_by(usize::from(step.max(1))).collect();
    (*first == 0 && step > 1 && whole.is_multiple_of(step) && field.values == wanted).then_some(step)
}

fn name(names: &[&str], value: u8, first: u8) -> String {
    names.get(usize::from(value.saturating_sub(first))).map_or_else(|| value.to_string(), |name| (*name).to_owned())
}

fn numbers(values: &[u8]) -> String {
    ranges(values, |value| value.to_string())
}

/// `1, 2, 3, 7` as `1 to 3 and 7`.
fn ranges(values: &[u8], show: impl Fn(u8) -> String) -> String {
    let mut runs: Vec<(u8, u8)> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*value) => *last = *value,
            _ => runs.push((*value, *value)),
        }
    }
    let shown: Vec<String> = runs
        .into_iter()
        .flat_map(|(first, last)| match last - first {
            0 => vec![show(first)],
            1 => vec![show(first), show(last)],
            _ => vec![format!("{} to {}", show(first), show(last))],
        })
        .collect();
    listed(&shown)
}

fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::Cron;

    #[test]
    fn expressions_are_said_as_people_say_them() {
        for (expression, words) in [
            ("* * * * *", "every minute"),
            ("*/5 * * * *", "every 5 minutes"),
            ("*/7 * * * *", "at minute 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"),
            ("0 * * * *", "every hour"),
            ("15,45 * * * *", "at minute 15 and 45 of every hour"),
            ("0 9 * * mon-fri", "at 09:00, Monday to Friday"),
            ("30 8,18 * * 0,6", "at 08:30 and 18:30, Sunday and Saturday"),
            ("@daily", "at 00:00, every day"),
            ("@weekly", "at 00:00, Sunday"),
            ("0 0 1 * *", "at 00:00, on day 1 of the month"),
            ("0 0 13 * fri", "at 00:00, on day 13 of the month, and every Friday"),
            ("0 12 24 dec *", "at 12:00, on day 24 of the month, in December"),
            ("*/15 9-17 * 1-6 *", "every 15 minutes of hour 9 to 17, in January to June"),
            ("0 */3 * * *", "at 00:00, 03:00, 06:00, 09:00, 12:00, 15:00, 18:00 and 21:00, every day"),
            ("10-59/10 */2 * * *", "at minute 10, 20, 30, 40 and 50 of every 2 hours, every day"),
            ("* 1,2 * * *", "every minute of hour 1 and 2"),
        ] {
            assert_eq!(Cron::parse(expression, None).unwrap().words(), words, "{expression}");
        }
    }
}
