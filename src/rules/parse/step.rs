//! Reads steps: `do`, `then`, `else` and `on_error`.

use super::{http, inner, retry, wait};
use crate::{
    model::{Keeper, StepPath},
    rules::{
        Condition, OnStepError, Retry, Step, StepKind, check, codes,
        condition::parse_condition,
        keys,
        reader::{Node, Reader, has_template},
    },
    templates::Tree,
    value::Value,
};

/// Steps of one rule, by language.md.
const STEPS: usize = 200;

/// Reads a list of steps. Those with findings are left out.
pub(super) fn read_steps<'a>(reader: &Reader<'a>, node: &Node<'a>, what: &str) -> Vec<Step> {
    let Some(list) = reader.list(node, what) else { return Vec::new() };
    let nodes = (0..).zip(list).map(|(index, value)| node.element(index, value));
    nodes.filter_map(|node| read_step(reader, &node)).collect()
}

fn read_step<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<Step> {
    if let Some(name) = node.value.as_str() {
        let help = format!("write `{}: {{ ... }}` with its inputs", keys::shortened(name));
        reader.error(codes::WRONG_TYPE, reader.place(node), "a step must be a map, not text", help);
        return None;
    }
    let object = reader.object(node, "a step")?;
    let before = reader.count();
    reader.steps.set(reader.steps.get() + 1);
    if reader.steps.get() > STEPS {
        if reader.steps.get() == STEPS + 1 {
            let message = format!("more than {STEPS} steps");
            reader.error(codes::TOO_MANY_STEPS, reader.place(node), message, "split the rule into several");
        }
        return None;
    }
    let mut kinds: Vec<&str> = Vec::new();
    for name in object.keys() {
        match name.as_str() {
            "then" | "else" if !kinds.contains(&"then") => kinds.push("then"),
            kind if keys::STEP_KINDS.contains(&kind) => kinds.push(name),
            "as" | "limit" | "do" if object.contains_key("for_each") => {}
            "as" | "limit" => {
                let at = reader.key_place(&node.child(name));
                reader.error(codes::NO_MEANING, at, format!("`{name}` means nothing here"), "it belongs to `for_each`");
            }
            "do" => reader.unknown_key(&node.child(name), name, &["then"], "a step", &[("do", "`then`")]),
            known if keys::STEP.contains(&known) => {}
            action if action.contains('.') => kinds.push(name),
            _ => reader.unknown_key(&node.child(name), name, keys::STEP, "a step", keys::FOREIGN_STEP),
        }
    }
    let id = node.get("id").and_then(|id| read_id(reader, &id));
    let condition = node.get("if").and_then(|inner| parse_condition(reader, &inner, "`if`"));
    if kinds.len() != 1 {
        // What is wrong with the only key of a step has been said already.
        if kinds.len() > 1 || reader.count() == before {
            let found = if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(" and ") };
            let help = format!(
                "give it one action such as groove.add_note, or one of then, {}; make the others steps of their own",
                keys::STEP_KINDS.join(", ")
            );
            reader.error(codes::STEP_KIND, reader.place(node), format!("this step does {found}"), help);
        }
        return None;
    }
    let kind = kinds.first().copied().unwrap_or_default();
    let (kind, keys) = read_kind(reader, node, kind)?;
    let step = Step {
        path: StepPath(node.pointer.trim_start_matches('/').replace('/', ".")),
        id,
        place: reader.place(node),
        condition,
        kind,
        retry: node.get("retry").map_or_else(Retry::default, |inner| retry::read_retry(reader, &inner)),
        timeout: retry::read_step_timeout(reader, node.get("timeout").as_ref()),
        on_error: node.get("on_error").map_or(OnStepError::Stop, |inner| read_on_error(reader, &inner)),
    };
    for name in ["retry", "timeout", "on_error", "connection"] {
        if let Some(inner) = node.get(name).filter(|_| !keys.contains(&name)) {
            let help = match (&step.kind, name) {
                (StepKind::Wait(_), "timeout") => "write `wait: { event: ..., for: 2d }`",
                (_, "on_error") => "this step cannot fail of itself",
                _ => "it belongs to an action or http",
            };
            reader.error(codes::NO_MEANING, reader.key_place(&inner), format!("`{name}` means nothing here"), help);
        }
    }
    (reader.count() == before || !is_broken(&step)).then_some(step)
}

/// A block without its condition would run always.
fn is_broken(step: &Step) -> bool {
    matches!(step.kind, StepKind::Block { .. }) && step.condition.is_none()
}

/// Keys of a step that goes out; `connection` of `http` is refused where it is read.
const SENDS: &[&str] = &["retry", "timeout", "on_error", "connection"];
/// Keys of a step that can fail without going out.
const FAILS: &[&str] = &["on_error"];

/// Reads what a step does, and which of the keys beside it mean something.
fn read_kind<'a>(reader: &Reader<'a>, node: &Node<'a>, kind: &str) -> Option<(StepKind, &'static [&'static str])> {
    let inner = node.child(kind);
    match kind {
        "then" => read_block(reader, node).map(|block| (block, &[][..])),
        "for_each" => inner::read_for_each(reader, node, &inner).map(|kind| (kind, FAILS)),
        "wait" => wait::read_wait(reader, &inner).map(|wait| (StepKind::Wait(Box::new(wait)), FAILS)),
        "profile" => inner::read_attributes(reader, &inner, Keeper::Profile).map(|kind| (kind, FAILS)),
        "record" => inner::read_attributes(reader, &inner, Keeper::Record).map(|kind| (kind, FAILS)),
        "emit" => inner::read_emit(reader, &inner).map(|kind| (kind, FAILS)),
        "vars" => inner::read_vars_step(reader, &inner).map(|kind| (kind, FAILS)),
        "stop" | "fail" => {
            if !inner.value.is_string() {
                reader.wrong_type(&inner, &format!("`{kind}` must be a text that says why"));
                return None;
            }
            let leaf = reader.leaf(&inner)?;
            Some((if kind == "stop" { StepKind::Stop(leaf) } else { StepKind::Fail(leaf) }, &[][..]))
        }
        "http" => {
            if let Some(connection) = node.get("connection") {
                let help = "write the name of a connection as `auth` of http";
                let at = reader.key_place(&connection);
                reader.error(codes::NO_MEANING, at, "`connection` belongs to an action of a service", help);
            }
            http::read_http(reader, &inner).map(|http| (StepKind::Http(Box::new(http)), SENDS))
        }
        action => read_action(reader, node, &inner, action).map(|action| (action, SENDS)),
    }
}

fn read_block<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<StepKind> {
    if node.get("if").is_none() {
        let help = "write `if:` with the condition that chooses between them";
        reader.error(codes::MISSING_KEY, reader.place(node), "`then` and `else` need an `if`", help);
        return None;
    }
    let branch = |name: &str| {
        let steps = node.get(name).map(|inner| read_steps(reader, &inner, &format!("`{name}`")));
        steps.unwrap_or_default()
    };
    Some(StepKind::Block { then: branch("then"), otherwise: branch("else") })
}

fn read_id<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<String> {
    let id = reader.text(node, "`id`")?;
    if !keys::is_id(id) {
        let message = format!("`{}` cannot be an id", keys::shortened(id));
        let help = "an id is a small letter, then small letters, digits and `_`; 64 at most";
        reader.error(codes::NAME, reader.place(node), message, help);
        return None;
    }
    Some(id.to_owned())
}

fn read_on_error<'a>(reader: &Reader<'a>, node: &Node<'a>) -> OnStepError {
    match node.value {
        Value::String(word) if word == "stop" => OnStepError::Stop,
        Value::String(word) if word == "continue" => OnStepError::Continue,
        Value::String(word) => {
            let message = format!("`on_error: {}` is not known", keys::shortened(word));
            reader.error(codes::CHOICE, reader.place(node), message, "write stop, continue, or a list of steps");
            OnStepError::Stop
        }
        Value::Array(_) => OnStepError::Steps(read_steps(reader, node, "`on_error`")),
        _ => {
            reader.wrong_type(node, "`on_error` must be stop, continue, or a list of steps");
            OnStepError::Stop
        }
    }
}

/// Reads an action of a service: `node` are its inputs, `step` what may name its connection.
pub(super) fn read_action<'a>(reader: &Reader<'a>, step: &Node<'a>, node: &Node<'a>, name: &str) -> Option<StepKind> {
    let Some(info) = reader.vocabulary.action(name) else {
        let known = reader.vocabulary.action_names();
        let service = name.split('.').next().unwrap_or_default();
        let message = format!("unknown action `{}`", keys::shortened(name));
        let mut help = keys::suggestion(name, known.iter().map(String::as_str));
        if !reader.vocabulary.has_service(service) && !help.starts_with("did you mean") {
            help = format!("no service is called `{}`", keys::shortened(service));
        }
        reader.error(codes::UNKNOWN_ACTION, reader.key_place(node), message, help);
        return None;
    };
    let connection = match step.get("connection") {
        Some(inner) => Some(read_connection(reader, &inner)?),
        None => None,
    };
    if !node.value.is_null() {
        reader.object(node, &format!("`{name}`"))?;
    }
    let mut inputs = Vec::new();
    for input in node.value.as_object().into_iter().flat_map(serde_json::Map::keys) {
        let inner = node.child(input);
        let Some(known) = info.inputs.iter().find(|known| known.name == *input) else {
            let message = format!("`{name}` has no input `{}`", keys::shortened(input));
            let help = keys::suggestion(input, info.inputs.iter().map(|known| known.name.as_str()));
            reader.error(codes::UNKNOWN_INPUT, reader.key_place(&inner), message, help);
            continue;
        };
        check::literal_input(reader, &inner, known);
        if let Some(tree) = reader.tree(&inner) {
            inputs.push((input.clone(), tree));
        }
    }
    for known in info.inputs.iter().filter(|known| known.required) {
        if node.get(&known.name).is_none() {
            let message = format!("`{name}` needs the input `{}`", known.name);
            let help = if known.help.is_empty() { format!("it is of type {}", known.kind) } else { known.help.clone() };
            reader.error(codes::MISSING_INPUT, reader.key_place(node), message, help);
        }
    }
    Some(StepKind::Action { name: name.to_owned(), inputs, connection })
}

/// Reads the name of a connection.
pub(super) fn read_connection<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<String> {
    let name = reader.text(node, "a connection")?;
    if has_template(node.value) {
        let help = "make it two steps with an `if` each";
        reader.error(codes::NOT_LITERAL, reader.place(node), "the name of a connection must be literal", help);
        return None;
    }
    if !reader.vocabulary.has_connection(name) {
        let name = keys::shortened(name);
        let help = format!(
            "write [connections.{name}] into bellwire.toml; a secret of `http` is `auth: {{ bearer: {name} }}`"
        );
        reader.error(codes::UNKNOWN_CONNECTION, reader.place(node), format!("unknown connection `{name}`"), help);
        return None;
    }
    Some(name.to_owned())
}

/// Reads a map of names to values.
pub(super) fn read_pairs<'a>(reader: &Reader<'a>, node: &Node<'a>, what: &str) -> Vec<(String, Tree)> {
    let Some(object) = reader.object(node, what) else { return Vec::new() };
    let trees = object.keys().filter_map(|name| reader.tree(&node.child(name)).map(|tree| (name.clone(), tree)));
    trees.collect()
}

/// The condition of a step or rule; the empty one where nothing is said.
pub(super) fn read_when<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Condition {
    let when = node.get("when").and_then(|inner| parse_condition(reader, &inner, "`when`"));
    when.unwrap_or_else(|| Condition::All(Vec::new()))
}
