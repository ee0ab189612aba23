//! The rule's text as it was when a run began, and what is different in the one in force.

use similar::{ChangeTag, TextDiff};

/// Lines around a difference.
const AROUND: usize = 3;
/// Lines of a difference that are shown.
const LINES: usize = 2_000;

/// A line of a difference.
pub(super) struct DiffLine {
    /// `del`, `ins`, or empty for one that is the same; `gap` for lines that are left out.
    pub(super) kind: &'static str,
    pub(super) text: String,
}

/// What leads from one text to the other. Empty: they are the same.
pub(super) fn difference(was: &str, is: &str) -> Vec<DiffLine> {
    let diff = TextDiff::from_lines(was, is);
    let mut lines = Vec::new();
    for (place, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if place > 0 {
            lines.push(DiffLine { kind: "gap", text: "…".to_owned() });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let kind = match change.tag() {
                ChangeTag::Delete => "del",
                ChangeTag::Insert => "ins",
                ChangeTag::Equal => "",
            };
            lines.push(DiffLine { kind, text: change.value().trim_end_matches(['\n', '\r']).to_owned() });
            if lines.len() >= LINES {
                return lines;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown_with_the_lines_around_it() {
        let was = "a\nb\nc\nd\ne\nf\ng\n";
        let kinds: Vec<_> =
            difference(was, &was.replace('b', "B")).into_iter().map(|line| (line.kind, line.text)).collect();
        let wanted = [("", "a"), ("del", "b"), ("ins", "B"), ("", "c"), ("", "d"), ("", "e")];
        assert_eq!(kinds, wanted.map(|(kind, text)| (kind, text.to_owned())));
        assert!(difference(was, was).is_empty());
    }
}
