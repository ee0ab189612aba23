//! What may stand in the names that people give.

/// Whether a name may hold it: nothing that controls, ends a line, or turns the direction of writing, so that a list reads as it is.
pub(in crate::admin) fn fits(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        assert!("Deploy – 会社 (é)".chars().all(fits));
        for odd in ['\n', '\0', '\u{85}', '\u{202e}', '\u{2028}', '\u{2066}'] {
            assert!(!fits(odd), "{odd:?}");
        }
    }
}
