//! `bellwire tokens`: bearer tokens of the API, shown once.

use std::{path::Path, time::Duration};

use serde_json::json;

use super::{
    answer::{Answer, clean, machine},
    arguments::TokensVerb,
    failure::Failure,
    open,
    table::table,
    users::{existing, keep, keep_change, known, with_store},
};
use crate::{
    admin,
    config::Config,
    ids::TokenId,
    model::Scope,
    store::{ApiToken, Mode},
};

/// Characters of a token's name.
const LONGEST_NAME: usize = 80;

pub(super) fn run(workspace: &Path, verb: TokensVerb) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    match verb {
        TokensVerb::List { user, json } => list(&config, user.as_deref(), json),
        TokensVerb::New { name, user, scopes, expires, json } => new(&config, &name, &user, scopes, expires, json),
        TokensVerb::Revoke { id } => revoke(&config, id),
    }
}

fn list(config: &Config, user: Option<&str>, json: bool) -> Result<Answer, Failure> {
    existing(config)?;
    let (tokens, users) = with_store(config, Mode::Read, async |store, _| {
        let of = match user {
            Some(name) => Some(known(store, name).await?.id),
            None => None,
        };
        Ok((store.tokens(of).await?, store.users().await?))
    })?;
    if json {
        return Ok(Answer::json(&machine(&tokens)));
    }
    if tokens.is_empty() {
        return Ok(Answer::text("No tokens yet. Make one:\n\n  bellwire tokens new ci --user NAME --scope read"));
    }
    let lines: Vec<Vec<String>> = tokens
        .iter()
        .map(|token| {
            let owner = users.iter().find(|user| user.id == token.user).map(|user| user.name.clone());
            let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.word()).collect();
            let text =
                |at: Option<crate::clock::Time>, none: &str| at.map_or_else(|| none.to_owned(), |at| at.to_string());
            vec![
                TokenId(token.id).to_string(),
                clean(&token.name, LONGEST_NAME),
                owner.unwrap_or_default(),
                scopes.join(","),
                text(token.expires_at, "never"),
                text(token.used_at, "never"),
            ]
        })
        .collect();
    Ok(Answer::text(table(&["ID", "NAME", "USER", "SCOPES", "EXPIRES", "LAST USED"], &lines)))
}

fn new(
    config: &Config,
    name: &str,
    user: &str,
    mut scopes: Vec<Scope>,
    expires: Option<Duration>,
    json: bool,
) -> Result<Answer, Failure> {
    existing(config)?;
    scopes.sort_unstable();
    scopes.dedup();
    let name: String = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    let (token, row) = with_store(config, Mode::Write, async |store, now| {
        let user = known(store, user).await?;
        let token = admin::new_token().map_err(|error| Failure::Storage(format!("no random numbers: {error}")))?;
        let row = open::with_ids(now, async |ids| {
            let row = ApiToken {
                id: ids.next(now),
                digest: admin::digest(&token),
                name: name.clone(),
                user: user.id,
                scopes: scopes.clone(),
                created_at: now,
                expires_at: expires.map(|span| now.plus(span)),
                used_at: None,
            };
            store.add_token(row.clone()).await.map(|()| row)
        })
        .await?;
        let words: Vec<&str> = row.scopes.iter().map(|scope| scope.word()).collect();
        let ends = row.expires_at.map(|at| at.to_string());
        let after = json!({"name": row.name, "user": user.name, "scopes": words, "expires_at": ends});
        keep(store, now, "token.new", &TokenId(row.id).to_string(), after).await?;
        Ok((token, row))
    })?;
    if json {
        let mut shown = machine(&row);
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("token".to_owned(), token.into());
        }
        return Ok(Answer::json(&shown));
    }
    let until = row.expires_at.map_or_else(|| "it does not expire".to_owned(), |at| format!("it ends at {at}"));
    Ok(Answer::text(token)
        .note(&format!("this token is shown once; {until}; to end it: bellwire tokens revoke {}", TokenId(row.id))))
}

fn revoke(config: &Config, id: TokenId) -> Result<Answer, Failure> {
    existing(config)?;
    let gone = with_store(config, Mode::Write, async |store, now| {
        let known = store.tokens(None).await?.into_iter().find(|token| token.id == id.0);
        let gone = store.revoke_token(id.0, None).await?;
        if gone {
            let was = json!({ "name": known.map(|token| token.name) });
            keep_change(store, now, "token.revoke", &id.to_string(), (was, serde_json::Value::Null)).await?;
        }
        Ok(gone)
    })?;
    if !gone {
        return Err(Failure::No(format!("there is no token {id}; see `bellwire tokens list`")));
    }
    Ok(Answer::text(format!("{id} is revoked")))
}
