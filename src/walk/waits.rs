//! What a `wait` step waits for, rendered when it begins.

use std::time::Duration;

use serde_json::json;

use super::{Wait, WaitEvent, fault::Fault};
use crate::{
    clock::Time,
    rules::{Condition, Hours, Operand, Operator, OperatorKind, WaitStep, WaitWhat},
    templates::{Context, Files, Leaf, Limits, RenderError, Sink},
    value::{Path, Segment, Value, type_name},
};

/// What a `wait` step waits for that began at `began`.
pub(super) fn wait(step: &WaitStep, context: &Context<'_>, began: Time) -> Result<Wait, Fault> {
    let hours = step.hours.as_ref();
    match &step.what {
        WaitWhat::For(span) => Ok(Wait { until: Some(after(began, *span, hours)?), event: None }),
        WaitWhat::Until(leaf) => {
            let value = leaf.render(context, Sink::Plain)?;
            let until = time(&value, began).ok_or_else(|| {
                let seen = value.as_str().map_or_else(|| type_name(&value).to_owned(), |text| format!("`{text}`"));
                Fault::input(format!("`until`: a time such as 2026-03-01T10:00:00Z wanted, {seen} seen"))
            })?;
            Ok(Wait { until: Some(until), event: None })
        }
        WaitWhat::Event { kinds, when, limit } => {
            let until = limit.map(|limit| after(began, limit, hours)).transpose()?;
            let (pointer, value) = key(when, context)?;
            Ok(Wait { until, event: Some(WaitEvent { kinds: kinds.clone(), pointer, value }) })
        }
    }
}

fn after(began: Time, span: Duration, hours: Option<&Hours>) -> Result<Time, Fault> {
    let Some(hours) = hours else { return Ok(began.plus(span)) };
    let never =
        || Fault::input("the hours are never open for so long; see their `[hours]` in bellwire.toml".to_owned());
    hours.after(began, span).ok_or_else(never)
}

/// RFC 3339, or what the filter `parse_time` takes for a time without a format. `None`: it is no time.
fn time(value: &Value, now: Time) -> Option<Time> {
    if let Some(at) = value.as_str().and_then(Time::parse) {
        return Some(at);
    }
    let filter = Leaf::parse(&json!("{{ at | parse_time }}"), &Files::default()).ok()?;
    let mut context = Context::new(now, Limits::default());
    let read = filter.render(context.set("at", value), Sink::Plain).ok()?;
    read.as_str().and_then(Time::parse)
}

/// What tells the event that is waited for from others: the first equality on `incoming` that always has to hold. Every right side of
/// the condition is rendered, so that one that fails is seen now and not when an event comes.
fn key(when: &Condition, context: &Context<'_>) -> Result<(String, Value), Fault> {
    let mut result = Ok(());
    when.each_test(&mut |test| {
        for operator in &test.operators {
            operator.each(&mut |operator| {
                if result.is_ok() {
                    result = rendered(&operator.operand, context).map(drop);
                }
            });
        }
    });
    result?;
    let mut equalities = Vec::new();
    find_equalities(when, &mut equalities);
    for (pointer, path, operator) in equalities {
        let Some(value) = rendered(&operator.operand, context)? else { continue };
        if matches!(value, Value::Null | Value::Array(_) | Value::Object(_)) {
            // As written it may stand beside a key; as rendered it is a key that came out wrong.
            if matches!(operator.operand, Operand::Literal(_)) {
                continue;
            }
            let seen = type_name(&value);
            return Err(Fault::input(format!(
                "`when` waits for `{path}` to be {seen}, and any event could be that: text, a number or a boolean wanted"
            )));
        }
        return Ok((pointer, value));
    }
    Err(Fault::input("`when` holds no equality on `incoming`, by which the event could be found".to_owned()))
}

/// What a right side is. `None`: neither a value nor a template.
fn rendered(operand: &Operand, context: &Context<'_>) -> Result<Option<Value>, RenderError> {
    Ok(match operand {
        Operand::Literal(value) => Some(value.clone()),
        Operand::Template(leaf) => Some(leaf.render(context, Sink::Plain)?),
        Operand::Tree(tree) => Some(tree.render(context, Sink::Plain)?),
        Operand::Operators(_) | Operand::Pattern(_) | Operand::Ago(_) | Operand::Hours(..) => None,
    })
}

/// The equalities on `incoming` outside of `any` and `not`, with the pointer below it.
fn find_equalities<'c>(condition: &'c Condition, found: &mut Vec<(String, &'c Path, &'c Operator)>) {
    match condition {
        Condition::All(list) => list.iter().for_each(|condition| find_equalities(condition, found)),
        Condition::Any(_) | Condition::Not(_) => {}
        Condition::Test(test) => {
            if test.path.root() != Some("incoming") || test.ignore_case {
                return;
            }
            let Some(pointer) = pointer(test.path.below_root()) else { return };
            let equal = test.operators.iter().filter(|operator| operator.kind == OperatorKind::Is);
            found.extend(equal.map(|operator| (pointer.clone(), &test.path, operator)));
        }
    }
}

/// A place as a JSON pointer. `None` for one with `*`.
fn pointer(segments: &[Segment]) -> Option<String> {
    let mut pointer = String::new();
    for segment in segments {
        pointer.push('/');
        match segment {
            Segment::Name(name) => pointer.push_str(&name.replace('~', "~0").replace('/', "~1")),
            Segment::Index(index) => pointer.push_str(&index.to_string()),
            Segment::Any => return None,
        }
    }
    Some(pointer)
}
