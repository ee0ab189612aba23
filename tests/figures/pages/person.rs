//! Who asks: an owner with a session and a token, written where the server finds them.

use std::{path::Path, time::SystemTime};

use bellwire::admin;
use diesel::{Connection, SqliteConnection, connection::SimpleConnection};

/// What an owner's browser and an owner's program send.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) session: String,
    pub(super) token: String,
}

/// An owner who has just signed in, in a database that no server has open.
pub(super) fn sign_in(database: &Path) -> Person {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let session = hex::encode([u8::try_from(now % 251).unwrap(); 32]);
    let token = admin::new_token().unwrap();
    let digest = |text: &str| hex::encode(admin::digest(text));
    let mut conn = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    conn.batch_execute(&format!(
        "INSERT OR IGNORE INTO users (id, name, role, created_at, changed_at) VALUES (1, 'ada', 2, {now}, {now}); \
         DELETE FROM sessions; DELETE FROM api_tokens; \
         INSERT INTO sessions VALUES (x'{}', 1, {now}, {now}, {now} + 600000, 0, '127.0.0.1', 'a benchmark'); \
         INSERT INTO api_tokens VALUES (1, x'{}', 'bench', 1, 'read,run,rules,people,secrets,admin', {now}, NULL, NULL);",
        digest(&session),
        digest(&token)
    ))
    .unwrap();
    Person { session, token }
}
