//! `/healthz` and `/readyz`: one word each.

use std::time::{Duration, Instant};

use rocket::{Route, State as Managed, http::Status};
use tokio::{sync::Mutex, time::timeout};

use super::state::{Intake, State};

/// How long an answer of the store holds for everyone who asks: strangers may ask as often as they like.
const HOLDS: Duration = Duration::from_secs(1);
/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// What was found when somebody last asked.
#[derive(Debug, Default)]
pub(super) struct Readiness(Mutex<Option<(Instant, &'static str)>>);

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    rocket::routes![healthz, readyz]
}

/// The process answers.
#[rocket::get("/healthz")]
fn healthz() -> &'static str {
    "ok"
}

/// Deliveries would be taken.
#[rocket::get("/readyz")]
async fn readyz(intake: &Managed<Intake>) -> (Status, &'static str) {
    if !intake.state.lifecycle.is_serving() {
        return (Status::ServiceUnavailable, "draining");
    }
    let word = intake.readiness.word(&intake.state).await;
    (if word == READY { Status::Ok } else { Status::ServiceUnavailable }, word)
}

const READY: &str = "ready";

impl Readiness {
    async fn word(&self, state: &State) -> &'static str {
        // One asks, the others wait for its answer.
        let mut last = self.0.lock().await;
        if let Some((at, word)) = *last
            && at.elapsed() < HOLDS
        {
            return word;
        }
        let word = timeout(PATIENCE, look(state)).await.unwrap_or("storage");
        *last = Some((Instant::now(), word));
        word
    }
}

async fn look(state: &State) -> &'static str {
    if let Err(error) = state.store.ping().await {
        tracing::warn!(%error, "not ready: the store does not answer");
        return "storage";
    }
    match state.vault.list().await {
        Ok(secrets) if secrets.iter().all(|secret| secret.healthy) => READY,
        Ok(_) => {
            tracing::warn!("not ready: a secret cannot be unsealed; `bellwire doctor` names it");
            "secrets"
        }
        Err(error) => {
            tracing::warn!(%error, "not ready: the secrets cannot be read");
            "storage"
        }
    }
}
