//! One replay after another, each written beside a running server.

use std::{
    collections::HashMap,
    fmt, fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{FutureExt as _, future::BoxFuture};
use serde_json::{Value, json};

use super::{Replay as Options, With};
use crate::{
    app::{self, Compiled},
    cli::{answer::clean, failure::Failure, open, pinned},
    config::Config,
    ids::{EventId, RunId},
    rules::Texts,
    starts::{Again, AgainError, Book, Books, Manner, Text, Wanted},
    store::{Replay, Store},
};

/// What replays share.
pub(super) struct Job<'j> {
    config: &'j Config,
    store: &'j Store,
    options: &'j Options,
    manner: Manner,
    shelf: Shelf<'j>,
}

/// Rule sets that were compiled already.
struct Shelf<'j> {
    config: &'j Config,
    store: &'j Store,
    with: &'j With,
    /// Rule sets of old runs, by number.
    stored: Mutex<HashMap<i64, Book>>,
    /// The workspace's.
    current: Mutex<Option<Book>>,
    /// Those with the draft in the place of a rule, by the rule.
    drafted: Mutex<HashMap<String, Book>>,
}

/// A new run.
#[derive(Debug)]
pub(in crate::cli) struct Made {
    pub(in crate::cli) id: RunId,
    pub(in crate::cli) of: Option<RunId>,
    pub(in crate::cli) event: EventId,
    pub(in crate::cli) rule: String,
}

impl Made {
    pub(super) fn as_json(&self) -> Value {
        json!({"run": self.id, "of": self.of, "event": self.event, "rule": self.rule})
    }
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = clean(&self.rule, 96);
        match self.of {
            Some(of) => write!(f, "{}  {rule}  repeats {of}", self.id),
            None => write!(f, "{}  {rule}  on {}", self.id, self.event),
        }
    }
}

impl<'j> Job<'j> {
    pub(super) fn new(config: &'j Config, store: &'j Store, options: &'j Options) -> Self {
        let text = match options.with {
            With::Original => Text::Original,
            With::Current => Text::Current,
            With::Draft(_) => Text::Draft,
        };
        let manner = Manner { text, new_keys: options.new_keys, from: options.from.clone() };
        let shelf = Shelf {
            config,
            store,
            with: &options.with,
            stored: Mutex::default(),
            current: Mutex::default(),
            drafted: Mutex::default(),
        };
        Self { config, store, options, manner, shelf }
    }

    fn repeats(&self) -> Again<'_> {
        Again {
            store: self.store,
            books: &self.shelf,
            vars: &self.config.vars,
            runs_per_event: self.config.limits.runs_per_event,
            manner: &self.manner,
        }
    }

    /// What is wanted where a run is named.
    pub(super) async fn of_run(&self, id: RunId) -> Result<Wanted, Failure> {
        let wanted = self.repeats().of_run(id).await?;
        if self.options.rule.as_ref().is_some_and(|rule| *rule != wanted.rule) {
            return Err(Failure::No(format!("{id} is a run of `{}`", clean(&wanted.rule, 96))));
        }
        Ok(wanted)
    }

    /// What is wanted where an event is named: its runs, or the rules that match it now.
    pub(super) async fn of_event(&self, id: EventId, only: Option<&str>) -> Result<Vec<Wanted>, Failure> {
        Ok(self.repeats().of_event(id, only).await?)
    }

    /// Writes the new run.
    pub(super) async fn replay(&self, wanted: &Wanted) -> Result<Made, Failure> {
        let now = open::clock().now();
        let replay = self.repeats().prepare(wanted, now).await?;
        let store = self.store;
        let id = open::with_ids(now, async |ids| {
            let id = RunId(ids.next(now));
            store.replay(Replay { id, ..replay.clone() }).await
        })
        .await?;
        Ok(Made { id, of: wanted.of, event: wanted.event, rule: wanted.rule.clone() })
    }
}

impl From<AgainError> for Failure {
    fn from(error: AgainError) -> Self {
        let way_out = match &error {
            AgainError::Store(error) => return error.clone().into(),
            AgainError::WhichRule => {
                return Self::Usage("name the rule that the draft stands for with --rule".to_owned());
            }
            AgainError::NoDraft(why) => return Self::Usage(why.clone()),
            AgainError::NotOver { run, status } => {
                return Self::No(format!(
                    "{run} is {status}, not over: wait for it, or end it with `bellwire runs cancel {run}`"
                ));
            }
            AgainError::NoSet => {
                let why = "the rule set of that run is no longer in the database; use --with current";
                return Self::No(why.to_owned());
            }
            AgainError::NothingToGoOn => {
                let why = "--from goes on where a run was; the rule did not run on this event";
                return Self::No(why.to_owned());
            }
            AgainError::NothingRan(id) => {
                return Self::No(format!(
                    "no rule ran on {id}; rules that match it now: bellwire replay {id} --with current"
                ));
            }
            AgainError::NothingMatches(id) => {
                return Self::No(format!(
                    "no rule of the workspace matches {id}; see `bellwire explain {id} --current`"
                ));
            }
            AgainError::NoRun(_) => "; see `bellwire runs list`",
            AgainError::NoEvent(_) => "; see `bellwire events list`",
            AgainError::NoRule(_) => "; see `bellwire check`",
            AgainError::NoBody(_) | AgainError::Not(_) => "",
        };
        Self::No(format!("{error}{way_out}"))
    }
}

impl Books for Shelf<'_> {
    fn stored(&self, id: i64) -> BoxFuture<'_, Result<Option<Book>, AgainError>> {
        async move {
            if let Some(known) = self.stored.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
                return Ok(Some(known.clone()));
            }
            let Some(texts) = self.store.set_texts(id).await? else { return Ok(None) };
            let book = book(id, app::compile(&Texts(Arc::new(texts.into_iter().collect())), self.config));
            self.stored.lock().unwrap_or_else(PoisonError::into_inner).insert(id, book.clone());
            Ok(Some(book))
        }
        .boxed()
    }

    fn current(&self) -> BoxFuture<'_, Result<Book, AgainError>> {
        async move {
            if let Some(known) = &*self.current.lock().unwrap_or_else(PoisonError::into_inner) {
                return Ok(known.clone());
            }
            let compiled = app::check(self.config);
            let book = book(pinned::number(self.store, &compiled.set.texts).await?, compiled);
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(book.clone());
            Ok(book)
        }
        .boxed()
    }

    fn drafted<'b>(&'b self, rule: &'b str) -> BoxFuture<'b, Result<Book, AgainError>> {
        async move {
            if let Some(known) = self.drafted.lock().unwrap_or_else(PoisonError::into_inner).get(rule) {
                return Ok(known.clone());
            }
            let book = self.compile_draft(rule).await?;
            self.drafted.lock().unwrap_or_else(PoisonError::into_inner).insert(rule.to_owned(), book.clone());
            Ok(book)
        }
        .boxed()
    }
}

impl Shelf<'_> {
    async fn compile_draft(&self, rule: &str) -> Result<Book, AgainError> {
        let With::Draft(file) = self.with else {
            return Err(AgainError::NoDraft("there is no draft; name one with --with draft:FILE".to_owned()));
        };
        let text = fs::read_to_string(file)
            .map_err(|error| AgainError::NoDraft(format!("the draft {} cannot be read: {error}", file.display())))?;
        let now = app::check(self.config);
        let path = now.set.rules.get(rule).map_or_else(|| format!("rules/{rule}.yaml"), |known| known.file.to_string());
        let mut texts = (*now.set.texts.0).clone();
        texts.insert(path.clone(), text);
        let texts = Texts(Arc::new(texts));
        let compiled = app::compile(&texts, self.config);
        let errors: Vec<String> = compiled
            .findings
            .iter()
            .filter(|finding| finding.is_error() && finding.file == path)
            .map(|finding| finding.to_string().replace(&path, &shown(file)))
            .collect();
        if !errors.is_empty() {
            return Err(AgainError::Not(format!("the draft has errors\n{}", errors.join("\n"))));
        }
        Ok(book(pinned::number(self.store, &texts).await?, compiled))
    }
}

fn book(id: i64, compiled: Compiled) -> Book {
    Book { id, set: compiled.set, registry: compiled.registry }
}

fn shown(file: &Path) -> String {
    clean(&file.display().to_string(), 200)
}
