//! Reads `auth` of `http`, and finds secrets that stand in the rule itself.

use super::{check_header_name, read_connection};
use crate::{
    model::{Place, is_telling},
    rules::{
        HttpAuth, codes, keys,
        reader::{Node, Reader, has_template},
    },
};

/// Reads `auth`. `sent_to` is scheme and host of the URL, where they are known.
pub(super) fn read_auth<'a>(reader: &Reader<'a>, node: &Node<'a>, sent_to: Option<&str>) -> Option<HttpAuth> {
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
        "bearer" => read_secret(reader, &inner, sent_to).map(HttpAuth::Bearer),
        "basic" => {
            let (user, password) = pair("user", "password")?;
            Some(HttpAuth::Basic {
                user: read_secret(reader, &user, sent_to)?,
                password: read_secret(reader, &password, sent_to)?,
            })
        }
        "header" => {
            let (name, secret) = pair("name", "secret")?;
            let header = reader.text(&name, "`name`").map(str::to_owned)?;
            check_header_name(reader, &name, &header).then_some(())?;
            Some(HttpAuth::Header { name: header, secret: read_secret(reader, &secret, sent_to)? })
        }
        "query" => {
            let (name, secret) = pair("name", "secret")?;
            let query = literal(reader, &name, "the name in the query")?;
            Some(HttpAuth::Query { name: query, secret: read_secret(reader, &secret, sent_to)? })
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
        let help = "write it out; make it two steps with an `if` each where it differs";
        reader.error(codes::NOT_LITERAL, reader.place(node), format!("{what} must be literal"), help);
        return None;
    }
    Some(text.to_owned())
}

fn read_secret<'a>(reader: &Reader<'a>, node: &Node<'a>, sent_to: Option<&str>) -> Option<String> {
    let name = literal(reader, node, "the name of a secret")?;
    if !keys::is_id(&name) {
        let help = "write the name that it was given by `bellwire secrets set NAME`: small letters, digits and `_`";
        let message = format!("`{}` cannot be the name of a secret", shown_secret(&name));
        reader.error(codes::NAME, reader.place(node), message, help);
        return None;
    }
    if let Some(known) = reader.vocabulary.secrets().filter(|known| !known.contains(&name)) {
        let set = format!("bellwire secrets set {name} --for {}", sent_to.unwrap_or("https://host"));
        let help = match keys::nearest(&name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`? If not, set it: {set}"),
            None => format!("set it: {set}"),
        };
        reader.warn(codes::UNKNOWN_SECRET, reader.place(node), format!("no secret is called `{name}`"), help);
    }
    Some(name)
}

/// What stands where the name of a secret is wanted: it may be the secret itself, so only its beginning is shown.
fn shown_secret(text: &str) -> String {
    let start: String = text.chars().take(3).collect();
    if start.len() == text.len() { keys::shortened(text) } else { keys::shortened(&start) + "…" }
}

/// Says what is wrong with a header that proves who we are. True where it can be sent. `of_auth` is the one that `auth` sends.
pub(super) fn check_proof(reader: &Reader<'_>, node: &Node<'_>, name: &str, of_auth: Option<&str>) -> bool {
    if of_auth.is_some_and(|of_auth| name.eq_ignore_ascii_case(of_auth)) {
        let message = format!("the header `{name}` stands beside `auth`, which sends it");
        reader.error(codes::HEADER, reader.key_place(node), message, "keep one of them, best `auth`");
        return false;
    }
    let lower = name.to_lowercase();
    if is_telling(&lower) && node.value.is_string() && !has_template(node.value) {
        let scheme = if lower == "authorization" {
            "bearer: NAME".to_owned()
        } else {
            format!("header: {{ name: {name}, secret: NAME }}")
        };
        let help = format!("give it a name by `bellwire secrets set NAME`, and write `auth: {{ {scheme} }}`");
        credential(reader, reader.key_place(node), &format!("the header `{name}`"), help);
    }
    true
}

/// Warns of a secret that is written into the query of a URL.
pub(super) fn credentials_in(reader: &Reader<'_>, at: Place, url: &str) {
    let Some((_, query)) = url.split_once('?') else { return };
    for pair in query.split('#').next().unwrap_or_default().split('&') {
        let Some((name, value)) = pair.split_once('=') else { continue };
        if is_telling(&name.to_lowercase()) && !value.is_empty() && !value.contains("{{") {
            credential(reader, at, &format!("`{}` in the URL", keys::shortened(name)), query_help(name));
        }
    }
}

/// Warns of a secret that stands in the rule itself.
pub(super) fn credential(reader: &Reader<'_>, at: Place, what: &str, help: impl Into<String>) {
    reader.warn(codes::SECRET, at, format!("a credential as {what} is seen by everyone who sees the rule"), help);
}

/// How a secret is sent as the query value `name`.
pub(super) fn query_help(name: &str) -> String {
    let name = keys::shortened(name);
    format!(
        "give it a name by `bellwire secrets set NAME`, and write `auth: {{ query: {{ name: {name}, secret: NAME }} }}`"
    )
}
