//! Accepting: what is stored, what is a duplicate, and who errs.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{
    bed::{Bed, NOW, dedupe, object},
    on_both,
};
use crate::{
    ids::{EventId, RefusalId},
    model::{ErrorClass, EventFlags, Refusal, RunStatus, StepError},
    store::{
        Accepted, Dedupe, EventFilter, NewEvent, StoreError,
        accept::{ReadyEvent, accept_all},
        compress::Dictionaries,
    },
};

/// Accepts many at once; the answers in order.
async fn together(bed: &Bed, events: Vec<NewEvent>) -> Vec<Result<Accepted, StoreError>> {
    let tasks: Vec<_> = events
        .into_iter()
        .map(|event| {
            let store = bed.store.clone();
            tokio::spawn(async move { store.accept(event).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

on_both! {
    async fn an_event_is_read_as_it_came(bed) {
        let mut event = bed.event();
        event.body = vec![0, 159, 146, 150, b'{'];
        event.depth = 3;
        event.flags = EventFlags::DUPLICATE_KEYS;
        event.runs[0].vars = object(&json!({"ticket": "42", "list": [1, 2.5, null]}));
        event.set = 7;
        let (id, run) = (event.id, event.runs[0].id);
        let sent = event.clone();
        assert_eq!(bed.store.accept(event).await.unwrap(), Accepted::New { id_reused: false });
        let loaded = bed.store.load(run).await.unwrap().unwrap();
        assert_eq!(loaded.event.id, id);
        assert_eq!(loaded.event.body.as_ref(), Some(&sent.body));
        assert_eq!(loaded.event.meta, sent.meta);
        assert_eq!((loaded.event.depth, loaded.event.flags, loaded.event.set), (3, sent.flags, 7));
        assert_eq!(loaded.event.service.as_deref(), Some("gruveo"));
        assert_eq!(loaded.event.verified, "hex");
        assert_eq!(loaded.vars, sent.runs[0].vars);
        assert_eq!((loaded.rule.as_str(), loaded.status, loaded.root), ("calls/missed", RunStatus::Due, run));
        assert!(loaded.pending.is_none() && loaded.outputs.is_empty() && loaded.started_at.is_none());
        assert_eq!(bed.store.highest_id().await.unwrap(), id.0.max(run.0));
    }

    async fn of_fifty_parallel_duplicates_one_is_new(bed) {
        let events: Vec<_> = (0..50).map(|_| NewEvent { dedupe: Some(dedupe(1, 1)), ..bed.event() }).collect();
        let answers: Vec<_> = together(bed, events).await.into_iter().map(Result::unwrap).collect();
        let new = answers.iter().filter(|answer| matches!(answer, Accepted::New { .. })).count();
        assert_eq!(new, 1);
        let stored = bed.store.events(EventFilter::default()).await.unwrap();
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].seen, 50);
        for answer in answers {
            if let Accepted::Duplicate { first } = answer {
                assert_eq!(first, stored[0].id);
            }
        }
    }

    async fn duplicates_within_one_commit_are_known_to_each_other(bed) {
        let ready = |key, digest| {
            let event = NewEvent { dedupe: Some(dedupe(key, digest)), ..bed.event() };
            (event.id, ReadyEvent::new(event, &Dictionaries::default()).unwrap())
        };
        let (first, batch): (Vec<_>, Vec<_>) = [ready(1, 1), ready(1, 1), ready(1, 2), ready(1, 2), ready(2, 1)].into_iter().unzip();
        let answers = bed.store.write(0, move |desk| {
            let batch: Vec<_> = batch.iter().collect();
            accept_all(&mut desk.conn, &mut desk.known, &batch)
        });
        let new = |id_reused| Accepted::New { id_reused };
        let again = |first| Accepted::Duplicate { first };
        assert_eq!(answers.await.unwrap(), [new(false), again(first[0]), new(true), again(first[2]), new(false)]);
    }

    async fn the_same_key_with_another_body_is_a_new_event_and_flagged(bed) {
        let with = |key, digest| NewEvent { dedupe: Some(dedupe(key, digest)), ..bed.unmatched() };
        let (first, second, again) = (with(1, 1), with(1, 2), with(1, 2));
        let (first_id, second_id) = (first.id, second.id);
        assert_eq!(bed.store.accept(first).await.unwrap(), Accepted::New { id_reused: false });
        assert_eq!(bed.store.accept(second).await.unwrap(), Accepted::New { id_reused: true });
        assert_eq!(bed.store.accept(again).await.unwrap(), Accepted::Duplicate { first: second_id });
        assert_eq!(bed.store.accept(with(1, 1)).await.unwrap(), Accepted::Duplicate { first: first_id });
        let other = NewEvent { source: "other".to_owned(), ..with(1, 1) };
        assert_eq!(bed.store.accept(other).await.unwrap(), Accepted::New { id_reused: false }, "keys are a source's own");
        let detail = bed.store.event(second_id).await.unwrap().unwrap();
        assert_eq!(detail.row.flags, ["id_reused"]);
        assert_eq!(detail.row.seen, 2);
    }

    async fn a_key_that_has_expired_does_not_count(bed) {
        let soon = Dedupe { expires: NOW.plus(Duration::from_secs(1)), ..dedupe(1, 1) };
        let later = NOW.plus(Duration::from_secs(2));
        let event = NewEvent { dedupe: Some(soon), ..bed.unmatched() };
        bed.store.accept(event).await.unwrap();
        let other = NewEvent { received_at: later, dedupe: Some(dedupe(1, 2)), ..bed.unmatched() };
        assert_eq!(bed.store.accept(other).await.unwrap(), Accepted::New { id_reused: false });
        let same = NewEvent { received_at: later, dedupe: Some(dedupe(1, 1)), ..bed.unmatched() };
        let id = same.id;
        assert_eq!(bed.store.accept(same).await.unwrap(), Accepted::New { id_reused: true });
        let again = NewEvent { received_at: later, dedupe: Some(dedupe(1, 1)), ..bed.unmatched() };
        assert_eq!(bed.store.accept(again).await.unwrap(), Accepted::Duplicate { first: id });
    }

    async fn only_the_guilty_job_of_a_commit_errs(bed) {
        let taken = bed.event();
        bed.store.accept(taken.clone()).await.unwrap();
        let mut events: Vec<_> = (0..40).map(|key| NewEvent { dedupe: Some(dedupe(key, key)), ..bed.event() }).collect();
        events[17].id = taken.id;
        // Names that are first used in a transaction that is rolled back must be made again.
        for event in &mut events {
            event.runs[0].rule = "calls/new".to_owned();
            event.kind = "gruveo.new".to_owned();
        }
        let answers = together(bed, events).await;
        for (place, answer) in answers.iter().enumerate() {
            match answer {
                Err(StoreError::Doubled(_)) => assert_eq!(place, 17),
                other => assert!(matches!(other, Ok(Accepted::New { .. })), "{place}: {other:?}"),
            }
        }
        assert!(answers[17].is_err());
        assert_eq!(bed.store.counts(NOW).await.unwrap().events, 40);
        let stored = bed.store.events(EventFilter { kind: Some("gruveo.new".to_owned()), ..EventFilter::default() }).await.unwrap();
        assert_eq!(stored.len(), 39);
        assert!(bed.failures.lock().unwrap().is_empty());
    }

    async fn a_run_may_begin_failed_and_not_as_anything(bed) {
        let error = StepError { step: String::new(), class: ErrorClass::Template, status: None, message: "no".to_owned(), attempt: 0 };
        let mut event = bed.event();
        event.runs[0].status = RunStatus::Failed;
        event.runs[0].error = Some(error.clone());
        let run = event.runs[0].id;
        bed.store.accept(event).await.unwrap();
        let row = bed.store.run(run).await.unwrap().unwrap().row;
        assert_eq!((row.status, row.error, row.due_at), (RunStatus::Failed, Some(error), None));
        assert!(row.ended_at.is_some());
        let mut event = bed.event();
        event.runs[0].status = RunStatus::Running;
        assert!(matches!(bed.store.accept(event).await, Err(StoreError::Rejected(_))));
    }

    async fn refusals_are_a_ring(bed) {
        let refusal = |n: i64| Refusal {
            id: RefusalId(n),
            at: NOW.0,
            source: (n % 2 == 0).then(|| "gruveo".to_owned()),
            peer: "203.0.113.9".to_owned(),
            reason: "signature_mismatch".to_owned(),
            status: 401,
            detail: "x-gruveo-sha256-hmac".to_owned(),
            bytes: 512,
        };
        for n in 1..=10_700 {
            bed.store.refuse(refusal(n));
            if n % 500 == 0 {
                bed.store.ping().await.unwrap();
            }
        }
        bed.store.ping().await.unwrap();
        let newest = bed.store.refusals(3).await.unwrap();
        assert_eq!(newest, [refusal(10_700), refusal(10_699), refusal(10_698)]);
        assert!(bed.store.refusals(100_000).await.unwrap().len() <= 10_000);
        let held = bed.store.read(|conn, _| Ok(crate::store::refusals::list(conn, 1_000_000)?.len())).await.unwrap();
        assert_eq!(held, 10_000);
    }

    async fn an_event_without_dictionary_and_a_large_one_are_read_as_they_came(bed) {
        for (body, sample) in [(vec![b'x'; 1 << 20], &b""[..]), (Vec::new(), b""), (b"{\"a\":1}".to_vec(), b"{\"a\":2}")] {
            let event = NewEvent { body: body.clone(), dictionary: Arc::from(sample), ..bed.unmatched() };
            let id: EventId = event.id;
            bed.store.accept(event).await.unwrap();
            let found = bed.store.event(id).await.unwrap().unwrap();
            assert_eq!(found.event.body, Some(body.clone()));
            assert_eq!(found.row.bytes, body.len() as u64);
        }
    }
}
