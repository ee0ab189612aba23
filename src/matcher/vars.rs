//! Vars, computed on first use: a var that nothing asks for is never rendered.

use std::{
    cell::{OnceCell, RefCell},
    time::Duration,
};

use crate::{
    clock::Time,
    rules::{Rule, Var},
    templates::{Context, Limits, RenderErrorKind, Sink},
    value::{Object, Path, Segment, Value},
};

/// Vars that need each other in a row, at most. Circles are refused when a rule is checked; this bounds what is left.
const ROW: usize = 32;

/// What a render for conditions may use.
pub(super) fn limits(time: Duration) -> Limits {
    Limits { steps: 100_000, bytes: 1024 * 1024, time }
}

/// Why a var could not be computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VarError {
    /// Names the var and the expression.
    pub(super) message: String,
    /// Steps, bytes or time are used up.
    pub(super) budget: bool,
}

/// The object that `vars` is, which grows while it is lent out: every var makes a new one, and the older ones stay.
struct Layer {
    vars: Value,
    next: OnceCell<Box<Layer>>,
}

impl Layer {
    fn new(vars: Object) -> Self {
        Self { vars: Value::Object(vars), next: OnceCell::new() }
    }

    fn last(&self) -> &Self {
        let mut here = self;
        while let Some(next) = here.next.get() {
            here = next;
        }
        here
    }
}

/// The vars of one rule on one event.
pub(super) struct Vars<'a> {
    rule: &'a Rule,
    /// `[vars]` of the settings.
    settings: &'a Object,
    first: OnceCell<Layer>,
    computed: RefCell<Object>,
    /// Vars that are being computed just now.
    open: RefCell<Vec<String>>,
}

impl<'a> Vars<'a> {
    /// `computed` are those that are known already.
    pub(super) fn new(rule: &'a Rule, settings: &'a Object, computed: Object) -> Self {
        let open = RefCell::default();
        Self { rule, settings, first: OnceCell::new(), computed: RefCell::new(computed), open }
    }

    /// Whose vars they are.
    pub(super) fn rule(&self) -> &'a Rule {
        self.rule
    }

    /// The vars of the rule that were computed.
    pub(super) fn into_computed(self) -> Object {
        self.computed.into_inner()
    }

    /// `vars` as it is now.
    pub(super) fn object(&self) -> &Value {
        let first = self.first.get_or_init(|| {
            let mut all = self.settings.clone();
            all.extend(self.computed.borrow().iter().map(|(name, value)| (name.clone(), value.clone())));
            Layer::new(all)
        });
        &first.last().vars
    }

    /// Computes the var that `path` (below `vars`) starts with; all of them where it names none.
    pub(super) fn need(&self, below: &[Segment], roots: &Roots<'_>) -> Result<(), VarError> {
        match below.first() {
            Some(Segment::Name(name)) => self.one(name, roots),
            Some(Segment::Index(_)) => Ok(()),
            Some(Segment::Any) | None => self.rule.vars.iter().try_for_each(|var| self.one(&var.name, roots)),
        }
    }

    /// Computes the vars among `paths`.
    pub(super) fn need_paths<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p Path>,
        roots: &Roots<'_>,
    ) -> Result<(), VarError> {
        paths
            .into_iter()
            .filter(|path| path.root() == Some("vars"))
            .try_for_each(|path| self.need(path.below_root(), roots))
    }

    fn one(&self, name: &str, roots: &Roots<'_>) -> Result<(), VarError> {
        if self.computed.borrow().contains_key(name) {
            return Ok(());
        }
        let Some(var) = self.rule.vars.iter().find(|var| var.name == name) else { return Ok(()) };
        let fail = |message: String| VarError { message: format!("vars.{name}: {message}"), budget: false };
        if self.open.borrow().iter().any(|open| open == name) || self.open.borrow().len() >= ROW {
            return Err(fail("vars need each other in a circle".to_owned()));
        }
        self.open.borrow_mut().push(name.to_owned());
        let value = self.render(var, roots);
        self.open.borrow_mut().pop();
        let value = value?;
        let mut all = self.object().as_object().cloned().unwrap_or_default();
        all.insert(name.to_owned(), value.clone());
        self.computed.borrow_mut().insert(name.to_owned(), value);
        if let Some(first) = self.first.get() {
            // The last layer has no next one, so this cannot be refused.
            drop(first.last().next.set(Box::new(Layer::new(all))));
        }
        Ok(())
    }

    fn render(&self, var: &Var, roots: &Roots<'_>) -> Result<Value, VarError> {
        let references = var.value.references();
        self.need_paths(references.iter().map(|(_, reference)| &reference.path), roots)?;
        let context = roots.context(self.object())?;
        var.value.render(&context, Sink::Plain).map_err(|error| VarError {
            message: format!("vars.{}: {}", var.name, error.message),
            budget: error.kind == RenderErrorKind::Budget,
        })
    }
}

/// What templates see beside `vars`.
pub(super) struct Roots<'a> {
    pub(super) names: Vec<(&'a str, &'a Value)>,
    pub(super) now: Time,
    /// How much time a render may still take.
    pub(super) left: &'a dyn Fn() -> Duration,
}

impl Roots<'_> {
    /// A context with all of them. `Err` where no time is left.
    pub(super) fn context<'c>(&'c self, vars: &'c Value) -> Result<Context<'c>, VarError> {
        let left = (self.left)();
        if left.is_zero() {
            return Err(VarError { message: "the time for this rule is used up".to_owned(), budget: true });
        }
        let mut context = Context::new(self.now, limits(left));
        for (name, value) in &self.names {
            context.set(name, value);
        }
        context.set("vars", vars);
        Ok(context)
    }
}

/// Computes the vars named (and those they need) that are not yet in `computed`; used by the runner for steps. `roots` are the names
/// that vars see; among them `vars` is `[vars]` of the settings. `Err` is one sentence.
pub fn compute_vars(
    rule: &Rule,
    names: &[&str],
    roots: &[(&str, &Value)],
    now: Time,
    computed: &mut Object,
) -> Result<(), String> {
    /// Time for one list of vars: a second, as for any render.
    const TIME: Duration = Duration::from_secs(1);
    let nothing = Object::new();
    let settings = roots.iter().find(|(name, _)| *name == "vars").and_then(|(_, value)| value.as_object());
    let now_text = Value::String(now.to_string());
    let mut seen: Vec<(&str, &Value)> = roots.iter().filter(|(name, _)| *name != "vars").copied().collect();
    if !seen.iter().any(|(name, _)| *name == "now") {
        seen.push(("now", &now_text));
    }
    let start = std::time::Instant::now();
    let left = || TIME.saturating_sub(start.elapsed());
    let roots = Roots { names: seen, now, left: &left };
    let vars = Vars::new(rule, settings.unwrap_or(&nothing), std::mem::take(computed));
    let result = names.iter().try_for_each(|name| vars.one(name, &roots));
    *computed = vars.into_computed();
    result.map_err(|error| error.message)
}
