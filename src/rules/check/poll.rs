//! What a poll's own step looks at: no event is there yet.

use super::{Checker, Here};
use crate::{
    model::Place,
    rules::{On, StepKind, codes, keys},
    value::{Path, Segment},
};

/// What a poll's step sees as `poll`.
const POLL: [&str; 2] = ["cursor", "last_at"];

impl Checker<'_> {
    /// Checks what the steps of the rule's polls look at.
    pub(super) fn polls(&self, here: &Here) {
        for on in &self.rule.on {
            let On::Poll(poll) = on else { continue };
            match &poll.step.kind {
                StepKind::Action { name, inputs, .. } => self.action(name, inputs, here),
                StepKind::Http(http) => {
                    let pointer = format!("/{}/http", poll.step.path.0.replace('.', "/"));
                    self.http(http, &pointer, here);
                }
                _ => {}
            }
        }
    }

    /// A place that a poll's step looks at: `Some` where it can be there.
    pub(super) fn poll_path(&self, at: Place, path: &Path) -> Option<bool> {
        let below = path.below_root();
        let name = match below.first() {
            Some(Segment::Name(name)) => Some(name.as_str()),
            _ => None,
        };
        match path.root() {
            Some("now") => Some(false),
            Some("poll") if name.is_none_or(|name| POLL.contains(&name)) => Some(false),
            Some("poll") => {
                let message = format!("there is no {}", keys::shortened(&path.to_string()));
                self.reader.error(codes::UNKNOWN_FIELD, at, message, "`poll` has cursor and last_at");
                None
            }
            Some("vars") if name.is_some_and(|name| self.reader.vocabulary.vars().contains_key(name)) => Some(false),
            Some("vars") => {
                let message =
                    format!("no var of bellwire.toml is called `{}`", keys::shortened(name.unwrap_or_default()));
                let help =
                    "a poll asks before there is an event: it sees [vars] of bellwire.toml, and none of the rule's";
                self.reader.error(codes::UNKNOWN_VAR, at, message, help);
                None
            }
            root => {
                let message = format!("`{}` is not seen by a poll", keys::shortened(root.unwrap_or_default()));
                let help = "what is seen here: vars (of bellwire.toml), now, poll.cursor, poll.last_at";
                self.reader.error(codes::UNKNOWN_ROOT, at, message, help);
                None
            }
        }
    }
}
