//! `/users`: who may use the admin.

use askama::Template;
use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act,
        auth::Answer,
        guard::{Access, Guarded, guard},
        here::Here,
        query::Query,
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, Page, page},
    },
    clock::Time,
    ids::UserId,
    model::{Person, Role},
    store::UserRow,
};

pub(super) fn routes() -> Vec<Guarded> {
    let mut all = guard(Access::Page(Role::Owner), rocket::routes![list]);
    let writes = rocket::routes![form, add, link, role, disable, enable, sign_out, code_off, remove];
    all.extend(guard(Access::Fresh(Role::Owner), writes));
    all
}

/// A user as the list shows it.
struct Shown {
    id: String,
    row: UserRow,
    seen: Option<Time>,
    sessions: usize,
    tokens: usize,
    is_me: bool,
}

impl Shown {
    /// How it stands, as a badge has it, and in words.
    fn state(&self) -> (&'static str, &'static str) {
        match () {
            () if self.row.disabled_at.is_some() => ("disabled", "disabled"),
            () if self.row.password.is_none() && self.row.remote.is_none() => ("waiting", "no password yet"),
            () => ("enabled", "may sign in"),
        }
    }
}

#[derive(Template)]
#[template(path = "users.html")]
struct List {
    frame: Frame,
    users: Vec<Shown>,
    roles: [Role; 3],
}

#[rocket::get("/users")]
async fn list(admin: &State<Admin>, person: &Person, query: Result<Query, Refused>) -> Page {
    let query = query?;
    let now = admin.clock.now();
    let tokens = admin.store.tokens(None).await?;
    let mut users = Vec::new();
    for row in admin.store.users().await? {
        let sessions = admin.store.sessions_of(row.id).await?;
        let mine = tokens.iter().filter(|token| token.user == row.id);
        let seen = sessions.iter().map(|session| session.seen_at).chain(mine.clone().filter_map(|token| token.used_at));
        users.push(Shown {
            id: UserId(row.id).to_string(),
            seen: seen.max(),
            sessions: sessions.iter().filter(|session| !session.is_over(now)).count(),
            tokens: mine.count(),
            is_me: row.id == person.id,
            row,
        });
    }
    let mut frame = Frame::new(admin, person, "/users", "Users");
    let notice = match query.short("did", 20)? {
        Some("role") => "The role is changed. Sessions that were open have ended.",
        Some("disabled") => "They may not sign in any more: sessions have ended, and tokens are refused.",
        Some("enabled") => "They may sign in again.",
        Some("ended") => "The sessions have ended.",
        Some("code") => "No code is asked of them any more.",
        Some("removed") => "The user is removed, with sessions and tokens. What they did stays in the audit log.",
        _ => "",
    };
    notice.clone_into(&mut frame.notice);
    page(&List { frame, users, roles: Role::ALL })
}

#[derive(Template)]
#[template(path = "user_new.html")]
struct Form<'f> {
    frame: Frame,
    name: &'f str,
    email: &'f str,
    roles: [Role; 3],
    role: Role,
    fault: &'f str,
}

#[rocket::get("/users/new")]
fn form(admin: &State<Admin>, person: &Person) -> Page {
    let frame = Frame::new(admin, person, "/users", "Add a user");
    page(&Form { frame, name: "", email: "", roles: Role::ALL, role: Role::Viewer, fault: "" })
}

/// The link is shown with the answer to the form, and never again.
#[derive(Template)]
#[template(path = "user_link.html")]
struct Linked {
    frame: Frame,
    user: UserRow,
    link: String,
    is_guessed: bool,
}

fn linked(admin: &Admin, person: &Person, here: Here, user: UserRow, path: &str) -> Result<Answer, Refused> {
    let frame = Frame::new(admin, person, "/users", format!("A link for {}", user.name));
    let link = format!("{}{path}", here.base);
    Ok(Answer::page(200, page(&Linked { frame, user, link, is_guessed: here.is_guessed })?))
}

#[rocket::post("/users", data = "<sent>")]
async fn add(
    admin: &State<Admin>,
    person: &Person,
    here: Here,
    sent: Result<Sent, Refused>,
) -> Result<Answer, Refused> {
    let sent = sent?;
    let (name, email) = (sent.text("name")?.unwrap_or_default(), sent.text("email")?.unwrap_or_default());
    let role = role_of(&sent)?;
    match act::users::add(admin, person, name, role, email).await {
        Ok((user, path)) => linked(admin, person, here, user, &path),
        Err(refused) if matches!(refused.status, 409 | 422) => {
            let frame = Frame::new(admin, person, "/users", "Add a user");
            let html = page(&Form { frame, name, email, roles: Role::ALL, role, fault: &refused.message })?;
            Ok(Answer::page(refused.status, html))
        }
        Err(refused) => Err(refused),
    }
}

fn role_of(sent: &Sent) -> Result<Role, Refused> {
    sent.wanted("role")?.parse().map_err(|why: String| Refused::invalid(format!("{why}.")))
}

fn id_of(id: &str) -> Result<i64, Refused> {
    id.parse::<UserId>().map(|id| id.0).map_err(|_| Refused::missing("user of this id"))
}

#[rocket::post("/users/<id>/link", data = "<sent>")]
async fn link(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    here: Here,
    sent: Result<Sent, Refused>,
) -> Result<Answer, Refused> {
    sent?;
    let (user, path) = act::users::link(admin, person, id_of(id)?).await?;
    linked(admin, person, here, user, &path)
}

#[rocket::post("/users/<id>/role", data = "<sent>")]
async fn role(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    act::users::set_role(admin, person, id_of(id)?, role_of(&sent)?).await?;
    Ok(Redirect::to("/users?did=role"))
}

#[rocket::post("/users/<id>/disable", data = "<sent>")]
async fn disable(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    sent?;
    act::users::set_disabled(admin, person, id_of(id)?, true).await?;
    Ok(Redirect::to("/users?did=disabled"))
}

#[rocket::post("/users/<id>/enable", data = "<sent>")]
async fn enable(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    sent?;
    act::users::set_disabled(admin, person, id_of(id)?, false).await?;
    Ok(Redirect::to("/users?did=enabled"))
}

#[rocket::post("/users/<id>/sign-out", data = "<sent>")]
async fn sign_out(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    sent?;
    act::users::sign_out(admin, person, id_of(id)?).await?;
    Ok(Redirect::to("/users?did=ended"))
}

#[rocket::post("/users/<id>/code-off", data = "<sent>")]
async fn code_off(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    sent?;
    act::users::drop_code(admin, person, id_of(id)?).await?;
    Ok(Redirect::to("/users?did=code"))
}

#[rocket::post("/users/<id>/remove", data = "<sent>")]
async fn remove(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    sent?;
    act::users::remove(admin, person, id_of(id)?).await?;
    Ok(Redirect::to("/users?did=removed"))
}
