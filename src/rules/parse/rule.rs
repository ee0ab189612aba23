//! Reads a whole rule file.

use std::sync::Arc;

use super::{
    around::{read_around, standard_fuse},
    on::read_on,
    retry::read_run_timeout,
    span::read_var_name,
    step::{read_steps, read_when},
    tests_key::read_tests,
};
use crate::{
    model::{Finding, Place},
    rules::{
        Rule, Var, Vocabulary, check, codes, keys,
        reader::{Node, Reader, yaml_finding},
    },
    templates::Files,
    value::{YamlLimits, read_yaml},
};

/// Characters of a rule's name.
const NAME: usize = 200;

/// What reading a rule file gave.
pub(crate) struct Read {
    /// The rule. `None` where there are errors.
    pub(crate) rule: Option<Rule>,
    /// Errors and warnings, sorted by place.
    pub(crate) findings: Vec<Finding>,
    /// The rule's name and where it stands, for the check across files.
    pub(crate) name: Option<(String, Place)>,
}

/// The id of a rule file: its path in `rules/` without its ending. `None` where it is no name for a rule.
pub(crate) fn rule_id(file: &str) -> Option<&str> {
    let path = file.strip_prefix("rules/")?;
    let id = path.strip_suffix(".yaml").or_else(|| path.strip_suffix(".yml"))?;
    let part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphanumeric())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    };
    (id.len() <= 200 && id.split('/').all(part)).then_some(id)
}

/// Reads, checks and compiles the text of a rule file.
pub(crate) fn read_rule(file: &str, text: &str, files: &Files, vocabulary: &dyn Vocabulary) -> Read {
    let nothing = |findings| Read { rule: None, findings, name: None };
    let Some(id) = rule_id(file) else {
        let message = "the path of a rule is letters, digits, `_`, `-` and `/`; 200 characters at most";
        let finding = Finding::error(codes::FILE_NAME, file, Place::default(), message);
        return nothing(vec![finding.help("rename the file")]);
    };
    let document = match read_yaml(text, YamlLimits::default()) {
        Ok(document) => document,
        Err(faults) => return nothing(faults.into_iter().map(|fault| yaml_finding(file, fault)).collect()),
    };
    let reader = Reader::new(file, &document, files, vocabulary);
    let rule = read(&reader, id, file);
    if let Some(rule) = &rule {
        check::check_rule(&reader, rule);
    }
    let name = rule.as_ref().map(|rule| (rule.name.clone(), reader.place(&reader.root().child("name"))));
    let mut findings = reader.into_findings();
    findings.sort_by(|left, right| left.order().cmp(&right.order()));
    findings.dedup();
    let holds = !findings.iter().any(Finding::is_error);
    Read { rule: rule.filter(|_| holds), findings, name }
}

fn read(reader: &Reader<'_>, id: &str, file: &str) -> Option<Rule> {
    let root = reader.root();
    if root.value.is_null() {
        reader.error(codes::MISSING_KEY, Place::default(), "the file is empty", "write name, on, when and do");
        return None;
    }
    reader.object(&root, "a rule")?;
    reader.only_keys(&root, keys::RULE, "a rule", keys::FOREIGN_RULE);
    let missing = |name: &str, help: &str| {
        let at = Place { line: 1, column: 1 };
        reader.error(codes::MISSING_KEY, at, format!("a rule needs `{name}`"), help);
    };
    let name = if let Some(inner) = root.get("name") {
        read_name(reader, &inner)
    } else {
        missing("name", "write `name:` with a text for people");
        None
    };
    let description = root.get("description").and_then(|inner| reader.text(&inner, "`description`"));
    let enabled = root.get("enabled").is_none_or(|inner| reader.boolean(&inner, "`enabled`").unwrap_or(true));
    let on = if let Some(inner) = root.get("on") {
        read_on(reader, &inner)
    } else {
        missing("on", "write `on:` with an event type such as gruveo.call");
        Vec::new()
    };
    let vars = root.get("vars").map(|inner| read_vars(reader, &inner)).unwrap_or_default();
    let when = read_when(reader, &root);
    let mut around = read_around(reader, &root);
    let timeout = root.get("timeout").and_then(|inner| read_run_timeout(reader, &inner));
    let steps = if let Some(inner) = root.get("do") {
        read_steps(reader, &inner, "`do`")
    } else {
        missing("do", "write `do:` with a list of steps");
        Vec::new()
    };
    let on_error = root.get("on_error").map(|inner| read_steps(reader, &inner, "`on_error`")).unwrap_or_default();
    if root.get("fuse").is_none() {
        around.fuse = standard_fuse(&on, &steps, &on_error);
    }
    let tests = root.get("tests").map(|inner| read_tests(reader, &inner)).unwrap_or_default();
    Some(Rule {
        id: Arc::from(id),
        file: Arc::from(file),
        name: name.unwrap_or_default(),
        description: description.map(str::to_owned),
        enabled,
        on,
        vars,
        when,
        around,
        timeout,
        steps,
        on_error,
        tests,
    })
}

fn read_name<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<String> {
    let name = reader.text(node, "`name`")?;
    let at = reader.place(node);
    if name.trim().is_empty() {
        reader.error(codes::NAME, at, "the name is empty", "write a text for people");
        return None;
    }
    if name.chars().count() > NAME {
        let message = format!("the name has {} characters", name.chars().count());
        reader.error(codes::NAME, at, message, format!("{NAME} at most are taken; `description` takes more"));
        return None;
    }
    if let Some(odd) = name.chars().find(|c| c.is_control() || matches!(c, '<' | '>')) {
        let message = format!("the name holds `{}`", odd.escape_default());
        reader.error(codes::NAME, at, message, "a name is one line without `<` and `>`");
        return None;
    }
    Some(name.to_owned())
}

fn read_vars<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Vec<Var> {
    let Some(object) = reader.object(node, "`vars`") else { return Vec::new() };
    let mut vars = Vec::new();
    for name in object.keys() {
        let inner = node.child(name);
        let Some(name) = read_var_name(reader, &inner, name) else { continue };
        vars.extend(reader.tree(&inner).map(|value| Var { name: name.to_owned(), value, place: reader.place(&inner) }));
    }
    vars
}
