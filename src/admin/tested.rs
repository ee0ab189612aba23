//! What the last test of each connection said, kept in memory: after a restart nobody has tested anything.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::outward::Came;
use crate::clock::Time;

/// The last test of a connection.
#[derive(Debug, Clone)]
pub(super) struct Tested {
    /// When it was made.
    pub(super) at: Time,
    /// Whether it worked.
    pub(super) ok: bool,
    /// `None`: there was no answer.
    pub(super) status: Option<u16>,
    /// What came of it, in words.
    pub(super) says: String,
}

/// The last test of each connection, by its name.
#[derive(Debug, Default)]
pub(super) struct Tests(Mutex<BTreeMap<String, Tested>>);

impl Tests {
    /// Keeps what came of a test.
    pub(super) fn keep(&self, connection: &str, came: &Came, at: Time) {
        let tested = Tested { at, ok: came.ok, status: came.status, says: came.says.clone() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(connection.to_owned(), tested);
    }

    /// Forgets what was said of a connection: it is another one now.
    pub(super) fn forget(&self, connection: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(connection);
    }

    /// The last test. `None`: there was none.
    pub(super) fn of(&self, connection: &str) -> Option<Tested> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(connection).cloned()
    }
}
