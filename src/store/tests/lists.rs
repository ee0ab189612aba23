//! Lists and housekeeping.

use std::time::Duration;

use super::{
    bed::{Bed, NOW, dedupe, end, ended, output, record},
    on_both,
};
use crate::{
    clock::Time,
    ids::{EventId, RunId, first_at},
    model::{AttemptOutcome, RunStatus},
    store::{EventFilter, NewEvent, NewSet, Record, RunFilter},
};

/// Ids in an order of their own: event n is 1000 n, its run 1000 n + 1.
async fn ten_events(bed: &Bed) {
    for n in 1..=10 {
        let mut event = bed.unmatched();
        event.id = EventId(1000 * n);
        if n % 2 == 0 {
            event.runs = vec![bed.due_run(if n % 4 == 0 { "four" } else { "two" }, NOW)];
            event.runs[0].id = RunId(1000 * n + 1);
        }
        if n > 7 {
            event.source = "front".to_owned();
            event.kind = "front.message".to_owned();
            event.service = None;
            event.verified = if n == 8 { "token" } else { "hex" }.to_owned();
        }
        bed.store.accept(event).await.unwrap();
    }
}

async fn events(bed: &Bed, filter: EventFilter) -> Vec<i64> {
    bed.store.events(filter).await.unwrap().into_iter().map(|row| row.id.0 / 1000).collect()
}

async fn runs(bed: &Bed, filter: RunFilter) -> Vec<i64> {
    bed.store.runs(filter).await.unwrap().into_iter().map(|row| row.id.0 / 1000).collect()
}

on_both! {
    async fn events_are_listed_newest_first_by_page_and_filter(bed) {
        ten_events(bed).await;
        let all = EventFilter::default();
        assert_eq!(events(bed, all.clone()).await, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
        let page = EventFilter { before: Some(EventId(5000)), limit: Some(2), ..all.clone() };
        assert_eq!(events(bed, page).await, [4, 3]);
        let kind = EventFilter { kind: Some("front.message".to_owned()), ..all.clone() };
        assert_eq!(events(bed, kind.clone()).await, [10, 9, 8]);
        assert_eq!(events(bed, EventFilter { limit: Some(1), before: Some(EventId(10_000)), ..kind }).await, [9]);
        let matched = EventFilter { source: Some("gruveo".to_owned()), matched: Some(true), ..all.clone() };
        assert_eq!(events(bed, matched).await, [6, 4, 2]);
        assert_eq!(events(bed, EventFilter { matched: Some(false), limit: Some(3), ..all.clone() }).await, [9, 7, 5]);
        assert!(events(bed, EventFilter { source: Some("nobody".to_owned()), ..all }).await.is_empty());
        let detail = bed.store.event(EventId(8000)).await.unwrap().unwrap();
        assert_eq!((detail.row.state, detail.runs.len(), detail.event.service), ("matched", 1, None));
        assert!(bed.store.event(EventId(8001)).await.unwrap().is_none());
    }

    async fn runs_are_listed_newest_first_by_page_and_filter(bed) {
        ten_events(bed).await;
        let all = RunFilter::default();
        assert_eq!(runs(bed, all.clone()).await, [10, 8, 6, 4, 2]);
        assert_eq!(runs(bed, RunFilter { rule: Some("four".to_owned()), ..all.clone() }).await, [8, 4]);
        assert!(runs(bed, RunFilter { rule: Some("none".to_owned()), ..all.clone() }).await.is_empty());
        let page = RunFilter { states: vec![RunStatus::Due], before: Some(RunId(8001)), limit: Some(2), ..all.clone() };
        assert_eq!(runs(bed, page).await, [6, 4]);
        assert!(runs(bed, RunFilter { states: vec![RunStatus::Ok], ..all.clone() }).await.is_empty());
        assert_eq!(runs(bed, RunFilter { event: Some(EventId(6000)), ..all }).await, [6]);
        let counts = bed.store.counts(NOW).await.unwrap();
        assert_eq!((counts.events, counts.runs_open, counts.oldest_due), (10, 5, Some(NOW)));
        assert!(counts.bytes > 4096);
    }

    async fn a_budget_of_rows_names_the_oldest_event_that_it_keeps(bed) {
        for n in 1..=10 {
            let mut event = bed.unmatched();
            event.id = EventId(first_at(Time(n)));
            bed.store.accept(event).await.unwrap();
        }
        assert_eq!(bed.store.first_kept_of(10).await.unwrap(), None, "all of them fit");
        assert_eq!(bed.store.first_kept_of(3).await.unwrap(), Some(Time(8)));
    }

    async fn what_is_old_goes_unless_an_open_run_needs_it(bed) {
        let old_set = bed.store.put_in_force(NewSet { digest: [1; 32], texts: vec![("a".to_owned(), "old".to_owned())] }, NOW).await.unwrap();
        let new_set = bed.store.put_in_force(NewSet { digest: [2; 32], texts: vec![("a".to_owned(), "new".to_owned())] }, NOW).await.unwrap();
        let mut open = Vec::new();
        for n in 0..120_u8 {
            let event = NewEvent { dedupe: Some(dedupe(n, n)), set: new_set, ..bed.event() };
            let run = event.runs[0].id;
            bed.store.accept(event).await.unwrap();
            if n % 40 == 0 {
                open.push(run);
                continue;
            }
            let claim = bed.claim(run, RunStatus::Due, Some(bed.attempt("do.0", 1)));
            let (id, attempt) = (claim.claim, claim.attempt.as_ref().unwrap().id);
            assert!(bed.store.claim(claim).await.unwrap().is_mine());
            let done = Record {
                attempt: Some(ended(attempt, AttemptOutcome::Ok)),
                outputs: vec![output("do.0", serde_json::json!(1))],
                ..record(run, id, end(RunStatus::Ok))
            };
            assert!(bed.store.record(done).await.unwrap().is_mine());
        }
        let hour = Duration::from_hours(1);
        let early = bed.store.prune(NOW, NOW).await.unwrap();
        assert_eq!((early.events, early.runs, early.dedupe_keys), (0, 0, 0), "nothing is older than now");
        assert!(bed.store.set_texts(old_set).await.unwrap().is_some());
        let pruned = bed.store.prune(NOW.plus(hour), NOW.plus(hour)).await.unwrap();
        assert_eq!((pruned.events, pruned.runs, pruned.dedupe_keys), (117, 117, 0));
        for run in open {
            assert!(bed.store.load(run).await.unwrap().unwrap().event.body.is_some());
        }
        assert_eq!(bed.store.counts(NOW).await.unwrap().events, 3);
        assert!(bed.store.set_texts(old_set).await.unwrap().is_none(), "nothing names the old set");
        assert!(bed.store.set_texts(new_set).await.unwrap().is_some());
        let again = NewEvent { dedupe: Some(dedupe(1, 1)), received_at: NOW.plus(hour), ..bed.event() };
        let answer = bed.store.accept(again).await.unwrap();
        assert!(matches!(answer, crate::store::Accepted::Duplicate { .. }), "a key outlives its event: {answer:?}");
        let week = Duration::from_hours(8 * 24);
        assert_eq!(bed.store.prune(NOW, NOW.plus(week)).await.unwrap().dedupe_keys, 120);
        assert!(bed.store.highest_id().await.unwrap() >= first_at(NOW));
    }
}
