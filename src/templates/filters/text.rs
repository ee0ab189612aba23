//! Filters on text. Lengths are in characters.

use serde_json::Value;

use super::{super::evaluate::whole, Answer, Filter, FilterError, Given, refused};

pub(super) const FILTERS: &[Filter] = &[
    Filter { name: "append", least: 1, most: 1, named: &[], run: |g| glue(&g, &g.text()?, &g.wanted_text(0)?) },
    Filter { name: "capitalize", least: 0, most: 0, named: &[], run: |g| recased(&g, capitalized) },
    Filter { name: "downcase", least: 0, most: 0, named: &[], run: |g| recased(&g, str::to_lowercase) },
    Filter { name: "lstrip", least: 0, most: 0, named: &[], run: |g| g.give(g.text()?.trim_start()) },
    Filter { name: "newline_to_br", least: 0, most: 0, named: &[], run: newline_to_br },
    Filter { name: "prepend", least: 1, most: 1, named: &[], run: |g| glue(&g, &g.wanted_text(0)?, &g.text()?) },
    Filter { name: "remove", least: 1, most: 1, named: &[], run: |g| replaced(&g, "", usize::MAX) },
    Filter { name: "remove_first", least: 1, most: 1, named: &[], run: |g| replaced(&g, "", 1) },
    Filter { name: "remove_last", least: 1, most: 1, named: &[], run: |g| last_replaced(&g, "") },
    Filter { name: "replace", least: 1, most: 2, named: &[], run: |g| replaced(&g, &g.wanted_text(1)?, usize::MAX) },
    Filter { name: "replace_first", least: 1, most: 2, named: &[], run: |g| replaced(&g, &g.wanted_text(1)?, 1) },
    Filter { name: "replace_last", least: 2, most: 2, named: &[], run: |g| last_replaced(&g, &g.wanted_text(1)?) },
    Filter { name: "rstrip", least: 0, most: 0, named: &[], run: |g| g.give(g.text()?.trim_end()) },
    Filter { name: "size", least: 0, most: 0, named: &[], run: size },
    Filter { name: "slice", least: 1, most: 2, named: &[], run: slice },
    Filter { name: "split", least: 1, most: 1, named: &[], run: split },
    Filter { name: "strip", least: 0, most: 0, named: &[], run: |g| g.give(g.text()?.trim()) },
    Filter {
        name: "strip_newlines",
        least: 0,
        most: 0,
        named: &[],
        run: |g| g.give(g.text()?.replace(['\r', '\n'], "")),
    },
    Filter { name: "truncate", least: 0, most: 2, named: &[], run: truncate },
    Filter { name: "truncatewords", least: 0, most: 2, named: &[], run: truncate_words },
    Filter { name: "upcase", least: 0, most: 0, named: &[], run: |g| recased(&g, str::to_uppercase) },
];

fn recased(given: &Given<'_>, change: fn(&str) -> String) -> Answer {
    // A change of case makes a text three times as long at most (U+0390), so it may be made before it is counted.
    given.give(change(&given.text()?))
}

fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    match rest.next() {
        Some(first) => first.to_uppercase().chain(rest.as_str().to_lowercase().chars()).collect(),
        None => String::new(),
    }
}

fn glue(given: &Given<'_>, first: &str, second: &str) -> Answer {
    given.budget.hold(first.len() + second.len())?;
    Ok(Value::String([first, second].concat()))
}

fn newline_to_br(given: Given<'_>) -> Answer {
    let text = given.text()?.replace("\r\n", "\n");
    exchanged(&given, &text, "\n", "<br />\n", usize::MAX)
}

fn replaced(given: &Given<'_>, new: &str, most: usize) -> Answer {
    exchanged(given, &given.text()?, &given.wanted_text(0)?, new, most)
}

/// `text` with the first `most` of `old` exchanged; what that takes is counted first.
fn exchanged(given: &Given<'_>, text: &str, old: &str, new: &str, most: usize) -> Answer {
    let found = text.matches(old).take(most).count();
    given.budget.hold(found.saturating_mul(new.len()).saturating_add(text.len()))?;
    given.give(text.replacen(old, new, most))
}

fn last_replaced(given: &Given<'_>, new: &str) -> Answer {
    let (text, old) = (given.text()?, given.wanted_text(0)?);
    given.budget.hold(text.len() + new.len())?;
    match text.rsplit_once(old.as_ref()) {
        Some((before, after)) => given.give([before, new, after].concat()),
        None => given.give(text),
    }
}

/// A whole number among the arguments. `None` where it is not given.
fn whole_at(given: &Given<'_>, at: usize, what: &str) -> Result<Option<i64>, FilterError> {
    given
        .arguments
        .get(at)
        .map(|value| whole(value).ok_or_else(|| refused(format!("the {what} must be a whole number"))))
        .transpose()
}

fn truncate(given: Given<'_>) -> Answer {
    const LENGTH: i64 = 50;
    if given.input.is_null() {
        return Ok(Value::Null);
    }
    let most = whole_at(&given, 0, "length")?.unwrap_or(LENGTH);
    let most = usize::try_from(most.max(0)).unwrap_or(usize::MAX);
    let text = given.text()?;
    if text.chars().count() <= most {
        return given.give(text);
    }
    let end = given.text_at(1)?.unwrap_or("...".into());
    let kept = most.saturating_sub(end.chars().count());
    let cut = text.char_indices().nth(kept).map_or(text.len(), |(at, _)| at);
    glue(&given, text.get(..cut).unwrap_or_default(), &end)
}

fn truncate_words(given: Given<'_>) -> Answer {
    const WORDS: i64 = 15;
    if given.input.is_null() {
        return Ok(Value::Null);
    }
    let most = whole_at(&given, 0, "number of words")?.unwrap_or(WORDS);
    let most = usize::try_from(most.max(1)).unwrap_or(usize::MAX);
    let text = given.text()?;
    let words: Vec<&str> = text.split_whitespace().take(most.saturating_add(1)).collect();
    if words.len() <= most {
        return given.give(text);
    }
    let end = given.text_at(1)?.unwrap_or("...".into());
    glue(&given, &words.get(..most).unwrap_or_default().join(" "), &end)
}

fn size(given: Given<'_>) -> Answer {
    Ok(crate::templates::frame::size(&given.input).unwrap_or_else(|| Value::from(0)))
}

/// `split`: pieces without empty ones at the end; by nothing, into characters.
fn split(given: Given<'_>) -> Answer {
    /// What an element of a list counts.
    const ELEMENT: usize = 16;
    let (text, by) = (given.text()?, given.wanted_text(0)?);
    let pieces = if by.is_empty() { text.chars().count() } else { text.matches(by.as_ref()).count() + 1 };
    given.budget.hold(pieces.saturating_mul(ELEMENT).saturating_add(text.len()))?;
    let mut list: Vec<Value> = match by.as_ref() {
        "" => text.chars().map(|character| Value::String(character.to_string())).collect(),
        " " => text.split_whitespace().map(Value::from).collect(),
        by => text.split(by).map(Value::from).collect(),
    };
    while list.last().is_some_and(|last| last.as_str() == Some("")) {
        list.pop();
    }
    Ok(Value::Array(list))
}

/// `slice`: a part of a text or list, from an index (from the end where negative), one long unless told.
fn slice(given: Given<'_>) -> Answer {
    if given.arguments.iter().any(Value::is_f64) {
        return Err(refused("index and length must be whole numbers"));
    }
    let from = whole_at(&given, 0, "index")?.unwrap_or(0);
    let length = whole_at(&given, 1, "length")?.unwrap_or(1);
    if let Value::Array(list) = &given.input {
        let part = part(list.len(), from, length).and_then(|(from, to)| list.get(from..to));
        return given.give_list(part.unwrap_or_default().to_vec());
    }
    let text = given.text()?;
    match part(text.chars().count(), from, length) {
        Some((from, to)) => given.give(text.chars().skip(from).take(to - from).collect::<String>()),
        None => given.give(""),
    }
}

/// First and last-but-one of a part of something `size` long. `None` where it would begin outside.
fn part(size: usize, from: i64, length: i64) -> Option<(usize, usize)> {
    let start = usize::try_from(from.unsigned_abs()).ok()?;
    let start = if from < 0 { size.checked_sub(start)? } else { start };
    if start > size {
        return None;
    }
    let length = usize::try_from(length.max(0)).unwrap_or(usize::MAX);
    Some((start, start.saturating_add(length).min(size)))
}
