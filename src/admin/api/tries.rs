//! What leads out on a person's word: connections are tested, actions are tried.

use rocket::{State, post};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Reply},
    asked::{Asked, Nothing},
    body::{Body, Empty},
    once::Key,
    part::Part,
};
use crate::{
    admin::{
        act::connections as act,
        outward::{Came, Prepared, Trial},
        refused::Refused,
        state::Admin,
    },
    model::{Person, Role, Scope},
};

#[derive(OpenApi)]
#[openapi(paths(test_connection, preview_action, send_action))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("connections", super::connections::ABOUT).with(
        Role::Editor,
        Scope::Run,
        rocket::routes![test_connection, preview_action, send_action],
    )
}

/// What came of a request that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CameView {
    #[schema(example = "groove.list_mailboxes")]
    action: String,
    /// Method and address.
    #[schema(example = "GET https://api.example.com/v1/mailboxes")]
    asked: String,
    /// `null`: there was no answer.
    status: Option<u16>,
    milliseconds: u64,
    /// It worked.
    ok: bool,
    /// The class of the failure.
    class: Option<String>,
    /// The gist of the result; or why it does not work, with the way out.
    says: String,
    /// The body of the answer, masked and cut.
    reply: Option<String>,
}

impl From<Came> for CameView {
    fn from(came: Came) -> Self {
        let Came { action, asked, status, milliseconds, ok, class, says, reply } = came;
        Self { action, asked, status, milliseconds, ok, class: class.map(str::to_owned), says, reply }
    }
}

/// Send the request that tells whether a connection works. It changes nothing at the service.
#[utoipa::path(
    request_body = Empty,
    responses((status = 200, description = "What came of it.", body = CameView))
)]
#[post("/api/v1/connections/<name>/test", data = "<sent>")]
async fn test_connection(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let test = async { Reply::ok(&CameView::from(act::test(admin, person, name).await?)) };
    key?.once(admin, person, sent.digest, test).await
}

/// What an action is tried with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialSent {
    /// The connection that it goes through. That of the service's own name unless set.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, max_length = 200)]
    connection: Option<String>,
    /// By their names, each as its type wants it.
    #[serde(default)]
    #[schema(value_type = Object, required = false, example = json!({"ticket": 42, "body": "A note"}))]
    inputs: Map<String, Value>,
}

impl TrialSent {
    async fn trial(mut self, admin: &Admin, service: &str, action: &str) -> Result<Trial, Refused> {
        let connection = self.connection.take().unwrap_or_else(|| service.to_owned());
        let given = |name: &str| {
            Ok(match self.inputs.remove(name) {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) => Some(text),
                Some(other) => Some(other.to_string()),
            })
        };
        let trial = act::trial(admin, (service, action), &connection, given).await?;
        let Some(unknown) = self.inputs.keys().next() else { return Ok(trial) };
        let shown: String = unknown.chars().take(100).collect();
        Err(Refused::new(422, "invalid", format!("The action `{service}.{action}` has no input `{shown}`.")))
    }
}

/// A request as it would go out, with names in the place of secrets.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PreparedView {
    #[schema(example = "groove.add_note")]
    action: String,
    /// It changes nothing at the service.
    reads: bool,
    method: String,
    url: String,
    headers: Vec<HeaderView>,
    /// `null`: it has none.
    body: Option<String>,
    /// Why it could not be sent as it is.
    fault: Option<String>,
}

/// A header of a request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HeaderView {
    name: String,
    value: String,
}

impl From<Prepared> for PreparedView {
    fn from(prepared: Prepared) -> Self {
        let Prepared { action, is_read, method, url, headers, body, fault } = prepared;
        let headers = headers.into_iter().map(|(name, value)| HeaderView { name, value }).collect();
        Self { action, reads: is_read, method, url, headers, body, fault }
    }
}

/// Say which request an action would send. Nothing is sent.
#[utoipa::path(
    request_body = TrialSent,
    responses((status = 200, description = "The request.", body = PreparedView))
)]
#[post("/api/v1/services/<service>/actions/<action>/preview", data = "<sent>")]
async fn preview_action(
    admin: &State<Admin>,
    person: &Person,
    service: &str,
    action: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<TrialSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let preview = async {
        let trial = sent.value.trial(admin, service, action).await?;
        Reply::ok(&PreparedView::from(act::prepare(admin, &trial).await?))
    };
    key?.once(admin, person, sent.digest, preview).await
}

/// Send a request of an action, for real.
#[utoipa::path(
    request_body = TrialSent,
    responses((status = 200, description = "What came of it.", body = CameView))
)]
#[post("/api/v1/services/<service>/actions/<action>/send", data = "<sent>")]
async fn send_action(
    admin: &State<Admin>,
    person: &Person,
    service: &str,
    action: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<TrialSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let tried = async {
        let trial = sent.value.trial(admin, service, action).await?;
        // Each request is a press of its own: what makes two of them one is the Idempotency-Key.
        let press = format!("{:016x}", admin.ids.next(admin.clock.now()));
        Reply::ok(&CameView::from(act::send(admin, person, &trial, &press).await?))
    };
    key?.once(admin, person, sent.digest, tried).await
}
