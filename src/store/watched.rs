//! Whether the file of an open SQLite database is still at its path: SQLite goes on writing to one that was deleted or moved.

use std::{
    io::ErrorKind,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{error::StoreError, open::Place};

/// The file of an open database, by device and inode.
pub(super) struct Watched {
    path: PathBuf,
    /// As it was at the opening.
    file: (u64, u64),
}

impl Watched {
    /// The file of a database that was opened just now. `None`: PostgreSQL, or a file that cannot be looked at.
    pub(super) fn of(place: &Place) -> Option<Self> {
        let Place::Sqlite(path) = place else { return None };
        Some(Self { path: path.clone(), file: look(path).ok()? })
    }

    /// Errs where there is nothing or another file at the path. A path that cannot be looked at proves nothing.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let what = match look(&self.path) {
            Ok(found) if found != self.file => "another file was put in its place",
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                "it was deleted or moved"
            }
            Ok(_) | Err(_) => return Ok(()),
        };
        Err(StoreError::Failed(format!(
            "the database {} is not the file that was opened: {what} while in use. Put it back, or restore it from a backup, and start \
             `bellwire serve` again",
            self.path.display()
        )))
    }
}

fn look(path: &Path) -> std::io::Result<(u64, u64)> {
    std::fs::metadata(path).map(|found| (found.dev(), found.ino()))
}
