//! Where a text goes decides how the values in it are escaped.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// How the values of `{{ }}` are escaped on their way into a text: by where it goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sink {
    /// As they are.
    #[default]
    Plain,
    /// Percent-encoded as one segment of a URL's path.
    PathSegment,
    /// Percent-encoded as one value of a query.
    QueryValue,
    /// HTML-escaped; `| raw` as last filter opts out, here alone.
    Html,
    /// Refused if they hold a control character.
    Header,
}

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Sink {
    /// The most bytes that one byte of a value becomes.
    pub(super) fn growth(self) -> usize {
        match self {
            Self::Plain | Self::Header => 1,
            Self::PathSegment | Self::QueryValue => 3,
            Self::Html => 6,
        }
    }

    /// The value as it may stand in the text, or what the sink refuses about it.
    pub(super) fn escape(self, value: &str, raw: bool) -> Result<Cow<'_, str>, String> {
        match self {
            Self::Plain => Ok(Cow::Borrowed(value)),
            Self::PathSegment | Self::QueryValue => Ok(percent(value)),
            Self::Html if raw => Ok(Cow::Borrowed(value)),
            Self::Html => Ok(html(value)),
            Self::Header => match value.chars().find(|c| c.is_control()) {
                Some(odd) => {
                    Err(format!("holds the control character {}, which a header cannot", odd.escape_unicode()))
                }
                None => Ok(Cow::Borrowed(value)),
            },
        }
    }

    /// What the sink refuses about the whole text, values and literal text together.
    pub(super) fn check(self, text: &str) -> Result<(), String> {
        if self != Self::PathSegment {
            return Ok(());
        }
        match text.split(['/', '\\', '?', '#']).find(|segment| is_dots(segment)) {
            Some(segment) => Err(format!("`{segment}` cannot stand as a segment of a path")),
            None => Ok(()),
        }
    }
}

/// Percent-encodes all but letters, digits and `-._~`.
pub(super) fn percent(value: &str) -> Cow<'_, str> {
    utf8_percent_encode(value, RESERVED).into()
}

/// URL parsers take `%2e` for a dot here, so this does too.
fn is_dots(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

/// Escapes `& < > " '`.
pub(super) fn html(value: &str) -> Cow<'_, str> {
    if !value.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(value);
    }
    let mut escaped = String::with_capacity(value.len() + value.len() / 8);
    for character in value.chars() {
        match entity(character) {
            Some(entity) => escaped.push_str(entity),
            None => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

fn entity(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_escaped_by_where_it_goes() {
        for (sink, value, escaped) in [
            (Sink::Plain, "<a&b>", "<a&b>"),
            (Sink::PathSegment, "../a?b=c#d%2e", "..%2Fa%3Fb%3Dc%23d%252e"),
            (Sink::QueryValue, "a&admin=1+é ", "a%26admin%3D1%2B%C3%A9%20"),
            (Sink::Html, "<b>'\"&", "&lt;b&gt;&#39;&quot;&amp;"),
            (Sink::Header, "é", "é"),
        ] {
            assert_eq!(sink.escape(value, false).as_deref(), Ok(escaped), "{sink:?}");
        }
        for value in ["a\r\nb", "\0", "\t", "\u{7f}", "\u{85}"] {
            assert!(Sink::Header.escape(value, false).is_err(), "{value:?}");
        }
    }

    #[test]
    fn segments_of_dots_are_refused() {
        for text in [".", "..", "/a/../b", "/a/%2E%2e", "x/.%2e?y", "\\..\\"] {
            assert!(Sink::PathSegment.check(text).is_err(), "{text}");
        }
        for text in ["...", "/a/..b", "", "/", "a.b"] {
            assert!(Sink::PathSegment.check(text).is_ok(), "{text}");
        }
    }
}
