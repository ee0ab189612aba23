//! A person: attributes, and where each came from.

use askama::Template;
use rocket::State;

use crate::{
    admin::{
        act::people::email_of,
        forgetting::{Forgetting, Progress},
        here::encoded,
        inbox::Asked,
        state::Admin,
        view::{Frame, Page, page},
    },
    clock::Time,
    ids::RunId,
    model::{Keeper, Person},
    value::Value,
};

/// An attribute.
struct Attribute {
    name: String,
    /// As a person reads it: a text as it is, else JSON.
    value: String,
    is_text: bool,
    /// The run that wrote it last.
    run: Option<RunId>,
    /// Who else did.
    origin: String,
}

#[derive(Template)]
#[template(path = "person.html")]
struct OnePerson {
    frame: Frame,
    email: String,
    href: String,
    /// The events that name the person.
    search: String,
    attributes: Vec<Attribute>,
    changed_at: Option<Time>,
    forgetting: Option<Progress>,
}

#[rocket::get("/people/<email>?<did>")]
pub(super) async fn show(
    admin: &State<Admin>,
    forgetting: &State<Forgetting>,
    person: &Person,
    email: &str,
    did: Option<&str>,
) -> Page {
    let email = email_of(email)?;
    let row = admin.store.attributes_of(Keeper::Profile, email.clone()).await?;
    let changed_at = row.as_ref().map(|row| row.changed_at);
    let attributes = row.into_iter().flat_map(|row| {
        let origins = row.origins;
        row.attributes.into_iter().map(move |(name, value)| {
            let origin = origins.get(&name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (value, is_text) = match value {
                Value::String(text) => (text, true),
                value => (value.to_string(), false),
            };
            Attribute { name, value, is_text, run: origin.parse().ok(), origin }
        })
    });
    let attributes = attributes.collect();
    let mut frame = Frame::new(admin, person, "/people", email.clone());
    frame.notice = match did {
        Some("set") => "Kept.".to_owned(),
        Some("removed") => "Removed.".to_owned(),
        _ => String::new(),
    };
    let href = encoded(&email);
    let search = Asked { text: email.clone(), ..Asked::default() }.href();
    page(&OnePerson { frame, attributes, changed_at, forgetting: forgetting.of(&email), href, search, email })
}
