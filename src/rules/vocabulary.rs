//! What rules may speak of: asked of whoever knows the packs, so that `rules` need not.

use super::hours::Hours;
use crate::value::{Path, Value};

/// The services, events and actions that are there. `app` implements it with the registries that will run.
pub trait Vocabulary: Sync {
    /// What is known of an event type such as `gruveo.call`. `None` where no service and no source sends it.
    fn event(&self, kind: &str) -> Option<EventInfo<'_>>;
    /// All event types, for did-you-mean and `groove.*`.
    fn event_types(&self) -> Vec<String>;
    /// Whether a service of this name is there.
    fn has_service(&self, name: &str) -> bool;
    /// What is known of an action such as `groove.add_note`.
    fn action(&self, name: &str) -> Option<ActionInfo>;
    /// All action names, for did-you-mean.
    fn action_names(&self) -> Vec<String>;
    /// Whether a connection of this name is there.
    fn has_connection(&self, name: &str) -> bool;
    /// Names of the secrets that are set or that packs use. `None` where that is not known: nothing is then said of them.
    fn secrets(&self) -> Option<Vec<String>> {
        None
    }
    /// Names of `[vars]` in `bellwire.toml` with their values.
    fn vars(&self) -> &serde_json::Map<String, Value>;
    /// Names of `[hours]`.
    fn hours(&self) -> Vec<String>;
    /// The hours of a name. `None` where they are not at hand; conditions then ask their scope.
    fn hours_of(&self, _name: &str) -> Option<Hours> {
        None
    }
    /// Takes the bytes of a compiled pattern out of what the rules of a set may hold together. False: no more is taken.
    fn affords(&self, _bytes: usize) -> bool {
        true
    }
}

/// What is known of an event type.
#[derive(Debug, Clone)]
pub struct EventInfo<'a> {
    /// JSON Schema of the payload; `{}` where nothing is known.
    pub schema: &'a Value,
    /// What a stranger can write into the payload, such as `tracking`.
    pub untrusted: &'a [Path],
}

/// What is known of an action.
#[derive(Debug, Clone)]
pub struct ActionInfo {
    pub title: String,
    pub inputs: Vec<InputInfo>,
    /// It changes nothing at the target.
    pub read: bool,
    /// A read can tell whether an attempt without an answer took effect.
    pub verify: bool,
}

/// What is known of an input.
#[derive(Debug, Clone)]
pub struct InputInfo {
    pub name: String,
    /// `text, html, integer, number, boolean, list, object, email, url, time, enum`.
    pub kind: &'static str,
    pub required: bool,
    /// Of an enum.
    pub choices: Vec<String>,
    pub help: String,
    /// It says whom or what the action works on (a ticket, an e-mail, a recipient, a key): untrusted values need a guard.
    pub target: bool,
}
