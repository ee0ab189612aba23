//! URLs and paths made from templates: a value never changes where a request goes.

use super::prepare::Fault;
use crate::{
    templates::{Context, Leaf, RenderErrorKind, Sink},
    value::{Value, find_in},
};

/// Bytes of a URL at most: what common servers take.
const LONGEST: usize = 8 * 1024;

/// Renders the path of a pack's action, which starts with `/` and has no query; `keeps` are characters that are not encoded.
pub(super) fn path(leaf: &Leaf, keeps: &str, context: &Context<'_>) -> Result<String, Fault> {
    let rendered = text(leaf, context, Sink::PathSegment)?;
    // A `%` of a value is encoded itself, so that each of these was one character of a value or of the pack.
    let path = keeps
        .chars()
        .fold(rendered, |path, kept| path.replace(&format!("%{:02X}", u32::from(kept)), &kept.to_string()));
    check_segments(&path)?;
    check_text(&path)?;
    Ok(path)
}

/// Renders the URL of an `http` step: each value is one path segment before the first `?`, and one query value after it.
pub(super) fn url(leaf: &Leaf, context: &Context<'_>) -> Result<String, Fault> {
    if let Leaf::Literal(value) = leaf {
        let url = value.as_str().unwrap_or_default().to_owned();
        check_text(&url)?;
        return check_scheme(url);
    }
    let in_path = text(leaf, context, Sink::PathSegment)?;
    // The sinks encode `?`, so the first one that is left stands in the template's own text, in both renderings.
    let (before, has_query) = in_path.split_once('?').map_or((in_path.as_str(), false), |(before, _)| (before, true));
    let base = with_origin(before, leaf, context);
    let (scheme, rest) = base.split_once("://").unwrap_or(("", &base));
    check_segments(rest.split_once('/').map_or("", |(_, path)| path))?;
    if rest.is_empty() || rest.starts_with('/') {
        return Err(Fault::kind("the URL has no host".to_owned()));
    }
    let mut url = format!("{scheme}://{rest}");
    if has_query {
        let in_query = text(leaf, context, Sink::QueryValue)?;
        let query = in_query.split_once('?').map_or("", |(_, query)| query);
        url = format!("{url}?{query}");
    }
    check_text(&url)?;
    check_scheme(url)
}

/// Appends query text, before a fragment (which is never sent).
pub(super) fn with_query(url: String, query: &str) -> Result<String, Fault> {
    let url = url.split_once('#').map_or(url.as_str(), |(url, _)| url).to_owned();
    if query.is_empty() {
        return Ok(url);
    }
    let joint = match url.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    let whole = format!("{url}{joint}{query}");
    check_text(&whole)?;
    Ok(whole)
}

fn text(leaf: &Leaf, context: &Context<'_>, sink: Sink) -> Result<String, Fault> {
    let value = leaf.render(context, sink).map_err(|error| match error.kind {
        // The sink refuses segments that would change the path, such as `..`.
        RenderErrorKind::Refused => Fault::kind(format!("the URL: {error}")),
        _ => Fault::template("the URL", &error),
    })?;
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Fault::kind("the URL is not text".to_owned())),
    }
}

/// Scheme and host that come from `vars` (`{{ vars.crm }}/calls/...`) are put back: the sink has encoded their `:` and `/`.
fn with_origin(rendered: &str, leaf: &Leaf, context: &Context<'_>) -> String {
    for reference in leaf.references() {
        if reference.open || reference.path.root() != Some("vars") {
            continue;
        }
        let value = context.root("vars").and_then(|vars| find_in(reference.path.below_root(), vars));
        let Some(Value::String(origin)) = value else { continue };
        if !(origin.starts_with("https://") || origin.starts_with("http://")) {
            continue;
        }
        if let Some(rest) = strip_encoded(rendered, origin) {
            let origin = if rest.starts_with('/') { origin.trim_end_matches('/') } else { origin };
            return format!("{origin}{rest}");
        }
    }
    rendered.to_owned()
}

/// What follows `plain`, each byte of which may stand percent-encoded, at the start of `text`.
fn strip_encoded<'t>(text: &'t str, plain: &str) -> Option<&'t str> {
    let mut rest = text;
    for byte in plain.bytes() {
        let encoded = format!("%{byte:02X}");
        rest = match rest.get(..encoded.len()) {
            Some(start) if start.eq_ignore_ascii_case(&encoded) => rest.get(encoded.len()..)?,
            _ => rest.strip_prefix(char::from(byte)).filter(|_| byte.is_ascii())?,
        };
    }
    Some(rest)
}

/// Refuses segments that would change the shape of a path: `.` and `..` (encoded or not) go up, an empty one is often dropped.
fn check_segments(path: &str) -> Result<(), Fault> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let dots = segment.replace("%2e", ".").replace("%2E", ".");
        if dots == "." || dots == ".." {
            return Err(Fault::kind(
                "a value in the URL's path is `.` or `..`, which would change the path".to_owned(),
            ));
        }
        // The last one may be empty: `/tickets/`.
        if segment.is_empty() && segments.peek().is_some() {
            return Err(Fault::kind("a value in the URL's path is empty".to_owned()));
        }
    }
    Ok(())
}

fn check_text(url: &str) -> Result<(), Fault> {
    if url.is_empty() {
        return Err(Fault::kind("the URL is empty".to_owned()));
    }
    if url.len() > LONGEST {
        return Err(Fault::kind(format!("the URL has {} bytes; at most {LONGEST} are sent", url.len())));
    }
    if url.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(Fault::kind("the URL holds white space, a control character or a backslash".to_owned()));
    }
    Ok(())
}

fn check_scheme(url: String) -> Result<String, Fault> {
    let known = url
        .split_once("://")
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http"));
    if known { Ok(url) } else { Err(Fault::kind("the URL does not start with https:// or http://".to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_that_change_the_shape_of_a_path_are_refused() {
        for (path, fine) in [
            ("/tickets/42/messages", true),
            ("/tickets/", true),
            ("/", true),
            ("/a/..b", true),
            ("/a/%2e%2ex", true),
            ("/tickets//messages", false),
            ("/tickets/../messages", false),
            ("/tickets/.", false),
            ("/tickets/%2e%2E/messages", false),
            ("/tickets/.%2e", false),
        ] {
            assert_eq!(check_segments(path).is_ok(), fine, "{path}");
        }
    }

    #[test]
    fn an_encoded_origin_is_found_whatever_was_encoded() {
        assert_eq!(strip_encoded("https%3A%2F%2Fa.b/x", "https://a.b"), Some("/x"));
        assert_eq!(strip_encoded("https%3a//a.b%2Fc/x", "https://a.b/c"), Some("/x"));
        assert_eq!(strip_encoded("https%3A%2F%2Fa.bc", "https://a.b"), Some("c"));
        assert_eq!(strip_encoded("https%3A%2F%2Fa", "https://a.b"), None);
        assert_eq!(strip_encoded("%C3%A9x", "é"), Some("x"));
    }

    #[test]
    fn a_query_is_appended_before_a_fragment() {
        for (url, whole) in [
            ("https://a/b", "https://a/b?x=1"),
            ("https://a/b?", "https://a/b?x=1"),
            ("https://a/b?y=2", "https://a/b?y=2&x=1"),
            ("https://a/b#c", "https://a/b?x=1"),
        ] {
            assert_eq!(with_query(url.to_owned(), "x=1").unwrap(), whole);
        }
    }
}
