//! From an action as written to one that holds together.

use super::{
    Action, Body, FormPart, Input, InputType,
    check::{errors, reply_path},
    coerce::to_kind,
    paging::paging,
    raw::Node,
    read_back::read_back,
    samples::{self, Texts},
};
use crate::{model::OWN_HEADERS, templates::Leaf, value::write_xml};

/// Methods that an action may use.
const METHODS: [(&str, Method); 6] = [
    ("GET", Method { bodied: false }),
    ("HEAD", Method { bodied: false }),
    ("POST", Method { bodied: true }),
    ("PUT", Method { bodied: true }),
    ("PATCH", Method { bodied: true }),
    ("DELETE", Method { bodied: true }),
];

#[derive(Clone, Copy)]
struct Method {
    /// Whether its request may have a body.
    bodied: bool,
}

/// What an `echo` sees after success.
const ECHO_ROOTS: [&str; 1] = ["result"];

/// Reads an action. `None` where it does not hold together; the findings say why.
pub(super) fn action(name: &str, node: &Node<'_>, texts: &Texts<'_>) -> Option<Action> {
    node.object()?;
    node.keys(&[
        "title",
        "inputs",
        "request",
        "result",
        "echo",
        "read",
        "idempotent",
        "sample",
        "errors",
        "paging",
        "verify",
    ]);
    let title = node.want("title").and_then(|node| node.text());
    let inputs = node.get("inputs").map(|node| inputs(&node)).unwrap_or_default();
    let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    let request = node.want("request").and_then(|node| request(&node, &names));
    let result = node.get("result").and_then(|node| reply_path(&node));
    let echo = node.get("echo").and_then(|node| node.leaf(&ECHO_ROOTS));
    let read = node.get("read").is_some_and(|node| node.flag());
    if let (Some(read), Some(request)) = (node.get("read"), &request)
        && read.value == &serde_json::Value::Bool(true)
        && matches!(request.method, http::Method::PUT | http::Method::PATCH | http::Method::DELETE)
    {
        let why = format!("an action that sends {} does not only read", request.method);
        read.finding("P004", why, "leave `read` out; `idempotent: true` is for what may be sent twice");
    }
    let idempotent = node.get("idempotent").is_some_and(|node| node.flag());
    let sample = node.get("sample").and_then(|node| samples::value(&node, texts));
    let own_errors = node.get("errors").map(|node| errors(&node));
    let paging = node.get("paging").and_then(|node| paging(&node, &names));
    let verify = node.get("verify").and_then(|node| read_back(&node, &names));
    let Request { host, method, path, path_keeps, query, headers, body } = request?;
    Some(Action {
        name: name.to_owned(),
        title: title?,
        inputs,
        host,
        method,
        path,
        path_keeps,
        query,
        headers,
        body,
        result,
        read,
        idempotent,
        errors: own_errors,
        paging,
        verify,
        echo,
        sample,
    })
}

/// An action that is its request alone, whose templates see `names`. `None` where it does not hold together; the findings say why.
pub(super) fn bare(name: &str, node: &Node<'_>, names: &[&str]) -> Option<Action> {
    let Request { host, method, path, path_keeps, query, headers, body } = request(node, names)?;
    Some(Action {
        name: name.to_owned(),
        title: name.to_owned(),
        inputs: Vec::new(),
        host,
        read: matches!(method, http::Method::GET | http::Method::HEAD),
        method,
        path,
        path_keeps,
        query,
        headers,
        body,
        result: None,
        idempotent: false,
        errors: None,
        paging: None,
        verify: None,
        echo: None,
        sample: None,
    })
}

/// Reads inputs by their names.
pub(super) fn inputs(node: &Node<'_>) -> Vec<Input> {
    let one = |(name, node): (String, Node<'_>)| {
        node.object()?;
        node.keys(&["type", "required", "default", "choices", "help", "target"]);
        node.check_identifier(&name);
        let kind = node.want("type").and_then(|node| node.word(&InputType::ALL))?;
        let choices: Vec<String> = match (kind, node.get("choices")) {
            (InputType::Enum, None) => {
                node.finding("P003", "the key `choices` is missing", "an enum is one of its choices");
                Vec::new()
            }
            (InputType::Enum, Some(node)) => node.list().iter().filter_map(Node::text).collect(),
            (_, Some(node)) => {
                node.key_finding("P002", "only an enum has `choices`", "");
                Vec::new()
            }
            (_, None) => Vec::new(),
        };
        let default = node.get("default").and_then(|node| {
            to_kind(kind, &choices, node.value.clone()).map_err(|why| node.finding("P004", why, "")).ok()
        });
        let help = node.get("help").and_then(|node| node.text()).unwrap_or_default();
        let required = node.get("required").is_some_and(|node| node.flag());
        let target = node.get("target").is_some_and(|node| node.flag());
        Some(Input { name, kind, required, default, choices, help, target })
    };
    node.entries().into_iter().filter_map(one).collect()
}

struct Request {
    host: Option<String>,
    method: http::Method,
    path: Leaf,
    path_keeps: String,
    query: Vec<(String, Leaf)>,
    headers: Vec<(String, Leaf)>,
    body: Body,
}

/// What may stand in a segment of a path without a meaning of its own (RFC 3986, section 3.3).
const PCHAR: &str = "@:!$&'()*+,;=";

/// The parts of a message of mail.
const MAIL: [&str; 8] = ["from", "to", "cc", "bcc", "reply_to", "subject", "text", "html"];

/// A message of mail: it has no path, and the method that the way out knows it by.
fn mail(node: &Node<'_>, names: &[&str]) -> Option<Request> {
    node.keys(&MAIL);
    Some(Request {
        host: None,
        method: http::Method::from_bytes(b"MAIL").ok()?,
        path: Leaf::parse(&"/".into(), &crate::templates::Files::default()).ok()?,
        path_keeps: String::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Body::Mail(leaves(node, names)),
    })
}

fn request(node: &Node<'_>, names: &[&str]) -> Option<Request> {
    node.object()?;
    if let Some(message) = node.get("mail") {
        node.keys(&["mail"]);
        return mail(&message, names);
    }
    node.keys(&[
        "host",
        "method",
        "path",
        "path_keeps",
        "query",
        "headers",
        "json",
        "form",
        "text",
        "xml",
        "multipart",
    ]);
    let host = node.get("host").and_then(|node| node.identifier());
    let method_node = node.want("method");
    let bodied = method_node.as_ref().and_then(|node| node.word(&METHODS)).map(|method| method.bodied);
    let method = method_node.and_then(|node| http::Method::from_bytes(node.text()?.as_bytes()).ok());
    let path = node.want("path").and_then(|node| {
        if !node.value.as_str().is_some_and(|text| text.starts_with('/') && !text.contains(['?', '#'])) {
            node.finding("P004", "a path that starts with `/`, without `?` and `#`, wanted", "use `query`");
        }
        if node.value.as_str().is_some_and(|text| text.split('/').any(|part| matches!(part, "." | ".."))) {
            node.finding("P004", "a path has no `.` and `..`", "write the path that is meant");
        }
        node.leaf(names)
    });
    let path_keeps = node.get("path_keeps").and_then(|node| {
        let kept = node.text()?;
        if kept.contains(|c: char| !PCHAR.contains(c)) {
            node.finding("P004", format!("some of the characters {PCHAR} wanted"), "all others change the path");
        }
        Some(kept)
    });
    let path_keeps = path_keeps.unwrap_or_default();
    let query = node.get("query").map(|node| leaves(&node, names)).unwrap_or_default();
    let headers = node.get("headers").map(|node| headers(&node, names)).unwrap_or_default();
    let seen: Vec<Node<'_>> =
        ["json", "form", "text", "xml", "multipart"].iter().filter_map(|key| node.get(key)).collect();
    if seen.len() > 1 {
        node.finding("P004", "one of `json`, `form`, `text`, `xml` and `multipart` wanted, several seen", "");
    }
    let body = seen.first();
    if let Some(body) = body
        && bodied == Some(false)
    {
        body.key_finding("P004", "GET and HEAD have no body", "use `query`, or another method");
    }
    let body = match body.map(|node| (node.name(), node)) {
        None => Body::None,
        Some(("json", node)) => Body::Json(node.tree(names)?),
        Some(("form", node)) => Body::Form(leaves(node, names)),
        Some(("xml", node)) => {
            // Names are literal, so that what cannot be written is known now; templates are text.
            if let Err(error) = write_xml(node.value) {
                node.finding("P004", error.to_string(), "");
            }
            Body::Xml(node.tree(names)?)
        }
        Some(("multipart", node)) => Body::Multipart(parts(node, names)),
        Some((_, node)) => Body::Text(node.leaf(names)?),
    };
    Some(Request { host, method: method?, path: path?, path_keeps, query, headers, body })
}

/// Fields and files: `name: value`, or `name: {value, filename, content_type}`.
fn parts(node: &Node<'_>, names: &[&str]) -> Vec<FormPart> {
    let one = |(name, node): (String, Node<'_>)| {
        if !node.value.is_object() {
            return Some(FormPart { name, value: node.leaf(names)?, filename: None, content_type: None });
        }
        node.keys(&["value", "filename", "content_type"]);
        let value = node.want("value").and_then(|node| node.leaf(names));
        let filename = node.get("filename").and_then(|node| node.leaf(names));
        let content_type = node.get("content_type").and_then(|node| node.text());
        Some(FormPart { name, value: value?, filename, content_type })
    };
    node.entries().into_iter().filter_map(one).collect()
}

fn leaves(node: &Node<'_>, names: &[&str]) -> Vec<(String, Leaf)> {
    node.entries().into_iter().filter_map(|(name, node)| Some((name, node.leaf(names)?))).collect()
}

fn headers(node: &Node<'_>, names: &[&str]) -> Vec<(String, Leaf)> {
    let one = |(name, node): (String, Node<'_>)| {
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            node.key_finding("P009", format!("`{name}` is not the name of a header"), "");
        }
        if OWN_HEADERS.contains(&name.to_lowercase().as_str()) {
            node.key_finding("P009", format!("`{name}` is made from the request itself"), "leave it out");
        }
        Some((name, node.leaf(names)?))
    };
    node.entries().into_iter().filter_map(one).collect()
}
