//! Reads the step `http`.

mod auth;
mod body;

use auth::{check_proof, credential, credentials_in, query_help, read_auth};
use body::read_body;

use super::step::{read_connection, read_pairs};
use crate::{
    model::OWN_HEADERS,
    model::is_telling,
    rules::{
        HttpAuth, HttpStep, codes, keys,
        reader::{Node, Reader, has_template},
    },
    templates::{Leaf, Tree},
    value::Value,
};

/// Headers that a step sends of its own: what a rule wrote would be overwritten.
const OF_STEP: [&str; 2] = ["idempotency-key", "bellwire-depth"];

/// Reads a bare HTTP request.
pub(super) fn read_http<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<HttpStep> {
    reader.object(node, "`http`")?;
    reader.only_keys(node, keys::HTTP, "`http`", keys::FOREIGN_HTTP);
    let method = match node.get("method") {
        Some(inner) => read_method(reader, &inner),
        None => Some(http::Method::GET),
    };
    let url = if let Some(inner) = node.get("url") {
        read_url(reader, &inner)
    } else {
        let help = "write `url: https://...`";
        reader.error(codes::MISSING_KEY, reader.key_place(node), "`http` needs a `url`", help);
        None
    };
    let sent_to = node.get("url").and_then(|inner| origin(reader, inner.value.as_str()?));
    let auth = node.get("auth").and_then(|inner| read_auth(reader, &inner, sent_to.as_deref()));
    let auth_header = match &auth {
        Some(HttpAuth::Header { name, .. }) => Some(name.as_str()),
        Some(_) => Some("authorization"),
        None => node.get("auth").map(|_| "authorization"),
    };
    let headers = node.get("headers").map(|inner| read_headers(reader, &inner, auth_header)).unwrap_or_default();
    let query = node.get("query").map(|inner| read_query(reader, &inner, auth.as_ref())).unwrap_or_default();
    let body = read_body(reader, node);
    if matches!(method, Some(http::Method::GET | http::Method::HEAD)) {
        no_body(reader, node);
    }
    // With a fault in it the step is never run: what can be read of it is there to be checked.
    let (method, url) = (method.unwrap_or_default(), url.unwrap_or(Leaf::Literal(Value::Null)));
    Some(HttpStep { method, url, auth, headers, query, body })
}

/// Scheme and host of a URL as written, for a help line. `None` where they are not known.
fn origin(reader: &Reader<'_>, text: &str) -> Option<String> {
    let (known, _) = expand(reader, text);
    let (scheme, after) = known.split_once("://")?;
    let authority = after.split(['/', '?', '#']).next().filter(|host| !host.is_empty() && !host.contains('@'))?;
    Some(format!("{scheme}://{}", keys::shortened(authority)))
}

/// Refuses a body with a method that has none: every run would fail.
fn no_body(reader: &Reader<'_>, node: &Node<'_>) {
    let method = node.get("method").map_or("GET", |inner| inner.value.as_str().unwrap_or("GET"));
    let given = keys::HTTP_BODIES.iter().find_map(|name| Some((name, node.get(name)?)));
    let Some((name, inner)) = given else { return };
    let message = format!("a request with {method} has no body, and `{name}` is one");
    let help = if node.get("method").is_some() {
        "write `method: POST` (or PUT, PATCH), or what is asked for as `query`"
    } else {
        "without `method` it is GET: write `method: POST` (or PUT, PATCH), or what is asked for as `query`"
    };
    reader.error(codes::NO_MEANING, reader.key_place(&inner), message, help);
}

fn read_method<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<http::Method> {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let text = reader.text(node, "`method`")?;
    if has_template(node.value) {
        let help = "make it two steps with an `if` each";
        reader.error(codes::NOT_LITERAL, reader.place(node), "the method must be literal", help);
        return None;
    }
    if !METHODS.contains(&text) {
        let message = format!("`{}` is no method", keys::shortened(text));
        let upper = text.to_uppercase();
        let help = if METHODS.contains(&upper.as_str()) {
            format!("write it in capitals: {upper}")
        } else {
            format!("known are {}", METHODS.join(", "))
        };
        reader.error(codes::CHOICE, reader.place(node), message, help);
        return None;
    }
    text.parse().ok()
}

/// Reads the URL. Its scheme and host are literal, or come from `[vars]`, whose values are put in here.
fn read_url<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<Leaf> {
    let text = reader.text(node, "`url`")?;
    let at = reader.place(node);
    let (known, rest) = expand(reader, text);
    let (scheme, after) = known.split_once("://").unwrap_or(("", &known));
    let dynamic = rest.starts_with("{{") || rest.starts_with("{%");
    let authority_ends = after.contains(['/', '?', '#']) || (!dynamic && rest.is_empty());
    if dynamic && (scheme.is_empty() || !authority_ends) {
        let help = "scheme and host must be literal, or `{{ vars.NAME }}` of [vars] in bellwire.toml";
        reader.error(codes::URL_HOST, at, "where this request goes would be decided by the event", help);
        return None;
    }
    if scheme != "http" && scheme != "https" {
        let message = format!("`{}` is no URL that can be called", keys::shortened(text));
        reader.error(codes::URL, at, message, "start it with https:// (or http://) and a host");
        return None;
    }
    let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        let help = "use `auth`, with the name of a secret";
        reader.error(codes::SECRET, at, "a user or password stands in the URL", help);
        return None;
    }
    if url::Url::parse(&format!("{scheme}://{authority}/")).is_err() {
        let message = format!("`{}` is no host", keys::shortened(authority));
        let help = "a host is letters, digits, `-` and dots, such as api.example.com";
        reader.error(codes::URL, at, message, help);
        return None;
    }
    credentials_in(reader, at, &format!("{known}{rest}"));
    if !dynamic && rest.is_empty() && known == text {
        return reader.leaf(node);
    }
    let value = Value::String(format!("{known}{rest}"));
    // Parsed once as written, so that a fault has its place; then with the vars in it.
    reader.leaf(node)?;
    Leaf::parse(&value, reader.files).ok()
}

/// Reads `query`.
fn read_query<'a>(reader: &Reader<'a>, node: &Node<'a>, auth: Option<&HttpAuth>) -> Vec<(String, Tree)> {
    for name in node.value.as_object().into_iter().flat_map(serde_json::Map::keys) {
        let inner = node.child(name);
        if matches!(auth, Some(HttpAuth::Query { name: theirs, .. }) if theirs == name) {
            let message = format!("`{}` in `query` stands beside `auth`, which sends it", keys::shortened(name));
            reader.error(codes::HEADER, reader.key_place(&inner), message, "leave it out of `query`");
        } else if is_telling(&name.to_lowercase()) && inner.value.is_string() && !has_template(inner.value) {
            let what = format!("`{}` in `query`", keys::shortened(name));
            credential(reader, reader.key_place(&inner), &what, query_help(name));
        }
    }
    read_pairs(reader, node, "`query`")
}

/// The literal beginning of a URL with the vars of the settings put in, and what follows it.
fn expand<'t>(reader: &Reader<'_>, text: &'t str) -> (String, &'t str) {
    let mut known = String::new();
    let mut rest = text;
    loop {
        let start = [rest.find("{{"), rest.find("{%")].into_iter().flatten().min().unwrap_or(rest.len());
        let (literal, template) = rest.split_at(start);
        known.push_str(literal);
        rest = template;
        let in_path = known.split_once("://").is_some_and(|(_, after)| after.contains(['/', '?', '#']));
        if in_path || rest.is_empty() {
            return (known, rest);
        }
        let var = rest.strip_prefix("{{").and_then(|inner| inner.split_once("}}"));
        let value = var.and_then(|(name, after)| {
            let name = name.trim().strip_prefix("vars.")?;
            let value = reader.vocabulary.vars().get(name)?.as_str()?;
            (!value.contains(['{', '}'])).then_some((value, after))
        });
        match value {
            Some((value, after)) => {
                known.push_str(value);
                rest = after;
            }
            None => return (known, rest),
        }
    }
}

fn check_header_name(reader: &Reader<'_>, node: &Node<'_>, name: &str) -> bool {
    let at = reader.key_place(node);
    if name.contains("{{") || name.contains("{%") {
        let help = "write it out; what comes from the event goes into its value";
        reader.error(codes::NOT_LITERAL, at, "the name of a header must be literal", help);
        return false;
    }
    if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
        let message = format!("`{}` is no name of a header", keys::shortened(name));
        reader.error(codes::HEADER, at, message, "use letters, digits and `-`");
        return false;
    }
    let lower = name.to_lowercase();
    if OF_STEP.contains(&lower.as_str()) {
        let message = format!("every step sets the header `{name}` itself");
        reader.error(codes::HEADER, at, message, "leave it out: what stands here would be overwritten");
        return false;
    }
    if OWN_HEADERS.contains(&lower.as_str()) {
        reader.error(
            codes::HEADER,
            at,
            format!("the header `{name}` cannot be set"),
            "leave it out: it belongs to the connection itself",
        );
        return false;
    }
    true
}

fn read_headers<'a>(reader: &Reader<'a>, node: &Node<'a>, of_auth: Option<&str>) -> Vec<(String, Leaf)> {
    let Some(object) = reader.object(node, "`headers`") else { return Vec::new() };
    let mut headers = Vec::new();
    for name in object.keys() {
        let inner = node.child(name);
        if !check_header_name(reader, &inner, name) || !check_proof(reader, &inner, name, of_auth) {
            continue;
        }
        if inner.value.is_object() || inner.value.is_array() {
            reader.wrong_type(&inner, "a header must be text");
            continue;
        }
        if inner.value.as_str().is_some_and(|text| text.contains(char::is_control) && !has_template(inner.value)) {
            let help = "take the line end out; what needs lines goes into the body";
            reader.error(codes::HEADER, reader.place(&inner), "a header must be one line", help);
            continue;
        }
        headers.extend(reader.leaf(&inner).map(|leaf| (name.clone(), leaf)));
    }
    headers
}
