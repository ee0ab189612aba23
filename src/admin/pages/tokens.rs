//! `/tokens`: bearer tokens of the API, one's own, and for owners everybody's.

use std::time::Duration;

use askama::Template;
use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act,
        auth::Answer,
        guard::{Access, Guarded, guard},
        query::Query,
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, Page, page},
    },
    ids::TokenId,
    model::{Person, Role, Scope},
    store::ApiToken,
};

/// How long a token lasts, as the form offers it.
const LASTS: [(&str, u64); 5] = [("7 days", 7), ("30 days", 30), ("90 days", 90), ("1 year", 365), ("for good", 0)];
/// What the form offers first.
const USUAL: u64 = 90;

pub(super) fn routes() -> Vec<Guarded> {
    let mut all = guard(Access::Page(Role::Viewer), rocket::routes![list, revoke]);
    all.extend(guard(Access::Fresh(Role::Viewer), rocket::routes![form, new]));
    all
}

/// A token as the list shows it.
struct Shown {
    id: String,
    row: ApiToken,
    /// Empty: one's own.
    user: String,
    is_over: bool,
}

impl Shown {
    fn scopes(&self) -> String {
        self.row.scopes.iter().map(|scope| scope.word()).collect::<Vec<_>>().join(", ")
    }
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct List {
    frame: Frame,
    mine: Vec<Shown>,
    others: Vec<Shown>,
}

#[rocket::get("/tokens")]
async fn list(admin: &State<Admin>, person: &Person, query: Result<Query, Refused>) -> Page {
    let query = query?;
    let is_owner = person.role == Role::Owner;
    let tokens = admin.store.tokens((!is_owner).then_some(person.id)).await?;
    let users = if is_owner { admin.store.users().await? } else { Vec::new() };
    let now = admin.clock.now();
    let shown = tokens.into_iter().map(|row| {
        let user = users.iter().find(|user| user.id == row.user).map(|user| user.name.clone()).unwrap_or_default();
        Shown { id: TokenId(row.id).to_string(), is_over: row.expires_at.is_some_and(|end| end <= now), user, row }
    });
    let (mine, others) = shown.partition(|shown| shown.row.user == person.id);
    let mut frame = Frame::new(admin, person, "", "Tokens");
    if query.short("did", 20)? == Some("revoked") {
        "The token is revoked: requests that carry it are refused from now on.".clone_into(&mut frame.notice);
    }
    page(&List { frame, mine, others })
}

#[derive(Template)]
#[template(path = "token_new.html")]
struct Form<'f> {
    frame: Frame,
    name: &'f str,
    scopes: Vec<(Scope, &'static str, bool)>,
    lasts: [(&'static str, u64); 5],
    days: u64,
    fault: &'f str,
}

fn told(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "sees what a viewer sees",
        Scope::Run => "starts, replays, cancels and resolves runs; problems, schedules, sources",
        Scope::Rules => "writes rules",
        Scope::People => "changes and forgets people",
        Scope::Secrets => "sets and removes secrets",
        Scope::Admin => "users, tokens and connections",
    }
}

fn ask(
    admin: &Admin,
    person: &Person,
    name: &str,
    ticked: &[Scope],
    days: u64,
    refused: Option<&Refused>,
) -> Result<Answer, Refused> {
    let scopes = act::tokens::scopes_of(person.role);
    let html = page(&Form {
        frame: Frame::new(admin, person, "", "New token"),
        name,
        scopes: scopes.iter().map(|scope| (*scope, told(*scope), ticked.contains(scope))).collect(),
        lasts: LASTS,
        days,
        fault: refused.map_or("", |refused| &refused.message),
    })?;
    Ok(Answer::page(refused.map_or(200, |refused| refused.status), html))
}

#[rocket::get("/tokens/new")]
fn form(admin: &State<Admin>, person: &Person) -> Result<Answer, Refused> {
    ask(admin, person, "", &[Scope::Read], USUAL, None)
}

/// The token is shown with the answer to the form, and never again.
#[derive(Template)]
#[template(path = "token_made.html")]
struct Made {
    frame: Frame,
    token: String,
    row: ApiToken,
    command: String,
}

#[rocket::post("/tokens", data = "<sent>")]
async fn new(
    admin: &State<Admin>,
    person: &Person,
    here: crate::admin::here::Here,
    sent: Result<Sent, Refused>,
) -> Result<Answer, Refused> {
    let sent = sent?;
    let name = sent.text("name")?.unwrap_or_default();
    let scopes = sent.all("scope").map(str::parse).collect::<Result<Vec<Scope>, String>>();
    let scopes = scopes.map_err(|why| Refused::invalid(format!("{why}.")))?;
    let days: u64 = sent.text("days")?.unwrap_or_default().parse().unwrap_or(u64::MAX);
    if !LASTS.iter().any(|(_, known)| *known == days) {
        return Err(Refused::invalid("`days`: one of the spans that the form offers wanted."));
    }
    let lasts = (days > 0).then(|| Duration::from_hours(24 * days));
    match act::tokens::new(admin, person, (person.id, person.role), name, scopes.clone(), lasts).await {
        Ok((token, row)) => {
            let frame = Frame::new(admin, person, "", format!("Token {}", row.name));
            let command = format!("curl -H 'Authorization: Bearer {token}' {}/api/v1/me", here.base);
            Ok(Answer::page(200, page(&Made { frame, token, row, command })?))
        }
        Err(refused) if matches!(refused.status, 409 | 422) => ask(admin, person, name, &scopes, days, Some(&refused)),
        Err(refused) => Err(refused),
    }
}

#[rocket::post("/tokens/<id>/revoke", data = "<sent>")]
async fn revoke(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    sent?;
    let id = id.parse().map_err(|_| Refused::missing("token of this id"))?;
    act::tokens::revoke(admin, person, id).await?;
    Ok(Redirect::to("/tokens?did=revoked"))
}
