//! `on: { poll }`: what is asked again and again, and what in its answer is new.

use std::{sync::Arc, time::Duration};

use super::Step;
use crate::value::{Path, Value};

/// A poll of a rule. Clones share it; two are the same where they were written the same.
#[derive(Debug, Clone)]
pub struct Poll(pub(super) Arc<Inner>);

/// What a poll is made of.
#[derive(Debug)]
pub struct Inner {
    /// How often it is asked, from one beginning to the next.
    pub every: Duration,
    /// What is asked: an action that is a read, or `http` with GET. It sees `vars` of the settings, `now`, and `poll`.
    pub step: Step,
    /// Where in the answer the items are.
    pub items: Items,
    /// Where in an item its key is.
    pub key: Path,
    /// How the list of items is ordered.
    pub order: Order,
    /// So many of the newest items of the first answer are events; all others of it are old.
    pub backfill: u32,
    /// A place in the answer whose value is kept, and seen by the next request as `poll.cursor`.
    pub cursor: Option<Path>,
    /// What tells the keys that were seen from those of another question: the target without its inputs, the place of the items and of
    /// their key.
    pub target: String,
    pub(super) written: Value,
}

impl PartialEq for Poll {
    fn eq(&self, other: &Self) -> bool {
        self.0.written == other.0.written
    }
}

impl Eq for Poll {}

impl std::ops::Deref for Poll {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// Where in a poll's answer the items are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Items {
    /// At a place that starts at `result` or `response`.
    At(Path),
    /// The answer is a feed: RSS or Atom. Its entries are.
    Feed,
}

/// How the items of a list are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As feeds and most lists are.
    NewestFirst,
    /// The newest is the last.
    OldestFirst,
}

impl Order {
    /// The words of the language.
    pub(super) const WORDS: [(&str, Self); 2] =
        [("newest_first", Self::NewestFirst), ("oldest_first", Self::OldestFirst)];
}
