//! What a run must pass: once, threshold, digest and the fuse, one event after another and fifty at a time.

use std::time::Duration;

use serde_json::json;

use super::{
    bed::{Bed, NOW, dedupe, end, object, record},
    on_both,
};
use crate::{
    clock::Time,
    ids::{EventId, RunId},
    model::RunStatus,
    store::{
        Accepted, ClaimId, Claimed, DigestGate, FuseGate, Gates, LoadedRun, Mode, NewEvent, OnceGate, Resolution,
        RunFilter, RunRow, Store, StoreError, SuppressedBy, ThresholdGate,
        accept::{ReadyEvent, accept_all},
        compress::Dictionaries,
    },
};

const MINUTE: Duration = Duration::from_mins(1);
const RULE: &str = "calls/missed";

fn once(key: u8) -> Gates {
    Gates { once: Some(OnceGate { key: [key; 16], within: MINUTE }), ..Gates::default() }
}

fn threshold(key: u8, count: u32) -> Gates {
    Gates { threshold: Some(ThresholdGate { key: [key; 16], count, within: MINUTE }), ..Gates::default() }
}

fn digest(key: u8, until: Time, max: u32) -> Gates {
    Gates { digest: Some(DigestGate { key: [key; 16], until, max }), ..Gates::default() }
}

fn fuse(count: u32) -> Gates {
    Gates { fuse: Some(FuseGate { count, within: MINUTE }), ..Gates::default() }
}

/// An event received `after` so many seconds, with one run that has these gates and says when it came in its vars.
fn event(bed: &Bed, after: u64, gates: Gates) -> NewEvent {
    let at = NOW.plus(Duration::from_secs(after));
    let (id, run) = (EventId(bed.ids.next(at)), RunId(bed.ids.next(at)));
    let mut event = NewEvent { id, received_at: at, ..bed.event() };
    event.runs[0].id = run;
    event.runs[0].due_at = at;
    event.runs[0].gates = gates;
    event.runs[0].vars = object(&json!({"after": after}));
    event
}

async fn accept(bed: &Bed, event: NewEvent) -> (EventId, RunId) {
    let ids = (event.id, event.runs[0].id);
    assert_eq!(bed.store.accept(event).await.unwrap(), Accepted::New { id_reused: false });
    ids
}

async fn accept_together(bed: &Bed, events: Vec<NewEvent>) {
    let tasks: Vec<_> = events
        .into_iter()
        .map(|event| {
            let store = bed.store.clone();
            tokio::spawn(async move { store.accept(event).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

async fn runs(store: &Store) -> Vec<RunRow> {
    store.runs(RunFilter { limit: Some(1000), ..RunFilter::default() }).await.unwrap()
}

async fn loaded(bed: &Bed, run: RunId) -> LoadedRun {
    bed.store.load(run).await.unwrap().unwrap()
}

async fn why(bed: &Bed, event: EventId) -> Option<SuppressedBy> {
    let suppressed = bed.store.suppressed(event).await.unwrap();
    assert!(suppressed.len() <= 1 && suppressed.iter().all(|one| one.rule == RULE));
    suppressed.into_iter().next().map(|one| one.by)
}

fn earlier(run: &LoadedRun) -> Vec<EventId> {
    run.earlier.iter().map(|event| event.id).collect()
}

/// Claims an undecided run as its worker does.
async fn taken_undecided(bed: &Bed) -> (EventId, RunId, ClaimId) {
    let mut event = bed.event();
    event.runs[0].status = RunStatus::Undecided;
    let (event, run) = accept(bed, event).await;
    let claim = bed.claim(run, RunStatus::Undecided, None);
    let id = claim.claim;
    assert_eq!(bed.store.claim(claim).await.unwrap(), Claimed::Mine);
    (event, run, id)
}

on_both! {
    async fn the_first_event_of_a_key_takes_it_until_its_time_has_passed(bed) {
        let (first, run) = accept(bed, event(bed, 0, once(1))).await;
        let (second, dropped) = accept(bed, event(bed, 59, once(1))).await;
        let (other, _) = accept(bed, event(bed, 59, once(2))).await;
        let (third, _) = accept(bed, event(bed, 60, once(1))).await;
        let (fourth, _) = accept(bed, event(bed, 61, once(1))).await;
        let until = |after| NOW.plus(Duration::from_secs(after));
        assert_eq!(why(bed, first).await, None);
        assert_eq!(why(bed, second).await, Some(SuppressedBy::Once { event: first, until: until(60) }));
        assert_eq!((why(bed, other).await, why(bed, third).await), (None, None));
        assert_eq!(why(bed, fourth).await, Some(SuppressedBy::Once { event: third, until: until(120) }));
        assert!(bed.store.load(dropped).await.unwrap().is_none());
        assert_eq!(runs(&bed.store).await.len(), 3);
        // Not given back where the run fails.
        let claim = bed.claim(run, RunStatus::Due, None);
        bed.store.claim(claim.clone()).await.unwrap();
        bed.store.record(record(run, claim.claim, end(RunStatus::Failed))).await.unwrap();
        let (fifth, _) = accept(bed, event(bed, 62, once(1))).await;
        assert!(why(bed, fifth).await.is_some());
        let detail = bed.store.event(second).await.unwrap().unwrap();
        assert_eq!((detail.row.state, detail.row.runs, detail.runs.len()), ("matched", 0, 0));
        assert_eq!(bed.store.event(first).await.unwrap().unwrap().row.runs, 1);
    }

    async fn a_key_is_its_rule_s_own(bed) {
        let mut two = event(bed, 0, once(1));
        let mut other = bed.due_run("calls/other", NOW);
        other.gates = once(1);
        two.runs.push(other);
        two.runs.push(bed.due_run("calls/plain", NOW));
        let (event, _) = accept(bed, two).await;
        assert_eq!(runs(&bed.store).await.len(), 3);
        assert_eq!(bed.store.event(event).await.unwrap().unwrap().row.runs, 3);
    }

    async fn a_duplicate_reaches_no_gate(bed) {
        let first = NewEvent { dedupe: Some(dedupe(1, 1)), ..event(bed, 0, threshold(1, 3)) };
        let again = NewEvent { dedupe: Some(dedupe(1, 1)), ..event(bed, 1, threshold(1, 3)) };
        let id = again.id;
        accept(bed, first).await;
        assert!(matches!(bed.store.accept(again).await.unwrap(), Accepted::Duplicate { .. }));
        assert_eq!(why(bed, id).await, None);
        let (second, _) = accept(bed, event(bed, 2, threshold(1, 3))).await;
        assert_eq!(why(bed, second).await, Some(SuppressedBy::Threshold { have: 2, of: 3 }));
    }

    async fn a_threshold_starts_with_its_events_and_counts_anew(bed) {
        let (first, _) = accept(bed, event(bed, 0, threshold(1, 3))).await;
        let (second, _) = accept(bed, event(bed, 30, threshold(1, 3))).await;
        assert_eq!(why(bed, second).await, Some(SuppressedBy::Threshold { have: 2, of: 3 }));
        // The first counts no more once its time has passed.
        let (third, _) = accept(bed, event(bed, 60, threshold(1, 3))).await;
        assert_eq!(why(bed, third).await, Some(SuppressedBy::Threshold { have: 2, of: 3 }));
        let (fourth, run) = accept(bed, event(bed, 61, threshold(1, 3))).await;
        assert_eq!(why(bed, fourth).await, None);
        let run = loaded(bed, run).await;
        assert_eq!((earlier(&run), run.event.id), (vec![second, third], fourth));
        assert_eq!((run.status, run.vars.clone()), (RunStatus::Due, object(&json!({"after": 61}))));
        let (fifth, _) = accept(bed, event(bed, 62, threshold(1, 3))).await;
        assert_eq!(why(bed, fifth).await, Some(SuppressedBy::Threshold { have: 1, of: 3 }));
        let detail = bed.store.event(second).await.unwrap().unwrap();
        assert_eq!(detail.runs.iter().map(|run| run.event).collect::<Vec<_>>(), [fourth], "shown under each of its events");
        assert!(bed.store.event(first).await.unwrap().unwrap().runs.is_empty());
        let (keyless, _) = accept(bed, event(bed, 63, Gates { threshold_without_key: true, ..Gates::default() })).await;
        assert_eq!(why(bed, keyless).await, Some(SuppressedBy::NoKey));
    }

    async fn a_threshold_comes_before_once(bed) {
        let both = || Gates { threshold: threshold(1, 2).threshold, ..once(1) };
        for after in 0..4 {
            accept(bed, event(bed, after, both())).await;
        }
        let (last, _) = accept(bed, event(bed, 5, both())).await;
        assert_eq!(runs(&bed.store).await.len(), 1, "the second pair found the key taken");
        assert_eq!(why(bed, last).await, Some(SuppressedBy::Threshold { have: 1, of: 2 }));
    }

    async fn a_digest_gathers_until_its_time(bed) {
        let until = NOW.plus(MINUTE);
        let (first, run) = accept(bed, event(bed, 0, digest(1, until, 100))).await;
        let row = &runs(&bed.store).await[0];
        assert_eq!((row.status, row.due_at), (RunStatus::Collecting, Some(until)));
        let (second, _) = accept(bed, event(bed, 20, digest(1, NOW.plus(MINUTE * 2), 100))).await;
        let (third, _) = accept(bed, event(bed, 59, digest(1, NOW.plus(MINUTE * 2), 100))).await;
        assert_eq!(why(bed, third).await, Some(SuppressedBy::Digest { run }));
        assert!(bed.store.due(NOW, 9, 9).await.unwrap().runs.is_empty());
        assert_eq!(bed.store.due(NOW, 9, 9).await.unwrap().next, Some(until));
        // At its end a new window begins, though nobody has taken the run yet.
        let (_, next) = accept(bed, event(bed, 60, digest(1, NOW.plus(MINUTE * 2), 100))).await;
        assert_ne!(next, run);
        let due = bed.store.due(until, 9, 9).await.unwrap().runs;
        assert_eq!((due.len(), due[0].id, due[0].status), (1, run, RunStatus::Collecting));
        // Seen while it gathered: it must be loaded again.
        assert_eq!(bed.store.claim(bed.claim(run, RunStatus::Collecting, Some(bed.attempt("do.0", 1)))).await.unwrap(), Claimed::NotMine);
        let run = loaded(bed, run).await;
        assert_eq!((earlier(&run), run.event.id, run.status), (vec![first, second], third, RunStatus::Due));
        assert_eq!(run.vars, object(&json!({"after": 59})));
        assert_eq!(bed.store.claim(bed.claim(run.id, RunStatus::Due, None)).await.unwrap(), Claimed::Mine);
        let (_, joined) = accept(bed, event(bed, 61, digest(1, NOW.plus(MINUTE * 3), 100))).await;
        assert!(bed.store.load(joined).await.unwrap().is_none());
        assert_eq!(loaded(bed, next).await.earlier.len(), 1);
    }

    async fn taking_a_digest_closes_its_window(bed) {
        let until = NOW.plus(MINUTE);
        let (first, run) = accept(bed, event(bed, 0, digest(1, until, 100))).await;
        bed.store.claim(bed.claim(run, RunStatus::Collecting, None)).await.unwrap();
        // Received before the end, stored after the run was taken.
        let (late, next) = accept(bed, event(bed, 59, digest(1, until, 100))).await;
        assert_eq!((loaded(bed, run).await.event.id, loaded(bed, next).await.event.id), (first, late));
    }

    async fn a_digest_that_is_full_is_due_at_once(bed) {
        let gates = || digest(1, NOW.plus(MINUTE), 3);
        let (first, run) = accept(bed, event(bed, 0, gates())).await;
        let (second, _) = accept(bed, event(bed, 1, gates())).await;
        let (third, _) = accept(bed, event(bed, 2, gates())).await;
        let (_, next) = accept(bed, event(bed, 3, gates())).await;
        let run = loaded(bed, run).await;
        assert_eq!((run.status, run.due_at), (RunStatus::Due, Some(NOW.plus(Duration::from_secs(2)))));
        assert_eq!((earlier(&run), run.event.id), (vec![first, second], third));
        assert_eq!(loaded(bed, next).await.status, RunStatus::Collecting);
        let (_, alone) = accept(bed, event(bed, 4, digest(2, NOW.plus(MINUTE), 1))).await;
        assert_eq!(loaded(bed, alone).await.status, RunStatus::Due, "a window of one is none");
    }

    async fn a_digest_that_is_cancelled_gathers_no_more(bed) {
        let gates = || digest(1, NOW.plus(MINUTE), 9);
        let (_, run) = accept(bed, event(bed, 0, gates())).await;
        assert!(bed.store.cancel(run, NOW).await.unwrap());
        let (_, next) = accept(bed, event(bed, 1, gates())).await;
        assert_eq!(loaded(bed, run).await.status, RunStatus::Cancelled);
        assert_eq!(loaded(bed, next).await.status, RunStatus::Collecting);
    }

    async fn fifty_at_once_break_no_gate(bed) {
        accept_together(bed, (0..50).map(|_| event(bed, 0, once(1))).collect()).await;
        assert_eq!(runs(&bed.store).await.len(), 1);
        accept_together(bed, (0..50).map(|_| event(bed, 0, threshold(2, 7))).collect()).await;
        assert_eq!(runs(&bed.store).await.len(), 1 + 50 / 7);
        accept_together(bed, (0..50).map(|_| event(bed, 0, digest(3, NOW.plus(MINUTE), 8))).collect()).await;
        let all = runs(&bed.store).await;
        assert_eq!(all.len(), 1 + 7 + 7);
        let mut sizes = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for run in all.iter().filter(|run| run.status != RunStatus::Ok) {
            let run = loaded(bed, run.id).await;
            for event in run.earlier.iter().chain([&run.event]) {
                assert!(seen.insert(event.id), "an event is in one run alone");
            }
            sizes.push((run.status, run.earlier.len() + 1));
        }
        sizes.sort_by_key(|(status, size)| (status.code(), *size));
        let mut wanted = vec![(RunStatus::Collecting, 2), (RunStatus::Due, 1)];
        wanted.extend([(RunStatus::Due, 7); 7]);
        wanted.extend([(RunStatus::Due, 8); 6]);
        assert_eq!(sizes, wanted);
    }

    async fn gates_survive_a_restart(bed) {
        let until = NOW.plus(MINUTE);
        accept(bed, event(bed, 0, once(1))).await;
        accept(bed, event(bed, 0, threshold(2, 2))).await;
        let (_, run) = accept(bed, event(bed, 0, digest(3, until, 9))).await;
        bed.store.close();
        let store = bed.open(Mode::Serve).unwrap();
        store.recover(NOW).await.unwrap();
        let events = [event(bed, 1, once(1)), event(bed, 1, threshold(2, 2)), event(bed, 1, digest(3, until, 9))];
        let ids = events.each_ref().map(|event| (event.id, event.runs[0].id));
        for event in events {
            store.accept(event).await.unwrap();
        }
        assert!(matches!(store.suppressed(ids[0].0).await.unwrap()[0].by, SuppressedBy::Once { .. }));
        assert_eq!(store.load(ids[1].1).await.unwrap().unwrap().earlier.len(), 1);
        assert_eq!(store.suppressed(ids[2].0).await.unwrap()[0].by, SuppressedBy::Digest { run });
        store.close();
    }

    async fn what_a_failed_batch_had_counted_is_not_counted(bed) {
        let taken = accept(bed, event(bed, 0, threshold(9, 9))).await.0;
        // One of the fifty has an id that is taken: the batch is done again, one by one, without it.
        let mut events: Vec<_> = (0..50).map(|_| event(bed, 0, threshold(1, 100))).collect();
        events[25].id = taken;
        let mut tasks = Vec::new();
        for event in events {
            let store = bed.store.clone();
            tasks.push(tokio::spawn(async move { store.accept(event).await }));
        }
        let mut failed = 0;
        for task in tasks {
            failed += usize::from(matches!(task.await.unwrap(), Err(StoreError::Doubled(_))));
        }
        assert_eq!(failed, 1);
        let (last, _) = accept(bed, event(bed, 1, threshold(1, 100))).await;
        assert_eq!(why(bed, last).await, Some(SuppressedBy::Threshold { have: 50, of: 100 }));
        // And one batch that fails after all of it was decided.
        let again = event(bed, 1, once(1));
        let (id, ready) = (again.id, ReadyEvent::new(again.clone(), &Dictionaries::default()).unwrap());
        let failing = bed.store.write(0, move |desk| {
            accept_all(&mut desk.conn, &mut desk.known, &[&ready])?;
            Err::<(), _>(StoreError::Rejected("by the test".to_owned()))
        });
        assert!(failing.await.is_err());
        accept(bed, again).await;
        assert_eq!(why(bed, id).await, None);
    }

    async fn an_undecided_run_passes_the_same_gates(bed) {
        let vars = || object(&json!({"late": true}));
        accept(bed, event(bed, 0, once(1))).await;
        let (event_id, run, claim) = taken_undecided(bed).await;
        assert!(!bed.store.pass_gates(run, ClaimId(1), vars(), once(1), NOW).await.unwrap(), "by its claim alone");
        assert!(bed.store.pass_gates(run, claim, vars(), once(1), NOW).await.unwrap());
        assert!(!bed.store.pass_gates(run, claim, vars(), once(1), NOW).await.unwrap());
        let row = bed.store.run(run).await.unwrap().unwrap().row;
        assert_eq!((row.status, row.ended_at), (RunStatus::Skipped, Some(NOW)));
        assert!(row.why.unwrap().starts_with("once: evt_"));
        assert!(matches!(why(bed, event_id).await, Some(SuppressedBy::Once { .. })));

        let (first, _) = accept(bed, event(bed, 0, threshold(2, 2))).await;
        let (_, run, claim) = taken_undecided(bed).await;
        assert!(bed.store.pass_gates(run, claim, vars(), threshold(2, 2), NOW).await.unwrap());
        let due = loaded(bed, run).await;
        assert_eq!((due.status, earlier(&due), due.vars, due.started_at), (RunStatus::Due, vec![first], vars(), None));
        assert_eq!(due.due_at, Some(NOW));

        let (_, run, claim) = taken_undecided(bed).await;
        let until = NOW.plus(MINUTE);
        assert!(bed.store.pass_gates(run, claim, vars(), digest(3, until, 9), NOW).await.unwrap());
        assert_eq!((loaded(bed, run).await.status, loaded(bed, run).await.due_at), (RunStatus::Collecting, Some(until)));
        let (event_id, joins, claim) = taken_undecided(bed).await;
        assert!(bed.store.pass_gates(joins, claim, vars(), digest(3, until, 9), NOW).await.unwrap());
        assert_eq!(why(bed, event_id).await, Some(SuppressedBy::Digest { run }));
        assert_eq!((loaded(bed, joins).await.status, loaded(bed, run).await.event.id), (RunStatus::Skipped, event_id));

        let (_, run, claim) = taken_undecided(bed).await;
        assert!(bed.store.pass_gates(run, claim, vars(), Gates::default(), NOW).await.unwrap());
        assert_eq!(bed.store.claim(bed.claim(run, RunStatus::Due, None)).await.unwrap(), Claimed::Mine);
    }

    async fn a_blown_fuse_holds_the_rule_until_it_is_released(bed) {
        let (_, first) = accept(bed, event(bed, 0, fuse(3))).await;
        assert_eq!(bed.store.claim(bed.claim(first, RunStatus::Due, None)).await.unwrap(), Claimed::Mine);
        let (_, second) = accept(bed, event(bed, 1, fuse(3))).await;
        accept(bed, event(bed, 2, fuse(3))).await;
        let mut other = event(bed, 2, Gates::default());
        other.runs[0].rule = "calls/other".to_owned();
        let (_, other) = accept(bed, other).await;
        let (_, fourth) = accept(bed, event(bed, 3, fuse(3))).await;
        let row = bed.store.run(fourth).await.unwrap().unwrap().row;
        assert_eq!((row.status, row.due_at), (RunStatus::Held, None));
        assert!(row.why.unwrap().contains("more than 3 runs in 1m"));
        assert_eq!(bed.store.counts(NOW).await.unwrap().runs_held, 1);
        let (_, digested) = accept(bed, event(bed, 3, Gates { fuse: fuse(3).fuse, ..digest(1, NOW.plus(MINUTE), 9) })).await;
        assert_eq!(loaded(bed, digested).await.status, RunStatus::Collecting, "gathering goes on");
        // One that was made before is held when it would begin; one that has begun goes on.
        assert_eq!(bed.store.claim(bed.claim(second, RunStatus::Due, None)).await.unwrap(), Claimed::Held);
        assert_eq!(loaded(bed, second).await.status, RunStatus::Held);
        assert_eq!(bed.store.claim(bed.claim(second, RunStatus::Due, None)).await.unwrap(), Claimed::Held);
        assert_eq!(bed.store.claim(bed.claim(other, RunStatus::Due, None)).await.unwrap(), Claimed::Mine);
        assert_eq!(bed.store.claim(bed.claim(digested, RunStatus::Collecting, None)).await.unwrap(), Claimed::NotMine);
        assert_eq!(bed.store.claim(bed.claim(digested, RunStatus::Due, None)).await.unwrap(), Claimed::Held);
        assert!(!bed.store.resolve(second, Resolution::Done, NOW).await.unwrap(), "nothing of it is unknown");
        // Time alone mends no fuse.
        let (_, later) = accept(bed, event(bed, 600, fuse(3))).await;
        assert_eq!(loaded(bed, later).await.status, RunStatus::Held);

        let now = NOW.plus(Duration::from_mins(10));
        assert_eq!(bed.store.release("no/such".to_owned(), now).await.unwrap(), 0);
        assert_eq!(bed.store.release(RULE.to_owned(), now).await.unwrap(), 4);
        for run in [second, fourth, digested, later] {
            let run = loaded(bed, run).await;
            assert_eq!((run.status, run.due_at), (RunStatus::Due, Some(now)));
            assert_eq!(bed.store.run(run.id).await.unwrap().unwrap().row.why, None);
            assert_eq!(bed.store.claim(bed.claim(run.id, RunStatus::Due, None)).await.unwrap(), Claimed::Mine);
        }
        for after in 601..604 {
            let (_, run) = accept(bed, event(bed, after, fuse(3))).await;
            assert_eq!(loaded(bed, run).await.status, RunStatus::Due, "the count begins anew");
        }
        let (_, run) = accept(bed, event(bed, 604, fuse(3))).await;
        assert_eq!(loaded(bed, run).await.status, RunStatus::Held);
    }

    async fn a_fuse_counts_within_its_time_alone(bed) {
        for after in 0..9 {
            let (_, run) = accept(bed, event(bed, after * 30, fuse(2))).await;
            assert_eq!(loaded(bed, run).await.status, RunStatus::Due, "{after}");
        }
    }

    async fn fifty_at_once_blow_a_fuse_where_they_should(bed) {
        accept_together(bed, (0..50).map(|_| event(bed, 0, fuse(20))).collect()).await;
        let held = runs(&bed.store).await.iter().filter(|run| run.status == RunStatus::Held).count();
        assert_eq!(held, 30);
    }

    async fn retention_keeps_what_open_gates_need(bed) {
        let far = NOW.plus(Duration::from_hours(100));
        let mut needed = Vec::new();
        needed.push(accept(bed, event(bed, 0, digest(1, far, 9))).await.0);
        needed.push(accept(bed, event(bed, 1, digest(1, far, 9))).await.0);
        let day = Gates { threshold: Some(ThresholdGate { key: [3; 16], count: 3, within: Duration::from_hours(24) }), ..Gates::default() };
        needed.push(accept(bed, event(bed, 2, day)).await.0);
        let (expires, _) = accept(bed, event(bed, 3, threshold(2, 2))).await;
        let (held, run) = accept(bed, event(bed, 4, once(4))).await;
        let claim = bed.claim(run, RunStatus::Due, None);
        bed.store.claim(claim.clone()).await.unwrap();
        bed.store.record(record(run, claim.claim, end(RunStatus::Ok))).await.unwrap();
        let hour = NOW.plus(Duration::from_hours(1));
        bed.store.prune(hour, hour).await.unwrap();
        for id in &needed {
            assert!(bed.store.event(*id).await.unwrap().is_some());
        }
        for id in [expires, held] {
            assert!(bed.store.event(id).await.unwrap().is_none());
            assert!(bed.store.suppressed(id).await.unwrap().is_empty());
        }
        let rows = |table: &'static str| bed.store.read(move |conn, _| crate::store::tests::count_rows(conn, table));
        assert_eq!((rows("once_keys").await.unwrap(), rows("counted").await.unwrap()), (0, 1));
        let two_days = NOW.plus(Duration::from_hours(48));
        bed.store.prune(two_days, two_days).await.unwrap();
        assert!(bed.store.event(needed[2]).await.unwrap().is_none(), "it counts no more");
        assert!(bed.store.event(needed[0]).await.unwrap().is_some());
    }

    async fn a_run_without_gates_leaves_no_row_in_their_tables(bed) {
        let (run, claim, _) = bed.taken().await;
        bed.store.record(record(run, claim, end(RunStatus::Failed))).await.unwrap();
        for table in ["once_keys", "counted", "windows", "run_events", "suppressed", "fuses", "places"] {
            assert_eq!(bed.store.read(move |conn, _| crate::store::tests::count_rows(conn, table)).await.unwrap(), 0, "{table}");
        }
    }
}
