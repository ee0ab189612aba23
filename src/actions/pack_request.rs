//! The request of a pack's action: inputs as a rule gives them, put where the pack says.

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use super::{
    Request, Target, address, bodies, mail,
    parts::{LARGEST_BODY, body, content_type, form_text, headers, optional_text, query_text, scalar},
    prepare::Fault,
};
use crate::{
    clock::Time,
    model::ErrorClass,
    services::{Action, Body, FormPart, Input, InputType, Pack, Paging, coerce},
    templates::{Context, Leaf, Limits, Sink, Tree},
    value::{Object, Value},
};

/// What an action's own templates may use together: as much as one template of a rule.
pub(super) const LIMITS: Limits = Limits { steps: 100_000, bytes: LARGEST_BODY, time: Duration::from_secs(1) };

/// Renders the request of an action.
pub(super) fn prepare(
    pack: &Pack,
    action: &Action,
    given: &[(String, Tree)],
    connection: Option<&str>,
    context: &Context<'_>,
) -> Result<Request, Fault> {
    let inputs = inputs(pack, action, given, context)?;
    let mut own = Context::new(context.now(), LIMITS);
    for (name, value) in &inputs {
        own.set(name, value);
    }
    let absent = inputs.iter().filter(|(_, value)| value.is_null()).map(|(name, _)| *name).collect();
    let request = Rendering { context: own, absent }.request(pack, action, connection)?;
    let kept = || inputs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Ok(Request { inputs: action.verify.is_some().then(kept), ..request })
}

/// Renders the request of an action that no rule names, of values as they are; null is not given.
pub(super) fn of_values(
    pack: &Pack,
    action: &Action,
    values: &[(&str, Value)],
    connection: &str,
    now: Time,
) -> Result<Request, Fault> {
    let mut context = Context::new(now, LIMITS);
    for (name, value) in values {
        context.set(name, value);
    }
    let absent = values.iter().filter(|(_, value)| value.is_null()).map(|(name, _)| *name).collect();
    Rendering { context, absent }.request(pack, action, Some(connection))
}

/// The inputs of an action as its request sees them, in the order of the pack: turned to their types, null where not given.
pub(super) fn inputs<'a>(
    pack: &Pack,
    action: &'a Action,
    given: &[(String, Tree)],
    context: &Context<'_>,
) -> Result<Vec<(&'a str, Value)>, Fault> {
    if let Some((unknown, _)) = given.iter().find(|(name, _)| action.inputs.iter().all(|input| input.name != *name)) {
        let message = format!("`{}.{}` has no input `{unknown}`", pack.name, action.name);
        return Err(Fault::new(ErrorClass::InvalidInput, message));
    }
    let mut inputs = Vec::with_capacity(action.inputs.len());
    for input in &action.inputs {
        let tree = given.iter().find(|(name, _)| *name == input.name).map(|(_, tree)| tree);
        inputs.push((input.name.as_str(), read_input(input, tree, context)?));
    }
    Ok(inputs)
}

/// Renders one input and turns it to its type. Null where it is optional and not given.
fn read_input(input: &Input, tree: Option<&Tree>, context: &Context<'_>) -> Result<Value, Fault> {
    let what = format!("input `{}`", input.name);
    let value = match tree {
        None => Value::Null,
        Some(Tree::Leaf(leaf, _)) if input.kind == InputType::Html => {
            let text = optional_text(&what, leaf, context, Sink::Html)
                .map_err(|fault| if fault.class == ErrorClass::RenderType { html_kind(&what, fault) } else { fault })?;
            text.map_or(Value::Null, Value::String)
        }
        Some(tree) => tree.render(context, Sink::Plain).map_err(|error| Fault::template(&what, &error))?,
    };
    coerce(input, value).map_err(|(class, why)| Fault::new(class, format!("{why}{}", origin(tree))))
}

fn html_kind(what: &str, fault: Fault) -> Fault {
    Fault { class: ErrorClass::InvalidInput, message: format!("{what} takes HTML text; {}", fault.message) }
}

/// The places that a value came from: ` (from event.tracking.ticket)`. Empty for a literal.
fn origin(tree: Option<&Tree>) -> String {
    let places: BTreeSet<String> = tree
        .map(Tree::references)
        .unwrap_or_default()
        .into_iter()
        .map(|(_, reference)| format!("`{}`", reference.path))
        .collect();
    if places.is_empty() {
        return String::new();
    }
    format!(" (from {})", places.into_iter().collect::<Vec<_>>().join(", "))
}

/// What the templates of an action's request see: its inputs alone.
struct Rendering<'a> {
    context: Context<'a>,
    /// Optional inputs that were not given.
    absent: BTreeSet<&'a str>,
}

impl Rendering<'_> {
    fn request(&self, pack: &Pack, action: &Action, connection: Option<&str>) -> Result<Request, Fault> {
        let path = address::path(&action.path, &action.path_keeps, &self.context)?;
        let query = query_text(&self.pairs("query value", &action.query)?);
        let kept: Vec<(String, Leaf)> =
            action.headers.iter().filter(|(_, leaf)| !self.is_absent(leaf)).cloned().collect();
        let mut headers = headers(&kept, &self.context)?;
        let written = match &action.body {
            Body::Mail(leaves) => {
                let made = self.mail(leaves)?;
                headers.extend(made.headers);
                Some((None, made.message))
            }
            wanted => self.body(wanted)?.map(|(kind, text)| (Some(kind), text)),
        };
        if let Some((Some(kind), _)) = &written {
            content_type(&mut headers, kind);
        }
        Ok(Request {
            method: action.method.to_string(),
            target: Target::Connection {
                name: connection.unwrap_or(&pack.name).to_owned(),
                host: action.host.clone(),
                path: address::with_query(path, &query)?,
            },
            headers,
            body: written.map(|(_, text)| body(text)).transpose()?,
            auth: None,
            inputs: None,
            gather: action.paging.as_ref().map(|paging| self.limit(paging)).transpose()?,
        })
    }

    /// Content type and text of the body. `None`: the request has none.
    fn body(&self, wanted: &Body) -> Result<Option<(Cow<'static, str>, String)>, Fault> {
        Ok(Some(match wanted {
            // A message of mail says its own type.
            Body::None | Body::Mail(_) => return Ok(None),
            Body::Json(tree) => ("application/json".into(), self.tree(tree, "")?.unwrap_or(Value::Null).to_string()),
            Body::Form(leaves) => {
                ("application/x-www-form-urlencoded".into(), form_text(&self.pairs("form field", leaves)?))
            }
            Body::Xml(tree) => (bodies::XML.into(), bodies::xml_text(&self.tree(tree, "")?.unwrap_or(Value::Null))?),
            Body::Multipart(parts) => {
                let (kind, text) = bodies::multipart_text(self.parts(parts)?)?;
                (kind.into(), text)
            }
            Body::Text(leaf) => {
                let text = optional_text("the body", leaf, &self.context, Sink::Plain)?.unwrap_or_default();
                ("text/plain; charset=utf-8".into(), text)
            }
        }))
    }

    fn parts(&self, parts: &[FormPart]) -> Result<Vec<bodies::Part>, Fault> {
        let mut rendered = Vec::with_capacity(parts.len());
        for part in parts.iter().filter(|part| !self.is_absent(&part.value)) {
            let what = format!("part `{}`", part.name);
            let value =
                part.value.render(&self.context, Sink::Plain).map_err(|error| Fault::template(&what, &error))?;
            let filename = part.filename.as_ref().filter(|leaf| !self.is_absent(leaf));
            let named = format!("the file name of part `{}`", part.name);
            let filename = filename.map(|leaf| optional_text(&named, leaf, &self.context, Sink::Plain)).transpose()?;
            let filename = filename.flatten();
            // A list is the part several times, as in a form.
            let values = match value {
                Value::Array(list) => list,
                value => vec![value],
            };
            rendered.extend(values.into_iter().map(|value| bodies::Part {
                name: part.name.clone(),
                value,
                filename: filename.clone(),
                content_type: part.content_type.clone(),
            }));
        }
        Ok(rendered)
    }

    /// Items of all pages together, at most; as many as without a limit where it comes from an input that was not given.
    fn limit(&self, paging: &Paging) -> Result<u32, Fault> {
        if self.is_absent(&paging.limit) {
            return Ok(Paging::LIMIT);
        }
        let what = "the limit of items";
        let rendered =
            paging.limit.render(&self.context, Sink::Plain).map_err(|error| Fault::template(what, &error))?;
        let limit = match &rendered {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            Value::Null => Some(u64::from(Paging::LIMIT)),
            _ => None,
        };
        match limit.and_then(|limit| u32::try_from(limit).ok()).filter(|limit| *limit > 0) {
            Some(limit) => Ok(limit),
            None => Err(Fault::new(
                ErrorClass::InvalidInput,
                format!("{what} is `{rendered}`, and a number from 1 is wanted"),
            )),
        }
    }

    /// Whether a leaf is just an optional input that was not given, through filters or not.
    fn is_absent(&self, leaf: &Leaf) -> bool {
        let Leaf::Expression(_) = leaf else { return false };
        let references = leaf.references();
        !references.is_empty()
            && references.iter().all(|reference| {
                !reference.has_default && reference.path.root().is_some_and(|root| self.absent.contains(root))
            })
    }

    fn mail(&self, leaves: &[(String, Leaf)]) -> Result<mail::Made, Fault> {
        let mut texts = mail::Texts::default();
        for (name, text) in self.pairs("part of the message", leaves)? {
            let place = match name.as_str() {
                "from" => &mut texts.from,
                "to" => &mut texts.to,
                "cc" => &mut texts.cc,
                "bcc" => &mut texts.bcc,
                "reply_to" => &mut texts.reply_to,
                "subject" => &mut texts.subject,
                "html" => &mut texts.html,
                _ => &mut texts.text,
            };
            // A list of addresses is the same as one text with commas.
            let before = place.take().map(|before| format!("{before}, ")).unwrap_or_default();
            *place = Some(format!("{before}{text}"));
        }
        mail::message(&texts, self.context.now())
    }

    fn pairs(&self, what: &str, leaves: &[(String, Leaf)]) -> Result<Vec<(String, String)>, Fault> {
        let mut pairs = Vec::with_capacity(leaves.len());
        for (name, leaf) in leaves.iter().filter(|(_, leaf)| !self.is_absent(leaf)) {
            let what = format!("{what} `{name}`");
            let value = leaf.render(&self.context, Sink::Plain).map_err(|error| Fault::template(&what, &error))?;
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

    /// A value of the body; `None` for a leaf that is left out. `place` is its JSON pointer.
    fn tree(&self, tree: &Tree, place: &str) -> Result<Option<Value>, Fault> {
        match tree {
            Tree::Leaf(leaf, _) if self.is_absent(leaf) => Ok(None),
            Tree::Leaf(leaf, _) => leaf
                .render(&self.context, Sink::Plain)
                .map(Some)
                .map_err(|error| Fault::template(&format!("the body at `{place}`"), &error)),
            Tree::List(list) => {
                let mut values = Vec::with_capacity(list.len());
                for (at, tree) in list.iter().enumerate() {
                    values.extend(self.tree(tree, &format!("{place}/{at}"))?);
                }
                Ok(Some(Value::Array(values)))
            }
            Tree::Map(map) => {
                let mut object = Object::new();
                for (name, tree) in map {
                    if let Some(value) = self.tree(tree, &format!("{place}/{name}"))? {
                        object.insert(name.clone(), value);
                    }
                }
                Ok(Some(Value::Object(object)))
            }
        }
    }
}
