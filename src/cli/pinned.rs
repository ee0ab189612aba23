//! Rule sets that a new run is pinned to.

use std::sync::Arc;

use super::{failure::Failure, open};
use crate::{
    app::{self, Compiled},
    config::Config,
    rules::Texts,
    starts,
    store::{Store, StoreError},
};

/// The workspace's rules as they are now, and their number in the store: that of the set in force where it is the same.
pub(super) async fn workspace(config: &Config, store: &Store) -> Result<(i64, Compiled), Failure> {
    let compiled = app::check(config);
    let id = number(store, &compiled.set.texts).await?;
    Ok((id, compiled))
}

/// The number of texts in the store, where they are kept from now on.
pub(super) async fn number(store: &Store, texts: &Texts) -> Result<i64, StoreError> {
    starts::kept_set(store, texts, open::clock().now()).await
}

/// A rule set by its number. `Err` where its texts are gone.
pub(super) async fn stored(config: &Config, store: &Store, set: i64) -> Result<Compiled, Failure> {
    let gone = || Failure::No("the rule set of that run is no longer in the database; use --with current".to_owned());
    let texts = store.set_texts(set).await?.ok_or_else(gone)?;
    Ok(app::compile(&Texts(Arc::new(texts.into_iter().collect())), config))
}
