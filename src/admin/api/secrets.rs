//! `/api/v1/secrets`: set, replaced and removed, never shown.

use std::time::Duration;

use rocket::{State, delete, get, post, put};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Nothing},
    body::{Body, Empty},
    once::Key,
    part::Part,
};
use crate::{
    admin::{audit::Deed, refused::Refused, state::Admin},
    config::forms,
    egress::Origin,
    model::{Person, Role, Scope},
    rules::parse_duration,
    secret::{SHORTEST, Secret},
    store::{SecretRow, VaultError},
};

/// Characters of a value: more is a slip.
const LONGEST: usize = 8_192;
/// The most origins of a secret.
const ORIGINS: usize = 50;
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

fn refused(error: VaultError) -> Refused {
    match error {
        VaultError::Store(error) => error.into(),
        VaultError::Missing(name) => Refused::missing(&format!("secret `{name}`")),
        VaultError::TooShort(_) => Refused::new(422, "invalid", format!("{error}.")),
        VaultError::Sealed { .. } | VaultError::Unsealable { .. } => Refused::conflict(format!("{error}.")),
    }
}

/// Secrets, by name, without their values.
#[utoipa::path(responses((status = 200, description = "All of them.", body = Listed<SecretView>)))]
#[get("/api/v1/secrets")]
async fn list_secrets(admin: &State<Admin>, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let rows = admin.vault.list().await.map_err(refused)?;
    Reply::ok(&Listed { items: rows.into_iter().map(SecretView::from).collect(), next: None })
}

async fn one(admin: &Admin, name: &str) -> Result<SecretView, Refused> {
    let rows = admin.vault.list().await.map_err(refused)?;
    let found = rows.into_iter().find(|row| row.name == name).map(SecretView::from);
    found.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Refused {
    Refused::missing(&format!("secret `{}` in the database", name.chars().take(64).collect::<String>()))
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
    if origins.len() > ORIGINS {
        return Err(Refused::new(422, "invalid", format!("`origins`: at most {ORIGINS} of them.")));
    }
    let origins = origins.iter().map(|origin| origin_of(origin)).collect::<Result<Vec<String>, Refused>>()?;
    let overlap = overlap.as_deref().map_or(Ok(Duration::ZERO), overlap_of)?;
    if value.len() > LONGEST || value.chars().count() < SHORTEST {
        let why = format!(
            "A value has {SHORTEST} characters at least, so that it can be masked, and {LONGEST} bytes at most."
        );
        return Err(Refused::new(422, "invalid", why));
    }
    let put = async {
        let until = admin.vault.rotate(&name, Secret::new(value), origins.clone(), overlap).await.map_err(refused)?;
        let after = json!({"origins": origins, "overlap_until": until.map(|at| at.to_string())});
        let deed = Deed { action: "secret.set", subject: name.clone(), after, ..Deed::default() };
        admin.audit(person, deed).await?;
        Reply::ok(&one(admin, &name).await?)
    };
    key?.once(admin, person, sent.digest, put).await
}

fn origin_of(text: &str) -> Result<String, Refused> {
    let read = Origin::parse(text).map(|origin| origin.as_str().to_owned());
    read.map_err(|error| Refused::new(422, "invalid", format!("`origins`: {error}.")))
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
        if name.contains('\0') || !admin.vault.remove(name).await.map_err(refused)? {
            return Err(missing(name));
        }
        let deed = Deed { action: "secret.remove", subject: name.to_owned(), ..Deed::default() };
        admin.audit(person, deed).await?;
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
        one(admin, name).await?;
        if !admin.vault.retire(name).await.map_err(refused)? {
            return Err(Refused::conflict(format!("No earlier value of `{name}` is kept.")));
        }
        let deed = Deed { action: "secret.retire", subject: name.to_owned(), ..Deed::default() };
        admin.audit(person, deed).await?;
        Reply::ok(&one(admin, name).await?)
    };
    key?.once(admin, person, sent.digest, retire).await
}
