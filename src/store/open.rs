//! Opening a database: which one, whose, of which version. Never a new one where one was lost.

use std::{
    fs::{DirBuilder, OpenOptions},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    dialect::{self, Access, Conn},
    error::StoreError,
    handle::Mode,
    instance::{self, Instance},
    lock::{self, Lock},
    state,
    writer::{Health, OnFailure},
};
use crate::{clock::Time, config::Config};

/// Where the database is.
#[derive(Clone)]
pub(super) enum Place {
    /// The file.
    Sqlite(PathBuf),
    /// The URL, checked; it may hold a password.
    Postgres(String),
}

impl Place {
    /// As the settings say: PostgreSQL by the URL's scheme, a file in `data.dir` without one.
    pub(super) fn of(config: &Config) -> Result<Self, StoreError> {
        let Some(url) = &config.database.url else {
            return Ok(Self::Sqlite(config.data.dir.join("bellwire.db")));
        };
        let text = url.expose();
        match text.split_once(':').map(|(scheme, rest)| (scheme, rest.trim_start_matches("//"))) {
            Some(("postgresql" | "postgres", _)) => dialect::check_url(text).map(Self::Postgres),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(config.workspace.join(path))),
            _ => Err(StoreError::Refused(
                "`database.url` is neither `postgresql://...` nor `sqlite:PATH`; leave it out for SQLite in `data.dir`"
                    .to_owned(),
            )),
        }
    }

    /// The word in the marker.
    fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgresql",
        }
    }

    /// How the database is named in sentences; never the URL.
    fn shown(&self) -> String {
        match self {
            Self::Sqlite(file) => file.display().to_string(),
            Self::Postgres(_) => "the PostgreSQL database of `database.url`".to_owned(),
        }
    }

    /// An error of this database with its name and the way out, where it says that storage failed.
    pub(super) fn name(&self, error: StoreError) -> StoreError {
        match (self, error) {
            (Self::Sqlite(file), StoreError::Failed(why)) => StoreError::Failed(format!(
                "the database {}: {why}. Look at its disk; if the file is damaged, restore it from a backup",
                file.display()
            )),
            (_, error) => error,
        }
    }

    /// A connection; the database must be there.
    pub(super) fn connect(&self, access: Access) -> Result<Conn, StoreError> {
        match self {
            Self::Sqlite(file) => dialect::connect_sqlite(file, access),
            Self::Postgres(url) => dialect::connect_postgres(url),
        }
    }
}

/// What `serve` or a command works with.
pub(super) struct Opened {
    /// The writer's connection. `None` in `Mode::Read`.
    pub(super) writer: Option<Conn>,
    pub(super) lock: Option<Lock>,
}

/// Opens the database of `dir`, and makes one where there never was any and the mode allows it.
pub(super) fn open(
    place: &Place,
    dir: &Path,
    mode: Mode,
    now: Time,
    health: &Arc<Health>,
    on_failure: &OnFailure,
) -> Result<Opened, StoreError> {
    if mode != Mode::Read {
        make_dir(dir)?;
    }
    let mut lock = match mode {
        Mode::Serve => Some(lock::take(place, dir, health, on_failure)?),
        Mode::Read | Mode::Write => None,
    };
    let marker = instance::read(dir)?;
    if let Some(marker) = &marker {
        check_kind(place, dir, marker)?;
    }
    let is_born = is_there(place, dir, marker.as_ref())?;
    if !is_born && mode == Mode::Write {
        // The first command in a new workspace: nobody else may be at it.
        lock = Some(lock::take(place, dir, health, on_failure)?);
    }
    let mut conn = match (is_born, mode) {
        (true, Mode::Read) => place.connect(Access::Read)?,
        (true, _) => place.connect(Access::Write)?,
        (false, Mode::Read) => return Err(nothing_here(place)),
        (false, _) => birth(place)?,
    };
    check_schema(&mut conn, place, marker.as_ref(), mode, lock.is_some())?;
    check_instance(&mut conn, place, dir, marker, mode, now)?;
    if mode == Mode::Write {
        lock = None;
    }
    Ok(Opened { writer: (mode != Mode::Read).then_some(conn), lock })
}

/// Whether nothing was ever stored: no marker, and no database, or one without tables of ours.
pub(super) fn is_unborn(place: &Place, dir: &Path) -> Result<bool, StoreError> {
    if instance::path(dir).exists() {
        return Ok(false);
    }
    match place {
        Place::Sqlite(file) => Ok(!file.exists()),
        Place::Postgres(_) => Ok(dialect::applied(&mut place.connect(Access::Read)?)?.is_empty()),
    }
}

fn nothing_here(place: &Place) -> StoreError {
    StoreError::Refused(format!("there is no database at {} yet; start `bellwire serve` once", place.shown()))
}

fn make_dir(dir: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| {
        StoreError::Refused(format!("the data folder {} cannot be made: {error}; see `data.dir`", dir.display()))
    })
}

fn check_kind(place: &Place, dir: &Path, marker: &Instance) -> Result<(), StoreError> {
    if marker.kind == place.kind() {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "{} says that the data of this workspace is in {}, and the settings name {}; set `database.url` back, or move that file away to \
         start anew",
        instance::path(dir).display(),
        marker.kind,
        place.kind()
    )))
}

/// Whether there is a file to open. Of PostgreSQL only a look at the tables can tell.
fn is_there(place: &Place, dir: &Path, marker: Option<&Instance>) -> Result<bool, StoreError> {
    let Place::Sqlite(file) = place else { return Ok(true) };
    let bytes = match std::fs::metadata(file) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => {
            return Err(StoreError::Refused(format!("the database {} cannot be read: {error}", file.display())));
        }
    };
    match marker {
        Some(marker) if bytes == 0 => Err(lost(place, dir, marker)),
        _ => Ok(bytes > 0),
    }
}

fn lost(place: &Place, dir: &Path, marker: &Instance) -> StoreError {
    let marker_path = instance::path(dir);
    StoreError::Refused(format!(
        "the database {} is missing or empty, but one was made here on {} ({}). Restore it from a backup; or, to start with an empty one, \
         move {} away",
        place.shown(),
        marker.created,
        marker.id,
        marker_path.display()
    ))
}

/// Makes the file, readable by its owner alone, and prepares it for its first table.
fn birth(place: &Place) -> Result<Conn, StoreError> {
    if let Place::Sqlite(file) = place {
        let refused = |error: &std::io::Error| {
            StoreError::Refused(format!("the database {} cannot be made: {error}; see `data.dir`", file.display()))
        };
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
            Ok(_) => {}
            // Left empty by a start that was cut off.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(refused(&error)),
        }
    }
    place.connect(Access::Birth)
}

fn check_schema(
    conn: &mut Conn,
    place: &Place,
    marker: Option<&Instance>,
    mode: Mode,
    is_alone: bool,
) -> Result<(), StoreError> {
    let found = dialect::applied(conn)?;
    let known = dialect::newest(conn)?;
    if let Some(newer) = found.iter().find(|version| !known.contains(version)) {
        return Err(StoreError::Refused(format!(
            "{} has schema {newer}, which a newer Bellwire made; this one knows {}. Use the newer program, or restore the backup from \
             before the upgrade",
            place.shown(),
            known.last().map_or("none", String::as_str)
        )));
    }
    if found.len() == known.len() {
        return Ok(());
    }
    if found.is_empty()
        && let Some(marker) = marker
    {
        return Err(StoreError::Refused(format!(
            "{} holds no tables of ours, but one was made on {} ({}). Restore it from a backup, or move `instance.toml` away to start anew",
            place.shown(),
            marker.created,
            marker.id
        )));
    }
    match (mode, found.is_empty()) {
        (Mode::Serve, _) => dialect::migrate(conn),
        (Mode::Write, true) if is_alone || matches!(place, Place::Postgres(_)) => dialect::migrate(conn),
        (Mode::Read | Mode::Write, true) => Err(nothing_here(place)),
        (Mode::Read | Mode::Write, false) => Err(StoreError::Refused(format!(
            "{} has the schema of an older Bellwire; start `bellwire serve` of this version once, which brings it up to date",
            place.shown()
        ))),
    }
}

fn check_instance(
    conn: &mut Conn,
    place: &Place,
    dir: &Path,
    marker: Option<Instance>,
    mode: Mode,
    now: Time,
) -> Result<(), StoreError> {
    match (state::text(conn, state::INSTANCE)?, marker) {
        (Some(id), Some(marker)) if id == marker.id => Ok(()),
        (Some(id), Some(marker)) => Err(StoreError::Refused(format!(
            "{} is database {id}, but {} says that {} belongs here. Restore the one that belongs here, or move that file away to take this one",
            place.shown(),
            instance::path(dir).display(),
            marker.id
        ))),
        (Some(_), None) if mode == Mode::Read => Ok(()),
        // The marker was lost, or a start was cut off before it was written.
        (Some(id), None) => instance::write(dir, &Instance { id, ..Instance::new(place.kind(), now)? }),
        (None, Some(marker)) => Err(lost(place, dir, &marker)),
        (None, None) => {
            let fresh = Instance::new(place.kind(), now)?;
            dialect::put_state(conn, state::INSTANCE, None, Some(&fresh.id), None)?;
            dialect::put_state(conn, state::EVENTS, Some(0), None, None)?;
            dialect::put_state(conn, state::SECRETS, Some(0), None, None)?;
            instance::write(dir, &fresh)
        }
    }
}
