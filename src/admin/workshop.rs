//! What checks drafts of a workspace's files: `app` implements it with the registries that will run.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::{model::Finding, rules, services::Registry, store::StoreError};

/// A file as somebody would have it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// From the workspace: `rules/calls/missed.yaml`.
    pub path: String,
    /// `None`: it is deleted.
    pub text: Option<String>,
}

/// What checking the workspace with drafts in place of its files gave.
#[derive(Clone)]
pub struct Checked {
    /// All findings of all files, sorted by file and place.
    pub findings: Vec<Finding>,
    /// The rules that hold.
    pub set: Arc<rules::Set>,
    /// The packs that hold together.
    pub registry: Arc<Registry>,
}

/// What checks drafts.
pub trait Workshop: Send + Sync {
    /// The texts of the workspace's files as they are now on disk.
    fn texts(&self) -> rules::Texts;
    /// Checks the workspace with these drafts over its files. Takes as long as `check`: on a blocking thread.
    fn check(&self, drafts: &[Draft]) -> Checked;
    /// The JSON Schema of rules, for completion and hover.
    fn schema(&self) -> serde_json::Value;
    /// Findings that hold the workspace's present state back. Empty where it is in force.
    fn held_back(&self) -> Vec<Finding>;
    /// The rules and packs of a stored set, with no findings. `None`: its texts are gone.
    fn pinned(&self, set: i64) -> BoxFuture<'_, Result<Option<Checked>, StoreError>>;
    /// Looks at the workspace again, now; true where another set came into force.
    fn reload(&self) -> BoxFuture<'_, Result<bool, StoreError>>;
}
