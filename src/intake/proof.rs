//! Checks that a delivery comes from whom it says, over its raw bytes, before anything of it is parsed.

use rocket::Request;

use super::{
    source::Service,
    state::Intake,
    take::{Came, Refusal, UNCHECKED, refused},
};
use crate::{
    config::Config,
    secret::Secret,
    services::{self, Hook, Proof, Target},
    store::VaultError,
    web::Fault,
};

/// The proof of a delivery, or why it is refused.
pub(super) fn prove(came: &Came<'_, '_>, service: &Service, hook: &Hook, body: &[u8]) -> Result<Proof, Refusal> {
    let intake = came.intake;
    let secrets = service.secrets(&intake.state.vault).map_err(|error| secret_refused(intake, came.source, &error))?;
    let path: Vec<String> = came.path.iter().map(|part| (*part).to_owned()).collect();
    let request = services::Request { headers: &came.parts.headers, query: &came.parts.query, path: &path, body };
    let (origin, is_set) = origin(&intake.state.config, came.request);
    let raw = came.request.uri();
    let query = raw.query().map(|query| format!("?{query}")).unwrap_or_default();
    let at = format!("{}{query}", raw.path());
    let target = Target { method: came.request.method().as_str(), origin: &origin, path: &at, is_set };
    let named = |name: &str| -> Vec<Secret> {
        secrets.iter().filter(|(known, _)| *known == name).flat_map(|(_, live)| live.clone()).collect()
    };
    let checked = hook.verify(&request, &target, &named, came.now);
    let skew = match &checked {
        Ok(proof) => proof.skew.map(|skew| (skew, true)),
        Err(refused) => refused.skew.map(|skew| (skew, false)),
    };
    if let Some((seconds, holds)) = skew {
        intake.skews.note(seconds, holds, came.now);
    }
    checked.map_err(|why| refused(services::Refused { detail: service.in_our_names(&why.detail), ..why }))
}

/// The origin that senders use: as it is set, else what the request says of itself.
fn origin(config: &Config, request: &Request<'_>) -> (String, bool) {
    match &config.server.public_url {
        Some(url) => (url.clone(), true),
        None => (format!("http://{}", request.headers().get_one("host").unwrap_or_default()), false),
    }
}

/// The refusal where a secret is not there or does not open.
pub(super) fn secret_refused(intake: &Intake, source: &str, error: &VaultError) -> Refusal {
    intake.alerts.raise(source, &error.to_string());
    let code = if matches!(error, VaultError::Missing(_)) { "secret_missing" } else { "secret_unhealthy" };
    let fault = Fault::new(503, code, UNCHECKED).after(60);
    Refusal { detail: error.to_string(), ..Refusal::of(fault, 0, true) }
}
