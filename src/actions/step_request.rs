//! The request of an `http` step.

use std::borrow::Cow;

use super::{
    Request, Target, address, bodies,
    parts::{body, content_type, form_text, headers, optional_text, pairs, query_text},
    prepare::Fault,
};
use crate::{
    rules::{HttpAuth, HttpBody, HttpPart, HttpStep},
    services::AuthUse,
    templates::{Context, Leaf, Sink, Tree},
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
    let written = body_text(&step.body, context)?;
    if let Some((kind, _)) = &written {
        content_type(&mut headers, kind);
    }
    Ok(Request {
        method: step.method.to_string(),
        target: Target::Url(address::with_query(url, &query)?),
        headers,
        body: written.map(|(_, text)| body(text)).transpose()?,
        auth: step.auth.as_ref().map(auth),
        inputs: None,
        gather: None,
    })
}

/// Content type and text of a body. `None`: there is none.
fn body_text(wanted: &HttpBody, context: &Context<'_>) -> Result<Option<(Cow<'static, str>, String)>, Fault> {
    Ok(Some(match wanted {
        HttpBody::None => return Ok(None),
        HttpBody::Json(tree) => ("application/json".into(), whole("json", tree, context)?.to_string()),
        HttpBody::Form(trees) => {
            ("application/x-www-form-urlencoded".into(), form_text(&pairs("form field", trees, context)?))
        }
        HttpBody::Text(leaf) => {
            let text = optional_text("the body (`text`)", leaf, context, Sink::Plain)?.unwrap_or_default();
            ("text/plain; charset=utf-8".into(), text)
        }
        HttpBody::Xml(tree) => (bodies::XML.into(), bodies::xml_text(&whole("xml", tree, context)?)?),
        HttpBody::Multipart(parts) => {
            let (kind, text) = bodies::multipart_text(rendered(parts, context)?)?;
            (kind.into(), text)
        }
    }))
}

/// A body that is one value.
fn whole(key: &str, tree: &Tree, context: &Context<'_>) -> Result<Value, Fault> {
    tree.render(context, Sink::Plain).map_err(|error| Fault::template(&format!("the body (`{key}`)"), &error))
}

fn rendered(parts: &[HttpPart], context: &Context<'_>) -> Result<Vec<bodies::Part>, Fault> {
    let one = |part: &HttpPart| {
        let what = format!("part `{}`", part.name);
        let text = |leaf: &Option<Leaf>, which: &str| {
            let leaf =
                leaf.as_ref().map(|leaf| optional_text(&format!("{which} of {what}"), leaf, context, Sink::Plain));
            Ok(leaf.transpose()?.flatten())
        };
        Ok(bodies::Part {
            name: part.name.clone(),
            value: part.value.render(context, Sink::Plain).map_err(|error| Fault::template(&what, &error))?,
            filename: text(&part.filename, "the file name")?,
            content_type: text(&part.content_type, "the content type")?,
        })
    };
    parts.iter().map(one).collect()
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
    let (key, shown) = match &step.body {
        HttpBody::None => return Ok(given),
        HttpBody::Json(tree) => ("json", whole("json", tree, context)?),
        HttpBody::Form(trees) => ("form", texts(pairs("form field", trees, context)?)),
        HttpBody::Text(leaf) => {
            let text = optional_text("the body (`text`)", leaf, context, Sink::Plain)?;
            ("text", text.unwrap_or_default().into())
        }
        HttpBody::Xml(tree) => ("xml", whole("xml", tree, context)?),
        HttpBody::Multipart(parts) => ("multipart", bodies::shown(rendered(parts, context)?)),
    };
    given.insert(key.to_owned(), shown);
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
