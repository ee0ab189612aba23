//! Patterns of `matches`: searched in linear time, and bounded when compiled.

use regex::{Regex, RegexBuilder};

/// Bytes of a pattern, by cases.md R19.
const PATTERN_BYTES: usize = 1024;
/// Bytes of a compiled pattern: the same `(?:a{1000}){1000}` that would otherwise take 10 MiB is refused.
const COMPILED_BYTES: usize = 256 * 1024;

/// Why a pattern is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PatternFault {
    pub(super) message: String,
    pub(super) help: &'static str,
}

/// Compiles a pattern.
pub(super) fn compile(pattern: &str, ignore_case: bool) -> Result<Regex, PatternFault> {
    if pattern.len() > PATTERN_BYTES {
        let message = format!("a pattern of {} bytes; at most {PATTERN_BYTES} are taken", pattern.len());
        return Err(PatternFault { message, help: "use `in` for a list of texts" });
    }
    let built = RegexBuilder::new(pattern).case_insensitive(ignore_case).size_limit(COMPILED_BYTES).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => PatternFault {
            message: "the pattern is too large when compiled".to_owned(),
            help: "use smaller repetitions, such as `+` for `{1000}`",
        },
        error => {
            let text = error.to_string();
            let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            PatternFault {
                message: format!("not a pattern: {why}"),
                help: "look-around and backreferences are not there; `\\` in double quotes is written `\\\\`",
            }
        }
    })
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
