//! `/login/oidc` and the way back from there; `/reauth/oidc` and `/account/oidc` for who is signed in.

use askama::Template;
use rocket::{
    Request, State,
    http::Status,
    request::{FromRequest, Outcome},
    response::Redirect,
};
use serde_json::json;

use super::{
    flow::{self, Kept, Purpose},
    is_of,
    jwt::{Claims, LEEWAY},
    people::{self, Proven},
};
use crate::{
    admin::{
        audit::Deed,
        auth::{answer::Answer, cookies::Cookie, keys::digest, limits, next, origin, signed::Browser},
        guard::{Access, Guarded, guard, public},
        query::Query,
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, page},
    },
    config::Oidc,
    model::{Person, Role},
    store::{Stage, UserRow},
};

/// Where signing in through the provider begins.
pub(in crate::admin::auth) const START: &str = "/login/oidc";
/// Where somebody who is signed in proves it anew.
pub(in crate::admin::auth) const AGAIN: &str = "/reauth/oidc";
/// Where the provider sends browsers back to.
pub(super) const BACK: &str = "/login/oidc/back";

/// Of the account.
const ACCOUNT: &str = "/account";

pub(in crate::admin::auth) fn routes() -> Vec<Guarded> {
    let mut all = public(rocket::routes![sign_in, back]);
    all.extend(guard(Access::Page(Role::Viewer), rocket::routes![again]));
    all.extend(guard(Access::Fresh(Role::Viewer), rocket::routes![connect, disconnect]));
    all
}

/// A person who goes somewhere: no picture or script of a page elsewhere.
struct Led;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Led {
    type Error = Refused;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refused> {
        match origin::check_read(request) {
            Ok(()) => Outcome::Success(Self),
            Err(_) => Outcome::Error((Status::Forbidden, Refused::forbidden("Open this page itself."))),
        }
    }
}

#[rocket::get("/login/oidc?<next>")]
async fn sign_in(
    admin: &State<Admin>,
    browser: Browser,
    led: Result<Led, Refused>,
    next: Option<&str>,
) -> Result<Answer, Refused> {
    led?;
    let (place, cookies) = flow::begin(admin, &browser, Purpose::SignIn, None, next::local(next)).await?;
    Ok(Answer::to(place).with(cookies))
}

#[rocket::get("/reauth/oidc?<next>")]
async fn again(admin: &State<Admin>, person: &Person, browser: Browser, next: Option<&str>) -> Result<Answer, Refused> {
    let user = admin.store.user(person.id).await?;
    if !user.is_some_and(|user| is_of(admin.config.oidc.as_ref(), &user)) {
        return Ok(Answer::to(next::leading_to("/reauth", next::local(next))));
    }
    let (place, cookies) = flow::begin(admin, &browser, Purpose::Again, Some(person.id), next::local(next)).await?;
    Ok(Answer::to(place).with(cookies))
}

#[derive(Template)]
#[template(path = "account_oidc.html")]
struct GoOn {
    frame: Frame,
    label: String,
    issuer: String,
    place: String,
}

/// A page that leads on by a link: a form must lead nowhere else than here.
#[rocket::post("/account/oidc", data = "<sent>")]
async fn connect(
    admin: &State<Admin>,
    person: &Person,
    browser: Browser,
    sent: Result<Sent, Refused>,
) -> Result<Answer, Refused> {
    sent?;
    let oidc = flow::configured(admin)?;
    let (place, cookies) = flow::begin(admin, &browser, Purpose::Connect, Some(person.id), ACCOUNT).await?;
    let frame = Frame::new(admin, person, ACCOUNT, "Connect your account");
    let html = page(&GoOn { frame, label: oidc.label.clone(), issuer: oidc.issuer.clone(), place })?;
    Ok(Answer::page(200, html).with(cookies))
}

#[rocket::post("/account/oidc/off", data = "<sent>")]
async fn disconnect(admin: &State<Admin>, person: &Person, sent: Result<Sent, Refused>) -> Result<Redirect, Refused> {
    sent?;
    let user = admin.store.user(person.id).await?.ok_or_else(|| Refused::missing("user of this id"))?;
    if user.password.is_none() {
        return Err(Refused::conflict(
            "You have no password, and could not sign in any more. An owner can give you a link to choose one (Users).",
        ));
    }
    admin.store.set_remote(user.id, None, admin.clock.now()).await?;
    let (before, after) = (json!({ "remote": user.remote }), json!({ "remote": null }));
    admin.audit(person, Deed { action: "user.disconnect", subject: user.name, before, after }).await?;
    Ok(Redirect::to("/account?did=disconnected"))
}

#[rocket::get("/login/oidc/back")]
async fn back(admin: &State<Admin>, browser: Browser, query: Result<Query, Refused>) -> Result<Answer, Refused> {
    let query = query?;
    let oidc = flow::configured(admin)?;
    let (kept, claims) = flow::end(admin, &browser, &query).await?;
    let proven = Proven::of(&oidc.issuer, claims.subject.clone(), &claims.all);
    if let Err(nobody) = proven.check(oidc) {
        return Err(flow::refuse(admin, &browser, 403, nobody.0, nobody.1).await);
    }
    let (place, mut cookies) = match kept.purpose {
        Purpose::SignIn => signed_in(admin, &browser, oidc, (&kept, &claims, &proven)).await?,
        Purpose::Again => proven_anew(admin, &browser, (&kept, &claims, &proven)).await?,
        Purpose::Connect => connected(admin, &browser, (&kept, &proven)).await?,
    };
    let keys = limits::of_provider(&browser.peer).into_iter().map(|limit| limit.key).collect();
    admin.store.forgive_try(keys).await?;
    cookies.push(Cookie::Oidc.end(&admin.config));
    Ok(Answer::to(place).with(cookies))
}

type Then = (String, Vec<String>);

async fn signed_in(
    admin: &Admin,
    browser: &Browser,
    oidc: &Oidc,
    (kept, claims, proven): (&Kept, &Claims, &Proven),
) -> Result<Then, Refused> {
    let user = match people::user_of(admin, browser, oidc, proven).await? {
        Ok(user) => user,
        Err(nobody) => return Err(flow::refuse(admin, browser, 403, nobody.0, nobody.1).await),
    };
    let cookies = browser.begin_proven(admin, &user, claims.proven_at).await?;
    let after = json!({ "provider": proven.issuer });
    let deed = Deed { action: "login", subject: user.name.clone(), after, ..Deed::default() };
    admin.audit(&browser.person(&user), deed).await?;
    Ok((next::local(Some(&kept.next)).to_owned(), cookies))
}

/// The user of the browser's session, which must be the one that was sent away.
async fn still_here(admin: &Admin, browser: &Browser, kept: &Kept) -> Result<UserRow, Refused> {
    let found = match &browser.session {
        Some(id) => admin.store.session(digest(id)).await?,
        None => None,
    };
    let now = admin.clock.now();
    let user = found.and_then(|(session, user)| {
        let is_open = session.stage == Stage::Full && !session.is_over(now) && user.disabled_at.is_none();
        (is_open && kept.user == Some(user.id)).then_some(user)
    });
    let Some(user) = user else {
        let message = "Your session has ended meanwhile, or is another one. Sign in and begin again.";
        return Err(flow::refuse(admin, browser, 403, "another session came back", message.to_owned()).await);
    };
    Ok(user)
}

async fn proven_anew(
    admin: &Admin,
    browser: &Browser,
    (kept, claims, proven): (&Kept, &Claims, &Proven),
) -> Result<Then, Refused> {
    let user = still_here(admin, browser, kept).await?;
    if user.remote != Some((proven.issuer.clone(), proven.subject.clone())) {
        let message = "You have signed in at the provider as somebody else than you are here. Sign in there as yourself and try again.";
        return Err(flow::refuse(admin, browser, 403, "somebody else came back", message.to_owned()).await);
    }
    let Some(proven_at) = claims.proven_at.filter(|at| at.plus(LEEWAY) >= kept.begun()) else {
        let message = "The provider does not say that you have proven who you are a moment ago (`auth_time`). Give your password \
                       instead; if you have none, an owner can give you a link to choose one (Users).";
        return Err(flow::refuse(admin, browser, 403, "the provider did not ask anew", message.to_owned()).await);
    };
    let cookies = browser.renew_proven(admin, &user, proven_at).await?;
    let after = json!({ "provider": proven.issuer });
    let deed = Deed { action: "reauth", subject: user.name.clone(), after, ..Deed::default() };
    admin.audit(&browser.person(&user), deed).await?;
    Ok((next::local(Some(&kept.next)).to_owned(), cookies))
}

async fn connected(admin: &Admin, browser: &Browser, (kept, proven): (&Kept, &Proven)) -> Result<Then, Refused> {
    let user = still_here(admin, browser, kept).await?;
    let known = admin.store.user_by_remote(&proven.issuer, &proven.subject).await?;
    if known.is_some_and(|known| known.id != user.id) {
        let message = "This account of the provider is connected with another user here. That user can disconnect it under Account, or an \
                       owner removes that user.";
        return Err(flow::refuse(admin, browser, 409, "connected with another user", message.to_owned()).await);
    }
    people::connect(admin, browser, &user, proven).await?;
    Ok((format!("{ACCOUNT}?did=connected"), Vec::new()))
}
