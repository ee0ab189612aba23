//! Where a browser goes on to after it has signed in: a path of ours, whatever was asked for.

/// The longest path that is gone on to.
const LONGEST: usize = 2000;

/// The path, where it is one of ours; else `/`.
pub(super) fn local(next: Option<&str>) -> &str {
    next.filter(|next| is_local(next)).unwrap_or("/")
}

fn is_local(next: &str) -> bool {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    next.len() <= LONGEST
        && next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'@')
        && !["/login", "/logout", "/reauth", "/setup", "/api", "/hooks"]
            .iter()
            .any(|away| path.strip_prefix(away).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// `/login?next=/runs%3Fstate%3Dfailed`.
pub(super) fn leading_to(place: &str, next: &str) -> String {
    if !is_local(next) || next == "/" {
        return place.to_owned();
    }
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("{place}?next={next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_gone_on_to() {
        for good in ["/", "/runs", "/runs?state=failed&q=a%20b", "/rules/calls/missed#x", "/loginx"] {
            assert_eq!(local(Some(good)), good);
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https:evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/x\r\nSet-Cookie: a=b",
            "/\t/evil.example",
            " /runs",
            "/@evil.example",
            "@evil.example",
            "/ü",
            "/login",
            "/login?next=/login",
            "/logout",
            "/reauth/",
        ] {
            assert_eq!(local(Some(bad)), "/", "{bad:?}");
        }
        assert_eq!(local(None), "/");
        assert_eq!(local(Some(&format!("/{}", "a".repeat(3000)))), "/");
        assert_eq!(leading_to("/login", "/runs?a=b"), "/login?next=%2Fruns%3Fa%3Db");
    }
}
