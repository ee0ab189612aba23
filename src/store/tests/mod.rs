//! The store's tests: the same functions on both databases.

mod admin;
mod bed;
mod echoes;
mod effects;
mod gates;
mod inbox;
mod intake;
mod lists;
mod opening;
mod places;
mod polls;
mod schedules;
mod size;
mod tallies;
mod vault;
mod waits;
mod work;

use diesel::{QueryableByName, RunQueryDsl as _, sql_query};

use super::{
    dialect::{Conn, each},
    error::StoreError,
};

#[path = "../../../tests/support/postgres.rs"]
#[expect(unreachable_pub, reason = "also a module of the integration tests")]
mod postgres;

/// How many rows a table has.
fn count_rows(conn: &mut Conn, table: &str) -> Result<i64, StoreError> {
    let sql = format!("SELECT count(*) AS rows FROM {table}");
    let found: RowCount = each!(conn, c => sql_query(sql).get_result(c))?;
    Ok(found.rows)
}

#[derive(QueryableByName)]
struct RowCount {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    rows: i64,
}

/// Each function as two tests, one a database.
macro_rules! on_both {
    ($(async fn $name:ident($bed:ident) $body:block)*) => {
        $(
            mod $name {
                #[expect(clippy::allow_attributes, reason = "not every test needs what its file imports")]
                #[allow(unused_imports)]
                use super::*;

                async fn test($bed: &crate::store::tests::bed::Bed) $body

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_sqlite() {
                    test(&crate::store::tests::bed::Bed::sqlite()).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_postgresql() {
                    test(&crate::store::tests::bed::Bed::postgresql()).await;
                }
            }
        )*
    };
}
use on_both;
