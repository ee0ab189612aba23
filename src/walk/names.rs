//! The names that all steps of a run see alike: `event`, `events`, `trigger`, `vars`, `steps`, `run` and `rule`.

use std::collections::HashMap;

use serde_json::json;

use super::About;
use crate::{
    clock::Time,
    matcher,
    model::{StepError, StepOutput},
    rules::Rule,
    value::{Object, Value},
};

/// The names that all steps of a run see alike.
#[derive(Debug)]
pub(super) struct Names {
    events: Value,
    trigger: Value,
    run: Value,
    rule: Value,
    steps: Value,
    /// Those of the settings and those of the run, by name: a run that is taken up again sees them in the same order.
    vars: Value,
    /// Those that are kept with the run.
    own: Object,
    changed: bool,
    /// Vars that could not be computed, with the reason: told when a step misses one.
    faults: HashMap<String, String>,
    /// What the rule's `on_error` runs for.
    error: Option<Value>,
}

impl Names {
    /// The names of a run; `kept` are the vars that are kept with it, `settings` those of `[vars]`.
    pub(super) fn of(about: About, rule: &Rule, settings: &Object, kept: Object) -> Self {
        let mut names = Self {
            events: Value::Array(about.events),
            trigger: about.trigger,
            run: json!({
                "id": about.run,
                "started_at": about.started_at.map(|at| at.to_string()),
                "replay_of": about.replay_of,
            }),
            rule: json!({"id": &*rule.id, "name": rule.name}),
            steps: Value::Object(Object::new()),
            vars: Value::Null,
            own: kept,
            changed: false,
            faults: HashMap::new(),
            error: None,
        };
        names.compute_vars(rule, settings, about.received_at);
        names
    }

    /// All vars: those of `[vars]`, those kept with the run, and those not yet computed. A var that fails is left out.
    fn compute_vars(&mut self, rule: &Rule, settings: &Object, now: Time) {
        let mut computed = self.own.clone();
        for (name, value) in settings {
            computed.entry(name).or_insert_with(|| value.clone());
        }
        let mut faults = HashMap::new();
        let roots =
            [("event", self.event()), ("events", &self.events), ("trigger", &self.trigger), ("rule", &self.rule)];
        for var in &rule.vars {
            if computed.contains_key(&var.name) {
                continue;
            }
            if let Err(why) = matcher::compute_vars(rule, &[&var.name], &roots, now, &mut computed) {
                faults.insert(var.name.clone(), why);
            }
        }
        for var in &rule.vars {
            if let Some(value) = computed.get(&var.name)
                && !self.own.contains_key(&var.name)
            {
                self.own.insert(var.name.clone(), value.clone());
                self.changed = true;
            }
        }
        self.faults = faults;
        computed.sort_keys();
        self.vars = Value::Object(computed);
    }

    /// The newest payload.
    fn event(&self) -> &Value {
        self.events.as_array().and_then(|events| events.last()).unwrap_or(&Value::Null)
    }

    /// Every name with its value.
    pub(super) fn roots(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        const NAMES: [&str; 8] = ["event", "events", "trigger", "vars", "steps", "run", "rule", "error"];
        NAMES.into_iter().filter_map(|name| Some((name, self.root(name)?)))
    }

    /// The value of a name. `None`: it has none here.
    pub(super) fn root(&self, name: &str) -> Option<&Value> {
        Some(match name {
            "event" => self.event(),
            "events" => &self.events,
            "trigger" => &self.trigger,
            "vars" => &self.vars,
            "steps" => &self.steps,
            "run" => &self.run,
            "rule" => &self.rule,
            "error" => return self.error.as_ref(),
            _ => return None,
        })
    }

    /// Adds `run.started_at` once the first step has begun.
    pub(super) fn start(&mut self, at: Time) {
        if let Some(run) = self.run.as_object_mut() {
            run.insert("started_at".to_owned(), json!(at.to_string()));
        }
    }

    /// Adds `error`, for the rule's `on_error`.
    pub(super) fn fail(&mut self, error: &StepError) {
        self.error = Some(json!(error));
    }

    /// A step is seen from here on. False: it was seen before.
    pub(super) fn show(&mut self, id: &str, output: Option<&StepOutput>) -> bool {
        let shown = match output {
            Some(output) => json!({
                "outcome": output.outcome.word(),
                "result": output.result,
                "error": output.error,
                "response": output.response,
            }),
            None => json!({"outcome": "skipped", "result": null, "error": null, "response": null}),
        };
        self.steps.as_object_mut().is_some_and(|steps| steps.insert(id.to_owned(), shown).is_none())
    }

    /// Steps are no longer seen; the last that came go first.
    pub(super) fn hide(&mut self, ids: Vec<String>) {
        if let Some(steps) = self.steps.as_object_mut() {
            for id in ids.iter().rev() {
                steps.swap_remove(id);
            }
        }
    }

    /// What steps see as a var from here on, and what it was before; [`Names::keep`] makes it last.
    pub(super) fn write(&mut self, name: &str, value: Option<Value>) -> Option<Value> {
        let vars = self.vars.as_object_mut()?;
        match value {
            Some(value) => {
                let before = vars.insert(name.to_owned(), value);
                if before.is_none() {
                    vars.sort_keys();
                }
                before
            }
            None => vars.shift_remove(name),
        }
    }

    /// Keeps what a `vars` step wrote.
    pub(super) fn keep(&mut self, written: &Object) {
        for (name, value) in written {
            self.faults.remove(name);
            self.write(name, Some(value.clone()));
            if self.own.get(name) != Some(value) {
                self.own.insert(name.clone(), value.clone());
                self.changed = true;
            }
        }
    }

    /// The run's own vars, where they have changed since the last call.
    pub(super) fn take_vars(&mut self) -> Option<Object> {
        std::mem::take(&mut self.changed).then(|| self.own.clone())
    }

    /// Why a var could not be computed.
    pub(super) fn fault(&self, var: &str) -> Option<&str> {
        self.faults.get(var).map(String::as_str)
    }

    /// Why a var that a message names could not be computed. Empty where that was not the reason.
    pub(super) fn explain(&self, message: &str) -> String {
        let mut named: Vec<_> =
            self.faults.iter().filter(|(name, _)| message.contains(&format!("vars.{name}"))).collect();
        // The longest name is the one that stands there: `vars.ticket_id` names no `vars.ticket`.
        named.sort_by_key(|(name, _)| (std::cmp::Reverse(name.len()), (*name).clone()));
        named.first().map(|(name, why)| format!(" (var `{name}`: {why})")).unwrap_or_default()
    }
}
