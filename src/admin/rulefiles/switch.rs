//! `enabled:` of a rule file, changed at its place: every other byte stays as it is.

use crate::value::{YamlLimits, read_yaml};

/// The text of a rule with `enabled` set. `Err` is one sentence: it cannot be set without touching more.
pub(in crate::admin) fn switched(text: &str, enabled: bool) -> Result<String, String> {
    let read = |text: &str| {
        read_yaml(text, YamlLimits::default())
            .map_err(|faults| faults.first().map_or_else(String::new, |fault| format!("line {}: {fault}", fault.line)))
    };
    let before = read(text)?;
    let map = before.value.as_object().ok_or("the file holds no rule")?;
    let now = map.get("enabled").map_or(Some(true), serde_json::Value::as_bool);
    if now == Some(enabled) {
        return Ok(text.to_owned());
    }
    let edited = if map.contains_key("enabled") {
        replaced(text, before.place("/enabled"), enabled)
    } else {
        inserted(text, before.key_place("/name"), enabled)
    };
    let unsure = || "the way it is written leaves no place for `enabled` that is sure".to_owned();
    let edited = edited.ok_or_else(unsure)?;
    let after = read(&edited).map_err(|_| unsure())?;
    let mut wanted = map.clone();
    wanted.insert("enabled".to_owned(), enabled.into());
    // Whatever the text was like: what comes out says the same, and `enabled` as wanted.
    if after.value.as_object() == Some(&wanted) { Ok(edited) } else { Err(unsure()) }
}

/// The byte where a place of the document stands.
fn offset(text: &str, (line, column): (u32, u32)) -> Option<usize> {
    let row = usize::try_from(line).ok()?.checked_sub(1)?;
    // A mark at the beginning of a file is no column of its first line.
    let mark = if row == 0 && text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let before: usize = text.split_inclusive('\n').take(row).map(str::len).sum();
    let line = text.get(before + mark..)?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let inside = line.char_indices().nth(column).map(|(at, _)| at)?;
    Some(before + mark + inside)
}

fn replaced(text: &str, place: (u32, u32), enabled: bool) -> Option<String> {
    let at = offset(text, place)?;
    let (head, tail) = text.split_at_checked(at)?;
    let word = ["true", "false"].into_iter().find(|word| tail.starts_with(word))?;
    Some(format!("{head}{enabled}{}", tail.get(word.len()..)?))
}

/// A line of its own before that of `name`, which every rule has.
fn inserted(text: &str, place: (u32, u32), enabled: bool) -> Option<String> {
    let at = offset(text, place)?;
    let (head, tail) = text.split_at_checked(at)?;
    let in_flow = head.trim_end().ends_with(['{', ',']);
    if in_flow {
        return Some(format!("{head}enabled: {enabled}, {tail}"));
    }
    let start_of_line = head.rfind('\n').map_or(0, |at| at + 1);
    let indent = head.get(start_of_line..)?.trim_start_matches('\u{feff}');
    if !indent.chars().all(|c| c == ' ') {
        return None;
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    // After the line of the name: what a file begins with is its name.
    let line = tail.split_inclusive('\n').next()?;
    let rest = tail.get(line.len()..)?;
    let is_whole = line.ends_with('\n') && is_one_line(line);
    if is_whole {
        return Some(format!("{head}{line}{indent}enabled: {enabled}{end}{rest}"));
    }
    Some(format!("{head}enabled: {enabled}{end}{indent}{tail}"))
}

/// Whether a name ends where its line does.
fn is_one_line(line: &str) -> bool {
    let value = line.split_once(':').map_or("", |(_, value)| value.trim());
    !value.is_empty() && !value.starts_with(['"', '\'', '|', '>'])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What two texts do not share: from the first byte that differs to the last.
    fn changed<'t>(before: &'t str, after: &'t str) -> (&'t str, &'t str) {
        let head = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
        let room = before.len().min(after.len()) - head;
        let tail = before.bytes().rev().zip(after.bytes().rev()).take(room).take_while(|(a, b)| a == b).count();
        (before.get(head..before.len() - tail).unwrap(), after.get(head..after.len() - tail).unwrap())
    }

    #[test]
    fn only_the_word_changes_and_everything_else_stays_to_the_byte() {
        for text in [
            "# top\n\nname:   Odd   # beside\nenabled:   true   # for now\non: a.b\ndo: []",
            "\u{feff}enabled: true\r\nname: x\r\non: a.b\r\ndo: []\r\n\r\n",
            "{ name: x, enabled: true, on: a.b, do: [] }\n",
            "name: \"é: {\"\non: a.b\nenabled:\n  true\ndo: []\n",
        ] {
            let off = switched(text, false).unwrap_or_else(|why| panic!("{why}: {text}"));
            assert_eq!(changed(text, &off), ("tru", "fals"), "{off}");
            assert_eq!(switched(&off, true).unwrap(), text);
            assert_eq!(switched(text, true).unwrap(), text);
        }
    }

    #[test]
    fn a_missing_word_gets_a_line_of_its_own() {
        for (text, wanted) in [
            ("name: x\non: a.b\ndo: []\n", "name: x\nenabled: false\non: a.b\ndo: []\n"),
            (
                "# top\r\nname: x # y\r\non: a.b\r\ndo: []\r\n",
                "# top\r\nname: x # y\r\nenabled: false\r\non: a.b\r\ndo: []\r\n",
            ),
            ("on: a.b\nname: \"x\n  y\"\ndo: []\n", "on: a.b\nenabled: false\nname: \"x\n  y\"\ndo: []\n"),
            ("on: a.b\ndo: []\nname: x", "on: a.b\ndo: []\nenabled: false\nname: x"),
            ("{ name: x, on: a.b, do: [] }", "{ enabled: false, name: x, on: a.b, do: [] }"),
            ("\u{feff}name: x\non: a.b\ndo: []\n", "\u{feff}name: x\nenabled: false\non: a.b\ndo: []\n"),
        ] {
            assert_eq!(switched(text, false).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_has_no_sure_place_is_refused() {
        for text in ["name: [\n", "- a\n", "", "name: x\nenabled: maybe\n", "? name\n: x\n"] {
            assert!(switched(text, false).is_err(), "{text}");
        }
    }
}
