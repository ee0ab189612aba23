//! What a condition proves when it holds: that a place is there, and that its value is one that the rule's writer thought of.

use crate::{
    rules::{Condition, Operand, OperatorKind, Test},
    value::{Path, Value},
};

/// What is proven.
#[derive(Debug, Clone, Default)]
pub(super) struct Guards {
    /// Places that hold something.
    pub(super) present: Vec<Path>,
    /// Places whose value was compared or matched.
    pub(super) checked: Vec<Path>,
}

impl Guards {
    /// What `condition` proves when it holds.
    pub(super) fn of(condition: &Condition) -> Self {
        match condition {
            Condition::All(list) => list.iter().fold(Self::default(), |all, condition| all.and(&Self::of(condition))),
            Condition::Any(list) => {
                let mut each = list.iter().map(Self::of);
                let first = each.next().unwrap_or_default();
                each.fold(first, Self::or)
            }
            Condition::Not(_) => Self::default(),
            Condition::Test(test) => Self::of_test(test),
        }
    }

    fn of_test(test: &Test) -> Self {
        if test.path.has_any() {
            return Self::default();
        }
        let proves = |kind: OperatorKind, operand: &Operand| match (kind, operand) {
            (OperatorKind::Exists, Operand::Literal(value)) => value == &Value::Bool(true),
            (OperatorKind::Empty, Operand::Literal(value)) => value == &Value::Bool(false),
            (OperatorKind::Is, Operand::Literal(value)) => !value.is_null(),
            (OperatorKind::Is | OperatorKind::Not, _) => false,
            _ => true,
        };
        let checks = |kind: OperatorKind| matches!(kind, OperatorKind::Is | OperatorKind::In | OperatorKind::Matches);
        let present = test.operators.iter().any(|operator| proves(operator.kind, &operator.operand));
        let checked = test.operators.iter().any(|operator| checks(operator.kind));
        let path = |is: bool| if is { vec![test.path.clone()] } else { Vec::new() };
        Self { present: path(present), checked: path(checked) }
    }

    /// What both prove together.
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.present.extend(other.present.iter().cloned());
        self.checked.extend(other.checked.iter().cloned());
        self
    }

    /// What each of both proves.
    fn or(mut self, other: Self) -> Self {
        self.present.retain(|path| other.present.contains(path));
        self.checked.retain(|path| other.checked.contains(path));
        self
    }

    /// Whether something is at `path`: what lies below a place proves the place.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.present.iter().any(|known| known.segments().starts_with(path.segments()))
    }

    /// Whether the value at `path` was compared or matched.
    pub(super) fn was_checked(&self, path: &Path) -> bool {
        self.checked.iter().any(|known| known == path)
    }
}
