//! `/api/v1/status`: how it goes.

use rocket::{State, get};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Moment, Reply},
    asked::{Asked, Nothing},
    findings::FindingView,
    part::Part,
};
use crate::{
    admin::{refused::Refused, state::Admin},
    model::{Role, Scope},
};

/// Open problems that are counted at most.
const MOST: usize = 1_000;

#[derive(OpenApi)]
#[openapi(paths(show_status))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("status", "How it goes.").with(Role::Viewer, Scope::Read, rocket::routes![show_status])
}

/// How it goes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatusView {
    /// Of the program.
    #[schema(example = "0.1.0")]
    version: &'static str,
    now: Moment,
    /// Events that are stored.
    events: u64,
    /// Runs that are not over.
    runs_open: u64,
    /// Of these, those that wait for a person.
    runs_held: u64,
    runs_failed: u64,
    /// When the oldest due run was due. `null`: none is due now.
    oldest_due: Option<Moment>,
    /// Open problems; 1,000 means that many or more.
    problems: usize,
    /// Bytes of the database.
    bytes: u64,
    /// The digest of the rule set in force.
    rule_set: String,
    /// Rules in it.
    rules: usize,
    /// What holds the workspace's present state back. Empty: it is in force.
    held_back: Vec<FindingView>,
}

/// How it goes: counts, the rule set in force, and what holds the workspace back.
#[utoipa::path(responses((status = 200, description = "Now.", body = StatusView)))]
#[get("/api/v1/status")]
async fn show_status(admin: &State<Admin>, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let now = admin.clock.now();
    let counts = admin.store.counts(now).await?;
    let set = (admin.in_force)().set;
    Reply::ok(&StatusView {
        version: env!("CARGO_PKG_VERSION"),
        now: now.into(),
        events: counts.events,
        runs_open: counts.runs_open,
        runs_held: counts.runs_held,
        runs_failed: counts.runs_failed,
        oldest_due: counts.oldest_due.map(Moment::from),
        problems: admin.store.problems(true, MOST).await?.len(),
        bytes: counts.bytes,
        rule_set: set.digest.to_string(),
        rules: set.rules.len(),
        held_back: admin.workshop.held_back().into_iter().map(FindingView::from).collect(),
    })
}
