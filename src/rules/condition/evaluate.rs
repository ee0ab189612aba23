//! Whether a condition holds, and what it saw if not.

use std::cmp::Ordering;

use super::{
    Condition, Operand, Operator, OperatorKind, Scope, Test,
    shown::{shown, shown_operand, shown_operators},
};
use crate::{
    clock::Time,
    model::Evidence,
    rules::pattern::{self, Pattern},
    templates::Tree,
    value::{Value, compare_numbers, same, type_name},
};

/// Why something does not hold.
pub(super) enum Miss {
    /// It is false; `not` makes it true.
    False(Box<Evidence>),
    /// A var or a template failed: false, and `not` does not make it true.
    Broken(Box<Evidence>),
}

impl Miss {
    /// What it saw.
    pub(super) fn into_evidence(self) -> Box<Evidence> {
        match self {
            Self::False(evidence) | Self::Broken(evidence) => evidence,
        }
    }
}

impl Condition {
    /// Whether it holds. `Err` is the first test that did not, with the value it saw.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<(), Evidence> {
        self.check(scope).map_err(|miss| *miss.into_evidence())
    }

    fn check(&self, scope: &dyn Scope) -> Result<(), Miss> {
        match self {
            Self::All(list) => list.iter().try_for_each(|condition| condition.check(scope)),
            Self::Any(list) => any(list, scope),
            Self::Not(inner) => inverted(inner, inner.check(scope), scope),
            Self::Test(test) => test.check(scope),
        }
    }
}

fn any(list: &[Condition], scope: &dyn Scope) -> Result<(), Miss> {
    let mut first: Option<Box<Evidence>> = None;
    for condition in list {
        match condition.check(scope) {
            Ok(()) => return Ok(()),
            Err(miss) => first = first.or(Some(miss.into_evidence())),
        }
    }
    Err(none_held(list, first))
}

/// What `any` says where none of `list` held; `first` is what the first of them saw.
pub(super) fn none_held(list: &[Condition], first: Option<Box<Evidence>>) -> Miss {
    let mut evidence = first.unwrap_or_else(|| {
        Box::new(Evidence {
            path: String::new(),
            operator: "any".to_owned(),
            wanted: Value::Null,
            seen: Value::Null,
            note: String::new(),
        })
    });
    let why = format!("none of {} alternatives held", list.len());
    evidence.note = if evidence.note.is_empty() { why } else { format!("{why}; {}", evidence.note) };
    Miss::False(evidence)
}

/// What `not` makes of what the condition below it said.
pub(super) fn inverted(inner: &Condition, said: Result<(), Miss>, scope: &dyn Scope) -> Result<(), Miss> {
    match said {
        Err(Miss::False(_)) => Ok(()),
        Err(broken) => Err(broken),
        Ok(()) if !scope.explains() => Err(Miss::False(Box::default())),
        Ok(()) => Err(Miss::False(Box::new(held(inner, scope)))),
    }
}

/// What a condition under `not` saw when it held.
fn held(inner: &Condition, scope: &dyn Scope) -> Evidence {
    let mut first = None;
    inner.each_test(&mut |test| first = first.or(Some(test)));
    let Some(test) = first else {
        let note = "an empty condition always holds".to_owned();
        let operator = "not".to_owned();
        return Evidence { path: String::new(), operator, wanted: Value::Null, seen: Value::Null, note };
    };
    let seen = test.root(scope).unwrap_or_default().and_then(|root| {
        let segments = test.path.below_root();
        crate::value::find_all_in(segments, root).into_iter().next()
    });
    Evidence {
        path: test.path.to_string(),
        operator: "not".to_owned(),
        wanted: shown_operators(&test.operators),
        seen: shown(seen),
        note: "this held, and `not` wants that it does not".to_owned(),
    }
}

/// What an operator said.
pub(super) struct Said<'o> {
    wanted: Wanted<'o>,
    pub(super) holds: bool,
    note: String,
}

/// A right side, rendered.
pub(super) enum Wanted<'o> {
    Literal(&'o Value),
    Rendered(Value),
    Operators(Vec<(&'o Operator, Wanted<'o>)>),
    Pattern(&'o Pattern),
    Made(Pattern),
    Instant(Time),
    Hours(&'o Operator),
}

impl Test {
    fn root<'s>(&self, scope: &'s dyn Scope) -> Result<Option<&'s Value>, String> {
        self.path.root().map_or(Ok(None), |root| scope.root(root, self.path.below_root()))
    }

    fn check(&self, scope: &dyn Scope) -> Result<(), Miss> {
        let (one, several);
        let seen: &[Option<&Value>] = if self.path.has_any() {
            several = self.seen(scope).map_err(Miss::Broken)?;
            &several
        } else {
            one = [self.one(scope).map_err(Miss::Broken)?];
            &one
        };
        self.operators.iter().try_for_each(|operator| match self.ask(operator, seen, scope) {
            Ok(said) if said.holds => Ok(()),
            Ok(_) if !scope.explains() => Err(Miss::False(Box::default())),
            said => Err(self.missed(operator, seen, said)),
        })
    }

    /// The values at its path, null as nothing; never empty. `Err` where what the path begins with could not be computed.
    pub(super) fn seen<'s>(&self, scope: &'s dyn Scope) -> Result<Vec<Option<&'s Value>>, Box<Evidence>> {
        if !self.path.has_any() {
            return Ok(vec![self.one(scope)?]);
        }
        let found = self.rooted(scope)?.map(|root| crate::value::find_all_in(self.path.below_root(), root));
        let mut seen: Vec<Option<&Value>> = found.unwrap_or_default().into_iter().map(present).collect();
        if seen.is_empty() {
            seen.push(None);
        }
        Ok(seen)
    }

    /// The value at a path without `*`.
    fn one<'s>(&self, scope: &'s dyn Scope) -> Result<Option<&'s Value>, Box<Evidence>> {
        Ok(self.rooted(scope)?.and_then(|root| crate::value::find_in(self.path.below_root(), root)).and_then(present))
    }

    fn rooted<'s>(&self, scope: &'s dyn Scope) -> Result<Option<&'s Value>, Box<Evidence>> {
        self.root(scope).map_err(|why| self.boxed(self.operators.first(), None, None, why))
    }

    /// What one operator says to the values at the path. `Err`: its right side could not be rendered.
    pub(super) fn ask<'o>(
        &self,
        operator: &'o Operator,
        seen: &[Option<&Value>],
        scope: &dyn Scope,
    ) -> Result<Said<'o>, String> {
        let wanted = want(operator, scope, self.ignore_case)?;
        let mut note = String::new();
        let asked = Asked { operator, wanted: &wanted, ignore_case: self.ignore_case, scope };
        let holds = asked.holds_for_one(seen, &mut note);
        Ok(Said { wanted, holds, note })
    }

    /// Why an operator that did not hold did not.
    pub(super) fn missed(&self, operator: &Operator, seen: &[Option<&Value>], said: Result<Said<'_>, String>) -> Miss {
        let first = seen.first().copied().flatten();
        match said {
            Ok(said) => Miss::False(self.boxed(Some(operator), first, Some(&said.wanted), said.note)),
            Err(why) => Miss::Broken(self.boxed(Some(operator), first, None, why)),
        }
    }

    /// What an operator that held wanted and saw: of several values the first that makes it hold.
    pub(super) fn met(
        &self,
        operator: &Operator,
        seen: &[Option<&Value>],
        said: &Said<'_>,
        scope: &dyn Scope,
    ) -> Box<Evidence> {
        let asked = Asked { operator, wanted: &said.wanted, ignore_case: self.ignore_case, scope };
        let holder = seen.iter().find(|value| asked.holds_for_one(&[**value], &mut String::new()));
        let shown = holder.or(seen.first()).copied().flatten();
        self.boxed(Some(operator), shown, Some(&said.wanted), String::new())
    }

    pub(super) fn boxed(
        &self,
        operator: Option<&Operator>,
        seen: Option<&Value>,
        wanted: Option<&Wanted<'_>>,
        note: String,
    ) -> Box<Evidence> {
        let as_written = || operator.map_or(Value::Null, |operator| shown_operand(&operator.operand));
        Box::new(Evidence {
            path: self.path.to_string(),
            operator: operator.map_or_else(String::new, |operator| operator.name.to_owned()),
            wanted: wanted.and_then(shown_wanted).unwrap_or_else(as_written),
            seen: shown(seen),
            note,
        })
    }
}

/// Whether one operator holds for a value.
pub(super) fn one_holds(operator: &Operator, seen: Option<&Value>, ignore_case: bool, scope: &dyn Scope) -> bool {
    let Ok(wanted) = want(operator, scope, ignore_case) else { return false };
    let asked = Asked { operator, wanted: &wanted, ignore_case, scope };
    asked.holds_for_one(&[seen.and_then(present)], &mut String::new())
}

/// Null and missing are the same in conditions.
fn present(value: &Value) -> Option<&Value> {
    (!value.is_null()).then_some(value)
}

fn want<'o>(operator: &'o Operator, scope: &dyn Scope, ignore_case: bool) -> Result<Wanted<'o>, String> {
    Ok(match &operator.operand {
        Operand::Literal(Value::String(text)) if is_about_time(operator.kind) => {
            Wanted::Instant(Time::parse(text).ok_or_else(|| format!("`{text}` is no time"))?)
        }
        Operand::Literal(value) => Wanted::Literal(value),
        Operand::Template(leaf) => {
            let value = scope.render(leaf).map_err(|error| error.message)?;
            return rendered(operator.kind, value, scope, ignore_case);
        }
        Operand::Tree(tree) => Wanted::Rendered(render(tree, scope)?),
        Operand::Operators(list) => Wanted::Operators(
            list.iter()
                .map(|operator| Ok((operator, want(operator, scope, ignore_case)?)))
                .collect::<Result<_, String>>()?,
        ),
        Operand::Pattern(regex) => Wanted::Pattern(regex),
        Operand::Ago(millis) => Wanted::Instant(Time(scope.now().0.saturating_sub(*millis))),
        Operand::Hours(..) => Wanted::Hours(operator),
    })
}

fn rendered<'o>(kind: OperatorKind, value: Value, scope: &dyn Scope, ignore_case: bool) -> Result<Wanted<'o>, String> {
    let text = match &value {
        Value::String(text) => text,
        _ if kind == OperatorKind::Matches || is_about_time(kind) => {
            return Err(format!("text wanted on the right, {} seen", type_name(&value)));
        }
        _ => return Ok(Wanted::Rendered(value)),
    };
    if kind == OperatorKind::Matches {
        return pattern::compile(text, ignore_case).map(Wanted::Made).map_err(|fault| fault.message);
    }
    if !is_about_time(kind) {
        return Ok(Wanted::Rendered(value));
    }
    let ago = crate::rules::duration::parse_ago(text).map(|millis| Time(scope.now().0.saturating_sub(millis)));
    ago.or_else(|| Time::parse(text)).map(Wanted::Instant).ok_or_else(|| format!("`{text}` is no time"))
}

fn is_about_time(kind: OperatorKind) -> bool {
    matches!(kind, OperatorKind::Before | OperatorKind::After)
}

fn render(tree: &Tree, scope: &dyn Scope) -> Result<Value, String> {
    Ok(match tree {
        Tree::Leaf(leaf, _) => scope.render(leaf).map_err(|error| error.message)?,
        Tree::List(list) => Value::Array(list.iter().map(|tree| render(tree, scope)).collect::<Result<_, _>>()?),
        Tree::Map(map) => Value::Object(
            map.iter().map(|(name, tree)| Ok((name.clone(), render(tree, scope)?))).collect::<Result<_, String>>()?,
        ),
    })
}

/// One operator with its rendered right side.
#[derive(Clone, Copy)]
struct Asked<'a> {
    operator: &'a Operator,
    wanted: &'a Wanted<'a>,
    ignore_case: bool,
    scope: &'a dyn Scope,
}

impl Asked<'_> {
    fn holds_for_one(&self, seen: &[Option<&Value>], note: &mut String) -> bool {
        match (self.operator.kind, self.wanted) {
            // `not` holds if no element satisfies what it holds.
            (OperatorKind::Not, Wanted::Operators(list)) => {
                !seen.iter().any(|value| self.all_hold(list, *value, &mut String::new()))
            }
            _ => seen.iter().any(|value| self.holds(*value, note)),
        }
    }

    fn all_hold(&self, list: &[(&Operator, Wanted<'_>)], seen: Option<&Value>, note: &mut String) -> bool {
        list.iter().all(|(operator, wanted)| Asked { operator, wanted, ..*self }.holds_for_one(&[seen], note))
    }

    fn holds(&self, seen: Option<&Value>, note: &mut String) -> bool {
        use OperatorKind as Kind;
        match (self.operator.kind, self.value(), seen) {
            (Kind::Exists, Some(wanted), _) => wanted.as_bool() == Some(seen.is_some()),
            (Kind::Empty, Some(wanted), _) => wanted.as_bool() == Some(seen.is_none_or(is_empty)),
            (Kind::Is, Some(Value::Null), _) => seen.is_none(),
            (_, _, None) => false,
            (Kind::Is, Some(wanted), Some(seen)) => {
                if !wanted.is_object() && !seen.is_object() && type_name(wanted) != type_name(seen) {
                    mismatch(note, type_name(wanted), seen);
                }
                self.same(seen, wanted)
            }
            (Kind::In, Some(Value::Array(list)), Some(seen)) => list.iter().any(|wanted| self.same(seen, wanted)),
            (Kind::Between, Some(Value::Array(ends)), Some(seen)) => match ends.as_slice() {
                [low, high] => {
                    order(seen, low, note).is_some_and(Ordering::is_ge)
                        && order(seen, high, note).is_some_and(Ordering::is_le)
                }
                _ => false,
            },
            (Kind::Gt, Some(wanted), Some(seen)) => order(seen, wanted, note).is_some_and(Ordering::is_gt),
            (Kind::Gte, Some(wanted), Some(seen)) => order(seen, wanted, note).is_some_and(Ordering::is_ge),
            (Kind::Lt, Some(wanted), Some(seen)) => order(seen, wanted, note).is_some_and(Ordering::is_lt),
            (Kind::Lte, Some(wanted), Some(seen)) => order(seen, wanted, note).is_some_and(Ordering::is_le),
            (Kind::Contains, Some(wanted), Some(Value::Array(list))) => list.iter().any(|one| self.same(one, wanted)),
            (Kind::Contains | Kind::StartsWith | Kind::EndsWith, Some(wanted), Some(seen)) => {
                self.text(seen, wanted, note)
            }
            (Kind::Type, Some(wanted), Some(seen)) => wanted.as_str() == Some(type_name(seen)),
            (Kind::Length, _, Some(seen)) => self.length(seen, note),
            (_, _, Some(seen)) => self.other(seen, note),
        }
    }

    fn value(&self) -> Option<&Value> {
        match self.wanted {
            Wanted::Literal(value) => Some(value),
            Wanted::Rendered(value) => Some(value),
            _ => None,
        }
    }

    /// Patterns, times and hours.
    fn other(&self, seen: &Value, note: &mut String) -> bool {
        match self.wanted {
            Wanted::Pattern(regex) => matches_text(regex, seen, note),
            Wanted::Made(regex) => matches_text(regex, seen, note),
            Wanted::Instant(wanted) => {
                let Some(at) = seen.as_str().and_then(Time::parse) else {
                    mismatch(note, "time", seen);
                    return false;
                };
                if self.operator.kind == OperatorKind::Before { at < *wanted } else { at > *wanted }
            }
            Wanted::Hours(Operator { operand: Operand::Hours(name, hours), .. }) => {
                let Some(at) = seen.as_str().and_then(Time::parse) else {
                    mismatch(note, "time", seen);
                    return false;
                };
                let inside =
                    hours.as_ref().map_or_else(|| self.scope.in_hours(name, seen), |hours| Ok(hours.contain(at)));
                inside.unwrap_or_else(|why| {
                    *note = why;
                    false
                })
            }
            _ => {
                mismatch(note, wanted_type(self.operator.kind), self.value().unwrap_or(&Value::Null));
                note.push_str(" on the right");
                false
            }
        }
    }

    fn same(&self, left: &Value, right: &Value) -> bool {
        match (left, right) {
            (Value::String(left), Value::String(right)) if self.ignore_case => {
                left.to_lowercase() == right.to_lowercase()
            }
            (left, right) => same(left, right),
        }
    }

    fn text(&self, seen: &Value, wanted: &Value, note: &mut String) -> bool {
        let (Value::String(text), Value::String(part)) = (seen, wanted) else {
            mismatch(note, "text", if seen.is_string() { wanted } else { seen });
            return false;
        };
        let check = |text: &str, part: &str| match self.operator.kind {
            OperatorKind::StartsWith => text.starts_with(part),
            OperatorKind::EndsWith => text.ends_with(part),
            _ => text.contains(part),
        };
        if self.ignore_case { check(&text.to_lowercase(), &part.to_lowercase()) } else { check(text, part) }
    }

    fn length(&self, seen: &Value, note: &mut String) -> bool {
        let length = match seen {
            Value::String(text) => text.chars().count(),
            Value::Array(list) => list.len(),
            Value::Object(object) => object.len(),
            other => {
                mismatch(note, "text, list or object", other);
                return false;
            }
        };
        let length = Value::from(length);
        let holds = match self.wanted {
            Wanted::Operators(list) => self.all_hold(list, Some(&length), note),
            _ => self.value().is_some_and(|wanted| same(&length, wanted)),
        };
        if !holds && note.is_empty() {
            *note = format!("the length is {length}");
        }
        holds
    }
}

fn wanted_type(kind: OperatorKind) -> &'static str {
    match kind {
        OperatorKind::In | OperatorKind::Between => "list",
        OperatorKind::Matches => "text",
        _ => "another value",
    }
}

fn matches_text(regex: &Pattern, seen: &Value, note: &mut String) -> bool {
    let Some(text) = seen.as_str() else {
        mismatch(note, "text", seen);
        return false;
    };
    regex.is_match(text)
}

fn order(seen: &Value, wanted: &Value, note: &mut String) -> Option<Ordering> {
    let (Value::Number(left), Value::Number(right)) = (seen, wanted) else {
        mismatch(note, "number", if seen.is_number() { wanted } else { seen });
        return None;
    };
    compare_numbers(left, right)
}

fn mismatch(note: &mut String, wanted: &str, seen: &Value) {
    *note = format!("{wanted} wanted, {} seen", type_name(seen));
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn shown_wanted(wanted: &Wanted<'_>) -> Option<Value> {
    match wanted {
        Wanted::Rendered(value) => Some(shown(Some(value))),
        Wanted::Made(regex) => Some(shown(Some(&Value::String(regex.as_str().to_owned())))),
        Wanted::Instant(time) => Some(Value::String(time.to_string())),
        Wanted::Literal(_) | Wanted::Operators(_) | Wanted::Pattern(_) | Wanted::Hours(_) => None,
    }
}
