//! Which content types are taken as JSON, where a pack does not take every body as JSON.

use super::Request;

/// Bytes of a content type that are looked at; a longer one is refused.
const LONGEST: usize = 256;

/// Whether the body may be read as JSON: `application/json` and its kin (`application/x+json`, `text/json`) in UTF-8, or no type at all.
/// `Err` says what is wrong, without the value.
pub(super) fn json(request: &Request<'_>) -> Result<(), &'static str> {
    let mut values = request.header("content-type");
    let Some(value) = values.next() else { return Ok(()) };
    if values.next().is_some() {
        return Err("there are two content types");
    }
    if value.len() > LONGEST {
        return Err("the content type is too long");
    }
    let Ok(text) = std::str::from_utf8(value) else { return Err("the content type is not text") };
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let known = matches!(media.as_str(), "" | "application/json" | "text/json");
    let suffixed = media.starts_with("application/") && media.ends_with("+json");
    if !known && !suffixed {
        return Err("the content type is not JSON; send `application/json`");
    }
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        if name.trim().eq_ignore_ascii_case("charset") && !value.eq_ignore_ascii_case("utf-8") {
            return Err("the charset is not utf-8");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(values: &[&str]) -> bool {
        let headers: Vec<_> =
            values.iter().map(|value| ("content-type".to_owned(), value.as_bytes().to_vec())).collect();
        json(&Request { headers: &headers, query: &[], path: &[], body: b"" }).is_ok()
    }

    #[test]
    fn only_json_in_utf_8_passes() {
        let long = format!("application/json; x={}", "y".repeat(1000));
        for (values, passes) in [
            (&[][..], true),
            (&["application/json"], true),
            (&["Application/JSON; charset=UTF-8"], true),
            (&["application/json; charset=\"utf-8\""], true),
            (&["application/vnd.api+json"], true),
            (&["text/json"], true),
            (&["text/plain"], false),
            (&["application/json; charset=utf-16"], false),
            (&["application/json; charset"], false),
            (&["application/x-www-form-urlencoded"], false),
            (&["multipart/form-data; boundary=x"], false),
            (&["application/jsonx"], false),
            (&["text/plain, application/json"], false),
            (&["application/json", "application/json"], false),
            (&[long.as_str()], false),
        ] {
            assert_eq!(judge(values), passes, "{values:?}");
        }
    }
}
