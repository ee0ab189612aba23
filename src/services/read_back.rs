//! How an attempt without an answer is decided: a read tells whether it took effect.

use super::raw::Node;
use crate::templates::{Leaf, Tree};

/// A read that tells whether an attempt without an answer took effect.
#[derive(Debug)]
pub struct ReadBack {
    /// The read: an action of the same pack.
    pub action: String,
    /// Its inputs; they see the inputs of the action in doubt.
    pub inputs: Vec<(String, Tree)>,
    /// Rendered for each element of the read's result (once for a result that is no list): it sees the inputs of the action in doubt,
    /// `item`, and `began_at`, when the first attempt of its step began (RFC 3339). What is not blank is what the attempt brought about, and becomes the
    /// step's result: one `{{ }}` keeps its type, a text that is a JSON object or list becomes one. Null, false, blank text and what is
    /// empty say that this item is none of it.
    pub found: Leaf,
}

/// Reads `verify`. `None` where it does not hold together; the findings say why.
pub(super) fn read_back(node: &Node<'_>, inputs: &[&str]) -> Option<ReadBack> {
    node.object()?;
    node.keys(&["action", "inputs", "found"]);
    let action = node.want("action").and_then(|node| node.identifier());
    let given = node.get("inputs").map(|node| {
        let tree = |(name, node): (String, Node<'_>)| Some((name, node.tree(inputs)?));
        node.entries().into_iter().filter_map(tree).collect::<Vec<_>>()
    });
    let seen: Vec<&str> = inputs.iter().copied().chain(["item", "began_at"]).collect();
    let found = node.want("found").and_then(|node| node.leaf(&seen));
    Some(ReadBack { action: action?, inputs: given.unwrap_or_default(), found: found? })
}
