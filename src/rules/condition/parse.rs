//! Reads conditions as they are written.

use super::{Condition, Operand, Operator, OperatorKind, Test};
use crate::{
    rules::{
        codes, duration, keys,
        parse::known_hours,
        pattern::{self, OF_A_SET},
        reader::{Node, Reader, has_template},
    },
    templates::{Leaf, Tree},
    value::{Path, Value, type_name},
};

/// Levels of `all`, `any` and `not`; the depth of the file bounds them too.
const DEPTH: usize = 16;

/// Reads what `when` or `if` holds. `None` where it is no map. What has findings is left out, and the rest is there to be checked: a
/// rule with errors is never run.
pub(crate) fn parse_condition<'a>(reader: &Reader<'a>, node: &Node<'a>, what: &str) -> Option<Condition> {
    condition(reader, node, what, 0)
}

fn condition<'a>(reader: &Reader<'a>, node: &Node<'a>, what: &str, depth: usize) -> Option<Condition> {
    let Some(object) = node.value.as_object() else {
        let help = "write a map such as `event.resolution: missed`; a list of alternatives stands under `any`";
        let message = format!("{what} must be a map of conditions, not {}", type_name(node.value));
        reader.error(codes::WRONG_TYPE, reader.place(node), message, help);
        return None;
    };
    if depth > DEPTH {
        reader.error(
            codes::DEPTH,
            reader.place(node),
            format!("conditions nested deeper than {DEPTH} levels"),
            "use fewer levels",
        );
        return None;
    }
    let mut all = Vec::with_capacity(object.len());
    for name in object.keys() {
        let inner = node.child(name);
        let one = match name.as_str() {
            "all" => list(reader, &inner, "`all`", depth).map(Condition::All),
            "any" => list(reader, &inner, "`any`", depth).map(Condition::Any),
            "not" => condition(reader, &inner, "`not`", depth + 1).map(|inner| Condition::Not(Box::new(inner))),
            path => test(reader, &inner, path).map(Condition::Test),
        };
        all.extend(one);
    }
    Some(Condition::All(all))
}

fn list<'a>(reader: &Reader<'a>, node: &Node<'a>, what: &str, depth: usize) -> Option<Vec<Condition>> {
    let values = reader.list(node, what)?;
    if values.is_empty() {
        reader.error(
            codes::RANGE,
            reader.place(node),
            format!("{what} is empty"),
            "leave it out, or write a condition",
        );
        return None;
    }
    let nodes = (0..).zip(values).map(|(index, value)| node.element(index, value));
    Some(nodes.filter_map(|node| condition(reader, &node, &format!("an entry of {what}"), depth + 1)).collect())
}

fn test<'a>(reader: &Reader<'a>, node: &Node<'a>, written: &str) -> Option<Test> {
    let at = reader.key_place(node);
    if has_template(&Value::String(written.to_owned())) {
        let help = "give it a name in `vars`, and write `vars.NAME` here";
        reader.error(codes::PATH, at, "the left side of a condition is a path, never a template", help);
        return None;
    }
    if !reader.inputs.get() && OperatorKind::WORDS.iter().any(|(word, _)| *word == written) {
        let help = format!("write the path first: `event.x: {{ {written}: ... }}`");
        reader.error(codes::PATH, at, format!("the operator `{written}` stands where a path is wanted"), help);
        return None;
    }
    let path: Path = match written.parse() {
        Ok(path) => path,
        Err(error) => {
            let message = format!("`{}` is not a path: {error}", keys::shortened(written));
            reader.error(codes::PATH, at, message, "write names joined by dots, such as event.tracking.ticket");
            return None;
        }
    };
    match node.value {
        Value::Object(object) => {
            let ignore_case = match node.get("ignore_case") {
                Some(flag) => reader.boolean(&flag, "`ignore_case`")?,
                None => false,
            };
            let operators = operators(reader, node, ignore_case)?;
            let all_read = operators.len() + 1 == object.len();
            if ignore_case && all_read && !operators.iter().any(is_about_text) {
                let help = "it goes with is, not, in, contains, starts_with, ends_with and matches";
                let at = reader.key_place(&node.child("ignore_case"));
                reader.error(codes::NO_MEANING, at, "`ignore_case` means nothing without an operator on text", help);
                return None;
            }
            Some(Test { path, operators, ignore_case, place: at })
        }
        Value::Null => {
            let help = "write `is: null`, or `exists: false`, or `empty: true`";
            reader.error(codes::OPERAND, reader.place(node), "nothing stands on the right side", help);
            None
        }
        _ => {
            let operand = plain(reader, node)?;
            let operator = Operator { kind: OperatorKind::Is, name: "is", operand, place: reader.place(node) };
            Some(Test { path, operators: vec![operator], ignore_case: false, place: at })
        }
    }
}

fn is_about_text(operator: &Operator) -> bool {
    use OperatorKind as Kind;
    match operator.kind {
        Kind::Is | Kind::In | Kind::Contains | Kind::StartsWith | Kind::EndsWith | Kind::Matches => true,
        Kind::Not => matches!(&operator.operand, Operand::Operators(list) if list.iter().any(is_about_text)),
        _ => false,
    }
}

/// The operators of a map that can be read.
fn operators<'a>(reader: &Reader<'a>, node: &Node<'a>, ignore_case: bool) -> Option<Vec<Operator>> {
    let object = node.value.as_object()?;
    let names: Vec<&String> = object.keys().filter(|name| *name != "ignore_case").collect();
    if names.is_empty() {
        let help = "write one, such as `is`; to compare with an empty object, write `is: {}`";
        reader.error(codes::OPERAND, reader.place(node), "no operator stands here", help);
        return None;
    }
    let read: Vec<Operator> =
        names.iter().filter_map(|name| operator(reader, &node.child(name), name, ignore_case)).collect();
    (!read.is_empty()).then_some(read)
}

fn operator<'a>(reader: &Reader<'a>, node: &Node<'a>, word: &str, ignore_case: bool) -> Option<Operator> {
    use OperatorKind as Kind;
    let Some((name, kind)) = OperatorKind::WORDS.into_iter().find(|(known, _)| *known == word) else {
        unknown(reader, node, word);
        return None;
    };
    let place = reader.place(node);
    let operand = match kind {
        Kind::Is => plain(reader, node),
        Kind::Not => not(reader, node, ignore_case),
        Kind::In => list_operand(reader, node, name, None),
        Kind::Between => list_operand(reader, node, name, Some(2)),
        Kind::Gt | Kind::Gte | Kind::Lt | Kind::Lte => typed(reader, node, name, "a number", Value::is_number),
        Kind::Contains => typed(reader, node, name, "a text, number or boolean", |value| {
            !value.is_null() && !value.is_object() && !value.is_array()
        }),
        Kind::StartsWith | Kind::EndsWith => typed(reader, node, name, "a text", Value::is_string),
        Kind::Matches => matches(reader, node, ignore_case),
        Kind::Exists | Kind::Empty => reader.boolean(node, &format!("`{name}`")).map(|b| Operand::Literal(b.into())),
        Kind::Length => match node.value {
            Value::Object(_) => {
                no_ignore_case(reader, node, "`length` is a number: leave it out");
                operators(reader, node, false).map(Operand::Operators)
            }
            _ => typed(reader, node, name, "a whole number or operators", Value::is_u64),
        },
        Kind::Type => type_word(reader, node),
        Kind::Before | Kind::After => instant(reader, node, name),
        Kind::InHours => hours(reader, node),
    }?;
    Some(Operator { kind, name, operand, place })
}

fn unknown(reader: &Reader<'_>, node: &Node<'_>, word: &str) {
    const FOREIGN: [(&str, &str); 18] = [
        ("eq", "is"),
        ("equals", "is"),
        ("equal", "is"),
        ("==", "is"),
        ("ne", "not"),
        ("neq", "not"),
        ("!=", "not"),
        (">", "gt"),
        (">=", "gte"),
        ("<", "lt"),
        ("<=", "lte"),
        ("regex", "matches"),
        ("match", "matches"),
        ("any_of", "in"),
        ("one_of", "in"),
        ("includes", "contains"),
        ("above", "gt"),
        ("below", "lt"),
    ];
    let at = reader.key_place(node);
    let message = format!("unknown operator `{}`", keys::shortened(word));
    let foreign = FOREIGN.iter().find(|(theirs, _)| *theirs == word);
    let words = OperatorKind::WORDS.map(|(word, _)| word);
    let near = keys::nearest(word, words.into_iter().chain(["ignore_case"]));
    let help = match (foreign, near) {
        (Some((_, ours)), _) => format!("here it is called `{ours}`"),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) => format!("known are {}; to compare with an object, write `is: {{ ... }}`", words.join(", ")),
    };
    reader.error(codes::UNKNOWN_OPERATOR, at, message, help);
}

/// Refuses `ignore_case` below another operator, where it would not be heard.
fn no_ignore_case(reader: &Reader<'_>, node: &Node<'_>, help: &str) {
    if let Some(flag) = node.get("ignore_case") {
        reader.error(codes::NO_MEANING, reader.key_place(&flag), "`ignore_case` means nothing here", help);
    }
}

/// A value of any type, or templates.
fn plain(reader: &Reader<'_>, node: &Node<'_>) -> Option<Operand> {
    if !has_template(node.value) {
        return Some(Operand::Literal(node.value.clone()));
    }
    Some(match reader.tree(node)? {
        Tree::Leaf(leaf, _) => of_leaf(leaf),
        tree => Operand::Tree(tree),
    })
}

fn of_leaf(leaf: Leaf) -> Operand {
    match leaf {
        Leaf::Literal(value) => Operand::Literal(value),
        leaf => Operand::Template(leaf),
    }
}

fn not<'a>(reader: &Reader<'a>, node: &Node<'a>, ignore_case: bool) -> Option<Operand> {
    if node.value.is_object() {
        no_ignore_case(reader, node, "write it beside `not`, where it is for all of them");
        return operators(reader, node, ignore_case).map(Operand::Operators);
    }
    let operand = plain(reader, node)?;
    Some(Operand::Operators(vec![Operator { kind: OperatorKind::Is, name: "is", operand, place: reader.place(node) }]))
}

fn list_operand(reader: &Reader<'_>, node: &Node<'_>, name: &str, length: Option<usize>) -> Option<Operand> {
    if node.value.is_string() && has_template(node.value) {
        return reader.leaf(node).map(of_leaf);
    }
    let wrong = |message: String, help: &str| {
        reader.error(codes::OPERAND, reader.place(node), message, help);
        None
    };
    let Some(list) = node.value.as_array() else {
        let help = if length.is_some() { "write `[low, high]`" } else { "write `[a, b]`" };
        return wrong(format!("`{name}` takes a list, not {}", type_name(node.value)), help);
    };
    if length.is_some_and(|length| list.len() != length) {
        return wrong(format!("`{name}` takes two numbers, not {}", list.len()), "write `[low, high]`");
    }
    if length.is_some() && list.iter().any(|value| !value.is_number() && !has_template(value)) {
        return wrong(format!("`{name}` takes numbers"), "write them without quotes");
    }
    if list.is_empty() {
        return wrong(
            format!("`{name}` with an empty list never holds"),
            "write what is meant: `in: [missed, declined]`",
        );
    }
    if let [Value::Number(low), Value::Number(high)] = list.as_slice()
        && length.is_some()
        && low.as_f64() > high.as_f64()
    {
        return wrong(
            format!("`{name}: [{low}, {high}]` never holds: the first number is the larger one"),
            "write the smaller number first",
        );
    }
    plain(reader, node)
}

fn typed(
    reader: &Reader<'_>,
    node: &Node<'_>,
    name: &str,
    wanted: &str,
    fits: impl Fn(&Value) -> bool,
) -> Option<Operand> {
    if node.value.is_string() && has_template(node.value) {
        return reader.leaf(node).map(of_leaf);
    }
    if !fits(node.value) {
        let message = format!("`{name}` takes {wanted}, not {}", type_name(node.value));
        let help = match node.value {
            Value::String(text) if wanted == "a number" && text.parse::<f64>().is_ok_and(f64::is_finite) => {
                format!("write it without quotes: `{name}: {text}`; nothing is converted, `\"42\"` is not `42`")
            }
            Value::String(text) if wanted == "a number" && crate::clock::Time::parse(text).is_some() => {
                "times are compared by `before` and `after`".to_owned()
            }
            Value::Number(number) if wanted == "a text" => format!("put it in quotes: `{name}: \"{number}\"`"),
            Value::Array(_) if name == "contains" => {
                "one at a time; for one of several, write `any` with a `contains` each".to_owned()
            }
            _ => format!("write {wanted}; nothing is converted, `\"42\"` is not `42`"),
        };
        reader.error(codes::OPERAND, reader.place(node), message, help);
        return None;
    }
    Some(Operand::Literal(node.value.clone()))
}

fn matches(reader: &Reader<'_>, node: &Node<'_>, ignore_case: bool) -> Option<Operand> {
    if node.value.is_string() && has_template(node.value) {
        return reader.leaf(node).map(of_leaf);
    }
    let Some(text) = node.value.as_str() else {
        let message = format!("`matches` takes a pattern, not {}", type_name(node.value));
        reader.error(codes::OPERAND, reader.place(node), message, "put it in quotes");
        return None;
    };
    match pattern::compile(text, ignore_case) {
        Ok(pattern) if reader.vocabulary.affords(pattern.bytes()) => Some(Operand::Pattern(pattern)),
        Ok(_) => {
            let message = format!("the patterns of all rules take more than {} MiB when compiled", OF_A_SET >> 20);
            reader.error(codes::PATTERN, reader.place(node), message, "use simpler patterns, or fewer");
            None
        }
        Err(fault) => {
            reader.error(codes::PATTERN, reader.place(node), fault.message, fault.help);
            None
        }
    }
}

fn type_word(reader: &Reader<'_>, node: &Node<'_>) -> Option<Operand> {
    const TYPES: [&str; 6] = ["text", "number", "boolean", "null", "list", "object"];
    let word = if node.value.is_null() { "null" } else { reader.text(node, "`type`")? };
    if !TYPES.contains(&word) {
        let foreign =
            [("string", "text"), ("integer", "number"), ("array", "list"), ("map", "object"), ("bool", "boolean")];
        let help = foreign.iter().find(|(theirs, _)| *theirs == word).map_or_else(
            || format!("known are {}", TYPES.join(", ")),
            |(_, ours)| format!("here it is called `{ours}`"),
        );
        let message = format!("`{}` is no type", keys::shortened(word));
        reader.error(codes::OPERAND, reader.place(node), message, help);
        return None;
    }
    if word == "null" {
        let help = "write `is: null`, or `exists: false`";
        reader.error(
            codes::OPERAND,
            reader.place(node),
            "`type: null` never holds: null is as if nothing were there",
            help,
        );
        return None;
    }
    Some(Operand::Literal(node.value.clone()))
}

fn instant(reader: &Reader<'_>, node: &Node<'_>, name: &str) -> Option<Operand> {
    if node.value.is_string() && has_template(node.value) {
        return reader.leaf(node).map(of_leaf);
    }
    let text = node.value.as_str().unwrap_or_default();
    if let Some(millis) = duration::parse_ago(text) {
        return Some(Operand::Ago(millis));
    }
    if crate::clock::Time::parse(text).is_none() {
        let message = format!("`{name}` takes a time or a duration such as `4h ago`");
        let help = "write a time with its offset, such as 2026-03-01T10:00:00Z";
        reader.error(codes::OPERAND, reader.place(node), message, help);
        return None;
    }
    Some(Operand::Literal(node.value.clone()))
}

fn hours(reader: &Reader<'_>, node: &Node<'_>) -> Option<Operand> {
    let name = reader.text(node, "`in_hours`")?;
    known_hours(reader, node, name).then_some(())?;
    Some(Operand::Hours(name.to_owned(), reader.vocabulary.hours_of(name)))
}
