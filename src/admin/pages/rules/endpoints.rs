//! What the editor asks: a draft tried, a text saved, events to try it on, the schema.

use rocket::State;
use serde::Deserialize;
use serde_json::json;

use super::answer::{Json, Packed};
use crate::{
    admin::{
        act::rules::{self as act, Trial, Wish},
        packed::TakesGzip,
        refused::Refused,
        rulefiles::lines,
        sent::Sent,
        state::Admin,
    },
    model::Person,
};

/// Lines of a text that is compared.
const MOST_LINES: usize = 20_000;

/// A text beside what is on disk.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beside {
    path: String,
    text: String,
}

#[rocket::post("/rules/draft", data = "<sent>")]
pub(super) async fn draft(admin: &State<Admin>, person: &Person, sent: Result<Sent, Refused>) -> Result<Json, Refused> {
    let trial: Trial = sent?.json()?;
    Json::of(&act::tried(admin, person, trial).await?)
}

#[rocket::post("/rules/save", data = "<sent>")]
pub(super) async fn save(admin: &State<Admin>, person: &Person, sent: Result<Sent, Refused>) -> Result<Json, Refused> {
    let wish: Wish = sent?.json()?;
    Json::of(&act::save(admin, person, wish).await?)
}

#[rocket::post("/rules/diff", data = "<sent>")]
pub(super) async fn diff(admin: &State<Admin>, sent: Result<Sent, Refused>) -> Result<Json, Refused> {
    let Beside { path, text } = sent?.json()?;
    let now = act::begin(admin, &path, None).await?;
    if text.bytes().filter(|byte| *byte == b'\n').count() > MOST_LINES {
        return Err(Refused::new(
            422,
            "too_long",
            format!("A rule file has {MOST_LINES} lines at most to be compared."),
        ));
    }
    let told = tokio::task::spawn_blocking(move || Json::of(&json!({"lines": lines(&now.text, &text)}))).await;
    told.map_err(|_| Refused::new(500, "internal", "The texts were not compared. The log of the server says why."))?
}

#[rocket::get("/rules/samples?<path>")]
pub(super) async fn samples(admin: &State<Admin>, path: Option<&str>) -> Result<Json, Refused> {
    Json::of(&act::samples(admin, path.unwrap_or_default()).await?)
}

#[rocket::get("/rules/text?<path>&<from>")]
pub(super) async fn text(admin: &State<Admin>, path: Option<&str>, from: Option<&str>) -> Result<Json, Refused> {
    let begun = act::begin(admin, path.unwrap_or_default(), from).await?;
    Json::of(&json!({"path": begun.path, "text": begun.text, "digest": begun.digest}))
}

#[rocket::get("/rules/schema.json")]
pub(super) async fn schema(admin: &State<Admin>, person: &Person, takes: TakesGzip) -> Result<Packed, Refused> {
    let turn = admin.searches().turn(person.id).await?;
    let workshop = std::sync::Arc::clone(&admin.workshop);
    let packed = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        Packed::of(&workshop.schema(), takes)
    });
    packed
        .await
        .map_err(|_| Refused::new(500, "internal", "The schema cannot be shown. The log of the server says why."))?
}
