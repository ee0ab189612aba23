//! Polls of rules: when each is due, and what it has seen. An item's key and its event are one commit: each is an event once.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    accept::{NewEvent, ReadyEvent, accept_all},
    dialect::{self, Conn, PollKey, PollLeft},
    error::StoreError,
    handle::Store,
    names::{Lookup, name_id},
    writer::Desk,
};
use crate::clock::Time;

/// Which poll.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PollId {
    /// The rule's id.
    pub rule: String,
    /// Which of the rule's polls, from 0.
    pub place: u16,
}

/// What is kept of a poll.
#[derive(Debug, Clone)]
pub struct PollRow {
    /// Which.
    pub id: PollId,
    /// Digest of what it asks.
    pub target: Vec<u8>,
    /// Milliseconds between two, as `due_at` was reckoned.
    pub every: i64,
    /// When it is asked next.
    pub due_at: Time,
    /// When it was asked last.
    pub tried_at: Option<Time>,
    /// When the last one that went well began.
    pub last_at: Option<Time>,
    /// How many went well; 0 until the first answer has told what is old.
    pub turn: i64,
    /// How many failed since.
    pub failures: u32,
    /// Why the last one failed. `None`: it went well.
    pub error: Option<String>,
    /// What was odd about single items of the last answer.
    pub odd: Option<String>,
    /// Events that it made.
    pub items: u64,
    /// What stood at `cursor`; null for nothing.
    pub cursor: Value,
    /// Digest of the request that `etag` and `modified` belong to.
    pub asked: Option<Vec<u8>>,
    /// The answer's `ETag`.
    pub etag: Option<String>,
    /// The answer's `Last-Modified`.
    pub modified: Option<String>,
}

/// A poll that went well.
#[derive(Debug, Clone, Default)]
pub struct PollDone {
    /// When it began.
    pub began_at: Time,
    /// When it is asked next.
    pub due_at: Time,
    /// Milliseconds between two, by which that was reckoned.
    pub every: i64,
    /// The keys of the answer. `None`: nothing has changed since the one before.
    pub keys: Option<Vec<[u8; 16]>>,
    /// What was odd about single items.
    pub odd: Option<String>,
    /// What stood at `cursor`. `None`: the one before stays.
    pub cursor: Option<Value>,
    /// Digest of the request that `etag` and `modified` belong to.
    pub asked: Option<Vec<u8>>,
    /// The answer's `ETag`.
    pub etag: Option<String>,
    /// The answer's `Last-Modified`.
    pub modified: Option<String>,
}

impl Store {
    /// Every poll that was ever due, in no order.
    pub async fn polls(&self) -> Result<Vec<PollRow>, StoreError> {
        self.read(all).await
    }

    /// The keys that a poll has seen.
    pub async fn poll_keys(&self, id: PollId) -> Result<HashSet<[u8; 16]>, StoreError> {
        self.read(move |conn, _| {
            let Some(rule) = name_id(conn, &id.rule)? else { return Ok(HashSet::new()) };
            let keys = dialect::poll_keys(conn, PollKey { rule, place: i32::from(id.place) })?;
            Ok(keys.into_iter().filter_map(|key| key.try_into().ok()).collect())
        })
        .await
    }

    /// Moves the time at which a poll is asked next; one that was never due has none of its items seen. `target` is the digest of what
    /// it asks, `every` in milliseconds.
    pub async fn poll_due(&self, id: PollId, target: Vec<u8>, every: i64, due: Time) -> Result<(), StoreError> {
        let due = move |desk: &mut Desk| {
            let of = key(desk, &id)?;
            dialect::poll_due(&mut desk.conn, of, &target, every, due.0)
        };
        self.write(128, due).await
    }

    /// A poll that was due failed; `error` is one sentence.
    pub async fn poll_failed(&self, id: PollId, now: Time, error: String) -> Result<(), StoreError> {
        let failed = move |desk: &mut Desk| {
            let of = key(desk, &id)?;
            dialect::poll_failed(&mut desk.conn, of, now.0, &error)
        };
        self.write(512, failed).await
    }

    /// The first answer of a poll that was due, or of what it asks now: these keys are old, and what was seen before counts no more.
    pub async fn poll_begins(&self, id: PollId, target: Vec<u8>, old: Vec<[u8; 16]>) -> Result<(), StoreError> {
        let begins = move |desk: &mut Desk| {
            let of = key(desk, &id)?;
            dialect::poll_begins(&mut desk.conn, of, &target)?;
            for key in &old {
                dialect::see_poll_key(&mut desk.conn, of, key, 1)?;
            }
            Ok(())
        };
        self.write(128, begins).await
    }

    /// Stores the events of new items, in their order, each with its key; how many. One whose key was seen before is left out.
    pub async fn poll_found(&self, id: PollId, turn: i64, new: Vec<([u8; 16], NewEvent)>) -> Result<usize, StoreError> {
        let ready: Result<Vec<([u8; 16], ReadyEvent)>, StoreError> =
            new.into_iter().map(|(key, event)| Ok((key, ReadyEvent::new(event, self.dictionaries())?))).collect();
        let ready = ready?;
        let size = ready.iter().map(|(_, event)| event.size()).sum();
        let found = move |desk: &mut Desk| {
            let of = key(desk, &id)?;
            let mut unseen = Vec::with_capacity(ready.len());
            for (key, event) in &ready {
                if dialect::see_poll_key(&mut desk.conn, of, key, turn)? {
                    unseen.push(event);
                }
            }
            accept_all(&mut desk.conn, &mut desk.known, &unseen)?;
            dialect::count_poll_items(&mut desk.conn, of, i64::try_from(unseen.len()).unwrap_or(i64::MAX))?;
            Ok(unseen.len())
        };
        self.write(size, found).await
    }

    /// A poll went well, and the events of its new items are stored. `turn` is the number of those that went well before it.
    pub async fn poll_done(&self, id: PollId, turn: i64, done: PollDone) -> Result<(), StoreError> {
        let size = 512 + done.keys.as_ref().map_or(0, |keys| keys.len() * 16);
        let cursor = done.cursor.as_ref().map(Value::to_string);
        let done = move |desk: &mut Desk| {
            let of = key(desk, &id)?;
            let next = turn.saturating_add(1);
            if let Some(keys) = &done.keys {
                for key in keys {
                    dialect::see_poll_key_again(&mut desk.conn, of, key, next)?;
                }
                dialect::prune_poll_keys(&mut desk.conn, of, next)?;
            }
            let left = PollLeft {
                began: done.began_at.0,
                due: done.due_at.0,
                every: done.every,
                odd: done.odd.as_deref(),
                cursor: cursor.as_deref(),
                asked: done.asked.as_deref(),
                etag: done.etag.as_deref(),
                modified: done.modified.as_deref(),
            };
            dialect::poll_done(&mut desk.conn, of, &left)
        };
        self.write(size, done).await
    }
}

fn key(desk: &mut Desk, id: &PollId) -> Result<PollKey, StoreError> {
    Ok(PollKey { rule: desk.known.name(&mut desk.conn, &id.rule)?, place: i32::from(id.place) })
}

fn all(conn: &mut Conn, lookup: &Lookup) -> Result<Vec<PollRow>, StoreError> {
    let rows = dialect::polls(conn)?;
    rows.into_iter()
        .map(|row| {
            let cursor = row.cursor.map(|text| serde_json::from_str(&text).unwrap_or(Value::Null));
            Ok(PollRow {
                id: PollId {
                    rule: lookup.name(conn, row.rule)?.to_string(),
                    place: u16::try_from(row.place).unwrap_or(u16::MAX),
                },
                target: row.target,
                every: row.every,
                due_at: Time(row.due_at),
                tried_at: row.tried_at.map(Time),
                last_at: row.last_at.map(Time),
                turn: row.turn,
                failures: u32::try_from(row.failures).unwrap_or(0),
                error: row.error,
                odd: row.odd,
                items: u64::try_from(row.items).unwrap_or(0),
                cursor: cursor.unwrap_or_default(),
                asked: row.asked,
                etag: row.etag,
                modified: row.modified,
            })
        })
        .collect()
}
