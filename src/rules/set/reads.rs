//! What reading each rule file gave, kept for the set that comes after this one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    thread,
};

use super::Texts;
use crate::{
    model::{Finding, Place},
    rules::{Rule, Vocabulary, parse::read_rule},
    templates::Files,
};

/// What one rule file gave.
#[derive(Debug, Clone)]
pub(super) struct Read {
    /// `None` where there are errors.
    pub(super) rule: Option<Arc<Rule>>,
    pub(super) findings: Vec<Finding>,
    /// The rule's name and where it stands.
    pub(super) name: Option<(String, Place)>,
}

/// What each rule file of a set gave, and the types that they emit together, of which each may speak.
#[derive(Debug, Default)]
pub(super) struct Reads {
    pub(super) emitted: BTreeSet<String>,
    pub(super) files: BTreeMap<String, Arc<Read>>,
}

/// An earlier set's reads, as far as they hold for other texts.
pub(super) struct Earlier<'e> {
    texts: &'e Texts,
    reads: &'e Reads,
}

impl<'e> Earlier<'e> {
    /// `None` where a text that rules rest on (a template, a pack) or the types that they emit are not the same.
    pub(super) fn of(reads: &'e Reads, texts: &'e Texts, now: &Texts, emitted: &BTreeSet<String>) -> Option<Self> {
        (reads.emitted == *emitted && templates(texts).eq(templates(now))).then_some(Self { texts, reads })
    }

    fn read(&self, file: &str, text: &str) -> Option<Arc<Read>> {
        (self.texts.0.get(file)? == text).then(|| self.reads.files.get(file).map(Arc::clone))?
    }
}

fn templates(texts: &Texts) -> impl Iterator<Item = (&String, &String)> {
    texts.0.iter().filter(|(path, _)| path.starts_with("templates/"))
}

/// Fewer files are read by one thread.
const FEW: usize = 64;

/// Reads rule files on all cores; what each gave, in their order.
pub(super) fn read_all(
    rules: &[(&String, &String)],
    files: &Files,
    vocabulary: &dyn Vocabulary,
    earlier: Option<&Earlier<'_>>,
) -> Vec<Arc<Read>> {
    let some = |rules: &[(&String, &String)]| -> Vec<Arc<Read>> {
        rules.iter().map(|(file, text)| read(file, text, files, vocabulary, earlier)).collect()
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = rules.len().div_ceil(threads).max(FEW);
    let Some((own, others)) = rules.split_at_checked(share) else { return some(rules) };
    thread::scope(|scope| {
        let others: Vec<_> = others.chunks(share).map(|part| (part, scope.spawn(|| some(part)))).collect();
        let mut all = some(own);
        for (part, thread) in others {
            // A thread that could not go to its end leaves its part to this one.
            all.extend(thread.join().unwrap_or_else(|_| some(part)));
        }
        all
    })
}

/// Reads a rule file, or takes what the earlier set read of the same text.
fn read(
    file: &str,
    text: &str,
    files: &Files,
    vocabulary: &dyn Vocabulary,
    earlier: Option<&Earlier<'_>>,
) -> Arc<Read> {
    if let Some(known) = earlier.and_then(|earlier| earlier.read(file, text)) {
        return known;
    }
    let read = read_rule(file, text, files, vocabulary);
    Arc::new(Read { rule: read.rule.map(Arc::new), findings: read.findings, name: read.name })
}
