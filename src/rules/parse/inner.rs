//! Reads the steps that stay inside: `for_each`, `profile`, `record`, `emit` and `vars`.

use std::ops::RangeInclusive;

use super::{
    span::{needed, read_var_name, read_whole},
    step::{read_pairs, read_steps},
};
use crate::{
    model::{EventType, Keeper},
    rules::{
        AttributesStep, StepKind, codes, keys,
        reader::{Node, Reader, has_template},
    },
    templates::{Leaf, Tree},
    value::{Object, Value, type_name},
};

/// Turns of one loop; all loops of a run have 10,000 by language.md.
const TURNS: RangeInclusive<u32> = 1..=10_000;
/// Turns of a loop that sets no limit.
const STANDARD_TURNS: u32 = 100;
/// Characters of an attribute's name.
const ATTRIBUTE: usize = 100;

/// Reads a loop: `for_each`, `as`, `limit` and `do` stand side by side in its step.
pub(super) fn read_for_each<'a>(reader: &Reader<'a>, step: &Node<'a>, node: &Node<'a>) -> Option<StepKind> {
    let limit = match step.get("limit") {
        Some(inner) => read_whole(reader, &inner, "`limit` of `for_each`", &TURNS),
        None => Some(STANDARD_TURNS),
    };
    let list = read_list(reader, node, limit);
    let name = needed(reader, step, "`for_each`", "as", "name what one turn is about: `as: ticket`")
        .and_then(|inner| read_turn_name(reader, &inner));
    let steps = needed(reader, step, "`for_each`", "do", "write the steps of one turn under `do:`")
        .map(|inner| read_steps(reader, &inner, "`do`"));
    Some(StepKind::ForEach { list: list?, name: name?, limit: limit?, steps: steps? })
}

fn read_list<'a>(reader: &Reader<'a>, node: &Node<'a>, limit: Option<u32>) -> Option<Tree> {
    let help = "write a template that gives a list, such as \"{{ steps.find.result }}\", or a list";
    let wrong = |message: String| {
        reader.error(codes::WRONG_TYPE, reader.place(node), message, help);
        None
    };
    match node.value {
        Value::Array(list) => {
            if let Some(limit) = limit
                && u32::try_from(list.len()).map_or(true, |count| count > limit)
            {
                let message = format!("this list has {} elements, and `limit` is {limit}", list.len());
                reader.error(codes::RANGE, reader.place(node), message, "set a higher `limit`");
                return None;
            }
            reader.tree(node)
        }
        value if value.is_string() && has_template(value) => match reader.tree(node)? {
            Tree::Leaf(Leaf::Text(_), _) => wrong("`for_each` needs a list, and this template gives text".to_owned()),
            tree => Some(tree),
        },
        other => wrong(format!("`for_each` needs a list, not {}", type_name(other))),
    }
}

fn read_turn_name<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<String> {
    let name = reader.text(node, "`as`")?;
    if !keys::is_id(name) {
        let message = format!("`{}` cannot be the name of a turn's element", keys::shortened(name));
        let help = "use a small letter, then small letters, digits and `_`; 64 at most";
        reader.error(codes::NAME, reader.place(node), message, help);
        return None;
    }
    Some(name.to_owned())
}

/// Reads `profile` and `record`.
pub(super) fn read_attributes<'a>(reader: &Reader<'a>, node: &Node<'a>, keeper: Keeper) -> Option<StepKind> {
    let (what, own, example) = match keeper {
        Keeper::Profile => ("`profile`", "email", "write `email: \"{{ event.user.email }}\"`"),
        Keeper::Record => ("`record`", "key", "write `key: \"ticket:{{ event.number }}\"`"),
    };
    reader.object(node, what)?;
    let before = reader.count();
    let foreign =
        [("increment", "`add`"), ("unset", "`remove`"), ("delete", "`remove`"), ("push", "`append`"), ("id", own)];
    let foreign = foreign.map(|(theirs, ours)| (theirs, if ours == own { keeper_word(keeper) } else { ours }));
    reader.only_keys(node, &[own, "set", "add", "append", "remove"], what, &foreign);
    let key = needed(reader, node, what, own, example).and_then(|inner| read_key(reader, &inner, keeper));
    let pairs = |name: &str| node.get(name).map(|inner| read_named(reader, &inner, name)).unwrap_or_default();
    let (set, add, append) = (pairs("set"), pairs("add"), pairs("append"));
    if let Some(inner) = node.get("add") {
        add_numbers(reader, &inner);
    }
    let remove = node.get("remove").map(|inner| read_names(reader, &inner)).unwrap_or_default();
    (reader.count() == before).then_some(())?;
    Some(StepKind::Attributes(Box::new(AttributesStep { keeper, key: key?, set, add, append, remove })))
}

fn keeper_word(keeper: Keeper) -> &'static str {
    match keeper {
        Keeper::Profile => "`email`",
        Keeper::Record => "`key`",
    }
}

fn read_key<'a>(reader: &Reader<'a>, node: &Node<'a>, keeper: Keeper) -> Option<Leaf> {
    let word = keeper_word(keeper);
    let plain = node.value.is_string() || (keeper == Keeper::Record && node.value.is_number());
    if !plain {
        reader.wrong_type(node, &format!("{word} must be text"));
        return None;
    }
    let text = node.value.as_str().unwrap_or("0");
    let fits = if keeper == Keeper::Profile { text.contains('@') } else { !text.trim().is_empty() };
    if !fits && !has_template(node.value) {
        let message = format!("`{}` cannot be {word}", keys::shortened(text));
        let help = if keeper == Keeper::Profile { "write an e-mail address, or a template that gives one" } else { "" };
        reader.error(codes::INPUT_VALUE, reader.place(node), message, help);
        return None;
    }
    reader.leaf(node)
}

fn read_named<'a>(reader: &Reader<'a>, node: &Node<'a>, name: &str) -> Vec<(String, Tree)> {
    for name in node.value.as_object().into_iter().flat_map(Object::keys) {
        check_attribute(reader, &node.child(name), name);
    }
    read_pairs(reader, node, &format!("`{name}`"))
}

/// Says where an attribute cannot be called so.
fn check_attribute(reader: &Reader<'_>, node: &Node<'_>, name: &str) {
    if name.is_empty() || name.chars().count() > ATTRIBUTE || name.chars().any(char::is_control) || name.contains("{{")
    {
        let message = format!("`{}` cannot be the name of an attribute", keys::shortened(name));
        let help = format!("a name is literal, one line, {ATTRIBUTE} characters at most");
        reader.error(codes::NAME, reader.key_place(node), message, help);
    }
}

/// What is added is a number; of a template nobody knows before it is rendered.
fn add_numbers(reader: &Reader<'_>, node: &Node<'_>) {
    for name in node.value.as_object().into_iter().flat_map(Object::keys) {
        let inner = node.child(name);
        if !inner.value.is_number() && !has_template(inner.value) {
            reader.wrong_type(&inner, &format!("`add` counts: `{name}` must be a number"));
        }
    }
}

fn read_names<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Vec<String> {
    let Some(list) = reader.list(node, "`remove`") else { return Vec::new() };
    let nodes = (0..).zip(list).map(|(index, value)| node.element(index, value));
    let names = nodes.filter_map(|node| {
        let name = reader.text(&node, "a name to remove")?;
        if has_template(node.value) {
            let help = "name the attributes themselves";
            reader.error(codes::NOT_LITERAL, reader.place(&node), "what is removed must be literal", help);
            return None;
        }
        Some(name.to_owned())
    });
    names.collect()
}

/// Reads an event of the rule's own.
pub(super) fn read_emit<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<StepKind> {
    reader.object(node, "`emit`")?;
    let foreign = [("event", "`type`"), ("name", "`type`"), ("payload", "`data`"), ("json", "`data`")];
    reader.only_keys(node, &["type", "data"], "`emit`", &foreign);
    let kind = needed(reader, node, "`emit`", "type", "write `type: calls.escalated`")
        .and_then(|inner| read_emit_type(reader, &inner));
    let data = match node.get("data") {
        Some(inner) => read_data(reader, &inner),
        None => Some(Tree::Map(Vec::new())),
    };
    Some(StepKind::Emit { kind: kind?, data: data? })
}

fn read_emit_type<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<String> {
    let kind = reader.text(node, "the type of an event")?;
    let at = reader.place(node);
    if has_template(node.value) {
        let help = "make it two steps with an `if` each, or put the difference into `data`";
        reader.error(codes::NOT_LITERAL, at, "the type of an event must be literal", help);
        return None;
    }
    let shown = keys::shortened(kind);
    if kind.parse::<EventType>().is_err() {
        let help = "an event type is a name, a dot and what happened, such as calls.escalated";
        reader.error(codes::EMIT_TYPE, at, format!("`{shown}` is no event type"), help);
        return None;
    }
    let family = kind.split('.').next().unwrap_or_default();
    if reader.vocabulary.has_service(family) {
        let message = format!("`{shown}` would look like an event of {family} itself");
        let help = "give it a name of your own before the dot, such as calls.escalated";
        reader.error(codes::EMIT_TYPE, at, message, help);
        return None;
    }
    Some(kind.to_owned())
}

fn read_data<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<Tree> {
    let templated = node.value.is_string() && has_template(node.value);
    if !node.value.is_object() && !templated {
        reader.wrong_type(node, "`data` must be a map: it becomes the payload");
        return None;
    }
    match reader.tree(node)? {
        Tree::Leaf(Leaf::Text(_), _) => {
            reader.wrong_type(node, "`data` must be a map, or exactly one template that gives one");
            None
        }
        tree => Some(tree),
    }
}

/// Reads a step that writes vars.
pub(super) fn read_vars_step<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<StepKind> {
    let object = reader.object(node, "`vars`")?;
    if object.is_empty() {
        reader.error(codes::RANGE, reader.place(node), "this step writes no var", "write `vars: { name: value }`");
        return None;
    }
    let mut written = Vec::with_capacity(object.len());
    for name in object.keys() {
        let inner = node.child(name);
        let Some(name) = read_var_name(reader, &inner, name) else { continue };
        written.extend(reader.tree(&inner).map(|tree| (name.to_owned(), tree)));
    }
    (written.len() == object.len()).then_some(StepKind::Vars(written))
}
