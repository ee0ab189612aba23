//! The store's tests: the same functions on both databases.

mod bed;
mod echoes;
mod effects;
mod intake;
mod lists;
mod opening;
mod size;
mod vault;
mod waits;
mod work;

#[path = "../../../tests/support/postgres.rs"]
#[expect(unreachable_pub, reason = "also a module of the integration tests")]
mod postgres;

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
