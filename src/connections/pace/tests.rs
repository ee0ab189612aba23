use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn per(count: u32, seconds: u64) -> Rate {
    Rate::Per { count, span: Duration::from_secs(seconds) }
}

/// Asks, and goes if it may.
fn turn(pace: &mut Pace, rate: Rate, now: i64, run: i64) -> i64 {
    let at = pace.ask(rate, Time(now), run);
    if at <= Time(now) {
        pace.go(rate, Time(now), run);
    }
    at.0
}

#[test]
fn slots_are_spread_and_kept_for_those_who_asked() {
    let (mut pace, rate) = (Pace::default(), per(6, 60));
    assert_eq!(turn(&mut pace, rate, 0, 1), 0);
    assert_eq!(turn(&mut pace, rate, 0, 2), 10_000);
    assert_eq!(turn(&mut pace, rate, 0, 3), 20_000);
    assert_eq!(turn(&mut pace, rate, 5_000, 2), 10_000, "asking again costs no second slot");
    assert_eq!(turn(&mut pace, rate, 10_000, 4), 30_000, "a stranger does not get the slot that is kept");
    assert_eq!(turn(&mut pace, rate, 10_000, 2), 10_000);
    assert_eq!(turn(&mut pace, rate, 10_000, 2), 40_000, "a slot is used once");
    assert_eq!(turn(&mut pace, rate, 25_000, 3), 25_000, "late is no loss");
}

#[test]
fn a_run_that_found_no_place_keeps_its_slot() {
    let (mut pace, rate) = (Pace::default(), per(6, 60));
    turn(&mut pace, rate, 0, 1);
    assert_eq!(pace.ask(rate, Time(0), 2), Time(10_000));
    assert_eq!(pace.ask(rate, Time(10_000), 2), Time(10_000));
    assert_eq!(pace.ask(rate, Time(11_000), 2), Time(11_000), "asked, and did not go");
    assert_eq!(pace.ask(rate, Time(11_000), 3), Time(20_000));
}

#[test]
fn a_tenth_may_go_at_once() {
    let (mut pace, rate) = (Pace::default(), per(24, 60));
    let at: Vec<_> = (0..4).map(|run| turn(&mut pace, rate, 0, run)).collect();
    assert_eq!(at, [0, 0, 0, 2728]);
}

#[test]
fn an_unlimited_lane_never_waits_but_for_a_pause() {
    let mut pace = Pace::default();
    for run in 0..1000 {
        assert_eq!(turn(&mut pace, Rate::Unlimited, 7, run), 7);
    }
    pace.pause(Time(1000));
    assert_eq!(turn(&mut pace, Rate::Unlimited, 7, 1), 1000);
    assert_eq!(turn(&mut pace, Rate::Unlimited, 1000, 1), 1000);
}

#[test]
fn after_a_pause_they_go_one_after_the_other() {
    let (mut pace, rate) = (Pace::default(), per(6, 60));
    for run in 0..3 {
        turn(&mut pace, rate, 0, run);
    }
    pace.pause(Time(100_000));
    pace.pause(Time(50_000));
    assert_eq!(turn(&mut pace, rate, 10_000, 1), 100_000, "a shorter pause does not shorten a longer one");
    assert_eq!(turn(&mut pace, rate, 20_000, 2), 110_000);
    assert_eq!(turn(&mut pace, rate, 100_000, 1), 100_000);
    assert_eq!(turn(&mut pace, rate, 100_000, 3), 120_000);
}

#[test]
fn a_slot_that_nobody_came_for_is_void() {
    let (mut pace, rate) = (Pace::default(), per(6, 60));
    turn(&mut pace, rate, 0, 1);
    turn(&mut pace, rate, 0, 2);
    assert_eq!(turn(&mut pace, rate, 200_000, 1), 200_000);
    assert_eq!(turn(&mut pace, rate, 200_000, 2), 210_000, "the slot of long ago is no ticket");
}

#[test]
fn a_clock_set_back_stops_nothing() {
    let (mut pace, rate) = (Pace::default(), per(6, 60));
    for run in 0..3 {
        turn(&mut pace, rate, 1_000_000_000, run);
    }
    let at = turn(&mut pace, rate, 0, 9);
    assert!(at <= 40_000, "{at}");
}

#[test]
fn no_more_than_the_bound_is_kept() {
    let (mut pace, rate) = (Pace::default(), per(1, 1));
    for run in 0..i64::try_from(KEPT).unwrap() + 100 {
        turn(&mut pace, rate, 0, run);
    }
    assert_eq!(pace.kept.len(), KEPT);
    assert!(!pace.is_idle(Time(0)));
    assert!(Pace::default().is_idle(Time(0)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Runs that ask at random times, and come back when they were told to, or late.
    #[test]
    fn no_stretch_of_time_holds_more_than_the_rate(count in 1_u32..60, span in 1_u64..30, asks in prop::collection::vec(0_i64..60_000, 1..200), late in prop::collection::vec(prop_oneof![Just(0_i64), 0_i64..40_000], 16)) {
        let rate = per(count, span);
        let mut pace = Pace::default();
        let mut waiting: Vec<(i64, i64)> = asks.into_iter().zip(0..).collect();
        let mut went = Vec::new();
        while !waiting.is_empty() {
            waiting.sort_unstable_by(|a, b| b.cmp(a));
            let Some((now, run)) = waiting.pop() else { break };
            let at = turn(&mut pace, rate, now, run);
            if at > now {
                let late = late[went.len() % late.len()];
                waiting.push((at + late, run));
            } else { went.push(now) }
        }
        let span = i64::try_from(span * 1000).unwrap();
        for (first, start) in went.iter().enumerate() {
            let within = went[first..].iter().take_while(|at| **at < start + span).count();
            prop_assert!(within <= count as usize, "{} in {} ms from {}", within, span, start);
        }
    }
}
