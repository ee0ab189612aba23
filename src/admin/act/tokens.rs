//! Bearer tokens of the API: made, shown once, revoked.

use std::time::Duration;

use serde_json::json;

use super::named;
use crate::{
    admin::{
        audit::Deed,
        auth::{digest, new_token},
        refused::Refused,
        state::Admin,
    },
    ids::TokenId,
    model::{Person, Role, Scope, Via},
    store::ApiToken,
};

/// Characters of a token's name.
const LONGEST_NAME: usize = 80;
/// Tokens of one person at most.
const PER_PERSON: usize = 100;

/// The scopes that a role can use: a token does no more than its person may.
pub(in crate::admin) fn scopes_of(role: Role) -> &'static [Scope] {
    match role {
        Role::Viewer => &[Scope::Read],
        Role::Editor => &[Scope::Read, Scope::Run, Scope::Rules, Scope::People],
        Role::Owner => &Scope::ALL,
    }
}

/// Makes a token of a user; it and its row. It cannot be seen again.
pub(in crate::admin) async fn new(
    admin: &Admin,
    person: &Person,
    (user, role): (i64, Role),
    name: &str,
    mut scopes: Vec<Scope>,
    lasts: Option<Duration>,
) -> Result<(String, ApiToken), Refused> {
    let invalid = |why: String| Refused::new(422, "invalid", why);
    within(person, user, &scopes)?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || !name.chars().all(named::fits) {
        return Err(invalid(format!("A token has a name of 1 to {LONGEST_NAME} characters.")));
    }
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(invalid("Say what the token may do: at least one scope.".to_owned()));
    }
    if let Some(scope) = scopes.iter().find(|scope| !scopes_of(role).contains(scope)) {
        let whose = if user == person.id { "your role" } else { "the role of that user" };
        return Err(invalid(format!("The scope `{}` is beyond {whose}, {role}.", scope.word())));
    }
    let known = admin.store.tokens(Some(user)).await?;
    let now = admin.clock.now();
    let expires_at = lasts.map(|span| now.plus(span));
    // A token that is made by another does not outlive it.
    let until = match &person.via {
        Via::Token { id, .. } => known.iter().find(|token| token.id == *id).and_then(|token| token.expires_at),
        Via::Session { .. } => None,
    };
    if let Some(end) = until.filter(|end| expires_at.is_none_or(|wanted| wanted > *end)) {
        return Err(invalid(format!(
            "This token ends at {end}, and makes none that lasts longer. Say how long it shall last."
        )));
    }
    if known.len() >= PER_PERSON {
        let why = format!("There are {PER_PERSON} tokens of this user. Revoke some that nobody uses.");
        return Err(Refused::conflict(why));
    }
    let token = new_token().map_err(|error| {
        tracing::error!(%error, "the system gives no random numbers");
        Refused::new(503, "random", "This machine gives no random numbers at the moment. Try again.")
    })?;
    let row = ApiToken {
        id: admin.ids.next(now),
        digest: digest(&token),
        name: name.to_owned(),
        user,
        scopes,
        created_at: now,
        expires_at,
        used_at: None,
    };
    admin.store.add_token(row.clone()).await?;
    let words: Vec<&str> = row.scopes.iter().map(|scope| scope.word()).collect();
    let after = json!({"name": row.name, "scopes": words, "expires_at": row.expires_at.map(|at| at.to_string())});
    let subject = TokenId(row.id).to_string();
    admin.audit(person, Deed { action: "token.new", subject, after, ..Deed::default() }).await?;
    Ok((token, row))
}

/// No token makes one that may more than itself, or one of somebody else.
fn within(person: &Person, user: i64, scopes: &[Scope]) -> Result<(), Refused> {
    if user != person.id && (person.role < Role::Owner || matches!(person.via, Via::Token { .. })) {
        return Err(Refused::forbidden(
            "A token makes tokens of its own person alone; sign in to make one of somebody else.",
        ));
    }
    match scopes.iter().find(|scope| !person.has(**scope)) {
        None => Ok(()),
        Some(scope) => Err(Refused::forbidden(format!(
            "This token has not the scope `{}`, and makes none that has it.",
            scope.word()
        ))),
    }
}

/// Revokes a token: one's own, and an owner anybody's.
pub(in crate::admin) async fn revoke(admin: &Admin, person: &Person, id: TokenId) -> Result<(), Refused> {
    let of = (person.role < Role::Owner).then_some(person.id);
    let known = admin.store.tokens(of).await?.into_iter().find(|token| token.id == id.0);
    let missing = || Refused::missing(&format!("token {id}"));
    let known = known.ok_or_else(missing)?;
    if !admin.store.revoke_token(id.0, of).await? {
        return Err(missing());
    }
    let before = json!({ "name": known.name });
    admin.audit(person, Deed { action: "token.revoke", subject: id.to_string(), before, ..Deed::default() }).await
}
