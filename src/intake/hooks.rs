//! `POST /hooks/<source>[/<event>]`; a token may stand between the two, where a pack says so.

use std::time::Instant;

use rocket::{
    Data, Request, Route, State as Managed,
    request::{FromRequest, Outcome},
};

use super::{answer::Answer, refusals::RefusedDelivery, state::Intake, take::take};
use crate::web::{Fault, Foreign, peer_of};

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    rocket::routes![hook, hook_with_event, hook_with_token]
}

/// The request itself, for a handler.
pub(super) struct Asked<'r>(pub(super) &'r Request<'r>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Asked<'r> {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(Self(request))
    }
}

#[rocket::post("/hooks/<source>", data = "<data>")]
async fn hook(source: &str, asked: Asked<'_>, data: Data<'_>, intake: &Managed<Intake>) -> Answer {
    deliver(intake, source, &[], asked.0, data).await
}

#[rocket::post("/hooks/<source>/<event>", data = "<data>")]
async fn hook_with_event(
    source: &str,
    event: &str,
    asked: Asked<'_>,
    data: Data<'_>,
    intake: &Managed<Intake>,
) -> Answer {
    deliver(intake, source, &[event], asked.0, data).await
}

#[rocket::post("/hooks/<source>/<token>/<event>", data = "<data>")]
async fn hook_with_token(
    source: &str,
    token: &str,
    event: &str,
    asked: Asked<'_>,
    data: Data<'_>,
    intake: &Managed<Intake>,
) -> Answer {
    deliver(intake, source, &[token, event], asked.0, data).await
}

async fn deliver(intake: &Intake, source: &str, path: &[&str], request: &Request<'_>, data: Data<'_>) -> Answer {
    let began = Instant::now();
    let peer = peer_of(request);
    match take(intake, source, path, request, data).await {
        Ok(done) => {
            let (id, duplicate) = match &done.answer {
                Answer::Accepted(id) => (*id, false),
                Answer::Duplicate(id) => (*id, true),
                Answer::Refused(fault) => return Answer::Refused(fault.clone()),
                Answer::Challenge(_) | Answer::Origin(_) => {
                    tracing::info!(source, peer = %Foreign(&peer), "challenge answered");
                    return done.answer;
                }
            };
            tracing::info!(
                event.id = %id,
                event.r#type = done.kind,
                source,
                peer = %Foreign(&peer),
                duplicate,
                runs = done.runs,
                bytes = done.bytes,
                duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                "delivery accepted"
            );
            done.answer
        }
        Err(refusal) => {
            let refused = RefusedDelivery {
                source: refusal.known.then_some(source),
                peer: &peer,
                reason: refusal.reason,
                status: refusal.fault.status,
                detail: &refusal.detail,
                bytes: refusal.bytes,
            };
            intake.state.refusals.record(&refused);
            Answer::Refused(if refusal.fault.status == 404 { Fault::NOT_FOUND } else { *refusal.fault })
        }
    }
}
