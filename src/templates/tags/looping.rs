//! `for` and `tablerow`: every turn is counted, and no range is ever laid out in memory.

use std::io::Write;

use liquid_core::{
    Error, Renderable, Runtime, Template,
    runtime::{Interrupt, InterruptRegister},
};
use serde_json::Value;

use super::{stop, write};
use crate::templates::{
    RenderError, RenderErrorKind,
    evaluate::{Evaluation, spent_at, whole},
    expression::Expression,
    frame::{Turn, TurnKind, state},
    language::Arm,
    prepare::{Loop, Offset, Prepared},
};

/// `{% break %}` and `{% continue %}`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Jump {
    Break,
    Continue,
}

impl Renderable for Jump {
    fn render_to(&self, _writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        let interrupt = match self {
            Self::Break => Interrupt::Break,
            Self::Continue => Interrupt::Continue,
        };
        runtime.registers().get_mut::<InterruptRegister>().set(interrupt);
        Ok(())
    }
}

/// `{% for %}`.
#[derive(Debug)]
pub(super) struct For {
    header: Loop,
    body: Template,
    /// Shown where there is no turn at all.
    otherwise: Option<Template>,
}

impl For {
    #[expect(clippy::new_ret_no_self, reason = "tags are known by what renders them alone")]
    pub(super) fn new(arms: Vec<Arm>) -> liquid_core::Result<Box<dyn Renderable>> {
        let mut arms = arms.into_iter();
        match arms.next() {
            Some(Arm { opening: Prepared::Loop(header), body, .. }) => {
                Ok(Box::new(Self { header, body, otherwise: arms.next().map(|arm| arm.body) }))
            }
            _ => Err(Error::with_msg("a loop without a source")),
        }
    }
}

impl Renderable for For {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        let items = Items::of(&self.header, runtime).map_err(|error| stop(runtime, error))?;
        if items.count == 0
            && let Some(otherwise) = &self.otherwise
        {
            return otherwise.render_to(writer, runtime);
        }
        let columns = items.count;
        items.each(&self.header, TurnKind::For, columns, runtime, &mut |_| {
            self.body.render_to(writer, runtime)?;
            Ok(runtime.registers().get_mut::<InterruptRegister>().reset() == Some(Interrupt::Break))
        })
    }
}

/// `{% tablerow %}`.
#[derive(Debug)]
pub(super) struct TableRow {
    header: Loop,
    body: Template,
}

impl TableRow {
    #[expect(clippy::new_ret_no_self, reason = "tags are known by what renders them alone")]
    pub(super) fn new(arms: Vec<Arm>) -> liquid_core::Result<Box<dyn Renderable>> {
        match arms.into_iter().next() {
            Some(Arm { opening: Prepared::Loop(header), body, .. }) => Ok(Box::new(Self { header, body })),
            _ => Err(Error::with_msg("a loop without a source")),
        }
    }

    fn columns(&self, runtime: &dyn Runtime, count: u64) -> Result<u64, RenderError> {
        let Some(columns) = &self.header.columns else { return Ok(count.max(1)) };
        let columns = Evaluation::new(runtime).strict(columns, self.header.place)?;
        Ok(whole(&columns)
            .and_then(|columns| u64::try_from(columns).ok())
            .filter(|columns| *columns > 0)
            .unwrap_or(count.max(1)))
    }
}

impl Renderable for TableRow {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        let items = Items::of(&self.header, runtime).map_err(|error| stop(runtime, error))?;
        let columns = self.columns(runtime, items.count).map_err(|error| stop(runtime, error))?;
        let count = items.count;
        write(writer, runtime, b"<tr class=\"row1\">\n")?;
        items.each(&self.header, TurnKind::TableRow, columns, runtime, &mut |index| {
            let column = index % columns + 1;
            write(writer, runtime, format!("<td class=\"col{column}\">").as_bytes())?;
            self.body.render_to(writer, runtime)?;
            write(writer, runtime, b"</td>")?;
            let broken = runtime.registers().get_mut::<InterruptRegister>().reset() == Some(Interrupt::Break);
            if column == columns && index + 1 < count && !broken {
                let row = format!("</tr>\n<tr class=\"row{}\">", index / columns + 2);
                write(writer, runtime, row.as_bytes())?;
            }
            Ok(broken)
        })?;
        write(writer, runtime, b"</tr>\n")
    }
}

/// What a loop goes through, cut to its offset and limit.
struct Items {
    source: Source,
    /// Elements before the first turn.
    skip: i128,
    count: u64,
    reversed: bool,
}

enum Source {
    /// Its first number.
    Range(i64),
    List(Vec<Value>),
}

impl Items {
    fn of(header: &Loop, runtime: &dyn Runtime) -> Result<Self, RenderError> {
        let evaluation = Evaluation::new(runtime);
        evaluation.budget.step().map_err(|spent| spent_at(header.place, &spent))?;
        let (source, length) = if let Expression::Range(_) = header.source {
            let (from, to) = evaluation.strict_range(&header.source, header.place)?;
            (Source::Range(from), (i128::from(to) - i128::from(from) + 1).max(0))
        } else {
            let list = elements(evaluation.strict(&header.source, header.place)?);
            let length = i128::try_from(list.len()).unwrap_or(i128::MAX);
            (Source::List(list), length)
        };
        let number = |expression: &Expression, what: &str| {
            let value = evaluation.strict(expression, header.place)?;
            whole(&value).map(|number| i128::from(number).max(0)).ok_or_else(|| {
                let message = format!("the {what} of a loop must be a whole number");
                RenderError::new(RenderErrorKind::Other, header.place, message)
            })
        };
        let skip = match &header.offset {
            None => 0,
            Some(Offset::At(offset)) => number(offset, "offset")?,
            Some(Offset::Continue) => state(runtime).stopped.get(&key(header)).copied().unwrap_or(0),
        }
        .min(length);
        let left = length - skip;
        let count = match &header.limit {
            None => left,
            Some(limit) => number(limit, "limit")?.min(left),
        };
        state(runtime).stopped.insert(key(header), skip + count);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        Ok(Self { source, skip, count, reversed: header.reversed })
    }

    /// Does all turns. `turn` says whether it was broken off.
    fn each(
        self,
        header: &Loop,
        kind: TurnKind,
        columns: u64,
        runtime: &dyn Runtime,
        turn: &mut dyn FnMut(u64) -> liquid_core::Result<bool>,
    ) -> liquid_core::Result<()> {
        let Self { mut source, skip, count, reversed } = self;
        let name = format!("{}-{}", header.name, header.text);
        {
            let mut state = state(runtime);
            state.scopes.push((header.name.clone(), Value::Null));
            state.turns.push(Turn { kind, index: 0, length: count, columns, name, hidden: false });
        }
        let mut outcome = Ok(false);
        for index in 0..count {
            let place = skip + i128::from(if reversed { count - 1 - index } else { index });
            let value = source.take(place);
            let step = {
                let mut state = state(runtime);
                if let Some(scope) = state.scopes.last_mut() {
                    scope.1 = value;
                }
                if let Some(turn) = state.turns.last_mut() {
                    turn.index = index;
                }
                state.budget.step()
            };
            outcome = match step {
                Ok(()) => turn(index),
                Err(spent) => Err(stop(runtime, spent_at(header.place, &spent))),
            };
            if !matches!(outcome, Ok(false)) {
                break;
            }
        }
        let mut state = state(runtime);
        state.scopes.pop();
        state.turns.pop();
        outcome.map(|_broken| ())
    }
}

impl Source {
    fn take(&mut self, place: i128) -> Value {
        match self {
            Self::Range(first) => Value::from(i64::try_from(i128::from(*first) + place).unwrap_or(i64::MAX)),
            Self::List(list) => {
                let element = usize::try_from(place).ok().and_then(|place| list.get_mut(place));
                element.map(Value::take).unwrap_or_default()
            }
        }
    }
}

fn key(header: &Loop) -> String {
    let source = header.text.split_whitespace().take(3);
    source.collect::<Vec<_>>().join(" ")
}

/// What a loop sees in a value: elements, pairs of name and value, or the text as a whole.
fn elements(value: Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list,
        Value::Object(object) => {
            object.into_iter().map(|(name, value)| Value::Array(vec![Value::String(name), value])).collect()
        }
        Value::String(text) if !text.is_empty() => vec![Value::String(text)],
        _ => Vec::new(),
    }
}
