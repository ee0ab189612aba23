//! What stands around the run, and the steps that stay inside: keys, loops, waits, attributes and written vars.

use std::collections::BTreeMap;

use super::{Checker, Here, Loop, each_reference, of_leaf};
use crate::{
    model::{Keeper, joined_fault, name_fault},
    rules::{AttributesStep, EventInfo, OnStepError, Step, StepKind, WaitStep, WaitWhat, codes, reader::place},
    templates::{Leaf, Tree},
    value::{Path, pointer_to},
};

/// Names that an `as` cannot take: those of a step, and words that conditions and templates read in their own way.
const TAKEN: [&str; 20] = [
    "event", "events", "trigger", "vars", "steps", "run", "rule", "now", "incoming", "error", "secrets", "all", "any",
    "not", "true", "false", "nil", "null", "empty", "blank",
];

/// Collects what every var that a step writes looks at.
pub(super) fn collect_written<'s>(steps: &'s [Step], written: &mut BTreeMap<&'s str, Vec<Path>>) {
    for step in steps {
        match &step.kind {
            StepKind::Vars(vars) => {
                for (name, tree) in vars {
                    let paths = written.entry(name).or_default();
                    each_reference(tree, &mut |_, reference| paths.push(reference.path.clone()));
                }
            }
            StepKind::Block { then, otherwise } => {
                collect_written(then, written);
                collect_written(otherwise, written);
            }
            StepKind::ForEach { steps, .. } => collect_written(steps, written),
            _ => {}
        }
        if let OnStepError::Steps(steps) = &step.on_error {
            collect_written(steps, written);
        }
    }
}

/// Whether a step may end with nothing, without having failed.
pub(super) fn may_time_out(kind: &StepKind) -> bool {
    matches!(kind, StepKind::Wait(wait) if matches!(wait.what, WaitWhat::Event { limit: Some(_), .. }))
}

impl Checker<'_> {
    /// Checks the keys of what stands around the run: they see what vars see, and the vars.
    pub(super) fn around(&self, here: &Here) {
        let around = &self.rule.around;
        let keys: [(&str, Option<&Leaf>); 4] = [
            ("threshold", around.threshold.as_ref().and_then(|threshold| threshold.per.as_ref())),
            ("once", around.once.as_ref().and_then(|once| once.per.as_ref())),
            ("digest", around.digest.as_ref().and_then(|digest| digest.per.as_ref())),
            ("concurrency", around.concurrency.as_ref().and_then(|concurrency| concurrency.per.as_ref())),
        ];
        for (name, leaf) in keys.into_iter().filter_map(|(name, leaf)| Some((name, leaf?))) {
            let pointer = format!("/{name}/per");
            self.leaf(leaf, &pointer, here);
            if name == "once" {
                self.untrusted_leaf(leaf, &pointer, "per", here);
            }
        }
    }

    fn untrusted_leaf(&self, leaf: &Leaf, pointer: &str, what: &str, here: &Here) {
        let at = place(self.reader.document.place(pointer));
        for reference in of_leaf(leaf) {
            self.untrusted(at, reference, what, here);
        }
    }

    /// Checks a loop. `inner` is what its own `if` has shown; `here` then knows what its turns may have written.
    pub(super) fn for_each(
        &self,
        list: &Tree,
        name: &str,
        steps: &[Step],
        pointer: &str,
        inner: &Here,
        here: &mut Here,
    ) {
        self.tree(list, inner);
        let taken = TAKEN.contains(&name) || inner.loops.iter().any(|turn| turn.name == name);
        if taken {
            let at = place(self.reader.document.place(&format!("{pointer}/as")));
            let message = format!("`{name}` would hide another name");
            self.reader.error(codes::SHADOWED, at, message, "call the element of a turn something else");
        }
        let mut sources = Vec::new();
        each_reference(list, &mut |_, reference| sources.push(reference.path.clone()));
        let mut turn = inner.clone();
        turn.loops.push(Loop { name: name.to_owned(), pointer: pointer.to_owned(), sources });
        // A later turn sees what an earlier one has written; after the loop nobody knows whether there was a turn.
        let mut written = BTreeMap::new();
        collect_written(steps, &mut written);
        let written = || written.keys().map(|name| ((*name).to_owned(), false));
        turn.written.extend(written());
        self.steps(steps, &mut turn);
        here.written.extend(written());
    }

    pub(super) fn wait(&self, wait: &WaitStep, pointer: &str, here: &Here) {
        match &wait.what {
            WaitWhat::For(_) => {}
            WaitWhat::Until(leaf) => self.leaf(leaf, &format!("{pointer}/wait/until"), here),
            WaitWhat::Event { kinds, when, .. } => {
                let events: Vec<EventInfo<'_>> =
                    kinds.iter().filter_map(|kind| self.reader.vocabulary.event(kind)).collect();
                self.wait_condition(when, &events, here);
            }
        }
    }

    pub(super) fn attributes(&self, step: &AttributesStep, pointer: &str, here: &Here) {
        let (kind, key) = match step.keeper {
            Keeper::Profile => ("profile", "email"),
            Keeper::Record => ("record", "key"),
        };
        let base = pointer;
        let pointer = format!("{pointer}/{kind}/{key}");
        self.leaf(&step.key, &pointer, here);
        self.untrusted_leaf(&step.key, &pointer, key, here);
        if step.keeper == Keeper::Profile {
            let written = [("set", &step.set), ("add", &step.add), ("append", &step.append)];
            let names =
                written.into_iter().flat_map(|(word, pairs)| pairs.iter().map(move |(name, tree)| (word, name, tree)));
            for (word, name, tree) in names {
                let nested = || if word == "set" { nested_fault(name, tree) } else { None };
                let Some(why) = name_fault(name).or_else(nested) else { continue };
                let at = self.reader.document.key_place(&pointer_to(&format!("{base}/{kind}/{word}"), name));
                let (message, help) = why.split_once("; ").unwrap_or((&why, ""));
                self.reader.error(codes::ATTRIBUTE, place(at), message, help);
            }
        }
        for (_, tree) in step.set.iter().chain(&step.add).chain(&step.append) {
            self.tree(tree, here);
        }
    }
}

/// Why a map cannot be an attribute: its names, joined, would be one that the desk keeps for itself.
fn nested_fault(name: &str, tree: &Tree) -> Option<String> {
    let Tree::Map(pairs) = tree else { return None };
    pairs.iter().find_map(|(part, tree)| {
        let joined = format!("{name}_{part}");
        match tree {
            Tree::Map(_) => nested_fault(&joined, tree),
            Tree::Leaf(Leaf::Literal(value), _) if value.is_null() => None,
            Tree::Leaf(..) | Tree::List(_) => joined_fault(&joined),
        }
    })
}
