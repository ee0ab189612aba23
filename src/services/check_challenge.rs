//! From a pack's `challenge` as written to one that holds together.

use std::str::FromStr as _;

use super::{Challenge, raw::Node};
use crate::value::Path;

/// Reads `challenge`. `None` where it does not hold together; the findings say why.
pub(super) fn challenge(node: &Node<'_>) -> Option<Challenge> {
    node.object()?;
    node.keys(&["body", "query", "answer", "token", "secret", "origins"]);
    match (node.get("body"), node.get("query"), node.get("origins")) {
        (Some(when), None, None) => {
            node.keys(&["body", "answer"]);
            let path = |(name, node): (String, Node<'_>)| {
                let fault = |error| node.key_finding("P010", format!("`{name}` is not a path: {error}"), "");
                Some((Path::from_str(&name).map_err(fault).ok()?, node.text()?))
            };
            let when = filled(&when, when.entries().into_iter().filter_map(path).collect());
            let answer = node.want("answer").and_then(|node| node.path());
            Some(Challenge::Body { when: when?, answer: answer? })
        }
        (None, Some(when), None) => {
            node.keys(&["query", "answer", "token", "secret"]);
            let pair = |(name, node): (String, Node<'_>)| Some((name, node.text()?));
            let when = filled(&when, when.entries().into_iter().filter_map(pair).collect());
            let token = node.want("token").and_then(|node| node.text());
            let secret = node.want("secret").and_then(|node| node.identifier());
            let answer = node.want("answer").and_then(|node| node.text());
            Some(Challenge::Query { when: when?, token: token?, secret: secret?, answer: answer? })
        }
        (None, None, Some(origins)) => {
            node.keys(&["origins"]);
            filled(&origins, origins.list().iter().filter_map(Node::text).collect()).map(Challenge::Origins)
        }
        _ => {
            node.finding("P004", "one of `body`, `query` and `origins` wanted", "");
            None
        }
    }
}

/// The list, where it holds something: a challenge that asks for nothing would answer all.
fn filled<T>(node: &Node<'_>, list: Vec<T>) -> Option<Vec<T>> {
    if list.is_empty() {
        node.finding("P004", "at least one value wanted", "");
        return None;
    }
    Some(list)
}
