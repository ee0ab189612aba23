//! Grants as they are in force: tokens sealed in the database, unsealed in memory, renewed by one process at a time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use sha2::{Digest as _, Sha256};

use super::{
    dialect::{self, SealedGrant},
    error::StoreError,
    grants::{self, GrantRow},
    handle::Store,
    state,
    vault::{Vault, VaultError},
    writer::Desk,
};
use crate::{
    clock::Time,
    secret::{SealingKey, Secret},
};

/// How it stands with a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// There is one.
    Ok,
    /// The service has taken it back.
    Lost,
    /// Nobody has logged in yet, or somebody has logged out.
    None,
}

impl GrantState {
    fn code(self) -> i16 {
        match self {
            Self::Ok => 0,
            Self::Lost => 1,
            Self::None => 2,
        }
    }

    fn of_code(code: i16) -> Self {
        match code {
            0 => Self::Ok,
            1 => Self::Lost,
            _ => Self::None,
        }
    }
}

/// What a service has granted to a connection.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The connection.
    pub connection: String,
    /// How it stands.
    pub state: GrantState,
    /// Goes up with every change of the tokens.
    pub generation: i64,
    /// What requests are sent with. `None`: there is none, or it does not open.
    pub access: Option<Secret>,
    /// What a new one is had with. `None`: there is none, or it does not open.
    pub refresh: Option<Secret>,
    /// When the access token ends. `None`: the service has not said.
    pub expires_at: Option<Time>,
    /// What was granted, as the service says it. Empty where it says nothing.
    pub scopes: String,
    /// When the tokens changed last.
    pub changed_at: Time,
    /// Why it is lost, or why its tokens do not open.
    pub why: Option<String>,
}

/// Tokens as a service has just given them.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// What requests are sent with.
    pub access: Secret,
    /// What the next one is had with. `None`: the one before stays good.
    pub refresh: Option<Secret>,
    /// When the access token ends. `None`: the service has not said.
    pub expires_at: Option<Time>,
    /// What was granted.
    pub scopes: String,
}

/// What came of asking to renew a grant.
#[derive(Debug)]
pub enum Lease {
    /// It is ours to renew.
    Mine,
    /// It has changed meanwhile.
    Changed,
    /// Another process renews it.
    Taken,
}

/// A login on its way: what is known when the browser comes back.
#[derive(Debug, Clone)]
pub struct PendingLogin {
    /// The connection.
    pub connection: String,
    /// Proves that whoever brings the code also asked for it.
    pub verifier: Secret,
    /// The address that the browser is sent back to.
    pub redirect: String,
}

/// What was read of a grant, and the tokens before: answers to requests that went out with those are still on their way.
#[derive(Clone)]
pub(super) struct KnownGrant {
    pub(super) grant: Arc<Grant>,
    pub(super) before: Vec<Secret>,
}

impl KnownGrant {
    /// Whether its tokens open with our key, where there are any.
    pub(super) fn is_open(&self) -> bool {
        self.grant.state != GrantState::Ok || self.grant.access.is_some()
    }

    /// Every token that may turn up in a text, with what it is masked as.
    pub(super) fn tokens(&self, connection: &str) -> Vec<(String, &Secret)> {
        let own = self.grant.access.iter().map(|token| (access_name(connection), token));
        let renewing = self.grant.refresh.iter().map(|token| (refresh_name(connection), token));
        let before = self.before.iter().map(|token| (format!("earlier token of {connection}"), token));
        own.chain(renewing).chain(before).collect()
    }
}

/// The names under which tokens are sealed and masked; no secret of a person has a space in its name.
pub(super) fn access_name(connection: &str) -> String {
    format!("access token of {connection}")
}

pub(super) fn refresh_name(connection: &str) -> String {
    format!("refresh token of {connection}")
}

fn login_name(digest: &[u8]) -> String {
    format!("login {}", hex::encode(digest))
}

/// Opens what was read. Tokens that do not open are missing, and `why` says so.
pub(super) fn open(
    rows: Vec<GrantRow>,
    key: &Result<SealingKey, String>,
    earlier: &BTreeMap<String, KnownGrant>,
) -> BTreeMap<String, KnownGrant> {
    let mut known = BTreeMap::new();
    for row in rows {
        let mut why = row.why;
        let mut opened = |name: &str, sealed: Option<Vec<u8>>| {
            let opened = match key {
                Err(why) => Err(why.clone()),
                Ok(key) => key.open(name, &sealed?).map_err(|error| error.to_string()),
            };
            opened.map_err(|fault| why = Some(fault)).ok()
        };
        let access = opened(&access_name(&row.connection), row.access);
        let refresh = opened(&refresh_name(&row.connection), row.refresh);
        let before = match earlier.get(&row.connection) {
            Some(known) if known.grant.generation != row.generation => {
                known.grant.access.iter().chain(&known.grant.refresh).cloned().collect()
            }
            Some(known) => known.before.clone(),
            None => Vec::new(),
        };
        let grant = Grant {
            state: GrantState::of_code(row.state),
            generation: row.generation,
            access,
            refresh,
            expires_at: row.expires_at.map(Time),
            scopes: row.scopes,
            changed_at: Time(row.changed_at),
            why,
            connection: row.connection.clone(),
        };
        known.insert(row.connection, KnownGrant { grant: Arc::new(grant), before });
    }
    known
}

impl Vault {
    /// The store that it lives in.
    pub fn store(&self) -> &Store {
        self.stored_in()
    }

    /// The grant of a connection as it was last read. `None`: there never was one.
    pub fn grant(&self, connection: &str) -> Option<Arc<Grant>> {
        self.known_grants().get(connection).map(|known| Arc::clone(&known.grant))
    }

    /// Every grant there is or was, by connection.
    pub fn grants(&self) -> Vec<Arc<Grant>> {
        self.known_grants().values().map(|known| Arc::clone(&known.grant)).collect()
    }

    /// Asks to renew the grant that has this generation (0: none yet). The lease holds for `span`; `id` tells ours from others'.
    pub async fn lease_grant(
        &self,
        connection: &str,
        generation: i64,
        id: i64,
        span: Duration,
    ) -> Result<Lease, StoreError> {
        let (connection, now) = (connection.to_owned(), self.now());
        let until = now.plus(span);
        let lease = move |desk: &mut Desk| {
            if grants::has_changed(&mut desk.conn, &connection, generation)? {
                return Ok(Lease::Changed);
            }
            dialect::make_grant(&mut desk.conn, &connection, now.0)?;
            let is_mine = dialect::lease_grant(&mut desk.conn, &connection, generation, id, now.0, until.0)?;
            Ok(if is_mine { Lease::Mine } else { Lease::Taken })
        };
        self.store().write(128, lease).await
    }

    /// Gives a lease back that has led to nothing.
    pub async fn release_grant(&self, connection: &str, id: i64) -> Result<(), StoreError> {
        let connection = connection.to_owned();
        self.store().write(64, move |desk| dialect::release_grant(&mut desk.conn, &connection, id)).await
    }

    /// Keeps renewed tokens, in one transaction, and lets the runs go that wait for them. Where the grant is no longer of `generation`
    /// (somebody has logged in or out meanwhile) nothing is kept: that one counts.
    pub async fn renew_grant(&self, connection: &str, generation: i64, new: &NewGrant) -> Result<(), VaultError> {
        let sealed = self.sealed(connection, new).await?;
        let now = self.now();
        let renew = move |desk: &mut Desk| {
            if dialect::renew_grant(&mut desk.conn, &sealed.row(now), generation)? {
                dialect::let_go(&mut desk.conn, &sealed.connection, now.0)?;
            }
            dialect::count(&mut desk.conn, state::SECRETS, 1)
        };
        self.store().write(1024, renew).await?;
        self.refresh().await
    }

    /// Keeps a new grant in the place of whatever was there, and lets the runs go that waited for it.
    pub async fn put_grant(&self, connection: &str, new: &NewGrant) -> Result<(), VaultError> {
        let sealed = self.sealed(connection, new).await?;
        let now = self.now();
        let put = move |desk: &mut Desk| {
            dialect::make_grant(&mut desk.conn, &sealed.connection, now.0)?;
            dialect::put_grant(&mut desk.conn, &sealed.row(now))?;
            dialect::let_go(&mut desk.conn, &sealed.connection, now.0)?;
            dialect::count(&mut desk.conn, state::SECRETS, 1)
        };
        self.store().write(1024, put).await?;
        self.refresh().await
    }

    /// Notes that the service has taken the grant of this generation back; its tokens go. False: it is of another generation by now.
    pub async fn lose_grant(&self, connection: &str, generation: i64, why: &str) -> Result<bool, VaultError> {
        self.empty_grant(connection, Some(generation), GrantState::Lost, Some(why.to_owned())).await
    }

    /// Forgets the tokens of a connection. False: it has none.
    pub async fn forget_grant(&self, connection: &str) -> Result<bool, VaultError> {
        self.refresh().await?;
        if self.grant(connection).is_none_or(|grant| grant.state == GrantState::None) {
            return Ok(false);
        }
        self.empty_grant(connection, None, GrantState::None, None).await
    }

    async fn empty_grant(
        &self,
        connection: &str,
        generation: Option<i64>,
        state: GrantState,
        why: Option<String>,
    ) -> Result<bool, VaultError> {
        let (connection, now) = (connection.to_owned(), self.now());
        let empty = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            let done = dialect::empty_grant(conn, &connection, generation, state.code(), why.as_deref(), now.0)?;
            dialect::count(conn, state::SECRETS, 1)?;
            Ok(done)
        };
        let done = self.store().write(256, empty).await?;
        self.refresh().await?;
        Ok(done)
    }

    /// Keeps a login until the browser comes back with this state, `span` at most.
    pub async fn begin_login(&self, state: &str, login: &PendingLogin, span: Duration) -> Result<(), VaultError> {
        let digest = Sha256::digest(state.as_bytes()).to_vec();
        let verifier = self.seal(login_name(&digest), login.verifier.clone()).await?;
        let (connection, redirect, now) = (login.connection.clone(), login.redirect.clone(), self.now());
        let until = now.plus(span);
        let put = move |desk: &mut Desk| {
            dialect::put_login(&mut desk.conn, &digest, &connection, &verifier, &redirect, now.0, until.0)
        };
        Ok(self.store().write(512, put).await?)
    }

    /// The login that went out with this state; it serves once. `None`: there is none, or its time is over.
    pub async fn take_login(&self, state: &str) -> Result<Option<PendingLogin>, VaultError> {
        let digest = Sha256::digest(state.as_bytes()).to_vec();
        let wanted = digest.clone();
        // A stranger's guess costs a look and no write.
        let Some(row) = self.store().read(move |conn, _| grants::login(conn, &wanted)).await? else { return Ok(None) };
        let taken = row.digest.clone();
        let is_mine = self.store().write(64, move |desk| dialect::take_login(&mut desk.conn, &taken)).await?;
        if !is_mine || Time(row.until) <= self.now() {
            return Ok(None);
        }
        let verifier = self.unseal(&login_name(&digest), &row.verifier)?;
        Ok(Some(PendingLogin { connection: row.connection, verifier, redirect: row.redirect }))
    }

    async fn sealed(&self, connection: &str, new: &NewGrant) -> Result<Sealed, VaultError> {
        let refresh = match &new.refresh {
            Some(refresh) => Some(self.seal(refresh_name(connection), refresh.clone()).await?),
            None => None,
        };
        Ok(Sealed {
            connection: connection.to_owned(),
            access: self.seal(access_name(connection), new.access.clone()).await?,
            refresh,
            expires_at: new.expires_at.map(|at| at.0),
            scopes: new.scopes.clone(),
        })
    }
}

/// A new grant, sealed.
struct Sealed {
    connection: String,
    access: Vec<u8>,
    refresh: Option<Vec<u8>>,
    expires_at: Option<i64>,
    scopes: String,
}

impl Sealed {
    fn row(&self, now: Time) -> SealedGrant<'_> {
        SealedGrant {
            connection: &self.connection,
            access: &self.access,
            refresh: self.refresh.as_deref(),
            expires_at: self.expires_at,
            scopes: &self.scopes,
            now: now.0,
        }
    }
}
