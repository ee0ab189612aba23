use std::time::Duration;

use super::*;

const OPEN: Limits = Limits { rate: Rate::Unlimited, concurrent: 2 };

fn now(turn: Turn) -> Place {
    match turn {
        Turn::Now(place) => place,
        other => panic!("{other:?}"),
    }
}

#[test]
fn places_are_taken_given_back_and_counted_by_lane() {
    let lanes = Lanes::default();
    let first = now(lanes.turn("groove", OPEN, Time(0), 1));
    let _second = now(lanes.turn("groove", OPEN, Time(0), 2));
    assert!(matches!(lanes.turn("groove", OPEN, Time(0), 3), Turn::Busy));
    let _other = now(lanes.turn("example.com:443", OPEN, Time(0), 3));
    drop(first);
    let _third = now(lanes.turn("groove", OPEN, Time(0), 3));
    assert!(matches!(lanes.turn("groove", OPEN, Time(0), 4), Turn::Busy));
}

#[test]
fn being_busy_costs_no_slot() {
    let lanes = Lanes::default();
    let limits = Limits { rate: Rate::Per { count: 1, span: Duration::from_secs(1) }, concurrent: 1 };
    let place = now(lanes.turn("a", limits, Time(0), 1));
    assert!(matches!(lanes.turn("a", limits, Time(0), 2), Turn::At(Time(1000))));
    for _ in 0..10 {
        assert!(matches!(lanes.turn("a", limits, Time(1000), 2), Turn::Busy));
    }
    drop(place);
    let place = now(lanes.turn("a", limits, Time(1000), 2));
    drop(place);
    assert!(matches!(lanes.turn("a", limits, Time(1000), 3), Turn::At(Time(2000))));
}

#[test]
fn to_look_when_a_turn_comes_keeps_no_slot() {
    let lanes = Lanes::default();
    let rate = Rate::Per { count: 1, span: Duration::from_secs(1) };
    let limits = Limits { rate, concurrent: 1 };
    assert_eq!(lanes.next_turn("a", rate, Time(0), 1), None);
    let place = now(lanes.turn("a", limits, Time(0), 1));
    assert!(lanes.is_full("a") && !lanes.is_full("b"));
    drop(place);
    for run in 2..9 {
        assert_eq!(lanes.next_turn("a", rate, Time(0), run), Some(Time(1000)), "no run has asked yet");
    }
    assert!(matches!(lanes.turn("a", limits, Time(0), 2), Turn::At(Time(1000))));
    assert_eq!(lanes.next_turn("a", rate, Time(0), 2), Some(Time(1000)), "its own slot");
    assert_eq!(lanes.next_turn("a", rate, Time(0), 3), Some(Time(2000)), "behind it");
}

#[test]
fn a_pause_holds_one_lane_alone() {
    let lanes = Lanes::default();
    lanes.pause("a", Time(5000));
    assert!(matches!(lanes.turn("a", OPEN, Time(0), 1), Turn::At(Time(5000))));
    drop(now(lanes.turn("b", OPEN, Time(0), 1)));
    drop(now(lanes.turn("a", OPEN, Time(5000), 1)));
}

#[tokio::test]
async fn who_waits_hears_of_a_place_given_back_even_if_it_was_just_before() {
    let lanes = Lanes::default();
    drop(now(lanes.turn("a", OPEN, Time(0), 1)));
    tokio::time::timeout(Duration::from_secs(5), lanes.freed()).await.unwrap();
    let place = now(lanes.turn("a", OPEN, Time(0), 1));
    let both = async { tokio::join!(lanes.freed(), lanes.freed()) };
    let freed = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(place);
    });
    tokio::time::timeout(Duration::from_secs(5), both).await.unwrap();
    freed.await.unwrap();
}

#[test]
fn lanes_that_nobody_uses_are_forgotten() {
    let lanes = Lanes::default();
    let _kept = now(lanes.turn("kept", OPEN, Time(0), 1));
    for host in 0..5000 {
        drop(now(lanes.turn(&format!("host{host}:443"), OPEN, Time(0), 1)));
    }
    assert!(lanes.0.lock().len() <= MANY + 1);
    assert!(lanes.0.lock().contains_key("kept"));
}
