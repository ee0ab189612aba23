//! Webhooks that were set up at services.

use diesel::{
    Queryable, RunQueryDsl as _,
    sql_types::{BigInt, Binary, Nullable, SmallInt, Text},
};

use super::{
    Conn, each,
    statement::{Bind, execute, question},
};
use crate::store::error::StoreError;

/// A row of `subscriptions`.
#[derive(Debug, Queryable)]
pub(in crate::store) struct SubscriptionTableRow {
    pub(in crate::store) source: String,
    pub(in crate::store) connection: String,
    pub(in crate::store) inputs: String,
    pub(in crate::store) events: String,
    pub(in crate::store) remote: Option<String>,
    pub(in crate::store) url: String,
    pub(in crate::store) digest: Vec<u8>,
    pub(in crate::store) answer: String,
    pub(in crate::store) created_at: i64,
    pub(in crate::store) state: i16,
}

/// Keeps a subscription in the place of the one with the same source, connection, inputs and events.
pub(in crate::store) fn put_subscription(conn: &mut Conn, row: &SubscriptionTableRow) -> Result<(), StoreError> {
    execute(
        conn,
        "INSERT INTO subscriptions (source, connection, inputs, events, remote, url, digest, answer, created_at, state) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, connection, inputs, events) DO UPDATE SET \
         remote = excluded.remote, url = excluded.url, digest = excluded.digest, answer = excluded.answer, \
         created_at = excluded.created_at, state = excluded.state",
        &[
            Bind::Text(Some(&row.source)),
            Bind::Text(Some(&row.connection)),
            Bind::Text(Some(&row.inputs)),
            Bind::Text(Some(&row.events)),
            Bind::Text(row.remote.as_deref()),
            Bind::Text(Some(&row.url)),
            Bind::Bytes(Some(&row.digest)),
            Bind::Text(Some(&row.answer)),
            Bind::Big(Some(row.created_at)),
            Bind::Small(Some(row.state)),
        ],
    )
    .map(drop)
}

/// Forgets a subscription. False: there is none.
pub(in crate::store) fn delete_subscription(conn: &mut Conn, key: [&str; 4]) -> Result<bool, StoreError> {
    let binds = key.map(|part| Bind::Text(Some(part)));
    let sql = "DELETE FROM subscriptions WHERE source = ? AND connection = ? AND inputs = ? AND events = ?";
    execute(conn, sql, &binds).map(|changed| changed == 1)
}

/// Every subscription, by its key.
pub(in crate::store) fn subscriptions(conn: &mut Conn) -> Result<Vec<SubscriptionTableRow>, StoreError> {
    type Row = (Text, Text, Text, Text, Nullable<Text>, Text, Binary, Text, BigInt, SmallInt);
    let sql = "SELECT source, connection, inputs, events, remote, url, digest, answer, created_at, state FROM subscriptions \
         ORDER BY source, connection, inputs, events";
    Ok(each!(conn, c => question::<Row>(sql, &[]).load(c))?)
}
