//! Words that tests of rules may speak of: one hook with a schema, one service with actions.

use serde_json::{Map, Value, json};

use super::{ActionInfo, EventInfo, Hours, InputInfo, Path, Vocabulary, config};

/// `gruveo.call`, `groove.note_added`, `groove.ticket_started`, and three actions of `groove`.
pub(crate) struct Fake {
    call: Value,
    nothing: Value,
    untrusted: Vec<Path>,
    vars: Map<String, Value>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        let text = json!({"type": "string"});
        let call = json!({
            "type": "object",
            "required": ["resolution", "location", "link", "waitingTime", "assignedUsers", "account"],
            "properties": {
                "resolution": {"type": "string", "enum": ["answered", "missed", "declined"]},
                "location": text,
                "link": text,
                "waitingTime": {"type": "integer"},
                "score": {"type": "number"},
                "origin": text,
                "user": {"anyOf": [
                    {"type": "object", "required": ["email"], "properties": {"email": text}},
                    {"type": "null"}
                ]},
                "assignedUsers": {"type": "array", "items": {
                    "type": "object", "required": ["email"], "properties": {"email": text, "active": {"type": "boolean"}}
                }},
                "account": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}},
                "tracking": {"type": ["object", "null"], "additionalProperties": text}
            }
        });
        let untrusted = vec!["tracking".parse().expect("a path")];
        let vars = json!({"channel": "#calls", "crm": "https://crm.example.com/v1", "number": 7});
        Self { call, nothing: json!({}), untrusted, vars: vars.as_object().cloned().unwrap_or_default() }
    }
}

fn input(name: &str, kind: &'static str, required: bool) -> InputInfo {
    let choices = if kind == "enum" { vec!["unread".to_owned(), "opened".to_owned()] } else { Vec::new() };
    let target = matches!(name, "ticket" | "customer");
    InputInfo { name: name.to_owned(), kind, required, choices, help: String::new(), target }
}

impl Vocabulary for Fake {
    fn event(&self, kind: &str) -> Option<EventInfo<'_>> {
        match kind {
            "gruveo.call" => Some(EventInfo { schema: &self.call, untrusted: &self.untrusted }),
            "groove.note_added" | "groove.ticket_started" => Some(EventInfo { schema: &self.nothing, untrusted: &[] }),
            _ => None,
        }
    }

    fn event_types(&self) -> Vec<String> {
        ["groove.note_added", "groove.ticket_started", "gruveo.call"].map(str::to_owned).to_vec()
    }

    fn has_service(&self, name: &str) -> bool {
        matches!(name, "gruveo" | "groove")
    }

    fn action(&self, name: &str) -> Option<ActionInfo> {
        let (inputs, read) = match name {
            "groove.add_note" => (
                vec![input("ticket", "integer", true), input("body", "html", true), input("author", "email", false)],
                false,
            ),
            "groove.find_tickets" => (vec![input("customer", "email", false), input("state", "enum", false)], true),
            "groove.create_ticket" => (vec![input("subject", "text", true), input("urgent", "boolean", false)], false),
            _ => return None,
        };
        Some(ActionInfo { title: name.to_owned(), inputs, read, verify: name == "groove.add_note" })
    }

    fn action_names(&self) -> Vec<String> {
        ["groove.add_note", "groove.create_ticket", "groove.find_tickets"].map(str::to_owned).to_vec()
    }

    fn has_connection(&self, name: &str) -> bool {
        matches!(name, "groove" | "gruveo" | "groove_eu")
    }

    fn vars(&self) -> &Map<String, Value> {
        &self.vars
    }

    fn secrets(&self) -> Option<Vec<String>> {
        Some(["crm_key", "crm_password", "crm_token", "crm_user", "groove_token"].map(str::to_owned).to_vec())
    }

    fn hours(&self) -> Vec<String> {
        vec!["office".to_owned()]
    }

    fn hours_of(&self, name: &str) -> Option<Hours> {
        let spans = vec!["09:00-16:00".to_owned()];
        let written = config::Hours {
            timezone: "Europe/Athens".to_owned(),
            days: [("mon-fri".to_owned(), spans)].into(),
            closed: Vec::new(),
        };
        (name == "office").then(|| Hours::parse(&written).expect("hours that can be read"))
    }
}
