//! `[database]`: which database it is.

use url::Url;

use super::reader::Section;
use crate::secret::Secret;

/// Which database it is.
#[derive(Debug, Clone)]
pub struct Database {
    /// `None`: SQLite in `data.dir`. `postgresql://...?sslmode=disable` or unix socket; holds a password.
    pub url: Option<Secret>,
}

impl Database {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["url"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let database = Self { url: section.parsed("url", checked).map(Secret::new) };
        section.finish(Self::KEYS);
        database
    }
}

/// Never quotes the URL: it may hold a password.
fn checked(text: &str) -> Result<String, String> {
    if !text.starts_with("postgresql://") && !text.starts_with("postgres://") {
        return Err("a URL that begins with `postgresql://` wanted; leave the key out for SQLite".to_owned());
    }
    // libpq takes forms that are no URL, such as an empty host with a user; only the query is looked at here.
    let query = text.split_once('?').map_or("", |(_, query)| query);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name == "sslmode" && value != "disable" {
            return Err(
                "this build speaks no TLS to PostgreSQL; write `sslmode=disable` and reach it over a unix socket, the \
                 loopback or a network of your own"
                    .to_owned(),
            );
        }
    }
    Ok(text.to_owned())
}

/// The URL with its password, and any in its query, replaced by `***`.
pub(super) fn hidden(url: &Secret) -> String {
    let Ok(mut url) = Url::parse(url.expose()) else {
        return "***".to_owned();
    };
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return "***".to_owned();
    }
    if url.query().is_some() {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(name, value)| {
                let secret = name.contains("password");
                (name.into_owned(), if secret { "***".to_owned() } else { value.into_owned() })
            })
            .collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    url.to_string()
}

/// Whether the URL holds a password.
pub(super) fn has_password(url: &Secret) -> bool {
    hidden(url).contains("***")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_postgresql_without_tls_is_taken() {
        assert!(checked("postgresql:///bellwire?host=/run/postgresql").is_ok());
        assert!(checked("postgres://u:p@localhost/b?sslmode=disable").is_ok());
        assert!(checked("mysql://localhost/b").is_err());
        for mode in ["require", "prefer", "verify-full", "d%69sable2"] {
            let error = checked(&format!("postgresql://u:hunter2hunter2@db/b?sslmode={mode}")).unwrap_err();
            assert!(error.contains("no TLS") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_password_is_hidden_wherever_it_stands() {
        for url in [
            "postgresql://u:hunter2hunter2@db/b",
            "postgresql://db/b?password=hunter2hunter2",
            "postgresql://u:hunter2hunter2@/b",
        ] {
            let shown = hidden(&Secret::new(url.to_owned()));
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        assert_eq!(hidden(&Secret::new("postgresql:///b".to_owned())), "postgresql:///b");
    }
}
