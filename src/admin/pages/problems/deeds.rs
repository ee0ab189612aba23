//! What a person says of a problem: forms that lead back to its page.

use std::time::Duration;

use rocket::{Route, State, response::Redirect};

use super::show::problem_id;
use crate::{
    admin::{
        act::{
            jobs::{self, NewJob, Runs, With, Work},
            problems,
        },
        refused::Refused,
        sent::Sent,
        state::Admin,
    },
    clock::Time,
    model::Person,
    store::ProblemWord,
};

pub(super) fn routes() -> Vec<Route> {
    rocket::routes![acknowledge, mute, resolve, reopen, replay]
}

type Answer = Result<Redirect, Refused>;

async fn say(admin: &Admin, person: &Person, id: &str, word: ProblemWord, did: &str) -> Answer {
    let id = problem_id(id)?;
    problems::say(admin, person, id, word).await?;
    Ok(Redirect::to(format!("/problems/{id}?did={did}")))
}

#[rocket::post("/problems/<id>/acknowledge", data = "<sent>")]
async fn acknowledge(sent: Result<Sent, Refused>, id: &str, admin: &State<Admin>, person: &Person) -> Answer {
    sent?;
    say(admin, person, id, ProblemWord::Acknowledge { by: person.name.clone() }, "acknowledged").await
}

#[rocket::post("/problems/<id>/mute", data = "<sent>")]
async fn mute(sent: Result<Sent, Refused>, id: &str, admin: &State<Admin>, person: &Person) -> Answer {
    let sent = sent?;
    let now = admin.clock.now();
    let until = match sent.wanted("for")? {
        "1h" => now.plus(Duration::from_hours(1)),
        "1d" => now.plus(Duration::from_hours(24)),
        "ever" => Time(i64::MAX),
        other => {
            let known = "there are 1h, 1d and ever";
            return Err(Refused::invalid(format!("`{}` is no time to be mute for; {known}.", other.escape_debug())));
        }
    };
    say(admin, person, id, ProblemWord::Mute { by: person.name.clone(), until }, "muted").await
}

#[rocket::post("/problems/<id>/resolve", data = "<sent>")]
async fn resolve(sent: Result<Sent, Refused>, id: &str, admin: &State<Admin>, person: &Person) -> Answer {
    sent?;
    say(admin, person, id, ProblemWord::Resolve, "resolved").await
}

#[rocket::post("/problems/<id>/reopen", data = "<sent>")]
async fn reopen(sent: Result<Sent, Refused>, id: &str, admin: &State<Admin>, person: &Person) -> Answer {
    sent?;
    say(admin, person, id, ProblemWord::Reopen, "reopened").await
}

#[rocket::post("/problems/<id>/replay", data = "<sent>")]
async fn replay(sent: Result<Sent, Refused>, id: &str, admin: &State<Admin>, person: &Person) -> Answer {
    let sent = sent?;
    let row = problems::find(admin, problem_id(id)?).await?;
    let with = match sent.text("with")?.unwrap_or("original") {
        "original" => With::Original,
        "current" => With::Current,
        other => {
            let known = "there are original and current";
            return Err(Refused::invalid(format!("`{}` is no text to replay with; {known}.", other.escape_debug())));
        }
    };
    let job = NewJob {
        work: Work::ReplayRuns(Runs::Problem(row.id)),
        with,
        key: sent.text("key")?.unwrap_or_default().to_owned(),
        what: format!("replay of the failed runs of \"{}\"", row.subject),
        back: format!("/problems/{}", row.id),
    };
    let id = jobs::begin(admin, person, job).await?;
    Ok(Redirect::to(format!("/jobs/{id}")))
}
