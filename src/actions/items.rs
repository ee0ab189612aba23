//! The items of a poll's answer, each with its key. Pure.

use std::collections::HashSet;

use sha2::{Digest as _, Sha256};

use super::feed;
use crate::{
    rules::{Items, Order, Poll},
    value::{Object, Path, Value, type_name},
};

/// An item of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// SHA-256 of its key, cut: a number and a text that look the same are not.
    pub key: [u8; 16],
    /// The item.
    pub value: Value,
}

/// What an answer holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listed {
    /// Its items, oldest first, each key once.
    pub items: Vec<Item>,
    /// What stands at the poll's `cursor`. `None`: nothing, or it has none.
    pub cursor: Option<Value>,
    /// What is wrong with single items, as one sentence: those without a key are left out, those that share one are taken once.
    pub odd: Option<String>,
}

/// The items of a poll's answer. `Err` is one sentence: there are none to be found.
pub fn items_of(poll: &Poll, result: Value, response: Value) -> Result<Listed, String> {
    let result = match (&poll.items, result) {
        (Items::Feed, Value::String(text)) => {
            feed::read(&text).map_err(|error| format!("the answer is no feed that is read: {error}"))?
        }
        (Items::Feed, other) => {
            let seen = type_name(&other);
            return Err(format!("the answer is no feed: RSS or Atom wanted, {seen} seen"));
        }
        // What is no feed that reads stays the text that it is.
        (Items::At(_), Value::String(text)) if feed::is_feed(&text) => {
            feed::read(&text).map_err(|error| format!("the feed cannot be read: {error}"))?
        }
        (Items::At(_), other) => other,
    };
    let answer = Value::Object(Object::from_iter([("result".to_owned(), result), ("response".to_owned(), response)]));
    let (place, list) = match &poll.items {
        Items::At(path) => (path.to_string(), path.find(&answer)),
        Items::Feed => ("the feed's items".to_owned(), answer.pointer("/result/items")),
    };
    let list = match list {
        Some(Value::Array(list)) => list,
        other => {
            let seen = other.map_or("nothing", type_name);
            return Err(format!("`items`: a list is wanted at `{place}`, {seen} seen"));
        }
    };
    let cursor = poll.cursor.as_ref().and_then(|path| path.find(&answer)).filter(|value| !value.is_null()).cloned();
    let mut items = Vec::with_capacity(list.len());
    let mut known = HashSet::new();
    let (mut keyless, mut doubled) = (0, 0);
    for value in list {
        match key_of(&poll.key, value) {
            None => keyless += 1,
            Some(key) if known.insert(key) => items.push(Item { key, value: value.clone() }),
            Some(_) => doubled += 1,
        }
    }
    if poll.order == Order::NewestFirst {
        items.reverse();
    }
    Ok(Listed { items, cursor, odd: odd(&poll.key, keyless, doubled, list.len()) })
}

impl Listed {
    /// Splits the items into those that become events, and those that are known by their key alone: with a baseline all but the newest
    /// `backfill`, else those in `seen`.
    pub fn split(&self, seen: &HashSet<[u8; 16]>, baseline: Option<u32>) -> (Vec<&Item>, Vec<&Item>) {
        let Some(backfill) = baseline else {
            return self.items.iter().partition(|item| !seen.contains(&item.key));
        };
        let old = self.items.len().saturating_sub(usize::try_from(backfill).unwrap_or(usize::MAX));
        let (old, new) = self.items.split_at_checked(old).unwrap_or_default();
        (new.iter().collect(), old.iter().collect())
    }
}

/// The digest of an item's key. `None` where it has none: nothing, null, blank, or no plain value.
fn key_of(place: &Path, item: &Value) -> Option<[u8; 16]> {
    let key = match place.find(item)? {
        Value::String(text) if text.trim().is_empty() => return None,
        key @ (Value::String(_) | Value::Number(_) | Value::Bool(_)) => key.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    Sha256::digest(key.as_bytes()).first_chunk().copied()
}

fn odd(key: &Path, keyless: usize, doubled: usize, all: usize) -> Option<String> {
    let keyless = (keyless > 0).then(|| format!("{keyless} of {all} items have no `{key}` and are left out"));
    let doubled =
        (doubled > 0).then(|| format!("{doubled} of {all} items share `{key}` with another and are left out"));
    match (keyless, doubled) {
        (Some(one), Some(other)) => Some(format!("{one}; {other}")),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use serde_json::json;

    use super::*;
    use crate::rules::{Set, Texts, fake::Fake};

    fn poll(more: &str) -> Poll {
        let text = format!(
            "name: a\non: {{ poll: {{ every: 1m, http: {{ url: \"https://a.example/\" }}, {more} }} }}\ndo:\n- stop: x\n"
        );
        let texts = BTreeMap::from([("rules/a.yaml".to_owned(), text)]);
        let compiled = Set::compile(Texts(Arc::new(texts)), &Fake::new());
        assert!(compiled.holds(), "{:#?}", compiled.findings);
        compiled.set.rules["a"].polls().next().unwrap().clone()
    }

    fn values(items: &[&Item]) -> Vec<Value> {
        items.iter().map(|item| item.value["n"].clone()).collect()
    }

    #[test]
    fn items_come_oldest_first_whatever_the_order_of_the_list() {
        let list = json!({"list": [{"n": 3}, {"n": 2}, {"n": 1}], "next": "c7"});
        let newest =
            items_of(&poll("items: result.list, key: n, cursor: result.next"), list.clone(), Value::Null).unwrap();
        assert_eq!(values(&newest.items.iter().collect::<Vec<_>>()), [1, 2, 3]);
        assert_eq!((newest.cursor, newest.odd), (Some(json!("c7")), None));
        let oldest = items_of(&poll("items: result.list, key: n, order: oldest_first"), list, Value::Null).unwrap();
        assert_eq!(values(&oldest.items.iter().collect::<Vec<_>>()), [3, 2, 1]);
    }

    #[test]
    fn items_without_a_key_and_doubled_ones_are_told() {
        let list = json!([{"n": 1}, {"n": "1"}, {"n": 1}, {}, {"n": null}, {"n": " "}, {"n": [1]}, 7]);
        let found = items_of(&poll("items: result, key: n"), list, Value::Null).unwrap();
        assert_eq!(values(&found.items.iter().collect::<Vec<_>>()), [json!("1"), json!(1)]);
        let odd = found.odd.unwrap();
        assert!(odd.contains("5 of 8 items have no `n`") && odd.contains("1 of 8 items share"), "{odd}");
    }

    #[test]
    fn a_baseline_takes_the_newest_and_later_answers_what_is_new() {
        let list = json!([{"n": 3}, {"n": 2}, {"n": 1}]);
        let found = items_of(&poll("items: result, key: n"), list, Value::Null).unwrap();
        for (backfill, new, old) in [(0, vec![], vec![1, 2, 3]), (2, vec![2, 3], vec![1]), (9, vec![1, 2, 3], vec![])] {
            let (fresh, known) = found.split(&HashSet::new(), Some(backfill));
            assert_eq!(
                (values(&fresh), values(&known)),
                (new.into_iter().map(Value::from).collect(), old.into_iter().map(Value::from).collect()),
                "{backfill}"
            );
        }
        let seen = HashSet::from([found.items[0].key, found.items[2].key]);
        let (fresh, known) = found.split(&seen, None);
        assert_eq!((values(&fresh), values(&known)), (vec![json!(2)], vec![json!(1), json!(3)]));
    }

    #[test]
    fn a_feed_is_data() {
        let text =
            "<rss><channel><title>T</title><item><guid>b</guid></item><item><guid>a</guid></item></channel></rss>";
        for more in ["items: feed", "items: result.items, key: id"] {
            let found = items_of(&poll(more), json!(text), Value::Null).unwrap();
            let ids: Vec<&Value> = found.items.iter().map(|item| &item.value["id"]).collect();
            assert_eq!(ids, ["a", "b"], "{more}");
        }
    }

    #[test]
    fn an_answer_without_a_list_says_what_is_there() {
        for (more, result, why) in [
            ("items: result.list, key: n", json!({"lst": []}), "a list is wanted at `result.list`, nothing seen"),
            ("items: result, key: n", json!({"n": 1}), "object seen"),
            ("items: feed", json!({"items": []}), "RSS or Atom wanted, object seen"),
            ("items: feed", json!("<html/>"), "outermost element is `html`"),
            ("items: result.items, key: id", json!("<rss>&x;</rss>"), "an entity other than"),
        ] {
            let error = items_of(&poll(more), result, Value::Null).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
