//! A rule file while it is read: its values with their places, and the findings so far.

use std::cell::{Cell, RefCell};

use super::{Vocabulary, codes, keys};
use crate::{
    model::{Finding, Place},
    templates::{Files, Leaf, Tree},
    value::{Document, Object, Value, YamlFault, YamlFaultKind, pointer_to},
};

/// A rule file while it is read.
pub(crate) struct Reader<'a> {
    pub(crate) file: &'a str,
    pub(crate) document: &'a Document,
    pub(crate) files: &'a Files,
    pub(crate) vocabulary: &'a dyn Vocabulary,
    /// Steps so far, in all lists.
    pub(crate) steps: Cell<usize>,
    /// Left sides of conditions are inputs of an action, which may have the name of an operator: `emit: { type: x }`.
    pub(crate) inputs: Cell<bool>,
    findings: RefCell<Vec<Finding>>,
}

/// A value of the file.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    pub(crate) value: &'a Value,
    pub(crate) pointer: String,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(file: &'a str, document: &'a Document, files: &'a Files, vocabulary: &'a dyn Vocabulary) -> Self {
        Self {
            file,
            document,
            files,
            vocabulary,
            steps: Cell::new(0),
            inputs: Cell::new(false),
            findings: RefCell::default(),
        }
    }

    pub(crate) fn root(&self) -> Node<'a> {
        Node { value: &self.document.value, pointer: String::new() }
    }

    /// Where the value stands.
    pub(crate) fn place(&self, node: &Node<'_>) -> Place {
        place(self.document.place(&node.pointer))
    }

    /// Where the key of the value stands.
    pub(crate) fn key_place(&self, node: &Node<'_>) -> Place {
        place(self.document.key_place(&node.pointer))
    }

    pub(crate) fn error(&self, code: &'static str, at: Place, message: impl Into<String>, help: impl Into<String>) {
        self.findings.borrow_mut().push(Finding::error(code, self.file, at, message).help(help));
    }

    pub(crate) fn warn(&self, code: &'static str, at: Place, message: impl Into<String>, help: impl Into<String>) {
        self.findings.borrow_mut().push(Finding::warning(code, self.file, at, message).help(help));
    }

    /// How many errors there are: whether reading a part added one. Warnings leave a part whole.
    pub(crate) fn count(&self) -> usize {
        self.findings.borrow().iter().filter(|finding| finding.is_error()).count()
    }

    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings.into_inner()
    }

    /// The map that a value must be.
    pub(crate) fn object(&self, node: &Node<'a>, what: &str) -> Option<&'a Object> {
        let object = node.value.as_object();
        if object.is_none() {
            self.wrong_type(node, &format!("{what} must be a map"));
        }
        object
    }

    /// The list that a value must be.
    pub(crate) fn list(&self, node: &Node<'a>, what: &str) -> Option<&'a [Value]> {
        let list = node.value.as_array();
        if list.is_none() {
            self.wrong_type(node, &format!("{what} must be a list"));
        }
        list.map(Vec::as_slice)
    }

    /// The text that a value must be.
    pub(crate) fn text(&self, node: &Node<'a>, what: &str) -> Option<&'a str> {
        let text = node.value.as_str();
        if text.is_none() {
            self.wrong_type(node, &format!("{what} must be text"));
        }
        text
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, node: &Node<'a>, what: &str) -> Option<bool> {
        let boolean = node.value.as_bool();
        if boolean.is_none() {
            self.wrong_type(node, &format!("{what} must be `true` or `false`"));
        }
        boolean
    }

    pub(crate) fn wrong_type(&self, node: &Node<'_>, wanted: &str) {
        let seen = match node.value {
            Value::Null => "nothing".to_owned(),
            other => {
                let shown = keys::shortened(&other.to_string());
                format!("{} {shown}", crate::value::type_name(other))
            }
        };
        let help = other_writing(node.value, wanted);
        self.error(codes::WRONG_TYPE, self.place(node), format!("{wanted}, but here stands {seen}"), help);
    }

    /// Refuses every key of `node` that is not in `known`, naming the nearest one.
    pub(crate) fn only_keys(&self, node: &Node<'a>, known: &[&str], place: &str, foreign: &[(&str, &str)]) {
        let Some(object) = node.value.as_object() else { return };
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            self.unknown_key(&node.child(name), name, known, place, foreign);
        }
    }

    pub(crate) fn unknown_key(
        &self,
        node: &Node<'_>,
        name: &str,
        known: &[&str],
        place: &str,
        foreign: &[(&str, &str)],
    ) {
        let at = self.key_place(node);
        let name = keys::shortened(name);
        let mut theirs = foreign.iter().chain(keys::ANYWHERE);
        if let Some((_, ours)) = theirs.find(|(theirs, _)| *theirs == name) {
            return self.error(
                codes::FOREIGN_WORD,
                at,
                format!("`{name}` is not a key of {place}"),
                if ours.starts_with('`') { format!("here it is called {ours}") } else { format!("here stands {ours}") },
            );
        }
        let help = match (keys::home(&name), keys::nearest(&name, known.iter().copied())) {
            (Some(home), _) => home.to_owned(),
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => format!("known are {}", known.join(", ")),
        };
        self.error(codes::UNKNOWN_KEY, at, format!("unknown key `{name}` in {place}"), help);
    }

    /// Reads a value that may hold templates.
    pub(crate) fn tree(&self, node: &Node<'_>) -> Option<Tree> {
        if !has_template(node.value) {
            return Some(self.literal_tree(node));
        }
        let at = |pointer: &str| place(self.document.place(&format!("{}{pointer}", node.pointer)));
        match Tree::parse(node.value, self.files, &at) {
            Ok(tree) => Some(tree),
            Err(faults) => {
                for (leaf, fault) in faults {
                    let at = self.in_text(leaf, fault.place);
                    self.error(codes::TEMPLATE, at, fault.message, fault.help);
                }
                None
            }
        }
    }

    fn literal_tree(&self, node: &Node<'_>) -> Tree {
        match node.value {
            Value::Array(list) => Tree::List(
                (0..).zip(list).map(|(index, value)| self.literal_tree(&node.element(index, value))).collect(),
            ),
            Value::Object(object) => {
                Tree::Map(object.iter().map(|(name, _)| (name.clone(), self.literal_tree(&node.child(name)))).collect())
            }
            value => Tree::Leaf(Leaf::Literal(value.clone()), self.place(node)),
        }
    }

    /// Reads a text, number or boolean that may be a template.
    pub(crate) fn leaf(&self, node: &Node<'_>) -> Option<Leaf> {
        if !has_template(node.value) {
            return Some(Leaf::Literal(node.value.clone()));
        }
        match Leaf::parse(node.value, self.files) {
            Ok(leaf) => Some(leaf),
            Err(fault) => {
                let at = self.in_text(self.place(node), fault.place);
                self.error(codes::TEMPLATE, at, fault.message, fault.help);
                None
            }
        }
    }

    /// Where a place of a template stands in the file. `leaf` is where the leaf stands.
    pub(crate) fn in_text(&self, leaf: Place, inner: Place) -> Place {
        place(self.document.text_place_at((leaf.line, leaf.column), inner.line, inner.column))
    }
}

impl<'a> Node<'a> {
    /// The value of a key; null where there is none.
    pub(crate) fn child(&self, name: &str) -> Node<'a> {
        let value = self.value.get(name).unwrap_or(&Value::Null);
        Node { value, pointer: pointer_to(&self.pointer, name) }
    }

    /// The value of a key. `None` where the key is not there.
    pub(crate) fn get(&self, name: &str) -> Option<Node<'a>> {
        self.value.get(name).map(|value| Node { value, pointer: pointer_to(&self.pointer, name) })
    }

    pub(crate) fn element(&self, index: usize, value: &'a Value) -> Node<'a> {
        Node { value, pointer: format!("{}/{index}", self.pointer) }
    }
}

/// How what was meant is written. Empty where nobody can tell.
fn other_writing(value: &Value, wanted: &str) -> String {
    let wants = |what: &str| wanted.contains(what);
    match value {
        Value::Number(number) if wants("must be text") => format!("put it in quotes: \"{number}\""),
        Value::Bool(flag) if wants("must be text") => format!("put it in quotes: \"{flag}\""),
        _ if wants("`true` or `false`") => "without quotes; `yes`, `no`, `on` and `off` are text here".to_owned(),
        _ if wants("must be a list") => "begin each entry with `- `, or write `[a, b]`".to_owned(),
        Value::Array(_) if wants("a text") || wants("must be text") => {
            "write one text, without `- ` and `[`".to_owned()
        }
        _ if wants("a map") => "write a `name: value` for each, or `{}`".to_owned(),
        _ => String::new(),
    }
}

/// A place as findings have it.
pub(crate) fn place((line, column): (u32, u32)) -> Place {
    Place { line, column }
}

/// Whether a text in `value` holds a template.
pub(crate) fn has_template(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{") || text.contains("{%"),
        Value::Array(list) => list.iter().any(has_template),
        Value::Object(object) => object.values().any(has_template),
        _ => false,
    }
}

/// A fault of the YAML as a finding.
pub(crate) fn yaml_finding(file: &str, fault: YamlFault) -> Finding {
    let code = match fault.kind {
        YamlFaultKind::Syntax => codes::SYNTAX,
        YamlFaultKind::TooLarge => codes::FILE_SIZE,
        YamlFaultKind::TooDeep => codes::DEPTH,
        YamlFaultKind::Character => codes::CHARACTER,
        YamlFaultKind::Tag => codes::TAG,
        YamlFaultKind::Anchor => codes::ANCHOR,
        YamlFaultKind::MergeKey => codes::MERGE_KEY,
        YamlFaultKind::DuplicateKey => codes::DUPLICATE_KEY,
        YamlFaultKind::Key => codes::KEY_NOT_TEXT,
        YamlFaultKind::Documents => codes::DOCUMENTS,
        YamlFaultKind::Unquoted => codes::UNQUOTED,
        YamlFaultKind::Number => codes::INEXACT_NUMBER,
    };
    Finding::error(code, file, place((fault.line, fault.column)), fault.message).help(fault.help)
}
