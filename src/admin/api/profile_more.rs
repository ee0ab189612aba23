//! Of `/api/v1/profiles`: many people at once, and a person's card.

use std::sync::Arc;

use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    answer::{Answer, Reply},
    asked::{Asked, Nothing},
    body::{Body, objects},
    explained::died,
    once::Key,
    part::Part,
    profiles::{ABOUT, email_of},
};
use crate::{
    admin::{
        act::people,
        card::{CardOf, card, card_answer, card_template},
        refused::Refused,
        state::Admin,
    },
    model::{Keeper, Person, Role, Scope, answer_faults},
};

/// People of one import.
const MOST: usize = 500;

#[derive(OpenApi)]
#[openapi(paths(import_profiles, show_card))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("profiles", ABOUT).with(Role::Viewer, Scope::Read, rocket::routes![show_card]).with(
        Role::Editor,
        Scope::People,
        rocket::routes![import_profiles],
    )
}

/// Attributes of many people.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportSent {
    #[serde(deserialize_with = "objects")]
    #[schema(min_items = 1, max_items = 500)]
    profiles: Vec<ImportRow>,
}

/// Attributes of one of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportRow {
    #[schema(example = "maria@example.com")]
    email: String,
    /// By name. Others stay as they are.
    #[schema(value_type = Object, example = json!({"plan": "Pro"}))]
    attributes: Map<String, Value>,
}

/// What came of an import.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportView {
    /// People whose attributes were set.
    imported: usize,
    /// Those that were left out.
    faults: Vec<ImportFault>,
}

/// A person that was left out.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportFault {
    /// Its place in `profiles`, from 0.
    at: usize,
    why: String,
}

/// Set attributes of many people. Those of which one does not fit are left out, and named.
#[utoipa::path(
    request_body = ImportSent,
    responses((status = 200, description = "What came of it.", body = ImportView))
)]
#[post("/api/v1/profiles/import", data = "<sent>")]
async fn import_profiles(
    admin: &State<Admin>,
    person: &Person,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<ImportSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let rows: Vec<_> = sent.value.profiles.into_iter().map(|row| (row.email, row.attributes)).collect();
    if rows.is_empty() || rows.len() > MOST {
        return Err(Refused::new(422, "invalid", format!("`profiles`: 1 to {MOST} of them wanted.")));
    }
    let import = async {
        let (imported, faults) = people::import(admin, person, rows).await?;
        let faults = faults.into_iter().map(|(at, why)| ImportFault { at, why }).collect();
        Reply::ok(&ImportView { imported, faults })
    };
    key?.once(admin, person, sent.digest, import).await
}

/// As whom the card is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CardAsked {
    /// The customer's name, as Groove fills it in.
    #[serde(default)]
    #[param(required = false, example = "Maria Example")]
    full_name: String,
    /// The customer's status, as Groove fills it in.
    #[serde(default)]
    #[param(required = false)]
    status: String,
}

/// A person's card.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CardView {
    /// What Groove is answered.
    #[schema(value_type = Object)]
    answer: Value,
    /// Why Groove would not take it, a sentence each.
    faults: Vec<String>,
    /// The card as Groove would show it, HTML. `null`: the template does not hold.
    html: Option<String>,
    /// Why the template does not hold.
    why: Option<String>,
}

/// A person's card as Groove would show it, also of somebody of whom nothing is kept.
#[utoipa::path(
    params(CardAsked),
    responses((status = 200, description = "The card.", body = CardView))
)]
#[get("/api/v1/profiles/<email>/card")]
async fn show_card(admin: &State<Admin>, email: &str, asked: Result<Asked<CardAsked>, Refused>) -> Answer {
    let Asked(CardAsked { full_name, status }) = asked?;
    let email = email_of(email)?;
    let attributes = admin.store.attributes(Keeper::Profile, email.clone()).await?;
    let answer = card_answer(&attributes);
    let (config, now, given) = (Arc::clone(&admin.config), admin.clock.now(), answer.clone());
    // A template may take its second.
    let made = tokio::task::spawn_blocking(move || {
        let of = CardOf { email: &email, full_name: &full_name, status: &status };
        card(&card_template(&config, None)?, &given, of, now)
    });
    let (html, why) = match made.await.map_err(|_| died())? {
        Ok(html) => (Some(html), None),
        Err(why) => (None, Some(why)),
    };
    Reply::ok(&CardView { faults: answer_faults(&answer), answer, html, why })
}
