//! Secrets that are a part of the address, or the whole of it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::{
    connections::address::{no_dots, refused},
    egress::{Denied, Egress},
    model::{ErrorClass, StepError},
    secret::Secret,
};

/// All of a segment but what RFC 3986 reserves nothing for there, and `:`, which stands in the tokens of Telegram.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// Puts `prefix` and the secret as a segment into the path, behind that of the base URL where the URL lies below it.
pub(super) fn in_path(url: &mut Url, base_url: Option<&str>, prefix: &str, secret: &Secret) {
    let base = base_url.and_then(|base| Url::parse(base).ok()).filter(|base| base.origin() == url.origin());
    let base = base.map(|base| base.path().trim_end_matches('/').to_owned()).unwrap_or_default();
    let path = url.path().to_owned();
    let (before, after) = match path.strip_prefix(&base).filter(|rest| rest.starts_with('/')) {
        Some(after) => (base.as_str(), after),
        None => ("", path.as_str()),
    };
    let segment = format!("{}{}", utf8_percent_encode(prefix, SEGMENT), utf8_percent_encode(secret.expose(), SEGMENT));
    url.set_path(&format!("{before}/{segment}{after}"));
}

/// The address that a secret is, with a path below it: `/` adds nothing. A query of its own stays, the path's comes behind it.
/// `name` is what the secret is called.
pub(super) fn at_secret(egress: &Egress, name: &str, secret: &Secret, path: &str) -> Result<Url, StepError> {
    let wrong = |why: &str| {
        let why = format!("secret `{name}` {why}; set it again with `bellwire secrets set {name}`");
        refused(ErrorClass::SecretMissing, why)
    };
    let text = secret.expose().trim();
    if !text.starts_with("https://") && !text.starts_with("http://") {
        return Err(wrong("is no address: it does not begin with https://"));
    }
    if text.contains('#') {
        return Err(wrong("is an address with a `#` in it, and what follows that is never sent"));
    }
    // What egress says names the host at most.
    let mut url = egress
        .url(text)
        .map_err(|Denied(why)| refused(ErrorClass::EgressDenied, format!("the address in secret `{name}`: {why}")))?;
    let (below, query) = path.split_once('?').map_or((path, None), |(below, query)| (below, Some(query)));
    if !below.starts_with('/') || below.starts_with("//") || path.contains(['#', '\\']) {
        return Err(refused(ErrorClass::RenderType, "the path of the request does not begin with one `/`".into()));
    }
    no_dots(below)?;
    if below != "/" {
        let joined = format!("{}{below}", url.path().trim_end_matches('/'));
        url.set_path(&joined);
    }
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        let whole = url.query().map_or_else(|| query.to_owned(), |own| format!("{own}&{query}"));
        url.set_query(Some(&whole));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_secret_is_one_segment_behind_the_base() {
        let of = |url: &str, base: Option<&str>, token: &str| {
            let mut url = Url::parse(url).unwrap();
            in_path(&mut url, base, "bot", &secret(token));
            url.to_string()
        };
        let base = Some("https://api.telegram.org");
        assert_eq!(
            of("https://api.telegram.org/sendMessage?a=b", base, "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"),
            "https://api.telegram.org/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/sendMessage?a=b"
        );
        assert_eq!(
            of("https://x.example.com/v1/a", Some("https://x.example.com/v1"), "12345678"),
            "https://x.example.com/v1/bot12345678/a"
        );
        assert_eq!(
            of("https://x.example.com/a", None, "1/2?3#4%5 ../ü"),
            "https://x.example.com/bot1%2F2%3F3%234%255%20..%2F%C3%BC/a"
        );
        assert_eq!(
            of("https://x.example.com/v10/a", Some("https://x.example.com/v1"), "12345678"),
            "https://x.example.com/bot12345678/v10/a"
        );
    }

    #[test]
    fn an_address_that_is_a_secret_keeps_its_query() {
        let egress = Egress::new(&config::Egress::default(), Vec::new());
        let of = |address: &str, path: &str| at_secret(&egress, "hook", &secret(address), path).map(String::from);
        let teams = "https://prod-1.example.com/workflows/abc/triggers/manual/paths/invoke?api-version=1&sig=x%2Fy";
        assert_eq!(of(teams, "/").unwrap(), teams);
        assert_eq!(of(teams, "/?wait=true").unwrap(), format!("{teams}&wait=true"));
        let discord = "https://discord.example.com/api/webhooks/1/token";
        assert_eq!(of(discord, "/messages/7?wait=true").unwrap(), format!("{discord}/messages/7?wait=true"));
        assert_eq!(of(&format!(" {discord}\n"), "/").unwrap(), discord);
    }

    #[test]
    fn an_address_that_cannot_serve_is_told_without_being_shown() {
        let egress = Egress::new(&config::Egress::default(), Vec::new());
        for (address, path, class) in [
            ("no-address-at-all", "/", ErrorClass::SecretMissing),
            ("https:///services/T0/geheim", "/", ErrorClass::EgressDenied),
            ("https://hooks.example.com/geheim#x", "/", ErrorClass::SecretMissing),
            ("http://10.0.0.1/services/geheim", "/", ErrorClass::EgressDenied),
            ("https://u:geheim@hooks.example.com/", "/", ErrorClass::EgressDenied),
            ("https://hooks.example.com/geheim", "/../a", ErrorClass::RenderType),
            ("https://hooks.example.com/geheim", "//evil.net", ErrorClass::RenderType),
            ("https://hooks.example.com/geheim", "@evil.net", ErrorClass::RenderType),
        ] {
            let error = at_secret(&egress, "hook", &secret(address), path).unwrap_err();
            assert_eq!(error.class, class, "{address} {path} {}", error.message);
            assert!(!error.message.contains("geheim"), "{}", error.message);
        }
    }
}
