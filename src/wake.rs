//! A bell between parts that do not call each other: whoever wrote work into the store rings, whoever does it listens.

use std::sync::Arc;

use tokio::sync::Notify;

/// Rung when there may be work. A ring while nobody listens is kept, several are one.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Says that there may be work.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Returns at the next ring, at once if one was kept.
    pub async fn heard(&self) {
        self.0.notified().await;
    }
}
