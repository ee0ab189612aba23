//! `bellwire render`: what a template makes of an event or of any data.

use std::{fs, io::Read as _, path::Path};

use super::{
    answer::Answer,
    arguments::{Render, RenderSink},
    event_given::event_given,
    failure::Failure,
    open,
};
use crate::{
    app,
    config::Config,
    matcher::Subject,
    model::Place,
    templates::{Context, Leaf, Limits, Sink, Template},
    value::{JsonLimits, Object, Value, read_json},
};

/// What one template may use, as in a step.
const LIMITS: Limits = Limits { steps: 100_000, bytes: 1024 * 1024, time: std::time::Duration::from_secs(1) };

pub(super) fn run(workspace: &Path, options: &Render) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    let compiled = app::check(&config);
    let (name, text) = text(options)?;
    let data = data(options)?;
    let subject = match &options.event {
        Some(given) => Some(event_given(&config, &compiled.registry, given, options.kind.as_deref())?),
        None => None,
    };
    let fault = |place: Place, message: &str, help: &str| {
        let help = if help.is_empty() { String::new() } else { format!("\n  help: {help}") };
        Failure::No(format!("{name}:{}:{}: {message}{help}", place.line, place.column))
    };
    let template =
        Template::parse(&text, &compiled.set.files).map_err(|error| fault(error.place, &error.message, &error.help))?;
    let now = subject.as_ref().map_or_else(|| open::clock().now(), |subject| subject.received_at);
    let roots = roots(&config, subject.as_ref(), &data);
    let mut context = Context::new(now, LIMITS);
    for (name, value) in &roots {
        context.set(name, value);
    }
    let context = if options.lenient { context.lenient() } else { context };
    if options.json {
        // The value of a leaf that is one expression, in its own type, as a step's input would get it.
        let leaf = Leaf::parse(&Value::String(text), &compiled.set.files)
            .map_err(|error| fault(error.place, &error.message, &error.help))?;
        let value =
            leaf.render(&context, sink(options.sink)).map_err(|error| fault(error.place, &error.message, ""))?;
        return Ok(Answer::json(&value));
    }
    let out = template.render(&context, sink(options.sink)).map_err(|error| fault(error.place, &error.message, ""))?;
    Ok(Answer { out, ..Answer::default() })
}

fn sink(sink: RenderSink) -> Sink {
    match sink {
        RenderSink::Plain => Sink::Plain,
        RenderSink::Html => Sink::Html,
        RenderSink::Path => Sink::PathSegment,
        RenderSink::Query => Sink::QueryValue,
        RenderSink::Header => Sink::Header,
    }
}

/// The template, and what messages call it.
fn text(options: &Render) -> Result<(String, String), Failure> {
    match (&options.text, &options.template) {
        (Some(text), None) => Ok(("template".to_owned(), text.clone())),
        (None, Some(file)) => Ok((file.display().to_string(), read(file)?)),
        _ => Err(Failure::Usage("give a template: as text, or in a file with --template".to_owned())),
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let shown = file.display();
    if file == Path::new("-") {
        let mut text = String::new();
        return match std::io::stdin().read_to_string(&mut text) {
            Ok(_) => Ok(text),
            Err(error) => Err(Failure::No(format!("standard input cannot be read: {error}"))),
        };
    }
    let bytes = fs::read(file).map_err(|error| Failure::No(format!("{shown} cannot be read: {error}")))?;
    String::from_utf8(bytes).map_err(|_| Failure::No(format!("{shown} is not UTF-8 text")))
}

fn data(options: &Render) -> Result<Object, Failure> {
    let Some(file) = &options.data else { return Ok(Object::new()) };
    let text = read(file)?;
    let value = read_json(text.as_bytes(), JsonLimits::default())
        .map_err(|error| Failure::No(format!("{} is not JSON: {error}", file.display())))?
        .value;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(Failure::No(format!(
            "{} must hold an object: its keys are the names that the template sees",
            file.display()
        ))),
    }
}

/// The names that the template sees: those of an event, and over them those of the data.
fn roots(config: &Config, subject: Option<&Subject>, data: &Object) -> Object {
    let mut roots = Object::new();
    if let Some(subject) = subject {
        roots.insert("event".to_owned(), subject.event.clone());
        roots.insert("events".to_owned(), Value::Array(vec![subject.event.clone()]));
        roots.insert("trigger".to_owned(), subject.trigger.clone());
        roots.insert("vars".to_owned(), Value::Object(config.vars.clone()));
    }
    roots.extend(data.iter().map(|(name, value)| (name.clone(), value.clone())));
    roots
}
