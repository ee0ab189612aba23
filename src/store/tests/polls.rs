//! Polls: an item's key and its event are one commit, and what is kept of keys is bounded.

use super::{bed::NOW, on_both};
use crate::{
    clock::Time,
    store::{EventFilter, PollDone, PollId},
};

fn id() -> PollId {
    PollId { rule: "tickets/new".to_owned(), place: 1 }
}

fn key(number: u32) -> [u8; 16] {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&number.to_be_bytes());
    key
}

fn done(keys: impl IntoIterator<Item = u32>) -> PollDone {
    let keys = keys.into_iter().map(key).collect();
    PollDone { began_at: NOW, due_at: Time(NOW.0 + 60_000), keys: Some(keys), ..PollDone::default() }
}

on_both! {
    async fn an_item_whose_key_is_stored_is_no_event_again(bed) {
        let target = vec![7; 32];
        bed.store.poll_due(id(), target.clone(), 60_000, NOW).await.unwrap();
        bed.store.poll_begins(id(), target, vec![key(1)]).await.unwrap();
        let found = bed.store.poll_found(id(), 1, vec![(key(1), bed.event()), (key(2), bed.event())]).await.unwrap();
        assert_eq!(found, 1);
        // The process stopped before the poll was done: the same answer comes again.
        let found = bed.store.poll_found(id(), 1, vec![(key(2), bed.event()), (key(3), bed.event())]).await.unwrap();
        assert_eq!(found, 1);
        assert_eq!(bed.store.events(EventFilter::default()).await.unwrap().len(), 2);
        bed.store.poll_done(id(), 1, done([1, 2, 3])).await.unwrap();
        let row = bed.store.polls().await.unwrap().remove(0);
        assert_eq!((row.id, row.turn, row.items, row.last_at), (id(), 2, 2, Some(NOW)));
        assert_eq!(bed.store.poll_keys(id()).await.unwrap(), [1, 2, 3].map(key).into());
    }

    async fn the_keys_of_the_last_answer_stay_and_of_the_others_the_newest(bed) {
        bed.store.poll_due(id(), vec![7], 60_000, NOW).await.unwrap();
        bed.store.poll_begins(id(), vec![7], Vec::new()).await.unwrap();
        bed.store.poll_done(id(), 1, done(0..6_000)).await.unwrap();
        bed.store.poll_done(id(), 2, done(6_000..12_000)).await.unwrap();
        assert_eq!(bed.store.poll_keys(id()).await.unwrap().len(), 12_000);
        bed.store.poll_done(id(), 3, done(12_000..15_000)).await.unwrap();
        let kept = bed.store.poll_keys(id()).await.unwrap();
        assert!(kept.contains(&key(14_999)) && kept.contains(&key(6_000)) && !kept.contains(&key(5_999)), "{}", kept.len());
    }

    async fn a_failure_leaves_what_was_seen(bed) {
        bed.store.poll_due(id(), vec![7], 60_000, NOW).await.unwrap();
        bed.store.poll_begins(id(), vec![7], vec![key(1)]).await.unwrap();
        bed.store.poll_done(id(), 1, PollDone { cursor: Some("c1".into()), ..done([1]) }).await.unwrap();
        bed.store.poll_failed(id(), NOW, "no".to_owned()).await.unwrap();
        bed.store.poll_failed(id(), NOW, "no again".to_owned()).await.unwrap();
        let row = bed.store.polls().await.unwrap().remove(0);
        assert_eq!((row.failures, row.error.as_deref(), row.cursor), (2, Some("no again"), "c1".into()));
        bed.store.poll_done(id(), 2, done([1])).await.unwrap();
        let row = bed.store.polls().await.unwrap().remove(0);
        assert_eq!((row.failures, row.error, row.cursor), (0, None, "c1".into()), "no cursor leaves the one before");
    }
}
