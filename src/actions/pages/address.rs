//! The parameters of a query and the links of a header, as text: what a service wrote stays as it is wherever it need not change.

use std::borrow::Cow;

use crate::actions::parts::query_text;

/// The value of a parameter. `None` where the path has none of this name.
pub(super) fn parameter<'p>(path: &'p str, name: &str) -> Option<Cow<'p, str>> {
    let (_, query) = path.split_once('?')?;
    url::form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value)
}

/// The path with this value of the parameter alone, at the place where it stood first, else at the end.
pub(super) fn set_parameter(path: &str, name: &str, value: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let pair = query_text(&[(name.to_owned(), value.to_owned())]);
    let mut parts: Vec<&str> = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        if !is_of(part, name) {
            parts.push(part);
        } else if !parts.contains(&pair.as_str()) {
            parts.push(&pair);
        }
    }
    if !parts.contains(&pair.as_str()) {
        parts.push(&pair);
    }
    format!("{path}?{}", parts.join("&"))
}

/// The path with those of the parameters `keep` of `first` that it has none of.
pub(super) fn add_missing(path: String, first: &str, keep: &[String]) -> String {
    let Some((_, query)) = first.split_once('?') else { return path };
    let missing: Vec<&str> = query
        .split('&')
        .filter(|part| keep.iter().any(|name| is_of(part, name) && parameter(&path, name).is_none()))
        .collect();
    if missing.is_empty() {
        return path;
    }
    let joint = match path.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{path}{joint}{}", missing.join("&"))
}

/// Whether `name=value` as written is of this name.
fn is_of(part: &str, name: &str) -> bool {
    url::form_urlencoded::parse(part.as_bytes()).next().is_some_and(|(known, _)| known == name)
}

/// The address in a `Link` header whose `rel` is `next` (RFC 8288). `None` where there is none.
pub(super) fn next_link(header: &str) -> Option<String> {
    let mut rest = header;
    loop {
        let (address, after) = rest.split_once('<')?.1.split_once('>')?;
        let (mut parameters, next) = cut(after, b',');
        while !parameters.is_empty() {
            let (parameter, others) = cut(parameters, b';');
            if is_next(parameter) {
                return Some(address.trim().to_owned());
            }
            parameters = others;
        }
        rest = next;
    }
}

/// What stands before and after the first `mark` outside of quotes; nothing after, where there is none.
fn cut(text: &str, mark: u8) -> (&str, &str) {
    let mut quoted = false;
    let end = text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == mark && !quoted
    });
    let (before, after) = end.and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
    (before, after.get(1..).unwrap_or_default())
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("rel")
        && value.trim().trim_matches('"').split_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_put_in_its_place_and_the_rest_stays_as_written() {
        for (path, name, value, wanted) in [
            ("/t", "page", "2", "/t?page=2"),
            ("/t?a=%20b&page=1&c=d+e", "page", "2", "/t?a=%20b&page=2&c=d+e"),
            ("/t?page=1&page=7", "page", "2", "/t?page=2"),
            ("/t?", "after", "a b&c", "/t?after=a%20b%26c"),
            ("/t?p%61ge=1", "page", "2", "/t?page=2"),
        ] {
            assert_eq!(set_parameter(path, name, value), wanted, "{path}");
        }
        assert_eq!(parameter("/t?page=3&x=a%20b", "x").as_deref(), Some("a b"));
        assert_eq!(parameter("/t", "x"), None);
    }

    #[test]
    fn parameters_that_a_next_page_lacks_are_kept() {
        let keep = ["per_page".to_owned(), "state".to_owned()];
        let add = |path: &str, first: &str| add_missing(path.to_owned(), first, &keep);
        assert_eq!(add("/t?page=2", "/t?per_page=50&x=1&state=open"), "/t?page=2&per_page=50&state=open");
        assert_eq!(add("/t?page=2&per_page=10", "/t?per_page=50"), "/t?page=2&per_page=10");
        assert_eq!(add("/t", "/t?per_page=50"), "/t?per_page=50");
        assert_eq!(add("/t?page=2", "/t"), "/t?page=2");
    }

    #[test]
    fn the_next_link_is_found_among_others() {
        for (header, wanted) in [
            (r#"<https://a/b?page=2>; rel="next", <https://a/b?page=9>; rel="last""#, Some("https://a/b?page=2")),
            (r#"<https://a/b?x=1,2>; title="a, b; rel=next"; rel=prev, </c>; Rel="x NEXT""#, Some("/c")),
            (r#"<https://a/b>; rel="prev""#, None),
            ("no link", None),
            ("<unclosed", None),
            ("", None),
        ] {
            assert_eq!(next_link(header).as_deref(), wanted, "{header}");
        }
    }
}
