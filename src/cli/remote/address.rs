//! Which server is asked, and with which token: by options, else by the environment.

use std::{collections::BTreeMap, fmt, fs, io::Read as _};

use url::Url;

use crate::{
    cli::{
        answer::clean,
        arguments::{Arguments, Server},
        failure::Failure,
    },
    config,
    secret::Secret,
};

/// The variable that names the server.
const URL: &str = "BELLWIRE_URL";
/// The variable that holds the token.
const TOKEN: &str = "BELLWIRE_TOKEN";
/// What a token begins with.
const PREFIX: &str = "bw_";
/// Bytes of a file with a token: more is a slip.
const LONGEST: u64 = 4 << 10;

/// A server elsewhere.
pub(in crate::cli) struct There {
    /// Its address, as the world sees it.
    pub(super) url: Url,
    /// Where that was said: `--url` or `BELLWIRE_URL`.
    pub(super) from: &'static str,
    /// What it is asked with. `None`: nobody has said one, which only those verbs mind that ask.
    pub(super) token: Option<Secret>,
}

impl fmt::Debug for There {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("There").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// The server that a command asks. `None`: it works on a workspace here.
pub(in crate::cli) fn asked(arguments: &Arguments) -> Result<Option<There>, Failure> {
    if super::reach::is_here(&arguments.verb) {
        return Ok(None);
    }
    read(&arguments.server, &config::environment())
}

fn read(server: &Server, environment: &BTreeMap<String, String>) -> Result<Option<There>, Failure> {
    let of_environment = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let (text, from) = match (server.url.as_deref(), of_environment(URL)) {
        (Some(url), _) => (url, "--url"),
        (None, Some(url)) => (url, URL),
        (None, None) if server.token.is_some() || server.token_file.is_some() => {
            return Err(Failure::Usage("a token is for a server: name it with --url".to_owned()));
        }
        (None, None) => return Ok(None),
    };
    let url = url_of(text).map_err(|why| Failure::Usage(format!("{from}: {why}")))?;
    let token = match (&server.token, &server.token_file, of_environment(TOKEN)) {
        (Some(token), ..) => Some(token_of(token, "--token")?),
        (None, Some(file), _) => {
            let unreadable = |error: std::io::Error| {
                Failure::Usage(format!("--token-file: {} cannot be read: {error}", file.display()))
            };
            let mut text = String::new();
            let opened = fs::File::open(file).map_err(unreadable)?;
            opened.take(LONGEST).read_to_string(&mut text).map_err(unreadable)?;
            Some(token_of(&text, "--token-file")?)
        }
        (None, None, Some(token)) => Some(token_of(token, TOKEN)?),
        (None, None, None) => None,
    };
    Ok(Some(There { url, from, token }))
}

fn url_of(text: &str) -> Result<Url, String> {
    let shown = clean(text, 200);
    let url = Url::parse(text).map_err(|error| {
        format!("`{shown}` is no address ({error}); write one such as https://bellwire.example.com")
    })?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(format!("`{shown}`: an address of http or https wanted, such as https://bellwire.example.com"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(
            "the address of a server alone is wanted, without user, query or #; the token goes into --token-file"
                .to_owned(),
        );
    }
    Ok(url)
}

fn token_of(text: &str, from: &str) -> Result<Secret, Failure> {
    let token = text.trim();
    let is_token = token.strip_prefix(PREFIX).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric()));
    if is_token {
        return Ok(Secret::new(token.to_owned()));
    }
    // Never the text itself: it may be another secret.
    Err(Failure::Usage(format!("{from} holds no token; one begins with {PREFIX}, as `bellwire tokens new` prints it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn options_win_over_the_environment() {
        let known = environment(&[(URL, "https://a.example.com"), (TOKEN, "bw_aaaa")]);
        let server = Server { url: Some("https://b.example.com".to_owned()), ..Server::default() };
        let there = read(&server, &known).unwrap_or_default().map(|there| (there.url.to_string(), there.from));
        assert_eq!(there, Some(("https://b.example.com/".to_owned(), "--url")));
        let there = read(&Server::default(), &known).unwrap_or_default();
        let there = there.map(|there| (there.from, there.token.map(|token| token.expose().to_owned())));
        assert_eq!(there, Some((URL, Some("bw_aaaa".to_owned()))));
        assert!(read(&Server::default(), &environment(&[])).unwrap_or_default().is_none());
    }

    #[test]
    fn what_is_no_address_or_token_is_wrong_use_and_a_token_is_never_told() {
        for url in ["ftp://x", "x", "https://u:p@x.example.com", "https://x.example.com?a=1", "https://x.example.com#a"]
        {
            let server = Server { url: Some(url.to_owned()), ..Server::default() };
            assert!(matches!(read(&server, &environment(&[])), Err(Failure::Usage(_))), "{url}");
        }
        let server = Server { token: Some("my-password".to_owned()), ..Server::default() };
        assert!(matches!(read(&server, &environment(&[])), Err(Failure::Usage(_))));
        let failure = read(&server, &environment(&[(URL, "https://x.example.com")])).err().map(|why| why.to_string());
        assert!(failure.as_ref().is_some_and(|why| why.contains("bw_") && !why.contains("password")), "{failure:?}");
    }
}
