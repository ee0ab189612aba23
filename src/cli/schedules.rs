//! `bellwire schedules`: when each rule is started next, and what was missed.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use super::{
    answer::{Answer, clean},
    arguments::{Schedules, SchedulesNext, SchedulesVerb},
    failure::Failure,
    open,
    table::table,
};
use crate::{
    app,
    clock::Time,
    rules::{CatchUp, Cron, Every, Rule, Schedule, parse_duration},
    store::{Mode, ScheduleId, ScheduleRow},
};

/// A slot that is due for so long is overdue: a running server would have fired it.
const OVERDUE: Duration = Duration::from_mins(1);

pub(super) fn run(workspace: &Path, options: &Schedules) -> Result<Answer, Failure> {
    if let Some(SchedulesVerb::Next(next)) = &options.verb {
        return next_slots(next, open::clock().now());
    }
    let config = open::settings(workspace)?;
    let rows = if open::is_unborn(&config)? {
        Vec::new()
    } else {
        open::block_on(async { Ok(open::store(&config, Mode::Read)?.schedules().await?) })?
    };
    let compiled = app::check(&config);
    let rules = compiled.set.rules.values().map(AsRef::as_ref);
    let lines = lines(rules, &rows, open::clock().now());
    Ok(if options.json { as_json(&lines) } else { Answer::text(as_text(&lines)) })
}

/// One schedule of a rule.
pub(super) struct Line<'r> {
    pub(super) rule: &'r Rule,
    schedule: &'r Schedule,
    /// `None`: no server has had it in force yet.
    row: Option<&'r ScheduleRow>,
    /// `None`: the rule is not enabled, or there is no slot any more.
    next: Option<Time>,
    /// The slot that was to be fired and was not. `None`: none is late.
    pub(super) overdue: Option<Time>,
}

/// The schedules of rules, and how it stands with each.
pub(super) fn lines<'r>(rules: impl Iterator<Item = &'r Rule>, rows: &'r [ScheduleRow], now: Time) -> Vec<Line<'r>> {
    let mut lines = Vec::new();
    for rule in rules {
        for schedule in rule.schedules() {
            let id = ScheduleId { rule: rule.id.to_string(), schedule: schedule.key() };
            let row = rows.iter().find(|row| row.id == id);
            let due = row.filter(|_| rule.enabled).and_then(|row| schedule.next_after(row.upto));
            let overdue = due.filter(|due| now.since(*due) > OVERDUE);
            let next = rule.enabled.then(|| schedule.next_after(now)).flatten();
            lines.push(Line { rule, schedule, row, next, overdue });
        }
    }
    lines
}

/// What the table says of a schedule.
pub(super) struct Cells<'l> {
    pub(super) rule: &'l str,
    pub(super) schedule: &'l Schedule,
    pub(super) enabled: bool,
    pub(super) last: Option<Time>,
    pub(super) next: Option<Time>,
    /// `None`: no server has had it in force yet.
    pub(super) missed: Option<u64>,
}

impl Cells<'_> {
    fn line(&self) -> Vec<String> {
        let shown = |time: Option<Time>| time.map_or("-".to_owned(), |time| self.schedule.local(time));
        vec![
            clean(self.rule, 40),
            clean(&self.schedule.expression(), 40),
            shown(self.last),
            if self.enabled { shown(self.next) } else { "not enabled".to_owned() },
            self.missed.map_or("-".to_owned(), |missed| missed.to_string()),
            format!("{}, {}", self.schedule.words(), self.schedule.timezone()),
        ]
    }
}

/// The table of schedules.
pub(super) fn rows_as_text<'l>(rows: impl Iterator<Item = Cells<'l>>) -> String {
    let cells: Vec<Vec<String>> = rows.map(|row| row.line()).collect();
    if cells.is_empty() {
        return "No rule has a schedule; one is `on: { schedule: { cron: \"0 9 * * mon-fri\" } }`.".to_owned();
    }
    table(&["RULE", "SCHEDULE", "LAST", "NEXT", "MISSED", "MEANS"], &cells)
}

fn as_text(lines: &[Line<'_>]) -> String {
    let mut text = rows_as_text(lines.iter().map(|line| Cells {
        rule: &line.rule.id,
        schedule: line.schedule,
        enabled: line.rule.enabled,
        last: line.row.and_then(|row| row.last_slot),
        next: line.next,
        missed: line.row.map(|row| row.missed),
    }));
    for line in lines {
        if let Some(due) = line.overdue {
            let at = line.schedule.local(due);
            text.push_str(&format!(
                "\n{}: the slot {at} is overdue; is `bellwire serve` running, with runner.enabled?\n",
                line.rule.id
            ));
        }
    }
    text
}

fn as_json(lines: &[Line<'_>]) -> Answer {
    let text = |time: Option<Time>| time.map(|time| time.to_string());
    let all: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({
                "rule": &*line.rule.id,
                "name": line.rule.name,
                "enabled": line.rule.enabled,
                "expression": line.schedule.expression(),
                "words": line.schedule.words(),
                "timezone": line.schedule.timezone(),
                "catch_up": line.schedule.catch_up.word(),
                "since": text(line.row.map(|row| row.since)),
                "last": text(line.row.and_then(|row| row.last_slot)),
                "last_event": line.row.and_then(|row| row.last_event),
                "next": text(line.next),
                "missed": line.row.map(|row| row.missed),
                "overdue": text(line.overdue),
            })
        })
        .collect();
    Answer::json(&Value::Array(all))
}

/// The next slots of an expression.
fn next_slots(options: &SchedulesNext, now: Time) -> Result<Answer, Failure> {
    let from = match &options.from {
        None => now,
        Some(text) => Time::parse(text).ok_or_else(|| {
            let shown = clean(text, 40);
            Failure::Usage(format!("--from {shown}: a time with its offset wanted, such as 2026-03-01T10:00:00Z"))
        })?,
    };
    let schedule = read(&options.expression, options.timezone.as_deref())?;
    let next = |at: &Time| schedule.next_after(*at);
    let count = usize::try_from(options.count).unwrap_or(usize::MAX);
    let slots: Vec<Time> = std::iter::successors(next(&from), next).take(count).collect();
    let zone = schedule.timezone();
    if options.json {
        let utc: Vec<String> = slots.iter().map(ToString::to_string).collect();
        let local: Vec<String> = slots.iter().map(|slot| schedule.local(*slot)).collect();
        return Ok(Answer::json(&json!({
            "expression": schedule.expression(),
            "words": schedule.words(),
            "timezone": zone,
            "from": from.to_string(),
            "slots": utc,
            "local": local,
        })));
    }
    let cells: Vec<Vec<String>> = slots.iter().map(|slot| vec![schedule.local(*slot), slot.to_string()]).collect();
    let text = table(&["LOCAL", "UTC"], &cells);
    Ok(Answer::text(format!("{}, {zone}\n{text}", schedule.words())))
}

/// `every 10m` and `10m`, or a cron expression.
pub(super) fn read(expression: &str, timezone: Option<&str>) -> Result<Schedule, Failure> {
    let span = parse_duration(expression.strip_prefix("every ").unwrap_or(expression).trim());
    let at = match span {
        Some(_) if timezone.is_some_and(|zone| zone != "UTC") => {
            let why = "--timezone means nothing beside a span: its slots are counted from the Unix epoch";
            return Err(Failure::Usage(why.to_owned()));
        }
        Some(span) if span.is_zero() => return Err(Failure::Usage("a span of at least 1s wanted".to_owned())),
        Some(span) => Every::After(span),
        None => Every::Cron(cron(expression, timezone)?),
    };
    Ok(Schedule { at, catch_up: CatchUp::Last })
}

fn cron(expression: &str, timezone: Option<&str>) -> Result<Cron, Failure> {
    if let Some(zone) = timezone.filter(|zone| !Cron::knows_timezone(zone)) {
        let near = Cron::nearest_timezone(zone);
        let help =
            near.map_or("write one such as Europe/Athens or UTC".to_owned(), |near| format!("did you mean `{near}`?"));
        return Err(Failure::Usage(format!("--timezone: `{}` is no time zone; {help}", clean(zone, 60))));
    }
    Cron::parse(expression, timezone).map_err(|why| {
        Failure::Usage(format!(
            "{why}\nThe five fields are minute, hour, day of the month, month and day of the week, as in '0 9 * * mon-fri'; a span is \
             'every 10m'"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(expression: &str, timezone: Option<&str>, json: bool) -> Result<Answer, Failure> {
        let options = SchedulesNext {
            expression: expression.to_owned(),
            timezone: timezone.map(str::to_owned),
            from: Some("2026-03-28T12:00:00Z".to_owned()),
            count: 2,
            json,
        };
        next_slots(&options, Time(0))
    }

    #[test]
    fn slots_are_shown_on_the_wall_clock_and_in_utc() {
        let text = asked("30 3 * * *", Some("Europe/Athens"), false).unwrap_or_default().out;
        assert_eq!(
            text,
            "at 03:30, every day, Europe/Athens\n\
             LOCAL                      UTC\n\
             2026-03-29T04:00:00+03:00  2026-03-29T01:00:00Z\n\
             2026-03-30T03:30:00+03:00  2026-03-30T00:30:00Z\n"
        );
        let json: Value = serde_json::from_str(&asked("every 10m", None, true).unwrap_or_default().out).unwrap();
        assert_eq!(json["slots"], json!(["2026-03-28T12:10:00Z", "2026-03-28T12:20:00Z"]));
        assert_eq!((&json["timezone"], &json["expression"]), (&json!("UTC"), &json!("every 10m")));
    }

    #[test]
    fn what_is_no_expression_or_zone_is_told_with_the_way_out() {
        for (expression, zone, why) in [
            ("0 25 * * *", None, "`25` is no hour: known are 0 to 23"),
            ("0 9 * *", None, "has 4 fields"),
            ("0 9 * * *", Some("Europe/Athen"), "did you mean `Europe/Athens`?"),
            ("10m", Some("Europe/Athens"), "means nothing beside a span"),
            ("0s", None, "at least 1s"),
        ] {
            let failure = asked(expression, zone, false).err().map(|failure| (failure.exit(), failure.to_string()));
            assert!(failure.as_ref().is_some_and(|(exit, text)| *exit == 2 && text.contains(why)), "{failure:?}");
        }
    }
}
