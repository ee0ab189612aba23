//! The desk: tickets and messages in memory, and what is answered to whom. No sockets.

mod change;
mod records;
mod shapes;

use std::collections::{BTreeMap, VecDeque};

use super::{
    answers::{File, put},
    asked::{Asked, flag, person, text},
    options::{ErrorShape, Options, PageTooLarge},
};
use crate::value::{Object, Value};

/// The states of a ticket.
const STATES: [&str; 5] = ["unread", "opened", "pending", "closed", "spam"];
/// Messages that are kept, newest last.
const KEPT: usize = 10_000;
/// Items of a page unless asked otherwise.
const PER_PAGE: usize = 25;
/// Items of a page at most.
const PER_PAGE_MOST: usize = 50;
/// Documented parameters of a message.
const OF_MESSAGE: [&str; 5] = ["body", "author", "sent_at", "note", "send_copy_to_customer"];
/// Documented parameters of a ticket.
const OF_TICKET: [&str; 14] = [
    "body",
    "from",
    "to",
    "mailbox",
    "assigned_group",
    "assignee",
    "sent_at",
    "note",
    "send_copy_to_customer",
    "state",
    "subject",
    "tags",
    "starred",
    "skip_notifications",
];

/// A note that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The ticket's number.
    pub ticket: i64,
    /// E-mail of who wrote it.
    pub author: String,
    /// The body as it came: HTML or text.
    pub body: String,
}

/// An answer.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    /// `None`: empty.
    pub(super) body: Option<Value>,
    /// What arrived with the request, if it was a note.
    pub(super) note: Option<Note>,
}

#[derive(Debug)]
struct Ticket {
    customer: String,
    title: String,
    state: String,
    assignee: Option<String>,
    priority: Option<String>,
    group: Option<String>,
    tags: Vec<String>,
    messages: usize,
    created_at: String,
}

struct Message {
    id: u64,
    is_note: bool,
    note: Note,
    created_at: String,
}

/// Tickets, messages and what was agreed about the unknown.
pub(super) struct Desk {
    options: Options,
    href_base: String,
    tickets: BTreeMap<i64, Ticket>,
    messages: VecDeque<Message>,
    next_message: u64,
    /// Records of other kinds, by their plural.
    shelves: BTreeMap<String, Vec<Value>>,
    next_record: u64,
    /// Requests that are answered "too often" from now on.
    pub(super) throttled: usize,
}

/// Why nothing was done: status and sentence.
struct No(u16, String);

impl Desk {
    /// A desk with the tickets of the options; `address` is where it is reached.
    pub(super) fn new(options: Options, address: &str) -> Self {
        let href_base = options.href_base.clone().unwrap_or_else(|| format!("{address}/v1"));
        let mut desk = Self {
            options,
            href_base,
            tickets: BTreeMap::new(),
            messages: VecDeque::new(),
            next_message: 70_883_940,
            shelves: BTreeMap::new(),
            next_record: 12_345_677,
            throttled: 0,
        };
        for number in desk.options.tickets.clone() {
            let ticket = desk.ticket(desk.options.customer.clone(), "A call that was missed".into());
            desk.tickets.insert(number, ticket);
        }
        desk.furnish();
        desk
    }

    /// Notes that arrived, oldest first; the last 10,000 messages' worth.
    pub(super) fn notes(&self) -> Vec<Note> {
        self.messages.iter().filter(|message| message.is_note).map(|message| message.note.clone()).collect()
    }

    /// What is answered.
    pub(super) fn answer(&mut self, asked: &Asked) -> Answer {
        if self.throttled > 0 {
            self.throttled -= 1;
            let mut answer = self.refusal(No(self.options.throttled_status, "too many requests".into()));
            answer.headers.extend(self.options.retry_after.map(|seconds| ("retry-after", seconds.to_string())));
            return answer;
        }
        self.done(asked).unwrap_or_else(|no| self.refusal(no))
    }

    fn done(&mut self, asked: &Asked) -> Result<Answer, No> {
        let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
        if let ("GET", ["v1", "public", "widgets", uuid]) = (asked.method.as_str(), path.as_slice()) {
            return self.public_widget(uuid);
        }
        if asked.token.as_deref() != Some(self.options.token.as_str()) {
            return Err(No(401, "the token is missing or wrong".into()));
        }
        match (asked.method.as_str(), path.as_slice()) {
            ("GET", ["v1", "mailboxes"]) => Ok(json(200, File::Mailboxes.read())),
            ("GET", ["v1", "tickets"]) => self.list_tickets(asked),
            ("POST", ["v1", "tickets"]) => self.create_ticket(asked),
            ("GET", ["v1", "tickets", "count"]) => {
                Ok(json(200, serde_json::json!({ "1000000001": self.tickets.len() })))
            }
            ("GET", ["v1", "tickets", number]) => {
                let number = self.known(number)?;
                Ok(json(200, self.ticket_json(number)))
            }
            ("GET", ["v1", "tickets", number, "state"]) => {
                let number = self.known(number)?;
                let mut answer = File::State.read();
                put(&mut answer, "/state", self.tickets.get(&number).map_or("", |ticket| ticket.state.as_str()));
                Ok(json(200, answer))
            }
            ("GET", ["v1", "tickets", number, "messages"]) => {
                let number = self.known(number)?;
                self.list_messages(number, asked)
            }
            ("POST", ["v1", "tickets", number, "messages"]) => {
                let number = self.known(number)?;
                self.create_message(number, asked)
            }
            ("GET", ["v1", "tickets", number, "assignee"]) => Ok(self.assignee(self.known(number)?)),
            ("PUT", ["v1", "tickets", number, what]) => {
                let number = self.known(number)?;
                self.change(number, what, asked)
            }
            ("GET", ["v1", "messages", id]) => {
                let found = self.messages.iter().find(|message| format!("{:010}", message.id) == **id);
                found.map(|message| json(200, self.message_json(message))).ok_or_else(|| No(404, "not found".into()))
            }
            _ => self.record(asked, &path),
        }
    }

    fn refusal(&self, No(status, why): No) -> Answer {
        let body = match self.options.error_shape {
            ErrorShape::Error => Some(serde_json::json!({ "error": why })),
            ErrorShape::Errors => Some(serde_json::json!({ "errors": [why] })),
            ErrorShape::Message => Some(serde_json::json!({ "message": why })),
            ErrorShape::Empty => None,
        };
        Answer { status, body, ..Answer::default() }
    }

    fn invalid(&self, why: impl Into<String>) -> No {
        No(self.options.invalid_status, why.into())
    }

    /// The number of a ticket that is there.
    fn known(&self, number: &str) -> Result<i64, No> {
        let known = number.parse().ok().filter(|number| self.tickets.contains_key(number));
        known.ok_or_else(|| No(404, "ticket not found".into()))
    }

    /// The body, without parameters that nobody documented.
    fn body<'a>(&self, asked: &'a Asked, documented: &[&str]) -> Result<&'a Object, No> {
        let body = asked.body.as_ref().ok_or_else(|| self.invalid("the body is neither JSON nor a form"))?;
        match body.keys().find(|name| !documented.contains(&name.as_str())) {
            Some(name) if self.options.refuse_unknown => Err(self.invalid(format!("{name} is unknown"))),
            _ => Ok(body),
        }
    }

    fn create_message(&mut self, number: i64, asked: &Asked) -> Result<Answer, No> {
        let body = self.body(asked, &OF_MESSAGE)?;
        let content = text(body, "body").map_err(|why| self.invalid(why))?.to_owned();
        let is_note = flag(body, "note").map_err(|why| self.invalid(why))?;
        flag(body, "send_copy_to_customer").map_err(|why| self.invalid(why))?;
        let author = match body.get("author") {
            None | Some(Value::Null) => self.options.token_user.clone(),
            Some(Value::String(author)) if author.contains('@') => author.clone(),
            Some(_) => return Err(self.invalid("author is not an e-mail")),
        };
        let note = Note { ticket: number, author, body: content };
        self.keep(note, is_note);
        let answer = self.messages.back().map(|message| self.message_json(message)).unwrap_or_default();
        let note = self.messages.back().filter(|message| message.is_note).map(|message| message.note.clone());
        Ok(Answer { note, ..json(self.options.message_status, answer) })
    }

    fn create_ticket(&mut self, asked: &Asked) -> Result<Answer, No> {
        let body = self.body(asked, &OF_TICKET)?;
        let content = text(body, "body").map_err(|why| self.invalid(why))?.to_owned();
        let from = person(body, "from").map_err(|why| self.invalid(why))?.to_owned();
        let customer = person(body, "to").map_err(|why| self.invalid(why))?.to_owned();
        let is_note = flag(body, "note").map_err(|why| self.invalid(why))?;
        let given = |name| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let state = given("state").unwrap_or_else(|| "unread".into());
        if !STATES.contains(&state.as_str()) {
            return Err(self.invalid("state is none of unread, opened, pending, closed, spam"));
        }
        let mut ticket = self.ticket(customer, given("subject").unwrap_or_default());
        (ticket.state, ticket.assignee, ticket.group) = (state, given("assignee"), given("assigned_group"));
        let tags = body.get("tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        ticket.tags = tags.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let number = self.tickets.keys().last().map_or(1, |last| last.saturating_add(1));
        self.tickets.insert(number, ticket);
        self.keep(Note { ticket: number, author: from, body: content }, is_note);
        let mut answer = File::Created.read();
        self.put_links(&mut answer, number);
        let location = self.href(&format!("tickets/{number}"));
        let note = self.messages.back().filter(|message| message.is_note).map(|message| message.note.clone());
        Ok(Answer { headers: vec![("location", location)], note, ..json(201, answer) })
    }

    fn list_tickets(&self, asked: &Asked) -> Result<Answer, No> {
        let states: Option<Vec<&str>> = asked.query("state").map(|states| states.split(',').collect());
        if states.iter().flatten().any(|state| !STATES.contains(state)) {
            return Err(self.invalid("state is none of unread, opened, pending, closed, spam"));
        }
        let found = self.tickets.iter().filter(|(_, ticket)| {
            let of_customer =
                asked.query("customer").is_none_or(|customer| ticket.customer.eq_ignore_ascii_case(customer));
            let of_assignee = asked.query("assignee").is_none_or(|assignee| match &ticket.assignee {
                Some(known) => known.eq_ignore_ascii_case(assignee),
                None => assignee == "unassigned",
            });
            let of_state = states.as_ref().is_none_or(|states| states.contains(&ticket.state.as_str()));
            of_customer && of_assignee && of_state
        });
        let found: Vec<i64> = found.map(|(number, _)| *number).collect();
        self.page(asked, "tickets", &found, |number| self.ticket_json(*number).get_mut("ticket").map(Value::take))
    }

    fn list_messages(&self, number: i64, asked: &Asked) -> Result<Answer, No> {
        let found: Vec<_> = self.messages.iter().filter(|message| message.note.ticket == number).collect();
        let path = format!("tickets/{number}/messages");
        self.page(asked, &path, &found, |message| self.message_json(message).get_mut("message").map(Value::take))
    }

    /// One page of what was found, under the last name of `path`.
    fn page<T>(
        &self,
        asked: &Asked,
        path: &str,
        found: &[T],
        show: impl Fn(&T) -> Option<Value>,
    ) -> Result<Answer, No> {
        let number = |name: &str, usual: usize| match asked.query(name).map(str::parse::<usize>) {
            None => Ok(usual),
            Some(Ok(number)) if number > 0 => Ok(number),
            Some(_) => Err(self.invalid(format!("{name} is not a number from 1"))),
        };
        let (page, per_page) = (number("page", 1)?, number("per_page", PER_PAGE)?);
        if per_page > PER_PAGE_MOST && self.options.page_too_large == PageTooLarge::Refuse {
            return Err(self.invalid("per_page is above 50"));
        }
        let per_page = per_page.min(PER_PAGE_MOST);
        let pages = found.len().div_ceil(per_page).max(1);
        let shown: Vec<Value> =
            found.iter().skip((page - 1).saturating_mul(per_page)).take(per_page).filter_map(show).collect();
        let mut answer = File::Pagination.read();
        put(&mut answer, "/meta/pagination/current_page", page);
        put(&mut answer, "/meta/pagination/total_pages", pages);
        put(&mut answer, "/meta/pagination/total_count", found.len());
        if page < pages {
            put(&mut answer, "/meta/pagination/next_page", self.next_page(asked, path, page + 1));
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        if let Some(answer) = answer.as_object_mut() {
            answer.insert(name.to_owned(), shown.into());
        }
        Ok(json(200, answer))
    }

    /// The next page's URL: all that was asked but `per_page` (which Groove drops) and the token.
    fn next_page(&self, asked: &Asked, path: &str, page: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &asked.query {
            if !["page", "per_page", "access_token"].contains(&name.as_str()) {
                query.append_pair(name, value);
            }
        }
        query.append_pair("page", &page.to_string());
        format!("{}?{}", self.href(path), query.finish())
    }

    fn ticket(&self, customer: String, title: String) -> Ticket {
        let created_at = (self.options.now)();
        Ticket {
            customer,
            title,
            state: "unread".into(),
            assignee: None,
            priority: None,
            group: None,
            tags: Vec::new(),
            messages: 0,
            created_at,
        }
    }

    /// Keeps a message, and forgets the oldest where there are too many.
    fn keep(&mut self, note: Note, is_note: bool) {
        if let Some(ticket) = self.tickets.get_mut(&note.ticket) {
            ticket.messages += 1;
        }
        if self.messages.len() >= KEPT {
            self.messages.pop_front();
        }
        self.next_message += 1;
        self.messages.push_back(Message { id: self.next_message, is_note, note, created_at: (self.options.now)() });
    }

    fn href(&self, path: &str) -> String {
        format!("{}/{path}", self.href_base)
    }
}

fn json(status: u16, body: Value) -> Answer {
    Answer { status, body: Some(body), ..Answer::default() }
}

#[cfg(test)]
mod tests;
