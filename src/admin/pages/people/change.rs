//! Attributes of a person, by hand.

use rocket::{State, response::Redirect};

use crate::{
    admin::{act, here::encoded, refused::Refused, sent::Sent, state::Admin},
    model::{Change, Person},
    value::{JsonLimits, Value, read_json},
};

/// Begins with a person of whom nothing is known yet.
#[rocket::post("/people", data = "<sent>")]
pub(super) async fn add(
    admin: &State<Admin>,
    person: &Person,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    let email = sent.wanted("email")?;
    keep(admin, person, email, &sent).await
}

#[rocket::post("/people/<email>/set", data = "<sent>")]
pub(super) async fn set(
    admin: &State<Admin>,
    person: &Person,
    email: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    keep(admin, person, email, &sent?).await
}

async fn keep(admin: &Admin, person: &Person, email: &str, sent: &Sent) -> Result<Redirect, Refused> {
    let name = sent.wanted("name")?.trim().to_owned();
    let text = sent.text("value")?.unwrap_or_default();
    let value = if sent.is_ticked("json") {
        let read = read_json(text.as_bytes(), JsonLimits::default());
        read.map_err(|error| Refused::invalid(format!("The value is no JSON: {error}.")))?.value
    } else {
        Value::String(text.replace("\r\n", "\n"))
    };
    let mut change = Change::default();
    change.set.insert(name, value);
    act::people::change(admin, person, email, change).await?;
    Ok(Redirect::to(format!("/people/{}?did=set", encoded(&act::people::email_of(email)?))))
}

#[rocket::post("/people/<email>/remove", data = "<sent>")]
pub(super) async fn remove(
    admin: &State<Admin>,
    person: &Person,
    email: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    let change = Change { remove: vec![sent.wanted("name")?.to_owned()], ..Change::default() };
    act::people::change(admin, person, email, change).await?;
    Ok(Redirect::to(format!("/people/{}?did=removed", encoded(&act::people::email_of(email)?))))
}
