//! `/api/v1/secrets`: set, replaced and removed, never shown.

use std::time::Duration;

use rocket::{State, delete, get, post, put};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Nothing},
    body::{Body, Empty},
    once::Key,
    part::Part,
};
use crate::{
    admin::{
        act::{self, secrets::NewValue},
        refused::Refused,
        state::Admin,
    },
    config::forms,
    model::{Person, Role, Scope},
    rules::parse_duration,
    secret::Secret,
    store::SecretRow,
};

/// The longest that a value which was replaced may still count.
const OVERLAP: Duration = Duration::from_hours(24 * 31);

#[derive(OpenApi)]
#[openapi(paths(list_secrets, put_secret, remove_secret, retire_secret))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("secrets", "Sealed in the database, never shown.").with(
        Role::Owner,
        Scope::Secrets,
        rocket::routes![list_secrets, put_secret, remove_secret, retire_secret],
    )
}

/// A secret: never its value.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SecretView {
    #[schema(example = "groove_token")]
    name: String,
    /// `environment` or `database`.
    from: &'static str,
    /// Where it may be sent, beside what the packs say.
    origins: Vec<String>,
    /// `null` for one of the environment.
    changed_at: Option<Moment>,
    /// It opens with our key.
    healthy: bool,
    /// Until when deliveries that are signed with the value before it are taken too.
    overlap_until: Option<Moment>,
}

impl From<SecretRow> for SecretView {
    fn from(row: SecretRow) -> Self {
        Self {
            name: row.name,
            from: row.from,
            origins: row.origins,
            changed_at: row.changed_at.map(Moment::from),
            healthy: row.healthy,
            overlap_until: row.overlap_until.map(Moment::from),
        }
    }
}

/// Secrets, by name, without their values.
#[utoipa::path(responses((status = 200, description = "All of them.", body = Listed<SecretView>)))]
#[get("/api/v1/secrets")]
async fn list_secrets(admin: &State<Admin>, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let rows = act::secrets::list(admin).await?;
    Reply::ok(&Listed { items: rows.into_iter().map(SecretView::from).collect(), next: None })
}

async fn one(admin: &Admin, name: &str) -> Result<SecretView, Refused> {
    let rows = act::secrets::list(admin).await?;
    let found = rows.into_iter().find(|row| row.name == name).map(SecretView::from);
    found.ok_or_else(|| act::secrets::missing(name))
}

/// A value, and where it may go. It is never shown again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretSent {
    /// At least 8 characters, so that it can be masked wherever it turns up.
    #[schema(min_length = 8, max_length = 8192, write_only)]
    value: String,
    /// Where it may be sent, beside what the packs say.
    #[serde(default)]
    #[schema(example = json!(["https://api.example.com"]), required = false, max_items = 50)]
    origins: Vec<String>,
    /// For how long deliveries that are signed with the value before it are taken too: `2d`. Not at all unless set.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, example = "48h")]
    overlap: Option<String>,
}

impl std::fmt::Debug for SecretSent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretSent").field("origins", &self.origins).finish_non_exhaustive()
    }
}

/// Set a secret, or replace its value.
#[utoipa::path(
    request_body = SecretSent,
    responses((status = 200, description = "The secret, without its value.", body = SecretView))
)]
#[put("/api/v1/secrets/<name>", data = "<sent>")]
async fn put_secret(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<SecretSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let name = forms::secret_name(name).map_err(|why| Refused::new(404, "not_found", format!("{why}.")))?;
    let SecretSent { value, origins, overlap } = sent.value;
    let overlap = overlap.as_deref().map_or(Ok(Duration::ZERO), overlap_of)?;
    let new = NewValue { value: Secret::new(value), origins, overlap };
    let put = async {
        act::secrets::set(admin, person, &name, new).await?;
        Reply::ok(&one(admin, &name).await?)
    };
    key?.once(admin, person, sent.digest, put).await
}

fn overlap_of(text: &str) -> Result<Duration, Refused> {
    let read = parse_duration(text).filter(|span| *span <= OVERLAP);
    read.ok_or_else(|| Refused::new(422, "invalid", "`overlap`: a span up to 31d wanted, such as `48h`."))
}

/// Remove a secret.
#[utoipa::path(request_body = Empty,
    responses((status = 204, description = "It is gone."))
)]
#[delete("/api/v1/secrets/<name>", data = "<sent>")]
async fn remove_secret(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let remove = async {
        act::secrets::remove(admin, person, name).await?;
        Ok(Reply::done())
    };
    key?.once(admin, person, sent.digest, remove).await
}

/// End the overlap of a secret: the value before its present one counts no more.
#[utoipa::path(request_body = Empty,
    responses((status = 200, description = "The secret, without its value.", body = SecretView))
)]
#[post("/api/v1/secrets/<name>/retire", data = "<sent>")]
async fn retire_secret(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let retire = async {
        act::secrets::retire(admin, person, name).await?;
        Reply::ok(&one(admin, name).await?)
    };
    key?.once(admin, person, sent.digest, retire).await
}
