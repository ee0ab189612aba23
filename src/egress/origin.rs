//! Origins: what a secret is bound to.

use std::fmt;

use url::Url;

use super::{Denied, typed};

/// Scheme, host and port of a URL, in lower case, default ports left out: what a secret is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// The origin of a URL. `None` where it has no host.
    pub fn of(url: &Url) -> Option<Self> {
        if url.scheme().starts_with("smtp") {
            let usual = typed::MAIL.iter().find(|(scheme, _)| *scheme == url.scheme()).map(|(_, port)| *port);
            let (host, port) = (url.host_str()?.to_ascii_lowercase(), url.port().or(usual)?);
            return Some(Self(format!("{}://{host}:{port}", url.scheme())));
        }
        let origin = url.origin();
        (url.has_host() && origin.is_tuple()).then(|| Self(origin.ascii_serialization()))
    }

    /// Reads `https://host[:port]`, and nothing after it.
    pub fn parse(text: &str) -> Result<Self, Denied> {
        let url = typed::read(text)?;
        let bare = text.split_once("://").is_some_and(|(_, rest)| !rest.contains(['/', '?', '#']));
        if !bare {
            return Err(Denied("an origin is `https://host` or `https://host:port`, with nothing after it".into()));
        }
        Self::of(&url).ok_or_else(|| Denied("an origin is `https://host` or `https://host:port`".into()))
    }

    /// The text, such as `https://api.groovehq.com`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Origin> {
        Origin::of(&Url::parse(text).unwrap())
    }

    #[test]
    fn an_origin_is_the_same_however_its_url_is_written() {
        let origin = Origin::parse("https://api.x.com").unwrap();
        for same in
            ["https://api.x.com/v1/a?b#c", "HTTPS://API.X.COM/", "https://api.x.com:443/", "https://api.x.co%6D/"]
        {
            assert_eq!(of(same).as_ref(), Some(&origin), "{same}");
        }
        assert_eq!(of("http://localhost:8080/a").unwrap().as_str(), "http://localhost:8080");
    }

    #[test]
    fn what_only_looks_like_the_origin_is_another() {
        let origin = Origin::parse("https://api.x.com").unwrap();
        let others = [
            "http://api.x.com/",
            "https://api.x.com.evil.net/",
            "https://api.x.com@evil.net/",
            "https://api.x.com./",
            "https://a.api.x.com/",
            "https://x.com/",
            "https://api.x.com:8443/",
            "https://api.x.com:80/",
            "https://xn--ap-9ma.x.com/",
        ];
        for other in others {
            assert_ne!(of(other), Some(origin.clone()), "{other}");
        }
    }

    #[test]
    fn an_origin_has_nothing_before_or_after_it() {
        let wrong = [
            "https://api.x.com/",
            "https://api.x.com/v1",
            "https://api.x.com?a",
            "https://api.x.com#a",
            "api.x.com",
            "https://u@api.x.com",
            "https://",
            "https:api.x.com",
            "ftp://api.x.com",
            " https://api.x.com",
            "https://*.x.com ",
        ];
        for text in wrong {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_origin_of_mail_has_its_port() {
        let origin = Origin::parse("smtps://smtp.example.com").unwrap();
        assert_eq!(origin.as_str(), "smtps://smtp.example.com:465");
        assert_eq!(of("smtps://SMTP.example.com/"), Some(origin.clone()));
        assert_ne!(of("smtp://smtp.example.com:465"), Some(origin));
    }

    #[test]
    fn what_has_no_host_has_no_origin() {
        assert_eq!(of("data:text/plain,a"), None);
        assert_eq!(of("file:///etc/passwd"), None);
    }
}
