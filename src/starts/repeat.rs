//! A run once more: what the new one takes over from the old one, whoever asks for it.

use serde_json::Map;

use super::outputs_before;
use crate::{
    clock::Time,
    ids::{EventId, RunId},
    model::RunStatus,
    rules::{Rule, Texts},
    store::{NewSet, Replay, RunDetail, Store, StoreError},
};

/// Why a run cannot be repeated.
#[derive(Debug, thiserror::Error)]
pub enum RepeatError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not over.
    #[error("{run} is {status}, not over: wait for it, or cancel it")]
    Open {
        /// Which.
        run: RunId,
        /// Where it stands.
        status: RunStatus,
    },
    /// It is gone.
    #[error("there is no run {0}")]
    Gone(RunId),
    /// Its event can no longer be read.
    #[error("the body of {0} was deleted by retention: nothing can run on it")]
    NoBody(EventId),
    /// The step to go on from does not do. One sentence.
    #[error("{0}")]
    Step(String),
}

/// Where a run goes on that is repeated in part.
pub struct GoOn<'g> {
    /// A step's id, or its path such as `do.1`.
    pub from: &'g str,
    /// The rule as it ran.
    pub was: &'g Rule,
    /// The rule as it will run.
    pub now: &'g Rule,
}

/// Looks whether a run can be repeated, and gives what a new one of the set `set` takes over; its `id` is yet to be given. With
/// `keeps_keys` a step that took effect before has the same Idempotency-Key again. `go_on`: not from the beginning.
pub async fn repeat(
    store: &Store,
    old: &RunDetail,
    (set, keeps_keys): (i64, bool),
    go_on: Option<GoOn<'_>>,
    at: Time,
) -> Result<Replay, RepeatError> {
    let (run, status) = (old.row.id, old.row.status);
    if !status.is_final() {
        return Err(RepeatError::Open { run, status });
    }
    let loaded = store.load(run).await?.ok_or(RepeatError::Gone(run))?;
    if loaded.event.body.is_none() {
        return Err(RepeatError::NoBody(loaded.event.id));
    }
    let mut replay = Replay {
        id: RunId(0),
        event: old.row.event,
        of: Some(run),
        rule: old.row.rule.clone(),
        set,
        root: keeps_keys.then_some(loaded.root),
        vars: Map::new(),
        outputs: Vec::new(),
        key: None,
        at,
    };
    if let Some(GoOn { from, was, now }) = go_on {
        replay.outputs = outputs_before(was, now, &old.outputs, from).map_err(RepeatError::Step)?;
        replay.vars.clone_from(&old.vars);
    }
    Ok(replay)
}

/// The number of texts in the store, where they are kept from now on: that of the set in force where it is the same.
pub async fn kept_set(store: &Store, texts: &Texts, now: Time) -> Result<i64, StoreError> {
    if let Some(in_force) = store.in_force().await?
        && let Some(known) = store.set_texts(in_force).await?
        && Texts(std::sync::Arc::new(known.into_iter().collect())) == *texts
    {
        return Ok(in_force);
    }
    let new = NewSet {
        digest: texts.digest().0,
        texts: texts.0.iter().map(|(path, text)| (path.clone(), text.clone())).collect(),
    };
    store.keep_set(new, now).await
}
