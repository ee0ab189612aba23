//! URLs as typed or rendered, read without the forgiveness of browsers.

use url::Url;

use super::Denied;

/// Schemes of mail with their usual ports (RFC 8314, section 3; RFC 5321, section 4.5.4.2): TLS at once, TLS by STARTTLS, none.
pub(super) const MAIL: [(&str, u16); 3] = [("smtps", 465), ("smtp", 587), ("smtp+plain", 25)];

/// Reads a URL whose parts are where they seem to be: what the parser would silently repair is refused before it is parsed.
///
/// The fragment is dropped; it is never sent.
pub(super) fn read(text: &str) -> Result<Url, Denied> {
    let forbidden = |sign: char| sign.is_control() || sign.is_whitespace() || sign == '\\';
    if let Some(sign) = text.chars().find(|sign| forbidden(*sign)) {
        return Err(Denied(format!("the URL holds {sign:?}, which no URL may; encode it (`url_encode`)")));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(Denied("the URL has no scheme and host, such as `https://host/path`".into()));
    };
    if let Some((scheme, port)) = MAIL.iter().find(|(known, _)| scheme.eq_ignore_ascii_case(known)) {
        return mail(scheme, *port, rest);
    }
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(Denied("the URL's scheme is neither http nor https".into()));
    }
    // Up to `/` or `?` and past `#`, so that `http://good#@evil` is not read one way here and another way elsewhere.
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.is_empty() {
        return Err(Denied("the URL has no host".into()));
    }
    if authority.contains('@') {
        return Err(Denied("the URL holds a user name or `@` before its host; use `auth` for that".into()));
    }
    // The parser's own errors name no part of the URL.
    let mut url = Url::parse(text).map_err(|error| Denied(format!("the URL cannot be read: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Denied("the URL holds a user name; use `auth` for that".into()));
    }
    url.set_fragment(None);
    Ok(url)
}

/// The same for mail: its host is read as strictly as that of https, and its port stands there.
fn mail(scheme: &str, port: u16, rest: &str) -> Result<Url, Denied> {
    let twin = read(&format!("https://{rest}"))?;
    if !matches!(twin.path(), "" | "/") || twin.query().is_some() {
        return Err(Denied(format!("a URL of {scheme} has nothing after its host and port")));
    }
    // Of https, 443 is not written out: nobody speaks SMTP there.
    let (host, port) = (twin.host_str().unwrap_or_default(), twin.port().unwrap_or(port));
    Url::parse(&format!("{scheme}://{host}:{port}/"))
        .map_err(|error| Denied(format!("the URL cannot be read: {error}")))
}

/// The host of a URL that [`read`] has given.
pub(super) fn host(url: &Url) -> Option<url::Host<String>> {
    // Of a scheme that it does not know, the parser takes any host for a name.
    url::Host::parse(url.host_str()?).ok()
}
