//! What a render has at hand: the context behind `liquid_core`'s `Runtime`, and the state that tags share.
//!
//! Values stay JSON from the payload to the text: the values of `liquid_core` have no order of names and no integers above
//! i64. A lookup therefore leaves what it found in the state's `found`, and answers `liquid_core` with nil.

use std::{
    cell::RefMut,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use liquid_core::{
    model::{KString, KStringCow, KStringRef, ScalarCow, Value as LiquidValue, ValueCow, ValueView as _},
    runtime::{PartialStore, Registers, Renderable, Runtime},
};
use serde_json::{Value, json};

use super::{
    Context, Limits, RenderError, Sink,
    limits::{Budget, Spent, weight},
};
use crate::clock::Time;

/// One render of one template.
pub(super) struct Frame<'c, 'a> {
    context: &'c Context<'a>,
    registers: Registers,
}

impl<'c, 'a> Frame<'c, 'a> {
    pub(super) fn new(context: &'c Context<'a>, sink: Sink) -> Self {
        let frame = Self { context, registers: Registers::default() };
        {
            let mut state = state(&frame);
            state.budget = Arc::clone(&context.budget);
            (state.sink, state.lenient, state.now) = (sink, context.lenient, context.now);
        }
        frame
    }
}

impl Runtime for Frame<'_, '_> {
    fn partials(&self) -> &dyn PartialStore {
        &NoPartials
    }

    fn name(&self) -> Option<KStringRef<'_>> {
        None
    }

    fn roots(&self) -> BTreeSet<KStringCow<'_>> {
        BTreeSet::new()
    }

    /// Nil where something was found, which then is in the state.
    fn try_get(&self, path: &[ScalarCow<'_>]) -> Option<ValueCow<'_>> {
        let (root, rest) = path.split_first()?;
        let root = root.to_kstr();
        let found = match self.context.root(root.as_str()) {
            Some(value) => walk(value, rest)?.copied(&self.context.budget),
            None if root.as_str() == "now" && rest.is_empty() => Ok(Value::String(self.context.now.to_string())),
            None => return None,
        };
        state(self).found = Some(found);
        Some(ValueCow::Owned(LiquidValue::Nil))
    }

    fn get(&self, path: &[ScalarCow<'_>]) -> liquid_core::Result<ValueCow<'_>> {
        self.try_get(path).ok_or_else(|| liquid_core::Error::with_msg("unknown name"))
    }

    fn set_global(&self, _name: KString, _value: LiquidValue) -> Option<LiquidValue> {
        None
    }

    fn set_index(&self, _name: KString, _value: LiquidValue) -> Option<LiquidValue> {
        None
    }

    fn get_index<'v>(&'v self, _name: &str) -> Option<ValueCow<'v>> {
        None
    }

    fn registers(&self) -> &Registers {
        &self.registers
    }
}

/// Included files are resolved when a template is parsed; nothing is read while it renders.
#[derive(Debug)]
struct NoPartials;

impl PartialStore for NoPartials {
    fn contains(&self, _name: &str) -> bool {
        false
    }

    fn names(&self) -> Vec<&str> {
        Vec::new()
    }

    fn try_get(&self, _name: &str) -> Option<Arc<dyn Renderable>> {
        None
    }

    fn get(&self, _name: &str) -> liquid_core::Result<Arc<dyn Renderable>> {
        Err(liquid_core::Error::with_msg("no such file"))
    }
}

/// What the tags of one render share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) budget: Arc<Budget>,
    pub(super) sink: Sink,
    pub(super) lenient: bool,
    pub(super) now: Time,
    /// What a lookup in the context found, until it is taken.
    found: Option<Result<Value, Spent>>,
    /// Why the render stops: `liquid_core`'s errors carry text alone.
    pub(super) failure: Option<RenderError>,
    /// Names of loops and of included files' arguments; the innermost is the last.
    pub(super) scopes: Vec<(String, Value)>,
    /// Scopes below this one belong to whoever rendered this file in isolation.
    pub(super) scopes_from: usize,
    /// Names that `assign` and `capture` gave.
    pub(super) assigned: HashMap<String, Value>,
    /// The loops that are open.
    pub(super) turns: Vec<Turn>,
    pub(super) counters: HashMap<String, i64>,
    pub(super) cycles: HashMap<String, usize>,
    /// Where the last loop of a name and source stopped.
    pub(super) stopped: HashMap<String, i128>,
    /// What `ifchanged` showed last.
    pub(super) shown: Option<Vec<u8>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            budget: Arc::new(Budget::new(Limits::default())),
            sink: Sink::Plain,
            lenient: false,
            now: Time::default(),
            found: None,
            failure: None,
            scopes: Vec::new(),
            scopes_from: 0,
            assigned: HashMap::new(),
            turns: Vec::new(),
            counters: HashMap::new(),
            cycles: HashMap::new(),
            stopped: HashMap::new(),
            shown: None,
        }
    }
}

/// The state of the render that `runtime` belongs to. Not to be held over a lookup or a render.
pub(super) fn state(runtime: &dyn Runtime) -> RefMut<'_, State> {
    runtime.registers().get_mut::<State>()
}

/// The value at `path`: of a loop or an argument, of the template's own names, of the context, of a counter.
/// `None` where there is nothing.
pub(super) fn find(runtime: &dyn Runtime, path: &[ScalarCow<'_>]) -> Result<Option<Value>, Spent> {
    {
        let state = state(runtime);
        match state.local(path) {
            Local::Found(found) => return found.copied(&state.budget).map(Some),
            Local::Missing => return Ok(None),
            Local::Unknown => {}
        }
    }
    if runtime.try_get(path).is_some() {
        return state(runtime).found.take().transpose();
    }
    let state = state(runtime);
    Ok(match path {
        [root] => state.counters.get(root.to_kstr().as_str()).map(|count| json!(count)),
        _ => None,
    })
}

impl State {
    /// What a name of the template's own holds at `path`.
    fn local(&self, path: &[ScalarCow<'_>]) -> Local<'_> {
        let Some((root, rest)) = path.split_first() else { return Local::Unknown };
        let root = root.to_kstr();
        let scopes = self.scopes.get(self.scopes_from..).unwrap_or_default();
        if let Some((_, value)) = scopes.iter().rev().find(|(name, _)| name == root.as_str()) {
            return Local::of(walk(value, rest));
        }
        if let Some(kind) = TurnKind::of(root.as_str())
            && self.turns.iter().any(|turn| turn.kind == kind)
        {
            return Local::of(self.turn(kind, rest));
        }
        self.assigned.get(root.as_str()).map_or(Local::Unknown, |value| Local::of(walk(value, rest)))
    }

    /// What is known about the loop that is open, or about those around it.
    fn turn(&self, kind: TurnKind, mut rest: &[ScalarCow<'_>]) -> Option<Found<'_>> {
        let mut turns = self.turns.iter().rev().filter(|turn| turn.kind == kind);
        let mut turn = turns.next()?;
        while let Some((first, more)) = rest.split_first()
            && first.to_kstr().as_str() == "parentloop"
        {
            let Some(parent) = turns.next().filter(|parent| !parent.hidden) else {
                // The outermost loop has none: null, so that a template can ask.
                return more.is_empty().then_some(Found::Made(Value::Null));
            };
            (turn, rest) = (parent, more);
        }
        let value = turn.value();
        walk(&value, rest).map(|found| Found::Made(found.owned()))
    }
}

/// What a name of the template's own comes to.
enum Local<'v> {
    /// The template gives no such name.
    Unknown,
    /// It gives the name, and there is nothing at the path.
    Missing,
    Found(Found<'v>),
}

impl<'v> Local<'v> {
    fn of(found: Option<Found<'v>>) -> Self {
        found.map_or(Self::Missing, Self::Found)
    }
}

/// Which tag a turn belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TurnKind {
    For,
    TableRow,
}

impl TurnKind {
    fn of(root: &str) -> Option<Self> {
        match root {
            "forloop" => Some(Self::For),
            "tablerowloop" => Some(Self::TableRow),
            _ => None,
        }
    }
}

/// Where a loop is.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) kind: TurnKind,
    pub(super) index: u64,
    pub(super) length: u64,
    /// Cells in a row; as many as there are turns where not given.
    pub(super) columns: u64,
    pub(super) name: String,
    /// Of `render ... for`: no loop in the file has it as its parent.
    pub(super) hidden: bool,
}

impl Turn {
    fn value(&self) -> Value {
        let Self { index, length, columns, .. } = *self;
        let left = length.saturating_sub(index);
        let mut value = json!({
            "name": self.name, "length": length, "index": index + 1, "index0": index, "rindex": left,
            "rindex0": left.saturating_sub(1), "first": index == 0, "last": left == 1,
        });
        if self.kind == TurnKind::TableRow
            && let Some(value) = value.as_object_mut()
        {
            let columns = columns.max(1);
            let column = index % columns;
            value.insert("col".to_owned(), json!(column + 1));
            value.insert("col0".to_owned(), json!(column));
            value.insert("col_first".to_owned(), json!(column == 0));
            value.insert("col_last".to_owned(), json!(column + 1 == columns));
            value.insert("row".to_owned(), json!(index / columns + 1));
        }
        value
    }
}

/// What a path leads to.
enum Found<'v> {
    There(&'v Value),
    /// Not in the value, but about it: `size`.
    Made(Value),
}

impl Found<'_> {
    fn copied(self, budget: &Budget) -> Result<Value, Spent> {
        match self {
            Self::There(value) => {
                budget.copy(weight(value))?;
                Ok(value.clone())
            }
            Self::Made(value) => Ok(value),
        }
    }

    fn owned(self) -> Value {
        match self {
            Self::There(value) => value.clone(),
            Self::Made(value) => value,
        }
    }
}

/// Follows a path into a value. A list takes indexes (from its end where negative), an object names; `first`, `last` and
/// `size` are asked of a value that has no such name.
fn walk<'v>(value: &'v Value, path: &[ScalarCow<'_>]) -> Option<Found<'v>> {
    let mut here = value;
    for (at, key) in path.iter().enumerate() {
        let name = key.to_kstr();
        let next = match here {
            Value::Object(object) => object.get(name.as_str()),
            Value::Array(list) => match (name.as_str(), key.to_integer()) {
                (_, Some(index)) => element(list, index),
                ("first", _) => list.first(),
                ("last", _) => list.last(),
                _ => None,
            },
            _ => None,
        };
        match next {
            Some(next) => here = next,
            None if name.as_str() == "size" && at + 1 == path.len() => return size(here).map(Found::Made),
            None => return None,
        }
    }
    Some(Found::There(here))
}

fn element(list: &[Value], index: i64) -> Option<&Value> {
    let from_end = usize::try_from(index.unsigned_abs()).ok()?;
    if index < 0 { list.get(list.len().checked_sub(from_end)?) } else { list.get(from_end) }
}

/// Characters of a text, elements of a list, names of an object. `None` for what has no size.
pub(super) fn size(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => Some(json!(text.chars().count())),
        Value::Array(list) => Some(json!(list.len())),
        Value::Object(object) => Some(json!(object.len())),
        _ => None,
    }
}
