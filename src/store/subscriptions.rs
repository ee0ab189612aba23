//! Webhooks that were set up at services: kept, listed, forgotten.

use super::{
    dialect::{self, SubscriptionTableRow},
    error::StoreError,
    handle::Store,
};
use crate::clock::Time;

/// A webhook that was set up at a service. One of the same source, connection, inputs and events takes its place.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Subscription {
    /// The source that it delivers to.
    pub source: String,
    /// The connection that it was set up through.
    pub connection: String,
    /// What a person said, such as which repository: a JSON object, names in order.
    pub inputs: String,
    /// Names of events of ours, in order; at least one.
    pub events: Vec<String>,
    /// The service's id of it. `None`: it gave none.
    pub remote: Option<String>,
    /// The address without the token in it.
    pub url: String,
    /// Of the address with its token.
    #[serde(skip)]
    pub digest: Vec<u8>,
    /// What the service answered, as JSON, masked.
    pub answer: String,
    /// When it was set up.
    pub created_at: Time,
    /// False: no answer came, so that it may be there or not.
    pub certain: bool,
}

impl Store {
    /// Keeps a subscription.
    pub async fn keep_subscription(&self, kept: Subscription) -> Result<(), StoreError> {
        let size = 256 + kept.answer.len();
        let row = SubscriptionTableRow {
            events: kept.events.join(","),
            source: kept.source,
            connection: kept.connection,
            inputs: kept.inputs,
            remote: kept.remote,
            url: kept.url,
            digest: kept.digest,
            answer: kept.answer,
            created_at: kept.created_at.0,
            state: i16::from(!kept.certain),
        };
        self.write(size, move |desk| dialect::put_subscription(&mut desk.conn, &row)).await
    }

    /// Forgets a subscription. False: there is none.
    pub async fn forget_subscription(&self, kept: &Subscription) -> Result<bool, StoreError> {
        let key = [kept.source.clone(), kept.connection.clone(), kept.inputs.clone(), kept.events.join(",")];
        let forget = move |desk: &mut super::writer::Desk| {
            dialect::delete_subscription(&mut desk.conn, key.each_ref().map(String::as_str))
        };
        self.write(256, forget).await
    }

    /// Every subscription, by source, connection, inputs and events.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, StoreError> {
        let rows = self.read(|conn, _| dialect::subscriptions(conn)).await?;
        Ok(rows.into_iter().map(Subscription::from).collect())
    }
}

impl From<SubscriptionTableRow> for Subscription {
    fn from(row: SubscriptionTableRow) -> Self {
        Self {
            source: row.source,
            connection: row.connection,
            inputs: row.inputs,
            events: row.events.split(',').map(str::to_owned).collect(),
            remote: row.remote,
            url: row.url,
            digest: row.digest,
            answer: row.answer,
            created_at: Time(row.created_at),
            certain: row.state == 0,
        }
    }
}
