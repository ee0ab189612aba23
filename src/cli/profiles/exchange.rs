//! `bellwire profiles import` and `export`: attributes of many people as CSV or JSON lines.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    io::Read as _,
    path::Path,
};

use serde_json::{Map, Value, json};

use super::{Import, ask, change, email_of};
use crate::{
    cli::{
        answer::{Answer, clean},
        check::count,
        failure::Failure,
        open,
        progress::Progress,
        sheet::{as_written, sheet},
        users,
    },
    config::Config,
    model::{Change, Keeper, attribute_fault, flat},
    store::{AttributesRow, By},
    value::{JsonLimits, read_json},
};

/// People in one transaction.
const CHUNK: usize = 500;
/// People asked for at once.
const PAGE: usize = 1_000;
/// Faults that are printed.
const SHOWN: usize = 20;

type Object = Map<String, Value>;

/// One person of a file, with the line it stands in.
pub(in crate::cli) struct Row {
    pub(in crate::cli) line: usize,
    pub(in crate::cli) email: String,
    pub(in crate::cli) attributes: Object,
}

pub(super) fn import(config: &Config, options: &Import) -> Result<Answer, Failure> {
    let (rows, mut faults) = rows(options)?;
    let wanted = rows.len();
    let mut done = 0;
    if !options.dry && !rows.is_empty() {
        done = write(config, rows, &mut faults)?;
    }
    Ok(imported(options, wanted, done, &faults))
}

/// The people of a file, and what is wrong with the others.
pub(in crate::cli) fn rows(options: &Import) -> Result<(Vec<Row>, Vec<String>), Failure> {
    let text = read(&options.file)?;
    let renames = renames(&options.rename)?;
    let column = |name: &str| -> Option<String> {
        let called = renames.iter().find(|(old, _)| old == name).map_or(name, |(_, new)| new);
        (!options.skip.iter().any(|skipped| skipped == name)).then(|| called.to_owned())
    };
    let is_json = text.trim_start().starts_with(['[', '{']);
    let objects = if is_json { from_json(&text)? } else { from_csv(&text, options.typed)? };
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    let mut first: HashMap<String, usize> = HashMap::new();
    for (line, object) in objects {
        match row(line, object, &column) {
            Ok(row) => match first.insert(row.email.clone(), line) {
                None => rows.push(row),
                Some(before) => {
                    first.insert(row.email.clone(), before);
                    faults.push(format!("line {line}: {} stands in line {before} already", row.email));
                }
            },
            Err(why) => faults.push(format!("line {line}: {why}")),
        }
    }
    Ok((rows, faults))
}

/// What came of an import.
pub(in crate::cli) fn imported(options: &Import, wanted: usize, done: usize, faults: &[String]) -> Answer {
    let exit = u8::from(!faults.is_empty());
    if options.json {
        let value = json!({ "imported": done, "read": wanted, "dry": options.dry, "faults": faults });
        return Answer::json(&value).exit(exit);
    }
    let mut text = if options.dry {
        format!("{} could be imported; nothing was changed", count(wanted, "profile"))
    } else {
        format!("{} imported", count(done, "profile"))
    };
    if !faults.is_empty() {
        text.push_str(&format!(", {} left out:\n", faults.len()));
        for fault in faults.iter().take(SHOWN) {
            text.push_str(&format!("  {}\n", clean(fault, 300)));
        }
        if faults.len() > SHOWN {
            text.push_str(&format!("  and {} more\n", faults.len() - SHOWN));
        }
    }
    Answer::text(text).exit(exit)
}

fn write(config: &Config, rows: Vec<Row>, faults: &mut Vec<String>) -> Result<usize, Failure> {
    change(config, async |store| {
        let (mut done, mut progress) = (0, Progress::new("profiles", rows.len() as u64));
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let chunk: Vec<Row> = rows.by_ref().take(CHUNK).collect();
            let lines: Vec<usize> = chunk.iter().map(|row| row.line).collect();
            let size = chunk.len() as u64;
            let change_of = |row: Row| (row.email, Change { set: row.attributes, ..Change::default() });
            let changes = chunk.into_iter().map(change_of).collect();
            let now = open::clock().now();
            let after = store.change_attributes(Keeper::Profile, changes, By::Import, now).await?;
            for (line, result) in lines.into_iter().zip(after) {
                match result {
                    Ok(_) => done += 1,
                    Err(why) => faults.push(format!("line {line}: {why}")),
                }
            }
            progress.add(size);
        }
        let told = json!({ "imported": done, "left_out": faults.len() });
        users::keep(store, open::clock().now(), "person.import", "people", told).await?;
        Ok(done)
    })
}

/// A person of an object with `email`.
fn row(line: usize, mut object: Object, named: &dyn Fn(&str) -> Option<String>) -> Result<Row, String> {
    let email = match object.shift_remove("email") {
        Some(Value::String(email)) => email_of(&email).map_err(|failure| plain(&failure))?,
        _ => return Err("it has no `email`".to_owned()),
    };
    let mut attributes = Object::new();
    for (old, value) in object {
        let Some(name) = named(&old) else { continue };
        if let Some(why) = attribute_fault(&name, &value) {
            return Err(format!("{why} (--rename '{old}=...' or --skip '{old}')"));
        }
        attributes.insert(name, value);
    }
    if attributes.is_empty() { Err("it has no attributes".to_owned()) } else { Ok(Row { line, email, attributes }) }
}

fn plain(failure: &Failure) -> String {
    failure.to_string().trim().trim_start_matches("bellwire: ").to_owned()
}

fn renames(pairs: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let split = |pair: &String| {
        let wanted = || Failure::Usage(format!("--rename {}: OLD=NEW wanted", clean(pair, 100)));
        pair.split_once('=').map(|(old, new)| (old.to_owned(), new.to_owned())).ok_or_else(wanted)
    };
    pairs.iter().map(split).collect()
}

fn read(file: &Path) -> Result<String, Failure> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(|error| Failure::No(format!("standard input cannot be read: {error}")))?
    } else {
        fs::read(file).map_err(|error| Failure::No(format!("{} cannot be read: {error}", file.display())))?
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes);
    String::from_utf8(bytes).map_err(|_| Failure::No(format!("{} is not UTF-8 text", file.display())))
}

/// A list of objects, or an object a line.
fn from_json(text: &str) -> Result<Vec<(usize, Object)>, Failure> {
    if text.trim_start().starts_with('[') {
        let value = json_of(text.as_bytes(), "the file")?;
        let list = value.as_array().cloned().unwrap_or_default();
        return Ok((1..).zip(list).filter_map(|(at, value)| Some((at, value.as_object().cloned()?))).collect());
    }
    let mut objects = Vec::new();
    for (at, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let value = json_of(line.as_bytes(), &format!("line {at}"))?;
        let Value::Object(object) = value else {
            return Err(Failure::No(format!("line {at} is no object; one a line wanted, or a list of them")));
        };
        objects.push((at, object));
    }
    Ok(objects)
}

fn json_of(bytes: &[u8], what: &str) -> Result<Value, Failure> {
    let limits = JsonLimits { keys: usize::MAX, ..JsonLimits::default() };
    let read = read_json(bytes, limits);
    read.map(|parsed| parsed.value).map_err(|error| Failure::No(format!("{what} is not JSON: {error}")))
}

fn from_csv(text: &str, typed: bool) -> Result<Vec<(usize, Object)>, Failure> {
    let wrong = |error: &csv::Error| Failure::No(format!("the file is not CSV: {error}"));
    let mut reader = csv::ReaderBuilder::new().delimiter(separator(text)).from_reader(text.as_bytes());
    let head: Vec<String> =
        reader.headers().map_err(|error| wrong(&error))?.iter().map(|name| name.trim().to_owned()).collect();
    let is_email = |name: &String| name.eq_ignore_ascii_case("email") || name.eq_ignore_ascii_case("e-mail");
    let Some(email) = head.iter().position(is_email) else {
        return Err(Failure::No("the first line must name the columns, and one of them must be `email`".to_owned()));
    };
    let mut objects = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| wrong(&error))?;
        let line = record.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or(0));
        let mut object = Object::new();
        for (at, (name, text)) in head.iter().zip(&record).enumerate() {
            let text = as_written(text);
            if at == email {
                object.insert("email".to_owned(), Value::from(text));
            } else if !text.is_empty() {
                object.insert(name.clone(), if typed { typed_value(text) } else { Value::from(text) });
            }
        }
        objects.push((line, object));
    }
    Ok(objects)
}

/// What stands most often between the columns of the first line: spreadsheets of many countries write `;`, some a tab.
fn separator(text: &str) -> u8 {
    let head = text.lines().next().unwrap_or_default();
    let often = |separator: &u8| head.bytes().filter(|byte| byte == separator).count();
    // Of equals the last one: a comma where none of them stands.
    b"\t;,".iter().copied().max_by_key(often).unwrap_or(b',')
}

/// A number, true or false where the text is exactly one as JSON writes it; else the text.
fn typed_value(text: &str) -> Value {
    let value = serde_json::from_str(text).ok();
    value.filter(|value: &Value| value.is_number() || value.is_boolean()).unwrap_or_else(|| Value::from(text))
}

pub(super) fn export(config: &Config, as_csv: bool) -> Result<Answer, Failure> {
    let rows = ask(config, async |store| {
        let mut rows: Vec<AttributesRow> = Vec::new();
        loop {
            let after = rows.last().map(|row| row.key.clone()).unwrap_or_default();
            let page = store.attributes_page(Keeper::Profile, after, PAGE).await?;
            if page.is_empty() {
                return Ok(rows);
            }
            rows.extend(page);
        }
    })?;
    exported(&rows, as_csv)
}

/// People as a file.
pub(in crate::cli) fn exported(rows: &[AttributesRow], as_csv: bool) -> Result<Answer, Failure> {
    if as_csv {
        return csv_of(rows);
    }
    let line = |row: &AttributesRow| {
        let mut object = Object::from_iter([("email".to_owned(), Value::from(row.key.as_str()))]);
        object.extend(row.attributes.clone());
        format!("{}\n", Value::Object(object))
    };
    Ok(Answer { out: rows.iter().map(line).collect(), ..Answer::default() })
}

fn csv_of(rows: &[AttributesRow]) -> Result<Answer, Failure> {
    let flats: Vec<(&str, Object)> = rows.iter().map(|row| (row.key.as_str(), flat(&row.attributes))).collect();
    let names: BTreeSet<&String> = flats.iter().flat_map(|(_, object)| object.keys()).collect();
    let head = std::iter::once("email").chain(names.iter().map(|name| name.as_str())).map(str::to_owned).collect();
    let row = |(email, object): &(&str, Object)| {
        let cell = |name: &&String| object.get(*name).map(super::shown).unwrap_or_default();
        std::iter::once((*email).to_owned()).chain(names.iter().map(cell)).collect()
    };
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(flats.iter().map(row)).collect();
    Ok(Answer { out: sheet(rows)?, ..Answer::default() })
}
