//! `/login`, `/logout` and `/reauth`.

use askama::Template;
use rocket::State;
use subtle::ConstantTimeEq;

use super::{
    admit::Ticket,
    answer::Answer,
    cookies::Cookie,
    keys, next,
    oidc::{self, AGAIN, START},
    second,
    signed::{Browser, Tried, too_often},
};
use crate::{
    admin::{
        audit::Deed,
        guard::{Access, Guarded, guard, public},
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, page},
    },
    model::{Person, Role},
    store::Stage,
};

pub(super) fn routes() -> Vec<Guarded> {
    let mut all = public(rocket::routes![show, submit]);
    all.extend(guard(Access::Page(Role::Viewer), rocket::routes![logout, ask, confirm]));
    all
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'p> {
    frame: Frame,
    token: String,
    next: &'p str,
    name: &'p str,
    fault: &'p str,
    has_users: bool,
    /// What stands on the button of the provider, and where it leads.
    provider: Option<(String, String)>,
}

#[rocket::get("/login?<next>")]
async fn show(admin: &State<Admin>, browser: Browser, next: Option<&str>) -> Result<Answer, Refused> {
    form(admin, &browser, 200, next, "", "").await
}

/// The form, with a token that is bound to this browser: nobody can sign somebody else's browser in as himself.
async fn form(
    admin: &Admin,
    browser: &Browser,
    status: u16,
    next: Option<&str>,
    name: &str,
    fault: &str,
) -> Result<Answer, Refused> {
    let (id, cookies) = if let Some(id) = &browser.login {
        (id.clone(), Vec::new())
    } else {
        let id = keys::fresh()?;
        let cookie = Cookie::Login.set(&id, &admin.config);
        (id, vec![cookie])
    };
    let html = page(&LoginPage {
        frame: Frame::outside(admin.clock.now(), "Sign in"),
        token: keys::csrf("login", &id),
        next: next::local(next),
        name,
        fault,
        provider: admin
            .config
            .oidc
            .as_ref()
            .map(|oidc| (oidc.label.clone(), next::leading_to(START, next::local(next)))),
        has_users: admin.store.has_users().await?,
    })?;
    Ok(Answer::page(status, html).with(cookies))
}

#[rocket::post("/login", data = "<sent>")]
async fn submit(admin: &State<Admin>, browser: Browser, sent: Result<Sent, Refused>) -> Result<Answer, Refused> {
    let sent = sent?;
    let next = sent.text("next")?;
    if !is_of_this_browser(&browser, sent.text("token")?.unwrap_or_default()) {
        let fault = "This page was open for too long, or cookies are off. Try again.";
        return form(admin, &browser, 403, next, "", fault).await;
    }
    let (name, password) = (sent.text("name")?.unwrap_or_default(), sent.text("password")?.unwrap_or_default());
    let user = match browser.try_password(admin, "login", name, password).await? {
        Tried::Right(user) => user,
        Tried::Wrong => return form(admin, &browser, 401, next, "", "This name and password do not fit.").await,
        Tried::Wait(wait) => return Err(too_often(wait)),
    };
    let stage = second::stage_after_password(&user);
    let cookies = browser.begin(admin, &user, stage).await?;
    if stage == Stage::Half {
        return Ok(Answer::to(next::leading_to(second::PLACE, next::local(next))).with(cookies));
    }
    let deed = Deed { action: "login", subject: user.name.clone(), ..Deed::default() };
    admin.audit(&browser.person(&user), deed).await?;
    Ok(Answer::to(next::local(next)).with(cookies))
}

fn is_of_this_browser(browser: &Browser, token: &str) -> bool {
    let Some(id) = &browser.login else { return false };
    bool::from(token.as_bytes().ct_eq(keys::csrf("login", id).as_bytes()))
}

#[rocket::post("/logout", data = "<sent>")]
async fn logout(
    admin: &State<Admin>,
    person: &Person,
    ticket: Ticket,
    sent: Result<Sent, Refused>,
) -> Result<Answer, Refused> {
    sent?;
    if let Some(digest) = ticket.session() {
        admin.store.end_session(person.id, digest).await?;
    }
    admin.audit(person, Deed { action: "logout", subject: person.name.clone(), ..Deed::default() }).await?;
    Ok(Answer::to("/login").with(vec![Cookie::Session.end(&admin.config)]))
}

#[derive(Template)]
#[template(path = "reauth.html")]
struct ReauthPage<'p> {
    frame: Frame,
    /// What stands on the button of the provider, and where it leads.
    provider: Option<(String, String)>,
    has_password: bool,
    next: &'p str,
    fault: &'p str,
}

#[rocket::get("/reauth?<next>")]
async fn ask(admin: &State<Admin>, person: &Person, next: Option<&str>) -> Result<Answer, Refused> {
    ask_again(admin, person, 200, next, "").await
}

async fn ask_again(
    admin: &Admin,
    person: &Person,
    status: u16,
    next: Option<&str>,
    fault: &str,
) -> Result<Answer, Refused> {
    let user = admin.store.user(person.id).await?.ok_or_else(|| Refused::missing("user of this id"))?;
    let oidc = admin.config.oidc.as_ref().filter(|oidc| oidc::is_of(Some(oidc), &user));
    let provider = oidc.map(|oidc| (oidc.label.clone(), next::leading_to(AGAIN, next::local(next))));
    let has_password = user.password.is_some() || provider.is_none();
    let frame = Frame::new(admin, person, "", if has_password { "Your password, please" } else { "Once more, please" });
    let html = page(&ReauthPage { frame, provider, has_password, next: next::local(next), fault })?;
    Ok(Answer::page(status, html))
}

#[rocket::post("/reauth", data = "<sent>")]
async fn confirm(
    admin: &State<Admin>,
    person: &Person,
    browser: Browser,
    sent: Result<Sent, Refused>,
) -> Result<Answer, Refused> {
    let sent = sent?;
    let next = sent.text("next")?;
    let password = sent.text("password")?.unwrap_or_default();
    match browser.try_password(admin, "reauth", &person.name, password).await? {
        Tried::Right(user) => {
            let cookies = browser.renew(admin, &user).await?;
            admin.audit(person, Deed { action: "reauth", subject: user.name.clone(), ..Deed::default() }).await?;
            Ok(Answer::to(next::local(next)).with(cookies))
        }
        Tried::Wrong => ask_again(admin, person, 401, next, "This is not your password.").await,
        Tried::Wait(wait) => Err(too_often(wait)),
    }
}
