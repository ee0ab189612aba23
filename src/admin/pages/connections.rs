//! `/connections`: the ways out.

use askama::Template;
use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act,
        guard::{Access, Guarded, guard},
        here::encoded,
        outward::{Begun, Came, Link},
        refused::Refused,
        sent::Sent,
        state::Admin,
        tested::Tested,
        view::{Frame, Page, page},
    },
    model::{Person, Role},
    rules::{HttpAuth, Rule, Step, StepKind},
    store::GrantState,
};

pub(super) fn routes() -> Vec<Guarded> {
    let mut all = guard(Access::Page(Role::Viewer), rocket::routes![list, show]);
    all.extend(guard(Access::Page(Role::Editor), rocket::routes![test]));
    all.extend(guard(Access::Fresh(Role::Owner), rocket::routes![login, logout]));
    all
}

#[derive(Template)]
#[template(path = "connections.html")]
struct Connections {
    frame: Frame,
    /// Each with its last test, and whether that failed.
    links: Vec<(Link, Option<Tested>, bool)>,
    /// Names of those that nobody has set up.
    others: Vec<String>,
    /// A login that came back is not known.
    is_unknown: bool,
}

#[rocket::get("/connections?<did>")]
async fn list(admin: &State<Admin>, person: &Person, did: Option<&str>) -> Page {
    let links = admin.outward.links().await.map_err(Refused::from)?;
    let (links, others): (Vec<Link>, Vec<Link>) = links.into_iter().partition(Link::is_touched);
    let others = others.into_iter().map(|link| link.name).collect();
    let with_test = |link: Link| {
        let tested = admin.tests().of(&link.name);
        let has_failed = has_failed(tested.as_ref());
        (link, tested, has_failed)
    };
    let links = links.into_iter().map(with_test).collect();
    let frame = Frame::new(admin, person, "/connections", "Connections");
    page(&Connections { frame, links, others, is_unknown: did == Some("login-unknown") })
}

fn has_failed(tested: Option<&Tested>) -> bool {
    tested.is_some_and(|tested| !tested.ok)
}

/// A rule that sends through a connection.
struct User {
    id: String,
    name: String,
    enabled: bool,
}

#[derive(Template)]
#[template(path = "connection.html")]
struct Connection {
    frame: Frame,
    link: Link,
    users: Vec<User>,
    came: Option<Came>,
    /// What the last test said, where this answer is not it.
    tested: Option<Tested>,
    /// Where a person goes on to log in.
    login: Option<(String, String)>,
    /// Why the login that was begun has come to nothing. Empty: it has not.
    fault: &'static str,
}

impl Connection {
    fn has_failed(&self) -> bool {
        has_failed(self.tested.as_ref())
    }

    fn is_lost(&self) -> bool {
        self.link.grant.as_ref().is_some_and(|grant| grant.state == GrantState::Lost)
    }

    fn is_granted(&self) -> bool {
        self.link.grant.as_ref().is_some_and(|grant| grant.state == GrantState::Ok)
    }
}

async fn connection(admin: &Admin, person: &Person, name: &str) -> Result<Connection, Refused> {
    let link = act::connections::link(admin, name).await?;
    let set = (admin.in_force)().set;
    let users = set.rules.values().filter(|rule| uses(rule, &link)).map(|rule| User {
        id: rule.id.to_string(),
        name: rule.name.clone(),
        enabled: rule.enabled,
    });
    let users = users.collect();
    let frame = Frame::new(admin, person, "/connections", format!("Connection {}", link.name));
    let tested = admin.tests().of(&link.name);
    Ok(Connection { frame, link, users, came: None, tested, login: None, fault: "" })
}

/// Whether a rule sends anything through a connection.
fn uses(rule: &Rule, link: &Link) -> bool {
    let mut found = false;
    let mut see = |step: &Step| {
        found |= match &step.kind {
            StepKind::Action { name, connection, .. } => {
                let service = name.split('.').next().unwrap_or_default();
                connection.as_deref().unwrap_or(service) == link.name
            }
            StepKind::Http(http) => matches!(&http.auth, Some(HttpAuth::Connection(name)) if *name == link.name),
            _ => false,
        };
    };
    rule.each_step(&mut see);
    rule.polls().for_each(|poll| see(&poll.step));
    found
}

#[rocket::get("/connections/<name>?<did>")]
async fn show(admin: &State<Admin>, person: &Person, name: &str, did: Option<&str>) -> Page {
    let mut shown = connection(admin, person, name).await?;
    shown.frame.notice = match did {
        Some("fetched") => "It has a token: its client gets them by itself.".to_owned(),
        Some("logged-in") if shown.is_granted() => {
            "It is logged in. Runs that waited for that go on by themselves.".to_owned()
        }
        Some("logged-out") => {
            "What was granted is forgotten here. The service may still list it: take it back there too.".to_owned()
        }
        _ => String::new(),
    };
    shown.fault = match did {
        Some("login-refused") => {
            "The service sent no code: the login was not agreed to there. Nothing has changed here."
        }
        Some("login-failed") => "The service gave no tokens for this login. The log of the server says why.",
        _ => "",
    };
    page(&shown)
}

#[rocket::post("/connections/<name>/test", data = "<sent>")]
async fn test(admin: &State<Admin>, person: &Person, name: &str, sent: Result<Sent, Refused>) -> Page {
    sent?;
    let came = act::connections::test(admin, person, name).await?;
    let mut shown = connection(admin, person, name).await?;
    shown.came = Some(came);
    page(&shown)
}

/// What a login leads to: on to the service, or back.
#[derive(rocket::Responder)]
enum Then {
    Page(crate::admin::view::Html),
    Back(Box<Redirect>),
}

#[rocket::post("/connections/<name>/login", data = "<sent>")]
async fn login(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    sent: Result<Sent, Refused>,
) -> Result<Then, Refused> {
    sent?;
    match act::connections::login(admin, person, name).await? {
        Begun::Done => Ok(Then::Back(Box::new(Redirect::to(format!("/connections/{}?did=fetched", encoded(name)))))),
        Begun::Browser { url, redirect } => {
            let mut shown = connection(admin, person, name).await?;
            shown.login = Some((url, redirect));
            page(&shown).map(Then::Page)
        }
    }
}

#[rocket::post("/connections/<name>/logout", data = "<sent>")]
async fn logout(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    sent?;
    act::connections::logout(admin, person, name).await?;
    Ok(Redirect::to(format!("/connections/{}?did=logged-out", encoded(name))))
}
