//! `/api/v1/views`: filters of the inbox that a person has given a name.

use rocket::{State, delete, get, put};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Reply},
    asked::{Asked, Nothing},
    body::{Body, Empty},
    once::Key,
    part::Part,
};
use crate::{
    admin::{act::views as act, inbox, query::Query, refused::Refused, state::Admin},
    model::{Person, Role, Scope},
};

#[derive(OpenApi)]
#[openapi(paths(list_views, put_view, remove_view))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("views", "Named filters of the inbox, each person's own.")
        .with(Role::Viewer, Scope::Read, rocket::routes![list_views])
        .with(Role::Viewer, Scope::Run, rocket::routes![put_view, remove_view])
}

/// A named filter.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ViewView {
    #[schema(example = "Missed calls")]
    name: String,
    /// As in the address of the inbox, and as `/api/v1/events` takes it.
    #[schema(example = "source=gruveo&state=matched")]
    query: String,
}

/// The views of the token's person, by name.
#[utoipa::path(responses((status = 200, description = "All of them.", body = Listed<ViewView>)))]
#[get("/api/v1/views")]
async fn list_views(admin: &State<Admin>, person: &Person, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let views = admin.store.views(person.id).await?;
    let items = views.into_iter().map(|(name, query)| ViewView { name, query }).collect();
    Reply::ok(&Listed { items, next: None })
}

/// A filter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewSent {
    /// `source`, `type`, `state`, `rule`, `since`, `from`, `to`, `q`, `when` as in an address.
    #[schema(max_length = 4096, example = "source=gruveo&state=matched")]
    query: String,
}

/// Keep a filter under a name, in the place of the one of that name.
#[utoipa::path(request_body = ViewSent, responses((status = 200, description = "The view.", body = ViewView)))]
#[put("/api/v1/views/<name>", data = "<sent>")]
async fn put_view(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<ViewSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let keep = async {
        let filter = inbox::Asked::read(&Query::read(&sent.value.query)?)?.filter_alone();
        act::keep(admin, person, name, &filter).await?;
        Reply::ok(&ViewView { name: name.trim().to_owned(), query: filter.query() })
    };
    key?.once(admin, person, sent.digest, keep).await
}

/// Remove a view.
#[utoipa::path(request_body = Empty, responses((status = 204, description = "It is gone.")))]
#[delete("/api/v1/views/<name>", data = "<sent>")]
async fn remove_view(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let remove = async {
        act::remove(admin, person, name).await?;
        Ok(Reply::done())
    };
    key?.once(admin, person, sent.digest, remove).await
}
