//! `data/instance.toml`: tells a database that was lost from one that never was.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use serde::Deserialize;

use super::error::StoreError;
use crate::clock::Time;

/// What the marker says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Instance {
    /// 32 hex digits, the same in the database.
    pub(super) id: String,
    /// `sqlite` or `postgresql`.
    pub(super) kind: String,
    /// When the database was made, RFC 3339.
    pub(super) created: String,
}

impl Instance {
    /// A new one.
    pub(super) fn new(kind: &str, now: Time) -> Result<Self, StoreError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)
            .map_err(|error| StoreError::Refused(format!("the system gives no random bytes: {error}")))?;
        Ok(Self { id: hex::encode(id), kind: kind.to_owned(), created: now.to_string() })
    }
}

/// Where the marker is.
pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("instance.toml")
}

/// The marker. `None`: no database was ever made here.
pub(super) fn read(dir: &Path) -> Result<Option<Instance>, StoreError> {
    let path = path(dir);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::Refused(format!("{} cannot be read: {error}", path.display()))),
    };
    Figment::from(Toml::string(&text)).extract().map(Some).map_err(|error| {
        StoreError::Refused(format!("{} does not read ({error}); restore it from a backup", path.display()))
    })
}

/// Writes the marker, whole or not at all, and durable.
pub(super) fn write(dir: &Path, instance: &Instance) -> Result<(), StoreError> {
    let path = path(dir);
    let text = format!(
        "# Which database belongs here. If the database is lost, this file keeps a new one from being made in silence.\n\
         id = \"{}\"\nkind = \"{}\"\ncreated = \"{}\"\n",
        instance.id, instance.kind, instance.created
    );
    let write = || -> std::io::Result<()> {
        let half = dir.join("instance.toml.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&half, &path)?;
        std::fs::File::open(dir)?.sync_all()
    };
    write().map_err(|error| StoreError::Refused(format!("{} cannot be written: {error}", path.display())))
}
