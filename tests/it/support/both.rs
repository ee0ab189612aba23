//! One test, two databases.

/// A test that runs on SQLite and on PostgreSQL; `database` is what the environment adds for it.
macro_rules! on_both {
    ($name:ident, |$database:ident| $body:block) => {
        mod $name {
            use super::*;

            async fn check($database: std::collections::BTreeMap<String, String>) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                check(std::collections::BTreeMap::new()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgresql() {
                let url = $crate::support::postgres::fresh_database();
                check(std::collections::BTreeMap::from([("BELLWIRE_DATABASE_URL".to_owned(), url)])).await;
            }
        }
    };
}

pub(crate) use on_both;
