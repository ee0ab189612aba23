//! Tickets and messages in the shape of the answers' files.

use super::{
    super::answers::{File, drop_fields, put},
    Desk, Message,
};
use crate::value::Value;

impl Desk {
    /// A ticket, wrapped.
    pub(super) fn ticket_json(&self, number: i64) -> Value {
        let mut answer = File::Ticket.read();
        let Some(ticket) = self.tickets.get(&number) else { return answer };
        put(&mut answer, "/ticket/id", format!("{number:010}"));
        put(&mut answer, "/ticket/title", ticket.title.as_str());
        put(&mut answer, "/ticket/state", ticket.state.as_str());
        put(&mut answer, "/ticket/message_count", ticket.messages);
        put(&mut answer, "/ticket/assignee", ticket.assignee.clone());
        put(&mut answer, "/ticket/priority", ticket.priority.clone());
        put(&mut answer, "/ticket/assigned_group", ticket.group.clone());
        put(&mut answer, "/ticket/tags", ticket.tags.clone());
        put(&mut answer, "/ticket/created_at", ticket.created_at.as_str());
        put(&mut answer, "/ticket/updated_at", ticket.created_at.as_str());
        self.put_links(&mut answer, number);
        if let (Some(assignee), Some(links)) =
            (&ticket.assignee, answer.pointer_mut("/ticket/links").and_then(Value::as_object_mut))
        {
            links.insert("assignee".into(), serde_json::json!({ "href": self.href(&format!("agents/{assignee}")) }));
        }
        if !self.options.live_fields {
            drop_fields(&mut answer, "/ticket", &["id", "state", "assignee"]);
        }
        answer
    }

    /// Number, address and links of a ticket.
    pub(super) fn put_links(&self, answer: &mut Value, number: i64) {
        let customer = self.tickets.get(&number).map_or("", |ticket| ticket.customer.as_str());
        let own = self.href(&format!("tickets/{number}"));
        put(answer, "/ticket/number", number);
        put(answer, "/ticket/links/customer/href", self.href(&format!("customers/{customer}")));
        put(answer, "/ticket/links/state/href", format!("{own}/state"));
        put(answer, "/ticket/links/messages/href", format!("{own}/messages"));
        put(answer, "/ticket/href", own);
    }

    /// A message, wrapped.
    pub(super) fn message_json(&self, message: &Message) -> Value {
        let mut answer = File::Message.read();
        let id = format!("{:010}", message.id);
        put(&mut answer, "/message/href", self.href(&format!("messages/{id}")));
        put(&mut answer, "/message/id", id);
        put(&mut answer, "/message/created_at", message.created_at.as_str());
        put(&mut answer, "/message/updated_at", message.created_at.as_str());
        put(&mut answer, "/message/note", message.is_note);
        put(&mut answer, "/message/body", message.note.body.as_str());
        put(&mut answer, "/message/plain_text_body", plain(&message.note.body));
        put(&mut answer, "/message/links/author/href", self.href(&format!("agents/{}", message.note.author)));
        put(&mut answer, "/message/links/ticket/href", self.href(&format!("tickets/{}", message.note.ticket)));
        if !self.options.live_fields {
            drop_fields(&mut answer, "/message", &["id", "agent_response", "type", "attachments"]);
        }
        answer
    }
}

/// HTML without its tags. Entities stay, as was seen live (3P).
fn plain(html: &str) -> String {
    let mut inside = false;
    let visible = html.chars().filter(|sign| {
        let was_inside = inside;
        inside = match sign {
            '<' => true,
            '>' => false,
            _ => inside,
        };
        !was_inside && !inside
    });
    visible.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_has_no_tags() {
        assert_eq!(plain("<div>a &lt; b<br /> c</div>"), "a &lt; b c");
        assert_eq!(plain("1 > 0"), "1 > 0");
    }
}
