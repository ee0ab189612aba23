//! What is counted by time: in memory as it is committed, written once a second and at the end.

use std::time::Duration;

use crate::{
    clock::Time,
    ids::RunId,
    model::{Refusal, RunStatus},
    store::{
        Mode, NewRun, Store, StoreError, Stretch, Window, dialect,
        tests::{
            bed::{Bed, NOW, dedupe, end, record},
            on_both,
        },
    },
};

const DAY: Duration = Duration::from_hours(24);

/// What the window sums up to.
async fn sum(store: &Store, window: Window, now: Time) -> Stretch {
    let stretches = store.tallies(window, now).await.unwrap();
    stretches.into_iter().fold(Stretch::default(), |mut sum, one| {
        sum.accepted += one.accepted;
        sum.duplicate += one.duplicate;
        sum.refused += one.refused;
        sum.ok += one.ok;
        sum.failed += one.failed;
        sum.skipped += one.skipped;
        sum.cancelled += one.cancelled;
        sum
    })
}

fn refusal(id: i64, source: &str) -> Refusal {
    let source = Some(source.to_owned());
    let (peer, reason, detail) = ("192.0.2.1".to_owned(), "signature".to_owned(), String::new());
    Refusal { id: crate::ids::RefusalId(id), at: NOW.0, source, peer, reason, status: 401, detail, bytes: 10 }
}

/// Ends a run of `calls/missed` so.
async fn ended(bed: &Bed, status: RunStatus) {
    let (run, claim, _) = bed.taken().await;
    let attempt = None;
    let ended = bed.store.record(crate::store::Record { attempt, ..record(run, claim, end(status)) }).await;
    assert!(ended.unwrap().is_mine());
}

/// How many rows are written.
async fn written(store: &Store) -> i64 {
    store.read(|conn, _| crate::store::tests::count_rows(conn, "tallies")).await.unwrap()
}

on_both! {
    async fn what_came_in_and_what_became_of_runs_is_counted_by_time(bed) {
        let mut first = bed.unmatched();
        first.dedupe = Some(dedupe(1, 1));
        let mut again = bed.unmatched();
        again.dedupe = Some(dedupe(1, 1));
        bed.store.accept(first).await.unwrap();
        bed.store.accept(again).await.unwrap();
        bed.store.refuse(refusal(bed.id(), "gruveo"));
        bed.store.refuse(refusal(bed.id(), "nobody"));
        ended(bed, RunStatus::Ok).await;
        ended(bed, RunStatus::Failed).await;
        let mut born_failed = bed.unmatched();
        let failed = NewRun::new(RunId(bed.id()), "calls/missed", RunStatus::Failed, NOW, serde_json::Map::new(), None);
        born_failed.runs.push(failed);
        bed.store.accept(born_failed).await.unwrap();
        let open = bed.event();
        let run = open.runs[0].id;
        bed.store.accept(open).await.unwrap();
        assert!(bed.store.cancel(run, NOW).await.unwrap());
        bed.store.close();

        let store = bed.open(Mode::Serve).unwrap();
        let wanted = Stretch {
            accepted: 5, duplicate: 1, refused: 2, ok: 1, failed: 2, skipped: 0, cancelled: 1, ..Stretch::default()
        };
        for window in [Window::Hour, Window::Day, Window::Week, Window::Month] {
            assert_eq!(sum(&store, window, NOW).await, wanted, "{window:?}");
        }
        // The last stretch is that of now, and an hour later all of it is an hour ago.
        let hour = store.tallies(Window::Hour, NOW).await.unwrap();
        assert_eq!((hour.len(), hour.last().unwrap().accepted), (60, 5));
        let later = NOW.plus(Duration::from_mins(59));
        assert_eq!(store.tallies(Window::Hour, later).await.unwrap().first().unwrap().accepted, 5);
        assert_eq!(sum(&store, Window::Hour, NOW.plus(Duration::from_hours(1))).await, Stretch::default());

        let rules = vec!["calls/missed".to_owned(), "never/fired".to_owned()];
        let of_rules = store.rule_tallies(rules, 7, NOW.plus(DAY)).await.unwrap();
        let missed = &of_rules["calls/missed"];
        assert_eq!(missed.days.len(), 7);
        assert_eq!((missed.days[5].ok, missed.days[5].failed), (1, 2));
        assert_eq!((missed.days[6].ok, missed.days[6].failed), (0, 0));
        assert_eq!(missed.last.as_ref().map(|last| (last.id, last.status)), Some((run, RunStatus::Cancelled)));
        assert_eq!(of_rules["never/fired"].last, None);
        assert_eq!(of_rules["never/fired"].days.len(), 7);
        store.close();
    }

    async fn an_ordinary_commit_writes_no_count_and_a_quiet_second_later_all_are_written(bed) {
        let begun = std::time::Instant::now();
        for _ in 0..20 {
            bed.store.accept(bed.unmatched()).await.unwrap();
        }
        // On a machine that is too slow for twenty commits in a second the first write may have come already.
        if begun.elapsed() < Duration::from_millis(900) {
            assert_eq!(written(&bed.store).await, 0);
        }
        for _ in 0..100 {
            if sum(&bed.store, Window::Hour, NOW).await.accepted == 20 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(sum(&bed.store, Window::Hour, NOW).await.accepted, 20);
        // One minute and one hour of all; one hour and one day of the source.
        assert_eq!(written(&bed.store).await, 4);
    }

    async fn counts_go_along_with_a_commit_once_a_second(bed) {
        bed.store.accept(bed.unmatched()).await.unwrap();
        let begun = std::time::Instant::now();
        let mut commits = 1;
        // Never idle for a second: what is written came with the commit of an event.
        while begun.elapsed() < Duration::from_millis(1500) {
            bed.store.accept(bed.unmatched()).await.unwrap();
            commits += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let seen = sum(&bed.store, Window::Hour, NOW).await.accepted;
        assert!(seen > 0 && seen < commits, "{seen} of {commits}");
    }

    async fn what_is_rolled_back_is_not_counted(bed) {
        bed.store.accept(bed.unmatched()).await.unwrap();
        let failed = bed.store.write(0, |desk| -> Result<(), StoreError> {
            desk.known.tally.note(crate::store::tallies::Kind::Accepted, None, NOW);
            Err(StoreError::Rejected("no".to_owned()))
        });
        assert!(failed.await.is_err());
        let (bad, good) = tokio::join!(
            bed.store.accept(crate::store::NewEvent { runs: vec![NewRun::new(
                RunId(bed.id()), "r", RunStatus::Running, NOW, serde_json::Map::new(), None,
            )], ..bed.unmatched() }),
            bed.store.accept(bed.unmatched()),
        );
        assert!(bad.is_err() && good.is_ok());
        bed.store.close();
        let store = bed.open(Mode::Serve).unwrap();
        assert_eq!(sum(&store, Window::Hour, NOW).await.accepted, 2);
        store.close();
    }

    async fn counts_go_after_their_time(bed) {
        bed.store.accept(bed.unmatched()).await.unwrap();
        bed.store.close();
        let store = bed.open(Mode::Serve).unwrap();
        let long_ago = Time(0);
        store.prune(long_ago, NOW.plus(Duration::from_mins(2 * 24 * 60 - 2))).await.unwrap();
        assert_eq!(written(&store).await, 4);
        store.prune(long_ago, NOW.plus(Duration::from_mins(2 * 24 * 60 + 2))).await.unwrap();
        assert_eq!(written(&store).await, 3);
        assert_eq!(sum(&store, Window::Month, NOW.plus(DAY)).await.accepted, 1);
        store.prune(long_ago, NOW.plus(402 * DAY)).await.unwrap();
        assert_eq!(written(&store).await, 0);
        store.close();
    }

    async fn the_overview_tells_what_waits_and_what_failed(bed) {
        assert!(bed.store.backlog(NOW).await.unwrap().standings.is_empty());
        ended(bed, RunStatus::Failed).await;
        let (running, _, _) = bed.taken().await;
        let waiting = bed.event();
        bed.store.accept(waiting).await.unwrap();
        let backlog = bed.store.backlog(NOW.plus(Duration::from_mins(3))).await.unwrap();
        assert_eq!(backlog.of(&[RunStatus::Due]), (1, false));
        assert_eq!(backlog.of(&[RunStatus::Due, RunStatus::Running]), (2, false));
        assert_eq!(backlog.of(&[RunStatus::Held]), (0, false));
        assert_eq!(backlog.oldest_due, Some(NOW));
        let now = bed.store.newest_runs(RunStatus::Running, 5).await.unwrap();
        assert_eq!(now.iter().map(|run| run.id).collect::<Vec<_>>(), [running]);
        assert_eq!((now[0].rule.as_str(), now[0].started_at), ("calls/missed", Some(NOW)));
        let failed = bed.store.newest_runs(RunStatus::Failed, 5).await.unwrap();
        assert_eq!((failed.len(), failed[0].ended_at), (1, Some(NOW)));
        let stored = bed.store.stored().await.unwrap();
        assert_eq!(stored.events, 3);
        assert!(stored.bytes > 0 && stored.oldest.is_some());
        let many = bed.store.read(|conn, _| dialect::runs_in_state(conn, RunStatus::Failed.code(), 0)).await.unwrap();
        assert_eq!(many, 1, "one more than is counted");
    }
}
