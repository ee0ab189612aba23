//! `GET` and `OPTIONS` on a hook: handshakes of the sources that declare one; for all others the method is not allowed.

use rocket::{
    Data, Request, Route,
    http::{Method, Status},
    route,
};

use super::{
    answer::Answer,
    kept::Parts,
    refusals::RefusedDelivery,
    source::{Service, Way, find},
    state::Intake,
};
use crate::{
    services::{self, Challenge},
    web::peer_of,
};

/// The routes; what they do not answer goes on to the refusal of the method.
pub(super) fn routes() -> Vec<Route> {
    [Method::Get, Method::Options]
        .into_iter()
        .map(|method| Route::ranked(1, method, "/hooks/<source>", Handshake))
        .collect()
}

#[derive(Clone)]
struct Handshake;

#[rocket::async_trait]
impl route::Handler for Handshake {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> route::Outcome<'r> {
        match answer(request) {
            Some(answer) => route::Outcome::from(request, answer),
            None => route::Outcome::forward(data, Status::MethodNotAllowed),
        }
    }
}

/// The answer to a handshake that holds. `None`: it is none, or does not hold; both look the same.
fn answer(request: &Request<'_>) -> Option<Answer> {
    let intake = request.rocket().state::<Intake>()?;
    let name = request.param::<&str>(1)?.ok()?;
    let in_force = (intake.state.in_force)();
    let way = find(&intake.state.config, &intake.generics, &in_force.registry, &intake.state.vault, name)?;
    let (Way::Service(service) | Way::Checked(service)) = way else { return None };
    let challenge = service.pack.hook.as_ref()?.challenge.as_ref()?;
    let parts = Parts::of(request);
    let asked = services::Request { headers: &parts.headers, query: &parts.query, path: &[], body: b"" };
    if request.method() == Method::Options {
        return challenge.of_origin(&asked).map(Answer::Origin);
    }
    let held = held(intake, &service, challenge, &asked);
    let detail = match held {
        Ok(text) => {
            tracing::info!(source = name, "challenge answered");
            return Some(Answer::Challenge(text));
        }
        Err(detail) => detail,
    };
    intake.state.refusals.record(&RefusedDelivery {
        source: Some(name),
        peer: &peer_of(request),
        reason: "challenge",
        status: 405,
        detail: &detail,
        bytes: 0,
    });
    None
}

fn held(
    intake: &Intake,
    service: &Service,
    challenge: &Challenge,
    asked: &services::Request<'_>,
) -> Result<String, String> {
    let live = match challenge.secret() {
        Some(secret) => service.secret(&intake.state.vault, secret).map_err(|error| error.to_string())?,
        None => Vec::new(),
    };
    challenge.of_query(asked, &live).map_err(str::to_owned)
}
