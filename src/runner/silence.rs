//! Sources that shall not be silent: a problem where nothing came for as long as the settings say.

use std::{collections::BTreeMap, time::Duration};

use super::RunnerParts;
use crate::{clock::Time, config::forms::show_duration, model::Problem, store::StoreError};

/// The kind of its problems.
const KIND: &str = "silence";

/// After a start a source has so long to come back before it counts as silent, or as long as it is expected in where that is less: what
/// was sent while nobody listened is sent again first.
const START: Duration = Duration::from_mins(10);

/// The sources that are expected. Empty until the first look.
#[derive(Default)]
pub(super) struct Silence {
    sources: Option<BTreeMap<String, Source>>,
}

struct Source {
    expect: Duration,
    /// The last delivery; before the first, when it was first expected.
    heard: Time,
    /// Not before this: the process has just started.
    patience: Time,
    /// The problem is open, and was counted at this time.
    open: Option<Time>,
}

impl Silence {
    /// Raises and solves what there is.
    pub(super) async fn look(&mut self, parts: &RunnerParts, now: Time) -> Result<(), StoreError> {
        if self.sources.is_none() {
            self.sources = Some(begin(parts, now).await?);
        }
        for (name, source) in self.sources.iter_mut().flatten() {
            source.look(parts, name, now).await?;
        }
        Ok(())
    }
}

async fn begin(parts: &RunnerParts, now: Time) -> Result<BTreeMap<String, Source>, StoreError> {
    let wanted: BTreeMap<&String, Duration> = parts
        .config
        .sources
        .iter()
        .filter(|(_, source)| source.enabled)
        .filter_map(|(name, source)| Some((name, source.expect?)))
        .collect();
    let open: BTreeMap<String, Time> = parts
        .store
        .problems(true, usize::MAX)
        .await?
        .into_iter()
        .filter(|row| row.kind == KIND)
        .map(|row| (row.fingerprint, row.last_at))
        .collect();
    let since = parts.store.keep_expectations(wanted.keys().map(|name| (*name).clone()).collect(), now).await?;
    for fingerprint in open.keys() {
        if !wanted.keys().any(|name| fingerprint_of(name) == *fingerprint) {
            parts.store.solve(fingerprint, now).await?;
        }
    }
    let source = |(name, since): (String, Time)| {
        let expect = wanted.get(&name).copied()?;
        let open = open.get(&fingerprint_of(&name)).copied();
        Some((name, Source { expect, heard: since, patience: now.plus(expect.min(START)), open }))
    };
    Ok(since.into_iter().filter_map(source).collect())
}

fn fingerprint_of(source: &str) -> String {
    format!("{KIND}:{source}")
}

impl Source {
    async fn look(&mut self, parts: &RunnerParts, name: &str, now: Time) -> Result<(), StoreError> {
        if self.open.is_none() && now.since(self.heard) < self.expect {
            return Ok(());
        }
        let last = parts.store.last_delivery(name).await?;
        // A clock that was set back must not make a delivery one of the future.
        self.heard = last.map_or(self.heard, |last| last.max(self.heard)).min(now);
        let silent = now.since(self.heard) >= self.expect;
        if !silent {
            if self.open.take().is_some() && parts.store.solve(&fingerprint_of(name), now).await? {
                tracing::info!(source = name, "the source is no longer silent");
            }
            return Ok(());
        }
        let is_due = self.open.is_none_or(|counted| now.since(counted) >= self.expect);
        if is_due && now >= self.patience {
            let problem = self.problem(name);
            tracing::warn!(source = name, "{}", problem.message);
            parts.store.raise(problem, now).await?;
            self.open = Some(now);
        }
        Ok(())
    }

    fn problem(&self, name: &str) -> Problem {
        Problem {
            fingerprint: fingerprint_of(name),
            kind: KIND,
            subject: name.to_owned(),
            message: format!(
                "nothing came from the source `{name}` since {}, and something is expected every {}: see what its sender says of \
                 its deliveries, and under Events, or by `bellwire events refused`, those that were turned away",
                self.heard,
                show_duration(self.expect)
            ),
        }
    }
}
