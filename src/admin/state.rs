//! What the admin works with, and how it is put into Rocket.

use std::{fmt, ops::Deref, sync::Arc};

use rocket::{Route, fairing::AdHoc};

use super::{
    api, assets,
    audit::PerMinute,
    auth::{self, Provider},
    forgetting::Forgetting,
    gate::Gate,
    glance::{self, Glance},
    guard::Guarded,
    jobs, lost,
    outward::Outward,
    pages,
    rulefiles::Desk,
    tested::Tests,
    workshop::Workshop,
};
use crate::{
    clock::SharedClock,
    config::Config,
    ids::IdSource,
    lifecycle::Lifecycle,
    net::Client,
    starts::InForce,
    store::{Store, Vault},
    wake::Wake,
};

/// What the admin works with.
pub struct Parts {
    pub config: Arc<Config>,
    pub store: Store,
    pub vault: Arc<Vault>,
    pub clock: SharedClock,
    pub ids: Arc<IdSource>,
    /// Rung after a row was written that the runner is to find.
    pub wake: Wake,
    /// Rung after a job was begun.
    pub jobs: Wake,
    pub lifecycle: Lifecycle,
    /// What is in force now.
    pub in_force: Arc<dyn Fn() -> InForce + Send + Sync>,
    /// Checks drafts of files with the registries that will run.
    pub workshop: Arc<dyn Workshop>,
    /// What leads out: tests of connections, actions that are tried, logins.
    pub outward: Arc<dyn Outward>,
    /// Asks the provider of sign-in, and nothing else.
    pub client: Client,
}

/// Rocket's managed state of the admin: `admin: &State<Admin>`. Clones share it.
#[derive(Clone)]
pub struct Admin {
    parts: Arc<Parts>,
    glance: Arc<Glance>,
    refusals: Arc<PerMinute>,
    desk: Arc<Desk>,
    trials: Arc<Gate>,
    searches: Arc<Gate>,
    provider: Arc<Provider>,
    tests: Arc<Tests>,
}

impl Admin {
    /// What acts on rule files share.
    pub(super) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Turns of what checks or tries drafts: each may take a processor and hundreds of megabytes.
    pub(super) fn trials(&self) -> &Gate {
        &self.trials
    }

    /// Turns of searches through bodies.
    pub(super) fn searches(&self) -> &Gate {
        &self.searches
    }

    /// What every page tells, from memory.
    pub(super) fn glance(&self) -> &Glance {
        &self.glance
    }

    /// The provider of sign-in.
    pub(super) fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The last test of each connection.
    pub(super) fn tests(&self) -> &Tests {
        &self.tests
    }

    /// How many refusals the audit log took of late.
    pub(super) fn refusals(&self) -> &PerMinute {
        &self.refusals
    }
}

impl Deref for Admin {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

/// Pages, API and what both need.
fn routes() -> Vec<Route> {
    let all: Vec<Vec<Guarded>> = vec![assets::routes(), auth::routes(), pages::routes(), api::routes()];
    all.into_iter().flatten().map(Guarded::into_route).collect()
}

/// Puts the admin into a Rocket: `rocket.attach(admin::stage(parts))`.
pub fn stage(parts: Arc<Parts>) -> AdHoc {
    let provider = Arc::new(Provider::new(parts.client.clone()));
    let admin = Admin {
        parts,
        glance: Arc::default(),
        refusals: Arc::default(),
        desk: Arc::default(),
        trials: Arc::new(Gate::new(2, 1)),
        searches: Arc::new(Gate::new(4, 2)),
        provider,
        tests: Arc::default(),
    };
    AdHoc::on_ignite("admin", |rocket| {
        Box::pin(async move {
            tokio::spawn(glance::refresh(admin.clone()));
            tokio::spawn(jobs::work(admin.clone()));
            rocket
                .manage(admin)
                .manage(Forgetting::default())
                .mount("/", routes())
                .attach(api::rule_ids())
                .attach(lost::page())
        })
    })
}
