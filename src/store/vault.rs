//! Secrets in force: those of the environment, then the sealed ones in the database.

use std::{
    collections::BTreeMap,
    sync::{Arc, RwLock},
};

use super::{
    dialect,
    error::StoreError,
    handle::{Mode, Store},
    secrets::{self, SealedRow},
    state,
};
use crate::{
    clock::{SharedClock, Time},
    config::Config,
    secret::{Masker, SHORTEST, SealError, SealingKey, Secret},
};

/// The name and the text of the check value: what every key of this database must open.
const CHECK: &str = "bellwire check value";

/// Secrets as they are in force: those of the environment, then the sealed ones in the database; kept unsealed in memory, read again
/// within a second of a change by the command line.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: SharedClock,
    /// Why there is none, as a sentence: the server stays up without.
    key: Result<SealingKey, String>,
    environment: BTreeMap<String, Secret>,
    known: RwLock<Arc<Known>>,
}

/// What was read of the database, at one of its generations.
struct Known {
    generation: i64,
    /// Why nothing sealed can be opened: the key is not the one of this database.
    wrong_key: Option<String>,
    stored: BTreeMap<String, Stored>,
    masker: Arc<Masker>,
}

struct Stored {
    value: Result<Secret, String>,
    origins: Vec<String>,
    changed_at: Time,
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
}

impl Vault {
    /// Loads the key file (made where there is none and `Mode::Serve` or `Write`), checks it against the database's check value.
    pub fn open(store: Store, config: &Config, clock: SharedClock) -> Result<Self, VaultError> {
        let may_write = store.mode() != Mode::Read;
        let (rows, check) =
            store.ask(|conn, _| Ok((secrets::all(conn)?.len(), state::data(conn, state::SECRETS_CHECK)?)))?;
        // A lost key is not replaced in silence: a new one would open nothing of what is sealed.
        let may_create = may_write && rows == 0;
        let mut key = SealingKey::load(&config.secrets.key_file, may_create).map_err(|error| error.to_string());
        let is_stale =
            rows == 0 && key.as_ref().is_ok_and(|key| check.as_deref().is_some_and(|check| !opens(key, check)));
        if may_write
            && (check.is_none() || is_stale)
            && let Ok(sealing) = &key
        {
            match sealing.seal(CHECK, &Secret::new(CHECK.to_owned())) {
                Ok(sealed) => store.write_and_wait(move |desk| {
                    dialect::put_state(&mut desk.conn, state::SECRETS_CHECK, None, None, Some(&sealed))
                })?,
                Err(error) => key = Err(error.to_string()),
            }
        }
        let empty = Known { generation: -1, wrong_key: None, stored: BTreeMap::new(), masker: Arc::default() };
        let inner = Inner {
            key,
            environment: config.secrets.environment.clone(),
            known: RwLock::new(Arc::new(empty)),
            store: store.clone(),
            clock,
        };
        let (generation, check, rows) = store.ask(|conn, _| read(conn))?;
        inner.learn(generation, check.as_deref(), rows)?;
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

    /// Reads again where the database has changed; called once a second by `app`, and after `set`.
    pub async fn refresh(&self) -> Result<(), VaultError> {
        let generation = self.inner.store.read(|conn, _| secrets::generation(conn)).await?;
        if generation == self.inner.known().generation {
            return Ok(());
        }
        let (generation, check, rows) = self.inner.store.read(|conn, _| read(conn)).await?;
        self.inner.learn(generation, check.as_deref(), rows)
    }

    /// Seals and stores. Refuses values under `secret::SHORTEST` characters.
    pub async fn set(&self, name: &str, value: Secret, origins: Vec<String>) -> Result<(), VaultError> {
        if value.expose().chars().count() < SHORTEST {
            return Err(VaultError::TooShort(name.to_owned()));
        }
        let refused = |why: String| VaultError::Sealed { name: name.to_owned(), why };
        if let Some(why) = &self.inner.known().wrong_key {
            return Err(refused(why.clone()));
        }
        let key = self.inner.key.as_ref().map_err(|why| refused(why.clone()))?;
        let sealed = key.seal(name, &value).map_err(|error| refused(error.to_string()))?;
        let (owned, now) = (name.to_owned(), self.inner.clock.now());
        let write = move |desk: &mut super::writer::Desk| secrets::put(&mut desk.conn, &owned, &sealed, &origins, now);
        self.inner.store.write(512, write).await?;
        self.refresh().await
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
            };
            rows.insert(name, row);
        }
        Ok(rows.into_values().collect())
    }
}

fn opens(key: &SealingKey, check: &[u8]) -> bool {
    key.open(CHECK, check).is_ok_and(|text| text.expose() == CHECK)
}

type Read = (i64, Option<Vec<u8>>, Vec<SealedRow>);

fn read(conn: &mut dialect::Conn) -> Result<Read, StoreError> {
    Ok((secrets::generation(conn)?, state::data(conn, state::SECRETS_CHECK)?, secrets::all(conn)?))
}

impl Inner {
    fn known(&self) -> Arc<Known> {
        // A poisoned lock still holds the last whole value: it is replaced, never changed in place.
        Arc::clone(&self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn learn(&self, generation: i64, check: Option<&[u8]>, rows: Vec<SealedRow>) -> Result<(), VaultError> {
        let wrong_key = self.why_wrong(check);
        let mut stored = BTreeMap::new();
        for row in rows {
            let value = match (&self.key, &wrong_key) {
                (Err(why), _) | (Ok(_), Some(why)) => Err(why.clone()),
                (Ok(key), None) => key.open(&row.name, &row.sealed).map_err(|error| error.to_string()),
            };
            let (origins, changed_at) = (row.origins()?, row.changed_at());
            stored.insert(row.name, Stored { value, origins, changed_at });
        }
        let sealed = stored.iter().filter_map(|(name, stored)| Some((name.as_str(), stored.value.as_ref().ok()?)));
        let given = self.environment.iter().map(|(name, secret)| (name.as_str(), secret));
        // Of the environment first: where both are there, its value is the one that goes out; the other may still turn up.
        let masker = Arc::new(Masker::new(given.chain(sealed)));
        let known = Arc::new(Known { generation, wrong_key, stored, masker });
        *self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner) = known;
        Ok(())
    }

    fn why_wrong(&self, check: Option<&[u8]>) -> Option<String> {
        let (Ok(key), Some(check)) = (&self.key, check) else { return None };
        match key.open(CHECK, check) {
            Ok(text) if text.expose() == CHECK => None,
            Ok(_) => Some(SealError::Broken.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }
}
