//! Reads the body of the step `http`.

use crate::{
    rules::{
        HttpBody, HttpPart, codes, keys,
        parse::step::read_pairs,
        reader::{Node, Reader},
    },
    value::write_xml,
};

pub(super) fn read_body<'a>(reader: &Reader<'a>, node: &Node<'a>) -> HttpBody {
    let given: Vec<&str> = keys::HTTP_BODIES.iter().copied().filter(|name| node.get(name).is_some()).collect();
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
        "xml" => {
            // Names are literal, so that what cannot be written is known now; templates are text.
            if let Err(error) = write_xml(inner.value) {
                reader.wrong_type(&inner, &format!("`xml`: {error}"));
            }
            reader.tree(&inner).map_or(HttpBody::None, HttpBody::Xml)
        }
        "multipart" => HttpBody::Multipart(read_parts(reader, &inner)),
        _ => HttpBody::None,
    }
}

/// `name: value`, or `name: {value, filename, content_type}`.
fn read_parts<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Vec<HttpPart> {
    let Some(object) = reader.object(node, "`multipart`") else { return Vec::new() };
    let one = |name: &String| {
        let inner = node.child(name);
        if !inner.value.is_object() {
            return Some(HttpPart {
                name: name.clone(),
                value: reader.tree(&inner)?,
                filename: None,
                content_type: None,
            });
        }
        reader.only_keys(
            &inner,
            keys::PART,
            "a part of `multipart`",
            &[("type", "`content_type`"), ("name", "`filename`")],
        );
        let Some(value) = inner.get("value") else {
            let help = "a part is a value, or `{ value: ..., filename: ..., content_type: ... }`";
            reader.error(codes::MISSING_KEY, reader.key_place(&inner), "a part needs a `value`", help);
            return None;
        };
        let leaf = |key: &str| inner.get(key).and_then(|node| reader.leaf(&node));
        Some(HttpPart {
            name: name.clone(),
            value: reader.tree(&value)?,
            filename: leaf("filename"),
            content_type: leaf("content_type"),
        })
    };
    object.keys().filter_map(one).collect()
}
