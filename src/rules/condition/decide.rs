//! What an operator says of a value that is at hand: for checks of a rule before anything has come in.

use super::{Operand, Operator, OperatorKind, Scope, shown::shown_operand};
use crate::{
    clock::Time,
    templates::{Leaf, RenderError},
    value::{Segment, Value},
};

/// No payload at all.
struct Nothing;

impl Scope for Nothing {
    fn root(&self, _name: &str, _rest: &[Segment]) -> Result<Option<&Value>, String> {
        Ok(None)
    }

    fn render(&self, _leaf: &Leaf) -> Result<Value, RenderError> {
        Ok(Value::Null)
    }

    fn in_hours(&self, _name: &str, _at: &Value) -> Result<bool, String> {
        Ok(false)
    }

    fn now(&self) -> Time {
        Time(0)
    }
}

impl Operator {
    /// Whether it holds for `seen`; `None` is nothing, or null. `None` comes back where that hangs on a template or on the time.
    pub(crate) fn holds_for(&self, seen: Option<&Value>, ignore_case: bool) -> Option<bool> {
        let mut fixed = true;
        self.each(&mut |operator| {
            fixed &= matches!(operator.operand, Operand::Literal(_) | Operand::Operators(_) | Operand::Pattern(_));
        });
        if !fixed {
            return None;
        }
        Some(super::evaluate::one_holds(self, seen, ignore_case, &Nothing))
    }

    /// As it is written: `gt: 5`.
    pub(crate) fn shown(&self) -> String {
        match (self.kind, &self.operand) {
            (_, Operand::Template(_) | Operand::Tree(_)) => format!("{}: \"{{{{ ... }}}}\"", self.name),
            (OperatorKind::Not, Operand::Operators(list)) => match list.as_slice() {
                [only] if only.kind == OperatorKind::Is => format!("not: {}", shown_operand(&only.operand)),
                _ => format!("not: {}", shown_operand(&self.operand)),
            },
            _ => format!("{}: {}", self.name, shown_operand(&self.operand)),
        }
    }
}
