//! What the database of the storm says, read beside the server or after it.

use std::{collections::BTreeSet, sync::Arc};

use bellwire::{
    actions::idempotency_key,
    clock::SystemClock,
    config,
    model::{AttemptKind, AttemptOutcome, Keeper, RunStatus},
    store::{EventFilter, Mode, RunDetail, RunFilter, RunRow, Store},
};

use super::{
    checker::{AttemptFact, RunFact},
    rules,
    server::Server,
};

/// Rows of a page.
const PAGE: usize = 1000;

/// An open database.
pub struct Facts(Store);

impl Facts {
    pub fn of(server: &Server) -> Self {
        let config = config::load(server.folder(), &server.environment()).unwrap();
        let failed = Arc::new(|why: String| panic!("{why}"));
        Self(Store::open(&config, Mode::Read, Arc::new(SystemClock), failed).unwrap())
    }

    /// Whether every run has ended or is held.
    pub async fn are_quiet(&self) -> bool {
        let open = RunStatus::ALL.into_iter().filter(|status| !status.is_final() && *status != RunStatus::Held);
        for status in open {
            let filter = RunFilter { states: vec![status], limit: Some(1), ..RunFilter::default() };
            if !self.0.runs(filter).await.unwrap().is_empty() {
                return false;
            }
        }
        true
    }

    /// Every run, whole.
    pub async fn runs(&self) -> Vec<RunFact> {
        let mut facts = Vec::new();
        let mut before = None;
        loop {
            let page: Vec<RunRow> =
                self.0.runs(RunFilter { before, limit: Some(PAGE), ..RunFilter::default() }).await.unwrap();
            let Some(last) = page.last() else { return facts };
            before = Some(last.id);
            for row in &page {
                facts.push(fact(&self.0.run(row.id).await.unwrap().unwrap()));
            }
        }
    }

    /// The ids of emitted events.
    pub async fn emitted(&self) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        let mut before = None;
        loop {
            let kind = Some(rules::EMITTED.to_owned());
            let filter = EventFilter { before, limit: Some(PAGE), kind, ..EventFilter::default() };
            let page = self.0.events(filter).await.unwrap();
            let Some(last) = page.last() else { return ids };
            before = Some(last.id);
            ids.extend(page.iter().map(|event| event.id.to_string()));
        }
    }

    /// Whether a rule goes by the clock.
    pub async fn has_schedules(&self) -> bool {
        !self.0.schedules().await.unwrap().is_empty()
    }

    /// What the profile counts.
    pub async fn counted(&self) -> u64 {
        let attributes = self.0.attributes(Keeper::Profile, rules::PERSON.to_owned()).await.unwrap();
        attributes.get("calls").and_then(serde_json::Value::as_u64).unwrap_or(0)
    }
}

fn fact(run: &RunDetail) -> RunFact {
    if let Some(error) = &run.row.error {
        println!("{} ({}) has failed after {} attempts: {error:?}", run.row.id, run.row.rule, run.attempts.len());
    }
    let tries = run.attempts.iter().filter(|attempt| attempt.kind == AttemptKind::Try);
    let attempts = tries.map(|attempt| AttemptFact {
        step: attempt.step.to_string(),
        key: idempotency_key(run.row.id.0, &attempt.step.0),
        outcome: attempt.outcome.word().to_owned(),
    });
    RunFact {
        id: run.row.id.to_string(),
        rule: run.row.rule.clone(),
        event: run.row.event.to_string(),
        state: run.row.status.to_string(),
        unknown: run.attempts.last().is_some_and(|last| last.outcome == AttemptOutcome::Unknown),
        attempts: attempts.collect(),
        ends: run.outputs.iter().map(|output| (output.step.to_string(), output.outcome.word().to_owned())).collect(),
    }
}
