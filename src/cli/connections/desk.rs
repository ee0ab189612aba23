//! All that a command needs to send something itself.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    app,
    cli::{failure::Failure, open, users},
    config::Config,
    connections::Connections,
    egress::Egress,
    net::{self, Client},
    rules::Set,
    services::Registry,
    store::{Mode, Store, Vault},
};

/// The way out of a command: the settings, packs and secrets of the workspace, beside a running server.
pub(in crate::cli) struct Desk {
    pub(in crate::cli) config: Arc<Config>,
    pub(in crate::cli) registry: Arc<Registry>,
    /// The rules of the workspace that hold.
    pub(in crate::cli) set: Arc<Set>,
    pub(in crate::cli) vault: Arc<Vault>,
    pub(in crate::cli) egress: Arc<Egress>,
    pub(in crate::cli) connections: Connections,
    pub(in crate::cli) client: Client,
    store: Store,
}

impl Desk {
    /// Opens the database; it must be there.
    pub(in crate::cli) fn open(config: Config, mode: Mode) -> Result<Self, Failure> {
        let app::Compiled { registry, set, .. } = app::check(&config);
        let config = Arc::new(config);
        let store = open::store(&config, mode)?;
        let vault = Arc::new(Vault::open(store.clone(), &config, open::clock())?);
        let egress = Arc::new(Egress::new(&config.egress, net::own_addresses()));
        let client = Client::new(Arc::clone(&egress), config.limits.reply).map_err(Failure::Storage)?;
        let connections = Connections::new(Arc::clone(&config), Arc::clone(&vault), Arc::clone(&egress), open::clock());
        Ok(Self { config, registry, set, vault, egress, connections, client, store })
    }

    /// Keeps in the audit log what was done to a connection.
    pub(in crate::cli) async fn keep(&self, action: &str, connection: &str, after: Value) -> Result<(), Failure> {
        users::keep(&self.store, open::clock().now(), action, connection, after).await
    }

    /// Closes the database.
    pub(in crate::cli) fn close(&self) {
        self.store.close();
    }
}
