//! Secrets in force: those of the environment, then the sealed ones in the database.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, RwLock},
    time::Duration,
};

use super::{
    dialect,
    error::StoreError,
    granted::{self, KnownGrant},
    grants::{self, GrantRow},
    handle::{Mode, Store},
    secrets::{self, OverlapRow, SealedRow},
};
use crate::{
    clock::{SharedClock, Time},
    config::Config,
    secret::{Masker, SHORTEST, SealingKey, Secret},
};

/// Secrets as they are in force: those of the environment, then the sealed ones in the database; kept unsealed in memory, read again
/// within a second of a change by the command line.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: SharedClock,
    key_file: PathBuf,
    /// The last that was read of the key file; why there is none, as a sentence: the server stays up without.
    key: RwLock<Result<SealingKey, String>>,
    environment: BTreeMap<String, Secret>,
    known: RwLock<Arc<Known>>,
}

/// What was read of the database, at one of its generations.
struct Known {
    generation: i64,
    stored: BTreeMap<String, Stored>,
    grants: Arc<BTreeMap<String, KnownGrant>>,
    masker: Arc<Masker>,
}

struct Stored {
    value: Result<Secret, String>,
    origins: Vec<String>,
    changed_at: Time,
    /// What it was before, and until when that still counts.
    before: Option<(Result<Secret, String>, Time)>,
}

/// Why a secret cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultError {
    /// Neither in the environment nor in the database.
    #[error("secret `{0}` is not set; set it with `bellwire secrets set {0}`")]
    Missing(String),
    /// It is there, and our key does not open it.
    #[error("secret `{name}` cannot be unsealed: {why}")]
    Sealed {
        /// Its name.
        name: String,
        /// One sentence.
        why: String,
    },
    /// The key file is none, or cannot be made: nothing is sealed with it.
    #[error("secret `{name}` cannot be sealed: {why}")]
    Unsealable {
        /// Its name.
        name: String,
        /// One sentence with the way out.
        why: String,
    },
    /// Too short to be masked in logs without shredding them.
    #[error("secret `{0}` is too short: at least {SHORTEST} characters, so that it can be masked wherever it turns up")]
    TooShort(String),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A secret in the list: never its value.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SecretRow {
    /// Its name.
    pub name: String,
    /// `environment` or `database`.
    pub from: &'static str,
    /// Origins set with `--for`.
    pub origins: Vec<String>,
    /// When it was set last. `None` for one of the environment.
    pub changed_at: Option<Time>,
    /// The value in the database opens with our key; one of the environment always does.
    pub healthy: bool,
    /// Until when deliveries that are signed with the value before it are taken too. `None`: they are not.
    pub overlap_until: Option<Time>,
}

impl Vault {
    /// Loads the key file, and makes one where there is none, nothing is sealed yet and the mode is `Serve` or `Write`. A key that opens
    /// none of what is sealed is no error: each secret says for itself whether it opens.
    pub fn open(store: Store, config: &Config, clock: SharedClock) -> Result<Self, VaultError> {
        let read = store.ask(|conn, _| read(conn))?;
        // A lost key is not replaced in silence: a new one would open nothing of what is sealed. `set` makes one.
        let may_create = store.mode() != Mode::Read && read.rows.is_empty() && read.grants.is_empty();
        let key = SealingKey::load(&config.secrets.key_file, may_create).map_err(|error| error.to_string());
        let empty = Known { generation: -1, stored: BTreeMap::new(), grants: Arc::default(), masker: Arc::default() };
        let inner = Inner {
            key_file: config.secrets.key_file.clone(),
            key: RwLock::new(key),
            environment: config.secrets.environment.clone(),
            known: RwLock::new(Arc::new(empty)),
            store,
            clock,
        };
        inner.learn(read)?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The secret of this name.
    pub fn get(&self, name: &str) -> Result<Secret, VaultError> {
        if let Some(secret) = self.inner.environment.get(name) {
            return Ok(secret.clone());
        }
        let known = self.inner.known();
        let stored = known.stored.get(name).ok_or_else(|| VaultError::Missing(name.to_owned()))?;
        stored.value.clone().map_err(|why| VaultError::Sealed { name: name.to_owned(), why })
    }

    /// The values that a delivery may be proven with: the one in force, then the one that it replaces, while that is kept. One of the
    /// environment is alone.
    pub fn live(&self, name: &str) -> Result<Vec<Secret>, VaultError> {
        let mut live = vec![self.get(name)?];
        if self.inner.environment.contains_key(name) {
            return Ok(live);
        }
        let (known, now) = (self.inner.known(), self.inner.clock.now());
        let before = known.stored.get(name).and_then(|stored| stored.before.as_ref());
        live.extend(before.filter(|(_, until)| *until > now).and_then(|(value, _)| value.clone().ok()));
        Ok(live)
    }

    /// Whether there is one of this name, readable or not.
    pub fn has(&self, name: &str) -> bool {
        self.inner.environment.contains_key(name) || self.inner.known().stored.contains_key(name)
    }

    /// Origins set with `--for`, as text (`https://host[:port]`). Empty: none of its own.
    pub fn origins(&self, name: &str) -> Vec<String> {
        self.inner.known().stored.get(name).map(|stored| stored.origins.clone()).unwrap_or_default()
    }

    /// Masks every secret that is in force.
    pub fn masker(&self) -> Arc<Masker> {
        Arc::clone(&self.inner.known().masker)
    }

    /// Reads again where the database has changed, or where something does not open and the key file may have come back; called once a
    /// second by `app`, and after `set`.
    pub async fn refresh(&self) -> Result<(), VaultError> {
        let generation = self.inner.store.read(|conn, _| secrets::generation(conn)).await?;
        let known = self.inner.known();
        let now = self.inner.clock.now();
        let over = |stored: &Stored| stored.before.as_ref().is_some_and(|(_, until)| *until <= now);
        let is_open =
            known.stored.values().all(|stored| stored.value.is_ok()) && known.grants.values().all(KnownGrant::is_open);
        if self.inner.store.mode() != Mode::Read && known.stored.values().any(over) {
            self.inner.store.write(64, move |desk| secrets::retire_due(&mut desk.conn, now)).await?;
        } else if generation == known.generation && is_open {
            return Ok(());
        }
        let read = self.inner.store.read(|conn, _| read(conn)).await?;
        self.inner.read_key();
        self.inner.learn(read)
    }

    /// Seals with the key in the key file, which is made where there is none, and stores. Refuses values under `secret::SHORTEST`
    /// characters. What is sealed with another key stays as it is. The value that it replaces is gone at once.
    pub async fn set(&self, name: &str, value: Secret, origins: Vec<String>) -> Result<(), VaultError> {
        self.rotate(name, value, origins, Duration::ZERO).await.map(drop)
    }

    /// The same; deliveries that are proven with the value that it replaces are taken for `overlap` more. Returns until when: `None` where
    /// there was no value before, or the overlap is zero.
    pub async fn rotate(
        &self,
        name: &str,
        value: Secret,
        origins: Vec<String>,
        overlap: Duration,
    ) -> Result<Option<Time>, VaultError> {
        if value.expose().chars().count() < SHORTEST {
            return Err(VaultError::TooShort(name.to_owned()));
        }
        let may_create = self.inner.store.mode() != Mode::Read;
        let sealed = SealingKey::load(&self.inner.key_file, may_create)
            .and_then(|key| key.seal(name, &value))
            .map_err(|error| VaultError::Unsealable { name: name.to_owned(), why: error.to_string() })?;
        let (owned, now) = (name.to_owned(), self.inner.clock.now());
        let until = Some(now.plus(overlap)).filter(|_| !overlap.is_zero());
        let write =
            move |desk: &mut super::writer::Desk| secrets::put(&mut desk.conn, &owned, &sealed, &origins, now, until);
        let kept = self.inner.store.write(512, write).await?;
        self.refresh().await?;
        Ok(until.filter(|_| kept))
    }

    /// Ends the overlap of a secret: the value before its present one counts no more. False: none was kept.
    pub async fn retire(&self, name: &str) -> Result<bool, VaultError> {
        let owned = name.to_owned();
        let gone = self.inner.store.write(64, move |desk| secrets::retire(&mut desk.conn, &owned)).await?;
        self.refresh().await?;
        Ok(gone)
    }

    /// False: there was none.
    pub async fn remove(&self, name: &str) -> Result<bool, VaultError> {
        let owned = name.to_owned();
        let gone = self.inner.store.write(64, move |desk| secrets::remove(&mut desk.conn, &owned)).await?;
        self.refresh().await?;
        Ok(gone)
    }

    /// Every secret there is, by name.
    pub async fn list(&self) -> Result<Vec<SecretRow>, VaultError> {
        self.refresh().await?;
        let known = self.inner.known();
        let mut rows: BTreeMap<&str, SecretRow> = BTreeMap::new();
        for (name, stored) in &known.stored {
            let row = SecretRow {
                name: name.clone(),
                from: "database",
                origins: stored.origins.clone(),
                changed_at: Some(stored.changed_at),
                healthy: stored.value.is_ok(),
                overlap_until: stored.before.as_ref().map(|(_, until)| *until),
            };
            rows.insert(name, row);
        }
        for name in self.inner.environment.keys() {
            let row = SecretRow {
                name: name.clone(),
                from: "environment",
                origins: self.origins(name),
                changed_at: None,
                healthy: true,
                overlap_until: None,
            };
            rows.insert(name, row);
        }
        Ok(rows.into_values().collect())
    }
}

/// For grants, which are sealed with the same key.
impl Vault {
    pub(super) fn known_grants(&self) -> Arc<BTreeMap<String, KnownGrant>> {
        Arc::clone(&self.inner.known().grants)
    }

    pub(super) fn now(&self) -> Time {
        self.inner.clock.now()
    }

    pub(super) fn stored_in(&self) -> &Store {
        &self.inner.store
    }

    /// Seals a text that is no secret of a person's, under a name that is none either.
    pub async fn seal(&self, name: String, value: Secret) -> Result<Vec<u8>, VaultError> {
        let (file, may_create) = (self.inner.key_file.clone(), self.inner.store.mode() != Mode::Read);
        let sealed = tokio::task::spawn_blocking(move || {
            let sealed = SealingKey::load(&file, may_create).and_then(|key| key.seal(&name, &value));
            sealed.map_err(|error| VaultError::Unsealable { name, why: error.to_string() })
        });
        sealed.await.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string()).into()))
    }

    /// Opens what `seal` made.
    pub fn unseal(&self, name: &str, sealed: &[u8]) -> Result<Secret, VaultError> {
        self.inner.read_key();
        let key = self.inner.key.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let opened = match &*key {
            Err(why) => Err(why.clone()),
            Ok(key) => key.open(name, sealed).map_err(|error| error.to_string()),
        };
        opened.map_err(|why| VaultError::Sealed { name: name.to_owned(), why })
    }
}

/// What is read of the database.
struct Read {
    generation: i64,
    rows: Vec<SealedRow>,
    before: Vec<OverlapRow>,
    grants: Vec<GrantRow>,
}

fn read(conn: &mut dialect::Conn) -> Result<Read, StoreError> {
    let generation = secrets::generation(conn)?;
    let (rows, before) = (secrets::all(conn)?, secrets::overlapping(conn)?);
    Ok(Read { generation, rows, before, grants: grants::all(conn)? })
}

impl Inner {
    fn known(&self) -> Arc<Known> {
        // A poisoned lock still holds the last whole value: it is replaced, never changed in place.
        Arc::clone(&self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Reads the key file again. A key that is in memory is kept where the file does not read: what it opens goes on.
    fn read_key(&self) {
        let read = SealingKey::load(&self.key_file, false).map_err(|error| error.to_string());
        let mut key = self.key.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if read.is_ok() || key.is_err() {
            *key = read;
        }
    }

    fn learn(&self, read: Read) -> Result<(), VaultError> {
        let Read { generation, rows, before, grants } = read;
        let key = self.key.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let mut stored = BTreeMap::new();
        let open = |name: &str, sealed: &[u8]| match &key {
            Err(why) => Err(why.clone()),
            Ok(key) => key.open(name, sealed).map_err(|error| error.to_string()),
        };
        for row in rows {
            let (value, origins, changed_at) = (open(&row.name, &row.sealed), row.origins()?, row.changed_at());
            stored.insert(row.name, Stored { value, origins, changed_at, before: None });
        }
        for row in before {
            if let Some(now) = stored.get_mut(&row.name) {
                now.before = Some((open(&row.name, &row.sealed), row.until()));
            }
        }
        let sealed = stored.iter().flat_map(|(name, stored)| {
            let before = stored.before.as_ref().map(|(value, _)| value);
            [Some(&stored.value), before]
                .into_iter()
                .flatten()
                .filter_map(move |value| Some((name.as_str(), value.as_ref().ok()?)))
        });
        let given = self.environment.iter().map(|(name, secret)| (name.as_str(), secret));
        // Of the environment first: where both are there, its value is the one that goes out; the other may still turn up.
        let grants = granted::open(grants, &key, &self.known().grants);
        let tokens: Vec<(String, &Secret)> = grants.iter().flat_map(|(name, known)| known.tokens(name)).collect();
        let tokens = tokens.iter().map(|(name, token)| (name.as_str(), *token));
        let masker = Arc::new(Masker::new(given.chain(sealed).chain(tokens)));
        let known = Arc::new(Known { generation, stored, grants: Arc::new(grants), masker });
        *self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner) = known;
        Ok(())
    }
}
