//! Filters on lists. What is no list counts as a list of one, null as an empty one.

use std::{cmp::Ordering, collections::HashSet};

use serde_json::Value;

use super::{
    super::{evaluate::truthy, print::text_of},
    Answer, Filter, FilterError, Given, refused,
};
use crate::value::{compare_numbers, same};

pub(super) const FILTERS: &[Filter] = &[
    Filter { name: "compact", least: 0, most: 1, named: &[], run: compact },
    Filter { name: "concat", least: 1, most: 1, named: &[], run: concat },
    Filter {
        name: "find",
        least: 1,
        most: 2,
        named: &[],
        run: |g| Ok(chosen(g, true)?.and_then(|list| list.into_iter().next()).unwrap_or_default()),
    },
    Filter { name: "first", least: 0, most: 0, named: &[], run: |g| Ok(end(g.input, 0)) },
    Filter { name: "find_index", least: 1, most: 2, named: &[], run: find_index },
    Filter {
        name: "has",
        least: 1,
        most: 2,
        named: &[],
        run: |g| Ok(chosen(g, true)?.map_or(Value::Null, |list| Value::Bool(!list.is_empty()))),
    },
    Filter { name: "join", least: 0, most: 1, named: &[], run: join },
    Filter { name: "last", least: 0, most: 0, named: &[], run: |g| Ok(end(g.input, -1)) },
    Filter { name: "map", least: 1, most: 1, named: &[], run: map },
    Filter {
        name: "reject",
        least: 1,
        most: 2,
        named: &[],
        run: |g| Ok(chosen(g, false)?.map_or(Value::Null, Value::Array)),
    },
    Filter { name: "reverse", least: 0, most: 0, named: &[], run: reverse },
    Filter { name: "sort", least: 0, most: 1, named: &[], run: |g| sort(g, false) },
    Filter { name: "sort_natural", least: 0, most: 1, named: &[], run: |g| sort(g, true) },
    Filter { name: "uniq", least: 0, most: 1, named: &[], run: uniq },
    Filter {
        name: "where",
        least: 1,
        most: 2,
        named: &[],
        run: |g| Ok(chosen(g, true)?.map_or(Value::Null, Value::Array)),
    },
];

/// The elements of a list; lists in it are part of it.
pub(super) fn elements(value: Value) -> Vec<Value> {
    let list = match value {
        Value::Array(list) => list,
        Value::Null => return Vec::new(),
        other => return vec![other],
    };
    if !list.iter().any(Value::is_array) {
        return list;
    }
    let mut flat = Vec::with_capacity(list.len());
    let mut open = vec![list.into_iter()];
    while let Some(inner) = open.last_mut() {
        match inner.next() {
            Some(Value::Array(list)) => open.push(list.into_iter()),
            Some(other) => flat.push(other),
            None => drop(open.pop()),
        }
    }
    flat
}

/// The first element (0) or the last (-1); a character of a text. Null where there is none.
fn end(value: Value, at: i8) -> Value {
    match value {
        Value::Array(list) => {
            if at == 0 { list.into_iter().next() } else { list.into_iter().next_back() }.unwrap_or_default()
        }
        Value::String(text) => {
            let character = if at == 0 { text.chars().next() } else { text.chars().next_back() };
            Value::String(character.map(String::from).unwrap_or_default())
        }
        _ => Value::Null,
    }
}

/// What an element has under a name, or the element itself where no name is given; a text has the names that are part of it. `None`
/// where a lenient render asks what has no names at all: the whole filter then gives nothing, as in Liquid.
pub(super) fn asked(given: &Given<'_>, element: Value, name: Option<&str>) -> Result<Option<Value>, FilterError> {
    let Some(name) = name else { return Ok(Some(element)) };
    match element {
        Value::Object(mut object) => Ok(Some(object.shift_remove(name).unwrap_or_default())),
        Value::String(text) if text.contains(name) => Ok(Some(Value::from(name))),
        Value::Number(number) if !number.is_f64() => {
            Err(refused(format!("`{name}` is asked of a number, which has no names")))
        }
        Value::Null | Value::Bool(_) if given.lenient => Ok(None),
        _ => Ok(Some(Value::Null)),
    }
}

/// What an element has under a name, or the element itself where no name is given.
fn property<'v>(element: &'v Value, name: Option<&str>) -> &'v Value {
    match name {
        Some(name) => element.get(name).unwrap_or(&Value::Null),
        None => element,
    }
}

/// The name that a filter is given. `None` where it is none, or null.
pub(super) fn name_of(given: &Given<'_>) -> Result<Option<String>, FilterError> {
    if given.arguments.first().is_some_and(Value::is_null) {
        return Ok(None);
    }
    Ok(given.text_at(0)?.map(std::borrow::Cow::into_owned))
}

fn compact(given: Given<'_>) -> Answer {
    let name = name_of(&given)?;
    let kept = elements(given.input).into_iter().filter(|element| !property(element, name.as_deref()).is_null());
    Ok(Value::Array(kept.collect()))
}

fn concat(mut given: Given<'_>) -> Answer {
    let Some(Value::Array(more)) = given.arguments.pop() else {
        return Err(refused("a list is wanted after `concat:`"));
    };
    let mut list = elements(std::mem::take(&mut given.input));
    given.budget.hold(crate::templates::limits::weight(&Value::Null) * (list.len() + more.len()))?;
    list.extend(more);
    given.give_list(list)
}

fn join(mut given: Given<'_>) -> Answer {
    let by = given.text_at(0)?.unwrap_or(" ".into()).into_owned();
    if !given.input.is_array() {
        return given.give(text_of(&given.input, given.budget)?);
    }
    let list = elements(std::mem::take(&mut given.input));
    let mut joined = String::new();
    for (at, element) in list.iter().enumerate() {
        let by = if at == 0 { "" } else { by.as_str() };
        let element = text_of(element, given.budget)?;
        if joined.len() + by.len() + element.len() > given.budget.bytes() {
            return Err(super::Spent::Value(given.budget.bytes()).into());
        }
        joined.push_str(by);
        joined.push_str(&element);
    }
    given.give(joined)
}

fn map(mut given: Given<'_>) -> Answer {
    let name = given.wanted_text(0)?.into_owned();
    let mut list = Vec::new();
    for element in elements(std::mem::take(&mut given.input)) {
        list.push(asked(&given, element, Some(&name))?.unwrap_or_default());
    }
    given.give_list(list)
}

fn reverse(given: Given<'_>) -> Answer {
    let mut list = elements(given.input);
    list.reverse();
    Ok(Value::Array(list))
}

/// Whether an element's property is truthy, or equal to the second argument. As in Liquid, a null there asks nothing. `None` as in
/// [`asked`].
fn fits(given: &Given<'_>, element: &Value, name: &str) -> Result<Option<bool>, FilterError> {
    let Some(property) = asked(given, element.clone(), Some(name))? else { return Ok(None) };
    Ok(Some(match given.arguments.get(1).filter(|wanted| !wanted.is_null()) {
        Some(wanted) => same(&property, wanted),
        None => truthy(&property),
    }))
}

/// The elements that fit, or all others.
fn chosen(mut given: Given<'_>, wanted: bool) -> Result<Option<Vec<Value>>, FilterError> {
    let name = given.wanted_text(0)?.into_owned();
    let mut chosen = Vec::new();
    for element in elements(std::mem::take(&mut given.input)) {
        let Some(fits) = fits(&given, &element, &name)? else { return Ok(None) };
        if fits == wanted {
            chosen.push(element);
        }
    }
    Ok(Some(chosen))
}

fn find_index(mut given: Given<'_>) -> Answer {
    let name = given.wanted_text(0)?.into_owned();
    for (at, element) in elements(std::mem::take(&mut given.input)).iter().enumerate() {
        match fits(&given, element, &name)? {
            Some(true) => return Ok(Value::from(at)),
            Some(false) => {}
            None => return Ok(Value::Null),
        }
    }
    Ok(Value::Null)
}

/// By number or text; unlike kinds stand in the order numbers, texts, all else; nulls come last.
fn sort(given: Given<'_>, naturally: bool) -> Answer {
    let name = name_of(&given)?;
    given.budget.copy(crate::templates::limits::weight(&given.input))?;
    let mut list = elements(given.input);
    if naturally {
        let key = |element: &Value| {
            let value = property(element, name.as_deref());
            (value.is_null(), text_of(value, given.budget).unwrap_or_default().to_lowercase())
        };
        list.sort_by_cached_key(key);
    } else {
        list.sort_by(|left, right| order(property(left, name.as_deref()), property(right, name.as_deref())));
    }
    Ok(Value::Array(list))
}

fn order(left: &Value, right: &Value) -> Ordering {
    let kind = |value: &Value| match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Null => 3,
        _ => 2,
    };
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => compare_numbers(left, right).unwrap_or(Ordering::Equal),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        _ => kind(left).cmp(&kind(right)),
    }
}

fn uniq(given: Given<'_>) -> Answer {
    let name = name_of(&given)?;
    given.budget.copy(crate::templates::limits::weight(&given.input))?;
    let mut seen = HashSet::new();
    let first = |element: &Value| seen.insert(property(element, name.as_deref()).to_string());
    let mut first = first;
    Ok(Value::Array(elements(given.input).into_iter().filter(|element| first(element)).collect()))
}
