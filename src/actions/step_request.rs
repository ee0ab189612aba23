//! The request of an `http` step.

use super::{
    Request, Target, address,
    parts::{body, content_type, form_text, headers, optional_text, pairs, query_text},
    prepare::Fault,
};
use crate::{
    rules::{HttpAuth, HttpBody, HttpStep},
    services::AuthUse,
    templates::{Context, Sink},
    value::{Object, Value},
};

/// Renders the request of an `http` step. In `json` a null stays null.
pub(super) fn prepare(step: &HttpStep, context: &Context<'_>) -> Result<Request, Fault> {
    let bodiless = step.method == http::Method::GET || step.method == http::Method::HEAD;
    if bodiless && !matches!(step.body, HttpBody::None) {
        return Err(Fault::kind(format!("a {} request has no body; use `query`, or another method", step.method)));
    }
    let url = address::url(&step.url, context)?;
    let query = query_text(&pairs("query value", &step.query, context)?);
    let mut headers = headers(&step.headers, context)?;
    let text = match &step.body {
        HttpBody::None => None,
        HttpBody::Json(tree) => {
            let value =
                tree.render(context, Sink::Plain).map_err(|error| Fault::template("the body (`json`)", &error))?;
            content_type(&mut headers, "application/json");
            Some(value.to_string())
        }
        HttpBody::Form(trees) => {
            let text = form_text(&pairs("form field", trees, context)?);
            content_type(&mut headers, "application/x-www-form-urlencoded");
            Some(text)
        }
        HttpBody::Text(leaf) => {
            content_type(&mut headers, "text/plain; charset=utf-8");
            Some(optional_text("the body (`text`)", leaf, context, Sink::Plain)?.unwrap_or_default())
        }
    };
    Ok(Request {
        method: step.method.to_string(),
        target: Target::Url(address::with_query(url, &query)?),
        headers,
        body: text.map(body).transpose()?,
        auth: step.auth.as_ref().map(auth),
        gather: None,
    })
}

/// The rendered parts of an `http` step by the names that it has for them. A null header, query value or form field is left out.
pub(super) fn inputs(step: &HttpStep, context: &Context<'_>) -> Result<Object, Fault> {
    let texts = |texts: Vec<(String, String)>| {
        let mut object = Object::new();
        for (name, text) in texts {
            match object.get_mut(&name) {
                Some(Value::Array(list)) => list.push(Value::String(text)),
                Some(first) => *first = Value::Array(vec![first.clone(), Value::String(text)]),
                None => {
                    object.insert(name, Value::String(text));
                }
            }
        }
        Value::Object(object)
    };
    let mut given = Object::new();
    given.insert("method".to_owned(), step.method.as_str().into());
    given.insert("url".to_owned(), address::url(&step.url, context)?.into());
    if !step.headers.is_empty() {
        given.insert("headers".to_owned(), texts(headers(&step.headers, context)?));
    }
    if !step.query.is_empty() {
        given.insert("query".to_owned(), texts(pairs("query value", &step.query, context)?));
    }
    match &step.body {
        HttpBody::None => {}
        HttpBody::Json(tree) => {
            let value =
                tree.render(context, Sink::Plain).map_err(|error| Fault::template("the body (`json`)", &error))?;
            given.insert("json".to_owned(), value);
        }
        HttpBody::Form(trees) => {
            given.insert("form".to_owned(), texts(pairs("form field", trees, context)?));
        }
        HttpBody::Text(leaf) => {
            let text = optional_text("the body (`text`)", leaf, context, Sink::Plain)?;
            given.insert("text".to_owned(), text.unwrap_or_default().into());
        }
    }
    Ok(given)
}

fn auth(auth: &HttpAuth) -> AuthUse {
    match auth.clone() {
        HttpAuth::Bearer(secret) => AuthUse::Bearer(secret),
        HttpAuth::Basic { user, password } => AuthUse::Basic { user, password },
        HttpAuth::Header { name, secret } => AuthUse::Header { name, secret, prefix: String::new() },
        HttpAuth::Query { name, secret } => AuthUse::Query { name, secret },
        HttpAuth::Connection(name) => AuthUse::Connection(name),
    }
}
