//! `/api/v1/circuits`: hosts that are left alone for a while.

use rocket::{State, get};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Nothing},
    part::Part,
};
use crate::{
    admin::{refused::Refused, state::Admin},
    model::{Role, Scope},
};

/// The kind that a circuit's problem has.
const CIRCUIT: &str = "circuit";
/// Open problems that are looked through.
const MOST: usize = 1_000;

#[derive(OpenApi)]
#[openapi(paths(list_circuits))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("connections", "The configured ways out, and the hosts that are left alone for a while.").with(
        Role::Viewer,
        Scope::Read,
        rocket::routes![list_circuits],
    )
}

/// A host that is left alone, since it failed again and again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CircuitView {
    #[schema(example = "https://api.example.com")]
    host: String,
    since: Moment,
    last_failure: Moment,
    message: String,
}

/// Hosts that are left alone now, the one that failed last first.
#[utoipa::path(responses((status = 200, description = "All of them.", body = Listed<CircuitView>)))]
#[get("/api/v1/circuits")]
async fn list_circuits(admin: &State<Admin>, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let rows = admin.store.problems(true, MOST).await?;
    let circuits = rows.into_iter().filter(|row| row.kind == CIRCUIT).map(|row| CircuitView {
        host: row.subject,
        since: row.first_at.into(),
        last_failure: row.last_at.into(),
        message: row.message,
    });
    Reply::ok(&Listed { items: circuits.collect(), next: None })
}
