//! What is neither a ticket nor a message: customers, agents, groups, folders, webhooks, files, knowledge bases, widgets, GraphQL.

use serde_json::json as value;

use super::{
    super::{
        asked::{Asked, text},
        options::WebhookId,
    },
    Answer, Desk, No, json,
};
use crate::value::{Object, Value};

/// The documented events, and the one that was seen besides.
const EVENTS: [&str; 15] = [
    "ticket_started",
    "ticket_opened",
    "ticket_closed",
    "ticket_assigned",
    "ticket_priority_changed",
    "ticket_deleted",
    "ticket_tagged",
    "ticket_moved",
    "customer_replied",
    "customer_added",
    "agent_invited",
    "agent_archived",
    "note_added",
    "agent_replied",
    "ticket_state_changed",
];
/// Parameters of a customer.
const OF_CUSTOMER: [&str; 10] = [
    "email",
    "name",
    "about",
    "twitter_username",
    "title",
    "company_name",
    "phone_number",
    "location",
    "linkedin_username",
    "custom",
];
/// Files of this ending are refused, within a 200.
const REFUSED_FILE: &str = ".exe";

/// What is made by a POST: where, wrapped in what, with which parameter required, and where a GET of all is.
struct Made {
    place: &'static str,
    wrapped: &'static str,
    required: &'static str,
}

const MADE: [Made; 4] = [
    Made { place: "groups", wrapped: "group", required: "name" },
    Made { place: "widgets", wrapped: "widget", required: "name" },
    Made { place: "articles", wrapped: "article", required: "" },
    Made { place: "categories", wrapped: "category", required: "" },
];

impl Desk {
    /// Everything but tickets and messages.
    pub(super) fn record(&mut self, asked: &Asked, path: &[&str]) -> Result<Answer, No> {
        match (asked.method.as_str(), path) {
            ("GET", ["v1", "customers"]) => {
                self.page(asked, "customers", self.shelf("customers"), |one| Some(one.clone()))
            }
            ("GET" | "PUT", ["v1", "customers", _]) => self.customer(asked),
            ("GET", ["v1", "agents"]) => Ok(json(200, value!({ "agents": self.shelf("agents") }))),
            ("GET", ["v1", "agents", _]) => {
                let known = Self::raw_person(asked)?;
                let agent = self.find("agents", "email", &known)?;
                Ok(json(200, value!({ "agent": agent })))
            }
            ("GET", ["v1", "folders"]) => Ok(json(200, value!({ "folders": self.shelf("folders") }))),
            ("GET", ["v1", "attachments"]) => self.attachments(asked),
            ("POST", ["messages", message, "attachments"]) => self.upload(message, asked),
            ("POST", ["v1", "webhooks"]) => self.subscribe(asked),
            ("DELETE", ["v1", "webhooks", id]) => {
                self.find("webhooks", "id", id)?;
                self.shelf_mut("webhooks").retain(|one| one["id"] != **id);
                Ok(Answer { status: 204, ..Answer::default() })
            }
            ("GET", ["v1", "kb"]) => Ok(json(200, value!({ "knowledge_bases": self.shelf("knowledge_bases") }))),
            ("GET", ["v1", "kb", "themes"]) => Ok(json(200, value!({ "themes": [{ "id": "1", "name": "Plain" }] }))),
            (_, ["v1", "kb", kb, rest @ ..]) => {
                self.find("knowledge_bases", "id", kb)?;
                match (asked.method.as_str(), rest) {
                    ("POST", [place @ ("articles" | "categories")]) => self.make(place, asked),
                    ("GET", ["articles", "search"]) => {
                        self.page(asked, "articles", self.shelf("articles"), |one| Some(one.clone()))
                    }
                    ("GET", ["categories", "search"]) => match asked.query("keyword") {
                        Some(_) => Ok(json(200, value!({ "categories": self.shelf("categories") }))),
                        None => Err(self.invalid("keyword is required")),
                    },
                    _ => Err(No(404, "not found".into())),
                }
            }
            ("GET", ["v1", place @ ("groups" | "widgets")]) => {
                let mut all = Object::new();
                all.insert((*place).to_owned(), self.shelf(place).into());
                Ok(json(200, all.into()))
            }
            ("POST", ["v1", place @ ("groups" | "widgets")]) => self.make(place, asked),
            (method @ ("GET" | "PUT" | "DELETE"), ["v1", "groups", id]) => self.group(method, id, asked),
            (method @ ("GET" | "PUT"), ["v1", "widgets", id, "settings"]) => self.settings(method, id, asked),
            ("POST", ["v2", "graphql"]) => self.graphql(asked),
            _ => Err(No(404, "not found".into())),
        }
    }

    /// `GET /public/widgets/:uuid`, which needs no token.
    pub(super) fn public_widget(&self, uuid: &str) -> Result<Answer, No> {
        Ok(json(200, value!({ "widget": self.find("widgets", "uuid", uuid)? })))
    }

    /// What is there at first.
    pub(super) fn furnish(&mut self) {
        let customer = self.options.customer.clone();
        let customer = value!({
            "email": customer, "name": null, "about": null, "twitter_username": null, "title": null, "company_name": null,
            "phone_number": null, "location": null, "website_url": null, "linkedin_username": null, "custom": {},
            "href": self.href(&format!("customers/{customer}")),
            "links": { "tickets": { "href": self.href(&format!("tickets?customer={customer}")) } }
        });
        let agent = self.agent_json(&self.options.token_user);
        for (place, one) in [
            ("customers", customer),
            ("agents", agent),
            ("folders", value!({ "id": "1000000001", "name": "Inbox" })),
            ("knowledge_bases", value!({ "id": "0034567890", "title": "Help", "subdomain": "help" })),
        ] {
            self.shelf_mut(place).push(one);
        }
        let mut group = Object::new();
        group.insert("name".to_owned(), "Support".into());
        let group = self.fresh("groups", &group);
        self.shelf_mut("groups").push(group);
    }

    /// All of a kind.
    pub(super) fn shelf(&self, place: &str) -> &[Value] {
        self.shelves.get(place).map(Vec::as_slice).unwrap_or_default()
    }

    fn shelf_mut(&mut self, place: &str) -> &mut Vec<Value> {
        self.shelves.entry(place.to_owned()).or_default()
    }

    fn find(&self, place: &str, name: &str, wanted: &str) -> Result<Value, No> {
        let is = |one: &&Value| one[name].as_str().is_some_and(|text| text.eq_ignore_ascii_case(wanted));
        self.shelf(place).iter().find(is).cloned().ok_or_else(|| No(404, "not found".into()))
    }

    pub(super) fn agent_json(&self, email: &str) -> Value {
        value!({
            "email": email, "first_name": "An", "last_name": "Agent", "href": self.href(&format!("agents/{email}")),
            "links": { "tickets": { "href": self.href(&format!("tickets?assignee={email}")) } }
        })
    }

    /// The e-mail at the end of a path, whose `@` must stand as it is.
    fn raw_person(asked: &Asked) -> Result<String, No> {
        let last = asked.raw_path.rsplit('/').next().unwrap_or_default();
        if last.to_ascii_lowercase().contains("%40") {
            return Err(No(404, "not found: @ is not percent-encoded here".into()));
        }
        Ok(asked.path.last().cloned().unwrap_or_default())
    }

    fn customer(&mut self, asked: &Asked) -> Result<Answer, No> {
        let email = Self::raw_person(asked)?;
        let mut customer = self.find("customers", "email", &email)?;
        if asked.method == http::Method::PUT {
            let body = self.body(asked, &OF_CUSTOMER)?;
            text(body, "email").map_err(|why| self.invalid(why))?;
            let changes: Vec<(String, Value)> = body.iter().map(|(name, new)| (name.clone(), new.clone())).collect();
            for one in self.shelf_mut("customers").iter_mut().filter(|one| **one == customer) {
                one.as_object_mut().into_iter().for_each(|one| one.extend(changes.clone()));
            }
            customer.as_object_mut().into_iter().for_each(|one| one.extend(changes.clone()));
        }
        Ok(json(200, value!({ "customer": customer })))
    }

    /// A record from what was given, with an id and what else it has.
    fn fresh(&mut self, place: &str, given: &Object) -> Value {
        self.next_record += 1;
        let id = format!("{:010}", self.next_record);
        let now = (self.options.now)();
        let mut one = given.clone();
        let more = match place {
            "groups" => value!({
                "links": { "agents": { "href": self.href(&format!("agents?group={id}")) } },
                "agent_ids": given.get("agents").cloned().unwrap_or_else(|| value!([]))
            }),
            "widgets" => value!({
                "uuid": format!("widget-{id}"), "created_at": now, "updated_at": now, "published_settings": {}
            }),
            _ => value!({}),
        };
        one.remove("agents");
        one.insert("id".to_owned(), id.into());
        one.extend(more.as_object().cloned().unwrap_or_default());
        one.into()
    }

    fn make(&mut self, place: &str, asked: &Asked) -> Result<Answer, No> {
        let Some(made) = MADE.iter().find(|made| made.place == place) else {
            return Err(No(404, "not found".into()));
        };
        let body = asked.body.as_ref().ok_or_else(|| self.invalid("the body is neither JSON nor a form"))?.clone();
        if !made.required.is_empty() {
            text(&body, made.required).map_err(|why| self.invalid(why))?;
        }
        let one = self.fresh(place, &body);
        self.shelf_mut(place).push(one.clone());
        let mut answer = Object::new();
        answer.insert(made.wrapped.to_owned(), one);
        let location = (place == "groups").then(|| ("location", self.href("groups")));
        Ok(Answer { headers: location.into_iter().collect(), ..json(201, answer.into()) })
    }

    fn group(&mut self, method: &str, id: &str, asked: &Asked) -> Result<Answer, No> {
        let mut group = self.find("groups", "id", id)?;
        match method {
            "PUT" => {
                let body = self.body(asked, &["name", "description", "agents"])?.clone();
                for one in self.shelf_mut("groups").iter_mut().filter(|one| one["id"] == id) {
                    one.as_object_mut().into_iter().for_each(|one| one.extend(body.clone()));
                    group = one.clone();
                }
            }
            "DELETE" => self.shelf_mut("groups").retain(|one| one["id"] != id),
            _ => {}
        }
        Ok(json(200, value!({ "group": group })))
    }

    fn settings(&mut self, method: &str, id: &str, asked: &Asked) -> Result<Answer, No> {
        self.find("widgets", "id", id)?;
        let given = self.body(asked, &[]).or_else(|no| asked.body.as_ref().ok_or(no))?.clone();
        let mut shown = Value::Null;
        for one in self.shelf_mut("widgets").iter_mut().filter(|one| one["id"] == id) {
            if method == "PUT" {
                one["published_settings"].as_object_mut().into_iter().for_each(|all| all.extend(given.clone()));
            }
            shown = one["published_settings"].clone();
        }
        Ok(json(200, value!({ "settings": shown })))
    }

    fn attachments(&self, asked: &Asked) -> Result<Answer, No> {
        let Some(message) = asked.query("message") else { return Err(self.invalid("message is required")) };
        let all: Vec<Value> =
            self.shelf("attachments").iter().filter(|one| one["message"] == message).cloned().collect();
        let shown: Vec<Value> = all
            .iter()
            .map(|one| value!({ "filename": one["filename"], "size": one["size"], "url": one["url"] }))
            .collect();
        Ok(json(200, value!({ "attachments": shown })))
    }

    /// The uploader: 200 also for a file that is refused.
    fn upload(&mut self, message: &str, asked: &Asked) -> Result<Answer, No> {
        let Some(name) = asked.query("filename").map(str::to_owned) else {
            return Err(self.invalid("filename is required"));
        };
        let kind = asked.kind.clone().unwrap_or_default();
        let mut answer = value!({
            "attachment_file_name": name, "attachment_content_type": kind, "attachment_file_size": asked.length, "success": true
        });
        if asked.length == 0 || name.ends_with(REFUSED_FILE) {
            answer["success"] = false.into();
            answer["errors"] = value!(["this file is not taken"]);
        } else {
            let url = self.href(&format!("files/{name}"));
            self.shelf_mut("attachments")
                .push(value!({ "message": message, "filename": name, "size": asked.length, "url": url }));
        }
        Ok(json(200, value!({ "attachment": answer })))
    }

    fn subscribe(&mut self, asked: &Asked) -> Result<Answer, No> {
        let body = self.body(asked, &["event", "url"])?;
        let event = text(body, "event").map_err(|why| self.invalid(why))?.to_owned();
        let url = text(body, "url").map_err(|why| self.invalid(why))?.to_owned();
        if !EVENTS.contains(&event.as_str()) {
            return Err(self.invalid("event is unknown"));
        }
        if !url::Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err(self.invalid("url is not an address"));
        }
        self.next_record += 1;
        let id = format!("{:010}", self.next_record);
        let mut shown = value!({ "event": event, "url": url, "state": "active" });
        let mut kept = shown.clone();
        kept["id"] = id.as_str().into();
        self.shelf_mut("webhooks").push(kept);
        let mut headers = Vec::new();
        match self.options.webhook_id {
            WebhookId::None => {}
            WebhookId::Body => shown["id"] = id.into(),
            WebhookId::Location => headers.push(("location", self.href(&format!("webhooks/{id}")))),
        }
        Ok(Answer { headers, ..json(201, value!({ "webhook": shown })) })
    }

    /// Faults of a query are told within a 200; those of a mutation in its own answer.
    fn graphql(&self, asked: &Asked) -> Result<Answer, No> {
        let body = self.body(asked, &["query", "variables"])?;
        let query = text(body, "query").map_err(|why| self.invalid(why))?;
        let name = body.get("variables").and_then(|all| all.get("name")).and_then(Value::as_str);
        let answer = match name {
            _ if query.contains("ping") => value!({ "data": { "ping": "pong" } }),
            Some(name) if query.contains("tagCreate") => {
                value!({ "data": { "tagCreate": { "tag": { "name": name }, "errors": [] } } })
            }
            None if query.contains("tagCreate") => value!({
                "data": { "tagCreate": { "tag": null, "errors": [{ "path": ["name"], "message": "can't be blank" }] } }
            }),
            _ => value!({ "errors": [{ "message": "the field does not exist on type Query", "locations": [] }] }),
        };
        Ok(json(200, answer))
    }
}
