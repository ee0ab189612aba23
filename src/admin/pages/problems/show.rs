//! `/problems/<id>`: what it is, the way out, its newest example and its runs.

use askama::Template;
use rocket::State;

use super::{
    list::{Line, line},
    thing::{self, Thing},
};
use crate::{
    admin::{
        act::problems,
        pages::runs::{self, Exchange, exchange_of},
        refused::Refused,
        state::Admin,
        view::{Frame, Markup, Page, page},
    },
    clock::Time,
    ids::{ProblemId, RunId},
    model::{Person, ProblemState},
    store::{ProblemRow, RunFilter},
};

/// Runs that are shown.
const RUNS: usize = 20;
/// Runs that are counted: beyond that, "more than" is as good as a number.
const COUNTED: usize = 1000;

#[derive(Template)]
#[template(path = "problems/show.html")]
struct Show {
    frame: Frame,
    line: Line,
    /// A rule that has no page any more. Empty: it has one, or the problem is of none.
    rule: String,
    thing: Thing,
    host: String,
    class: String,
    opened: Markup,
    solved: Option<Markup>,
    /// Who said what of it. Empty: nobody.
    said: String,
    /// Until when it is muted.
    until: Option<Time>,
    is_solved: bool,
    is_run: bool,
    way_out: String,
    example: Option<Example>,
    runs: Vec<runs::Line>,
    has_more_runs: bool,
    /// Failed runs that nothing has repeated yet, in words. Empty: none.
    to_repeat: String,
    /// The same as a sentence: `1 run was never repeated`. Empty: none.
    left: String,
}

/// The newest run that failed.
struct Example {
    line: runs::Line,
    message: String,
    exchange: Exchange,
}

#[rocket::get("/problems/<id>?<did>")]
pub(super) async fn show(id: &str, did: Option<&str>, admin: &State<Admin>, person: &Person) -> Page {
    let row = problems::find(admin, problem_id(id)?).await?;
    let mut frame = Frame::new(admin, person, "/problems", format!("Problem: {}", row.subject));
    frame.notice = notice(did).to_owned();
    let filter = RunFilter { problem: Some(row.id), limit: Some(RUNS), ..RunFilter::default() };
    let runs = admin.store.run_page(filter).await?;
    let left = admin.store.runs_to_repeat(row.id, RunId(i64::MIN), COUNTED + 1).await?.len();
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let thing = thing::of(admin, &row).await?;
    page(&Show {
        line: line(&frame, &row),
        rule: if thing.pages.is_empty() { text(&row.rule) } else { String::new() },
        thing,
        host: text(&row.host),
        class: text(&row.class),
        opened: frame.ago(&row.opened_at),
        solved: row.solved_at.map(|at| frame.ago(&at)),
        said: said(&row),
        until: row.muted_until.filter(|until| row.state == ProblemState::Muted && until.0 < i64::MAX),
        is_solved: row.state == ProblemState::Solved,
        is_run: row.kind == "run",
        way_out: way_out(&row),
        example: example(admin, &frame, row.run).await?,
        runs: runs::lines_of(admin, &frame, &runs.rows).await?,
        has_more_runs: runs.next.is_some(),
        to_repeat: match left {
            0 => String::new(),
            1 => "the one run".to_owned(),
            left if left > COUNTED => format!("all of more than {COUNTED} runs"),
            left => format!("all {left} runs"),
        },
        left: match left {
            0 => String::new(),
            1 => "1 run was never repeated".to_owned(),
            left if left > COUNTED => format!("more than {COUNTED} runs were never repeated"),
            left => format!("{left} runs were never repeated"),
        },
        frame,
    })
}

pub(super) fn problem_id(text: &str) -> Result<ProblemId, Refused> {
    text.parse().map_err(|_| Refused::missing("problem of that id"))
}

fn notice(word: Option<&str>) -> &'static str {
    match word {
        Some("acknowledged") => "It is acknowledged: it stays here until it is gone, and counts as known.",
        Some("muted") => "It is muted: it is counted on, and tells nobody.",
        Some("resolved") => "It is resolved. Should it come back, it is opened again.",
        Some("reopened") => "It is open again.",
        Some("replayed") => "The runs are on their way again.",
        _ => "",
    }
}

fn said(row: &ProblemRow) -> String {
    let by = row.acknowledged_by.as_deref().unwrap_or("somebody");
    match (row.state, row.muted_until) {
        (ProblemState::Muted, Some(Time(i64::MAX))) => format!("Muted by {by}, until somebody says otherwise"),
        (ProblemState::Muted, Some(_)) => format!("Muted by {by} until"),
        (ProblemState::Acknowledged, _) => format!("Acknowledged by {by}"),
        _ => String::new(),
    }
}

/// What helps, by what failed. Of all but failed runs the sentence itself says so.
fn way_out(row: &ProblemRow) -> String {
    if row.kind != "run" {
        return String::new();
    }
    let host = row.host.as_deref().filter(|host| !host.is_empty()).unwrap_or("the target");
    match row.class.as_deref().unwrap_or_default() {
        "network" | "tls" => format!(
            "{host} could not be reached, again and again. See whether it is up and its address is right; then replay."
        ),
        "timeout" => {
            format!("{host} did not answer in time. What was sent may have taken effect: look there before you replay.")
        }
        "status" | "refused" => {
            format!("{host} said no. The newest example below shows what was sent and what it answered.")
        }
        "secret_missing" => "A secret is not set: set it under Secrets, then replay.".to_owned(),
        "secret_origin" | "egress_denied" => {
            "The target is not one that this rule may call: see egress in the settings and the origins of the secret."
                .to_owned()
        }
        "grant" => "The connection has lost its login: reconnect it under Connections, then replay.".to_owned(),
        "template" | "invalid_input" | "render_type" | "invalid_header_value" => {
            "The rule could not make its request of this event. Mend its text, then replay with the text in force."
                .to_owned()
        }
        "fail" => "The rule says so itself, by a `fail` step.".to_owned(),
        "run_timeout" | "limit" => "The run took more than it may. See its steps.".to_owned(),
        _ => "See the newest example below, mend the cause, then replay.".to_owned(),
    }
}

async fn example(admin: &Admin, frame: &Frame, run: Option<RunId>) -> Result<Option<Example>, Refused> {
    let Some(run) = run else { return Ok(None) };
    let Some(detail) = admin.store.run(run).await? else { return Ok(None) };
    let error = detail.row.error.as_ref();
    let failed =
        detail.attempts.iter().rev().find(|row| {
            row.error.as_ref().zip(error).is_some_and(|(of_attempt, of_run)| of_attempt.step == of_run.step)
        });
    Ok(Some(Example {
        line: runs::line_of(frame, &detail.row),
        message: error.map(|error| format!("{}: {}", error.class, error.message)).unwrap_or_default(),
        exchange: failed.map(|row| exchange_of(admin, row)).unwrap_or_default(),
    }))
}
