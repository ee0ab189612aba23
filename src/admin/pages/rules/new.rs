//! `/rules/new`: what a new rule begins with.

use askama::Template;
use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act::rules as act,
        refused::Refused,
        rulefiles::{Example, examples},
        state::Admin,
        view::{Frame, Html, page},
    },
    model::Person,
    store::{EventFilter, EventRow},
};

/// Events to begin with.
const LISTED: usize = 10;

#[derive(Template)]
#[template(path = "rule_new.html")]
struct New {
    frame: Frame,
    groups: Vec<(String, Vec<Example>)>,
    events: Vec<EventRow>,
    empty_path: String,
}

/// A page, or the way to the editor.
#[derive(rocket::Responder)]
pub(super) enum PageOrEditor {
    Page(Html),
    Editor(Box<Redirect>),
}

/// The page; with `event` or `example` straight on to the editor, with a path that is free.
#[rocket::get("/rules/new?<event>&<example>")]
pub(super) async fn new(
    admin: &State<Admin>,
    person: &Person,
    event: Option<&str>,
    example: Option<&str>,
) -> Result<PageOrEditor, Refused> {
    let from = match (event, example) {
        (Some(event), _) => Some(format!("event:{event}")),
        (None, Some(example)) => Some(format!("example:{example}")),
        (None, None) => None,
    };
    if let Some(from) = from {
        let begun = act::begin(admin, "", Some(&from)).await?;
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("path", &begun.path).append_pair("from", &from);
        if let Some(event) = event {
            query.append_pair("event", event);
        }
        return Ok(PageOrEditor::Editor(Box::new(Redirect::to(format!("/rules/edit?{}", query.finish())))));
    }
    let mut groups: Vec<(String, Vec<Example>)> = Vec::new();
    for example in examples() {
        let group = example.id.split_once('/').map_or("", |(group, _)| group).to_owned();
        match groups.last_mut().filter(|(known, _)| *known == group) {
            Some((_, all)) => all.push(example),
            None => groups.push((group, vec![example])),
        }
    }
    let events = admin.store.events(EventFilter { limit: Some(LISTED), ..EventFilter::default() }).await?;
    let frame = Frame::new(admin, person, "/rules", "New rule");
    page(&New { frame, groups, events, empty_path: "rules/new.yaml".to_owned() }).map(PageOrEditor::Page)
}
