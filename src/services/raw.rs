//! A pack's file as written: values with their places, and the findings that reading them makes.
//!
//! Codes: P001 not YAML, P002 unknown key, P003 missing key, P004 a value of the wrong kind, P005 an unknown word, P006 a file that is
//! not there or not JSON, P007 a faulty template, P008 a template that looks at a name it does not see, P009 a name of the wrong form,
//! P010 not a path.

use std::{cell::RefCell, str::FromStr as _};

use crate::{
    model::{Finding, Place},
    templates::{Files, Leaf, Reference, TemplateFault, Tree},
    value::{Document, Object, Path, Value, YamlLimits, pointer_to, read_yaml, type_name},
};

/// How many letters of a word may be wrong for a slip of the pen; also less than half of them.
const CLOSE: usize = 2;

/// One file while it is read.
pub(super) struct File<'f> {
    name: &'f str,
    document: Document,
    findings: RefCell<Vec<Finding>>,
}

impl<'f> File<'f> {
    /// Reads YAML, or says what is wrong with it.
    pub(super) fn read(name: &'f str, text: &str) -> Result<Self, Vec<Finding>> {
        let document = read_yaml(text, YamlLimits::default()).map_err(|faults| {
            let finding = |fault: crate::value::YamlFault| {
                let place = Place { line: fault.line, column: fault.column };
                Finding::error("P001", name, place, fault.message).help(fault.help)
            };
            faults.into_iter().map(finding).collect::<Vec<_>>()
        })?;
        Ok(Self { name, document, findings: RefCell::default() })
    }

    pub(super) fn top(&self) -> Node<'_> {
        Node { file: self, pointer: String::new(), value: &self.document.value }
    }

    /// Everything that was wrong.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings.into_inner()
    }

    fn add(&self, code: &'static str, (line, column): (u32, u32), message: String, help: String) {
        let finding = Finding::error(code, self.name, Place { line, column }, message).help(help);
        self.findings.borrow_mut().push(finding);
    }
}

/// A value of a file, with its place.
#[derive(Clone)]
pub(super) struct Node<'f> {
    file: &'f File<'f>,
    pointer: String,
    pub(super) value: &'f Value,
}

impl<'f> Node<'f> {
    /// A finding at this value.
    pub(super) fn finding(&self, code: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.file.add(code, self.file.document.place(&self.pointer), message.into(), help.into());
    }

    /// A finding at the key of this value.
    pub(super) fn key_finding(&self, code: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.file.add(code, self.file.document.key_place(&self.pointer), message.into(), help.into());
    }

    /// The last part of where this stands: a key, such as `add_note`.
    pub(super) fn name(&self) -> &str {
        self.pointer.rsplit('/').next().unwrap_or_default()
    }

    /// Finds fault with every key that is not in `known`.
    pub(super) fn keys(&self, known: &[&str]) {
        #[cfg(test)]
        seen::note(known);
        let Some(object) = self.object() else { return };
        for name in object.keys() {
            let here = self.child(name, &Value::Null);
            if !known.contains(&name.as_str()) {
                let help = did_you_mean(name, known);
                here.key_finding("P002", format!("unknown key `{name}`"), help);
            }
        }
    }

    /// The value below a key. `None` where it is missing or null.
    pub(super) fn get(&self, name: &str) -> Option<Node<'f>> {
        let value = self.value.as_object()?.get(name).filter(|value| !value.is_null())?;
        Some(self.child(name, value))
    }

    /// The same; a missing key is a finding.
    pub(super) fn want(&self, name: &str) -> Option<Node<'f>> {
        let found = self.get(name);
        if found.is_none() && self.value.is_object() {
            self.finding("P003", format!("the key `{name}` is missing"), "");
        }
        found
    }

    fn child(&self, name: &str, value: &'f Value) -> Node<'f> {
        Node { file: self.file, pointer: pointer_to(&self.pointer, name), value }
    }

    pub(super) fn wrong(&self, wanted: &str) {
        self.finding("P004", format!("{wanted} wanted, {} seen", type_name(self.value)), "");
    }

    pub(super) fn object(&self) -> Option<&'f Object> {
        let object = self.value.as_object();
        if object.is_none() {
            self.wrong("a map");
        }
        object
    }

    /// Name and value of each key of a map.
    pub(super) fn entries(&self) -> Vec<(String, Node<'f>)> {
        let object = self.object();
        object.into_iter().flatten().map(|(name, value)| (name.clone(), self.child(name, value))).collect()
    }

    pub(super) fn list(&self) -> Vec<Node<'f>> {
        let Some(list) = self.value.as_array() else {
            self.wrong("a list");
            return Vec::new();
        };
        list.iter().enumerate().map(|(at, value)| self.child(&at.to_string(), value)).collect()
    }

    pub(super) fn text(&self) -> Option<String> {
        let text = self.value.as_str().filter(|text| !text.is_empty());
        if text.is_none() {
            self.wrong("a text");
        }
        text.map(str::to_owned)
    }

    pub(super) fn flag(&self) -> bool {
        if !self.value.is_boolean() {
            self.wrong("true or false");
        }
        self.value.as_bool().unwrap_or_default()
    }

    /// A whole number from `low` to `high`.
    pub(super) fn number(&self, low: u64, high: u64) -> Option<u64> {
        let number = self.value.as_u64().filter(|number| (low..=high).contains(number));
        if number.is_none() {
            self.wrong(&format!("a whole number from {low} to {high}"));
        }
        number
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, known: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = known.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
            self.finding("P005", format!("`{text}` is not known here"), did_you_mean(&text, &words));
        }
        found
    }

    pub(super) fn path(&self) -> Option<Path> {
        let text = self.text()?;
        Path::from_str(&text).map_err(|error| self.finding("P010", format!("`{text}` is not a path: {error}"), "")).ok()
    }

    /// A name of `a-z`, `0-9` and `_` that starts with a letter, such as of an action or a secret.
    pub(super) fn identifier(&self) -> Option<String> {
        let text = self.text()?;
        self.check_identifier(&text).then_some(text)
    }

    pub(super) fn check_identifier(&self, text: &str) -> bool {
        let fits = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !fits {
            self.key_finding("P009", format!("`{text}` is not a name of a-z, 0-9 and _ that starts with a letter"), "");
        }
        fits
    }

    /// A template that may look at the names in `roots` (and at `now`).
    pub(super) fn leaf(&self, roots: &[&str]) -> Option<Leaf> {
        if self.value.is_array() || self.value.is_object() {
            self.wrong("a text, number or boolean");
            return None;
        }
        match Leaf::parse(self.value, &Files::default()) {
            Ok(leaf) => {
                leaf.references().iter().for_each(|reference| self.check_root(reference, roots));
                Some(leaf)
            }
            Err(fault) => {
                let at = self.file.document.text_place(&self.pointer, fault.place.line, fault.place.column);
                self.file.add("P007", at, fault.message, fault.help);
                None
            }
        }
    }

    /// The same for a value with templates in it.
    pub(super) fn tree(&self, roots: &[&str]) -> Option<Tree> {
        let place = |pointer: &str| {
            let (line, column) = self.file.document.place(&format!("{}{pointer}", self.pointer));
            Place { line, column }
        };
        match Tree::parse(self.value, &Files::default(), &place) {
            Ok(tree) => {
                for (_, reference) in tree.references() {
                    self.check_root(&reference, roots);
                }
                Some(tree)
            }
            Err(faults) => {
                let add = |(place, TemplateFault { message, help, .. }): (Place, TemplateFault)| {
                    self.file.add("P007", (place.line, place.column), message, help);
                };
                faults.into_iter().for_each(add);
                None
            }
        }
    }

    fn check_root(&self, reference: &Reference, roots: &[&str]) {
        let root = reference.path.root().unwrap_or_default();
        if root == "now" || roots.contains(&root) {
            return;
        }
        self.finding("P008", format!("`{}` is not seen here", reference.path), did_you_mean(root, roots));
    }
}

/// A help line that names the nearest known word, or all.
pub(super) fn did_you_mean(word: &str, known: &[&str]) -> String {
    match near(word, known) {
        Some(other) => format!("did you mean `{other}`?"),
        None if known.is_empty() => String::new(),
        None => format!("known are {}", known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")),
    }
}

/// The known word that was most likely meant. `None` where none is near.
pub(super) fn near<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let (distance, other) = known.iter().map(|other| (strsim::osa_distance(word, other), *other)).min()?;
    (distance <= CLOSE && distance * 2 < word.chars().count()).then_some(other)
}

/// Which keys the readers accept, for the test that holds them against the JSON Schema.
#[cfg(test)]
pub(super) mod seen {
    use std::{cell::RefCell, collections::BTreeSet};

    thread_local! {
        static SEEN: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
    }

    pub(super) fn note(known: &[&str]) {
        SEEN.with_borrow_mut(|seen| seen.extend(known.iter().map(|key| (*key).to_owned())));
    }

    /// The keys that were known to any reader on this thread since the last time.
    pub(in crate::services) fn take() -> BTreeSet<String> {
        SEEN.with_borrow_mut(std::mem::take)
    }
}
