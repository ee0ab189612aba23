//! What the forms of the rule pages send.

use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act::rules::{self as act, Rename, Wish},
        refused::Refused,
        sent::Sent,
        state::Admin,
    },
    model::Person,
};

/// The page of a rule, with a known word on what was done.
pub(super) fn page_of(id: &str, did: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/rules/show?id={id}&did={did}")
}

/// What was done, with whether it was committed.
fn word(saved: &'static str, kept: &'static str, committed: bool) -> &'static str {
    if committed { saved } else { kept }
}

fn enabled(sent: &Sent) -> Result<bool, Refused> {
    match sent.wanted("enabled")? {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Refused::invalid("`enabled` is `true` or `false`.")),
    }
}

#[rocket::post("/rules/switch", data = "<sent>")]
pub(super) async fn switch(
    admin: &State<Admin>,
    person: &Person,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    let (id, enabled) = (sent.wanted("id")?.to_owned(), enabled(&sent)?);
    act::switch(admin, person, std::slice::from_ref(&id), enabled).await?;
    let did = if enabled { "enabled" } else { "disabled" };
    let back = if sent.text("back")? == Some("list") { format!("/rules?did={did}") } else { page_of(&id, did) };
    Ok(Redirect::to(back))
}

#[rocket::post("/rules/bulk", data = "<sent>")]
pub(super) async fn bulk(
    admin: &State<Admin>,
    person: &Person,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    let ids: Vec<String> = sent.all("ids").map(str::to_owned).collect();
    let enabled = enabled(&sent)?;
    act::switch(admin, person, &ids, enabled).await?;
    Ok(Redirect::to(format!("/rules?did={}", if enabled { "enabled" } else { "disabled" })))
}

#[rocket::post("/rules/delete", data = "<sent>")]
pub(super) async fn delete(
    admin: &State<Admin>,
    person: &Person,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    let message = sent.text("message")?.unwrap_or_default();
    let saved = act::delete(admin, person, sent.wanted("id")?, sent.wanted("digest")?, message).await?;
    Ok(Redirect::to(format!("/rules?did={}", word("deleted", "deleted-only", saved.committed))))
}

#[rocket::post("/rules/rename", data = "<sent>")]
pub(super) async fn rename(
    admin: &State<Admin>,
    person: &Person,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    let to = sent.wanted("to")?.trim();
    let wish = Rename {
        id: sent.wanted("id")?,
        to,
        digest: sent.wanted("digest")?,
        message: sent.text("message")?.unwrap_or_default(),
    };
    let saved = act::rename(admin, person, wish).await?;
    Ok(Redirect::to(page_of(to, word("renamed", "renamed-only", saved.committed))))
}

#[rocket::post("/rules/restore", data = "<sent>")]
pub(super) async fn restore(
    admin: &State<Admin>,
    person: &Person,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    let id = sent.wanted("id")?;
    let wish = Wish {
        path: sent.wanted("path")?.to_owned(),
        text: String::new(),
        base: sent.text("base")?.unwrap_or_default().to_owned(),
        message: sent.text("message")?.unwrap_or_default().to_owned(),
        confirm_secret: sent.is_ticked("confirm_secret"),
        force_tests: sent.is_ticked("force_tests"),
    };
    let saved = act::restore(admin, person, sent.wanted("version")?, sent.is_ticked("over"), wish).await?;
    Ok(Redirect::to(page_of(id, word("restored", "restored-only", saved.committed))))
}

/// The sentence of a word in the address.
pub(super) fn told(did: Option<&str>) -> &'static str {
    match did {
        Some("saved") => "Saved.",
        Some("enabled") => "Switched on.",
        Some("disabled") => "Switched off: it starts no new runs. Runs that are under way go on.",
        Some("deleted") => "Deleted, and committed.",
        Some("deleted-only") => "Deleted. It was not committed; the page of a rule says why.",
        Some("renamed") => "Renamed, and committed.",
        Some("renamed-only") => "Renamed. It was not committed; the line on git below says why.",
        Some("restored") => "Restored, and committed.",
        Some("restored-only") => "Restored. It was not committed; the line on git below says why.",
        _ => "",
    }
}
