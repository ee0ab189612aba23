//! Text in lines of a terminal's width.

/// Columns that a line has at most.
pub(super) const WIDTH: usize = 80;

/// The words of `text` in lines of at most 80 columns: the first begins with `first`, all others with `then`. A longer word stays whole.
pub(in crate::cli) fn wrapped(first: &str, then: &str, text: &str) -> String {
    let mut lines = vec![first.to_owned()];
    let mut is_begun = false;
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if is_begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(format!("{then}{word}"));
            continue;
        }
        if is_begun {
            line.push(' ');
        }
        line.push_str(word);
        is_begun = true;
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_lines_stay_short() {
        let text = wrapped("  a: ", "     ", &"word ".repeat(40));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.starts_with("  a: word word") && text.contains("\n     word"), "{text}");
        assert_eq!(wrapped("x ", "", ""), "x\n");
        let long = "y".repeat(100);
        assert_eq!(wrapped("  ", "  ", &format!("a {long} b")), format!("  a\n  {long}\n  b\n"));
    }
}
