//! Runs again: which rule set, which keys, which steps count as ended. The command line and the admin share it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use serde_json::Map;

use super::{outputs_before, subject_of};
use crate::{
    clock::Time,
    ids::{EventId, RunId},
    matcher::{self, Bounds},
    model::{Evidence, RunStatus, Verdict},
    rules::{Rule, Set},
    services::Registry,
    store::{EventDetail, Replay, RunDetail, RunRow, Store, StoreError},
    value::Object,
};

/// Time for one rule, and for all rules of one event: a person waits.
const TIME: Duration = Duration::from_secs(5);

/// A compiled rule set.
#[derive(Clone)]
pub struct Book {
    /// In the store.
    pub id: i64,
    /// The rules.
    pub set: Arc<Set>,
    /// The packs.
    pub registry: Arc<Registry>,
}

/// Where compiled rule sets come from.
pub trait Books: Send + Sync {
    /// The set of an old run. `None`: its texts are gone.
    fn stored(&self, id: i64) -> BoxFuture<'_, Result<Option<Book>, AgainError>>;
    /// The rules as they are now.
    fn current(&self) -> BoxFuture<'_, Result<Book, AgainError>>;
    /// The same with a draft in the place of this rule.
    fn drafted<'b>(&'b self, rule: &'b str) -> BoxFuture<'b, Result<Book, AgainError>>;
}

/// Which text a run is repeated with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// The old run's.
    Original,
    /// The rules as they are now.
    Current,
    /// A draft in the place of the rule.
    Draft,
}

/// How runs are repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manner {
    /// By which text.
    pub text: Text,
    /// New Idempotency-Keys also with the original text.
    pub new_keys: bool,
    /// The step to go on at. `None`: from the first.
    pub from: Option<String>,
}

/// What shall run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The event.
    pub event: EventId,
    /// The run that is repeated. `None`: the rule did not run on the event.
    pub of: Option<RunId>,
    /// The rule's id.
    pub rule: String,
}

/// Why something cannot run again.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AgainError {
    /// No run of this id.
    #[error("there is no run {0}")]
    NoRun(RunId),
    /// No event of this id.
    #[error("there is no event {0}")]
    NoEvent(EventId),
    /// The run goes on.
    #[error("{run} is {status}, not over: wait for it, or cancel it")]
    NotOver {
        /// The run.
        run: RunId,
        /// Where it stands.
        status: RunStatus,
    },
    /// The event is there, and its body is not.
    #[error("the body of {0} was deleted by retention: nothing can run on it")]
    NoBody(EventId),
    /// The rule set of the old run is no longer stored.
    #[error("the rule set of that run is no longer in the database; use the current rules")]
    NoSet,
    /// The rule set has no such rule that holds.
    #[error("that rule set has no rule `{0}` that holds")]
    NoRule(String),
    /// No rule ran on the event.
    #[error("no rule ran on {0}; with the current rules, those run that match it now")]
    NothingRan(EventId),
    /// No rule matches the event now.
    #[error("no rule matches {0} now")]
    NothingMatches(EventId),
    /// It cannot go on at a step.
    #[error("it can go on at a step only where it was before; the rule did not run on this event")]
    NothingToGoOn,
    /// Several rules ran, and one draft stands for one of them.
    #[error("name the rule that the draft stands for")]
    WhichRule,
    /// There is no draft, or it cannot be read. One sentence.
    #[error("{0}")]
    NoDraft(String),
    /// The draft has errors, does not match; a step is not there. One sentence.
    #[error("{0}")]
    Not(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What repeats runs: it reads, and the caller writes.
pub struct Again<'r> {
    /// What is kept.
    pub store: &'r Store,
    /// The rule sets.
    pub books: &'r dyn Books,
    /// Of `[vars]`.
    pub vars: &'r Object,
    /// Runs that one event may start.
    pub runs_per_event: usize,
    /// How.
    pub manner: &'r Manner,
}

impl Again<'_> {
    /// What is wanted where a run is named.
    pub async fn of_run(&self, id: RunId) -> Result<Wanted, AgainError> {
        let row = self.run(id).await?.row;
        Ok(Wanted { event: row.event, of: Some(id), rule: row.rule })
    }

    /// What is wanted where an event is named: its runs, or the rules that match it now; `only` of this rule.
    pub async fn of_event(&self, id: EventId, only: Option<&str>) -> Result<Vec<Wanted>, AgainError> {
        let detail = self.store.event(id).await?.ok_or(AgainError::NoEvent(id))?;
        let mut firsts: BTreeMap<String, RunRow> = BTreeMap::new();
        for row in &detail.runs {
            // A run that repeats another would be repeated with it.
            let first = self.store.load(row.id).await?.is_some_and(|run| run.replay_of.is_none());
            if first && only.is_none_or(|only| only == row.rule) {
                firsts.insert(row.rule.clone(), row.clone());
            }
        }
        let rules = match self.manner.text {
            Text::Original => firsts.keys().cloned().collect(),
            Text::Current => self.matching(&detail, only).await?,
            Text::Draft => vec![self.drafted(&detail, only, &firsts).await?],
        };
        match (rules.is_empty(), self.manner.text) {
            (true, Text::Original) => return Err(AgainError::NothingRan(id)),
            (true, _) => return Err(AgainError::NothingMatches(id)),
            (false, _) => {}
        }
        let wanted = |rule: String| Wanted { event: id, of: firsts.get(&rule).map(|row| row.id), rule };
        Ok(rules.into_iter().map(wanted).collect())
    }

    /// The new run, but for its id.
    pub async fn prepare(&self, wanted: &Wanted, now: Time) -> Result<Replay, AgainError> {
        let mut replay = Replay {
            id: RunId(0),
            event: wanted.event,
            of: wanted.of,
            rule: wanted.rule.clone(),
            set: 0,
            root: None,
            vars: Map::new(),
            outputs: Vec::new(),
            key: None,
            at: now,
        };
        match wanted.of {
            Some(of) => self.of_old(of, &mut replay).await?,
            None if self.manner.from.is_some() => return Err(AgainError::NothingToGoOn),
            None => replay.set = self.text_of(&wanted.rule, None).await?.id,
        }
        Ok(replay)
    }

    /// The rules that match an event now.
    async fn matching(&self, detail: &EventDetail, only: Option<&str>) -> Result<Vec<String>, AgainError> {
        let book = self.books.current().await?;
        let subject = subject_of(&detail.event, &book.registry).map_err(AgainError::Not)?;
        let bounds = Bounds { rule: TIME, event: TIME, runs: self.runs_per_event };
        let plan = matcher::plan(&book.set, &subject, self.vars, bounds);
        let matched = plan.runs.iter().filter(|run| run.verdict == Verdict::Matched);
        let rules = matched.map(|run| run.rule.id.to_string());
        Ok(rules.filter(|rule| only.is_none_or(|only| only == rule)).collect())
    }

    /// The rule that the draft stands for; it must match the event.
    async fn drafted(
        &self,
        detail: &EventDetail,
        only: Option<&str>,
        firsts: &BTreeMap<String, RunRow>,
    ) -> Result<String, AgainError> {
        let rule = match (only, firsts.len()) {
            (Some(only), _) => only.to_owned(),
            (None, 1) => firsts.keys().next().cloned().unwrap_or_default(),
            _ => return Err(AgainError::WhichRule),
        };
        let book = self.books.drafted(&rule).await?;
        let drafted = rule_in(&book, &rule)?;
        let subject = subject_of(&detail.event, &book.registry).map_err(AgainError::Not)?;
        match matcher::verdict(&drafted, &subject, self.vars, TIME).0 {
            Verdict::Matched => Ok(rule),
            Verdict::NotMatched(Evidence { path, operator, wanted, seen, .. }) => Err(AgainError::Not(format!(
                "the draft does not match {}: {path} {operator} {wanted} wanted, {seen} seen",
                detail.row.id
            ))),
            Verdict::Error { message } => Err(AgainError::Not(format!("the draft cannot be decided: {message}"))),
            Verdict::Undecided => Err(AgainError::Not("the draft was not decided in time".to_owned())),
        }
    }

    /// What a new run takes over from the old one.
    async fn of_old(&self, of: RunId, replay: &mut Replay) -> Result<(), AgainError> {
        let old = self.run(of).await?;
        if !old.row.status.is_final() {
            return Err(AgainError::NotOver { run: of, status: old.row.status });
        }
        let loaded = self.store.load(of).await?.ok_or(AgainError::NoRun(of))?;
        if loaded.event.body.is_none() {
            return Err(AgainError::NoBody(loaded.event.id));
        }
        let book = self.text_of(&old.row.rule, Some(old.set)).await?;
        replay.set = book.id;
        if self.manner.text == Text::Original && !self.manner.new_keys {
            replay.root = Some(loaded.root);
        }
        if let Some(from) = &self.manner.from {
            let new = rule_in(&book, &old.row.rule)?;
            let was = rule_in(&self.book(old.set).await?, &old.row.rule)?;
            replay.outputs = outputs_before(&was, &new, &old.outputs, from).map_err(AgainError::Not)?;
            replay.vars = old.vars;
        }
        Ok(())
    }

    /// The rule set that a rule runs by; `original` is that of the old run.
    async fn text_of(&self, rule: &str, original: Option<i64>) -> Result<Book, AgainError> {
        let book = match (self.manner.text, original) {
            (Text::Original, Some(set)) => self.book(set).await?,
            (Text::Draft, _) => self.books.drafted(rule).await?,
            (Text::Current | Text::Original, _) => self.books.current().await?,
        };
        rule_in(&book, rule)?;
        Ok(book)
    }

    async fn run(&self, id: RunId) -> Result<RunDetail, AgainError> {
        self.store.run(id).await?.ok_or(AgainError::NoRun(id))
    }

    async fn book(&self, set: i64) -> Result<Book, AgainError> {
        self.books.stored(set).await?.ok_or(AgainError::NoSet)
    }
}

fn rule_in(book: &Book, rule: &str) -> Result<Arc<Rule>, AgainError> {
    let gone = || AgainError::NoRule(rule.chars().take(96).collect());
    book.set.rules.get(rule).map(Arc::clone).ok_or_else(gone)
}
