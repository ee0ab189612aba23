//! `/account`: one's own password, address and sessions.

use askama::Template;
use rocket::{State, response::Redirect};
use serde_json::json;

use crate::{
    admin::{
        audit::Deed,
        auth::{self, Answer, Browser, Ticket, Tried, too_often},
        guard::{Access, Guarded, guard},
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, page},
    },
    model::{Person, Role},
    store::SessionRow,
};

pub(super) fn routes() -> Vec<Guarded> {
    guard(Access::Page(Role::Viewer), rocket::routes![show, password, email, end_sessions])
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    name: String,
    role: Role,
    email: String,
    sessions: Vec<Shown>,
    has_code: bool,
    has_password: bool,
    /// What the provider of sign-in is called, where there is one.
    provider: Option<String>,
    is_connected: bool,
    fault: String,
}

/// A session as the list shows it.
struct Shown {
    id: String,
    row: SessionRow,
    is_this: bool,
}

#[rocket::get("/account?<did>")]
async fn show(admin: &State<Admin>, person: &Person, ticket: Ticket, did: Option<&str>) -> Result<Answer, Refused> {
    let notice = match did {
        Some("password") => "Your password is changed, and your other sessions have ended.",
        Some("email") => "Your address is kept.",
        Some("code-off") => "No code is asked of you any more.",
        Some("connected") => "You can sign in through the provider from now on.",
        Some("disconnected") => "The provider lets nobody in as you any more.",
        Some("ended") => "The session has ended.",
        _ => "",
    };
    render(admin, person, &ticket, 200, notice, String::new()).await
}

async fn render(
    admin: &Admin,
    person: &Person,
    ticket: &Ticket,
    status: u16,
    notice: &str,
    fault: String,
) -> Result<Answer, Refused> {
    let now = admin.clock.now();
    let rows = admin.store.sessions_of(person.id).await?;
    let user = admin.store.user(person.id).await?.ok_or_else(|| Refused::missing("user of this id"))?;
    let oidc = admin.config.oidc.as_ref();
    let shown =
        |row: SessionRow| Shown { id: hex::encode(row.digest), is_this: ticket.session() == Some(row.digest), row };
    let mut frame = Frame::new(admin, person, "/account", "Account");
    notice.clone_into(&mut frame.notice);
    let html = page(&AccountPage {
        frame,
        name: person.name.clone(),
        role: person.role,
        email: person.email.clone().unwrap_or_default(),
        sessions: rows.into_iter().filter(|row| !row.is_over(now)).map(shown).collect(),
        has_code: user.totp.is_some(),
        has_password: user.password.is_some(),
        provider: oidc.map(|oidc| oidc.label.clone()),
        is_connected: auth::is_of_provider(oidc, &user),
        fault,
    })?;
    Ok(Answer::page(status, html))
}

#[rocket::post("/account/password", data = "<sent>")]
async fn password(
    admin: &State<Admin>,
    person: &Person,
    ticket: Ticket,
    browser: Browser,
    sent: Result<Sent, Refused>,
) -> Result<Answer, Refused> {
    let sent = sent?;
    let (now_is, new) = (sent.text("current")?.unwrap_or_default(), sent.text("password")?.unwrap_or_default());
    let fault = auth::password_fault(new, &person.name).or_else(|| {
        (sent.text("again").ok().flatten() != Some(new)).then(|| "The two new passwords differ.".to_owned())
    });
    if let Some(fault) = fault {
        return render(admin, person, &ticket, 422, "", fault).await;
    }
    let user = match browser.try_password(admin, "password", &person.name, now_is).await? {
        Tried::Right(user) => user,
        Tried::Wrong => {
            let fault = "This is not your present password.".to_owned();
            return render(admin, person, &ticket, 401, "", fault).await;
        }
        Tried::Wait(wait) => return Err(too_often(wait)),
    };
    let hash = auth::hash(new.to_owned()).await.map_err(auth::refused)?;
    admin.store.set_password(user.id, hash, ticket.session(), admin.clock.now()).await?;
    let cookies = browser.renew(admin, &user).await?;
    admin.audit(person, Deed { action: "user.password", subject: user.name, ..Deed::default() }).await?;
    Ok(Answer::to("/account?did=password").with(cookies))
}

#[rocket::post("/account/email", data = "<sent>")]
async fn email(admin: &State<Admin>, person: &Person, sent: Result<Sent, Refused>) -> Result<Redirect, Refused> {
    let sent = sent?;
    let email = auth::email(sent.text("email")?.unwrap_or_default()).map_err(Refused::invalid)?;
    admin.store.set_email(person.id, email.clone(), admin.clock.now()).await?;
    let deed =
        Deed { action: "user.email", subject: person.name.clone(), before: json!(person.email), after: json!(email) };
    admin.audit(person, deed).await?;
    Ok(Redirect::to("/account?did=email"))
}

#[rocket::post("/account/sessions/end", data = "<sent>")]
async fn end_sessions(
    admin: &State<Admin>,
    person: &Person,
    ticket: Ticket,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    let which = sent.wanted("session")?;
    let ended = if which == "others" {
        admin.store.end_sessions(person.id, ticket.session()).await?
    } else {
        let digest = hex::decode(which).ok().and_then(|bytes| bytes.try_into().ok());
        let digest: [u8; 32] = digest.ok_or_else(|| Refused::missing("session of this id"))?;
        if !admin.store.end_session(person.id, digest).await? {
            return Err(Refused::missing("session of this id"));
        }
        1
    };
    let after = json!({ "sessions": ended });
    admin
        .audit(person, Deed { action: "user.sign_out", subject: person.name.clone(), after, ..Deed::default() })
        .await?;
    Ok(Redirect::to("/account?did=ended"))
}
