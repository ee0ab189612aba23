//! `/refusals/<id>`: a delivery that was not taken, and why.

use askama::Template;
use rocket::State;

use super::rows::bytes;
use crate::{
    admin::{
        refused::Refused,
        state::Admin,
        view::{Frame, Page, page},
    },
    clock::Time,
    ids::RefusalId,
    model::{Person, Refusal},
};

#[derive(Template)]
#[template(path = "refusal.html")]
struct Shown {
    frame: Frame,
    refusal: Refusal,
    at: Time,
    size: String,
    way_out: String,
}

/// `/refusals/<id>`
#[rocket::get("/refusals/<id>")]
pub(super) async fn show(id: &str, admin: &State<Admin>, person: &Person) -> Page {
    let missing = || Refused::missing("such refusal; they are kept in a ring of 10,000, and this one may have left it");
    let id: RefusalId = id.parse().map_err(|_| missing())?;
    let refusal = admin.store.refusal(id).await?.ok_or_else(missing)?;
    page(&Shown {
        frame: Frame::new(admin, person, "/events", "A refused delivery"),
        at: Time(refusal.at),
        size: bytes(refusal.bytes),
        way_out: way_out(&refusal),
        refusal,
    })
}

/// What to do about it.
fn way_out(refusal: &Refusal) -> String {
    let source = refusal.source.as_deref().unwrap_or_default();
    match (refusal.status, refusal.source.is_some()) {
        (404, _) => "No source has this address. The addresses that there are stand on the page of sources.".to_owned(),
        (401, _) => format!(
            "The proof was missing or did not hold. Compare the key that the sender signs with with the secret of `{source}`; \
             where it was rotated, the old one counts while the overlap lasts."
        ),
        (503, _) => format!(
            "`{source}` could not check it: a secret is not set or does not open, or the database was busy. The sender may try again."
        ),
        (413, _) => "Its body is larger than `limits.body` lets in, or than the source's own limit.".to_owned(),
        (415, _) => format!("Its content type is none that `{source}` reads; `sources.{source}.body` says which are."),
        (429, _) => "There were too many from this address. The sender may try again.".to_owned(),
        (_, true) => format!("Look at what the sender sends to `{source}`, and send a sample: bellwire send {source}"),
        (_, false) => "It was refused before its source was known.".to_owned(),
    }
}
