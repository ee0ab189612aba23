//! What a person does about a run: forms that lead back to its page.

use rocket::{Route, State, http::Status, response::Redirect};

use super::{
    replay::Form,
    show::{run_id, shown},
};
use crate::{
    admin::{
        act::runs::{self, Wish, With},
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::Html,
    },
    ids::RunId,
    model::Person,
    store::Resolution,
};

pub(super) fn routes() -> Vec<Route> {
    rocket::routes![cancel, retry, release, resolve, replay]
}

type Answer = Result<Redirect, Refused>;

/// What tells a form from the same one sent twice.
pub(super) fn new_key() -> String {
    let mut bytes = [0; 16];
    // Without it a form is a new wish each time it is sent, which is the worst that can be.
    if getrandom::fill(&mut bytes).is_err() {
        return String::new();
    }
    hex::encode(bytes)
}

/// The key of a form. `None`: it has none.
pub(in crate::admin::pages) fn key_of(sent: &Sent) -> Result<Option<[u8; 16]>, Refused> {
    let Some(text) = sent.text("key")?.filter(|text| !text.is_empty()) else { return Ok(None) };
    let mut key = [0; 16];
    let wrong = |_| Refused::invalid("`key` is no key of a form: load the page again and repeat what you did.");
    hex::decode_to_slice(text, &mut key).map_err(wrong)?;
    Ok(Some(key))
}

#[rocket::post("/runs/<id>/cancel", data = "<sent>")]
async fn cancel(sent: Result<Sent, Refused>, id: &str, admin: &State<Admin>, person: &Person) -> Answer {
    sent?;
    let id = run_id(id)?;
    runs::cancel(admin, person, id).await?;
    Ok(Redirect::to(format!("/runs/{id}?did=cancelled")))
}

#[rocket::post("/runs/<id>/retry", data = "<sent>")]
async fn retry(sent: Result<Sent, Refused>, id: &str, admin: &State<Admin>, person: &Person) -> Answer {
    sent?;
    let id = run_id(id)?;
    runs::retry_now(admin, person, id).await?;
    Ok(Redirect::to(format!("/runs/{id}?did=retried")))
}

#[rocket::post("/runs/<id>/release", data = "<sent>")]
async fn release(sent: Result<Sent, Refused>, id: &str, admin: &State<Admin>, person: &Person) -> Answer {
    sent?;
    let id = run_id(id)?;
    let rule = runs::find(admin, id).await?.row.rule;
    runs::release(admin, person, &rule).await?;
    Ok(Redirect::to(format!("/runs/{id}?did=released")))
}

#[rocket::post("/runs/<id>/resolve", data = "<sent>")]
async fn resolve(sent: Result<Sent, Refused>, id: &str, admin: &State<Admin>, person: &Person) -> Answer {
    let sent = sent?;
    let id = run_id(id)?;
    let (resolution, did) = match sent.wanted("as")? {
        "done" => (Resolution::Done, "done"),
        "retry" => (Resolution::Retry, "retry"),
        "fail" => (Resolution::Fail, "fail"),
        "verify" => (Resolution::Verify, "verify"),
        other => {
            let known = "there are done, retry, fail and verify";
            return Err(Refused::invalid(format!("`{}` is no end of an attempt; {known}.", other.escape_debug())));
        }
    };
    runs::resolve(admin, person, id, resolution).await?;
    Ok(Redirect::to(format!("/runs/{id}?did={did}")))
}

#[rocket::post("/runs/<id>/replay", data = "<sent>")]
async fn replay(
    sent: Result<Sent, Refused>,
    id: &str,
    admin: &State<Admin>,
    person: &Person,
) -> Result<Result<Redirect, (Status, Html)>, Refused> {
    let sent = sent?;
    let id = run_id(id)?;
    let refused = match wish(id, &sent) {
        Ok(wish) => match runs::replay(admin, person, wish).await {
            Ok(new) => return Ok(Ok(Redirect::to(format!("/runs/{new}?did=replayed")))),
            Err(refused) => refused,
        },
        Err(refused) => refused,
    };
    // What a person has typed is not lost for what does not fit in it.
    if !matches!(refused.status, 400 | 409 | 413 | 422) || runs::find(admin, id).await.is_err() {
        return Err(refused);
    }
    let form = Form::again(&sent, &refused);
    let page = shown(admin, person, id, "steps", (None, Some(form))).await?;
    Ok(Err((Status::new(refused.status), page)))
}

/// What a form wishes for.
fn wish(of: RunId, sent: &Sent) -> Result<Wish, Refused> {
    Ok(Wish {
        of,
        from: sent.text("from")?.filter(|from| !from.is_empty()).map(str::to_owned),
        with: match sent.text("with")?.unwrap_or("original") {
            "original" => With::Original,
            "current" => With::Current,
            "draft" => With::Draft(sent.wanted("text")?.to_owned()),
            other => {
                let known = "there are original, current and draft";
                return Err(Refused::invalid(format!(
                    "`{}` is no text to replay with; {known}.",
                    other.escape_debug()
                )));
            }
        },
        new_keys: sent.is_ticked("new_keys"),
        key: key_of(sent)?,
    })
}
