//! Slots of known expressions, and the same of another library for expressions made at random.

use std::str::FromStr as _;

use jiff::Timestamp;
use proptest::prelude::*;

use super::Cron;
use crate::clock::Time;

fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

fn slots(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let cron = Cron::parse(expression, Some(zone)).unwrap();
    let next = |at: &Time| cron.next_after(*at);
    std::iter::successors(next(&time(from)), next).take(count).map(|at| at.to_string()).collect()
}

#[test]
fn the_five_fields_have_the_meaning_of_crontab() {
    for (expression, wanted) in [
        ("0 9 * * 1", "2026-03-02T09:00:00Z"),
        ("0 9 * * mon-fri", "2026-03-02T09:00:00Z"),
        ("0 9 * * 0", "2026-03-08T09:00:00Z"),
        ("0 9 * * 7", "2026-03-08T09:00:00Z"),
        ("0 9 * * SAT-sun", "2026-03-07T09:00:00Z"),
        ("30 1,13 * * *", "2026-03-01T13:30:00Z"),
        ("*/20 * * * *", "2026-03-01T12:20:00Z"),
        ("10-30/10 14 * * *", "2026-03-01T14:10:00Z"),
        ("0 0 29 feb *", "2028-02-29T00:00:00Z"),
        ("0 0 13 * fri", "2026-03-06T00:00:00Z"),
        ("0 0 */2 * mon", "2026-03-02T00:00:00Z"),
        ("@hourly", "2026-03-01T13:00:00Z"),
        ("@daily", "2026-03-02T00:00:00Z"),
        ("@weekly", "2026-03-08T00:00:00Z"),
        ("@monthly", "2026-04-01T00:00:00Z"),
        ("@yearly", "2027-01-01T00:00:00Z"),
    ] {
        // A Sunday.
        assert_eq!(slots(expression, "UTC", "2026-03-01T12:00:00Z", 1), [wanted], "{expression}");
    }
    let both = ["2026-03-06T00:00:00Z", "2026-03-13T00:00:00Z", "2026-03-20T00:00:00Z"];
    assert_eq!(slots("0 0 13 * fri", "UTC", "2026-03-01T12:00:00Z", 3), both);
    assert_eq!(slots("0 12 * * *", "UTC", "2026-03-01T12:00:00Z", 1), ["2026-03-02T12:00:00Z"], "after, not at");
    assert_eq!(slots("0 12 * * *", "UTC", "2026-03-01T11:59:59.999Z", 1), ["2026-03-01T12:00:00Z"]);
    assert_eq!(slots("0 12 * * *", "UTC", "2026-03-01T12:00:00.001Z", 1), ["2026-03-02T12:00:00Z"]);
}

#[test]
fn what_is_no_expression_is_said_in_one_sentence() {
    for (expression, why) in [
        ("", "has 0 fields"),
        ("* * * *", "has 4 fields"),
        ("0 0 9 * * 1", "none for seconds"),
        ("60 * * * *", "`60` is no minute: known are 0 to 59"),
        ("0 24 * * *", "`24` is no hour"),
        ("0 0 0 * *", "`0` is no day of the month"),
        ("0 0 1 13 *", "or jan, feb"),
        ("0 0 * * 8", "`8` is no day of the week"),
        ("0 0 * * monday", "or sun, mon"),
        ("0 0 L * *", "`L` is no day"),
        ("0 0 * * fri-mon", "runs backwards"),
        ("0 22-2 * * *", "runs backwards"),
        ("5/10 * * * *", "write `5-59`"),
        ("*/0 * * * *", "`0` is no step"),
        ("*/ * * * *", "is no step"),
        ("1,,2 * * * *", "`` is no minute"),
        ("-1 * * * *", "is no minute"),
        ("1- * * * *", "is no minute"),
        ("\u{661} * * * *", "is no minute"),
        ("0 0 31 feb *", "never comes"),
        ("@every", "known are @hourly"),
        ("@reboot", "made up for by `catch_up`"),
    ] {
        let error = Cron::parse(expression, None).unwrap_err();
        assert!(error.contains(why), "{expression}: {error}");
    }
    assert!(Cron::parse("* * * * *", Some("Europe/Athen")).unwrap_err().contains("no time zone"));
    assert_eq!(Cron::nearest_timezone("Europe/Athen").as_deref(), Some("Europe/Athens"));
}

#[test]
fn a_slot_inside_a_gap_is_the_first_instant_after_it() {
    // The clock goes from 03:00 to 04:00 at 01:00 UTC.
    let around = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
    assert_eq!(slots("30 3 * * *", "Europe/Athens", "2026-03-28T00:00:00Z", 3), around);
    let several = ["2026-03-29T01:00:00Z", "2026-03-29T01:10:00Z"];
    assert_eq!(slots("*/10 3,4 * * *", "Europe/Athens", "2026-03-29T00:50:00Z", 2), several, "one for all in the gap");
    assert_eq!(slots("30 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", 1), ["2026-10-03T15:30:00Z"]);
}

#[test]
fn a_slot_in_a_repeated_hour_is_the_first_of_the_two() {
    // The clock goes from 04:00 back to 03:00 at 01:00 UTC.
    let around = ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
    assert_eq!(slots("30 3 * * *", "Europe/Athens", "2026-10-25T00:00:00Z", 2), around);
    assert_eq!(
        slots("30 3 * * *", "Europe/Athens", "2026-10-25T01:10:00Z", 1),
        ["2026-10-26T01:30:00Z"],
        "second pass"
    );
    let list = ["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:00:00Z"];
    assert_eq!(slots("0,30 3 * * *", "Europe/Athens", "2026-10-24T22:00:00Z", 3), list);
}

#[test]
fn any_hour_goes_by_elapsed_time() {
    let hours = ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"];
    assert_eq!(slots("30 * * * *", "Europe/Athens", "2026-03-29T00:00:00Z", 3), hours);
    let hours = ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"];
    assert_eq!(slots("0 * * * *", "Europe/Athens", "2026-10-24T23:00:00Z", 3), hours);
    assert_eq!(
        slots("0 */3 * * *", "Europe/Athens", "2026-10-24T21:30:00Z", 3),
        ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T04:00:00Z"]
    );
}

/// What the two slots around a change of the clock are, in zones with changes of their own kind.
#[test]
fn every_kind_of_change_has_its_slots() {
    for (expression, zone, from, wanted) in [
        // An hour at 02:00, forward and back.
        ("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", ["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"]),
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]),
        ("30 * * * *", "America/New_York", "2026-11-01T05:00:00Z", ["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"]),
        ("0 2,3 * * *", "America/New_York", "2026-03-08T06:00:00Z", ["2026-03-08T07:00:00Z", "2026-03-09T06:00:00Z"]),
        // Half an hour: 02:00 becomes 02:30, and later 01:30 again.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00Z", ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"]),
        ("45 * * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z", ["2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"]),
        // At midnight: the day begins at 01:00, and the one before is an hour longer.
        ("0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", ["2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"]),
        ("@daily", "America/Sao_Paulo", "2019-02-16T01:00:00Z", ["2019-02-16T02:00:00Z", "2019-02-17T03:00:00Z"]),
        ("30 23 * * *", "America/Sao_Paulo", "2019-02-16T12:00:00Z", ["2019-02-17T01:30:00Z", "2019-02-18T02:30:00Z"]),
        ("0 0 * * *", "Asia/Beirut", "2026-03-28T12:00:00Z", ["2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"]),
        ("30 23 * * *", "Asia/Beirut", "2026-10-24T12:00:00Z", ["2026-10-24T20:30:00Z", "2026-10-25T21:30:00Z"]),
        // A whole day that an island leapt over.
        ("0 9 * * *", "Pacific/Apia", "2011-12-29T20:00:00Z", ["2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z"]),
    ] {
        assert_eq!(slots(expression, zone, from, 2), wanted, "{expression} in {zone}");
    }
}

#[test]
fn the_end_of_time_is_no_slot() {
    let cron = Cron::parse("0 0 * * *", None).unwrap();
    assert_eq!(cron.next_after(Time(i64::MAX)), None);
    assert_eq!(cron.next_after(Time(i64::MIN)), None);
    assert_eq!(cron.next_after(time("2101-01-01T00:00:00Z")), None);
}

/// A field: `*`, a step, a value, a range, a range with a step, or a list of such.
fn field(first: u8, last: u8) -> impl Strategy<Value = String> {
    let range = (first..=last, first..=last).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let element = prop_oneof![
        (first..=last).prop_map(|value| value.to_string()),
        range.clone().prop_map(|(a, b)| format!("{a}-{b}")),
        (range, 1..=last).prop_map(|((a, b), step)| format!("{a}-{b}/{step}")),
    ];
    prop_oneof![
        3 => Just("*".to_owned()),
        1 => (1..=last).prop_map(|step| format!("*/{step}")),
        3 => proptest::collection::vec(element, 1..=3).prop_map(|list| list.join(",")),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7))
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

/// The next slots by another library.
fn theirs(expression: &str, zone: &str, from: Timestamp, count: usize) -> Option<Vec<Timestamp>> {
    let cron = croner::Cron::from_str(expression).ok()?;
    let start = from.in_tz(zone).unwrap();
    Some(cron.iter_after(start).take(count).map(|at| at.timestamp()).collect())
}

fn ours(expression: &str, zone: &str, from: Timestamp, count: usize) -> Option<Vec<Timestamp>> {
    let cron = Cron::parse(expression, Some(zone)).ok()?;
    let next = |at: &Time| cron.next_after(*at);
    let slots = std::iter::successors(next(&Time(from.as_millisecond())), next).take(count);
    Some(slots.map(|at| Timestamp::from_millisecond(at.0).unwrap()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// What the other library does not read, or finds no day for, is left out; so are slots beyond 8 years, where ours end.
    #[test]
    fn slots_in_utc_are_those_of_another_library(text in expression(), day in 0_i64..3000) {
        let from = Timestamp::from_second(1_767_225_600 + day * 86_400 + 12_345).unwrap();
        if let (Some(ours), Some(theirs)) = (ours(&text, "UTC", from, 40), theirs(&text, "UTC", from, 40)) {
            prop_assert!(!ours.is_empty(), "{}", text);
            prop_assert_eq!(&theirs[..ours.len()], &ours[..], "{}", text);
        }
    }

    /// Over the days of a change. They differ, and on purpose, where the hours are named and there are several slots a day: the other
    /// library then goes by elapsed time (a slot in the gap is none, one in the repeated hour comes twice).
    #[test]
    fn slots_over_a_change_of_the_clock_are_those_of_another_library(
        minute in 0_u8..60,
        hour in 0_u8..24,
        any in prop_oneof![Just(None), (1_u8..24).prop_map(Some)],
        minutes in field(0, 59),
        days in prop_oneof![Just("* * *"), Just("*/2 * mon"), Just("* 3,4,10,11 *")],
        zone in prop_oneof![
            Just("Europe/Athens"), Just("America/New_York"), Just("Australia/Lord_Howe"), Just("America/St_Johns"), Just("Asia/Beirut"),
        ],
        day in 0_i64..300,
    ) {
        let text = match any {
            None => format!("{minute} {hour} {days}"),
            Some(step) => format!("{minutes} */{step} {days}"),
        };
        let from = Timestamp::from_second(1_767_225_600 + day * 86_400 + 12_345).unwrap();
        if let (Some(ours), Some(theirs)) = (ours(&text, zone, from, 300), theirs(&text, zone, from, 300)) {
            prop_assert_eq!(&theirs[..ours.len()], &ours[..], "{} {}", text, zone);
        }
    }
}
