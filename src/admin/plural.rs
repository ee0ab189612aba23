//! Numbers with what they count.

use std::fmt::Display;

/// `1 run`, `2 runs`.
pub(super) fn counted(count: &dyn Display, thing: &str) -> String {
    let count = count.to_string();
    if count == "1" { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_plural() {
        assert_eq!([0_i64, 1, 2].map(|count| counted(&count, "run")), ["0 runs", "1 run", "2 runs"]);
    }
}
