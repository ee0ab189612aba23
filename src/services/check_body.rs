//! From a hook's `body` and `files` as written to what it takes.

use super::{Bodies, BodyKind, Format, Formats, raw::Node};

/// Reads `body: xml`, `body: auto` or `body: [json, form]`, and `files: true`. `None` where that does not hold together.
pub(super) fn bodies(hook: &Node<'_>) -> Option<Bodies> {
    let files = hook.get("files").is_some_and(|node| node.flag());
    let Some(node) = hook.get("body") else { return Some(Bodies { files, ..Bodies::DEFAULT }) };
    let kind = if node.value.is_array() {
        let formats: Vec<Format> = node.list().iter().filter_map(|node| node.word(&Format::ALL)).collect();
        if formats.is_empty() {
            node.finding("P004", "one or more of `json`, `form`, `xml`, `text` and `multipart` wanted", "");
        }
        BodyKind::ByType(Formats::of(formats))
    } else {
        let auto = ("auto", BodyKind::ByType(Formats::ALL));
        let one = Format::ALL.map(|(word, format)| (word, BodyKind::As(format)));
        node.word(&one.into_iter().chain([auto]).collect::<Vec<_>>())?
    };
    Some(Bodies { kind, files })
}
