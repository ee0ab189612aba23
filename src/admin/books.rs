//! Rule sets for what runs again: the one in force, those that are stored, and a draft.

use futures_util::{FutureExt as _, future::BoxFuture};

use super::state::Admin;
use crate::starts::{AgainError, Book, Books, InForce};

/// Where the admin finds rule sets.
pub(super) struct Shelf<'a> {
    /// What knows the one in force, and those of old runs.
    pub(super) admin: &'a Admin,
    /// The one with a draft in the place of a rule, where there is a draft.
    pub(super) draft: Option<Book>,
}

impl Books for Shelf<'_> {
    fn stored(&self, id: i64) -> BoxFuture<'_, Result<Option<Book>, AgainError>> {
        async move { Ok(self.admin.workshop.stored(id).await?) }.boxed()
    }

    fn current(&self) -> BoxFuture<'_, Result<Book, AgainError>> {
        let InForce { set, set_id, registry } = (self.admin.in_force)();
        std::future::ready(Ok(Book { id: set_id, set, registry })).boxed()
    }

    fn drafted<'b>(&'b self, _rule: &'b str) -> BoxFuture<'b, Result<Book, AgainError>> {
        let missing = || AgainError::NoDraft("there is no draft".to_owned());
        std::future::ready(self.draft.clone().ok_or_else(missing)).boxed()
    }
}
