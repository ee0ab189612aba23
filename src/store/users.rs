//! Who may use the admin.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, Queryable,
    RunQueryDsl as _,
};

use super::{
    dialect::{Conn, each},
    error::StoreError,
    handle::Store,
    one_time,
    schema::{api_tokens, devices, recovery_codes, sessions, users},
    writer::Desk,
};
use crate::{clock::Time, model::Role};

/// A person who may use the admin.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct UserRow {
    /// In audit log, sessions and tokens.
    #[serde(serialize_with = "as_user")]
    pub id: i64,
    /// As it signs in; lower case.
    pub name: String,
    /// For commits.
    pub email: Option<String>,
    /// What it may do.
    pub role: Role,
    /// Argon2id, in the PHC form. `None`: none was ever set.
    #[serde(skip)]
    pub password: Option<String>,
    /// The sealed secret of one-time codes. `None`: no code is wanted.
    #[serde(skip)]
    pub totp: Option<Vec<u8>>,
    /// One that is not confirmed yet.
    #[serde(skip)]
    pub totp_new: Option<Vec<u8>>,
    /// The time step of the last code that was used.
    #[serde(skip)]
    pub totp_step: Option<i64>,
    /// The provider of `OpenID` Connect, and who the person is there.
    pub remote: Option<(String, String)>,
    /// Since when it may not sign in. `None`: it may.
    pub disabled_at: Option<Time>,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last.
    pub changed_at: Time,
}

#[derive(Queryable)]
pub(super) struct UserTableRow {
    id: i64,
    name: String,
    email: Option<String>,
    role: i16,
    password: Option<String>,
    totp: Option<Vec<u8>>,
    totp_new: Option<Vec<u8>>,
    totp_step: Option<i64>,
    issuer: Option<String>,
    remote: Option<String>,
    disabled_at: Option<i64>,
    created_at: i64,
    changed_at: i64,
}

impl From<UserTableRow> for UserRow {
    fn from(row: UserTableRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            email: row.email,
            role: role_of(row.role),
            password: row.password,
            totp: row.totp,
            totp_new: row.totp_new,
            totp_step: row.totp_step,
            remote: row.issuer.zip(row.remote),
            disabled_at: row.disabled_at.map(Time),
            created_at: Time(row.created_at),
            changed_at: Time(row.changed_at),
        }
    }
}

/// Anything that is no role counts as the least.
fn role_of(code: i16) -> Role {
    match code {
        2 => Role::Owner,
        1 => Role::Editor,
        _ => Role::Viewer,
    }
}

fn code_of(role: Role) -> i16 {
    match role {
        Role::Viewer => 0,
        Role::Editor => 1,
        Role::Owner => 2,
    }
}

/// A person to be.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// From the source of ids.
    pub id: i64,
    /// Lower case, checked.
    pub name: String,
    /// For commits.
    pub email: Option<String>,
    /// What it may do.
    pub role: Role,
    /// Argon2id, in the PHC form.
    pub password: Option<String>,
    /// The provider of `OpenID` Connect, and who the person is there.
    pub remote: Option<(String, String)>,
    /// Now.
    pub at: Time,
}

/// What became of a change of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserChange {
    /// It is done.
    Done,
    /// There is no such user.
    Missing,
    /// It is the last owner who may sign in, and stays one.
    LastOwner,
}

impl Store {
    /// Keeps a new user. False: the name, or the person at the provider, is known already.
    pub async fn add_user(&self, user: NewUser) -> Result<bool, StoreError> {
        self.write(512, move |desk| insert(&mut desk.conn, &user)).await
    }

    /// Keeps the first user, by the link of this digest. False: the link is not good, or there is a user by now.
    pub async fn add_first_user(&self, user: NewUser, link: [u8; 32]) -> Result<bool, StoreError> {
        let add = move |desk: &mut Desk| {
            let known: i64 = each!(&mut desk.conn, c => users::table.count().get_result(c))?;
            if known > 0 || one_time::take(&mut desk.conn, &link, one_time::SETUP, user.at)?.is_none() {
                return Ok(false);
            }
            insert(&mut desk.conn, &user)
        };
        self.write(512, add).await
    }

    /// Whether there is any user.
    pub async fn has_users(&self) -> Result<bool, StoreError> {
        let first: Option<i64> = self
            .read(|conn, _| Ok(each!(conn, c => users::table.select(users::id).limit(1).get_result(c).optional())?))
            .await?;
        Ok(first.is_some())
    }

    /// A user by its id.
    pub async fn user(&self, id: i64) -> Result<Option<UserRow>, StoreError> {
        let row: Option<UserTableRow> =
            self.read(move |conn, _| Ok(each!(conn, c => users::table.find(id).get_result(c).optional())?)).await?;
        Ok(row.map(UserRow::from))
    }

    /// A user by its name, in lower case.
    pub async fn user_by_name(&self, name: &str) -> Result<Option<UserRow>, StoreError> {
        let name = name.to_owned();
        let row: Option<UserTableRow> = self
            .read(move |conn, _| {
                Ok(each!(conn, c => users::table.filter(users::name.eq(&name)).get_result(c).optional())?)
            })
            .await?;
        Ok(row.map(UserRow::from))
    }

    /// A user by who it is at a provider of `OpenID` Connect.
    pub async fn user_by_remote(&self, issuer: &str, remote: &str) -> Result<Option<UserRow>, StoreError> {
        let (issuer, remote) = (issuer.to_owned(), remote.to_owned());
        let row: Option<UserTableRow> = self
            .read(move |conn, _| {
                Ok(each!(conn, c => users::table
                    .filter(users::issuer.eq(&issuer))
                    .filter(users::remote.eq(&remote))
                    .get_result(c)
                    .optional())?)
            })
            .await?;
        Ok(row.map(UserRow::from))
    }

    /// Every user, by name.
    pub async fn users(&self) -> Result<Vec<UserRow>, StoreError> {
        let rows: Vec<UserTableRow> =
            self.read(|conn, _| Ok(each!(conn, c => users::table.order(users::name.asc()).load(c))?)).await?;
        Ok(rows.into_iter().map(UserRow::from).collect())
    }

    /// Gives a user another role, and ends its sessions: what it may do is asked anew.
    pub async fn set_role(&self, id: i64, role: Role, at: Time) -> Result<UserChange, StoreError> {
        let set = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            if role != Role::Owner && is_last_owner(conn, id)? {
                return Ok(UserChange::LastOwner);
            }
            let changed = each!(conn, c => diesel::update(users::table.find(id))
                .set((users::role.eq(code_of(role)), users::changed_at.eq(at.0)))
                .execute(c))?;
            end_sessions(conn, id, None)?;
            Ok(done(changed))
        };
        self.write(64, set).await
    }

    /// Lets a user sign in no more (and ends its sessions; its tokens are refused), or again.
    pub async fn set_disabled(&self, id: i64, disabled: bool, at: Time) -> Result<UserChange, StoreError> {
        let set = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            if disabled && is_last_owner(conn, id)? {
                return Ok(UserChange::LastOwner);
            }
            let changed = each!(conn, c => diesel::update(users::table.find(id))
                .set((users::disabled_at.eq(disabled.then_some(at.0)), users::changed_at.eq(at.0)))
                .execute(c))?;
            end_sessions(conn, id, None)?;
            forget_devices(conn, id)?;
            Ok(done(changed))
        };
        self.write(64, set).await
    }

    /// Removes a user with its sessions, tokens, devices and codes. What it did stays in the audit log.
    pub async fn remove_user(&self, id: i64) -> Result<UserChange, StoreError> {
        let remove = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            if is_last_owner(conn, id)? {
                return Ok(UserChange::LastOwner);
            }
            end_sessions(conn, id, None)?;
            forget_devices(conn, id)?;
            each!(conn, c => diesel::delete(api_tokens::table.filter(api_tokens::user_id.eq(id))).execute(c))?;
            each!(conn, c => diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(id))).execute(c))?;
            let gone = each!(conn, c => diesel::delete(users::table.find(id)).execute(c))?;
            Ok(done(gone))
        };
        self.write(64, remove).await
    }

    /// Gives a user another password, and ends its sessions but the one of this digest, and links by which a password is chosen. Devices it
    /// signed in with are known no more.
    pub async fn set_password(
        &self,
        id: i64,
        password: String,
        but: Option<[u8; 32]>,
        at: Time,
    ) -> Result<UserChange, StoreError> {
        let set = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            let changed = each!(conn, c => diesel::update(users::table.find(id))
                .set((users::password.eq(Some(&password)), users::changed_at.eq(at.0)))
                .execute(c))?;
            end_sessions(conn, id, but)?;
            forget_devices(conn, id)?;
            one_time::end(conn, one_time::PASSWORD, &id.to_string())?;
            Ok(done(changed))
        };
        self.write(256, set).await
    }

    /// Says by which address a user's commits are known.
    pub async fn set_email(&self, id: i64, email: Option<String>, at: Time) -> Result<UserChange, StoreError> {
        let set = move |desk: &mut Desk| {
            let changed = each!(&mut desk.conn, c => diesel::update(users::table.find(id))
                .set((users::email.eq(&email), users::changed_at.eq(at.0)))
                .execute(c))?;
            Ok(done(changed))
        };
        self.write(256, set).await
    }

    /// Says who a user is at a provider of `OpenID` Connect. Doubled: somebody else is that person.
    pub async fn set_remote(
        &self,
        id: i64,
        remote: Option<(String, String)>,
        at: Time,
    ) -> Result<UserChange, StoreError> {
        let set = move |desk: &mut Desk| {
            let (issuer, name) = remote.as_ref().map(|(issuer, name)| (issuer, name)).unzip();
            let changed = each!(&mut desk.conn, c => diesel::update(users::table.find(id))
                .set((users::issuer.eq(issuer), users::remote.eq(name), users::changed_at.eq(at.0)))
                .execute(c))?;
            Ok(done(changed))
        };
        self.write(256, set).await
    }
}

fn done(changed: usize) -> UserChange {
    if changed == 1 { UserChange::Done } else { UserChange::Missing }
}

fn insert(conn: &mut Conn, user: &NewUser) -> Result<bool, StoreError> {
    let (issuer, remote) = user.remote.as_ref().map(|(issuer, remote)| (issuer, remote)).unzip();
    if let (Some(issuer), Some(remote)) = (issuer, remote) {
        let known: i64 = each!(conn, c => users::table
            .filter(users::issuer.eq(issuer))
            .filter(users::remote.eq(remote))
            .count()
            .get_result(c))?;
        if known > 0 {
            return Ok(false);
        }
    }
    let row = (
        (users::id.eq(user.id), users::name.eq(&user.name), users::email.eq(user.email.as_ref())),
        (users::role.eq(code_of(user.role)), users::password.eq(user.password.as_ref())),
        (users::issuer.eq(issuer), users::remote.eq(remote)),
        (users::created_at.eq(user.at.0), users::changed_at.eq(user.at.0)),
    );
    let added = each!(conn, c => diesel::insert_into(users::table)
        .values(row)
        .on_conflict(users::name)
        .do_nothing()
        .execute(c))?;
    Ok(added == 1)
}

/// Whether nobody could sign in as an owner without this user: others count who have a password, or are known at a provider.
fn is_last_owner(conn: &mut Conn, id: i64) -> Result<bool, StoreError> {
    let owners: Vec<(i64, bool)> = each!(conn, c => users::table
        .filter(users::role.eq(code_of(Role::Owner)))
        .filter(users::disabled_at.is_null())
        .select((users::id, users::password.is_not_null().or(users::issuer.is_not_null())))
        .load(c))?;
    let is_one = owners.iter().any(|(owner, _)| *owner == id);
    Ok(is_one && !owners.iter().any(|(owner, signs_in)| *owner != id && *signs_in))
}

/// Ends the sessions of a user, but one.
pub(super) fn end_sessions(conn: &mut Conn, id: i64, but: Option<[u8; 32]>) -> Result<usize, StoreError> {
    let mine = sessions::table.filter(sessions::user_id.eq(id));
    Ok(match but {
        Some(but) => each!(conn, c => diesel::delete(mine.filter(sessions::digest.ne(but.as_slice()))).execute(c))?,
        None => each!(conn, c => diesel::delete(mine).execute(c))?,
    })
}

pub(super) fn forget_devices(conn: &mut Conn, id: i64) -> Result<(), StoreError> {
    each!(conn, c => diesel::delete(devices::table.filter(devices::user_id.eq(id))).execute(c))?;
    Ok(())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over so")]
fn as_user<S: serde::Serializer>(id: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&crate::ids::UserId(*id))
}
