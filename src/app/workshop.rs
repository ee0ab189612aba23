//! What checks drafts for the admin, with the registries that will run.

use std::sync::Arc;

use futures_util::{FutureExt as _, future::BoxFuture};

use super::{
    in_force::{Rulebook, check_drafts, texts_of},
    start::reload,
};
use crate::{
    admin::{Checked, Draft, Workshop},
    config::Config,
    model::Finding,
    rules::Texts,
    runner::{PinnedError, Runner},
    store::StoreError,
};

/// The workspace of a running Bellwire.
pub(super) struct Bench {
    pub(super) config: Arc<Config>,
    pub(super) rulebook: Arc<Rulebook>,
    pub(super) runner: Arc<Runner>,
}

impl Workshop for Bench {
    fn texts(&self) -> Texts {
        texts_of(&self.config.workspace).0
    }

    fn check(&self, drafts: &[Draft]) -> Checked {
        let changes: Vec<(&str, Option<&str>)> =
            drafts.iter().map(|draft| (draft.path.as_str(), draft.text.as_deref())).collect();
        let compiled = check_drafts(&self.config, &changes);
        Checked { findings: compiled.findings, set: compiled.set, registry: compiled.registry }
    }

    fn schema(&self) -> serde_json::Value {
        super::rule_schema(&self.config)
    }

    fn held_back(&self) -> Vec<Finding> {
        self.rulebook.held_back()
    }

    fn pinned(&self, set: i64) -> BoxFuture<'_, Result<Option<Checked>, StoreError>> {
        async move {
            match self.runner.pinned().get(set).await {
                Ok(pinned) => Ok(Some(Checked { findings: Vec::new(), set: pinned.set, registry: pinned.registry })),
                Err(PinnedError::Store(error)) => Err(error),
                Err(PinnedError::Unusable { .. }) => Ok(None),
            }
        }
        .boxed()
    }

    fn reload(&self) -> BoxFuture<'_, Result<bool, StoreError>> {
        reload(&self.rulebook, &self.runner).boxed()
    }
}
