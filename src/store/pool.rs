//! Connections for readers: a few, behind a semaphore, used on blocking threads.

use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use super::{
    dialect::{self, Access, Conn},
    error::StoreError,
    names::Lookup,
    open::Place,
};

/// Readers at once. More would only wait for each other's pages on a small machine.
const READERS: usize = 4;

/// The readers' connections.
pub(super) struct Pool {
    place: Place,
    idle: Mutex<Vec<Conn>>,
    permits: Arc<Semaphore>,
    pub(super) lookup: Lookup,
}

impl Pool {
    /// A pool that opens its connections when they are first needed.
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            idle: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(READERS)),
            lookup: Lookup::default(),
        }
    }

    /// Asks a question on this thread, on a consistent view.
    pub(super) fn ask<T>(
        &self,
        question: impl FnOnce(&mut Conn, &Lookup) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let mut conn = match idle {
            Some(conn) => conn,
            None => self.place.connect(Access::Read)?,
        };
        let answer = dialect::snapshot(&mut conn, |conn| question(conn, &self.lookup));
        // A connection that failed is not used again.
        if !matches!(answer, Err(StoreError::Failed(_)))
            && let Ok(mut idle) = self.idle.lock()
        {
            idle.push(conn);
        }
        answer.map_err(|error| self.place.name(error))
    }

    /// Asks a question on a blocking thread.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&mut Conn, &Lookup) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let closed = || StoreError::Busy("the store is closed".to_owned());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let pool = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || {
            let answer = pool.ask(question);
            drop(permit);
            answer
        });
        answer.await.map_err(|error| {
            // A process that ends takes no more questions; that is no fault of what is stored.
            if error.is_cancelled() {
                return closed();
            }
            StoreError::Corrupt(format!("a question to the store panicked: {error}"))
        })?
    }

    /// Closes the connections that are idle, and lets no more questions in.
    pub(super) fn close(&self) {
        self.permits.close();
        if let Ok(mut idle) = self.idle.lock() {
            idle.clear();
        }
    }
}
