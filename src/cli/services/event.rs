//! An event of a service, as it is shown.

use serde_json::{Value, json};

use super::wrap::wrapped;
use crate::{
    cli::{
        answer::{Answer, clean},
        failure::Failure,
    },
    rules::suggestion,
    services::{EventKind, Pack, values_of},
};

/// Values of a payload that are listed: more is what --json is for.
const VALUES: usize = 60;

/// One of its samples, as JSON.
pub(super) fn sample(pack: &Pack, name: &str, kind: &EventKind, wanted: &str) -> Result<Answer, Failure> {
    if let Some((_, sample)) = kind.samples.iter().find(|(known, _)| known == wanted) {
        return Ok(Answer::json(sample));
    }
    let known: Vec<&str> = kind.samples.iter().map(|(name, _)| name.as_str()).collect();
    let help = match known.as_slice() {
        [] => "it has none".to_owned(),
        known => {
            let near = suggestion(wanted, known.iter().copied());
            if near.is_empty() { format!("known are {}", known.join(", ")) } else { near }
        }
    };
    Err(Failure::Usage(format!("{}.{name} has no sample `{}`; {help}", pack.name, clean(wanted, 64))))
}

pub(super) fn as_json(pack: &Pack, name: &str, kind: &EventKind) -> Value {
    let samples: Vec<&str> = kind.samples.iter().map(|(name, _)| name.as_str()).collect();
    let untrusted: Vec<String> = kind.untrusted.iter().map(ToString::to_string).collect();
    json!({
        "type": format!("{}.{name}", pack.name), "title": kind.title, "schema": kind.schema, "samples": samples,
        "untrusted": untrusted, "stamp": kind.stamp.as_ref().map(|stamp| stamp.path.to_string()),
    })
}

/// Its line in the list of a service.
pub(super) fn line(pack: &Pack, name: &str, kind: &EventKind) -> String {
    let samples: Vec<&str> = kind.samples.iter().map(|(name, _)| name.as_str()).collect();
    let samples = if samples.is_empty() { String::new() } else { format!(" [{}]", samples.join(", ")) };
    wrapped(&format!("  {}.{name}: ", pack.name), "      ", &format!("{}{samples}", clean(&kind.title, 200)))
}

pub(super) fn as_text(pack: &Pack, name: &str, kind: &EventKind) -> String {
    let kind_name = format!("{}.{name}", pack.name);
    let mut text = wrapped("", "  ", &format!("{kind_name} - {}", clean(&kind.title, 200)));
    let values = values_of(&kind.schema);
    if !values.is_empty() {
        text.push_str("\nValues\n");
        for (path, kind) in values.iter().take(VALUES) {
            text.push_str(&wrapped("  ", "      ", &clean(&format!("{path}: {kind}"), 600)));
        }
        if values.len() > VALUES {
            text.push_str("  and more: --json has the whole schema\n");
        }
    }
    if !kind.untrusted.is_empty() {
        let places: Vec<String> = kind.untrusted.iter().map(|path| format!("event.{path}")).collect();
        text.push_str(&wrapped("\nA stranger can write: ", "  ", &places.join(", ")));
    }
    if kind.samples.is_empty() {
        return text;
    }
    text.push_str("\nSamples\n");
    for (sample, _) in &kind.samples {
        text.push_str(&format!("  {sample}: bellwire services show {} {name} --sample {sample}\n", pack.name));
        text.push_str(&format!("    bellwire send {kind_name} --sample {sample}\n"));
    }
    text
}
