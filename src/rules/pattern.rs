//! Patterns of `matches`: searched in linear time, and bounded when compiled.

use regex_automata::{
    meta::{Config, Regex},
    util::syntax,
};

/// Bytes of a pattern, by cases.md R19.
const PATTERN_BYTES: usize = 1024;
/// Bytes of a compiled pattern: the same `(?:a{1000}){1000}` that would otherwise take 10 MiB is refused.
const COMPILED_BYTES: usize = 256 * 1024;

/// Bytes of the compiled patterns of all rules of a set together, as they are read: thousands of small texts would else take gigabytes.
pub(super) const OF_A_SET: usize = 128 * 1024 * 1024;

/// Why a pattern is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PatternFault {
    pub(super) message: String,
    pub(super) help: &'static str,
}

/// A pattern as it is searched for.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

impl Pattern {
    /// Whether it is found anywhere in a text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// As it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Bytes that it takes, without what searches keep.
    pub(super) fn bytes(&self) -> usize {
        self.regex.memory_usage()
    }
}

/// Compiles a pattern.
pub(super) fn compile(pattern: &str, ignore_case: bool) -> Result<Pattern, PatternFault> {
    if pattern.len() > PATTERN_BYTES {
        let message = format!("a pattern of {} bytes; at most {PATTERN_BYTES} are taken", pattern.len());
        return Err(PatternFault { message, help: "use `in` for a list of texts" });
    }
    let built = Regex::builder()
        .configure(Config::new().nfa_size_limit(Some(COMPILED_BYTES)))
        .syntax(syntax::Config::new().case_insensitive(ignore_case))
        .build(pattern);
    match built {
        Ok(regex) => Ok(Pattern { text: pattern.to_owned(), regex }),
        Err(error) if error.size_limit().is_some() => Err(PatternFault {
            message: "the pattern is too large when compiled".to_owned(),
            help: "use smaller repetitions, such as `+` for `{1000}`",
        }),
        Err(error) => {
            let text = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
            let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            Err(PatternFault {
                message: format!("not a pattern: {why}"),
                help: "look-around and backreferences are not there; `\\` in double quotes is written `\\\\`",
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_bounded() {
        assert!(compile("^[0-9]+$", false).is_ok());
        assert!(compile("(a+)+$", false).is_ok(), "linear time, so it does no harm");
        assert!(compile("(?:a{1000}){1000}", false).unwrap_err().message.contains("too large"));
        assert!(compile(&"a|".repeat(10_000), false).is_err());
        assert!(compile("(?=a)", false).unwrap_err().message.starts_with("not a pattern: look-around"));
        assert!(compile("(a)\\1", false).is_err());
    }
}
