//! Checks a rule that could be read: its names, its paths against the payload's schema, its vars and steps.

mod contradiction;
mod guards;
mod input;
mod names;
mod never;
mod schema;
mod steps;
mod untrusted;
mod vars;

use std::collections::BTreeMap;

use guards::Guards;
use schema::{Walk, walk};

use super::{EventInfo, On, Rule, reader::Reader};
use crate::{
    model::Place,
    templates::{Leaf, Reference, Tree},
    value::{Path, Value, pointer_to},
};

pub(crate) use input::literal_input;

/// What is known while a rule is checked.
struct Checker<'c> {
    reader: &'c Reader<'c>,
    rule: &'c Rule,
    /// The events it listens to.
    events: Vec<EventInfo<'c>>,
    /// Every id in the file, of steps with findings too.
    ids: BTreeMap<String, Place>,
    /// What each var looks at.
    needs: BTreeMap<&'c str, Vec<Path>>,
}

/// Where a name is used: not all are seen everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Vars,
    When,
    Step,
    OnError,
}

/// What is known at a place of the rule.
#[derive(Clone)]
struct Here {
    part: Part,
    /// Steps before this one; true where they have surely run and succeeded.
    done: Vec<(String, bool)>,
    guards: Guards,
}

/// Calls `see` with everything that the templates of a tree look at, and the place of each leaf.
fn each_reference<'t>(tree: &'t Tree, see: &mut dyn FnMut(Place, &'t Reference)) {
    match tree {
        Tree::Leaf(leaf, place) => of_leaf(leaf).iter().for_each(|reference| see(*place, reference)),
        Tree::List(list) => list.iter().for_each(|tree| each_reference(tree, see)),
        Tree::Map(map) => map.iter().for_each(|(_, tree)| each_reference(tree, see)),
    }
}

/// What a leaf looks at: nothing, for a literal.
fn of_leaf(leaf: &Leaf) -> &[Reference] {
    if leaf.is_literal() { &[] } else { leaf.references() }
}

/// Checks a rule; what is wrong is told to `reader`.
pub(crate) fn check_rule(reader: &Reader<'_>, rule: &Rule) {
    let mut ids = BTreeMap::new();
    let root = &reader.document.value;
    for name in ["do", "on_error"] {
        steps::collect_ids(reader, root.get(name).unwrap_or(&Value::Null), &pointer_to("", name), &mut ids);
    }
    let mut checker = Checker { reader, rule, events: events(reader, rule), ids, needs: BTreeMap::new() };
    for var in &rule.vars {
        let mut paths = Vec::new();
        each_reference(&var.value, &mut |_, reference| paths.push(reference.path.clone()));
        checker.needs.insert(&var.name, paths);
    }
    let guards = Guards::of(&rule.when);
    let here = |part| Here { part, done: Vec::new(), guards: guards.clone() };
    checker.vars(&here(Part::Vars));
    checker.condition(&rule.when, &here(Part::When));
    checker.contradictions();
    let mut inner = here(Part::Step);
    checker.steps(&rule.steps, &mut inner);
    let mut failed = here(Part::OnError);
    failed.done = checker.ids.keys().map(|id| (id.clone(), false)).collect();
    checker.steps(&rule.on_error, &mut failed);
}

fn events<'c>(reader: &Reader<'c>, rule: &Rule) -> Vec<EventInfo<'c>> {
    let mut events = Vec::new();
    for on in &rule.on {
        match on {
            On::Type { event, .. } => events.extend(reader.vocabulary.event(event)),
            On::Manual { .. } => {}
            On::Service { service, .. } => {
                let types = reader.vocabulary.event_types();
                let of_service = types.iter().filter(|kind| kind.split('.').next() == Some(service));
                events.extend(of_service.filter_map(|kind| reader.vocabulary.event(kind)));
            }
        }
    }
    events
}
