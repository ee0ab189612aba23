//! `/api/v1/polls`: what is asked again and again, when it is asked next, and what came of it.

use rocket::{State, get, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Nothing},
    body::Body,
    once::Key,
    part::Part,
};
use crate::{
    admin::{act::schedules, refused::Refused, state::Admin},
    model::{Person, Role, Scope},
    rules::shown_duration,
    store::PollId,
};

#[derive(OpenApi)]
#[openapi(paths(list_polls, run_polls))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("polls", "What is asked again and again, and what came of it.")
        .with(Role::Viewer, Scope::Read, rocket::routes![list_polls])
        .with(Role::Editor, Scope::Run, rocket::routes![run_polls])
}

/// A poll of a rule.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PollView {
    rule: String,
    /// Which of the rule's polls, from 0.
    poll: u16,
    /// The rule's name.
    name: String,
    enabled: bool,
    /// What is asked: an action, or `http`.
    asks: String,
    #[schema(example = "5m")]
    every: String,
    /// When the last one that went well began.
    last: Option<Moment>,
    /// When it was asked last.
    tried: Option<Moment>,
    next: Option<Moment>,
    /// Events that it made.
    items: u64,
    /// How many failed since the last that went well.
    failures: u32,
    /// Why the last one failed.
    error: Option<String>,
    /// What was odd about single items of the last answer.
    odd: Option<String>,
    /// What stood at the rule's `cursor`.
    cursor: Value,
}

/// The polls of all rules, by rule.
#[utoipa::path(responses((status = 200, description = "All of them.", body = Listed<PollView>)))]
#[get("/api/v1/polls")]
async fn list_polls(admin: &State<Admin>, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let rows = admin.store.polls().await?;
    let set = (admin.in_force)().set;
    let mut items = Vec::new();
    for rule in set.rules.values() {
        for (place, poll) in (0..).zip(rule.polls()) {
            let id = PollId { rule: rule.id.to_string(), place };
            let row = rows.iter().find(|row| row.id == id);
            items.push(PollView {
                rule: id.rule,
                poll: place,
                name: rule.name.clone(),
                enabled: rule.enabled,
                asks: poll.target.split(": ").next().unwrap_or_default().to_owned(),
                every: shown_duration(poll.every),
                last: row.and_then(|row| row.last_at).map(Moment::from),
                tried: row.and_then(|row| row.tried_at).map(Moment::from),
                next: row.filter(|_| rule.enabled).map(|row| row.due_at.into()),
                items: row.map_or(0, |row| row.items),
                failures: row.map_or(0, |row| row.failures),
                error: row.and_then(|row| row.error.clone()),
                odd: row.and_then(|row| row.odd.clone()),
                cursor: row.map(|row| row.cursor.clone()).unwrap_or_default(),
            });
        }
    }
    Reply::ok(&Listed { items, next: None })
}

/// A rule whose polls are asked now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunPolls {
    #[schema(example = "leads/new")]
    rule: String,
}

/// What is asked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PollsDue {
    /// Polls that are due now.
    polls: usize,
}

/// Ask the polls of a rule now: within a second.
#[utoipa::path(request_body = RunPolls, responses((status = 202, description = "They are due.", body = PollsDue)))]
#[post("/api/v1/polls/run", data = "<sent>")]
async fn run_polls(
    admin: &State<Admin>,
    person: &Person,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<RunPolls>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let run = async {
        let polls = schedules::poll(admin, person, &sent.value.rule).await?;
        Reply::new(202, &PollsDue { polls })
    };
    key?.once(admin, person, sent.digest, run).await
}
