//! Conditions that can never hold together: said only where it is certain.

use super::{Checker, Walk, schema, walk};
use crate::{
    clock::Time,
    rules::{Condition, OnStepError, Operand, Operator, OperatorKind, Step, StepKind, WaitWhat, codes, keys},
    value::{Path, Value, same},
};

/// One operator that must hold at a path; `turned`, one that must not.
#[derive(Clone, Copy)]
struct Claim<'r> {
    path: &'r Path,
    operator: &'r Operator,
    ignore_case: bool,
    turned: bool,
}

impl Checker<'_> {
    /// Finds contradictions in `when`, in every `if`, and between them.
    pub(super) fn contradictions(&self) {
        self.claims(&self.rule.when, &[]);
        let known = lasting(&claims_of(&self.rule.when));
        self.contradicting_steps(&self.rule.steps, &known);
        self.contradicting_steps(&self.rule.on_error, &known);
    }

    fn contradicting_steps<'r>(&self, steps: &'r [Step], known: &[Claim<'r>]) {
        for step in steps {
            let mut inner = known.to_vec();
            if let Some(condition) = &step.condition {
                self.claims(condition, known);
                inner.extend(lasting(&claims_of(condition)));
            }
            match &step.kind {
                StepKind::Block { then, otherwise } => {
                    self.contradicting_steps(then, &inner);
                    self.contradicting_steps(otherwise, known);
                }
                StepKind::ForEach { steps, .. } => self.contradicting_steps(steps, &inner),
                StepKind::Wait(wait) => {
                    if let WaitWhat::Event { when, .. } = &wait.what {
                        self.claims(when, &inner);
                    }
                }
                _ => {}
            }
            if let OnStepError::Steps(steps) = &step.on_error {
                self.contradicting_steps(steps, &inner);
            }
        }
    }

    /// Checks what `condition` claims, with itself and with what is `known` to hold where it stands.
    fn claims<'r>(&self, condition: &'r Condition, known: &[Claim<'r>]) {
        let own = claims_of(condition);
        let mut told: Vec<&Path> = Vec::new();
        let mut before = known.to_vec();
        for claim in &own {
            let at_path: Vec<Claim<'r>> = before.iter().filter(|other| other.path == claim.path).copied().collect();
            before.push(*claim);
            if !told.contains(&claim.path) && self.clash(&at_path, *claim, known) {
                told.push(claim.path);
            }
        }
        each_inner(condition, &mut |inner, turned| self.claims(inner, if turned { &[] } else { &before }));
    }

    /// Whether `claim` cannot hold where `others` at its path do; says so.
    fn clash(&self, others: &[Claim<'_>], claim: Claim<'_>, known: &[Claim<'_>]) -> bool {
        let choices = self.choices(claim.path);
        let impossible = |claims: &[Claim<'_>]| is_impossible(claims, choices.as_deref());
        let mut all = others.to_vec();
        all.push(claim);
        if !impossible(&all) {
            return false;
        }
        let path = keys::shortened(&claim.path.to_string());
        let written = keys::shortened(&claim.shown());
        let other = others.iter().find(|other| impossible(&[**other, claim]));
        let message = match other {
            Some(other) => {
                let line = match other.operator.place.line {
                    line if line == claim.operator.place.line => String::new(),
                    line => format!(" (line {line})"),
                };
                let theirs = keys::shortened(&other.shown());
                format!("{path} is never `{theirs}`{line} and `{written}` at once")
            }
            None if others.is_empty() => format!("no value of {path} fits `{written}`"),
            None => format!("no value of {path} fits `{written}` and all that is wanted of it above"),
        };
        let help = "keep what is meant; for one or the other, write them under `any`";
        let at = claim.operator.place;
        // A step or an alternative that never comes up does no harm; a rule that never matches does nothing at all.
        if known.iter().any(|known| other.is_some_and(|other| std::ptr::eq(known.operator, other.operator))) {
            self.reader.warn(codes::CONTRADICTION, at, message, help);
        } else {
            self.reader.error(codes::CONTRADICTION, at, message, help);
        }
        true
    }

    /// All that the payload can hold at `path`, null for nothing. `None` where the schema does not list it.
    fn choices(&self, path: &Path) -> Option<Vec<Value>> {
        let [event] = self.events.as_slice() else { return None };
        if path.root() != Some("event") {
            return None;
        }
        let Walk::Found { schemas, optional } = walk(event.schema, path.below_root(), false) else { return None };
        let mut choices: Vec<Value> = schema::choices(event.schema, &schemas)?.into_iter().cloned().collect();
        if optional {
            choices.push(Value::Null);
        }
        Some(choices)
    }
}

/// What must hold for `condition` to hold; alternatives are left out.
fn claims_of(condition: &Condition) -> Vec<Claim<'_>> {
    match condition {
        Condition::All(list) => list.iter().flat_map(claims_of).collect(),
        Condition::Any(list) => match list.as_slice() {
            [only] => claims_of(only),
            _ => Vec::new(),
        },
        Condition::Not(inner) => match claims_of(inner).as_slice() {
            [only] if is_one_test(inner) => vec![Claim { turned: !only.turned, ..*only }],
            _ => Vec::new(),
        },
        // With `*` each operator may hold for another element.
        Condition::Test(test) if test.path.has_any() => Vec::new(),
        Condition::Test(test) => {
            let claim = |operator| Claim { path: &test.path, operator, ignore_case: test.ignore_case, turned: false };
            test.operators.iter().map(claim).collect()
        }
    }
}

/// Whether a condition is one test with one operator and nothing else.
fn is_one_test(condition: &Condition) -> bool {
    match condition {
        Condition::All(list) => matches!(list.as_slice(), [only] if is_one_test(only)),
        Condition::Test(test) => test.operators.len() == 1 && !test.path.has_any(),
        Condition::Any(_) | Condition::Not(_) => false,
    }
}

/// Calls `see` with every alternative in `condition`, and, turned, with what a `not` holds.
fn each_inner<'r>(condition: &'r Condition, see: &mut dyn FnMut(&'r Condition, bool)) {
    match condition {
        Condition::All(list) => list.iter().for_each(|inner| each_inner(inner, see)),
        Condition::Any(list) if list.len() > 1 => list.iter().for_each(|inner| see(inner, false)),
        Condition::Any(list) => list.iter().for_each(|inner| each_inner(inner, see)),
        Condition::Not(inner) => see(inner, true),
        Condition::Test(_) => {}
    }
}

/// Claims about what stays the same as long as a run lives.
fn lasting<'r>(claims: &[Claim<'r>]) -> Vec<Claim<'r>> {
    let stays = |claim: &&Claim<'r>| matches!(claim.path.root(), Some("event" | "events" | "trigger"));
    claims.iter().filter(stays).copied().collect()
}

impl Claim<'_> {
    fn shown(&self) -> String {
        if self.turned { format!("not: {{{}}}", self.operator.shown()) } else { self.operator.shown() }
    }

    /// Whether it holds for a value, null for nothing. `None` where nobody knows.
    fn holds_for(&self, value: &Value) -> Option<bool> {
        let seen = (!value.is_null()).then_some(value);
        self.operator.holds_for(seen, self.ignore_case).map(|holds| holds != self.turned)
    }

    fn literal(&self) -> Option<&Value> {
        match &self.operator.operand {
            Operand::Literal(value) if !self.turned => Some(value),
            _ => None,
        }
    }

    /// The few values for which it can hold. `None` where they are many.
    fn values(&self) -> Option<Vec<Value>> {
        use OperatorKind as Kind;
        let flag = |value: &Value| value.as_bool().map(|wanted| wanted != self.turned);
        match (self.operator.kind, &self.operator.operand) {
            (Kind::Is, Operand::Literal(value)) if !self.turned && !self.ignore_case => Some(vec![value.clone()]),
            (Kind::In, Operand::Literal(Value::Array(list))) if !self.turned && !self.ignore_case => Some(list.clone()),
            (Kind::Exists, Operand::Literal(value)) if flag(value) == Some(false) => Some(vec![Value::Null]),
            (Kind::Empty, Operand::Literal(value)) if flag(value) == Some(true) => Some(vec![
                Value::Null,
                Value::from(""),
                Value::Array(Vec::new()),
                Value::Object(serde_json::Map::new()),
            ]),
            _ => None,
        }
    }

    /// The types of values for which it can hold, of which it leaves the others out. `None` where it may hold for all.
    fn types(&self) -> Option<Vec<&str>> {
        use OperatorKind as Kind;
        if self.turned {
            return None;
        }
        match (self.operator.kind, &self.operator.operand) {
            (Kind::Gt | Kind::Gte | Kind::Lt | Kind::Lte | Kind::Between, _) => Some(vec!["number"]),
            (Kind::StartsWith | Kind::EndsWith | Kind::Matches | Kind::Before | Kind::After | Kind::InHours, _) => {
                Some(vec!["text"])
            }
            (Kind::Contains, _) => Some(vec!["text", "list"]),
            (Kind::Length, _) => Some(vec!["text", "list", "object"]),
            (Kind::Type, Operand::Literal(Value::String(word))) => Some(vec![word]),
            _ => None,
        }
    }
}

/// Whether no value at all fits every claim. `choices` are all that there can be, where that is known.
fn is_impossible(claims: &[Claim<'_>], choices: Option<&[Value]>) -> bool {
    let fits = |value: &Value| claims.iter().all(|claim| claim.holds_for(value) != Some(false));
    if let Some(values) = claims.iter().filter_map(Claim::values).min_by_key(Vec::len) {
        // A literal that the schema does not know has been told already.
        return !values.iter().any(fits) && claims.len() > 1;
    }
    if let Some(choices) = choices.filter(|_| claims.iter().all(asks_of_choices))
        && !choices.iter().any(fits)
    {
        return true;
    }
    let mut types = claims.iter().filter_map(Claim::types);
    if let Some(first) = types.next() {
        let rest: Vec<Vec<&str>> = types.collect();
        if !first.iter().any(|kind| rest.iter().all(|types| types.contains(kind))) {
            return true;
        }
    }
    no_number(claims) || no_time(claims) || no_text(claims) || no_length(claims)
}

/// Whether the schema's words cannot be wrong for the claim by their type, which is told elsewhere.
fn asks_of_choices(claim: &Claim<'_>) -> bool {
    use OperatorKind as Kind;
    claim.turned
        || matches!(claim.operator.kind, Kind::Not | Kind::StartsWith | Kind::EndsWith | Kind::Matches | Kind::Contains)
}

/// Ends of a span, each with whether it belongs to it.
#[derive(Default)]
struct Span {
    low: Option<(f64, bool)>,
    high: Option<(f64, bool)>,
}

impl Span {
    fn above(&mut self, end: f64, itself: bool) {
        if self.low.is_none_or(|(low, included)| end > low || (end >= low && included && !itself)) {
            self.low = Some((end, itself));
        }
    }

    fn below(&mut self, end: f64, itself: bool) {
        if self.high.is_none_or(|(high, included)| end < high || (end <= high && included && !itself)) {
            self.high = Some((end, itself));
        }
    }

    fn is_empty(&self) -> bool {
        match (self.low, self.high) {
            (Some((low, of_low)), Some((high, of_high))) => low > high || (low >= high && !(of_low && of_high)),
            _ => false,
        }
    }
}

fn no_number(claims: &[Claim<'_>]) -> bool {
    use OperatorKind as Kind;
    let mut span = Span::default();
    for claim in claims {
        let Some(literal) = claim.literal() else { continue };
        match (claim.operator.kind, literal.as_f64(), literal.as_array().map(Vec::as_slice)) {
            (Kind::Gt, Some(end), _) => span.above(end, false),
            (Kind::Gte, Some(end), _) => span.above(end, true),
            (Kind::Lt, Some(end), _) => span.below(end, false),
            (Kind::Lte, Some(end), _) => span.below(end, true),
            (Kind::Between, _, Some([low, high])) => {
                if let Some(low) = low.as_f64() {
                    span.above(low, true);
                }
                if let Some(high) = high.as_f64() {
                    span.below(high, true);
                }
            }
            _ => {}
        }
    }
    span.is_empty()
}

/// Times as they stand, and times as seen from now: a mix of them is never certain.
fn no_time(claims: &[Claim<'_>]) -> bool {
    let mut fixed = Span::default();
    let mut ago = Span::default();
    for claim in claims.iter().filter(|claim| !claim.turned) {
        let at = match &claim.operator.operand {
            Operand::Literal(Value::String(text)) => Time::parse(text).map(|at| (&mut fixed, at.0)),
            Operand::Ago(millis) => Some((&mut ago, millis.saturating_neg())),
            _ => None,
        };
        let Some((span, at)) = at else { continue };
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of any year that can be written are exact")]
        let at = at as f64;
        match claim.operator.kind {
            OperatorKind::After => span.above(at, false),
            OperatorKind::Before => span.below(at, false),
            _ => {}
        }
    }
    fixed.is_empty() || ago.is_empty()
}

fn no_text(claims: &[Claim<'_>]) -> bool {
    let parts = |kind: OperatorKind| {
        let of_kind = claims.iter().filter(move |claim| claim.operator.kind == kind && !claim.ignore_case);
        of_kind.filter_map(|claim| claim.literal()?.as_str()).collect::<Vec<_>>()
    };
    let clash = |parts: &[&str], agree: fn(&str, &str) -> bool| {
        parts.iter().any(|one| parts.iter().any(|other| !agree(one, other) && !agree(other, one)))
    };
    clash(&parts(OperatorKind::StartsWith), |one, other| one.starts_with(other))
        || clash(&parts(OperatorKind::EndsWith), |one, other| one.ends_with(other))
}

fn no_length(claims: &[Claim<'_>]) -> bool {
    let lengths = || claims.iter().filter(|claim| claim.operator.kind == OperatorKind::Length && !claim.turned);
    let nested: Vec<Claim<'_>> = lengths()
        .filter_map(|claim| match &claim.operator.operand {
            Operand::Operators(list) => Some(list.iter().map(|operator| Claim { operator, ..*claim })),
            _ => None,
        })
        .flatten()
        .collect();
    let exact: Vec<&Value> = lengths().filter_map(Claim::literal).collect();
    match exact.as_slice() {
        [] => !nested.is_empty() && is_impossible(&nested, None),
        [first, rest @ ..] => {
            rest.iter().any(|other| !same(first, other))
                || nested.iter().any(|claim| claim.holds_for(first) == Some(false))
        }
    }
}

#[cfg(test)]
mod tests;
