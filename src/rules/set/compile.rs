//! Compiles the texts of a workspace into a set.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    Compiled, Set, Texts,
    circle::circles,
    emitted::WithEmitted,
    index::Index,
    reads::{Earlier, Reads, read_all},
};
use crate::{
    model::{Finding, Place},
    rules::{Rule, Vocabulary, codes},
    templates::{Files, Template},
};

impl Set {
    /// Parses, checks and compiles every rule file among `texts`. Never fails as a whole: files with errors are left out of `set` and
    /// named in `findings`; the caller decides whether the set comes into force.
    pub fn compile(texts: Texts, vocabulary: &dyn Vocabulary) -> Compiled {
        Self::compile_after(texts, vocabulary, None)
    }

    /// The same, where `earlier` was compiled with the same settings: rule files whose text it had are not read again, as long as
    /// templates, packs and emitted types are the same too.
    pub fn compile_after(texts: Texts, vocabulary: &dyn Vocabulary, earlier: Option<&Self>) -> Compiled {
        let files = template_files(&texts);
        let mut findings = check_templates(&files);
        let mut rules: BTreeMap<Arc<str>, Arc<Rule>> = BTreeMap::new();
        let mut names: HashMap<String, &str> = HashMap::new();
        let texts_of_rules = || texts.0.iter().filter(|(file, _)| is_rule(file));
        let vocabulary = WithEmitted::new(vocabulary, texts_of_rules().map(|(_, text)| text));
        let earlier = earlier.and_then(|set| Earlier::of(&set.reads, &set.texts, &texts, &vocabulary.types));
        let mut reads = Reads::default();
        let of_rules: Vec<_> = texts_of_rules().collect();
        for ((file, _), read) in of_rules.iter().zip(read_all(&of_rules, &files, &vocabulary, earlier.as_ref())) {
            reads.files.insert((*file).clone(), Arc::clone(&read));
            findings.extend(read.findings.iter().cloned());
            if let Some((name, at)) = read.name.as_ref().filter(|(name, _)| !name.is_empty())
                && let Some(first) = names.insert(name.trim().to_lowercase(), file)
            {
                let message = format!("{first} has the same name");
                let finding = Finding::warning(codes::SAME_NAME, file, *at, message);
                findings.push(finding.help("give each rule a name of its own, so that lists tell them apart"));
            }
            let Some(rule) = &read.rule else { continue };
            if let Some(first) = rules.get(&rule.id) {
                let message = format!("{} is the same rule: its path differs in the ending alone", first.file);
                let finding = Finding::error(codes::FILE_NAME, file, Place::default(), message);
                findings.push(finding.help("rename one of them"));
                continue;
            }
            rules.insert(Arc::clone(&rule.id), Arc::clone(rule));
        }
        findings.extend(circles(&rules));
        findings.sort_by(|left, right| left.order().cmp(&right.order()));
        let index = Index::of(rules.values().filter(|rule| rule.enabled));
        reads.emitted = vocabulary.types;
        Compiled { set: Self { digest: texts.digest(), texts, files, rules, index, reads }, findings }
    }
}

/// Whether a path is that of a rule; fixtures of tests are not.
fn is_rule(path: &str) -> bool {
    path.starts_with("rules/")
        && [".yaml", ".yml"].iter().any(|ending| path.ends_with(ending))
        && !path.split('/').any(|part| part == "fixtures")
}

fn template_files(texts: &Texts) -> Files {
    let named = texts.0.iter().filter_map(|(path, text)| {
        let name = path.strip_prefix("templates/")?.strip_suffix(".liquid")?;
        Some((name.to_owned(), text.clone()))
    });
    Files(Arc::new(named.collect()))
}

/// Parses every template, so that a fault is found in its own file, used or not.
fn check_templates(files: &Files) -> Vec<Finding> {
    let faults = files.0.iter().filter_map(|(name, text)| {
        let fault = Template::parse(text, files).err()?;
        let file = format!("templates/{name}.liquid");
        Some(Finding::error(codes::TEMPLATE, &file, fault.place, fault.message).help(fault.help))
    });
    faults.collect()
}
