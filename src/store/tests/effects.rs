//! What steps change beside their run: attributes, events of our own; and replays.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    bed::{Bed, NOW, end, ended, object, output, record},
    on_both,
};
use crate::{
    ids::{EventId, RefusalId, RunId, first_at},
    model::{AttemptOutcome, Change, Keeper, Refusal, RunStatus, StepOutput, StepPath},
    store::{ClaimId, EventFilter, Mode, NewEvent, NewSet, Record, Recorded, Replay, RunFilter, StoreError, Then},
};

fn add(name: &str, amount: i64) -> Change {
    Change { add: object(&json!({name: amount})), ..Change::default() }
}

fn set(values: Value) -> Change {
    Change { set: object(&values), ..Change::default() }
}

fn step(run: RunId, claim: ClaimId, keeper: Keeper, key: &str, change: Change, then: Then) -> Record {
    Record {
        outputs: vec![output("do.1", json!(null))],
        attributes: Some((StepPath("do.1".to_owned()), keeper, key.to_owned(), change)),
        ..record(run, claim, then)
    }
}

async fn changed(bed: &Bed, keeper: Keeper, key: &str, change: Change) -> Recorded {
    let (run, claim, _) = bed.taken().await;
    bed.store.record(step(run, claim, keeper, key, change, end(RunStatus::Ok))).await.unwrap()
}

fn replay(bed: &Bed, of: Option<RunId>, event: EventId) -> Replay {
    Replay {
        id: RunId(bed.id()),
        event,
        of,
        rule: "calls/missed".to_owned(),
        set: 3,
        root: of,
        vars: object(&json!({"ticket": 42})),
        outputs: Vec::new(),
        key: None,
        at: NOW,
    }
}

on_both! {
    async fn a_change_is_kept_with_its_step_and_its_result_is_what_is_there_after_it(bed) {
        let (run, claim, attempt) = bed.taken().await;
        let first = Record {
            attempt: Some(ended(attempt, AttemptOutcome::Ok)),
            ..step(run, claim, Keeper::Profile, "Maria@Example.com", set(json!({"plan": "Maria", "calls": 1})), Then::Go)
        };
        let after = object(&json!({"plan": "Maria", "calls": 1}));
        assert_eq!(bed.store.record(first).await.unwrap(), Recorded::Kept(Some(after.clone())));
        assert_eq!(bed.store.load(run).await.unwrap().unwrap().outputs, [output("do.1", Value::Object(after.clone()))]);
        let more = changed(bed, Keeper::Profile, "maria@example.com", add("calls", 2)).await;
        assert_eq!(more, Recorded::Kept(Some(object(&json!({"plan": "Maria", "calls": 3})))));
        let read = changed(bed, Keeper::Profile, "MARIA@example.com", Change::default()).await;
        assert_eq!(read, more);
        assert_eq!(bed.store.attributes(Keeper::Record, "maria@example.com".to_owned()).await.unwrap(), Map::new());
        let gone = Change { remove: vec!["plan".to_owned(), "calls".to_owned()], ..Change::default() };
        assert_eq!(changed(bed, Keeper::Profile, "maria@example.com", gone).await, Recorded::Kept(Some(Map::new())));
        assert_eq!(bed.store.attributes(Keeper::Profile, "maria@example.com".to_owned()).await.unwrap(), Map::new());
    }

    async fn each_attribute_tells_the_run_that_last_wrote_it(bed) {
        use diesel::{QueryDsl as _, RunQueryDsl as _};

        use crate::store::{dialect::each, schema::attributes};
        let mut runs = Vec::new();
        for change in [set(json!({"a": 1, "b": 1, "c": 1})), add("a", 1), Change { remove: vec!["c".to_owned()], ..Change::default() }] {
            let (run, claim, _) = bed.taken().await;
            runs.push(run.0);
            assert!(bed.store.record(step(run, claim, Keeper::Record, "x", change, Then::Go)).await.unwrap().is_mine());
        }
        let origins: Vec<u8> = bed.store.read(|conn, _| {
            Ok(each!(conn, c => attributes::table.select(attributes::origins).first(c))?)
        }).await.unwrap();
        let origins = crate::store::json::open_object(Some(origins)).unwrap();
        assert_eq!(origins, object(&json!({"a": runs[1], "b": runs[0]})));
    }

    async fn of_fifty_parallel_counts_none_is_lost(bed) {
        let mut taken = Vec::new();
        for _ in 0..50 {
            taken.push(bed.taken().await);
        }
        let tasks: Vec<_> = taken.into_iter().map(|(run, claim, _)| {
            let store = bed.store.clone();
            let counted = step(run, claim, Keeper::Record, "calls", add("n", 1), end(RunStatus::Ok));
            tokio::spawn(async move { store.record(counted).await.unwrap() })
        }).collect();
        for task in tasks {
            assert!(task.await.unwrap().is_mine());
        }
        let after = bed.store.attributes(Keeper::Record, "calls".to_owned()).await.unwrap();
        assert_eq!(after, object(&json!({"n": 50})));
    }

    async fn of_an_unfit_change_nothing_is_kept_and_the_claim_goes_on(bed) {
        changed(bed, Keeper::Record, "x", set(json!({"word": "many"}))).await;
        let (run, claim, attempt) = bed.taken().await;
        let names = |count: usize| set(Value::Object((0..count).map(|n| (format!("a{n}"), json!(n))).collect()));
        let long = |bytes: usize| set(json!({"long": "x".repeat(bytes)}));
        for (key, change, word) in [
            ("x", add("word", 1), "word"),
            ("y", names(501), "500"),
            ("y", long(66_000), "65536"),
            (&*"k".repeat(2000), set(json!({"a": 1})), "1024"),
            ("a\0b", set(json!({"a": 1})), "NUL"),
        ] {
            let unfit = Record {
                attempt: Some(ended(attempt, AttemptOutcome::Ok)),
                vars: Some(object(&json!({"a": 1}))),
                echo: Some(("echo".to_owned(), NOW.plus(Duration::from_hours(1)))),
                ..step(run, claim, Keeper::Record, key, change, end(RunStatus::Ok))
            };
            let Recorded::Unfit(why) = bed.store.record(unfit).await.unwrap() else { panic!("{word}") };
            assert!(why.contains(word), "{why}");
        }
        let detail = bed.store.run(run).await.unwrap().unwrap();
        assert_eq!((detail.row.status, detail.outputs.len(), detail.vars.len()), (RunStatus::Running, 0, 0));
        assert_eq!(detail.attempts[0].outcome, AttemptOutcome::Started);
        assert_eq!(bed.store.attributes(Keeper::Record, "x".to_owned()).await.unwrap(), object(&json!({"word": "many"})));
        assert_eq!(bed.store.attributes(Keeper::Record, "y".to_owned()).await.unwrap(), Map::new());
        assert_eq!(bed.store.echo_depth("echo", NOW).await.unwrap(), None);
        let fits = Record { attempt: Some(ended(attempt, AttemptOutcome::Ok)), ..step(run, claim, Keeper::Record, "y", names(500), Then::Go) };
        assert!(matches!(bed.store.record(fits).await.unwrap(), Recorded::Kept(Some(all)) if all.len() == 500));
    }

    async fn a_change_after_the_claim_was_lost_changes_nothing(bed) {
        let (run, claim, _) = bed.taken().await;
        bed.store.recover(NOW).await.unwrap();
        let late = step(run, claim, Keeper::Record, "x", set(json!({"a": 1})), end(RunStatus::Ok));
        assert_eq!(bed.store.record(late).await.unwrap(), Recorded::Lost);
        assert_eq!(bed.store.attributes(Keeper::Record, "x".to_owned()).await.unwrap(), Map::new());
    }

    async fn an_event_of_our_own_is_stored_with_the_end_of_its_step_and_once(bed) {
        let (run, claim, _) = bed.taken().await;
        let event = NewEvent { kind: "calls.escalated".to_owned(), depth: 1, ..bed.event() };
        let (id, started) = (event.id, event.runs[0].id);
        let emits = Record {
            outputs: vec![output("do.1", json!(id.to_string()))],
            emitted: Some(Box::new(event)),
            ..record(run, claim, end(RunStatus::Ok))
        };
        assert_eq!(bed.store.record(emits.clone()).await.unwrap(), Recorded::Kept(None));
        assert_eq!(bed.store.record(emits).await.unwrap(), Recorded::Lost, "its answer was lost, and it is told again");
        let detail = bed.store.event(id).await.unwrap().unwrap();
        assert_eq!((detail.event.kind.as_str(), detail.event.depth, detail.runs.len()), ("calls.escalated", 1, 1));
        assert_eq!(bed.store.events(EventFilter::default()).await.unwrap().len(), 2);
        assert_eq!(bed.store.due(NOW, 9, 9).await.unwrap().runs[0].id, started);
    }

    async fn a_replay_is_a_run_that_points_to_the_old_one(bed) {
        let (run, claim, _) = bed.taken().await;
        assert!(bed.store.record(record(run, claim, end(RunStatus::Failed))).await.unwrap().is_mine());
        let event = bed.store.run(run).await.unwrap().unwrap().row.event;
        let beside = bed.open(Mode::Write).unwrap();
        let again = Replay { outputs: vec![output("do.0", json!(1)), output("do.1", json!(null))], ..replay(bed, Some(run), event) };
        let outputs: Vec<StepOutput> = again.outputs.clone();
        beside.replay(again.clone()).await.unwrap();
        let due = bed.store.due(NOW, 9, 9).await.unwrap().runs;
        assert_eq!((due[0].id, due[0].status, due[0].due_at), (again.id, RunStatus::Due, NOW));
        let loaded = bed.store.load(again.id).await.unwrap().unwrap();
        assert_eq!((loaded.root, loaded.replay_of, loaded.set), (run, Some(run), 3));
        assert_eq!((loaded.outputs, loaded.vars, loaded.event.id), (outputs, object(&json!({"ticket": 42})), event));
        let own = Replay { root: None, ..replay(bed, Some(run), event) };
        bed.store.replay(own.clone()).await.unwrap();
        assert_eq!(bed.store.load(own.id).await.unwrap().unwrap().root, own.id, "keys of its own");
        let manual = replay(bed, None, event);
        beside.replay(manual.clone()).await.unwrap();
        assert_eq!(bed.store.load(manual.id).await.unwrap().unwrap().replay_of, None);
        assert!(matches!(beside.replay(replay(bed, None, EventId(1))).await, Err(StoreError::Rejected(why)) if why.contains("evt_")));
        let again = beside.replay(manual.clone()).await;
        assert!(matches!(again, Err(StoreError::Doubled(_))), "an id that is taken: {again:?}");
        assert_eq!(bed.store.runs(RunFilter { event: Some(event), ..RunFilter::default() }).await.unwrap().len(), 4);
        // An open run keeps its event.
        let later = NOW.plus(Duration::from_hours(24 * 40));
        assert_eq!(bed.store.prune(later, later).await.unwrap().events, 0);
        beside.close();
    }

    async fn a_replay_has_the_earlier_events_of_the_run_that_it_repeats(bed) {
        use diesel::{RunQueryDsl as _, sql_query};

        use crate::store::dialect::each;
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            event: i64,
        }
        let (run, _, _) = bed.taken().await;
        let event = bed.store.run(run).await.unwrap().unwrap().row.event;
        let earlier = [bed.unmatched(), bed.unmatched()];
        let ids = [earlier[0].id.0, earlier[1].id.0];
        for event in earlier {
            bed.store.accept(event).await.unwrap();
        }
        bed.store.write(0, move |desk| {
            for (seq, event) in ids.iter().enumerate() {
                let sql = format!("INSERT INTO run_events (run, seq, event) VALUES ({}, {seq}, {event})", run.0);
                each!(&mut desk.conn, c => sql_query(sql).execute(c))?;
            }
            Ok(())
        }).await.unwrap();
        let again = replay(bed, Some(run), event);
        let to = again.id.0;
        bed.store.replay(again).await.unwrap();
        let copied: Vec<Row> = bed.store.read(move |conn, _| {
            Ok(each!(conn, c => sql_query(format!("SELECT event FROM run_events WHERE run = {to} ORDER BY seq")).load(c))?)
        }).await.unwrap();
        assert_eq!(copied.iter().map(|row| row.event).collect::<Vec<_>>(), ids);
    }

    async fn a_set_may_be_kept_without_being_in_force_and_goes_when_nothing_names_it(bed) {
        let text = |digest: u8, text: &str| NewSet { digest: [digest; 32], texts: vec![("rules/a.yaml".to_owned(), text.to_owned())] };
        let force = bed.store.put_in_force(text(1, "one"), NOW).await.unwrap();
        let beside = bed.open(Mode::Write).unwrap();
        let draft = beside.keep_set(text(2, "draft"), NOW).await.unwrap();
        assert_eq!(beside.keep_set(text(2, "draft"), NOW).await.unwrap(), draft);
        assert_eq!(beside.keep_set(text(1, "one"), NOW).await.unwrap(), force);
        beside.close();
        assert_eq!(bed.store.in_force().await.unwrap(), Some(force));
        assert_eq!(bed.store.set_texts(draft).await.unwrap(), Some(text(2, "draft").texts));
        let later = NOW.plus(Duration::from_hours(24 * 40));
        // A newer row: sets are looked at again before they go.
        let mut event = bed.event();
        event.id = EventId(first_at(later));
        event.runs[0].id = RunId(first_at(later) + 1);
        event.set = force;
        bed.store.accept(event).await.unwrap();
        bed.store.prune(later, later).await.unwrap();
        assert_eq!(bed.store.set_texts(draft).await.unwrap(), None);
        assert!(bed.store.set_texts(force).await.unwrap().is_some());
    }

    async fn a_refusal_is_found_by_its_id(bed) {
        let refusal = Refusal {
            id: RefusalId(7),
            at: NOW.0,
            source: None,
            peer: "203.0.113.9".to_owned(),
            reason: "loop".to_owned(),
            status: 508,
            detail: String::new(),
            bytes: 12,
        };
        bed.store.refuse(refusal.clone());
        bed.store.ping().await.unwrap();
        assert_eq!(bed.store.refusal(RefusalId(7)).await.unwrap(), Some(refusal));
        assert_eq!(bed.store.refusal(RefusalId(8)).await.unwrap(), None);
    }
}
