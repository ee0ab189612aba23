//! The number under which rule texts are stored, whoever runs by them.

use std::sync::Arc;

use crate::{
    clock::Time,
    rules::Texts,
    store::{NewSet, Store, StoreError},
};

/// The number of texts in the store, where they are kept from now on: that of the set in force where it is the same.
pub async fn kept_set(store: &Store, texts: &Texts, now: Time) -> Result<i64, StoreError> {
    if let Some(in_force) = store.in_force().await?
        && let Some(known) = store.set_texts(in_force).await?
        && Texts(Arc::new(known.into_iter().collect())) == *texts
    {
        return Ok(in_force);
    }
    let new = NewSet {
        digest: texts.digest().0,
        texts: texts.0.iter().map(|(path, text)| (path.clone(), text.clone())).collect(),
    };
    store.keep_set(new, now).await
}
