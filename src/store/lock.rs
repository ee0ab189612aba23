//! One `serve` a database: an OS lock on a file beside SQLite's, an advisory lock on PostgreSQL.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

use super::{
    dialect::{self, Access},
    error::StoreError,
    open::Place,
    writer::{Health, OnFailure},
};

/// How often the connection that holds the advisory lock is tried.
const TRIED_EVERY: Duration = Duration::from_secs(1);

/// How long the lock of a process that has just ended may still be held.
const PATIENCE: Duration = Duration::from_secs(3);

/// Held for as long as it lives.
#[expect(dead_code, reason = "held, not read: dropping it gives the lock back")]
pub(super) enum Lock {
    /// The locked file.
    File(File),
    /// The end of the thread that holds the advisory lock's connection.
    Advisory(Sender<()>),
}

/// Takes the lock of a database in `dir`.
pub(super) fn take(
    place: &Place,
    dir: &Path,
    health: &Arc<Health>,
    on_failure: &OnFailure,
) -> Result<Lock, StoreError> {
    match place {
        Place::Sqlite(_) => take_file(dir),
        Place::Postgres(_) => take_advisory(place, Arc::clone(health), Arc::clone(on_failure)),
    }
}

fn take_file(dir: &Path) -> Result<Lock, StoreError> {
    let path = dir.join("bellwire.lock");
    let refused = |why: &dyn std::fmt::Display| {
        StoreError::Refused(format!("the lock {} cannot be taken: {why}", path.display()))
    };
    if path.is_symlink() {
        return Err(refused(&"it is a symbolic link; remove it"));
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| refused(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock::File(file)),
        Err(TryLockError::WouldBlock) => {
            Err(refused(&"another `bellwire serve` uses this database; stop it first, or set another `data.dir`"))
        }
        Err(TryLockError::Error(error)) => Err(refused(&error)),
    }
}

fn take_advisory(place: &Place, health: Arc<Health>, on_failure: OnFailure) -> Result<Lock, StoreError> {
    let mut conn = place.connect(Access::Write)?;
    // PostgreSQL notices a little late that a process has gone: a restart must not fail for that.
    let begun = Instant::now();
    while !dialect::try_lock(&mut conn)? {
        if begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(100));
            continue;
        }
        return Err(StoreError::Refused(
            "another `bellwire serve` uses the database of `database.url`; stop it first, or name another database"
                .to_owned(),
        ));
    }
    let (end, ended) = channel::<()>();
    let watch = move || {
        while matches!(ended.recv_timeout(TRIED_EVERY), Err(RecvTimeoutError::Timeout)) {
            if let Err(error) = dialect::ping(&mut conn) {
                health.fail(&format!("the lock on the PostgreSQL database was lost ({error})"), &on_failure);
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("store-lock".to_owned())
        .spawn(watch)
        .map_err(|error| StoreError::Refused(format!("the lock's thread does not start: {error}")))?;
    Ok(Lock::Advisory(end))
}
