//! The door: who calls, and whether they may.

use std::time::Duration;

use rocket::{
    Request,
    http::Status,
    request::{FromRequest, Outcome},
};

use super::{
    cookies::Cookie,
    keys::{TOKEN_PREFIX, csrf, digest},
    next, origin,
};
use crate::{
    admin::{
        audit::Refusal,
        guard::{Access, Visitor},
        refused::Refused,
        state::Admin,
    },
    clock::Time,
    model::{Person, Role, Scope, Via},
    store::{SessionRow, Stage, UserRow},
    web::peer_of,
};

/// That somebody was there is written so often at most.
const SEEN: Duration = Duration::from_mins(1);

/// What an open page asks for again and again: that nobody is there does not change by it.
const POLLED: [&str; 4] = ["/events/live", "/events/more", "/runs/<id>/live", "/jobs/<id>/progress"];

/// By what a request was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin) enum Ticket {
    /// A session, by its digest.
    Session([u8; 32]),
    /// A bearer token, by its digest.
    Token([u8; 32]),
}

impl Ticket {
    /// The digest of the session. `None`: it is a token.
    pub(in crate::admin) fn session(&self) -> Option<[u8; 32]> {
        match self {
            Self::Session(digest) => Some(*digest),
            Self::Token(_) => None,
        }
    }
}

struct Held(Option<Ticket>);

/// `ticket: Ticket` in a handler behind a door that is not public.
#[rocket::async_trait]
impl<'r> FromRequest<'r> for Ticket {
    type Error = Refused;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refused> {
        match &request.local_cache(|| Held(None)).0 {
            Some(ticket) => Outcome::Success(ticket.clone()),
            None => Outcome::Error((Status::Unauthorized, sign_in())),
        }
    }
}

/// Who calls, if they may: `None` on a public route without a session.
pub(in crate::admin) async fn admit(
    request: &Request<'_>,
    access: Access,
    writes: bool,
) -> Result<Option<Person>, Refused> {
    let Some(admin) = request.rocket().state::<Admin>() else {
        return Err(Refused::new(503, "starting", "This server is starting. Try again in a moment."));
    };
    origin::check_host(request, &admin.config)?;
    let admitted = match access {
        Access::Public => return public(request, admin, writes).await,
        Access::Page(role) => page(request, admin, role, false, writes).await,
        Access::Fresh(role) => page(request, admin, role, true, writes).await,
        Access::Api(role, scope) => api(request, admin, role, scope).await,
    };
    admitted.map(Some)
}

async fn public(request: &Request<'_>, admin: &Admin, writes: bool) -> Result<Option<Person>, Refused> {
    if writes && let Err(reason) = origin::check_write(request, &admin.config) {
        return Err(foreign(request, admin, None, reason).await);
    }
    Ok(None)
}

async fn page(
    request: &Request<'_>,
    admin: &Admin,
    role: Role,
    wants_fresh: bool,
    writes: bool,
) -> Result<Person, Refused> {
    let Some((session, person)) = session_of(request, admin, Stage::Full).await? else {
        if writes && let Err(reason) = origin::check_write(request, &admin.config) {
            return Err(foreign(request, admin, None, reason).await);
        }
        return Err(elsewhere("/login", request, writes));
    };
    request.local_cache(|| Held(Some(Ticket::Session(session.digest))));
    request.local_cache(|| Visitor(Some(person.clone())));
    let near = if writes { origin::check_write(request, &admin.config) } else { origin::check_read(request) };
    if let Err(reason) = near {
        return Err(foreign(request, admin, Some(&person), reason).await);
    }
    if person.role < role {
        return Err(short(request, admin, &person, role).await);
    }
    if wants_fresh && !matches!(person.via, Via::Session { fresh: true, .. }) {
        return Err(elsewhere("/reauth", request, writes));
    }
    let now = admin.clock.now();
    if now.since(session.seen_at) >= SEEN && !asks_by_itself(request) {
        admin.store.see_session(session.digest, now).await?;
    }
    Ok(person)
}

/// Whether a page asked without a person. The overview is the one that asks for itself.
fn asks_by_itself(request: &Request<'_>) -> bool {
    let Some(route) = request.route() else { return false };
    let path = route.uri.path();
    let is_again = path == "/" && request.headers().get_one("HX-Target") == Some("now");
    is_again || POLLED.contains(&path)
}

/// The session of a request and its person, where it stands at this stage and is not over.
pub(super) async fn session_of(
    request: &Request<'_>,
    admin: &Admin,
    stage: Stage,
) -> Result<Option<(SessionRow, Person)>, Refused> {
    let Some(id) = Cookie::Session.of(request, &admin.config) else { return Ok(None) };
    let Some((session, user)) = admin.store.session(digest(&id)).await? else { return Ok(None) };
    let now = admin.clock.now();
    if session.stage != stage || session.is_over(now) || user.disabled_at.is_some() {
        return Ok(None);
    }
    let via = Via::Session { csrf: csrf("session", &id), fresh: session.fresh_until > now };
    let person = person(user, via, request);
    Ok(Some((session, person)))
}

async fn api(request: &Request<'_>, admin: &Admin, role: Role, scope: Scope) -> Result<Person, Refused> {
    let Some(token) = bearer(request) else { return Err(no_token()) };
    let now = admin.clock.now();
    let found = admin.store.token(digest(token)).await?;
    let Some((token, user)) = found else { return Err(no_token()) };
    if token.expires_at.is_some_and(|end| end <= now) || user.disabled_at.is_some() {
        return Err(no_token());
    }
    request.local_cache(|| Held(Some(Ticket::Token(token.digest))));
    if token.used_at.is_none_or(|used: Time| now.since(used) >= SEEN) {
        admin.store.see_token(token.id, now).await?;
    }
    let person = person(user, Via::Token { id: token.id, scopes: token.scopes }, request);
    if person.role < role {
        return Err(short(request, admin, &person, role).await);
    }
    if !person.has(scope) {
        refuse(request, admin, Some(&person), "the token lacks the scope").await;
        return Err(Refused::forbidden(format!(
            "This token lacks the scope `{}`. Make one that has it: bellwire tokens new",
            scope.word()
        )));
    }
    Ok(person)
}

fn bearer<'r>(request: &'r Request<'_>) -> Option<&'r str> {
    let mut given = request.headers().get("Authorization");
    let (scheme, token) = given.next()?.split_once(' ')?;
    let is_one = given.next().is_none() && scheme.eq_ignore_ascii_case("bearer");
    (is_one && token.starts_with(TOKEN_PREFIX)).then(|| token.trim())
}

fn person(user: UserRow, via: Via, request: &Request<'_>) -> Person {
    Person { id: user.id, name: user.name, email: user.email, role: user.role, via, peer: peer_of(request) }
}

fn no_token() -> Refused {
    Refused::new(
        401,
        "unauthorized",
        "Send a token of the API as `Authorization: Bearer bw_...`; make one with `bellwire tokens new`.",
    )
}

fn sign_in() -> Refused {
    Refused::new(401, "unauthorized", "Sign in first.")
}

/// To login or to the password, and back to where a person was: to the page itself, or after a write to the area that it is of.
fn elsewhere(place: &str, request: &Request<'_>, writes: bool) -> Refused {
    let uri = request.uri();
    let back = if writes {
        let area = uri.path().as_str().split('/').nth(1).unwrap_or_default();
        format!("/{area}")
    } else {
        uri.to_string()
    };
    let mut refused = sign_in();
    refused.see_other = Some(next::leading_to(place, &back));
    refused
}

async fn short(request: &Request<'_>, admin: &Admin, person: &Person, role: Role) -> Refused {
    refuse(request, admin, Some(person), "the role does not suffice").await;
    Refused::forbidden(format!(
        "This is for the role {role} and above; yours is {}. An owner can change that.",
        person.role
    ))
}

async fn foreign(request: &Request<'_>, admin: &Admin, person: Option<&Person>, reason: &'static str) -> Refused {
    refuse(request, admin, person, reason).await;
    Refused::new(
        403,
        "foreign",
        "This request came from another page than ours. Open the page here and repeat what you did.",
    )
}

/// Keeps in the audit log that a request was refused.
pub(in crate::admin) async fn refuse(request: &Request<'_>, admin: &Admin, person: Option<&Person>, reason: &str) {
    // The route, never the path: that may hold what is nobody's business.
    let route = request.route().map(|route| route.uri.path().to_owned()).unwrap_or_default();
    let subject = format!("{} {route}", request.method());
    let refusal = Refusal { action: "request", subject: &subject, reason, peer: &peer_of(request) };
    admin.audit_refusal(person, refusal).await;
}
