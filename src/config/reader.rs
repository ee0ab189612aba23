//! Reads typed values out of the merged settings and collects every fault on the way.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use figment::value::{Dict, Value};

use super::{
    error::{ConfigError, Origin, nearest},
    forms,
};

/// The merged settings, and what was found wrong with them so far.
pub(super) struct Reader<'a> {
    tree: Dict,
    /// Tells where the value at a path came from.
    origin: &'a dyn Fn(&[&str]) -> Origin,
    pub(super) errors: Vec<ConfigError>,
    /// Where the value of each key that was read came from.
    pub(super) origins: BTreeMap<String, Origin>,
}

/// One table of the settings. What is taken out of it is read; what is left at `finish` is unknown.
pub(super) struct Section<'r> {
    path: Vec<String>,
    table: Dict,
    origin: &'r dyn Fn(&[&str]) -> Origin,
    errors: &'r mut Vec<ConfigError>,
    origins: &'r mut BTreeMap<String, Origin>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(tree: Dict, origin: &'a dyn Fn(&[&str]) -> Origin) -> Self {
        Self { tree, origin, errors: Vec::new(), origins: BTreeMap::new() }
    }

    /// The table `name` at the top; an empty one where there is none.
    pub(super) fn section(&mut self, name: &str) -> Section<'_> {
        let found = self.tree.remove(name);
        let mut section = Section {
            path: vec![name.to_owned()],
            table: Dict::new(),
            origin: self.origin,
            errors: &mut self.errors,
            origins: &mut self.origins,
        };
        match found {
            None => {}
            Some(Value::Dict(_, table)) => section.table = table,
            Some(other) => section.refuse_itself(&format!("a table wanted, {} seen", kind(&other))),
        }
        section
    }

    /// Every table below the table `family`, by name.
    pub(super) fn family<T>(&mut self, family: &str, read: impl Fn(Section<'_>) -> T) -> BTreeMap<String, T> {
        let mut section = self.section(family);
        let mut members = BTreeMap::new();
        for name in section.keys() {
            let Some(value) = section.table.remove(&name) else { continue };
            if let Err(why) = forms::part_name(&name) {
                section.refuse(&name, &why);
                continue;
            }
            let Value::Dict(_, table) = value else {
                section.refuse(&name, &format!("a table wanted, {} seen", kind(&value)));
                continue;
            };
            // A table may be empty, and then no key of it says where it stands.
            section.note(&name);
            let member = Section {
                path: vec![family.to_owned(), name.clone()],
                table,
                origin: section.origin,
                errors: section.errors,
                origins: section.origins,
            };
            members.insert(name, read(member));
        }
        members
    }

    /// Refuses the tables that nobody asked for.
    pub(super) fn finish(&mut self, known: &[&str]) {
        for name in self.tree.keys() {
            self.errors.push(ConfigError::UnknownKey {
                key: name.clone(),
                from: (self.origin)(&[name]),
                near: nearest(name, known.iter().copied()),
            });
        }
    }
}

impl Section<'_> {
    /// Whether the key has a value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The keys that were not taken yet.
    pub(super) fn keys(&self) -> Vec<String> {
        self.table.keys().cloned().collect()
    }

    /// The whole table as JSON.
    pub(super) fn into_json(mut self) -> serde_json::Map<String, serde_json::Value> {
        let mut map = serde_json::Map::new();
        for (key, value) in std::mem::take(&mut self.table) {
            self.note(&key);
            match json(&value) {
                Some(value) => drop(map.insert(key, value)),
                None => self.refuse(&key, "a text, number, boolean, list or table wanted; write a time as a text"),
            }
        }
        map
    }

    /// A text or a table, as JSON.
    pub(super) fn json(&mut self, key: &str) -> Option<serde_json::Value> {
        let value = self.take(key)?;
        let read = json(&value).filter(|value| value.is_string() || value.is_object());
        if read.is_none() {
            self.refuse(key, &format!("a text or a table wanted, {} seen", kind(&value)));
        }
        read
    }

    /// A text that `parse` reads.
    pub(super) fn parsed<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let value = self.take(key)?;
        let Value::String(_, text) = &value else {
            self.refuse(key, &format!("a text wanted, {} seen", kind(&value)));
            return None;
        };
        parse(text).map_err(|why| self.refuse(key, &why)).ok()
    }

    /// A path as written.
    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.parsed(key, |text| if text.is_empty() { Err("is empty".to_owned()) } else { Ok(PathBuf::from(text)) })
    }

    /// One of some words.
    pub(super) fn choice(&mut self, key: &str, words: &[&str]) -> Option<String> {
        self.parsed(key, |text| {
            if words.contains(&text) {
                return Ok(text.to_owned());
            }
            Err(format!("one of {} wanted, `{text}` seen", words.join(", ")))
        })
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        let value = self.take(key)?;
        let flag = match &value {
            Value::Bool(_, flag) => Some(*flag),
            Value::String(_, text) if self.is_variable(key) => text.parse().ok(),
            _ => None,
        };
        if flag.is_none() {
            self.refuse(key, &format!("true or false wanted, {} seen", kind(&value)));
        }
        flag
    }

    /// A whole number from `low` to `high`.
    pub(super) fn number<T: TryFrom<u64>>(&mut self, key: &str, low: u64, high: u64) -> Option<T> {
        let value = self.take(key)?;
        let number = match &value {
            Value::Num(_, number) => number
                .to_u128()
                .and_then(|number| u64::try_from(number).ok())
                .or_else(|| number.to_i128().and_then(|number| u64::try_from(number).ok())),
            Value::String(_, text) if self.is_variable(key) => text.parse().ok(),
            _ => None,
        };
        let fits = number.filter(|number| (low..=high).contains(number)).and_then(|number| T::try_from(number).ok());
        if fits.is_none() {
            self.refuse(key, &format!("a whole number from {low} to {high} wanted, {} seen", kind(&value)));
        }
        fits
    }

    /// A number of bytes from `low` to `high`, written as a number or as a size.
    pub(super) fn size(&mut self, key: &str, low: u64, high: u64) -> Option<usize> {
        if matches!(self.table.get(key), Some(Value::Num(..))) {
            return self.number(key, low, high);
        }
        let bytes = self.parsed(key, forms::size)?;
        if !(low..=high).contains(&bytes) {
            self.refuse(key, &format!("{low} to {high} bytes wanted, {bytes} seen"));
            return None;
        }
        usize::try_from(bytes).ok()
    }

    /// A span of time from `low` to `high`.
    pub(super) fn duration(&mut self, key: &str, low: Duration, high: Duration) -> Option<Duration> {
        let span = self.parsed(key, forms::duration)?;
        if !(low..=high).contains(&span) {
            let (low, high, span) = (forms::show_duration(low), forms::show_duration(high), forms::show_duration(span));
            self.refuse(key, &format!("a span of time from {low} to {high} wanted, {span} seen"));
            return None;
        }
        Some(span)
    }

    /// A list of texts (or numbers), each of which `parse` reads; `a, b` in the environment. Empty where there is none.
    pub(super) fn list<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let entries = match &value {
            Value::Array(_, entries) => entries.clone(),
            Value::String(_, text) if self.is_variable(key) => split(text).map(Value::from).collect(),
            other => {
                self.refuse(key, &format!("a list wanted, {} seen", kind(other)));
                return Vec::new();
            }
        };
        let mut list = Vec::new();
        for entry in &entries {
            match as_text(entry).ok_or_else(|| format!("a list of texts wanted, {} seen", kind(entry))) {
                Ok(text) => match parse(&text) {
                    Ok(parsed) => list.push(parsed),
                    Err(why) => self.refuse(key, &why),
                },
                Err(why) => self.refuse(key, &why),
            }
        }
        list
    }

    /// One text, or a list of them, each of which `parse` reads. Empty where there is none.
    pub(super) fn one_or_more<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        if matches!(self.table.get(key), Some(Value::String(..))) && !self.is_variable(key) {
            return self.parsed(key, parse).into_iter().collect();
        }
        self.list(key, parse)
    }

    /// A table from one name of a secret to another; `a=b, c=d` in the environment. Empty where there is none.
    pub(super) fn names(&mut self, key: &str) -> BTreeMap<String, String> {
        let mut names = BTreeMap::new();
        for (theirs, ours) in self.pairs(key) {
            match forms::secret_name(&theirs).and_then(|_| forms::secret_name(&ours)) {
                Ok(_) => drop(names.insert(theirs, ours)),
                // Somebody may have written the secret itself here.
                Err(_) => self.refuse(
                    key,
                    &format!(
                        "`{}` must be set to the name of a secret (letters a-z, digits, `_`), never to the secret itself",
                        theirs.escape_debug()
                    ),
                ),
            }
        }
        names
    }

    /// A table from a name to a base URL; `a=b, c=d` in the environment. Empty where there is none.
    pub(super) fn base_urls(&mut self, key: &str) -> BTreeMap<String, String> {
        let mut urls = BTreeMap::new();
        for (name, url) in self.pairs(key) {
            match forms::base_url(&url) {
                Ok(url) => drop(urls.insert(name, url)),
                Err(why) => self.refuse(key, &format!("`{}`: {why}", name.escape_debug())),
            }
        }
        urls
    }

    /// The names and texts of a table.
    fn pairs(&mut self, key: &str) -> Vec<(String, String)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let text = |(name, value): (String, Value)| (name, as_text(&value).unwrap_or_default());
        match value {
            Value::Dict(_, table) => table.into_iter().map(text).collect(),
            Value::String(_, text) if self.is_variable(key) => split(&text)
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                .collect(),
            other => {
                self.refuse(key, &format!("a table of names wanted, {} seen", kind(&other)));
                Vec::new()
            }
        }
    }

    /// Notes a fault of the value of `key`.
    pub(super) fn refuse(&mut self, key: &str, why: &str) {
        let from = self.origin_of(key);
        self.errors.push(ConfigError::Invalid { key: self.full(key), from, why: why.to_owned() });
    }

    /// Refuses what was not taken.
    pub(super) fn finish(self, known: &[&str]) {
        for key in self.table.keys() {
            let from = self.origin_of(key);
            let near = nearest(key, known.iter().copied());
            self.errors.push(ConfigError::UnknownKey { key: self.full(key), from, near });
        }
    }

    fn refuse_itself(&mut self, why: &str) {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let from = (self.origin)(&path);
        self.errors.push(ConfigError::Invalid { key: path.join("."), from, why: why.to_owned() });
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        let value = self.table.remove(key)?;
        self.note(key);
        Some(value)
    }

    fn note(&mut self, key: &str) {
        let from = self.origin_of(key);
        self.origins.insert(self.full(key), from);
    }

    fn origin_of(&self, key: &str) -> Origin {
        let path: Vec<&str> = self.path.iter().map(String::as_str).chain([key]).collect();
        (self.origin)(&path)
    }

    fn is_variable(&self, key: &str) -> bool {
        matches!(self.origin_of(key), Origin::Variable(_))
    }

    fn full(&self, key: &str) -> String {
        format!("{}.{key}", self.path.join("."))
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

fn kind(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("the text `{}`", text.chars().take(64).collect::<String>().escape_debug()),
        Value::Char(..) => "a text".to_owned(),
        Value::Bool(_, flag) => format!("{flag}"),
        Value::Num(..) => json(value).map_or_else(|| "a number".to_owned(), |number| number.to_string()),
        Value::Empty(..) => "nothing".to_owned(),
        Value::Dict(..) => "a table".to_owned(),
        Value::Array(..) => "a list".to_owned(),
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Num(..) => json(value).map(|number| number.to_string()),
        // TOML's own form of a day, written without quotes.
        Value::Dict(_, table) if table.len() == 1 => {
            table.get("$__toml_private_datetime").and_then(Value::as_str).map(str::to_owned)
        }
        _ => None,
    }
}

fn json(value: &Value) -> Option<serde_json::Value> {
    if let Value::Dict(_, table) = value
        && table.contains_key("$__toml_private_datetime")
    {
        return as_text(value).map(serde_json::Value::String);
    }
    match value {
        Value::Dict(_, table) => table.iter().map(|(key, value)| Some((key.clone(), json(value)?))).collect(),
        Value::Array(_, entries) => entries.iter().map(json).collect(),
        other => serde_json::to_value(other).ok(),
    }
}
