//! What checks drafts of a workspace's files: `app` implements it with the registries that will run.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use crate::{
    matcher::Subject,
    model::Finding,
    rules::{self, Rule},
    services::Registry,
    starts::Book,
    store::StoreError,
    trial::{DryRun, Report},
};

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

/// What came of the tests of a rule.
#[derive(Debug, Default)]
pub struct Tested {
    /// Of each test that was run, in the order of the file.
    pub reports: Vec<Report>,
    /// Errors of `tests` as they are written: no test was run then.
    pub findings: Vec<Finding>,
    /// Names and lines of tests that were not reached in the time there was.
    pub left: Vec<(String, u32)>,
}

/// A dry run, and what is to be said beside it.
#[derive(Debug)]
pub struct Dry {
    /// What a run would do.
    pub run: DryRun,
    /// A sentence each, such as that a secret is not set.
    pub notes: Vec<String>,
}

/// What checks drafts.
pub trait Workshop: Send + Sync {
    /// The texts of the workspace's files as they are now on disk.
    fn texts(&self) -> rules::Texts;
    /// Checks the workspace with these drafts over its files. Takes as long as `check`: on a blocking thread.
    fn check(&self, drafts: &[Draft]) -> Checked;
    /// Runs the tests of a rule of `checked`, until `time` has passed. Sends nothing.
    fn tests(&self, checked: &Checked, rule: &Arc<Rule>, time: Duration) -> Tested;
    /// What a run of a rule of `checked` would do on an event; where the rule does not match only with `force`. Sends nothing, reads no secret.
    fn dry_run(&self, checked: &Checked, rule: &Arc<Rule>, subject: &Subject, force: bool) -> Dry;
    /// The JSON Schema of rules, for completion and hover.
    fn schema(&self) -> serde_json::Value;
    /// Findings that hold the workspace's present state back. Empty where it is in force.
    fn held_back(&self) -> Vec<Finding>;
    /// The rule set of this id, compiled. `None`: its texts are no longer stored.
    fn stored(&self, set: i64) -> BoxFuture<'_, Result<Option<Book>, StoreError>>;
    /// Looks at the workspace again, now; true where another set came into force.
    fn reload(&self) -> BoxFuture<'_, Result<bool, StoreError>>;
}
