//! Reads the step `http`.

use super::{
    on::not_built,
    step::{read_connection, read_pairs},
};
use crate::{
    rules::{
        HttpAuth, HttpBody, HttpStep, codes, keys,
        reader::{Node, Reader, has_template},
    },
    templates::Leaf,
    value::Value,
};

/// Headers that belong to the connection itself.
const OWN_HEADERS: [&str; 10] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "proxy-authorization",
];

/// Headers that a step sends of its own: what a rule wrote would be overwritten.
const OF_STEP: [&str; 2] = ["idempotency-key", "bellwire-depth"];

/// Reads a bare HTTP request.
pub(super) fn read_http<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<HttpStep> {
    reader.object(node, "`http`")?;
    let before = reader.count();
    reader.only_keys(node, keys::HTTP, "`http`", keys::FOREIGN_HTTP);
    for name in keys::HTTP_LATER {
        if let Some(inner) = node.get(name) {
            not_built(reader, &inner, name);
        }
    }
    let method = match node.get("method") {
        Some(inner) => read_method(reader, &inner),
        None => Some(http::Method::GET),
    };
    let url = if let Some(inner) = node.get("url") {
        read_url(reader, &inner)
    } else {
        reader.error(codes::MISSING_KEY, reader.key_place(node), "`http` needs a `url`", "");
        None
    };
    let auth = node.get("auth").and_then(|inner| read_auth(reader, &inner));
    let headers = node.get("headers").map(|inner| read_headers(reader, &inner, node.get("auth").is_some()));
    let headers = headers.unwrap_or_default();
    let query = node.get("query").map(|inner| read_pairs(reader, &inner, "`query`")).unwrap_or_default();
    let body = read_body(reader, node);
    if matches!(method, Some(http::Method::GET | http::Method::HEAD)) {
        no_body(reader, node);
    }
    (reader.count() == before).then_some(())?;
    Some(HttpStep { method: method?, url: url?, auth, headers, query, body })
}

/// Refuses a body with a method that has none: every run would fail.
fn no_body(reader: &Reader<'_>, node: &Node<'_>) {
    let method = node.get("method").map_or("GET", |inner| inner.value.as_str().unwrap_or("GET"));
    let given = ["json", "form", "text"].into_iter().find_map(|name| Some((name, node.get(name)?)));
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
        reader.error(codes::URL, at, message, "");
        return None;
    }
    if !dynamic && rest.is_empty() && known == text {
        return reader.leaf(node);
    }
    let value = Value::String(format!("{known}{rest}"));
    // Parsed once as written, so that a fault has its place; then with the vars in it.
    reader.leaf(node)?;
    Leaf::parse(&value, reader.files).ok()
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

fn read_auth<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<HttpAuth> {
    const SCHEMES: [&str; 4] = ["bearer", "basic", "header", "query"];
    let Some(object) = node.value.as_object() else {
        if node.value.is_string() {
            return read_connection(reader, node).map(HttpAuth::Connection);
        }
        reader.wrong_type(node, "`auth` must be the name of a connection, or a map such as `bearer: NAME_OF_SECRET`");
        return None;
    };
    reader.only_keys(node, &SCHEMES, "`auth`", &[("token", "`bearer`"), ("api_key", "`header` or `query`")]);
    let (Some(scheme), 1) = (object.keys().next(), object.len()) else {
        let help = format!("write one of {}", SCHEMES.join(", "));
        reader.error(codes::RANGE, reader.place(node), "`auth` must name one scheme", help);
        return None;
    };
    let inner = node.child(scheme);
    let part = |name: &str| {
        let Some(part) = inner.get(name) else {
            let message = format!("`{scheme}` needs `{name}`");
            reader.error(codes::MISSING_KEY, reader.place(&inner), message, example(scheme));
            return None;
        };
        Some(part)
    };
    let pair = |first: &str, second: &str| {
        if !inner.value.is_object() {
            let message = format!("`{scheme}` must be a map with `{first}` and `{second}`");
            reader.error(codes::WRONG_TYPE, reader.place(&inner), message, example(scheme));
            return None;
        }
        reader.only_keys(&inner, &[first, second], &format!("`{scheme}`"), &[]);
        part(first).zip(part(second))
    };
    match scheme.as_str() {
        "bearer" => read_secret(reader, &inner).map(HttpAuth::Bearer),
        "basic" => {
            let (user, password) = pair("user", "password")?;
            Some(HttpAuth::Basic { user: read_secret(reader, &user)?, password: read_secret(reader, &password)? })
        }
        "header" => {
            let (name, secret) = pair("name", "secret")?;
            let header = reader.text(&name, "`name`").map(str::to_owned)?;
            check_header_name(reader, &name, &header).then_some(())?;
            Some(HttpAuth::Header { name: header, secret: read_secret(reader, &secret)? })
        }
        "query" => {
            let (name, secret) = pair("name", "secret")?;
            let query = literal(reader, &name, "the name in the query")?;
            Some(HttpAuth::Query { name: query, secret: read_secret(reader, &secret)? })
        }
        _ => None,
    }
}

/// How a scheme of `auth` is written.
fn example(scheme: &str) -> &'static str {
    match scheme {
        "basic" => "write `basic: { user: crm_user, password: crm_password }`, both names of secrets",
        "header" => "write `header: { name: X-Api-Key, secret: crm_key }`, with the name of a secret",
        "query" => "write `query: { name: key, secret: crm_key }`, with the name of a secret",
        _ => "",
    }
}

fn literal<'a>(reader: &Reader<'a>, node: &Node<'a>, what: &str) -> Option<String> {
    let text = reader.text(node, what)?;
    if has_template(node.value) {
        reader.error(codes::NOT_LITERAL, reader.place(node), format!("{what} must be literal"), "");
        return None;
    }
    Some(text.to_owned())
}

fn read_secret<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<String> {
    let name = literal(reader, node, "the name of a secret")?;
    if !keys::is_id(&name) {
        let help = "write the name that it was given by `bellwire secrets set NAME`: small letters, digits and `_`";
        reader.error(codes::NAME, reader.place(node), "this cannot be the name of a secret", help);
        return None;
    }
    Some(name)
}

fn check_header_name(reader: &Reader<'_>, node: &Node<'_>, name: &str) -> bool {
    let at = reader.key_place(node);
    if name.contains("{{") || name.contains("{%") {
        reader.error(codes::NOT_LITERAL, at, "the name of a header must be literal", "");
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
        reader.error(codes::HEADER, at, format!("the header `{name}` cannot be set"), "leave it out");
        return false;
    }
    true
}

/// Says what is wrong with a header `Authorization`. True where the header can be sent.
fn check_authorization(reader: &Reader<'_>, node: &Node<'_>, name: &str, has_auth: bool) -> bool {
    if !name.eq_ignore_ascii_case("authorization") {
        return true;
    }
    if has_auth {
        let message = format!("the header `{name}` stands beside `auth`");
        reader.error(codes::HEADER, reader.key_place(node), message, "keep one of them, best `auth`");
        return false;
    }
    if !has_template(node.value) {
        let help = "give it a name by `bellwire secrets set NAME`, and write `auth: { bearer: NAME }`";
        let message = format!("a credential in the header `{name}` is seen by everyone who sees the rule");
        reader.warn(codes::SECRET, reader.key_place(node), message, help);
    }
    true
}

fn read_headers<'a>(reader: &Reader<'a>, node: &Node<'a>, has_auth: bool) -> Vec<(String, Leaf)> {
    let Some(object) = reader.object(node, "`headers`") else { return Vec::new() };
    let mut headers = Vec::new();
    for name in object.keys() {
        let inner = node.child(name);
        if !check_header_name(reader, &inner, name) || !check_authorization(reader, &inner, name, has_auth) {
            continue;
        }
        if inner.value.is_object() || inner.value.is_array() {
            reader.wrong_type(&inner, "a header must be text");
            continue;
        }
        if inner.value.as_str().is_some_and(|text| text.contains(char::is_control) && !has_template(inner.value)) {
            reader.error(codes::HEADER, reader.place(&inner), "a header must be one line", "");
            continue;
        }
        headers.extend(reader.leaf(&inner).map(|leaf| (name.clone(), leaf)));
    }
    headers
}

fn read_body<'a>(reader: &Reader<'a>, node: &Node<'a>) -> HttpBody {
    let given: Vec<&str> =
        ["json", "form", "text", "xml", "multipart"].into_iter().filter(|name| node.get(name).is_some()).collect();
    if let [_, second, ..] = given.as_slice() {
        let message = format!("two bodies: {}", given.join(" and "));
        reader.error(codes::STEP_KIND, reader.key_place(&node.child(second)), message, "keep one of them");
        return HttpBody::None;
    }
    let Some(name) = given.first() else { return HttpBody::None };
    let inner = node.child(name);
    match *name {
        "json" => reader.tree(&inner).map_or(HttpBody::None, HttpBody::Json),
        "form" => HttpBody::Form(read_pairs(reader, &inner, "`form`")),
        "text" => {
            if !inner.value.is_string() {
                reader.wrong_type(&inner, "`text` must be text");
            }
            reader.leaf(&inner).map_or(HttpBody::None, HttpBody::Text)
        }
        _ => HttpBody::None,
    }
}
