//! The form of a proof without what it holds: enough to see how it was made, and nothing to use it with.

/// Words that stand before a token.
const SCHEMES: [&str; 4] = ["bearer", "basic", "token", "digest"];
/// Letters of a label such as `sha256` in `sha256=...`.
const LONGEST_LABEL: usize = 10;

/// A header's value with each of its pieces as what it looks like: `sha256=‹64 hex digits›`, `Bearer ‹40 characters›`.
pub(super) fn shape(value: &str) -> String {
    let mut shown = String::new();
    let mut piece = String::new();
    for c in value.chars() {
        if matches!(c, ',' | ';' | ' ') {
            shown.push_str(&masked(&std::mem::take(&mut piece)));
            shown.push(c);
        } else {
            piece.push(c);
        }
    }
    shown.push_str(&masked(&piece));
    shown
}

fn masked(piece: &str) -> String {
    if piece.is_empty() || SCHEMES.contains(&piece.to_ascii_lowercase().as_str()) || is_version(piece) {
        return piece.to_owned();
    }
    if let Some((label, rest)) = piece.split_once('=')
        && !rest.trim_start_matches('=').is_empty()
        && label.len() <= LONGEST_LABEL
        && label.chars().all(|c| c.is_ascii_alphanumeric())
    {
        return format!("{label}={}", what(rest));
    }
    what(piece)
}

/// `v0`, `v1`: how a list of signatures names its schemes.
fn is_version(piece: &str) -> bool {
    piece.strip_prefix('v').is_some_and(|rest| matches!(rest.len(), 1 | 2) && rest.chars().all(char::is_alphanumeric))
}

fn what(piece: &str) -> String {
    let count = piece.chars().count();
    let all = |is: fn(char) -> bool| piece.chars().all(is);
    let unit = if all(|c| c.is_ascii_digit()) {
        "digits"
    } else if count.is_multiple_of(2) && all(|c| c.is_ascii_hexdigit()) {
        "hex digits"
    } else if count.is_multiple_of(4)
        && count >= 24
        && all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='))
    {
        "characters of base64"
    } else {
        "characters"
    };
    format!("‹{count} {unit}›")
}

/// A single piece of a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// What stands before it.
    pub(super) prefix: String,
    pub(super) count: usize,
    /// `hex digits`, `characters of base64`, `digits` or `characters`.
    pub(super) unit: String,
}

/// The one piece of a shape that has one: of `sha256=‹64 hex digits›`. `None` for any other.
pub(super) fn single(shape: &str) -> Option<Piece> {
    let (prefix, rest) = shape.split_once('‹')?;
    let (count, unit) = rest.strip_suffix('›')?.split_once(' ')?;
    (!rest.contains('‹'))
        .then(|| Some(Piece { prefix: prefix.to_owned(), count: count.parse().ok()?, unit: unit.to_owned() }))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_shown_as_its_form() {
        let hex = "ab".repeat(32);
        for (value, shown) in [
            (format!("sha256={hex}"), "sha256=‹64 hex digits›"),
            (hex.clone(), "‹64 hex digits›"),
            (format!("t=1763717592,v1={hex},v0={hex}"), "t=‹10 digits›,v1=‹64 hex digits›,v0=‹64 hex digits›"),
            ("v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=".to_owned(), "v1,‹44 characters of base64›"),
            ("Bearer abc.def".to_owned(), "Bearer ‹7 characters›"),
            ("short".to_owned(), "‹5 characters›"),
            ("secretlabelthatislong=x".to_owned(), "‹23 characters›"),
            (String::new(), ""),
        ] {
            assert_eq!(shape(&value), shown);
        }
    }

    #[test]
    fn a_single_piece_is_taken_apart() {
        let piece = single("sha256=‹64 hex digits›").unwrap();
        assert_eq!((piece.prefix.as_str(), piece.count, piece.unit.as_str()), ("sha256=", 64, "hex digits"));
        assert_eq!(single("t=‹10 digits›,v1=‹64 hex digits›"), None);
        assert_eq!(single("x"), None);
    }
}
