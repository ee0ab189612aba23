//! What a content type says of a body.

use super::body::Format;

/// Bytes of a content type that are looked at; a longer one is refused.
const LONGEST: usize = 256;

/// What a content type says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Media {
    pub(super) format: Format,
    /// Of a multipart body.
    pub(super) boundary: Option<String>,
}

/// What the one content type among `values` says; `None` where there is none. `Err` says what is wrong, without the value.
pub(super) fn media<'v>(mut values: impl Iterator<Item = &'v [u8]>) -> Result<Option<Media>, &'static str> {
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err("there are two content types");
    }
    if value.len() > LONGEST {
        return Err("the content type is too long");
    }
    let Ok(text) = std::str::from_utf8(value) else { return Err("the content type is not text") };
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let format = format(&kind).ok_or("the content type is not one that is read")?;
    let mut boundary = None;
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        if name.trim().eq_ignore_ascii_case("charset") && !is_charset(format, value) {
            return Err("the charset is not utf-8");
        }
        if name.trim().eq_ignore_ascii_case("boundary") && boundary.replace(value.to_owned()).is_some() {
            return Err("the content type names two boundaries");
        }
    }
    Ok(Some(Media { format, boundary }))
}

fn format(kind: &str) -> Option<Format> {
    let (top, sub) = kind.split_once('/')?;
    let plain = |sub: &str| !sub.is_empty() && !sub.contains([' ', ',', '/']);
    match (top, sub) {
        ("application" | "text", "json") => Some(Format::Json),
        ("application", sub) if sub.ends_with("+json") && plain(sub) => Some(Format::Json),
        ("application", "x-www-form-urlencoded") => Some(Format::Form),
        ("application" | "text", "xml") => Some(Format::Xml),
        ("application", sub) if sub.ends_with("+xml") && plain(sub) => Some(Format::Xml),
        ("multipart", "form-data") => Some(Format::Multipart),
        ("text", sub) if plain(sub) => Some(Format::Text),
        _ => None,
    }
}

/// ASCII is UTF-8 too; JSON is never written in it by name.
fn is_charset(format: Format, value: &str) -> bool {
    let is = |known: &str| value.eq_ignore_ascii_case(known);
    is("utf-8") || is("utf8") || (format != Format::Json && is("us-ascii"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(values: &[&str]) -> Result<Option<Format>, &'static str> {
        media(values.iter().map(|value| value.as_bytes())).map(|media| media.map(|media| media.format))
    }

    #[test]
    fn a_content_type_says_how_the_body_is_read() {
        for (value, format) in [
            ("application/json", Format::Json),
            ("Application/JSON; charset=UTF-8", Format::Json),
            ("application/json; charset=\"utf-8\"", Format::Json),
            ("application/json;charset=utf8", Format::Json),
            ("application/vnd.api+json", Format::Json),
            ("text/json", Format::Json),
            ("application/x-www-form-urlencoded; charset=UTF-8", Format::Form),
            ("application/xml", Format::Xml),
            ("text/xml; charset=us-ascii", Format::Xml),
            ("application/soap+xml; action=\"urn:x\"", Format::Xml),
            ("text/plain", Format::Text),
            ("text/csv; header=present", Format::Text),
            ("multipart/form-data; boundary=x", Format::Multipart),
        ] {
            assert_eq!(judge(&[value]), Ok(Some(format)), "{value}");
        }
        assert_eq!(judge(&[]), Ok(None));
    }

    #[test]
    fn what_cannot_be_read_for_sure_is_refused() {
        let long = format!("application/json; x={}", "y".repeat(1000));
        for values in [
            &["application/json; charset=utf-16"][..],
            &["application/json; charset=us-ascii"],
            &["application/json; charset"],
            &["text/plain; charset=iso-8859-1"],
            &["application/jsonx"],
            &["application/octet-stream"],
            &["text/plain, application/json"],
            &["text/"],
            &["json"],
            &[""],
            &["multipart/mixed; boundary=x"],
            &["multipart/form-data; boundary=x; boundary=y"],
            &["application/json", "application/json"],
            &[long.as_str()],
        ] {
            assert!(judge(values).is_err(), "{values:?}");
        }
    }

    #[test]
    fn a_boundary_is_kept_as_written() {
        let boundary = |value: &str| media([value.as_bytes()].into_iter()).unwrap().unwrap().boundary;
        assert_eq!(boundary("multipart/form-data; boundary=\"aB:c\"").as_deref(), Some("aB:c"));
        assert_eq!(boundary("multipart/form-data"), None);
    }
}
