//! Puts a test into a rule's file: everything else stays byte for byte as it is.

use super::yaml;
use crate::value::{Document, Value, YamlLimits, read_yaml};

/// The text of a rule's file with one more test at the end of its `tests`. `Err` is one sentence: it cannot be put in without
/// touching more.
pub fn with_test(text: &str, entry: &Value) -> Result<String, String> {
    let read = |text: &str| {
        read_yaml(text, YamlLimits::default())
            .map_err(|faults| faults.first().map_or_else(String::new, |fault| format!("line {}: {fault}", fault.line)))
    };
    let before = read(text)?;
    let edited = Edit::of(text, &before).put(entry)?;
    let after = read(&edited).map_err(|why| format!("the file would no longer read: {why}"))?;
    // Whatever the text was like: what comes out says the same, and one test more.
    if !is_same_but_for(&before.value, &after.value, entry) {
        return Err("the way its `tests` are written leaves no place that is sure".to_owned());
    }
    Ok(edited)
}

fn is_same_but_for(before: &Value, after: &Value, entry: &Value) -> bool {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else { return false };
    let tests =
        |map: &serde_json::Map<String, Value>| map.get("tests").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut wanted = tests(before);
    wanted.push(entry.clone());
    let rest = |map: &serde_json::Map<String, Value>| {
        let mut map = map.clone();
        map.shift_remove("tests");
        map
    };
    tests(after) == wanted && rest(before) == rest(after)
}

struct Edit<'t> {
    text: &'t str,
    document: &'t Document,
    /// Lines with their ends.
    lines: Vec<&'t str>,
    line_end: &'static str,
}

impl<'t> Edit<'t> {
    fn of(text: &'t str, document: &'t Document) -> Self {
        let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Self { text, document, lines: text.split_inclusive('\n').collect(), line_end }
    }

    fn put(&self, entry: &Value) -> Result<String, String> {
        match self.document.value.get("tests") {
            None => self.new_list(entry),
            Some(Value::Null) => self.after_key(entry, &["", "~", "null"]),
            Some(Value::Array(list)) => {
                let open = self.offset(self.document.place("/tests"));
                match open.filter(|at| self.text.get(*at..).is_some_and(|rest| rest.starts_with('['))) {
                    Some(_) if list.is_empty() && self.after_key(entry, &["[]", "[ ]"]).is_ok() => {
                        self.after_key(entry, &["[]", "[ ]"])
                    }
                    Some(open) => self.in_flow(open, entry),
                    None => self.in_block(entry),
                }
            }
            Some(_) => Err("`tests` is no list".to_owned()),
        }
    }

    /// Where a place of the document stands in the text, in bytes.
    fn offset(&self, (line, column): (u32, u32)) -> Option<usize> {
        let row = usize::try_from(line).ok()?.checked_sub(1)?;
        let before: usize = self.lines.iter().take(row).map(|line| line.len()).sum();
        let line = self.lines.get(row)?;
        let column = usize::try_from(column).ok()?.checked_sub(1)?;
        let inside = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        Some(before + inside)
    }

    fn joined(&self, lines: &[String], indent: usize) -> String {
        lines.iter().map(|line| format!("{:indent$}{line}{}", "", self.line_end)).collect()
    }

    /// The text with `new` at a byte, and a line end before it where the line above has none.
    fn inserted(&self, at: usize, new: &str) -> Option<String> {
        let (head, tail) = self.text.split_at_checked(at)?;
        let gap = if head.is_empty() || head.ends_with('\n') { "" } else { self.line_end };
        Some(format!("{head}{gap}{new}{tail}"))
    }

    /// The byte after the last line that belongs to the document.
    fn end(&self) -> usize {
        let mut at = 0;
        for line in &self.lines {
            if line.trim_end() == "..." {
                return at;
            }
            at += line.len();
        }
        at
    }

    fn new_list(&self, entry: &Value) -> Result<String, String> {
        let first = self.lines.iter().map(|line| line.trim()).find(|line| !line.is_empty() && !line.starts_with('#'));
        if first.is_none_or(|line| line.starts_with('{')) {
            return Err("the rule is written as one `{...}`, and has no `tests` to add to".to_owned());
        }
        let list = format!("tests:{}{}", self.line_end, self.joined(&yaml::elements(std::slice::from_ref(entry)), 2));
        self.inserted(self.end(), &list).ok_or_else(|| "its end is not found".to_owned())
    }

    /// `tests:` with nothing after it, or with one of `words`, which goes away.
    fn after_key(&self, entry: &Value, words: &[&str]) -> Result<String, String> {
        let lost = || "the line of `tests` is not found".to_owned();
        let (line, _) = self.document.key_place("/tests");
        let row = usize::try_from(line).ok().and_then(|line| line.checked_sub(1)).ok_or_else(lost)?;
        let whole = self.lines.get(row).ok_or_else(lost)?;
        let (key, rest) = whole.split_once(':').ok_or_else(lost)?;
        let body = rest.trim_end_matches(['\n', '\r']);
        let value = body.split_once(" #").map_or(body, |(value, _)| value);
        if !words.contains(&value.trim()) {
            return Err("the line of `tests` holds something else".to_owned());
        }
        let kept = if value.trim().is_empty() {
            rest.to_owned()
        } else {
            let after = rest.get(value.len()..).unwrap_or_default();
            let after = after.trim_start_matches(' ');
            if after.starts_with('#') { format!(" {after}") } else { after.to_owned() }
        };
        let start: usize = self.lines.iter().take(row).map(|line| line.len()).sum();
        let (head, tail) = self.text.split_at_checked(start).ok_or_else(lost)?;
        let tail = tail.get(whole.len()..).ok_or_else(lost)?;
        let gap = if kept.ends_with('\n') { "" } else { self.line_end };
        let added = self.joined(&yaml::elements(std::slice::from_ref(entry)), 2);
        Ok(format!("{head}{key}:{kept}{gap}{added}{tail}"))
    }

    fn in_flow(&self, open: usize, entry: &Value) -> Result<String, String> {
        let lost = || "the `]` of `tests` is not found".to_owned();
        let (bracket, before) = closing(self.text.get(open..).ok_or_else(lost)?).ok_or_else(lost)?;
        let comma = if matches!(before, ',' | '[') { "" } else { ", " };
        let (head, tail) = self.text.split_at_checked(open + bracket).ok_or_else(lost)?;
        Ok(format!("{head}{comma}{}{tail}", yaml::flow(entry)))
    }

    fn in_block(&self, entry: &Value) -> Result<String, String> {
        let lost = || "the last test is not found".to_owned();
        let row_of = |pointer: &str| {
            let line = self.document.key_place(pointer).0;
            usize::try_from(line).ok().and_then(|line| line.checked_sub(1)).ok_or_else(lost)
        };
        let key = row_of("/tests")?;
        let dash = self.lines.iter().skip(key + 1).find(|line| line.trim_start().starts_with('-')).ok_or_else(lost)?;
        let indent = dash.len() - dash.trim_start().len();
        let names = self.document.value.as_object().into_iter().flat_map(serde_json::Map::keys);
        let next = names.skip_while(|name| *name != "tests").nth(1);
        let mut end = if let Some(name) = next {
            row_of(&crate::value::pointer_to("", name))?
        } else {
            let bytes = self.end();
            let mut at = 0;
            let inside = |line: &&&str| {
                at += line.len();
                at <= bytes
            };
            self.lines.iter().take_while(inside).count()
        };
        // Blank lines and comments before what comes next belong to that.
        while let Some(line) = end.checked_sub(1).filter(|row| *row > key).and_then(|row| self.lines.get(row)) {
            let own = line.trim_start();
            let is_apart = own.trim_end().is_empty() || (own.starts_with('#') && line.len() - own.len() <= indent);
            if !is_apart {
                break;
            }
            end -= 1;
        }
        let at = self.lines.iter().take(end).map(|line| line.len()).sum();
        let new = self.joined(&yaml::elements(std::slice::from_ref(entry)), indent);
        self.inserted(at, &new).ok_or_else(lost)
    }
}

/// The byte of the `]` that closes the `[` at the beginning, and the last character before it that is neither blank nor in a comment.
fn closing(text: &str) -> Option<(usize, char)> {
    let mut depth = 0_usize;
    let mut quote = None;
    let (mut comment, mut escaped) = (false, false);
    let (mut last, mut before) = (' ', '\n');
    for (at, c) in text.char_indices() {
        if comment {
            comment = c != '\n';
        } else if let Some(mark) = quote {
            if escaped {
                escaped = false;
            } else if c == '\\' && mark == '"' {
                escaped = true;
            } else if c == mark {
                quote = None;
                last = c;
            }
        } else {
            match c {
                '#' if before.is_whitespace() => comment = true,
                // In the middle of a plain text a quote is a character like any other.
                '"' | '\'' if matches!(last, '[' | '{' | ',' | ':') => quote = Some(c),
                // `''` inside of single quotes stands for one.
                '\'' if before == '\'' && last == '\'' => quote = Some(c),
                '[' | '{' => depth += 1,
                ']' | '}' => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some((at, last));
                    }
                }
                _ => {}
            }
            if !c.is_whitespace() && !comment {
                last = c;
            }
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RULE: &str = "name: a # the name\non: x.y\ndo: []\n";

    fn entry() -> Value {
        json!({"name": "it's new: # no comment", "event": {"fixture": "a.json"}, "expect": [{"x.y": {"a": 1}}]})
    }

    /// What is left of the edited text after the inserted lines are taken out.
    fn put(text: &str) -> String {
        let edited = with_test(text, &entry()).unwrap_or_else(|why| panic!("{why}\n{text}"));
        assert_eq!(edited.contains("\r\n"), text.contains("\r\n"));
        assert!(!text.contains("\r\n") || edited.matches('\n').count() == edited.matches("\r\n").count(), "{edited:?}");
        edited
    }

    fn is_insertion(before: &str, after: &str) -> bool {
        let head = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
        let rest = before.len() - head;
        after.len() >= before.len() && after.as_bytes()[after.len() - rest..] == before.as_bytes()[head..]
    }

    #[test]
    fn a_test_is_put_behind_the_last_one_and_nothing_else_changes() {
        let tests = "tests:\n  # first\n  - name: one\n    event: { sample: a }\n    expect: []\n";
        for text in [
            RULE.to_owned(),
            format!("{RULE}# the end\n"),
            RULE.trim_end().to_owned(),
            format!("---\n{RULE}...\n"),
            format!("{RULE}{tests}"),
            format!("{RULE}{tests}\n# about nothing\n"),
            format!("{RULE}{tests}  # more to come\n"),
            format!("{tests}\n# about the rest\n{RULE}"),
            format!("{RULE}tests:\n- name: one\n  event: {{ sample: a }}\n# end\n"),
            format!("{RULE}tests:\n    -\n        name: one\n        event: {{ sample: a }}\n"),
            format!("{RULE}tests:\n  - name: |\n      # no comment\n      text\n\n  # end\n"),
            format!("{RULE}tests:\n  - name: |\n      # no comment\n      text"),
            format!("{RULE}tests: # none yet\n"),
            format!("{RULE}tests:"),
            format!("{RULE}tests: [{{ name: \"a ] b\", event: {{ sample: it's }} }}] # flow\n"),
            format!("{RULE}tests: [\n  {{ name: one }}, # a ] comment\n  ]\n"),
            "{ name: a, tests: [{ name: 'it''s ]' }] }\n".to_owned(),
        ] {
            for text in [text.clone(), text.replace('\n', "\r\n")] {
                let edited = put(&text);
                assert!(is_insertion(&text, &edited), "{text}\n=>\n{edited}");
            }
        }
    }

    #[test]
    fn an_empty_list_gives_way_to_the_test() {
        let edited = put(&format!("{RULE}tests: []  # none yet\nenabled: true\n"));
        let wanted = "tests: # none yet\n  - name: \"it's new: # no comment\"\n    event: { fixture: a.json }\n    expect:\n      - x.y: { a: 1 }\nenabled: true\n";
        assert_eq!(edited, format!("{RULE}{wanted}"));
        assert!(put(&format!("{RULE}tests: ~\n")).contains("tests:\n  - name"));
        assert!(put(&format!("{RULE}tests: [\n  ]\n")).contains("event: { fixture: a.json }"));
    }

    #[test]
    fn what_has_no_sure_place_is_refused() {
        for text in ["{ name: a }\n", "name: a\ntests: 4\n", "name: [\n", ""] {
            assert!(with_test(text, &entry()).is_err(), "{text}");
        }
    }
}
