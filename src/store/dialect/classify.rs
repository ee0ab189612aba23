//! Which errors end the process, which pass, and which are one job's own.

use diesel::result::{DatabaseErrorKind, Error};

use crate::store::error::StoreError;

/// What SQLite and PostgreSQL say when trying again later may help.
const PASSING: [&str; 9] = [
    "database is locked",
    "database table is locked",
    "database or disk is full",
    "readonly database",
    "No space left on device",
    "disk full",
    "lock timeout",
    "deadlock detected",
    "too many clients",
];

/// What SQLite and PostgreSQL say when the file or the server can no longer be trusted.
const FATAL: [&str; 9] = [
    "disk I/O error",
    "disk image is malformed",
    "file is not a database",
    "unable to open database file",
    "Input/output error",
    "could not fsync",
    "invalid page in block",
    "server closed the connection",
    "terminating connection",
];

/// Sorts an error of the database. Diesel keeps no code of SQLite's, so its sentences are what there is to tell by.
pub(super) fn classify(error: Error) -> StoreError {
    match error {
        Error::DatabaseError(kind, information) => of_database(kind, information.message()),
        Error::DeserializationError(why) => StoreError::Corrupt(why.to_string()),
        Error::NotFound => StoreError::Corrupt("a row that must be there is missing".to_owned()),
        other => of_database(DatabaseErrorKind::Unknown, &other.to_string()),
    }
}

fn of_database(kind: DatabaseErrorKind, message: &str) -> StoreError {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    match kind {
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
            StoreError::Failed(message.to_owned())
        }
        DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::ReadOnlyTransaction => {
            StoreError::Busy(message.to_owned())
        }
        _ if says(&FATAL) => StoreError::Failed(message.to_owned()),
        _ if says(&PASSING) => StoreError::Busy(message.to_owned()),
        DatabaseErrorKind::UniqueViolation => StoreError::Doubled(message.to_owned()),
        _ => StoreError::Rejected(message.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_disk_end_the_process_and_passing_ones_do_not() {
        for (message, busy) in [
            ("database is locked", true),
            ("database or disk is full", true),
            ("attempt to write a readonly database", true),
            ("disk I/O error", false),
            ("database disk image is malformed", false),
        ] {
            let sorted = of_database(DatabaseErrorKind::Unknown, message);
            assert_eq!(matches!(sorted, StoreError::Busy(_)), busy, "{message}: {sorted:?}");
            assert_eq!(matches!(sorted, StoreError::Failed(_)), !busy, "{message}: {sorted:?}");
        }
        assert!(of_database(DatabaseErrorKind::UniqueViolation, "UNIQUE constraint failed").is_of_the_job());
    }
}
