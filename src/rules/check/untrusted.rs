//! Where a value that a stranger can write decides what is acted on.

use super::{Checker, Here};
use crate::{
    model::Place,
    rules::{InputInfo, codes},
    templates::Reference,
    value::{Path, Segment},
};

impl Checker<'_> {
    /// Warns where a stranger's value is the `input` that decides: `url`, `email` and `key` are known, anything else is text.
    pub(super) fn untrusted(&self, leaf: Place, reference: &Reference, input: &str, here: &Here) {
        self.decides(leaf, reference, input, guard(input, &[]), here);
    }

    /// The same for an input of an action, whose type says what its guard looks like.
    pub(super) fn untrusted_input(&self, leaf: Place, reference: &Reference, input: &InputInfo, here: &Here) {
        self.decides(
            leaf,
            reference,
            &input.name,
            guard(if input.kind == "url" { "whole url" } else { input.kind }, &input.choices),
            here,
        );
    }

    fn decides(&self, leaf: Place, reference: &Reference, input: &str, guard: String, here: &Here) {
        if here.guards.was_checked(&reference.path) {
            return;
        }
        let sources = self.sources(&reference.path, here);
        let unguarded = sources.iter().find(|path| self.is_untrusted(path) && !here.guards.was_checked(path));
        let Some(path) = unguarded else { return };
        let at = self.reader.in_text(leaf, reference.place);
        let message = format!("{path} is what a stranger typed, and `{input}` decides what is acted on");
        let other = if guard.starts_with("{ in:") { "`matches` with all that is allowed" } else { "`in` with a list" };
        let help = format!("write a condition such as `{path}: {guard}`, or {other}");
        self.reader.warn(codes::UNTRUSTED, at, message, help);
    }

    fn is_untrusted(&self, path: &Path) -> bool {
        let below = match path.segments() {
            [Segment::Name(root), below @ ..] if root == "event" => below,
            [Segment::Name(root), Segment::Index(_) | Segment::Any, below @ ..] if root == "events" => below,
            _ => return false,
        };
        self.events.iter().flat_map(|event| event.untrusted).any(|untrusted| {
            let untrusted = match untrusted.root() {
                Some("event") => untrusted.below_root(),
                _ => untrusted.segments(),
            };
            below.starts_with(untrusted) || untrusted.starts_with(below)
        })
    }
}

/// A condition that fits what the input wants.
fn guard(kind: &str, choices: &[String]) -> String {
    match kind {
        "integer" => r#"{ matches: "^[0-9]+$" }"#.to_owned(),
        "number" => r#"{ matches: "^[0-9]+([.][0-9]+)?$" }"#.to_owned(),
        "boolean" => "{ in: [\"true\", \"false\"] }".to_owned(),
        "email" => r#"{ matches: "^[^@ ]+@example[.]com$" }"#.to_owned(),
        "time" => r#"{ matches: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z$" }"#.to_owned(),
        "enum" if !choices.is_empty() => format!("{{ in: [{}] }}", choices.join(", ")),
        // A whole URL, not a part of one: no pattern is sure to name every host.
        "whole url" => "{ in: [\"https://example.com/a\"] }".to_owned(),
        _ => r#"{ matches: "^[A-Za-z0-9_-]+$" }"#.to_owned(),
    }
}
