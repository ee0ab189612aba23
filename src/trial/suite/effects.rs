//! `expect`: effects in the condition language, over the inputs of their actions.

use super::case::{Wanted, object};
use crate::{
    rules::{Condition, Node, Reader, Vocabulary, codes, parse_condition, shortened, suggestion},
    value::Path,
};

/// The inputs of effects that are no action of a pack.
const OTHERS: [(&str, &[&str]); 4] = [
    ("http", &["method", "url", "headers", "query", "json", "form", "text", "xml", "multipart"]),
    ("emit", &["type", "data"]),
    ("profile", &["email", "set", "add", "append", "remove"]),
    ("record", &["key", "set", "add", "append", "remove"]),
];

/// What expected effects are read with.
pub(super) struct Effects<'r, 'a> {
    pub(super) reader: &'r Reader<'a>,
    pub(super) vocabulary: &'r dyn Vocabulary,
}

impl<'a> Effects<'_, 'a> {
    /// Reads one expected effect.
    pub(super) fn wanted(&self, node: &Node<'a>) -> Option<Wanted> {
        // That it is a map with one name was looked at with the rule.
        let action = node.value.as_object()?.keys().next()?;
        let inner = node.child(action);
        let inputs = self.inputs(action, &inner)?;
        let condition = if inner.value.is_null() {
            Condition::All(Vec::new())
        } else {
            self.reader.inputs.set(true);
            let read = parse_condition(self.reader, &inner, &format!("`{}`", shortened(action)));
            self.reader.inputs.set(false);
            read?
        };
        self.look_at_inputs(action, &condition, &inputs);
        let place = self.reader.key_place(&inner);
        Some(Wanted { action: action.clone(), condition, written: object(inner.value), place })
    }

    fn inputs(&self, action: &str, node: &Node<'a>) -> Option<Vec<String>> {
        if let Some((_, inputs)) = OTHERS.iter().find(|(name, _)| *name == action) {
            return Some(inputs.iter().map(|name| (*name).to_owned()).collect());
        }
        if let Some(info) = self.vocabulary.action(action) {
            if info.read {
                let help = "leave it out: only what changes something is an effect; `steps.ID.attempts` counts reads";
                let message = format!("`{}` reads, and is no effect", shortened(action));
                self.reader.error(codes::NO_MEANING, self.reader.key_place(node), message, help);
                return None;
            }
            return Some(info.inputs.into_iter().map(|input| input.name).collect());
        }
        let mut known = self.vocabulary.action_names();
        known.extend(OTHERS.iter().map(|(name, _)| (*name).to_owned()));
        let message = format!("unknown action `{}`", shortened(action));
        let help = suggestion(action, known.iter().map(String::as_str));
        self.reader.error(codes::UNKNOWN_ACTION, self.reader.key_place(node), message, help);
        None
    }

    fn look_at_inputs(&self, action: &str, condition: &Condition, inputs: &[String]) {
        condition.each_test(&mut |test| {
            let root = Path::root(&test.path).unwrap_or_default();
            if !inputs.iter().any(|known| known == root) {
                let message = format!("`{}` has no input `{}`", shortened(action), shortened(root));
                let help = suggestion(root, inputs.iter().map(String::as_str));
                self.reader.error(codes::UNKNOWN_INPUT, test.place, message, help);
            }
        });
    }
}
