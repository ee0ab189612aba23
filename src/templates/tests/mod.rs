//! Tests of the whole engine, by what a template's author sees.

mod bounds;
mod faults;
mod filters;
mod language;
mod references;
mod sinks;
mod speed;
mod strictness;
mod trees;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{Context, Files, Limits, RenderError, RenderErrorKind, Sink, Template, TemplateFault};
use crate::clock::Time;

/// 2026-03-01T10:00:00Z.
const NOW: Time = Time(1_772_359_200_000);

fn files(texts: &[(&str, &str)]) -> Files {
    let texts = texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Files(Arc::new(texts.collect::<BTreeMap<_, _>>()))
}

fn context(data: &Value) -> Context<'_> {
    let mut context = Context::new(NOW, Limits::default());
    for (name, value) in data.as_object().unwrap() {
        context.set(name, value);
    }
    context
}

fn parse(text: &str) -> Template {
    Template::parse(text, &Files::default()).unwrap_or_else(|fault| panic!("{text}: {fault:?}"))
}

fn fault(text: &str) -> TemplateFault {
    match Template::parse(text, &Files::default()) {
        Ok(_) => panic!("{text} was taken"),
        Err(fault) => fault,
    }
}

fn try_render(text: &str, data: &Value) -> Result<String, RenderError> {
    parse(text).render(&context(data), Sink::Plain)
}

fn render(text: &str, data: &Value) -> String {
    try_render(text, data).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

fn failure(text: &str, data: &Value) -> RenderErrorKind {
    match try_render(text, data) {
        Ok(shown) => panic!("{text} gave {shown}"),
        Err(error) => error.kind,
    }
}

/// A Gruveo call, as far as tests look at it.
fn call() -> Value {
    json!({"event": {
        "resolution": "missed", "location": "Greece", "waitingTime": 31, "link": "https://www.gruveo.com/@acme.sales",
        "tracking": {"ticket": "42", "email": "ann@example.com"}, "assignedUsers": [{"name": "Bo"}, {"name": "Cy"}],
        "user": null, "flag": false, "none": "", "ratio": 1.0, "big": 18_446_744_073_709_551_615_u64,
        "a.b": "dotted", "evil": "{{ event.link }}{% include 'x' %}{%- raw -%}"
    }})
}

#[test]
fn templates_and_contexts_go_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Template>();
    shared::<Context<'_>>();
}
