//! What the steps of a run see: `event`, `trigger`, `vars`, `steps` and the other names, built from what is stored.

use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};

use crate::{
    clock::Time,
    matcher,
    model::{StepError, StepOutcome, StepOutput, StepPath},
    rules::{Rule, Scope, Step, StepKind},
    services::Registry,
    starts,
    store::LoadedRun,
    templates::{Context, Leaf, Limits, RenderError, Sink},
    value::{Object, Segment},
};

/// What one step may use for all of its templates together.
const STEP_LIMITS: Limits = Limits { steps: 100_000, bytes: 1024 * 1024, time: Duration::from_secs(1) };

/// Every name that a step of one run may see.
pub(super) struct View {
    event: Value,
    events: Value,
    trigger: Value,
    run: Value,
    rule: Value,
    steps: Value,
    vars: Value,
    error: Option<Value>,
    /// Vars that could not be computed, with the reason: told when a step misses one.
    var_faults: HashMap<String, String>,
}

impl View {
    /// The view of a run as it was loaded. `Err` is one sentence: the stored event no longer reads.
    pub(super) fn of(run: &LoadedRun, rule: &Rule, registry: &Registry, vars: &Object) -> Result<Self, String> {
        let event = starts::event_value(&run.event, registry)?;
        let mut view = Self {
            events: Value::Array(vec![event.clone()]),
            event,
            trigger: starts::trigger_of(&run.event),
            run: json!({
                "id": run.id.to_string(),
                "started_at": run.started_at.map(|at| at.to_string()),
                "replay_of": run.replay_of.map(|id| id.to_string()),
            }),
            rule: json!({"id": &*rule.id, "name": rule.name}),
            steps: Value::Null,
            vars: Value::Null,
            error: None,
            var_faults: HashMap::new(),
        };
        view.compute_vars(run, rule, vars);
        Ok(view)
    }

    /// All vars: those of `bellwire.toml`, those kept with the run, and those not yet computed. A var that fails is left out.
    fn compute_vars(&mut self, run: &LoadedRun, rule: &Rule, settings: &Object) {
        let mut computed = run.vars.clone();
        for (name, value) in settings {
            computed.entry(name).or_insert_with(|| value.clone());
        }
        let roots =
            [("event", &self.event), ("events", &self.events), ("trigger", &self.trigger), ("rule", &self.rule)];
        for var in &rule.vars {
            if computed.contains_key(&var.name) {
                continue;
            }
            let result = matcher::compute_vars(rule, &[&var.name], &roots, run.event.received_at, &mut computed);
            if let Err(why) = result {
                self.var_faults.insert(var.name.clone(), why);
            }
        }
        self.vars = Value::Object(computed);
    }

    /// The newest payload.
    pub(super) fn event(&self) -> &Value {
        &self.event
    }

    /// Where it came from.
    pub(super) fn trigger(&self) -> &Value {
        &self.trigger
    }

    /// The run's own vars, to be kept with it.
    pub(super) fn own_vars(&self, rule: &Rule) -> Object {
        let names = rule.vars.iter().map(|var| var.name.as_str());
        names.filter_map(|name| Some((name.to_owned(), self.vars.get(name)?.clone()))).collect()
    }

    /// Brings `steps` up to date.
    pub(super) fn show_steps(&mut self, rule: &Rule, outputs: &HashMap<StepPath, StepOutput>) {
        let mut seen = Object::new();
        collect(&rule.steps, outputs, false, &mut seen);
        collect(&rule.on_error, outputs, false, &mut seen);
        self.steps = Value::Object(seen);
    }

    /// Adds `error`, for steps under `on_error`.
    pub(super) fn show_error(&mut self, error: &StepError) {
        self.error = Some(json!(error));
    }

    /// Adds `run.started_at` once the run has begun.
    pub(super) fn show_start(&mut self, at: Time) {
        if let Some(run) = self.run.as_object_mut() {
            run.insert("started_at".to_owned(), json!(at.to_string()));
        }
    }

    /// The names as templates see them; `now` is when the step began.
    pub(super) fn context<'v>(&'v self, now: Time, now_text: &'v Value) -> Context<'v> {
        let mut context = Context::new(now, STEP_LIMITS);
        for (name, value) in self.roots() {
            context.set(name, value);
        }
        context.set("now", now_text);
        context
    }

    fn roots(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        [
            ("event", &self.event),
            ("events", &self.events),
            ("trigger", &self.trigger),
            ("vars", &self.vars),
            ("steps", &self.steps),
            ("run", &self.run),
            ("rule", &self.rule),
        ]
        .into_iter()
        .chain(self.error.as_ref().map(|error| ("error", error)))
    }

    /// Why a var that a step's message names could not be computed. Empty where that was not the reason.
    pub(super) fn var_fault(&self, message: &str) -> String {
        let named = self.var_faults.iter().find(|(name, _)| message.contains(&format!("vars.{name}")));
        named.map(|(name, why)| format!(" (var `{name}`: {why})")).unwrap_or_default()
    }
}

/// A view at a moment, as conditions look at it.
pub(super) struct StepScope<'v> {
    pub(super) view: &'v View,
    pub(super) now: Time,
    pub(super) now_text: &'v Value,
}

impl Scope for StepScope<'_> {
    fn root(&self, name: &str, rest: &[Segment]) -> Result<Option<&Value>, String> {
        if name == "now" {
            return Ok(Some(self.now_text));
        }
        if name == "vars"
            && let Some(Segment::Name(var)) = rest.first()
            && let Some(why) = self.view.var_faults.get(var)
        {
            return Err(why.clone());
        }
        Ok(self.view.roots().find_map(|(root, value)| (root == name).then_some(value)))
    }

    fn render(&self, leaf: &Leaf) -> Result<Value, RenderError> {
        leaf.render(&self.view.context(self.now, self.now_text), Sink::Plain)
    }

    fn in_hours(&self, name: &str, _at: &Value) -> Result<bool, String> {
        Err(format!("the hours `{name}` are not there"))
    }

    fn now(&self) -> Time {
        self.now
    }
}

/// Gathers `steps.<id>` below `steps`; `passed_by` where they stand in a branch that was not taken.
fn collect(steps: &[Step], outputs: &HashMap<StepPath, StepOutput>, passed_by: bool, into: &mut Object) {
    for step in steps {
        let output = outputs.get(&step.path);
        if let Some(id) = &step.id {
            match output {
                Some(output) => {
                    into.insert(id.clone(), shown(output));
                }
                None if passed_by => {
                    into.insert(
                        id.clone(),
                        json!({"outcome": "skipped", "result": null, "error": null, "response": null}),
                    );
                }
                None => {}
            }
        }
        if let StepKind::Block { then, otherwise } = &step.kind {
            let taken = output.map(Branch::of);
            collect(then, outputs, passed_by || taken.is_some_and(|taken| taken != Branch::Then), into);
            collect(otherwise, outputs, passed_by || taken.is_some_and(|taken| taken != Branch::Else), into);
        }
        if let crate::rules::OnStepError::Steps(list) = &step.on_error {
            let went_well = output.is_some_and(|output| output.outcome != StepOutcome::Failed);
            collect(list, outputs, passed_by || went_well, into);
        }
    }
}

fn shown(output: &StepOutput) -> Value {
    json!({
        "outcome": output.outcome.word(),
        "result": output.result,
        "error": output.error,
        "response": output.response,
    })
}

/// Which way a block went; kept as the result of its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Branch {
    Then,
    Else,
    Neither,
}

impl Branch {
    /// As kept in a block's output.
    pub(super) fn of(output: &StepOutput) -> Self {
        match output.result.as_str() {
            Some("then") => Self::Then,
            Some("else") => Self::Else,
            _ => Self::Neither,
        }
    }

    /// As it is kept.
    pub(super) fn word(self) -> Value {
        match self {
            Self::Then => json!("then"),
            Self::Else => json!("else"),
            Self::Neither => Value::Null,
        }
    }
}
