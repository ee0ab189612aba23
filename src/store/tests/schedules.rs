//! Slots that are fired once, schedules that come and go, and problems.

use futures_util::future::join_all;

use super::{bed::NOW, count_rows, on_both};
use crate::{
    clock::Time,
    model::Problem,
    store::{Mode, ScheduleId},
};

fn id(rule: &str, schedule: &str) -> ScheduleId {
    ScheduleId { rule: rule.to_owned(), schedule: schedule.to_owned() }
}

const SLOT: Time = Time(NOW.0 + 60_000);

fn problem(message: &str) -> Problem {
    Problem {
        fingerprint: "silence:box".to_owned(),
        kind: "silence",
        subject: "box".to_owned(),
        message: message.to_owned(),
    }
}

on_both! {
    async fn of_fifty_attempts_at_a_slot_one_fires(bed) {
        bed.store.keep_schedules(vec![id("a", "every 60s")], NOW).await.unwrap();
        let beside = bed.open(Mode::Write).unwrap();
        let attempts = (0..50).map(|n| {
            let store = if n % 2 == 0 { &bed.store } else { &beside };
            store.fire(id("a", "every 60s"), SLOT, 2, bed.event())
        });
        let fired = join_all(attempts).await.into_iter().filter(|fired| *fired.as_ref().unwrap()).count();
        assert_eq!(fired, 1);
        let rows = bed.store.schedules().await.unwrap();
        assert_eq!((rows[0].last_slot, rows[0].upto, rows[0].missed), (Some(SLOT), SLOT, 2));
        for table in ["events", "runs", "slots"] {
            assert_eq!(bed.store.read(|conn, _| count_rows(conn, table)).await.unwrap(), 1, "{table}");
        }
        assert!(bed.store.fire(id("a", "every 60s"), SLOT.plus(std::time::Duration::from_mins(1)), 0, bed.event()).await.unwrap());
        beside.close();
    }

    async fn an_event_that_is_not_stored_takes_no_slot(bed) {
        bed.store.keep_schedules(vec![id("a", "every 60s")], NOW).await.unwrap();
        let event = bed.event();
        bed.store.accept(event.clone()).await.unwrap();
        assert!(bed.store.fire(id("a", "every 60s"), SLOT, 0, event).await.is_err(), "its id is taken");
        assert!(bed.store.fire(id("a", "every 60s"), SLOT, 0, bed.event()).await.unwrap());
    }

    async fn schedules_come_and_go_with_the_rules_and_slots_stay(bed) {
        let all = vec![id("a", "every 60s"), id("b", "every 60s")];
        bed.store.keep_schedules(all.clone(), NOW).await.unwrap();
        assert!(bed.store.fire(all[0].clone(), SLOT, 0, bed.event()).await.unwrap());
        bed.store.skip_slots(all[1].clone(), SLOT, 3).await.unwrap();
        let rows = bed.store.keep_schedules(all[1..].to_vec(), SLOT).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].since, rows[0].upto, rows[0].missed, rows[0].last_slot), (NOW, SLOT, 3, None));
        let later = SLOT.plus(std::time::Duration::from_mins(1));
        assert!(!bed.store.fire(all[0].clone(), later, 0, bed.event()).await.unwrap(), "it is no longer there");
        let rows = bed.store.keep_schedules(all.clone(), SLOT).await.unwrap();
        assert_eq!(rows.iter().find(|row| row.id == all[0]).map(|row| (row.since, row.missed)), Some((SLOT, 0)));
        assert!(!bed.store.fire(all[0].clone(), SLOT, 0, bed.event()).await.unwrap(), "it was fired before");

        let slots = async || bed.store.read(|conn, _| count_rows(conn, "slots")).await.unwrap();
        bed.store.prune(NOW, NOW).await.unwrap();
        assert_eq!(slots().await, 1);
        let week = std::time::Duration::from_hours(8 * 24);
        bed.store.prune(NOW, SLOT.plus(week)).await.unwrap();
        assert_eq!(slots().await, 0);
    }

    async fn a_problem_is_counted_while_it_is_open_and_begins_anew_when_it_was_solved(bed) {
        let second = |n: i64| Time(NOW.0 + n * 1000);
        assert!(!bed.store.solve("silence:box", NOW).await.unwrap(), "nobody knows it");
        bed.store.raise(problem("a"), second(0)).await.unwrap();
        bed.store.raise(problem("b"), second(1)).await.unwrap();
        let rows = bed.store.problems(true, 10).await.unwrap();
        assert_eq!(rows.len(), 1);
        let row = &rows[0];
        assert_eq!((row.count, row.first_at, row.last_at, row.message.as_str()), (2, second(0), second(1), "b"));
        assert_eq!((row.kind.as_str(), row.subject.as_str()), ("silence", "box"));
        assert!(bed.store.solve("silence:box", second(2)).await.unwrap());
        assert!(!bed.store.solve("silence:box", second(3)).await.unwrap(), "it is solved already");
        assert!(bed.store.problems(true, 10).await.unwrap().is_empty());
        assert_eq!(bed.store.problems(false, 10).await.unwrap()[0].solved_at, Some(second(2)));
        bed.store.raise(problem("c"), second(4)).await.unwrap();
        let row = bed.store.problems(false, 10).await.unwrap().remove(0);
        assert_eq!((row.count, row.first_at, row.opened_at, row.solved_at), (1, second(0), second(4), None));
        bed.store.solve("silence:box", second(5)).await.unwrap();
        bed.store.prune(second(6), second(6)).await.unwrap();
        assert!(bed.store.problems(false, 10).await.unwrap().is_empty(), "what was solved long ago goes");
    }

    async fn the_last_delivery_of_a_source_is_its_newest_event(bed) {
        assert_eq!(bed.store.last_delivery("gruveo").await.unwrap(), None);
        bed.store.accept(bed.event()).await.unwrap();
        let later = SLOT.plus(std::time::Duration::from_mins(1));
        bed.store.accept(crate::store::NewEvent { received_at: SLOT, ..bed.unmatched() }).await.unwrap();
        let other = crate::store::NewEvent { received_at: later, source: "other".to_owned(), ..bed.unmatched() };
        bed.store.accept(other).await.unwrap();
        assert_eq!(bed.store.last_delivery("gruveo").await.unwrap(), Some(SLOT));
        let since = bed.store.keep_expectations(vec!["gruveo".to_owned()], NOW).await.unwrap();
        assert_eq!(since, [("gruveo".to_owned(), NOW)]);
        let since = bed.store.keep_expectations(vec!["gruveo".to_owned(), "x".to_owned()], SLOT).await.unwrap();
        assert_eq!(since, [("gruveo".to_owned(), NOW), ("x".to_owned(), SLOT)]);
    }
}
