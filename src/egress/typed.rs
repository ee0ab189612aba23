//! URLs as typed or rendered, read without the forgiveness of browsers.

use url::Url;

use super::Denied;

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
