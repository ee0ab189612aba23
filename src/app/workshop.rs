//! What checks and tries drafts for the admin, with the registries that will run.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt as _, future::BoxFuture};

use super::{
    in_force::{Rulebook, check_drafts, texts_of},
    start::reload,
    vocabulary::vocabulary,
};
use crate::{
    actions::{Request, Target},
    admin::{Checked, Draft, Dry, Tested, Workshop},
    config::Config,
    connections::{Destination, Preview, preview},
    egress::Egress,
    matcher::Subject,
    model::{Finding, StepError},
    rules::{Rule, Texts},
    runner::{Pinned, PinnedError, Runner},
    services::Registry,
    starts::Book,
    store::{StoreError, Vault},
    trial::{self, Call, Door, Outgoing, Reply, Wire},
};

/// The workspace of a running Bellwire.
pub(super) struct Bench {
    config: Arc<Config>,
    rulebook: Arc<Rulebook>,
    runner: Arc<Runner>,
    vault: Arc<Vault>,
    egress: Arc<Egress>,
}

impl Bench {
    /// Of the parts that run.
    pub(super) fn new(
        config: &Arc<Config>,
        rulebook: &Arc<Rulebook>,
        runner: &Arc<Runner>,
        vault: &Arc<Vault>,
        egress: &Arc<Egress>,
    ) -> Self {
        Self {
            config: Arc::clone(config),
            rulebook: Arc::clone(rulebook),
            runner: Arc::clone(runner),
            vault: Arc::clone(vault),
            egress: Arc::clone(egress),
        }
    }
}

impl Workshop for Bench {
    fn texts(&self) -> Texts {
        texts_of(&self.config.workspace).0
    }

    fn check(&self, drafts: &[Draft]) -> Checked {
        let changes: Vec<(&str, Option<&str>)> =
            drafts.iter().map(|draft| (draft.path.as_str(), draft.text.as_deref())).collect();
        let earlier = self.rulebook.in_force().set;
        let compiled = check_drafts(&self.config, &changes, Some(&earlier));
        Checked { findings: compiled.findings, set: compiled.set, registry: compiled.registry }
    }

    fn tests(&self, checked: &Checked, rule: &Arc<Rule>, time: Duration) -> Tested {
        let begun = Instant::now();
        let vocabulary = vocabulary(&checked.registry, &self.config);
        let bench = trial::Bench {
            set: &checked.set,
            registry: &checked.registry,
            vocabulary: &vocabulary,
            config: &self.config,
        };
        let cases = match trial::read_suite(bench, rule) {
            Ok(cases) => cases,
            Err(findings) => return Tested { findings, ..Tested::default() },
        };
        let mut tested = Tested::default();
        for case in &cases {
            if begun.elapsed() > time {
                tested.left.push((case.name.clone(), case.place.line));
            } else {
                tested.reports.push(trial::run_case(bench, rule, case));
            }
        }
        tested
    }

    fn dry_run(&self, checked: &Checked, rule: &Arc<Rule>, subject: &Subject, force: bool) -> Dry {
        let mut outside = Outside {
            config: &self.config,
            registry: &checked.registry,
            egress: &self.egress,
            vault: &self.vault,
            missing: RefCell::default(),
        };
        let run = trial::dry_run(rule, &checked.registry, &self.config.vars, subject, &mut outside, force);
        let missing = outside.missing.into_inner();
        let notes = missing.iter().map(|name| format!("The secret `{name}` is not set yet."));
        Dry { run, notes: notes.collect() }
    }

    fn schema(&self) -> serde_json::Value {
        super::rule_schema(&self.config)
    }

    fn held_back(&self) -> Vec<Finding> {
        self.rulebook.held_back()
    }

    fn stored(&self, set: i64) -> BoxFuture<'_, Result<Option<Book>, StoreError>> {
        async move {
            match self.runner.pinned().get(set).await {
                Ok(Pinned { set: rules, registry }) => Ok(Some(Book { id: set, set: rules, registry })),
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

/// Addresses by the settings, secrets by their names, and no reply that is not the pack's.
struct Outside<'a> {
    config: &'a Config,
    registry: &'a Registry,
    egress: &'a Egress,
    vault: &'a Vault,
    missing: RefCell<BTreeSet<String>>,
}

impl Door for Outside<'_> {
    fn address(&self, request: &Request) -> Result<Outgoing, StepError> {
        let to = match &request.target {
            Target::Connection { name, host, path } => Destination::Connection { name, host: host.as_deref(), path },
            Target::Url(url) => Destination::Url(url),
        };
        let origins = |name: &str| self.vault.origins(name);
        let Preview { url, headers, secrets } =
            preview(self.config, self.registry, self.egress, &origins, &to, request.auth.as_ref())?;
        self.missing.borrow_mut().extend(secrets.into_iter().filter(|name| !self.vault.has(name)));
        Ok(Outgoing { url, headers })
    }

    fn reply(&mut self, _call: &Call<'_>, _wire: &Wire) -> Result<Option<Reply>, String> {
        Ok(None)
    }
}
