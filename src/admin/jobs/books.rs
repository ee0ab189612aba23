//! Rule sets for what runs again: the one in force, and those that are stored.

use futures_util::{FutureExt as _, future::BoxFuture};

use crate::{
    admin::state::Admin,
    starts::{AgainError, Book, Books, InForce},
};

/// The rule set in force, and those of old runs.
pub(in crate::admin) struct Current<'a>(pub(in crate::admin) &'a Admin);

impl Books for Current<'_> {
    fn stored(&self, id: i64) -> BoxFuture<'_, Result<Option<Book>, AgainError>> {
        async move { Ok(self.0.workshop.stored(id).await?) }.boxed()
    }

    fn current(&self) -> BoxFuture<'_, Result<Book, AgainError>> {
        let InForce { set, set_id, registry } = (self.0.in_force)();
        std::future::ready(Ok(Book { id: set_id, set, registry })).boxed()
    }

    fn drafted<'b>(&'b self, _rule: &'b str) -> BoxFuture<'b, Result<Book, AgainError>> {
        std::future::ready(Err(AgainError::NoDraft("there is no draft".to_owned()))).boxed()
    }
}
