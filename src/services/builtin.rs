//! The packs that every Bellwire has: the files of `templates/services`, compiled in.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$((concat!("templates/services/", $name), include_str!(concat!("../../templates/services/", $name)))),*]
    };
}

/// Path in a workspace and text of each file of the packs that are compiled in.
pub fn builtin_files() -> &'static [(&'static str, &'static str)] {
    FILES
}

/// Path in a workspace and text of each file.
pub(super) const FILES: &[(&str, &str)] = files![
    "github.yaml",
    "github/comment_created.json",
    "github/issue_closed.json",
    "github/issue_comment.schema.json",
    "github/issue_opened.json",
    "github/issues.schema.json",
    "github/ping.json",
    "groove.yaml",
    "groove/agent.json",
    "groove/agent.schema.json",
    "groove/agent_reply.json",
    "groove/create_ticket.json",
    "groove/customer.json",
    "groove/customer.schema.json",
    "groove/customer_reply.json",
    "groove/find_tickets.json",
    "groove/get_ticket.json",
    "groove/message.schema.json",
    "groove/note.json",
    "groove/reply.json",
    "groove/ticket.json",
    "groove/ticket.schema.json",
    "groove/ticket_assigned.json",
    "groove/ticket_closed.json",
    "groove/ticket_state_changed.json",
    "groove/ticket_state_changed.schema.json",
    "gruveo.yaml",
    "gruveo/answered.json",
    "gruveo/call.schema.json",
    "gruveo/declined.json",
    "gruveo/missed.json",
    "twilio.yaml",
];
