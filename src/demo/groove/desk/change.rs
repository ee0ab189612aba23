//! A ticket that changes: one PUT for each property.

use super::{
    super::asked::{Asked, text},
    Answer, Desk, No, STATES, json,
};
use crate::value::Value;

/// The priorities of a ticket.
const PRIORITIES: [&str; 4] = ["low", "medium", "high", "urgent"];

/// Each property with the parameter that it is set by: `assigned_group` is set by `group`.
const PROPERTIES: [(&str, &str); 4] =
    [("state", "state"), ("assignee", "assignee"), ("priority", "priority"), ("assigned_group", "group")];

impl Desk {
    /// Changes one property of a ticket.
    pub(super) fn change(&mut self, number: i64, what: &str, asked: &Asked) -> Result<Answer, No> {
        if what == "tags" {
            return self.change_tags(number, asked);
        }
        let Some((_, parameter)) = PROPERTIES.iter().find(|(name, _)| *name == what) else {
            return Err(No(404, "not found".into()));
        };
        let body = self.body(asked, &[parameter])?;
        let value = text(body, parameter).map_err(|why| self.invalid(why))?.to_owned();
        let one_of = |choices: &[&str]| choices.contains(&value.as_str());
        let fits = match what {
            "state" => one_of(&STATES),
            "priority" => one_of(&PRIORITIES),
            "assignee" => value.contains('@'),
            _ => self.shelf("groups").iter().any(|group| group["name"] == value.as_str()),
        };
        if !fits {
            return Err(self.invalid(format!("{parameter} is not valid")));
        }
        if let Some(ticket) = self.tickets.get_mut(&number) {
            match what {
                "state" => ticket.state = value,
                "priority" => ticket.priority = Some(value),
                "assignee" => ticket.assignee = Some(value),
                _ => ticket.group = Some(value),
            }
        }
        Ok(self.changed(number))
    }

    /// A bare list of names in the place of all.
    fn change_tags(&mut self, number: i64, asked: &Asked) -> Result<Answer, No> {
        let names =
            asked.json.as_ref().and_then(Value::as_array).and_then(|list| {
                list.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>()
            });
        let Some(names) = names else { return Err(self.invalid("a list of names is wanted")) };
        if let Some(ticket) = self.tickets.get_mut(&number) {
            ticket.tags = names;
        }
        Ok(self.changed(number))
    }

    /// Empty, or the ticket.
    fn changed(&self, number: i64) -> Answer {
        match self.options.change_status {
            204 => Answer { status: 204, ..Answer::default() },
            status => json(status, self.ticket_json(number)),
        }
    }

    /// Who a ticket is assigned to; nobody is an empty body.
    pub(super) fn assignee(&self, number: i64) -> Answer {
        match self.tickets.get(&number).and_then(|ticket| ticket.assignee.as_deref()) {
            Some(email) => json(200, serde_json::json!({ "agent": self.agent_json(email) })),
            None => Answer { status: 200, ..Answer::default() },
        }
    }
}
