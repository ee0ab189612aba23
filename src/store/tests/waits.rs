//! Steps that wait: registered once, answered by index, never missed.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use diesel::connection::{Connection as _, InstrumentationEvent};

use serde_json::{Value, json};

use super::{
    bed::{Bed, NOW, end, ended, output, record},
    on_both,
};
use crate::{
    clock::Time,
    ids::{EventId, RunId},
    model::{AttemptOutcome, RunStatus, StepPath},
    store::{ClaimId, Mode, NewEvent, NewWait, OpenWait, Record, Recorded, Store, Then, WaitEvents, dialect::each},
};

const HOUR: Duration = Duration::from_hours(1);

fn wait_for(value: Value, since: EventId, until: Option<Time>) -> NewWait {
    NewWait {
        step: StepPath("do.1".to_owned()),
        began_at: NOW,
        until,
        events: Some(WaitEvents {
            kinds: vec!["desk.replied".to_owned(), "desk.closed".to_owned()],
            pointer: "/ticket/number".to_owned(),
            value,
            since,
        }),
    }
}

fn reply(bed: &Bed, ticket: Value) -> NewEvent {
    let payload = json!({"ticket": {"number": ticket}});
    NewEvent {
        kind: "desk.replied".to_owned(),
        body: payload.to_string().into_bytes(),
        payload,
        runs: Vec::new(),
        ..bed.unmatched()
    }
}

/// Stores it; its id.
async fn comes(bed: &Bed, event: NewEvent) -> EventId {
    let id = event.id;
    bed.store.accept(event).await.unwrap();
    id
}

/// A run that waits for ticket 42 since its own event, and that event.
async fn waiting(bed: &Bed, until: Option<Time>) -> (RunId, EventId) {
    let (run, claim, attempt) = bed.taken().await;
    let event = bed.store.load(run).await.unwrap().unwrap().event.id;
    let begun = Record {
        attempt: Some(ended(attempt, AttemptOutcome::Ok)),
        outputs: vec![output("do.0", json!(1))],
        ..record(run, claim, Then::Wait(wait_for(json!(42), event, until)))
    };
    assert_eq!(bed.store.record(begun).await.unwrap(), Recorded::Kept(None));
    (run, event)
}

async fn wait_of(store: &Store, run: RunId) -> OpenWait {
    store.load(run).await.unwrap().unwrap().wait.unwrap()
}

async fn due_at(bed: &Bed, run: RunId) -> Option<Time> {
    bed.store.run(run).await.unwrap().unwrap().row.due_at
}

/// Takes a run that waits.
async fn take(bed: &Bed, run: RunId) -> ClaimId {
    let claim = bed.claim(run, RunStatus::Waiting, None);
    let id = claim.claim;
    assert!(bed.store.claim(claim).await.unwrap().is_mine());
    id
}

async fn sleeps(bed: &Bed, run: RunId, rejected: Vec<EventId>) {
    let claim = take(bed, run).await;
    assert!(bed.store.record(record(run, claim, Then::Sleep { rejected })).await.unwrap().is_mine());
}

async fn rows(bed: &Bed) -> (i64, i64, i64) {
    use diesel::{QueryDsl as _, RunQueryDsl as _};

    use crate::store::schema::{wait_candidates, wait_keys, waits};
    bed.store
        .read(|conn, _| {
            Ok(each!(conn, c => (
                waits::table.count().get_result(c)?,
                wait_keys::table.count().get_result(c)?,
                wait_candidates::table.count().get_result(c)?,
            )))
        })
        .await
        .unwrap()
}

on_both! {
    async fn an_event_that_came_between_two_steps_is_there_to_be_looked_at(bed) {
        let (run, claim, attempt) = bed.taken().await;
        let since = bed.store.load(run).await.unwrap().unwrap().event.id;
        let between = comes(bed, reply(bed, json!(42))).await;
        let other = comes(bed, bed.unmatched()).await;
        let until = NOW.plus(HOUR);
        let begun = Record {
            attempt: Some(ended(attempt, AttemptOutcome::Ok)),
            outputs: vec![output("do.0", json!(1))],
            ..record(run, claim, Then::Wait(wait_for(json!(42), since, Some(until))))
        };
        assert_eq!(bed.store.record(begun).await.unwrap(), Recorded::Kept(None));
        let loaded = bed.store.load(run).await.unwrap().unwrap();
        assert_eq!((loaded.status, due_at(bed, run).await), (RunStatus::Waiting, Some(NOW)), "due at once, to look");
        assert!(loaded.pending.is_none());
        let wait = loaded.wait.unwrap();
        assert_eq!((wait.step.0.as_str(), wait.began_at, wait.until), ("do.1", NOW, Some(until)));
        assert_eq!((wait.since, wait.looked, wait.upto), (since, false, other));
        assert!(wait.candidates.is_empty());
        let kinds = || vec!["desk.closed".to_owned(), "desk.replied".to_owned()];
        let found = bed.store.events_between(kinds(), wait.since, wait.upto, 10).await.unwrap();
        assert_eq!(found.iter().map(|event| event.id).collect::<Vec<_>>(), [between]);
        assert_eq!(found[0].body.as_deref(), Some(&br#"{"ticket":{"number":42}}"#[..]));
        assert!(bed.store.events_between(kinds(), between, wait.upto, 10).await.unwrap().is_empty());
        sleeps(bed, run, Vec::new()).await;
        assert!(wait_of(&bed.store, run).await.looked);
        assert_eq!(due_at(bed, run).await, Some(until));
        assert_eq!(bed.store.due(NOW, 9, 9).await.unwrap().next, Some(until));
    }

    async fn events_between_two_are_the_oldest_first_and_no_more_than_asked_for(bed) {
        let mut ids = Vec::new();
        for n in 0..6 {
            let mut event = reply(bed, json!(n));
            event.verified = format!("way {}", n % 3);
            event.runs = if n % 2 == 0 { Vec::new() } else { vec![bed.due_run("calls/missed", NOW)] };
            ids.push(comes(bed, event).await);
        }
        let kinds = || vec!["desk.replied".to_owned()];
        let found = bed.store.events_between(kinds(), ids[0], ids[5], 3).await.unwrap();
        assert_eq!(found.iter().map(|event| event.id).collect::<Vec<_>>(), ids[1..4]);
        let found = bed.store.events_between(kinds(), ids[3], ids[4], 3).await.unwrap();
        assert_eq!(found.iter().map(|event| event.id).collect::<Vec<_>>(), ids[4..5]);
    }

    async fn an_event_whose_key_is_the_one_wanted_makes_the_run_due(bed) {
        let until = NOW.plus(HOUR);
        let (run, _) = waiting(bed, Some(until)).await;
        sleeps(bed, run, Vec::new()).await;
        let at = NOW.plus(Duration::from_mins(5));
        for other in [json!("42"), json!(43), json!(null), json!([42])] {
            comes(bed, NewEvent { received_at: at, ..reply(bed, other) }).await;
        }
        comes(bed, NewEvent { kind: "desk.opened".to_owned(), received_at: at, ..reply(bed, json!(42)) }).await;
        comes(bed, NewEvent { payload: json!({"ticket": 42}), ..reply(bed, json!(42)) }).await;
        comes(bed, NewEvent { received_at: until.plus(Duration::from_millis(1)), ..reply(bed, json!(42)) }).await;
        assert!(wait_of(&bed.store, run).await.candidates.is_empty());
        assert_eq!(due_at(bed, run).await, Some(until));
        let first = comes(bed, NewEvent { received_at: at, ..reply(bed, json!(42.0)) }).await;
        assert_eq!(wait_of(&bed.store, run).await.candidates, [first], "42.0 is 42");
        assert_eq!(due_at(bed, run).await, Some(at));
        let last = NewEvent { received_at: until, kind: "desk.closed".to_owned(), ..reply(bed, json!(42)) };
        let last = comes(bed, last).await;
        assert_eq!(wait_of(&bed.store, run).await.candidates, [first, last], "an event at the very end still counts");
        assert_eq!(due_at(bed, run).await, Some(at));
    }

    async fn a_rejected_candidate_goes_and_a_newer_one_makes_the_run_due_again(bed) {
        let (run, _) = waiting(bed, None).await;
        sleeps(bed, run, Vec::new()).await;
        assert_eq!((due_at(bed, run).await, bed.store.due(Time(i64::MAX), 9, 9).await.unwrap().runs.len()), (None, 0));
        let first = comes(bed, reply(bed, json!(42))).await;
        assert_eq!(bed.store.due(NOW, 9, 9).await.unwrap().runs[0].status, RunStatus::Waiting);
        let claim = take(bed, run).await;
        // It comes while a worker looks at the first.
        let second = comes(bed, reply(bed, json!(42))).await;
        assert_eq!(bed.store.load(run).await.unwrap().unwrap().status, RunStatus::Running);
        assert!(bed.store.record(record(run, claim, Then::Sleep { rejected: vec![first] })).await.unwrap().is_mine());
        assert_eq!(due_at(bed, run).await, Some(NOW));
        assert_eq!(wait_of(&bed.store, run).await.candidates, [second]);
        sleeps(bed, run, vec![second]).await;
        assert_eq!(due_at(bed, run).await, None);
        assert_eq!(rows(bed).await, (1, 2, 0));
    }

    async fn a_wait_goes_with_its_step_and_with_its_run(bed) {
        let (run, _) = waiting(bed, None).await;
        let (other, _) = waiting(bed, None).await;
        let taken = comes(bed, reply(bed, json!(42))).await;
        assert_eq!(rows(bed).await, (2, 4, 2));
        let claim = take(bed, run).await;
        // Steps of its own that end meanwhile change nothing of it.
        let vars = Record { outputs: vec![output("do.0.then.0", json!(1))], ..record(run, claim, Then::Go) };
        assert!(bed.store.record(vars).await.unwrap().is_mine());
        assert_eq!(rows(bed).await, (2, 4, 2));
        let next = Record {
            outputs: vec![output("do.1", json!({"ticket": {"number": 42}}))],
            ..record(run, claim, Then::Wait(NewWait { step: StepPath("do.2".to_owned()), ..wait_for(json!(42), taken, None) }))
        };
        assert!(bed.store.record(next).await.unwrap().is_mine());
        let wait = wait_of(&bed.store, run).await;
        assert_eq!((wait.step.0.as_str(), wait.since), ("do.2", taken));
        assert!(wait.candidates.is_empty(), "no event ends two waits of one run");
        assert_eq!(rows(bed).await, (2, 4, 1));
        for run in [run, other] {
            let claim = take(bed, run).await;
            assert!(bed.store.record(record(run, claim, end(RunStatus::Failed))).await.unwrap().is_mine());
        }
        assert_eq!(rows(bed).await, (0, 0, 0));
        assert!(bed.store.load(run).await.unwrap().unwrap().wait.is_none());
        comes(bed, reply(bed, json!(42))).await;
        assert_eq!(rows(bed).await, (0, 0, 0));
    }

    async fn a_wait_for_a_time_is_due_at_that_time(bed) {
        let (run, claim, _) = bed.taken().await;
        let until = NOW.plus(HOUR);
        let wait = NewWait { events: None, ..wait_for(json!(1), EventId(0), Some(until)) };
        assert!(bed.store.record(record(run, claim, Then::Wait(wait))).await.unwrap().is_mine());
        assert_eq!(due_at(bed, run).await, Some(until));
        comes(bed, reply(bed, json!(1))).await;
        assert_eq!((due_at(bed, run).await, rows(bed).await), (Some(until), (1, 0, 0)));
        let claim = take(bed, run).await;
        let done = Record { outputs: vec![output("do.1", json!(null))], ..record(run, claim, end(RunStatus::Ok)) };
        assert!(bed.store.record(done).await.unwrap().is_mine());
        assert_eq!(rows(bed).await, (0, 0, 0));
    }

    async fn an_event_that_comes_as_the_wait_begins_is_never_missed(bed) {
        let beside = bed.open(Mode::Write).unwrap();
        for round in 0..200 {
            let (run, claim, attempt) = bed.taken().await;
            let since = bed.store.load(run).await.unwrap().unwrap().event.id;
            let event = reply(bed, json!(round));
            let id = event.id;
            let begun = Record {
                attempt: Some(ended(attempt, AttemptOutcome::Ok)),
                outputs: vec![output("do.0", json!(1))],
                ..record(run, claim, Then::Wait(wait_for(json!(round), since, None)))
            };
            // Half of them come by a command beside the server.
            let (first, second) = (bed.store.clone(), if round % 4 < 2 { beside.clone() } else { bed.store.clone() });
            let beginning = tokio::spawn(async move {
                if round % 3 == 0 { tokio::task::yield_now().await; }
                first.record(begun).await.unwrap()
            });
            let coming = tokio::spawn(async move {
                if round % 2 == 0 { tokio::time::sleep(Duration::from_micros(50 * (round % 7))).await; }
                second.accept(event).await.unwrap()
            });
            assert!(beginning.await.unwrap().is_mine());
            coming.await.unwrap();
            let wait = wait_of(&bed.store, run).await;
            let before = bed.store.events_between(vec!["desk.replied".to_owned()], wait.since, wait.upto, 100).await.unwrap();
            let mut seen: HashSet<_> = before.iter().map(|event| event.id).collect();
            seen.extend(wait.candidates);
            assert!(seen.contains(&id), "round {round}");
        }
        beside.close();
    }

    async fn waits_are_found_after_a_restart_and_by_a_command_beside_the_server(bed) {
        let (run, _) = waiting(bed, None).await;
        sleeps(bed, run, Vec::new()).await;
        let claim = bed.claim(run, RunStatus::Waiting, None);
        assert!(bed.store.claim(claim).await.unwrap().is_mine());
        bed.store.close();
        let store = bed.open(Mode::Serve).unwrap();
        // A worker had it when the process died.
        assert_eq!(store.recover(NOW).await.unwrap().runs, 1);
        let loaded = store.load(run).await.unwrap().unwrap();
        assert_eq!((loaded.status, loaded.wait.map(|wait| wait.looked)), (RunStatus::Waiting, Some(true)));
        let first = reply(bed, json!(42));
        let mut ids = vec![first.id];
        store.accept(first).await.unwrap();
        let beside = bed.open(Mode::Write).unwrap();
        let second = reply(bed, json!(42));
        ids.push(second.id);
        beside.accept(second).await.unwrap();
        assert_eq!(wait_of(&store, run).await.candidates, ids);
        // What begins to wait after the command has looked is known to its next write all the same.
        let event = bed.event();
        let late = event.runs[0].id;
        let since = event.id;
        store.accept(event).await.unwrap();
        let claim = bed.claim(late, RunStatus::Due, None);
        assert!(store.claim(claim.clone()).await.unwrap().is_mine());
        let wait = NewWait { events: Some(WaitEvents { kinds: vec!["desk.merged".to_owned()], ..wait_for(json!(1), since, None).events.unwrap() }), ..wait_for(json!(1), since, None) };
        assert!(store.record(record(late, claim.claim, Then::Wait(wait))).await.unwrap().is_mine());
        let merged = NewEvent { kind: "desk.merged".to_owned(), ..reply(bed, json!(1)) };
        let id = merged.id;
        beside.accept(merged).await.unwrap();
        assert_eq!(wait_of(&store, late).await.candidates, [id]);
        beside.close();
        store.close();
    }

    async fn what_was_begun_in_a_commit_that_failed_is_not_remembered(bed) {
        let taken = bed.unmatched();
        bed.store.accept(taken.clone()).await.unwrap();
        let (run, claim, _) = bed.taken().await;
        let begun = record(run, claim, Then::Wait(wait_for(json!(42), EventId(0), None)));
        let failed: Result<(), _> = bed.store.write(0, move |desk| {
            crate::store::record::write(&mut desk.conn, &mut desk.known, &begun, None)?;
            Err(crate::store::StoreError::Rejected("planted".to_owned()))
        }).await;
        assert!(failed.is_err());
        assert_eq!(rows(bed).await, (0, 0, 0));
        comes(bed, reply(bed, json!(42))).await;
        let begun = record(run, claim, Then::Wait(wait_for(json!(42), EventId(0), None)));
        assert!(bed.store.record(begun).await.unwrap().is_mine());
        comes(bed, reply(bed, json!(42))).await;
        assert_eq!(rows(bed).await, (1, 2, 1));
    }

    async fn an_event_that_nobody_waits_for_costs_no_statement_more(bed) {
        let statements = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&statements);
        bed.store.write(0, move |desk| {
            let counted = Arc::clone(&counted);
            let count = move |event: InstrumentationEvent<'_>| {
                if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            };
            each!(&mut desk.conn, c => c.set_instrumentation(count));
            Ok(())
        }).await.unwrap();
        let cost = async |event: NewEvent| {
            let before = statements.load(Ordering::SeqCst);
            bed.store.accept(event).await.unwrap();
            statements.load(Ordering::SeqCst) - before
        };
        for _ in 0..3 {
            cost(reply(bed, json!(1))).await;
        }
        let plain = cost(reply(bed, json!(42))).await;
        let (run, _) = waiting(bed, None).await;
        let other_kind = || NewEvent { kind: "desk.opened".to_owned(), ..reply(bed, json!(42)) };
        cost(other_kind()).await;
        assert_eq!(cost(other_kind()).await, plain);
        assert_eq!(cost(NewEvent { payload: json!({}), ..reply(bed, json!(42)) }).await, plain, "nothing at the place");
        assert!(cost(reply(bed, json!(42))).await > plain);
        let claim = take(bed, run).await;
        assert!(bed.store.record(record(run, claim, end(RunStatus::Ok))).await.unwrap().is_mine());
        assert_eq!(cost(reply(bed, json!(42))).await, plain, "the wait is over");
        assert!(cost(NewEvent { echo: Some("e".to_owned()), ..reply(bed, json!(42)) }).await > plain);
    }

    async fn what_ends_a_run_behind_the_writers_back_leaves_no_wait_for_long(bed) {
        use diesel::{RunQueryDsl as _, sql_query};

        let (run, _) = waiting(bed, None).await;
        bed.store.write(0, move |desk| {
            let sql = format!("UPDATE runs SET status = 9, due_at = NULL, ended_at = {} WHERE id = {}", NOW.0, run.0);
            each!(&mut desk.conn, c => sql_query(sql).execute(c))?;
            Ok(())
        }).await.unwrap();
        comes(bed, reply(bed, json!(42))).await;
        assert_eq!(due_at(bed, run).await, None, "a run that is over is not due again");
        bed.store.prune(NOW.minus(HOUR), NOW).await.unwrap();
        assert_eq!(rows(bed).await, (0, 0, 0));
    }

    async fn one_wait_more_than_a_rule_may_have_is_unfit_and_the_claim_goes_on(bed) {
        use diesel::{ExpressionMethods as _, RunQueryDsl as _};

        use crate::store::schema::waits;
        let (waits_already, _) = waiting(bed, None).await;
        let (run, claim, attempt) = bed.taken().await;
        let first = bed.store.load(waits_already).await.unwrap().unwrap();
        // 998 more rows of the same rule, of runs that are open.
        let mut ids = Vec::new();
        for _ in 0..20 {
            let mut event = bed.unmatched();
            event.runs = (0..50).map(|_| bed.due_run("calls/missed", NOW)).collect();
            ids.extend(event.runs.iter().map(|run| run.id.0));
            bed.store.accept(event).await.unwrap();
        }
        let rule = bed.store.write(0, |desk| desk.known.name(&mut desk.conn, "calls/missed")).await.unwrap();
        let add = move |ids: Vec<i64>| bed.store.write(0, move |desk| {
            desk.known.forget();
            for run in &ids {
                let row = (waits::run.eq(*run), waits::rule.eq(rule), waits::step.eq(rule), waits::began_at.eq(0),
                    waits::since.eq(0), waits::upto.eq(0), waits::looked.eq(true));
                each!(&mut desk.conn, c => diesel::insert_into(waits::table).values(row).execute(c))?;
            }
            Ok(())
        });
        add(ids[..999].to_vec()).await.unwrap();
        let begun = Record {
            attempt: Some(ended(attempt, AttemptOutcome::Ok)),
            outputs: vec![output("do.0", json!(1))],
            ..record(run, claim, Then::Wait(wait_for(json!(42), first.event.id, None)))
        };
        let Recorded::Unfit(why) = bed.store.record(begun.clone()).await.unwrap() else { panic!("one too many") };
        assert!(why.contains("1000 waits"), "{why}");
        let loaded = bed.store.load(run).await.unwrap().unwrap();
        assert_eq!((loaded.status, loaded.outputs.len()), (RunStatus::Running, 0));
        let claim = take(bed, waits_already).await;
        assert!(bed.store.record(record(waits_already, claim, end(RunStatus::Ok))).await.unwrap().is_mine());
        assert_eq!(bed.store.record(begun).await.unwrap(), Recorded::Kept(None));
    }
}
