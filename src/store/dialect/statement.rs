//! Statements and questions of our own text that Diesel keeps prepared: its own `update` and `sql_query` are parsed anew on every call.

use std::marker::PhantomData;

use diesel::{
    QueryResult, RunQueryDsl,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{BigInt, Binary, Integer, Nullable, SmallInt, Text},
    sqlite::Sqlite,
};

use super::{Conn, each};
use crate::store::error::StoreError;

/// One bound value; `None` is NULL.
#[derive(Debug)]
pub(super) enum Bind<'b> {
    Big(Option<i64>),
    Int(Option<i32>),
    Small(Option<i16>),
    Bytes(Option<&'b [u8]>),
    Text(Option<&'b str>),
}

/// SQL with a `?` for each bound value, in order; no other `?` may stand in it. `Row` are the SQL types of what it answers.
#[derive(Debug)]
pub(super) struct Statement<'b, Row = ()> {
    sql: &'b str,
    binds: &'b [Bind<'b>],
    row: PhantomData<Row>,
}

/// A question whose rows are of the SQL types `Row`: load it. A bound value must not stand in `LIMIT`: SQLite would prepare it anew for
/// each value.
pub(super) fn question<'b, Row>(sql: &'b str, binds: &'b [Bind<'b>]) -> Statement<'b, Row> {
    Statement { sql, binds, row: PhantomData }
}

/// Runs the statement; the number of rows it changed.
pub(super) fn execute(conn: &mut Conn, sql: &'static str, binds: &[Bind<'_>]) -> Result<usize, StoreError> {
    let statement = question::<()>(sql, binds);
    each!(conn, c => statement.execute(c)).map_err(StoreError::from)
}

macro_rules! fragment {
    ($backend:ty) => {
        impl<Row> QueryFragment<$backend> for Statement<'_, Row> {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, $backend>) -> QueryResult<()> {
                let mut binds = self.binds.iter();
                for (place, part) in self.sql.split('?').enumerate() {
                    if place > 0 {
                        match binds.next() {
                            Some(Bind::Big(value)) => out.push_bind_param::<Nullable<BigInt>, _>(value)?,
                            Some(Bind::Int(value)) => out.push_bind_param::<Nullable<Integer>, _>(value)?,
                            Some(Bind::Small(value)) => out.push_bind_param::<Nullable<SmallInt>, _>(value)?,
                            Some(Bind::Bytes(value)) => out.push_bind_param::<Nullable<Binary>, _>(value)?,
                            Some(Bind::Text(value)) => out.push_bind_param::<Nullable<Text>, _>(value)?,
                            None => out.push_sql("NULL"),
                        }
                    }
                    out.push_sql(part);
                }
                Ok(())
            }
        }
    };
}
fragment!(Sqlite);
fragment!(Pg);

impl<Row> QueryId for Statement<'_, Row> {
    type QueryId = ();
    // Without an id of its type, and not marked unsafe to cache, Diesel keeps it by its text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Row> Query for Statement<'_, Row> {
    type SqlType = Row;
}

impl<C, Row> RunQueryDsl<C> for Statement<'_, Row> {}
