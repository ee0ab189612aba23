//! `bellwire profiles set`: attributes by hand.

use serde_json::{Value, json};

use super::{Set, change, email_of, shown};
use crate::{
    admin::audited_person,
    cli::{
        answer::{Answer, clean},
        failure::Failure,
        open,
        table::table,
        users,
    },
    config::Config,
    model::{Change, Keeper},
    store::By,
    value::{JsonLimits, read_json},
};

pub(super) fn set(config: &Config, options: &Set) -> Result<Answer, Failure> {
    let email = email_of(&options.email)?;
    let change_of = as_change(options)?;
    let key = email.clone();
    let written: Vec<String> =
        change_of.set.keys().chain(change_of.add.keys()).chain(change_of.append.keys()).cloned().collect();
    let told = json!({ "set": written, "removed": change_of.remove });
    let after = change(config, async |store| {
        let now = open::clock().now();
        let after = store.change_attributes(Keeper::Profile, vec![(key, change_of)], By::Hand, now).await?;
        let after = after.into_iter().next().unwrap_or_else(|| Ok(serde_json::Map::new())).map_err(Failure::No)?;
        users::keep(store, now, "person.set", &audited_person(&email), told).await?;
        Ok(after)
    })?;
    Ok(changed(&email, after, options.json))
}

/// What is kept of a person after a change.
pub(in crate::cli) fn changed(email: &str, after: serde_json::Map<String, Value>, json: bool) -> Answer {
    if json {
        return Answer::json(&Value::Object(after));
    }
    if after.is_empty() {
        return Answer::text(format!("nothing is left of {}", clean(email, 320)));
    }
    let line = |(name, value): (&String, &Value)| vec![clean(name, 60), clean(&shown(value), 200)];
    let lines: Vec<Vec<String>> = after.iter().map(line).collect();
    Answer::text(table(&["ATTRIBUTE", "VALUE"], &lines))
}

/// What is to be changed. `Err`: nothing, or not in words that hold.
pub(in crate::cli) fn as_change(options: &Set) -> Result<Change, Failure> {
    let mut wanted = Change { remove: options.remove.clone(), ..Change::default() };
    for pair in &options.texts {
        let (name, text) = parts(pair, "NAME=TEXT")?;
        wanted.set.insert(name, Value::from(text));
    }
    for pair in &options.values {
        let (name, text) = parts(pair, "NAME=JSON")?;
        wanted.set.insert(name.clone(), read(&name, text)?);
    }
    for pair in &options.add {
        let (name, text) = parts(pair, "NAME=NUMBER")?;
        let value = read(&name, text)?;
        if !value.is_number() {
            return Err(Failure::Usage(format!("`{}`: a number wanted, `{}` seen", clean(&name, 60), clean(text, 60))));
        }
        wanted.add.insert(name, value);
    }
    for pair in &options.append {
        let (name, text) = parts(pair, "NAME=TEXT")?;
        wanted.append.insert(name, Value::from(text));
    }
    if wanted.is_read() {
        let why = "say what to change: NAME=TEXT, --set-json, --add, --append or --remove";
        return Err(Failure::Usage(why.to_owned()));
    }
    Ok(wanted)
}

fn parts<'p>(pair: &'p str, wanted: &str) -> Result<(String, &'p str), Failure> {
    let split = pair.split_once('=').map(|(name, value)| (name.trim().to_owned(), value));
    split.ok_or_else(|| Failure::Usage(format!("`{}` has no `=`: {wanted} wanted", clean(pair, 100))))
}

fn read(name: &str, text: &str) -> Result<Value, Failure> {
    let parsed = read_json(text.as_bytes(), JsonLimits::default());
    let why = |error| Failure::Usage(format!("`{}`: `{}` is not JSON: {error}", clean(name, 60), clean(text, 60)));
    parsed.map(|parsed| parsed.value).map_err(why)
}
