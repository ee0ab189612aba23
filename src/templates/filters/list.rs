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
        run: |g| Ok(chosen(g, true)?.into_iter().next().unwrap_or_default()),
    },
    Filter { name: "first", least: 0, most: 0, named: &[], run: |g| Ok(end(g.input, 0)) },
    Filter { name: "find_index", least: 1, most: 2, named: &[], run: find_index },
    Filter { name: "has", least: 1, most: 2, named: &[], run: |g| Ok(Value::Bool(!chosen(g, true)?.is_empty())) },
    Filter { name: "join", least: 0, most: 1, named: &[], run: join },
    Filter { name: "last", least: 0, most: 0, named: &[], run: |g| Ok(end(g.input, -1)) },
    Filter { name: "map", least: 1, most: 1, named: &[], run: map },
    Filter { name: "reject", least: 1, most: 2, named: &[], run: |g| Ok(Value::Array(chosen(g, false)?)) },
    Filter { name: "reverse", least: 0, most: 0, named: &[], run: reverse },
    Filter { name: "sort", least: 0, most: 1, named: &[], run: |g| sort(g, false) },
    Filter { name: "sort_natural", least: 0, most: 1, named: &[], run: |g| sort(g, true) },
    Filter { name: "uniq", least: 0, most: 1, named: &[], run: uniq },
    Filter { name: "where", least: 1, most: 2, named: &[], run: |g| Ok(Value::Array(chosen(g, true)?)) },
];

fn elements(value: Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list,
        Value::Null => Vec::new(),
        other => vec![other],
    }
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

/// What an element has under a name, or the element itself where no name is given.
fn property<'v>(element: &'v Value, name: Option<&str>) -> &'v Value {
    match name {
        Some(name) => element.get(name).unwrap_or(&Value::Null),
        None => element,
    }
}

fn name_of(given: &Given<'_>) -> Result<Option<String>, FilterError> {
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

fn join(given: Given<'_>) -> Answer {
    let by = given.text_at(0)?.unwrap_or(" ".into());
    let list = match &given.input {
        Value::Array(list) => list.as_slice(),
        other => return given.give(text_of(other, given.budget)?),
    };
    let mut joined = String::new();
    for (at, element) in list.iter().enumerate() {
        let by = if at == 0 { "" } else { by.as_ref() };
        let element = text_of(element, given.budget)?;
        if joined.len() + by.len() + element.len() > given.budget.bytes() {
            return Err(super::Spent::Value(given.budget.bytes()).into());
        }
        joined.push_str(by);
        joined.push_str(&element);
    }
    given.give(joined)
}

fn map(given: Given<'_>) -> Answer {
    let name = given.wanted_text(0)?;
    let list = match &given.input {
        Value::Array(list) => list.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    given.give_list(list.iter().map(|element| property(element, Some(&name)).clone()).collect())
}

fn reverse(given: Given<'_>) -> Answer {
    let mut list = elements(given.input);
    list.reverse();
    Ok(Value::Array(list))
}

/// Whether an element's property is truthy, or equal to the second argument. As in Liquid, a null there asks nothing.
fn fits(element: &Value, name: &str, wanted: Option<&Value>) -> bool {
    let property = property(element, Some(name));
    match wanted.filter(|wanted| !wanted.is_null()) {
        Some(wanted) => same(property, wanted),
        None => truthy(property),
    }
}

/// The elements that fit, or all others.
fn chosen(given: Given<'_>, wanted: bool) -> Result<Vec<Value>, FilterError> {
    let name = given.wanted_text(0)?.into_owned();
    let value = given.arguments.get(1);
    Ok(elements(given.input).into_iter().filter(|element| fits(element, &name, value) == wanted).collect())
}

fn find_index(given: Given<'_>) -> Answer {
    let name = given.wanted_text(0)?.into_owned();
    let value = given.arguments.get(1);
    let place = elements(given.input).iter().position(|element| fits(element, &name, value));
    Ok(place.map_or(Value::Null, Value::from))
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
