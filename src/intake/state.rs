//! What the way in works with, and how it is put into Rocket.

use std::{fmt, sync::Arc};

use rocket::{Route, fairing::AdHoc};

use super::{
    alerts::Alerts,
    challenges,
    dictionaries::Dictionaries,
    health::{self, Readiness},
    hooks,
    profile::{self, Profiles},
    refusals::Refusals,
    skew::Skews,
    source::Generics,
};
use crate::{
    clock::SharedClock,
    config::Config,
    ids::IdSource,
    lifecycle::Lifecycle,
    starts::InForce,
    store::{Store, Vault},
    wake::Wake,
    web,
};

/// What the way in works with.
#[derive(Clone)]
pub struct State {
    pub config: Arc<Config>,
    pub store: Store,
    pub vault: Vault,
    pub clock: SharedClock,
    pub ids: Arc<IdSource>,
    pub wake: Wake,
    pub lifecycle: Lifecycle,
    /// What is in force now; called once a delivery, and must be quick.
    pub in_force: Arc<dyn Fn() -> InForce + Send + Sync>,
    /// Keeps, counts and logs refusals; its observer is for the gate.
    pub refusals: Arc<Refusals>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

/// Rocket's managed state of the way in.
pub(super) struct Intake {
    pub(super) state: State,
    pub(super) dictionaries: Dictionaries,
    pub(super) alerts: Alerts,
    pub(super) readiness: Readiness,
    pub(super) profiles: Profiles,
    pub(super) generics: Generics,
    pub(super) skews: Skews,
}

/// Hooks and health.
pub fn routes() -> Vec<Route> {
    let mut routes = hooks::routes();
    routes.extend(challenges::routes());
    routes.extend(health::routes());
    routes.extend(profile::routes());
    for path in ["/hooks/<_>", "/hooks/<_>/<_>", "/hooks/<_>/<_>/<_>"] {
        routes.extend(web::refuse_method(path, "POST"));
    }
    for path in ["/healthz", "/readyz", "/profile/groove"] {
        routes.extend(web::refuse_method(path, "GET, HEAD"));
    }
    routes
}

/// Puts the way in into a Rocket: `rocket.attach(intake::stage(state))`.
pub fn stage(state: State) -> AdHoc {
    AdHoc::on_ignite("intake", |rocket| {
        let intake = Intake {
            generics: Generics::of(&state.config),
            skews: Skews::default(),
            state,
            dictionaries: Dictionaries::default(),
            alerts: Alerts::default(),
            readiness: Readiness::default(),
            profiles: Profiles::default(),
        };
        Box::pin(async move { rocket.manage(intake).mount("/", routes()) })
    })
}
