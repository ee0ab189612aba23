//! The schema's version: which migrations a database has, and how it gets those it has not.

use diesel::{
    ExpressionMethods as _, QueryDsl as _, QueryableByName, RunQueryDsl as _,
    migration::{Migration, MigrationSource},
    pg::Pg,
    sql_query,
    sqlite::Sqlite,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::Conn;
use crate::store::{error::StoreError, schema::__diesel_schema_migrations as migrations};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRESQL: EmbeddedMigrations = embed_migrations!("migrations/postgresql");

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    found: i64,
}

/// The versions that the database has, oldest first. Empty: no table of ours is in it. Writes nothing.
pub(in crate::store) fn applied(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    let Found { found } = match conn {
        Conn::Sqlite(c) => sql_query(
            "SELECT count(*) AS found FROM sqlite_master WHERE type = 'table' AND name = '__diesel_schema_migrations'",
        )
        .get_result(c)?,
        Conn::Postgres(c) => sql_query(
            "SELECT count(*) AS found FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_name = '__diesel_schema_migrations'",
        )
        .get_result(c)?,
    };
    if found == 0 {
        return Ok(Vec::new());
    }
    Ok(migrations::table.select(migrations::version).order(migrations::version.asc()).load(conn)?)
}

/// The versions that this program knows, oldest first.
pub(in crate::store) fn newest(conn: &Conn) -> Result<Vec<String>, StoreError> {
    let names = match conn {
        Conn::Sqlite(_) => MigrationSource::<Sqlite>::migrations(&SQLITE).map(|list| versions(&list)),
        Conn::Postgres(_) => MigrationSource::<Pg>::migrations(&POSTGRESQL).map(|list| versions(&list)),
    };
    names.map_err(|error| StoreError::Refused(format!("the migrations in this program do not read: {error}")))
}

fn versions<DB: diesel::backend::Backend>(list: &[Box<dyn Migration<DB>>]) -> Vec<String> {
    let mut names: Vec<String> = list.iter().map(|migration| migration.name().version().to_string()).collect();
    names.sort();
    names
}

/// Brings the schema to this program's version, each migration in a transaction.
pub(in crate::store) fn migrate(conn: &mut Conn) -> Result<(), StoreError> {
    let done = match conn {
        Conn::Sqlite(c) => c.run_pending_migrations(SQLITE).map(drop),
        Conn::Postgres(c) => c.run_pending_migrations(POSTGRESQL).map(drop),
    };
    done.map_err(|error| {
        StoreError::Refused(format!("the database could not be brought to this version's schema: {error}"))
    })
}
