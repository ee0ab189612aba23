//! Checks a rule that could be read: its names, its paths against the payload's schema, its vars and steps.

mod contradiction;
mod guards;
mod ids;
mod inner;
mod input;
mod names;
mod never;
mod poll;
mod schema;
mod steps;
mod untrusted;
mod vars;

use std::collections::BTreeMap;

use guards::Guards;
use ids::Ids;
use schema::{Walk, walk};

use super::{
    EventInfo, On, Rule,
    parse::{inputs_schema, item_schema, schedule_schema},
    reader::Reader,
};
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
    ids: Ids,
    /// What each var looks at.
    needs: BTreeMap<&'c str, Vec<Path>>,
    /// What each var that a step writes looks at, over all steps that write it.
    written: BTreeMap<&'c str, Vec<Path>>,
}

/// Where a name is used: not all are seen everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The step of a poll, before there is an event.
    Poll,
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
    /// Vars that steps before this one have written; true where they surely did.
    written: Vec<(String, bool)>,
    /// The loops around it, outermost first.
    loops: Vec<Loop>,
}

/// A loop, seen from inside.
#[derive(Clone)]
struct Loop {
    /// What its element is called.
    name: String,
    /// Of its step, as a JSON pointer.
    pointer: String,
    /// What its list looks at.
    sources: Vec<Path>,
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
    let mut ids = Ids::default();
    let root = &reader.document.value;
    for name in ["do", "on_error"] {
        ids.collect(reader, root.get(name).unwrap_or(&Value::Null), &pointer_to("", name), "");
    }
    let schemas: Vec<Value> = rule.on.iter().filter_map(manual_schema).collect();
    let events = events(reader, rule, &schemas);
    let mut checker = Checker { reader, rule, events, ids, needs: BTreeMap::new(), written: BTreeMap::new() };
    inner::collect_written(&rule.steps, &mut checker.written);
    inner::collect_written(&rule.on_error, &mut checker.written);
    for var in &rule.vars {
        let mut paths = Vec::new();
        each_reference(&var.value, &mut |_, reference| paths.push(reference.path.clone()));
        checker.needs.insert(&var.name, paths);
    }
    let guards = Guards::of(&rule.when);
    let here = |part| Here { part, done: Vec::new(), guards: guards.clone(), written: Vec::new(), loops: Vec::new() };
    checker.polls(&here(Part::Poll));
    checker.vars(&here(Part::Vars));
    checker.condition(&rule.when, &here(Part::When));
    checker.around(&here(Part::When));
    checker.contradictions();
    let mut inner = here(Part::Step);
    checker.steps(&rule.steps, &mut inner);
    let mut failed = here(Part::OnError);
    failed.done = checker.ids.names().map(|id| (id.to_owned(), false)).collect();
    failed.written = checker.written.keys().map(|name| ((*name).to_owned(), false)).collect();
    checker.steps(&rule.on_error, &mut failed);
}

fn manual_schema(on: &On) -> Option<Value> {
    match on {
        On::Manual { inputs } => Some(inputs_schema(inputs)),
        On::Schedule(schedule) => Some(schedule_schema(schedule)),
        On::Poll(poll) => Some(item_schema(poll)),
        _ => None,
    }
}

fn events<'c>(reader: &Reader<'c>, rule: &Rule, manual: &'c [Value]) -> Vec<EventInfo<'c>> {
    let mut events: Vec<EventInfo<'c>> = manual.iter().map(|schema| EventInfo { schema, untrusted: &[] }).collect();
    for on in &rule.on {
        match on {
            On::Type { event, .. } => events.extend(reader.vocabulary.event(event)),
            On::Manual { .. } | On::Schedule(_) | On::Poll(_) => {}
            On::Service { service, .. } => {
                let types = reader.vocabulary.event_types();
                let of_service = types.iter().filter(|kind| kind.split('.').next() == Some(service));
                events.extend(of_service.filter_map(|kind| reader.vocabulary.event(kind)));
            }
        }
    }
    events
}
