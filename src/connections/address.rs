//! Paths put below a base URL, without a way for a path to lead elsewhere. Pure.

use url::Url;

use crate::{
    egress::{Denied, Egress, Origin},
    model::{ErrorClass, StepError},
};

/// A step's failure before anything was sent. Its step is the caller's to fill in.
pub(super) fn refused(class: ErrorClass, message: String) -> StepError {
    StepError { step: String::new(), class, status: None, message, attempt: 0 }
}

/// `path` (with its query, percent-encoded, from `/` on) below `base`, which keeps its own path.
pub(super) fn join(egress: &Egress, base: &str, path: &str) -> Result<Url, StepError> {
    let denied = |Denied(why)| refused(ErrorClass::EgressDenied, why);
    let wrong = |why: &str| refused(ErrorClass::RenderType, format!("the path of the request {why}"));
    let base = egress.url(base).map_err(denied)?;
    if base.query().is_some() {
        return Err(refused(ErrorClass::Internal, "the base URL has a query; it may have a path alone".into()));
    }
    if !path.starts_with('/') || path.starts_with("//") {
        return Err(wrong("does not begin with one `/`"));
    }
    if path.contains(['#', '\\']) {
        return Err(wrong("holds `#` or `\\`; encode it (`url_encode`)"));
    }
    no_dots(path)?;
    let below = base.path().trim_end_matches('/');
    let origin = Origin::of(&base).ok_or_else(|| refused(ErrorClass::Internal, "the base URL has no host".into()))?;
    let url = egress.url(&format!("{origin}{below}{path}")).map_err(denied)?;
    // Whatever a path was made of: it stays below its base.
    if Origin::of(&url) != Some(origin) || !url.path().starts_with(&format!("{below}/")) {
        return Err(wrong("leads out of the base URL"));
    }
    Ok(url)
}

/// A whole URL, as rendered.
pub(super) fn whole(egress: &Egress, text: &str) -> Result<Url, StepError> {
    let url = egress.url(text).map_err(|Denied(why)| refused(ErrorClass::EgressDenied, why))?;
    let path = text.split_once("://").and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
    no_dots(path.unwrap_or_default())?;
    Ok(url)
}

/// The name of the lane of a bare URL: `host:port`. `None` for what is no URL.
pub(super) fn lane(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// Refuses `.` and `..` as segments, encoded or not: a value that was rendered into the path would take segments away.
pub(super) fn no_dots(path: &str) -> Result<(), StepError> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let is_dots = |segment: &str| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    };
    if path.split('/').any(is_dots) {
        let why = "a part of the URL's path is `.` or `..`, which would lead to another path";
        return Err(refused(ErrorClass::RenderType, why.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    const BASE: &str = "https://api.example.com/v1/";

    fn egress() -> Egress {
        Egress::new(&config::Egress::default(), Vec::new())
    }

    #[test]
    fn a_path_goes_below_its_base() {
        let joined = |base, path| join(&egress(), base, path).unwrap().to_string();
        assert_eq!(joined(BASE, "/tickets/42?a=b%20c&d=/../"), "https://api.example.com/v1/tickets/42?a=b%20c&d=/../");
        assert_eq!(joined("https://api.example.com", "/a"), "https://api.example.com/a");
        assert_eq!(joined("https://api.example.com/v1", "/"), "https://api.example.com/v1/");
        assert_eq!(
            joined(BASE, "/a%2Fb/@evil.net/https://evil.net"),
            "https://api.example.com/v1/a%2Fb/@evil.net/https://evil.net"
        );
    }

    #[test]
    fn no_path_leads_out_of_its_base() {
        let paths = [
            "",
            "tickets",
            "//evil.net/a",
            "@evil.net",
            ".evil.net",
            ":8080/",
            "/../admin",
            "/a/../../../admin",
            "/%2e%2e/admin",
            "/a/.%2E/b",
            "/./a",
            "/a/..",
            "/a#b",
            "\\\\evil.net",
            "/\\evil.net",
            "/a\\..\\b",
            "/a b",
            "/a\nb",
            "https://evil.net/",
        ];
        for path in paths {
            assert!(join(&egress(), BASE, path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_base_that_may_not_be_called_is_denied() {
        for base in ["http://127.0.0.1:8080", "https://u:p@example.com", "ftp://example.com", "not a url"] {
            assert_eq!(join(&egress(), base, "/a").unwrap_err().class, ErrorClass::EgressDenied, "{base}");
        }
        assert_eq!(join(&egress(), "https://example.com/?a=b", "/a").unwrap_err().class, ErrorClass::Internal);
    }

    #[test]
    fn a_whole_url_keeps_its_path() {
        assert_eq!(
            whole(&egress(), "https://example.com/a?b=/../c").unwrap().as_str(),
            "https://example.com/a?b=/../c"
        );
        assert_eq!(whole(&egress(), "https://example.com/a/%2e%2e/b").unwrap_err().class, ErrorClass::RenderType);
        assert_eq!(whole(&egress(), "http://10.0.0.1/").unwrap_err().class, ErrorClass::EgressDenied);
    }

    #[test]
    fn the_lane_of_a_url_is_its_host_and_port() {
        assert_eq!(lane("https://API.example.com/a?b").as_deref(), Some("api.example.com:443"));
        assert_eq!(lane("http://[::1]:8080/").as_deref(), Some("[::1]:8080"));
        assert_eq!(lane("nothing"), None);
    }
}
