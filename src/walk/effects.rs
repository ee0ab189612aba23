//! What a `profile`, `record` or `emit` step does, rendered.

use super::fault::Fault;
use crate::{
    model::{Change, Effect, Keeper},
    rules::AttributesStep,
    templates::{Context, Sink, Tree},
    value::{Object, Value, type_name},
};

/// Characters of an e-mail or a key.
const KEY_CHARACTERS: usize = 512;

/// What a `profile` or `record` step does.
pub(super) fn attributes(step: &AttributesStep, context: &Context<'_>) -> Result<Effect, Fault> {
    let key = key(step.keeper, &step.key.render(context, Sink::Plain)?)?;
    let mut add = Object::new();
    for (name, value) in object(&step.add, context)? {
        let amount = number(&value)
            .ok_or_else(|| Fault::input(format!("`add` of `{name}`: a number wanted, {} seen", type_name(&value))))?;
        add.insert(name, amount);
    }
    let change = Change {
        set: object(&step.set, context)?,
        add,
        append: object(&step.append, context)?,
        remove: step.remove.clone(),
    };
    Ok(Effect::Attributes { keeper: step.keeper, key, change })
}

/// What an `emit` step does.
pub(super) fn emit(kind: &str, data: &Tree, context: &Context<'_>) -> Result<Effect, Fault> {
    let data = data.render(context, Sink::Plain)?;
    if !data.is_object() {
        return Err(Fault::input(format!("`data` of `emit`: an object wanted, {} seen", type_name(&data))));
    }
    Ok(Effect::Emit { kind: kind.to_owned(), data })
}

fn key(keeper: Keeper, value: &Value) -> Result<String, Fault> {
    let what = match keeper {
        Keeper::Profile => "`email` of `profile`",
        Keeper::Record => "`key` of `record`",
    };
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        other => return Err(Fault::input(format!("{what}: text wanted, {} seen", type_name(other)))),
    };
    if text.trim().is_empty() {
        return Err(Fault::input(format!("{what} is empty")));
    }
    if text.chars().nth(KEY_CHARACTERS).is_some() {
        return Err(Fault::input(format!("{what} is longer than {KEY_CHARACTERS} characters")));
    }
    Ok(if keeper == Keeper::Profile { text.to_lowercase() } else { text })
}

fn object(trees: &[(String, Tree)], context: &Context<'_>) -> Result<Object, Fault> {
    trees.iter().map(|(name, tree)| Ok((name.clone(), tree.render(context, Sink::Plain)?))).collect()
}

/// A number, or text that is exactly one, as for any input.
fn number(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => serde_json::from_str(text).ok().filter(Value::is_number),
        _ => None,
    }
}
