//! The parts of a request that both kinds of step render alike: header values, query and form values, bodies.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::prepare::Fault;
use crate::{
    model::{ErrorClass, OWN_HEADERS},
    templates::{Context, Leaf, Sink, Tree},
    value::{Value, type_name},
};

/// Bytes of a body at most, as of one template's output.
pub(super) const LARGEST_BODY: usize = 1024 * 1024;
/// Bytes of a header's value at most: what common servers take.
const LARGEST_HEADER: usize = 8 * 1024;

/// All but the letters, digits and marks that RFC 3986 reserves nothing for.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Renders a leaf to text for a place where null means "left out". `what` names the place.
pub(super) fn optional_text(
    what: &str,
    leaf: &Leaf,
    context: &Context<'_>,
    sink: Sink,
) -> Result<Option<String>, Fault> {
    let render = |sink| leaf.render(context, sink).map_err(|error| Fault::template(what, &error));
    // An escaping sink gives text, in which a null and a list can no longer be told.
    if sink != Sink::Plain && matches!(leaf, Leaf::Expression(_)) {
        let value = render(Sink::Plain)?;
        if !is_scalar(&value) {
            return scalar(what, value);
        }
    }
    let value = render(sink)?;
    scalar(what, value)
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

/// The text of a text, number or boolean; `None` for null.
pub(super) fn scalar(what: &str, value: Value) -> Result<Option<String>, Fault> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Number(_) | Value::Bool(_) => Ok(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => {
            let seen = type_name(&value);
            Err(Fault::kind(format!("{what}: text wanted, {seen} seen; `| json` or `| join` makes text of it")))
        }
    }
}

/// Renders headers; one whose value is null is left out.
pub(super) fn headers(leaves: &[(String, Leaf)], context: &Context<'_>) -> Result<Vec<(String, String)>, Fault> {
    let mut headers = Vec::with_capacity(leaves.len() + 1);
    for (name, leaf) in leaves {
        let what = format!("header `{name}`");
        if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str())
            || http::HeaderName::from_bytes(name.as_bytes()).is_err()
        {
            return Err(Fault::kind(format!("{what} cannot be set by a step")));
        }
        let Some(value) = optional_text(&what, leaf, context, Sink::Header)? else { continue };
        if value.len() > LARGEST_HEADER {
            return Err(Fault::kind(format!("{what} has {} bytes; at most {LARGEST_HEADER} are sent", value.len())));
        }
        // The sink has refused control characters of values; this also sees those of the template's own text.
        if value.chars().any(char::is_control) {
            return Err(Fault::new(ErrorClass::InvalidHeaderValue, format!("{what} holds a control character")));
        }
        headers.push((name.clone(), value));
    }
    Ok(headers)
}

/// Adds the content type, unless the step names its own; that of a multipart body holds its boundary, and nobody else knows it.
pub(super) fn content_type(headers: &mut Vec<(String, String)>, kind: &str) {
    if kind.starts_with("multipart/") {
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        headers.push(("Content-Type".to_owned(), kind.to_owned()));
    }
}

/// Names and values of a query or form: a list stands as often as it has elements, null is left out.
pub(super) fn pairs(
    what: &str,
    trees: &[(String, Tree)],
    context: &Context<'_>,
) -> Result<Vec<(String, String)>, Fault> {
    let mut pairs = Vec::with_capacity(trees.len());
    for (name, tree) in trees {
        let what = format!("{what} `{name}`");
        let value = tree.render(context, Sink::Plain).map_err(|error| Fault::template(&what, &error))?;
        let values = match value {
            Value::Array(list) => list,
            value => vec![value],
        };
        for value in values {
            if let Some(text) = scalar(&what, value)? {
                pairs.push((name.clone(), text));
            }
        }
    }
    Ok(pairs)
}

/// Percent-encoded `name=value` pairs joined by `&`. Empty where there are none.
pub(super) fn query_text(pairs: &[(String, String)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, QUERY).to_string();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

/// `application/x-www-form-urlencoded`.
pub(super) fn form_text(pairs: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A body that is not too large.
pub(super) fn body(text: String) -> Result<String, Fault> {
    if text.len() > LARGEST_BODY {
        return Err(Fault::kind(format!("the body has {} bytes; at most {LARGEST_BODY} are sent", text.len())));
    }
    Ok(text)
}
