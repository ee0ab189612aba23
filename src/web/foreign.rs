//! Foreign text in our own lines: one line, escaped, cut.

use std::fmt::{self, Write as _};

/// Characters of a foreign text that a log line shows.
const LONGEST: usize = 256;

/// Shows a text from outside on one line: control characters, line ends and marks that turn the writing direction are escaped, and
/// what is longer than 256 characters is cut.
pub struct Foreign<'t>(pub &'t str);

impl fmt::Display for Foreign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, character) in self.0.chars().enumerate() {
            if place == LONGEST {
                return f.write_char('…');
            }
            if character.is_control()
                || !(character.is_alphanumeric() || character.is_ascii_graphic() || character == ' ')
            {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// The part of a path that may be logged: its first two names. What follows them may be a token.
pub fn loggable(path: &str) -> &str {
    let end = path.match_indices('/').nth(2).map_or(path.len(), |(at, _)| at);
    path.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_a_path_is_not_logged() {
        assert_eq!(loggable("/hooks/groove/s3cret/x"), "/hooks/groove");
        assert_eq!(loggable("/hooks/groove"), "/hooks/groove");
        assert_eq!(loggable(""), "");
    }

    #[test]
    fn a_foreign_text_stays_on_one_line_and_is_cut() {
        assert_eq!(Foreign("a\r\nb\u{1b}[31m\u{202e}é").to_string(), "a\\r\\nb\\u{1b}[31m\\u{202e}é");
        let long = "x".repeat(1_000_000);
        assert_eq!(Foreign(&long).to_string().chars().count(), 257);
    }
}
