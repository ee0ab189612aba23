//! Two texts line by line.

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

/// Lines of a comparison that are told.
const MOST: usize = 10_000;

/// Time for one comparison: beyond it the rest is told more coarsely.
const TIME: std::time::Duration = std::time::Duration::from_millis(500);

/// What a line is in the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::admin) enum LineKind {
    /// In both texts.
    Same,
    /// In the new one alone.
    Add,
    /// In the old one alone.
    Del,
}

/// A line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::admin) struct Line {
    pub(in crate::admin) kind: LineKind,
    /// Its number in the old text, from 1.
    pub(in crate::admin) old: Option<usize>,
    /// Its number in the new text, from 1.
    pub(in crate::admin) new: Option<usize>,
    /// Without its line end; another end than `\n` is shown.
    pub(in crate::admin) text: String,
}

/// The lines of both texts, in order: the first ten thousand, with a last one that says how many there are beside them.
pub(in crate::admin) fn lines(old: &str, new: &str) -> Vec<Line> {
    let compared = TextDiff::configure().timeout(TIME).diff_lines(old, new);
    let change = |change: similar::Change<&str>| {
        let kind = match change.tag() {
            ChangeTag::Equal => LineKind::Same,
            ChangeTag::Insert => LineKind::Add,
            ChangeTag::Delete => LineKind::Del,
        };
        let text = change.value();
        // A changed line end is all that may differ, and would be seen by nobody.
        let text = match (text.strip_suffix("\r\n"), text.strip_suffix('\n')) {
            (Some(text), _) if kind == LineKind::Same => text.to_owned(),
            (Some(text), _) => format!("{text}␍"),
            (None, Some(text)) => text.to_owned(),
            (None, None) if kind == LineKind::Same => text.to_owned(),
            (None, None) => format!("{text} (no line end)"),
        };
        let number = |index: Option<usize>| index.map(|index| index + 1);
        Line { kind, old: number(change.old_index()), new: number(change.new_index()), text }
    };
    let mut all = compared.iter_all_changes();
    let mut told: Vec<Line> = all.by_ref().take(MOST).map(change).collect();
    let left = all.count();
    if left > 0 {
        let text = format!("… {left} more lines are not shown");
        told.push(Line { kind: LineKind::Same, old: None, new: None, text });
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_nothing_but_lines_is_cut() {
        let found = lines("", &"\n".repeat(50_000));
        assert_eq!(found.len(), MOST + 1);
        assert_eq!(found.last().unwrap().text, "… 40000 more lines are not shown");
    }

    #[test]
    fn a_line_stands_with_its_number_in_both_texts() {
        let found = lines("a\nb\nc\n", "a\nx\nc\n");
        let shown: Vec<(LineKind, Option<usize>, Option<usize>, &str)> =
            found.iter().map(|line| (line.kind, line.old, line.new, line.text.as_str())).collect();
        let wanted = [
            (LineKind::Same, Some(1), Some(1), "a"),
            (LineKind::Del, Some(2), None, "b"),
            (LineKind::Add, None, Some(2), "x"),
            (LineKind::Same, Some(3), Some(3), "c"),
        ];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn line_ends_that_differ_are_seen() {
        let found = lines("a\r\n", "a\n");
        assert_eq!(found.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["a␍", "a"]);
    }
}
