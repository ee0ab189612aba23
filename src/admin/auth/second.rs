//! The step between a right password and a session: a code, where the user has asked for one.

use std::time::Duration;

use askama::Template;
use rocket::State;
use subtle::ConstantTimeEq as _;

use super::{
    answer::Answer,
    keys::{self, digest},
    limits, next,
    signed::{Browser, too_often},
    totp,
};
use crate::{
    admin::{
        audit::{Deed, Refusal},
        guard::{Guarded, public},
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, page},
    },
    secret::Secret,
    store::{Stage, TryLimit, UserRow, VaultError},
};

/// Where the code is asked for.
pub(super) const PLACE: &str = "/login/code";
/// How long it may be given after the password.
const OPEN: Duration = Duration::from_mins(10);
/// Recovery codes of a person.
const CODES: usize = 10;
/// Hexadecimal digits of each: 80 bits.
const RECOVERY: usize = 20;

pub(super) fn routes() -> Vec<Guarded> {
    public(rocket::routes![show, submit])
}

/// Where a right password leads: to a whole session, or to the code.
pub(super) fn stage_after_password(user: &UserRow) -> Stage {
    if user.totp.is_some() { Stage::Half } else { Stage::Full }
}

/// Under which name the key of a user is sealed.
fn sealed_as(user: i64) -> String {
    format!("totp/{user}")
}

fn unopened(error: VaultError) -> Refused {
    tracing::error!(%error, "the key of a one-time code does not open");
    Refused::new(503, "code", "One-time codes cannot be checked now. Whoever runs this server finds why in its log.")
}

/// Seals a key for a user.
pub(in crate::admin) async fn seal(admin: &Admin, user: i64, key: String) -> Result<Vec<u8>, Refused> {
    admin.vault.seal(sealed_as(user), Secret::new(key)).await.map_err(unopened)
}

/// The key of a user again.
pub(in crate::admin) fn open(admin: &Admin, user: i64, sealed: &[u8]) -> Result<Secret, Refused> {
    admin.vault.unseal(&sealed_as(user), sealed).map_err(unopened)
}

/// A guess that was counted, before it is looked at.
pub(in crate::admin) struct Guess {
    keys: Vec<String>,
}

impl Guess {
    /// Counts a guess of this browser at the code of a user, whatever sign-ins lie between.
    pub(in crate::admin) async fn of_code(admin: &Admin, browser: &Browser, user: i64) -> Result<Self, Refused> {
        let device = browser.device_of(admin, user).await?;
        Self::count(admin, limits::of_code(user, device)).await
    }

    async fn count(admin: &Admin, limits: Vec<TryLimit>) -> Result<Self, Refused> {
        let keys = limits.iter().map(|limit| limit.key.clone()).collect();
        let counted = admin.store.count_try(limits, admin.clock.now()).await?;
        counted.map(|()| Self { keys }).map_err(too_often)
    }

    /// Takes it back: it was right.
    pub(in crate::admin) async fn forgive(self, admin: &Admin) -> Result<(), Refused> {
        Ok(admin.store.forgive_try(self.keys).await?)
    }
}

/// New recovery codes and their digests.
pub(in crate::admin) fn recovery_codes() -> Result<(Vec<String>, Vec<[u8; 32]>), Refused> {
    let mut codes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        let whole = keys::fresh()?;
        // In groups that people can copy from paper.
        let groups: Vec<String> = whole
            .as_bytes()
            .chunks(5)
            .take(RECOVERY / 5)
            .map(|group| String::from_utf8_lossy(group).into_owned())
            .collect();
        codes.push(groups.join("-"));
    }
    let digests = codes.iter().map(|code| recovery_digest(code)).collect();
    Ok((codes, digests))
}

/// What counts of a recovery code as somebody typed it.
fn plain(given: &str) -> String {
    given.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// Whether it has the length of a recovery code: no one-time code does.
fn is_recovery(given: &str) -> bool {
    plain(given).len() == RECOVERY
}

fn recovery_digest(given: &str) -> [u8; 32] {
    digest(&format!("recovery {}", plain(given)))
}

/// The half session of a browser: its user, and what its form carries.
async fn half_of(admin: &Admin, browser: &Browser) -> Result<Option<(UserRow, String)>, Refused> {
    let Some(id) = &browser.session else { return Ok(None) };
    let Some((session, user)) = admin.store.session(digest(id)).await? else { return Ok(None) };
    let now = admin.clock.now();
    let is_open = session.stage == Stage::Half
        && !session.is_over(now)
        && session.created_at.plus(OPEN) > now
        && user.disabled_at.is_none();
    Ok(is_open.then(|| (user, keys::csrf("code", id))))
}

#[derive(Template)]
#[template(path = "login_code.html")]
struct CodePage<'p> {
    frame: Frame,
    token: String,
    next: &'p str,
    fault: &'p str,
}

fn form(admin: &Admin, status: u16, token: String, next: Option<&str>, fault: &str) -> Result<Answer, Refused> {
    let frame = Frame::outside(admin.clock.now(), "Your code, please");
    Ok(Answer::page(status, page(&CodePage { frame, token, next: next::local(next), fault })?))
}

#[rocket::get("/login/code?<next>")]
async fn show(admin: &State<Admin>, browser: Browser, next: Option<&str>) -> Result<Answer, Refused> {
    match half_of(admin, &browser).await? {
        Some((_, token)) => form(admin, 200, token, next, ""),
        None => Ok(Answer::to(next::leading_to("/login", next::local(next)))),
    }
}

#[rocket::post("/login/code", data = "<sent>")]
async fn submit(admin: &State<Admin>, browser: Browser, sent: Result<Sent, Refused>) -> Result<Answer, Refused> {
    let sent = sent?;
    let given_token = sent.text("token")?.unwrap_or_default();
    let half = half_of(admin, &browser).await?;
    let half = half.filter(|(_, token)| bool::from(given_token.as_bytes().ct_eq(token.as_bytes())));
    let Some((user, token)) = half else {
        return Err(Refused::new(403, "code", "This page was open for too long. Sign in again at /login."));
    };
    let next = sent.text("next")?;
    let given = sent.text("code")?.unwrap_or_default();
    let Some(by) = proven_by(admin, &browser, &user, given).await? else {
        let refusal = Refusal { action: "login", subject: &user.name, reason: "wrong code", peer: &browser.peer };
        admin.audit_refusal(None, refusal).await;
        let fault = "This code does not fit, or was used. Wait for the next one, or use a recovery code.";
        return form(admin, 401, token, next, fault);
    };
    let cookies = browser.begin(admin, &user, Stage::Full).await?;
    let after = serde_json::json!({ "second": by });
    let deed = Deed { action: "login", subject: user.name.clone(), after, ..Deed::default() };
    admin.audit(&browser.person(&user), deed).await?;
    Ok(Answer::to(next::local(next)).with(cookies))
}

/// By what a person is proven: a code that was not used before, or a recovery code, which is used by that. Guesses at codes are counted
/// before they are looked at. A right recovery code gets in whatever others do: with its 80 bits nobody finds one, and only wrong ones count.
async fn proven_by(
    admin: &Admin,
    browser: &Browser,
    user: &UserRow,
    given: &str,
) -> Result<Option<&'static str>, Refused> {
    let Some(sealed) = &user.totp else { return Ok(None) };
    if is_recovery(given) {
        if admin.store.use_recovery_code(user.id, recovery_digest(given)).await? {
            return Ok(Some("recovery code"));
        }
        Guess::count(admin, limits::of_recovery(&browser.peer)).await?;
        return Ok(None);
    }
    let guess = Guess::of_code(admin, browser, user.id).await?;
    let key = open(admin, user.id, sealed)?;
    let Some(step) = totp::step_of(key.expose(), given, admin.clock.now()) else { return Ok(None) };
    if !admin.store.use_totp_step(user.id, step).await? {
        return Ok(None);
    }
    guess.forgive(admin).await?;
    Ok(Some("code"))
}
