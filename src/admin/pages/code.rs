//! `/account/code`: one's own second factor.

use askama::Template;
use rocket::{State, response::Redirect};
use serde_json::json;

use crate::{
    admin::{
        audit::Deed,
        auth::{Answer, Browser, Ticket, Tried, qr::Picture, second, too_often, totp},
        guard::{Access, Guarded, guard},
        here::Here,
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, page},
    },
    model::{Person, Role},
    store::UserRow,
};

pub(super) fn routes() -> Vec<Guarded> {
    guard(Access::Fresh(Role::Viewer), rocket::routes![show, begin, confirm, renew, off])
}

#[derive(Template)]
#[template(path = "account_code.html")]
struct CodePage {
    frame: Frame,
    is_on: bool,
    left: i64,
    /// One that is not confirmed yet.
    key: String,
    link: String,
    /// The link for a telephone that is not this device.
    picture: Option<Picture>,
    /// Shown once.
    codes: Vec<String>,
    fault: &'static str,
}

fn blank(admin: &Admin, person: &Person) -> CodePage {
    CodePage {
        frame: Frame::new(admin, person, "/account", "Second factor"),
        is_on: false,
        left: 0,
        key: String::new(),
        link: String::new(),
        picture: None,
        codes: Vec::new(),
        fault: "",
    }
}

async fn me(admin: &Admin, person: &Person) -> Result<UserRow, Refused> {
    admin.store.user(person.id).await?.ok_or_else(|| Refused::missing("user of this id"))
}

async fn standing(admin: &Admin, person: &Person, status: u16, fault: &'static str) -> Result<Answer, Refused> {
    let (user, left) = (me(admin, person).await?, admin.store.recovery_codes_left(person.id).await?);
    Ok(Answer::page(status, page(&CodePage { is_on: user.totp.is_some(), left, fault, ..blank(admin, person) })?))
}

#[rocket::get("/account/code")]
async fn show(admin: &State<Admin>, person: &Person) -> Result<Answer, Refused> {
    standing(admin, person, 200, "").await
}

fn proposed(admin: &Admin, person: &Person, here: &Here, key: &str, fault: &'static str) -> Result<Answer, Refused> {
    let host = here.base.split("://").nth(1).unwrap_or_default();
    let link = totp::link(&person.name, host, key);
    // In fours, as people type it.
    let key = key.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
    let status = if fault.is_empty() { 200 } else { 401 };
    Ok(Answer::page(status, page(&CodePage { key, picture: Picture::of(&link), link, fault, ..blank(admin, person) })?))
}

#[rocket::post("/account/code", data = "<sent>")]
async fn begin(
    admin: &State<Admin>,
    person: &Person,
    here: Here,
    sent: Result<Sent, Refused>,
) -> Result<Answer, Refused> {
    sent?;
    if me(admin, person).await?.totp.is_some() {
        return Err(Refused::conflict("A code is asked of you already. Turn that off first, to use another device."));
    }
    let key = totp::new_key().map_err(|error| {
        tracing::error!(%error, "the system gives no random numbers");
        Refused::new(503, "random", "This machine gives no random numbers at the moment. Try again.")
    })?;
    let sealed = second::seal(admin, person.id, key.clone()).await?;
    admin.store.propose_totp(person.id, sealed).await?;
    admin.audit(person, Deed { action: "user.code_new", subject: person.name.clone(), ..Deed::default() }).await?;
    proposed(admin, person, &here, &key, "")
}

#[rocket::post("/account/code/confirm", data = "<sent>")]
async fn confirm(
    admin: &State<Admin>,
    person: &Person,
    ticket: Ticket,
    browser: Browser,
    here: Here,
    sent: Result<Sent, Refused>,
) -> Result<Answer, Refused> {
    let sent = sent?;
    let begin = || Refused::conflict("Nothing is to be confirmed. Begin again at /account/code.");
    let user = me(admin, person).await?;
    let sealed = user.totp_new.filter(|_| user.totp.is_none()).ok_or_else(begin)?;
    let key = second::open(admin, person.id, &sealed)?;
    let guess = second::Guess::of_code(admin, &browser, person.id).await?;
    let now = admin.clock.now();
    let Some(step) = totp::step_of(key.expose(), sent.text("code")?.unwrap_or_default(), now) else {
        let fault = "This code does not fit. Is the clock of your device right?";
        return proposed(admin, person, &here, key.expose(), fault);
    };
    let (codes, digests) = second::recovery_codes()?;
    if !admin.store.confirm_totp(person.id, step, digests, ticket.session(), now).await? {
        return Err(begin());
    }
    guess.forgive(admin).await?;
    let (before, after) = (json!({ "code": false }), json!({ "code": true }));
    admin.audit(person, Deed { action: "user.code_on", subject: person.name.clone(), before, after }).await?;
    Ok(Answer::page(200, page(&CodePage { is_on: true, codes, ..blank(admin, person) })?))
}

#[rocket::post("/account/code/recovery", data = "<sent>")]
async fn renew(admin: &State<Admin>, person: &Person, sent: Result<Sent, Refused>) -> Result<Answer, Refused> {
    sent?;
    if me(admin, person).await?.totp.is_none() {
        return Err(Refused::conflict("No code is asked of you. Begin at /account/code."));
    }
    let (codes, digests) = second::recovery_codes()?;
    admin.store.set_recovery_codes(person.id, digests).await?;
    admin.audit(person, Deed { action: "user.recovery", subject: person.name.clone(), ..Deed::default() }).await?;
    Ok(Answer::page(200, page(&CodePage { is_on: true, codes, ..blank(admin, person) })?))
}

/// What turning it off leads to.
#[derive(rocket::Responder)]
enum Then {
    Page(Answer),
    Back(Box<Redirect>),
}

#[rocket::post("/account/code/off", data = "<sent>")]
async fn off(
    admin: &State<Admin>,
    person: &Person,
    browser: Browser,
    sent: Result<Sent, Refused>,
) -> Result<Then, Refused> {
    let sent = sent?;
    match browser.try_password(admin, "code", &person.name, sent.text("password")?.unwrap_or_default()).await? {
        Tried::Right(_) => {}
        Tried::Wrong => return standing(admin, person, 422, "This is not your password.").await.map(Then::Page),
        Tried::Wait(wait) => return Err(too_often(wait)),
    }
    admin.store.drop_totp(person.id, admin.clock.now()).await?;
    let (before, after) = (json!({ "code": true }), json!({ "code": false }));
    admin.audit(person, Deed { action: "user.code_off", subject: person.name.clone(), before, after }).await?;
    Ok(Then::Back(Box::new(Redirect::to("/account?did=code-off"))))
}
