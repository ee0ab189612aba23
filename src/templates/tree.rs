//! A value whose leaves may be templates.

use serde_json::Value;

use super::{Context, Files, Leaf, Reference, RenderError, Sink, TemplateFault};
use crate::{model::Place, value::Object};

/// A value whose leaves may be templates; each leaf knows its place in the rule's file.
#[derive(Debug, Clone)]
pub enum Tree {
    /// A value without values in it.
    Leaf(Leaf, Place),
    /// In order.
    List(Vec<Self>),
    /// In the order of the file.
    Map(Vec<(String, Self)>),
}

impl Tree {
    /// Reads a tree. `place` tells where the value at a JSON pointer such as `/a/0` (relative to `value`) stands in its file.
    /// All faults of all leaves, each with the leaf's place (a template's own line and column where it is a block of text are
    /// added by the caller's position map where possible).
    pub fn parse(
        value: &Value,
        files: &Files,
        place: &dyn Fn(&str) -> Place,
    ) -> Result<Self, Vec<(Place, TemplateFault)>> {
        let mut faults = Vec::new();
        let tree = read(value, files, place, &mut String::new(), &mut faults);
        if faults.is_empty() { Ok(tree) } else { Err(faults) }
    }

    /// Renders every leaf. A failing leaf ends it; the error's message names the leaf's line in the rule's file.
    pub fn render(&self, context: &Context<'_>, sink: Sink) -> Result<Value, RenderError> {
        match self {
            Self::Leaf(leaf, place) => leaf.render(context, sink).map_err(|error| at(error, *place)),
            Self::List(list) => list.iter().map(|tree| tree.render(context, sink)).collect(),
            Self::Map(map) => {
                let entries = map.iter().map(|(name, tree)| Ok((name.clone(), tree.render(context, sink)?)));
                entries.collect::<Result<Object, _>>().map(Value::Object)
            }
        }
    }

    /// What all leaves look at, with each leaf's place in its file.
    pub fn references(&self) -> Vec<(Place, Reference)> {
        let mut all = Vec::new();
        self.collect(&mut all);
        all
    }

    fn collect(&self, all: &mut Vec<(Place, Reference)>) {
        match self {
            Self::Leaf(leaf, place) => all.extend(leaf.references().iter().cloned().map(|seen| (*place, seen))),
            Self::List(list) => list.iter().for_each(|tree| tree.collect(all)),
            Self::Map(map) => map.iter().for_each(|(_, tree)| tree.collect(all)),
        }
    }
}

fn at(error: RenderError, place: Place) -> RenderError {
    if place == Place::default() {
        return error;
    }
    RenderError { message: format!("line {}: {}", place.line, error.message), ..error }
}

fn read(
    value: &Value,
    files: &Files,
    place: &dyn Fn(&str) -> Place,
    pointer: &mut String,
    faults: &mut Vec<(Place, TemplateFault)>,
) -> Tree {
    let length = pointer.len();
    match value {
        Value::Array(list) => {
            let mut trees = Vec::with_capacity(list.len());
            for (index, value) in list.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                trees.push(read(value, files, place, pointer, faults));
                pointer.truncate(length);
            }
            Tree::List(trees)
        }
        Value::Object(object) => {
            let mut trees = Vec::with_capacity(object.len());
            for (name, value) in object {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                trees.push((name.clone(), read(value, files, place, pointer, faults)));
                pointer.truncate(length);
            }
            Tree::Map(trees)
        }
        leaf => {
            let place = place(pointer);
            let leaf = Leaf::parse(leaf, files).unwrap_or_else(|fault| {
                faults.push((place, fault));
                Leaf::Literal(Value::Null)
            });
            Tree::Leaf(leaf, place)
        }
    }
}
