//! Places of `concurrency`, and ending a run before its time.

use std::{collections::HashSet, time::Duration};

use serde_json::json;

use super::{
    bed::{Bed, NOW, end, ended, output, record},
    on_both,
};
use crate::{
    ids::RunId,
    model::{AttemptOutcome, RunStatus},
    store::{Claim, ClaimId, Claimed, Full, Mode, PlaceWish, Record, Recorded, Resolution, Store, Then},
};

fn wish(key: u8, limit: u32, when_full: Full) -> PlaceWish {
    PlaceWish { key: [key; 16], limit, when_full }
}

async fn due_runs(bed: &Bed, count: usize) -> Vec<RunId> {
    let mut runs = Vec::new();
    for _ in 0..count {
        let event = bed.event();
        runs.push(event.runs[0].id);
        bed.store.accept(event).await.unwrap();
    }
    runs
}

fn first_claim(bed: &Bed, run: RunId, limit: u32, when_full: Full) -> Claim {
    Claim { place: Some(wish(1, limit, when_full)), ..bed.claim(run, RunStatus::Due, Some(bed.attempt("do.0", 1))) }
}

/// Asks for a place of key 1; the claim if it is granted.
async fn ask(bed: &Bed, run: RunId, limit: u32, when_full: Full) -> (Claimed, ClaimId) {
    let claim = first_claim(bed, run, limit, when_full);
    let id = claim.claim;
    (bed.store.claim(claim).await.unwrap(), id)
}

async fn status(store: &Store, run: RunId) -> RunStatus {
    store.load(run).await.unwrap().unwrap().status
}

async fn finish(bed: &Bed, run: RunId, claim: ClaimId, status: RunStatus) {
    assert!(bed.store.record(record(run, claim, end(status))).await.unwrap().is_mine());
}

async fn due(store: &Store) -> Vec<RunId> {
    store.due(NOW, 100, 100).await.unwrap().runs.iter().map(|run| run.id).collect()
}

on_both! {
    async fn those_who_find_no_place_wait_in_the_order_of_their_arrival(bed) {
        let runs = due_runs(bed, 4).await;
        let (claimed, claim) = ask(bed, runs[0], 1, Full::Queue).await;
        assert_eq!(claimed, Claimed::Mine);
        for run in [runs[2], runs[1], runs[3]] {
            assert_eq!(ask(bed, run, 1, Full::Queue).await.0, Claimed::Queued);
            assert_eq!(ask(bed, run, 1, Full::Queue).await.0, Claimed::Queued, "it stays in line");
            assert_eq!(bed.store.claim(bed.claim(run, RunStatus::Due, None)).await.unwrap(), Claimed::Queued);
        }
        assert!(due(&bed.store).await.is_empty());
        let row = bed.store.run(runs[1]).await.unwrap().unwrap().row;
        assert_eq!((row.status, row.due_at), (RunStatus::Due, None));
        assert_eq!(row.why.as_deref(), Some("waits for a place (concurrency)"));
        let other = due_runs(bed, 1).await[0];
        let claim_other = Claim { place: Some(wish(2, 1, Full::Queue)), ..bed.claim(other, RunStatus::Due, None) };
        assert_eq!(bed.store.claim(claim_other).await.unwrap(), Claimed::Mine, "another key has places of its own");

        finish(bed, runs[0], claim, RunStatus::Failed).await;
        assert_eq!(due(&bed.store).await, [runs[1]]);
        assert_eq!(bed.store.run(runs[1]).await.unwrap().unwrap().row.why, None);
        let late = due_runs(bed, 1).await[0];
        assert_eq!(ask(bed, late, 1, Full::Queue).await.0, Claimed::Queued, "nobody overtakes");
        for (run, next) in [(runs[1], Some(runs[2])), (runs[2], Some(runs[3])), (runs[3], Some(late)), (late, None)] {
            let (claimed, claim) = ask(bed, run, 1, Full::Queue).await;
            assert_eq!(claimed, Claimed::Mine);
            finish(bed, run, claim, RunStatus::Ok).await;
            assert_eq!(due(&bed.store).await, next.into_iter().collect::<Vec<_>>());
        }
        assert_eq!(bed.store.read(|conn, _| crate::store::tests::count_rows(conn, "places")).await.unwrap(), 1);
    }

    async fn a_place_is_held_through_retries_waits_and_being_held(bed) {
        let runs = due_runs(bed, 2).await;
        let (_, claim) = ask(bed, runs[0], 1, Full::Queue).await;
        assert_eq!(ask(bed, runs[1], 1, Full::Queue).await.0, Claimed::Queued);
        bed.store.record(record(runs[0], claim, Then::Due(NOW))).await.unwrap();
        assert_eq!(due(&bed.store).await, [runs[0]]);
        let again = bed.claim(runs[0], RunStatus::Due, None);
        assert_eq!(bed.store.claim(again.clone()).await.unwrap(), Claimed::Mine, "it has its place");
        bed.store.record(record(runs[0], again.claim, Then::Held)).await.unwrap();
        assert!(due(&bed.store).await.is_empty());
        assert!(bed.store.resolve(runs[0], Resolution::Done, NOW).await.unwrap());
        let last = Claim { said: Some(Resolution::Done), ..bed.claim(runs[0], RunStatus::Due, None) };
        assert_eq!(bed.store.claim(last.clone()).await.unwrap(), Claimed::Mine);
        assert_eq!(ask(bed, runs[1], 1, Full::Queue).await.0, Claimed::Queued);
        finish(bed, runs[0], last.claim, RunStatus::Ok).await;
        assert_eq!(due(&bed.store).await, [runs[1]]);
    }

    async fn one_that_shall_not_wait_is_skipped(bed) {
        let runs = due_runs(bed, 3).await;
        let (_, claim) = ask(bed, runs[0], 1, Full::Skip).await;
        assert_eq!(ask(bed, runs[1], 1, Full::Skip).await.0, Claimed::Skipped);
        let detail = bed.store.run(runs[1]).await.unwrap().unwrap();
        assert_eq!((detail.row.status, detail.row.ended_at), (RunStatus::Skipped, Some(NOW)));
        assert_eq!(detail.row.why.as_deref(), Some("no place was free (concurrency)"));
        assert!(detail.attempts.is_empty());
        finish(bed, runs[0], claim, RunStatus::Ok).await;
        assert_eq!(ask(bed, runs[2], 1, Full::Skip).await.0, Claimed::Mine);
    }

    async fn the_oldest_that_runs_is_cancelled_after_its_request_was_answered(bed) {
        let runs = due_runs(bed, 3).await;
        let claim = first_claim(bed, runs[0], 1, Full::CancelOldest);
        let attempt = claim.attempt.as_ref().unwrap().id;
        let id = claim.claim;
        assert_eq!(bed.store.claim(claim).await.unwrap(), Claimed::Mine);
        assert_eq!(ask(bed, runs[1], 1, Full::CancelOldest).await.0, Claimed::Queued);
        assert_eq!(status(&bed.store, runs[0]).await, RunStatus::Running, "its request is open");
        assert!(bed.store.load(runs[0]).await.unwrap().unwrap().cancelled);
        // A newer one still takes the turn of the one that waits.
        assert_eq!(ask(bed, runs[2], 1, Full::CancelOldest).await.0, Claimed::Queued);
        assert_eq!(status(&bed.store, runs[1]).await, RunStatus::Cancelled);
        let answered = Record {
            attempt: Some(ended(attempt, AttemptOutcome::Ok)),
            outputs: vec![output("do.0", json!(1))],
            ..record(runs[0], id, Then::Attempt(bed.attempt("do.1", 1)))
        };
        assert_eq!(bed.store.record(answered).await.unwrap(), Recorded::Lost, "nothing more is sent");
        let detail = bed.store.run(runs[0]).await.unwrap().unwrap();
        assert_eq!((detail.row.status, detail.row.ended_at), (RunStatus::Cancelled, Some(NOW)));
        assert!(detail.row.why.unwrap().contains("newer run"));
        assert_eq!((detail.attempts.len(), detail.attempts[0].outcome, detail.outputs.len()), (1, AttemptOutcome::Ok, 1));
        assert_eq!(due(&bed.store).await, [runs[2]]);
        assert_eq!(ask(bed, runs[2], 1, Full::CancelOldest).await.0, Claimed::Mine);
    }

    async fn the_oldest_that_waits_is_cancelled_at_once(bed) {
        let runs = due_runs(bed, 3).await;
        let (_, claim) = ask(bed, runs[0], 2, Full::CancelOldest).await;
        bed.store.record(record(runs[0], claim, Then::Due(NOW.plus(Duration::from_secs(9))))).await.unwrap();
        assert_eq!(ask(bed, runs[1], 2, Full::CancelOldest).await.0, Claimed::Mine);
        assert_eq!(ask(bed, runs[2], 2, Full::CancelOldest).await.0, Claimed::Mine);
        assert_eq!(status(&bed.store, runs[0]).await, RunStatus::Cancelled);
        assert_eq!(status(&bed.store, runs[1]).await, RunStatus::Running);
    }

    async fn whatever_a_cancelled_run_would_do_next_becomes_its_end(bed) {
        let thens = [
            (Then::Attempt(bed.attempt("do.1", 1)), false),
            (Then::Go, false),
            (Then::Due(NOW), true),
            (Then::Held, true),
        ];
        for (then, kept) in thens {
            let (run, claim, attempt) = bed.taken().await;
            assert!(bed.store.cancel(run, NOW).await.unwrap());
            let next = Record { attempt: Some(ended(attempt, AttemptOutcome::Ok)), ..record(run, claim, then) };
            assert_eq!(bed.store.record(next).await.unwrap().is_mine(), kept);
            let row = bed.store.run(run).await.unwrap().unwrap().row;
            assert_eq!((row.status, row.why.as_deref(), row.due_at), (RunStatus::Cancelled, Some("cancelled by a person"), None));
            assert!(!bed.store.cancel(run, NOW).await.unwrap(), "it is over");
        }
        let (run, claim, _) = bed.taken().await;
        assert!(bed.store.cancel(run, NOW).await.unwrap());
        finish(bed, run, claim, RunStatus::Ok).await;
        assert_eq!(status(&bed.store, run).await, RunStatus::Ok, "what ends by itself was not cancelled");
    }

    async fn a_run_that_nobody_has_in_hand_is_cancelled_at_once(bed) {
        let runs = due_runs(bed, 3).await;
        assert!(bed.store.cancel(runs[0], NOW).await.unwrap());
        assert_eq!(status(&bed.store, runs[0]).await, RunStatus::Cancelled);
        assert_eq!(bed.store.claim(bed.claim(runs[0], RunStatus::Due, None)).await.unwrap(), Claimed::NotMine);
        // One that holds a place gives it back; one that waits for one waits no more.
        let (_, claim) = ask(bed, runs[1], 1, Full::Queue).await;
        bed.store.record(record(runs[1], claim, Then::Held)).await.unwrap();
        assert_eq!(ask(bed, runs[2], 1, Full::Queue).await.0, Claimed::Queued);
        let fourth = due_runs(bed, 1).await[0];
        assert_eq!(ask(bed, fourth, 1, Full::Queue).await.0, Claimed::Queued);
        assert!(bed.store.cancel(runs[2], NOW).await.unwrap());
        assert!(bed.store.cancel(runs[1], NOW).await.unwrap());
        assert_eq!(due(&bed.store).await, [fourth]);
        assert!(!bed.store.cancel(RunId(7), NOW).await.unwrap());
    }

    async fn fifty_that_ask_at_once_never_get_more_places_than_there_are(bed) {
        for when_full in [Full::Queue, Full::Skip, Full::CancelOldest] {
            let runs = due_runs(bed, 50).await;
            let tasks: Vec<_> = runs
                .iter()
                .map(|run| {
                    let (store, claim) = (bed.store.clone(), first_claim(bed, *run, 3, when_full));
                    tokio::spawn(async move { (claim.run, claim.claim, store.claim(claim).await.unwrap()) })
                })
                .collect();
            let mut running = Vec::new();
            let mut answers = Vec::new();
            for task in tasks {
                let (run, claim, claimed) = task.await.unwrap();
                answers.push(claimed);
                if claimed == Claimed::Mine {
                    running.push((run, claim));
                }
            }
            assert_eq!(running.len(), 3, "{when_full:?}");
            let rest = if when_full == Full::Skip { Claimed::Skipped } else { Claimed::Queued };
            assert_eq!(answers.iter().filter(|claimed| **claimed == rest).count(), 47);
            // From here on they come in one by one as places are given back, in order.
            let mut came = Vec::new();
            let mut all: HashSet<RunId> = running.iter().map(|(run, _)| *run).collect();
            while let Some((run, claim)) = running.pop() {
                finish(bed, run, claim, RunStatus::Ok).await;
                for next in due(&bed.store).await {
                    let (claimed, claim) = ask(bed, next, 3, when_full).await;
                    assert_eq!(claimed, Claimed::Mine);
                    assert!(all.insert(next));
                    came.push(next);
                    running.push((next, claim));
                }
                assert!(running.len() <= 3);
            }
            assert!(came.is_sorted());
            let wanted = match when_full { Full::Queue => 50, Full::Skip => 3, Full::CancelOldest => 6 };
            assert_eq!(all.len(), wanted, "{when_full:?}");
            assert_eq!(bed.store.read(|conn, _| crate::store::tests::count_rows(conn, "places")).await.unwrap(), 0);
        }
    }

    async fn places_survive_a_restart_and_a_kill(bed) {
        let runs = due_runs(bed, 5).await;
        let (_, first) = ask(bed, runs[0], 2, Full::Queue).await;
        ask(bed, runs[1], 2, Full::Queue).await;
        for run in &runs[2..] {
            assert_eq!(ask(bed, *run, 2, Full::Queue).await.0, Claimed::Queued);
        }
        assert!(bed.store.cancel(runs[1], NOW).await.unwrap());
        bed.store.close();
        let store = bed.open(Mode::Serve).unwrap();
        let recovered = store.recover(NOW).await.unwrap();
        assert_eq!((recovered.runs, recovered.attempts), (2, 2));
        // The claim of the first has died and its place has not; the second was to end, and nobody answers it any more.
        assert_eq!(status(&store, runs[1]).await, RunStatus::Cancelled);
        let mut now_due = due(&store).await;
        now_due.sort();
        assert_eq!(now_due, [runs[0], runs[2]]);
        assert!(!store.record(record(runs[0], first, end(RunStatus::Ok))).await.unwrap().is_mine());
        let again = bed.claim(runs[0], RunStatus::Due, None);
        assert_eq!(store.claim(again.clone()).await.unwrap(), Claimed::Mine);
        assert_eq!(store.claim(first_claim(bed, runs[2], 2, Full::Queue)).await.unwrap(), Claimed::Mine);
        assert_eq!(store.claim(first_claim(bed, runs[3], 2, Full::Queue)).await.unwrap(), Claimed::Queued);
        assert!(store.record(record(runs[0], again.claim, end(RunStatus::Ok))).await.unwrap().is_mine());
        assert_eq!(due(&store).await, [runs[3]]);
        store.close();
    }

    async fn a_rule_that_gives_more_places_gives_them_to_those_who_wait(bed) {
        let runs = due_runs(bed, 4).await;
        ask(bed, runs[0], 1, Full::Queue).await;
        for run in &runs[1..3] {
            assert_eq!(ask(bed, *run, 1, Full::Queue).await.0, Claimed::Queued);
        }
        assert_eq!(ask(bed, runs[3], 2, Full::Queue).await.0, Claimed::Queued, "nobody is overtaken");
        assert_eq!(due(&bed.store).await, [runs[1]]);
    }
}
