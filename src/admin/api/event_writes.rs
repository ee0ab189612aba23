//! Writes of `/api/v1/events`: an event becomes a test of a rule.

use rocket::{State, post};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Reply},
    asked::{Asked, Nothing},
    body::Body,
    events::detail,
    jobs::unfit,
    once::Key,
    part::Part,
};
use crate::{
    admin::{
        act::events::{NewTest, Written, save_as_test},
        refused::Refused,
        state::Admin,
    },
    model::{Person, Role, Scope},
};

#[derive(OpenApi)]
#[openapi(paths(save_event))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("events", super::events::ABOUT).with(Role::Editor, Scope::Rules, rocket::routes![save_event])
}

/// The test that an event becomes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SaveSent {
    /// The rule in force whose file gets the test.
    #[schema(example = "calls/missed")]
    rule: String,
    /// What the test is called; also names the fixture. By rule and event unless set.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, max_length = 120)]
    name: Option<String>,
    /// E-mails and telephone numbers are masked too where strangers can write.
    #[serde(default)]
    #[schema(required = false)]
    mask: bool,
}

/// What was written.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TestWritten {
    /// The rule's file.
    #[schema(example = "rules/calls/missed.yaml")]
    file: String,
    /// The file that holds the event.
    fixture: String,
    /// Why it was not committed. Empty where it was.
    why_not: String,
    /// What the test cannot hold, a sentence each.
    notes: Vec<String>,
}

/// Write an event into the folder `fixtures` beside a rule, and a test into the rule's file. All else in it stays as it is.
#[utoipa::path(
    request_body = SaveSent,
    responses((status = 201, description = "What was written.", body = TestWritten))
)]
#[post("/api/v1/events/<id>/save", data = "<sent>")]
async fn save_event(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<SaveSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let SaveSent { rule, name, mask } = sent.value;
    let save = async {
        let event = detail(admin, id).await?.row.id;
        let name = name.filter(|name| !name.trim().is_empty());
        let new = NewTest { event, rule, name, masks_people: mask };
        let Written { file, fixture, why_not, notes } = save_as_test(admin, person, new).await.map_err(unfit)?;
        Reply::new(201, &TestWritten { file, fixture, why_not, notes })
    };
    key?.once(admin, person, sent.digest, save).await
}
