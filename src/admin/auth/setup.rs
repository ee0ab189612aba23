//! `/setup`: what a one-time link leads to. The first one makes the owner; later ones let a user choose a password.

use std::time::Duration;

use askama::Template;
use rocket::State;

use super::{
    answer::Answer,
    keys::{self, digest},
    password,
    signed::{Browser, refused},
};
use crate::{
    admin::{
        audit::Deed,
        guard::{Guarded, public},
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, page},
    },
    clock::Time,
    model::Role,
    store::{NewUser, OneTime, Stage, Store, StoreError, UserRow},
};

/// How long a link counts.
const LINK: Duration = Duration::from_hours(24);
/// The kinds of links.
const SETUP: &str = "setup";
const PASSWORD: &str = "link";
/// Characters of a name at most.
const LONGEST_NAME: usize = 64;

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The machine.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

/// A new link for the first owner, as the path of it; the one before ends. `None`: there is a user already.
pub async fn setup_link(store: &Store, now: Time) -> Result<Option<String>, LinkError> {
    if store.has_users().await? {
        return Ok(None);
    }
    link(store, SETUP, String::new(), now).await.map(Some)
}

/// A new link by which a user chooses a password, as the path of it; the one before ends.
pub async fn password_link(store: &Store, user: i64, now: Time) -> Result<String, LinkError> {
    link(store, PASSWORD, user.to_string(), now).await
}

async fn link(store: &Store, kind: &'static str, data: String, now: Time) -> Result<String, LinkError> {
    let key = keys::random().map_err(LinkError::Random)?;
    let kept = OneTime { digest: digest(&key), kind, data, until: now.plus(LINK) };
    store.put_one_time(kept, true, now).await?;
    Ok(format!("/setup?token={key}"))
}

/// A name as it is kept. The error is one sentence.
pub fn user_name(text: &str) -> Result<String, String> {
    let name = text.trim().to_ascii_lowercase();
    let is_good = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_' | b'@' | b'+')
    };
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if begins && name.len() <= LONGEST_NAME && name.bytes().all(is_good) {
        return Ok(name);
    }
    Err(format!(
        "A name has letters a-z, digits, `.`, `-`, `_`, `+` and `@`, begins with a letter or digit, and has {LONGEST_NAME} characters at most."
    ))
}

/// An address for commits, if any. The error is one sentence.
pub fn email(text: &str) -> Result<Option<String>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let is_plain = text.len() <= 254
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b','));
    match text.split_once('@') {
        Some((user, host)) if is_plain && !user.is_empty() && !host.is_empty() && !host.contains('@') => {
            Ok(Some(text.to_owned()))
        }
        _ => Err("An address looks like ada@example.com.".to_owned()),
    }
}

pub(super) fn routes() -> Vec<Guarded> {
    public(rocket::routes![show, submit])
}

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage<'p> {
    frame: Frame,
    token: &'p str,
    /// Whose password it is. Empty: the owner's to be, who has no name yet.
    known: String,
    name: &'p str,
    fault: &'p str,
    shortest: usize,
}

/// What a link is good for.
enum Purpose {
    Owner,
    Password(Box<UserRow>),
}

async fn purpose(admin: &Admin, token: &str) -> Result<Purpose, Refused> {
    let (now, digest) = (admin.clock.now(), digest(token));
    if admin.store.one_time(digest, SETUP, now).await?.is_some() && !admin.store.has_users().await? {
        return Ok(Purpose::Owner);
    }
    if let Some(user) = admin.store.one_time(digest, PASSWORD, now).await? {
        let user = match user.parse() {
            Ok(id) => admin.store.user(id).await?,
            Err(_) => None,
        };
        if let Some(user) = user.filter(|user| user.disabled_at.is_none()) {
            return Ok(Purpose::Password(Box::new(user)));
        }
    }
    Err(Refused::new(
        404,
        "link",
        "This link was used, or is over. Whoever runs this server gets a new one with `bellwire users link`; it also prints one at \
         each start until there is an owner.",
    ))
}

#[rocket::get("/setup?<token>")]
async fn show(admin: &State<Admin>, token: Option<&str>) -> Result<Answer, Refused> {
    let token = token.unwrap_or_default();
    let purpose = purpose(admin, token).await?;
    form(admin, 200, &purpose, token, "", "")
}

fn form(
    admin: &Admin,
    status: u16,
    purpose: &Purpose,
    token: &str,
    name: &str,
    fault: &str,
) -> Result<Answer, Refused> {
    let (title, known) = match purpose {
        Purpose::Owner => ("Create the owner", String::new()),
        Purpose::Password(user) => ("Choose a password", user.name.clone()),
    };
    let frame = Frame::outside(admin.clock.now(), title);
    Ok(Answer::page(status, page(&SetupPage { frame, token, known, name, fault, shortest: password::SHORTEST })?))
}

#[rocket::post("/setup", data = "<sent>")]
async fn submit(admin: &State<Admin>, browser: Browser, sent: Result<Sent, Refused>) -> Result<Answer, Refused> {
    let sent = sent?;
    let token = sent.text("token")?.unwrap_or_default();
    let purpose = purpose(admin, token).await?;
    let (chosen, again) = (sent.text("password")?.unwrap_or_default(), sent.text("again")?.unwrap_or_default());
    let typed = sent.text("name")?.unwrap_or_default();
    let name = match &purpose {
        Purpose::Owner => user_name(typed),
        Purpose::Password(user) => Ok(user.name.clone()),
    };
    let fault = match &name {
        Err(fault) => Some(fault.clone()),
        Ok(name) => password::fault(chosen, name),
    };
    let fault = fault.or_else(|| (chosen != again).then(|| "The two passwords differ.".to_owned()));
    if let Some(fault) = fault {
        return form(admin, 422, &purpose, token, typed, &fault);
    }
    let hash = password::hash(chosen.to_owned()).await.map_err(refused)?;
    let made = match purpose {
        Purpose::Owner => make_owner(admin, name.unwrap_or_default(), hash, token).await?,
        Purpose::Password(user) => take_password(admin, *user, hash, token).await?,
    };
    let user = made.ok_or_else(|| Refused::conflict("This link was used a moment ago. Sign in, or get a new link."))?;
    let deed = Deed { action: "user.password", subject: user.name.clone(), ..Deed::default() };
    admin.audit(&browser.person(&user), deed).await?;
    let stage = super::second::stage_after_password(&user);
    let cookies = browser.begin(admin, &user, stage).await?;
    Ok(Answer::to(if stage == Stage::Full { "/" } else { super::second::PLACE }).with(cookies))
}

/// `None`: somebody else was first.
async fn make_owner(admin: &Admin, name: String, hash: String, token: &str) -> Result<Option<UserRow>, Refused> {
    let now = admin.clock.now();
    let id = admin.ids.next(now);
    let user = NewUser { id, name, email: None, role: Role::Owner, password: Some(hash), remote: None, at: now };
    if !admin.store.add_first_user(user, digest(token)).await? {
        return Ok(None);
    }
    Ok(admin.store.user(id).await?)
}

async fn take_password(admin: &Admin, user: UserRow, hash: String, token: &str) -> Result<Option<UserRow>, Refused> {
    let now = admin.clock.now();
    if admin.store.take_one_time(digest(token), PASSWORD, now).await?.is_none() {
        return Ok(None);
    }
    admin.store.set_password(user.id, hash, None, now).await?;
    Ok(Some(user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_and_plain() {
        assert_eq!(user_name(" Ada.Lovelace@example.com ").as_deref(), Ok("ada.lovelace@example.com"));
        for bad in ["", " ", "-ada", "a b", "ada\nb", "ädа", "<b>", &"a".repeat(65)] {
            assert!(user_name(bad).is_err(), "{bad:?}");
        }
        assert_eq!(email(" ada@example.com").unwrap().as_deref(), Some("ada@example.com"));
        assert_eq!(email(""), Ok(None));
        for bad in ["ada", "a@b@c", "ada@example.com\nBcc: x", "Ada <ada@example.com>", "@example.com"] {
            assert!(email(bad).is_err(), "{bad:?}");
        }
    }
}
