//! Filters that a person has given a name, beside those that everybody has.

use rocket::{State, response::Redirect};

use crate::{
    admin::{
        audit::Deed,
        inbox::{Asked, at},
        query::Query,
        refused::Refused,
        sent::Sent,
        state::Admin,
    },
    model::Person,
    store::MOST_VIEWS,
};

/// Characters of a view's name.
const LONGEST: usize = 60;

/// What everybody has.
const SHARED: [(&str, &str); 5] = [
    ("All", ""),
    ("Unmatched", "state=unmatched"),
    ("Refused", "state=refused"),
    ("Duplicates", "state=duplicate"),
    ("Last hour", "since=1h"),
];

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
    let name = sent.wanted("name")?.trim();
    if name.chars().count() > LONGEST || name.chars().any(char::is_control) {
        return Err(Refused::invalid(format!("A view's name has at most {LONGEST} characters, and no line breaks.")));
    }
    if SHARED.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
        return Err(Refused::conflict(format!("`{name}` is a view that everybody has. Choose another name.")));
    }
    let asked = Asked::read(&Query::read(sent.text("query")?.unwrap_or_default())?)?.filter_alone();
    let kept = admin.store.put_view(person.id, name.to_owned(), asked.query(), admin.clock.now()).await?;
    if !kept {
        return Err(Refused::conflict(format!("You have {MOST_VIEWS} views, which is the most. Remove one first.")));
    }
    let after = serde_json::json!({ "query": asked.query() });
    let deed = Deed { action: "view.keep", subject: name.to_owned(), after, ..Deed::default() };
    admin.audit(person, deed).await?;
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
    let name = sent.wanted("name")?.to_owned();
    if !admin.store.remove_view(person.id, name.clone()).await? {
        return Err(Refused::missing("view of yours with this name"));
    }
    admin.audit(person, Deed { action: "view.remove", subject: name, ..Deed::default() }).await?;
    Ok(Redirect::to("/events"))
}
