//! `bellwire profiles preview`: a card as Groove would show it.

use std::{fs, path::Path};

use serde_json::Value;

use super::{Preview, ask, email_of};
use crate::{
    admin::{CardOf, card, card_answer, card_template},
    cli::{
        answer::{Answer, clean},
        failure::Failure,
        open,
    },
    config::Config,
    model::{Keeper, answer_faults},
    value::{JsonLimits, read_json},
};

pub(super) fn preview(config: &Config, options: &Preview) -> Result<Answer, Failure> {
    let email = options.email.as_deref().map(email_of).transpose()?;
    let answer = match &options.data {
        Some(file) => given(file)?,
        None => known(config, email.clone().unwrap_or_default())?,
    };
    let faults = answer_faults(&answer);
    if options.json {
        return Ok(noted(Answer::json(&answer), &faults));
    }
    let template = card_template(config, options.template.as_deref()).map_err(Failure::No)?;
    let of = CardOf {
        email: email.as_deref().unwrap_or("maria@example.com"),
        full_name: &options.full_name,
        status: &options.status,
    };
    let out = card(&template, &answer, of, open::clock().now()).map_err(Failure::No)?;
    Ok(noted(Answer { out, ..Answer::default() }, &faults))
}

/// The same with what Groove would not take.
pub(in crate::cli) fn noted(answer: Answer, faults: &[String]) -> Answer {
    if faults.is_empty() {
        return answer;
    }
    let lines: Vec<String> = faults.iter().map(|fault| format!("bellwire: {}", clean(fault, 300))).collect();
    Answer { exit: 1, ..answer.note(&lines.join("\n")) }
}

/// What Groove would be answered.
fn known(config: &Config, email: String) -> Result<Value, Failure> {
    let attributes = ask(config, async |store| Ok(store.attributes(Keeper::Profile, email).await?))?;
    Ok(card_answer(&attributes))
}

fn given(file: &Path) -> Result<Value, Failure> {
    let unreadable = |error: std::io::Error| Failure::No(format!("{} cannot be read: {error}", file.display()));
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).map_err(unreadable)?;
        bytes
    } else {
        fs::read(file).map_err(unreadable)?
    };
    let read = read_json(&bytes, JsonLimits::default());
    read.map(|parsed| parsed.value).map_err(|error| Failure::No(format!("{} is not JSON: {error}", file.display())))
}
