//! `/api/v1/tokens`: bearer tokens of the API, shown once.

use std::{str::FromStr, time::Duration};

use rocket::{State, delete, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Nothing},
    body::{Body, Empty},
    once::Key,
    part::Part,
    users,
};
use crate::{
    admin::{act::tokens, refused::Refused, state::Admin},
    ids::TokenId,
    model::{Person, Role, Scope},
    rules::parse_duration,
    store::{ApiToken, UserRow},
};

/// The longest that a token with an end lasts.
const LONGEST: Duration = Duration::from_hours(24 * 3660);

#[derive(OpenApi)]
#[openapi(paths(list_tokens, new_token, revoke_token))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("tokens", "Bearer tokens of the API. Each is shown once.").with(
        Role::Owner,
        Scope::Admin,
        rocket::routes![list_tokens, new_token, revoke_token],
    )
}

/// What a token may do, within its person's role.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ScopeView {
    Read,
    Run,
    Rules,
    People,
    Secrets,
    Admin,
}

impl From<ScopeView> for Scope {
    fn from(scope: ScopeView) -> Self {
        match scope {
            ScopeView::Read => Self::Read,
            ScopeView::Run => Self::Run,
            ScopeView::Rules => Self::Rules,
            ScopeView::People => Self::People,
            ScopeView::Secrets => Self::Secrets,
            ScopeView::Admin => Self::Admin,
        }
    }
}

/// A token: never itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenView {
    #[schema(example = "tok_01hf3y8a9d000")]
    id: String,
    name: String,
    /// Whose.
    user: String,
    scopes: Vec<&'static str>,
    created_at: Moment,
    /// `null`: when it is revoked.
    expires_at: Option<Moment>,
    /// To a minute. `null`: never.
    used_at: Option<Moment>,
}

fn view(token: ApiToken, users: &[UserRow]) -> TokenView {
    let user = users.iter().find(|user| user.id == token.user).map(|user| user.name.clone());
    TokenView {
        id: TokenId(token.id).to_string(),
        name: token.name,
        user: user.unwrap_or_default(),
        scopes: token.scopes.into_iter().map(Scope::word).collect(),
        created_at: token.created_at.into(),
        expires_at: token.expires_at.map(Moment::from),
        used_at: token.used_at.map(Moment::from),
    }
}

/// Tokens of all users.
#[utoipa::path(responses((status = 200, description = "All of them.", body = Listed<TokenView>)))]
#[get("/api/v1/tokens")]
async fn list_tokens(admin: &State<Admin>, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let (tokens, users) = (admin.store.tokens(None).await?, admin.store.users().await?);
    Reply::ok(&Listed { items: tokens.into_iter().map(|token| view(token, &users)).collect(), next: None })
}

/// A token that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenSent {
    /// What people call it.
    #[schema(min_length = 1, max_length = 80, example = "ci")]
    name: String,
    /// Whose: a token makes those of its own person alone. That of the one who asks unless set.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, example = "ada")]
    user: Option<String>,
    /// Not more than the token has that asks.
    #[schema(min_items = 1, max_items = 6)]
    scopes: Vec<ScopeView>,
    /// For how long: `90d`. Until it is revoked unless set. Not longer than the token that asks.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, example = "90d")]
    expires: Option<String>,
}

/// A new token.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenMade {
    #[serde(flatten)]
    about: TokenView,
    /// The token itself. It is never shown again.
    #[schema(example = "bw_..")]
    token: String,
}

/// Make a token. It may not more than the token that asks for it.
#[utoipa::path(
    request_body = TokenSent,
    responses((status = 201, description = "The token, shown once.", body = TokenMade))
)]
#[post("/api/v1/tokens", data = "<sent>")]
async fn new_token(
    admin: &State<Admin>,
    person: &Person,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<TokenSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let TokenSent { name, user, scopes, expires } = sent.value;
    let scopes = scopes_of(&scopes)?;
    let lasts = expires.as_deref().map(lasts).transpose()?;
    let make = async {
        let user = users::named(admin, user.as_deref().unwrap_or(&person.name)).await?;
        let (token, row) = tokens::new(admin, person, (user.id, user.role), &name, scopes, lasts).await?;
        Ok(Reply::new(201, &TokenMade { about: view(row, &[user]), token })?.shown_once())
    };
    key?.once(admin, person, sent.digest, make).await
}

fn scopes_of(wanted: &[ScopeView]) -> Result<Vec<Scope>, Refused> {
    if wanted.is_empty() || wanted.len() > Scope::ALL.len() {
        return Err(Refused::new(422, "invalid", "`scopes`: one to six of them wanted."));
    }
    Ok(wanted.iter().map(|scope| Scope::from(*scope)).collect())
}

fn lasts(text: &str) -> Result<Duration, Refused> {
    let read = parse_duration(text).filter(|span| !span.is_zero() && *span <= LONGEST);
    read.ok_or_else(|| Refused::new(422, "invalid", "`expires`: a span up to ten years wanted, such as `90d`."))
}

/// End a token.
#[utoipa::path(request_body = Empty, responses((status = 204, description = "It counts no more.")))]
#[delete("/api/v1/tokens/<id>", data = "<sent>")]
async fn revoke_token(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let missing = || Refused::missing(&format!("token {}", id.chars().take(64).collect::<String>()));
    let revoke = async {
        tokens::revoke(admin, person, TokenId::from_str(id).map_err(|_| missing())?).await?;
        Ok(Reply::done())
    };
    key?.once(admin, person, sent.digest, revoke).await
}
