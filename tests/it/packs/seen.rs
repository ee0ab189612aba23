//! A request that came in, held against the one that was expected.

use serde_json::{Map, Value};

use super::case::Expect;
use crate::support::journal::Received;

/// What the client adds to every request, or makes of its body.
const EVERY: [&str; 10] = [
    "accept",
    "accept-encoding",
    "bellwire-depth",
    "connection",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "transfer-encoding",
    "user-agent",
];

/// What is wrong with a request. Empty where nothing is.
pub fn faults(seen: &Received, wanted: &Expect, origin: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut same = |what: &str, seen: String, wanted: String| {
        if seen != wanted {
            faults.push(format!("{what}\n      wanted {wanted}\n      seen   {seen}"));
        }
    };
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    same("method", seen.method.clone(), wanted.method.clone());
    same("path", path.to_owned(), wanted.path.clone());
    same("query", ordered(&pairs(query)), ordered(&wanted.query));
    for (name, value) in &wanted.headers {
        let value = value.replace("RECEIVER", origin);
        same(&format!("header {name}"), seen.header(&name.to_lowercase()).unwrap_or("none").to_owned(), value);
    }
    for (name, value) in &seen.headers {
        if !EVERY.contains(&name.as_str()) && !wanted.headers.keys().any(|known| known.eq_ignore_ascii_case(name)) {
            same(&format!("header {name}"), value.clone(), "none".to_owned());
        }
    }
    let (kind, shown) = body(seen, wanted);
    same("body", shown.0, shown.1);
    if !wanted.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
        let media = seen.header("content-type").unwrap_or("none").split(';').next().unwrap_or_default();
        same("header content-type", media.to_owned(), kind.to_owned());
    }
    faults
}

/// The media type that such a body has, and the body as it is and as it should be.
fn body(seen: &Received, wanted: &Expect) -> (&'static str, (String, String)) {
    if let Some(wanted) = &wanted.json {
        let json = serde_json::from_str(&seen.body).map_or_else(|_| format!("{:?}", seen.body), |json| sorted(&json));
        return ("application/json", (json, sorted(wanted)));
    }
    if let Some(wanted) = &wanted.form {
        return ("application/x-www-form-urlencoded", (ordered(&pairs(&seen.body)), ordered(wanted)));
    }
    if let Some(wanted) = &wanted.multipart {
        return (
            "multipart/form-data",
            (parts(seen).map_or_else(|| seen.body.clone(), |all| ordered(&all)), ordered(wanted)),
        );
    }
    if let Some(wanted) = &wanted.xml {
        return ("application/xml", (seen.body.trim().to_owned(), wanted.trim().to_owned()));
    }
    match &wanted.text {
        Some(wanted) => ("text/plain", (seen.body.clone(), wanted.clone())),
        None => ("none", (seen.body.clone(), String::new())),
    }
}

/// Names and values of a query or form; a list of a name that stands several times.
fn pairs(text: &str) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        add(&mut all, &name, Value::String(value.into_owned()));
    }
    all
}

fn add(all: &mut Map<String, Value>, name: &str, value: Value) {
    match all.get_mut(name) {
        Some(Value::Array(list)) => list.push(value),
        Some(one) => *one = Value::Array(vec![one.take(), value]),
        None => drop(all.insert(name.to_owned(), value)),
    }
}

/// The parts of a multipart body. `None` where it is none.
fn parts(seen: &Received) -> Option<Map<String, Value>> {
    let boundary = seen.header("content-type")?.split_once("boundary=")?.1.trim_matches('"');
    let inner =
        seen.body.strip_prefix(&format!("--{boundary}\r\n"))?.trim_end().strip_suffix(&format!("--{boundary}--"))?;
    let mut all = Map::new();
    for part in inner.split(&format!("--{boundary}\r\n")) {
        let (head, value) = part.strip_suffix("\r\n")?.split_once("\r\n\r\n")?;
        let parameter = |name: &str| Some(head.split_once(&format!("; {name}=\""))?.1.split_once('"')?.0.to_owned());
        let kind =
            head.lines().find_map(|line| line.to_lowercase().starts_with("content-type:").then(|| line[13..].trim()));
        let value = match parameter("filename") {
            Some(filename) => serde_json::json!({"filename": filename, "content_type": kind, "value": value}),
            None => Value::String(value.to_owned()),
        };
        add(&mut all, &parameter("name")?, value);
    }
    Some(all)
}

/// Pairs in the order of their names, every scalar as the text that the wire knows.
fn ordered(all: &Map<String, Value>) -> String {
    let text = |value: &Value| match value {
        Value::Number(_) | Value::Bool(_) => Value::String(value.to_string()),
        other => other.clone(),
    };
    let texts = all.iter().map(|(name, value)| {
        let value = match value {
            Value::Array(list) => Value::Array(list.iter().map(text).collect()),
            value => text(value),
        };
        (name.clone(), value)
    });
    sorted(&Value::Object(texts.collect()))
}

/// JSON with the names of its objects in order.
pub fn sorted(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut names: Vec<&String> = map.keys().collect();
            names.sort();
            let inner: Vec<String> = names
                .into_iter()
                .map(|name| format!("{}:{}", Value::from(name.as_str()), sorted(&map[name])))
                .collect();
            format!("{{{}}}", inner.join(","))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(sorted).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
