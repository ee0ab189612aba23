//! Filters that a person has given a name, beside those that everybody has.

use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act::{self, views::SHARED},
        inbox::{Asked, at},
        query::Query,
        refused::Refused,
        sent::Sent,
        state::Admin,
    },
    model::Person,
};

/// A named filter.
pub(super) struct View {
    pub(super) name: String,
    pub(super) href: String,
    pub(super) is_here: bool,
    /// The person's own: it can be removed.
    pub(super) is_own: bool,
}

/// The views of a person, the shared ones first.
pub(super) async fn of(admin: &Admin, person: &Person, asked: &Asked) -> Result<Vec<View>, Refused> {
    let here = asked.filter_alone().query();
    let view = |name: String, query: String, is_own: bool| {
        let is_here = query == here;
        View { name, href: at("/events", &query), is_here, is_own }
    };
    let shared = SHARED.iter().map(|(name, query)| view((*name).to_owned(), (*query).to_owned(), false));
    let own = admin.store.views(person.id).await?;
    Ok(shared.chain(own.into_iter().map(|(name, query)| view(name, query, true))).collect())
}

/// Keeps the filter of an address under a name; one of that name is replaced.
#[rocket::post("/events/views", data = "<sent>")]
pub(super) async fn keep(
    sent: Result<Sent, Refused>,
    admin: &State<Admin>,
    person: &Person,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    let name = sent.wanted("name")?;
    let asked = Asked::read(&Query::read(sent.text("query")?.unwrap_or_default())?)?.filter_alone();
    act::views::keep(admin, person, name, &asked).await?;
    Ok(Redirect::to(asked.href()))
}

/// Removes a view of the person's own.
#[rocket::post("/events/views/remove", data = "<sent>")]
pub(super) async fn forget(
    sent: Result<Sent, Refused>,
    admin: &State<Admin>,
    person: &Person,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    act::views::remove(admin, person, sent.wanted("name")?).await?;
    Ok(Redirect::to("/events"))
}
