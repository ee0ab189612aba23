//! One replay after another: which rule set, which keys, which steps count as ended.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, fs,
    path::Path,
    sync::Arc,
    time::Duration,
};

use serde_json::{Map, Value, json};

use super::{Replay as Options, Wanted, With};
use crate::{
    app::{self, Compiled},
    cli::{answer::clean, failure::Failure, open, pinned},
    clock::Time,
    config::Config,
    ids::{EventId, RunId},
    matcher::{self, Bounds},
    model::Verdict,
    rules::{Rule, Texts},
    starts::{self, RepeatError},
    store::{EventDetail, Replay, RunDetail, RunRow, Store},
};

/// Time for one rule, and for all rules of one event: a person waits.
const TIME: Duration = Duration::from_secs(5);

/// What replays share.
pub(super) struct Job<'j> {
    config: &'j Config,
    store: &'j Store,
    options: &'j Options,
    /// Rule sets of old runs, by number.
    stored: HashMap<i64, Arc<Compiled>>,
    /// The workspace's.
    current: Option<(i64, Arc<Compiled>)>,
    /// Those with the draft in the place of a rule, by the rule.
    drafted: HashMap<String, (i64, Arc<Compiled>)>,
}

/// A new run.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) id: RunId,
    of: Option<RunId>,
    event: EventId,
    rule: String,
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
        Self { config, store, options, stored: HashMap::new(), current: None, drafted: HashMap::new() }
    }

    /// What is wanted where a run is named.
    pub(super) async fn of_run(&self, id: RunId) -> Result<Wanted, Failure> {
        let row = self.run(id).await?.row;
        if self.options.rule.as_ref().is_some_and(|rule| *rule != row.rule) {
            return Err(Failure::No(format!("{id} is a run of `{}`", clean(&row.rule, 96))));
        }
        Ok(Wanted { event: row.event, of: Some(id), rule: row.rule })
    }

    /// What is wanted where an event is named: its runs, or the rules that match it now.
    pub(super) async fn of_event(&mut self, id: EventId, only: Option<&str>) -> Result<Vec<Wanted>, Failure> {
        let missing = || Failure::No(format!("there is no event {id}; see `bellwire events list`"));
        let detail = self.store.event(id).await?.ok_or_else(missing)?;
        let mut firsts: BTreeMap<String, RunRow> = BTreeMap::new();
        for row in &detail.runs {
            // A run that repeats another would be repeated with it.
            let first = self.store.load(row.id).await?.is_some_and(|run| run.replay_of.is_none());
            if first && only.is_none_or(|only| only == row.rule) {
                firsts.insert(row.rule.clone(), row.clone());
            }
        }
        let rules = match &self.options.with {
            With::Original => firsts.keys().cloned().collect(),
            With::Current => self.matching(&detail, only).await?,
            With::Draft(_) => vec![self.drafted_rule(&detail, only, &firsts).await?],
        };
        if rules.is_empty() {
            return Err(Failure::No(match self.options.with {
                With::Original => {
                    format!("no rule ran on {id}; rules that match it now: bellwire replay {id} --with current")
                }
                _ => format!("no rule of the workspace matches {id}; see `bellwire explain {id} --current`"),
            }));
        }
        let wanted = |rule: String| Wanted { event: id, of: firsts.get(&rule).map(|row| row.id), rule };
        Ok(rules.into_iter().map(wanted).collect())
    }

    /// The rules of the workspace that match an event now.
    async fn matching(&mut self, detail: &EventDetail, only: Option<&str>) -> Result<Vec<String>, Failure> {
        let (_, compiled) = self.workspace().await?;
        let subject = starts::subject_of(&detail.event, &compiled.registry).map_err(Failure::No)?;
        let bounds = Bounds { rule: TIME, event: TIME, runs: self.config.limits.runs_per_event };
        let plan = matcher::plan(&compiled.set, &subject, &self.config.vars, bounds);
        let matched = plan.runs.iter().filter(|run| run.verdict == Verdict::Matched);
        let rules = matched.map(|run| run.rule.id.to_string());
        Ok(rules.filter(|rule| only.is_none_or(|only| only == rule)).collect())
    }

    /// The rule that the draft stands for; it must match the event.
    async fn drafted_rule(
        &mut self,
        detail: &EventDetail,
        only: Option<&str>,
        firsts: &BTreeMap<String, RunRow>,
    ) -> Result<String, Failure> {
        let rule = match (only, firsts.len()) {
            (Some(only), _) => only.to_owned(),
            (None, 1) => firsts.keys().next().cloned().unwrap_or_default(),
            _ => return Err(Failure::Usage("name the rule that the draft stands for with --rule".to_owned())),
        };
        let (_, compiled) = self.drafted(&rule).await?;
        let drafted = rule_in(&compiled, &rule)?;
        let subject = starts::subject_of(&detail.event, &compiled.registry).map_err(Failure::No)?;
        match matcher::verdict(&drafted, &subject, &self.config.vars, TIME).0 {
            Verdict::Matched => Ok(rule),
            Verdict::NotMatched(evidence) => Err(Failure::No(format!(
                "the draft does not match {}: {} {} {} wanted, {} seen",
                detail.row.id, evidence.path, evidence.operator, evidence.wanted, evidence.seen
            ))),
            Verdict::Error { message } => Err(Failure::No(format!("the draft cannot be decided: {message}"))),
            Verdict::Undecided => Err(Failure::No("the draft was not decided in time".to_owned())),
        }
    }

    /// Writes the new run.
    pub(super) async fn replay(&mut self, wanted: &Wanted) -> Result<Made, Failure> {
        let now = open::clock().now();
        let replay = match wanted.of {
            Some(of) => self.of_old(of, now).await?,
            None if self.options.from.is_some() => {
                let why = "--from goes on where a run was; the rule did not run on this event";
                return Err(Failure::No(why.to_owned()));
            }
            None => Replay {
                id: RunId(0),
                event: wanted.event,
                of: None,
                rule: wanted.rule.clone(),
                set: self.text_of(&wanted.rule, None).await?.0,
                root: None,
                vars: Map::new(),
                outputs: Vec::new(),
                key: None,
                at: now,
            },
        };
        let store = self.store;
        let id = open::with_ids(now, async |ids| {
            let id = RunId(ids.next(now));
            store.replay(Replay { id, ..replay.clone() }).await
        })
        .await?;
        Ok(Made { id, of: wanted.of, event: wanted.event, rule: wanted.rule.clone() })
    }

    /// What a new run takes over from the old one.
    async fn of_old(&mut self, of: RunId, now: Time) -> Result<Replay, Failure> {
        let old = self.run(of).await?;
        let (set, compiled) = self.text_of(&old.row.rule, Some(old.set)).await?;
        let keeps_keys = self.options.with == With::Original && !self.options.new_keys;
        let new = rule_in(&compiled, &old.row.rule)?;
        let was = match &self.options.from {
            Some(_) => rule_in(&*self.set(old.set).await?, &old.row.rule)?,
            None => Arc::clone(&new),
        };
        let go_on = self.options.from.as_deref().map(|from| starts::GoOn { from, was: &was, now: &new });
        starts::repeat(self.store, &old, (set, keeps_keys), go_on, now).await.map_err(|error| match error {
            RepeatError::Store(error) => error.into(),
            RepeatError::Open { .. } => Failure::No(format!("{error} with `bellwire runs cancel {of}`")),
            RepeatError::Gone(_) => Failure::No(format!("{error}; see `bellwire runs list`")),
            RepeatError::NoBody(_) | RepeatError::Step(_) => Failure::No(error.to_string()),
        })
    }

    /// The rule set that a rule runs by; `original` is that of the old run.
    async fn text_of(&mut self, rule: &str, original: Option<i64>) -> Result<(i64, Arc<Compiled>), Failure> {
        let (set, compiled) = match (&self.options.with, original) {
            (With::Original, Some(set)) => (set, self.set(set).await?),
            (With::Draft(_), _) => self.drafted(rule).await?,
            (With::Current | With::Original, _) => self.workspace().await?,
        };
        rule_in(&compiled, rule)?;
        Ok((set, compiled))
    }

    async fn run(&self, id: RunId) -> Result<RunDetail, Failure> {
        let missing = || Failure::No(format!("there is no run {id}; see `bellwire runs list`"));
        self.store.run(id).await?.ok_or_else(missing)
    }

    async fn set(&mut self, set: i64) -> Result<Arc<Compiled>, Failure> {
        if let Some(known) = self.stored.get(&set) {
            return Ok(Arc::clone(known));
        }
        let compiled = Arc::new(pinned::stored(self.config, self.store, set).await?);
        self.stored.insert(set, Arc::clone(&compiled));
        Ok(compiled)
    }

    async fn workspace(&mut self) -> Result<(i64, Arc<Compiled>), Failure> {
        if let Some(known) = &self.current {
            return Ok(known.clone());
        }
        let (set, compiled) = pinned::workspace(self.config, self.store).await?;
        let known = (set, Arc::new(compiled));
        self.current = Some(known.clone());
        Ok(known)
    }

    /// The workspace with the draft in the place of a rule.
    async fn drafted(&mut self, rule: &str) -> Result<(i64, Arc<Compiled>), Failure> {
        if let Some(known) = self.drafted.get(rule) {
            return Ok(known.clone());
        }
        let With::Draft(file) = &self.options.with else {
            return Err(Failure::Usage("there is no draft; name one with --with draft:FILE".to_owned()));
        };
        let text = fs::read_to_string(file)
            .map_err(|error| Failure::Usage(format!("the draft {} cannot be read: {error}", file.display())))?;
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
            return Err(Failure::No(format!("the draft has errors\n{}", errors.join("\n"))));
        }
        let known = (pinned::number(self.store, &texts).await?, Arc::new(compiled));
        self.drafted.insert(rule.to_owned(), known.clone());
        Ok(known)
    }
}

fn shown(file: &Path) -> String {
    clean(&file.display().to_string(), 200)
}

fn rule_in(compiled: &Compiled, rule: &str) -> Result<Arc<Rule>, Failure> {
    let gone =
        || Failure::No(format!("that rule set has no rule `{}` that holds; see `bellwire check`", clean(rule, 96)));
    compiled.set.rules.get(rule).map(Arc::clone).ok_or_else(gone)
}
