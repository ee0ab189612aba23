//! Bearer tokens of the API. Only their digests are kept.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, Queryable, RunQueryDsl as _};

use super::{
    dialect::each,
    error::StoreError,
    handle::Store,
    schema::{api_tokens, users},
    users::{UserRow, UserTableRow},
    writer::Desk,
};
use crate::{clock::Time, model::Scope};

/// A token of the API.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ApiToken {
    /// In audit log and lists.
    #[serde(serialize_with = "as_token")]
    pub id: i64,
    /// SHA-256 of the whole token.
    #[serde(skip)]
    pub digest: [u8; 32],
    /// What people call it.
    pub name: String,
    /// Whose.
    #[serde(serialize_with = "as_user")]
    pub user: i64,
    /// What it may do, within its person's role.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Time,
    /// When it ends. `None`: when it is revoked.
    pub expires_at: Option<Time>,
    /// When it was used last, to a minute. `None`: never.
    pub used_at: Option<Time>,
}

#[derive(Queryable)]
struct TokenTableRow {
    id: i64,
    digest: Vec<u8>,
    name: String,
    user_id: i64,
    scopes: String,
    created_at: i64,
    expires_at: Option<i64>,
    used_at: Option<i64>,
}

impl TryFrom<TokenTableRow> for ApiToken {
    type Error = StoreError;

    fn try_from(row: TokenTableRow) -> Result<Self, StoreError> {
        let digest = row.digest.try_into();
        Ok(Self {
            id: row.id,
            digest: digest.map_err(|_| StoreError::Corrupt("the digest of a token has not 32 bytes".to_owned()))?,
            name: row.name,
            user: row.user_id,
            // A word that is none any more gives nothing.
            scopes: row.scopes.split(',').filter_map(|word| word.parse().ok()).collect(),
            created_at: Time(row.created_at),
            expires_at: row.expires_at.map(Time),
            used_at: row.used_at.map(Time),
        })
    }
}

impl Store {
    /// Keeps a new token.
    pub async fn add_token(&self, token: ApiToken) -> Result<(), StoreError> {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.word()).collect();
        let scopes = scopes.join(",");
        let add = move |desk: &mut Desk| {
            let row = (
                (api_tokens::id.eq(token.id), api_tokens::digest.eq(token.digest.as_slice())),
                (api_tokens::name.eq(&token.name), api_tokens::user_id.eq(token.user), api_tokens::scopes.eq(&scopes)),
                (
                    api_tokens::created_at.eq(token.created_at.0),
                    api_tokens::expires_at.eq(token.expires_at.map(|at| at.0)),
                ),
            );
            each!(&mut desk.conn, c => diesel::insert_into(api_tokens::table).values(row).execute(c))?;
            Ok(())
        };
        self.write(256, add).await
    }

    /// A token with its user, over or not, disabled or not.
    pub async fn token(&self, digest: [u8; 32]) -> Result<Option<(ApiToken, UserRow)>, StoreError> {
        let found = self
            .read(move |conn, _| {
                let token: Option<TokenTableRow> = each!(conn, c => api_tokens::table
                    .filter(api_tokens::digest.eq(digest.as_slice()))
                    .get_result(c)
                    .optional())?;
                let Some(token) = token else { return Ok(None) };
                let user: Option<UserTableRow> =
                    each!(conn, c => users::table.find(token.user_id).get_result(c).optional())?;
                Ok(user.map(|user| (token, user)))
            })
            .await?;
        found.map(|(token, user)| Ok((ApiToken::try_from(token)?, UserRow::from(user)))).transpose()
    }

    /// Every token, or those of one user; the newest first.
    pub async fn tokens(&self, of: Option<i64>) -> Result<Vec<ApiToken>, StoreError> {
        let rows: Vec<TokenTableRow> = self
            .read(move |conn, _| {
                let question = api_tokens::table.order(api_tokens::id.desc());
                Ok(match of {
                    Some(user) => each!(conn, c => question.filter(api_tokens::user_id.eq(user)).load(c))?,
                    None => each!(conn, c => question.load(c))?,
                })
            })
            .await?;
        rows.into_iter().map(ApiToken::try_from).collect()
    }

    /// Keeps that a token was used.
    pub async fn see_token(&self, id: i64, at: Time) -> Result<(), StoreError> {
        let see = move |desk: &mut Desk| {
            each!(&mut desk.conn, c => diesel::update(api_tokens::table.find(id))
                .set(api_tokens::used_at.eq(Some(at.0)))
                .execute(c))?;
            Ok(())
        };
        self.write(64, see).await
    }

    /// Removes a token, of one user or of whomever. False: there is none.
    pub async fn revoke_token(&self, id: i64, of: Option<i64>) -> Result<bool, StoreError> {
        let revoke = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            let one = api_tokens::table.find(id);
            let gone = match of {
                Some(user) => each!(conn, c => diesel::delete(one.filter(api_tokens::user_id.eq(user))).execute(c))?,
                None => each!(conn, c => diesel::delete(one).execute(c))?,
            };
            Ok(gone == 1)
        };
        self.write(64, revoke).await
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over so")]
fn as_token<S: serde::Serializer>(id: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&crate::ids::TokenId(*id))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over so")]
fn as_user<S: serde::Serializer>(id: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&crate::ids::UserId(*id))
}
