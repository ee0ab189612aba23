//! The keys of `once`, `threshold`, `digest` and `concurrency`: what `per` makes of an event.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    Subject,
    vars::{Roots, VarError, Vars},
};
use crate::{
    clock::Time,
    rules::Rule,
    templates::{Leaf, RenderErrorKind, Sink},
    value::{Object, Value},
};

/// Time for the keys of one rule where nobody waits for them: a second, as for any render.
const TIME: Duration = Duration::from_secs(1);

/// Above this not every whole number is a float (2^53).
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What a `per` came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Key {
    /// The rule has no such word.
    #[default]
    Unset,
    /// The rule has the word without `per`: the whole rule is one key.
    Whole,
    /// The text that `per` gave; a number or boolean as its text.
    Of(String),
    /// Null, empty, or its template failed; one sentence says which.
    Nothing(String),
}

/// The keys that decide whether a matched event starts a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    pub once: Key,
    pub threshold: Key,
    pub digest: Key,
}

impl Keys {
    /// The keys of a rule that matched. `roots` are the names that vars see, among them `vars` as `[vars]` of the settings; `vars` are
    /// those that were computed (grows).
    pub fn of(rule: &Rule, roots: &[(&str, &Value)], now: Time, vars: &mut Object) -> Self {
        let sight = Sight::new(rule, roots, now, TIME, std::mem::take(vars));
        let keys = sight.keys(|error| Ok(Key::Nothing(error.message))).unwrap_or_default();
        *vars = sight.vars.into_computed();
        keys
    }

    /// The same for an event as it is matched; `settings` are `[vars]`.
    pub fn of_subject(rule: &Rule, subject: &Subject, settings: &Object, vars: &mut Object) -> Self {
        let seen = Seen::new(rule, subject, settings);
        Self::of(rule, &seen.roots(subject), subject.received_at, vars)
    }

    /// The same within `limit`. `None` where `limit` did not do: the rule is not decided.
    pub(super) fn of_match(
        rule: &Rule,
        subject: &Subject,
        settings: &Object,
        limit: Duration,
        vars: &mut Object,
    ) -> Option<Self> {
        let around = &rule.around;
        if around.once.is_none() && around.threshold.is_none() && around.digest.is_none() {
            return Some(Self::default());
        }
        let seen = Seen::new(rule, subject, settings);
        let roots = seen.roots(subject);
        let sight = Sight::new(rule, &roots, subject.received_at, limit, std::mem::take(vars));
        let keys = sight.keys(Err);
        *vars = sight.vars.into_computed();
        keys.ok()
    }
}

impl Key {
    /// The key of `concurrency`, rendered when the run is first due.
    pub fn of_concurrency(rule: &Rule, roots: &[(&str, &Value)], now: Time) -> Self {
        let Some(concurrency) = &rule.around.concurrency else { return Self::Unset };
        let sight = Sight::new(rule, roots, now, TIME, Object::new());
        let key = sight.key("concurrency", concurrency.per.as_ref());
        key.unwrap_or_else(|error| Self::Nothing(error.message))
    }
}

/// The names of an event that are made for it.
struct Seen {
    events: Value,
    rule: Value,
    settings: Value,
}

impl Seen {
    fn new(rule: &Rule, subject: &Subject, settings: &Object) -> Self {
        Self {
            events: Value::Array(vec![subject.event.clone()]),
            rule: json!({"id": &*rule.id, "name": rule.name}),
            settings: Value::Object(settings.clone()),
        }
    }

    fn roots<'s>(&'s self, subject: &'s Subject) -> [(&'static str, &'s Value); 5] {
        [
            ("event", &subject.event),
            ("events", &self.events),
            ("trigger", &subject.trigger),
            ("rule", &self.rule),
            ("vars", &self.settings),
        ]
    }
}

/// What a `per` sees.
struct Sight<'a> {
    rule: &'a Rule,
    vars: Vars<'a>,
    names: Vec<(&'a str, &'a Value)>,
    now: Time,
    now_text: Value,
    start: Instant,
    limit: Duration,
}

/// `[vars]` of settings that have none.
static NO_SETTINGS: std::sync::LazyLock<Object> = std::sync::LazyLock::new(Object::new);

impl<'a> Sight<'a> {
    fn new(rule: &'a Rule, roots: &[(&'a str, &'a Value)], now: Time, limit: Duration, computed: Object) -> Self {
        let settings = roots.iter().find(|(name, _)| *name == "vars").and_then(|(_, value)| value.as_object());
        Self {
            rule,
            vars: Vars::new(rule, settings.unwrap_or(&NO_SETTINGS), computed),
            names: roots.iter().filter(|(name, _)| *name != "vars" && *name != "now").copied().collect(),
            now,
            now_text: Value::String(now.to_string()),
            start: Instant::now(),
            limit,
        }
    }

    /// All three; `spent` says what becomes of one whose time, steps or bytes were used up.
    fn keys(&self, spent: impl Fn(VarError) -> Result<Key, VarError>) -> Result<Keys, VarError> {
        let around = &self.rule.around;
        let key = |word: &str, per: Option<&Option<Leaf>>| match per {
            None => Ok(Key::Unset),
            Some(per) => self.key(word, per.as_ref()).or_else(&spent),
        };
        Ok(Keys {
            once: key("once", around.once.as_ref().map(|once| &once.per))?,
            threshold: key("threshold", around.threshold.as_ref().map(|threshold| &threshold.per))?,
            digest: key("digest", around.digest.as_ref().map(|digest| &digest.per))?,
        })
    }

    /// One key. `Err` where its time, steps or bytes are used up.
    fn key(&self, word: &str, per: Option<&Leaf>) -> Result<Key, VarError> {
        let Some(leaf) = per else { return Ok(Key::Whole) };
        match self.render(leaf) {
            Ok(value) => Ok(key_of(word, value)),
            Err(error) => {
                let error = VarError { message: format!("the key of `{word}` failed: {}", error.message), ..error };
                if error.budget { Err(error) } else { Ok(Key::Nothing(error.message)) }
            }
        }
    }

    fn render(&self, leaf: &Leaf) -> Result<Value, VarError> {
        let left = || self.limit.saturating_sub(self.start.elapsed());
        let mut names = self.names.clone();
        names.push(("now", &self.now_text));
        let roots = Roots { names, now: self.now, left: &left };
        self.vars.need_paths(leaf.references().iter().map(|reference| &reference.path), &roots)?;
        let context = roots.context(self.vars.object())?;
        leaf.render(&context, Sink::Plain)
            .map_err(|error| VarError { budget: error.kind == RenderErrorKind::Budget, message: error.message })
    }
}

/// A value as a key: `1.0` is `1`, as in conditions.
fn key_of(word: &str, value: Value) -> Key {
    let nothing = |what: &str| Key::Nothing(format!("the key of `{word}` is {what}"));
    match value {
        Value::Null => nothing("null"),
        Value::String(text) if text.is_empty() => nothing("empty"),
        Value::Array(list) if list.is_empty() => nothing("empty"),
        Value::Object(object) if object.is_empty() => nothing("empty"),
        Value::String(text) => Key::Of(text),
        Value::Number(number) => {
            let whole = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT);
            Key::Of(whole.map_or_else(|| number.to_string(), |whole| format!("{whole:.0}")))
        }
        other => Key::Of(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
