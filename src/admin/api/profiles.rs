//! `/api/v1/profiles`: what is kept of people.

use std::collections::BTreeMap;

use rocket::{State, delete, get, patch, put};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Nothing, Page},
    body::{Body, Empty},
    once::Key,
    part::Part,
};
use crate::{
    admin::{act::people, forgetting, refused::Refused, state::Admin},
    model::{Change, Keeper, Person, Role, Scope, flat},
    store::{AttributesRow, By},
};

/// What the resource is.
pub(super) const ABOUT: &str = "Attributes of people, by e-mail.";

#[derive(OpenApi)]
#[openapi(paths(list_profiles, show_profile, put_profile, change_profile, forget_profile))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("profiles", ABOUT)
        .with(Role::Viewer, Scope::Read, rocket::routes![list_profiles, show_profile])
        .with(Role::Editor, Scope::People, rocket::routes![put_profile, change_profile, forget_profile])
}

/// What is kept of a person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProfileView {
    #[schema(example = "maria@example.com")]
    email: String,
    #[schema(value_type = Object)]
    attributes: Value,
    /// Who last wrote each: a run (`run_...`), `hand` or `import`.
    #[schema(value_type = Object)]
    from: Value,
    changed_at: Moment,
    /// What a help desk is answered: one level of names.
    #[schema(value_type = Object)]
    answer: Value,
}

impl From<AttributesRow> for ProfileView {
    fn from(row: AttributesRow) -> Self {
        Self {
            email: row.key,
            answer: Value::Object(flat(&row.attributes)),
            attributes: Value::Object(row.attributes),
            from: Value::Object(row.origins),
            changed_at: row.changed_at.into(),
        }
    }
}

/// Profiles, by e-mail.
#[utoipa::path(params(Page), responses((status = 200, description = "A page of them.", body = Listed<ProfileView>)))]
#[get("/api/v1/profiles")]
async fn list_profiles(admin: &State<Admin>, asked: Result<Asked<Page>, Refused>) -> Answer {
    let Asked(asked) = asked?;
    let after = asked.cursor.unwrap_or_default().to_lowercase();
    let rows = admin.store.attributes_page(Keeper::Profile, after, asked.limit.0).await?;
    let items = rows.into_iter().map(ProfileView::from).collect();
    Reply::ok(&Listed::page(items, asked.limit.0, |last| last.email.clone()))
}

/// What is kept of one person.
#[utoipa::path(responses((status = 200, description = "The profile.", body = ProfileView)))]
#[get("/api/v1/profiles/<email>")]
async fn show_profile(admin: &State<Admin>, email: &str, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    Reply::ok(&found(admin, email).await?)
}

async fn found(admin: &Admin, email: &str) -> Result<ProfileView, Refused> {
    let row = admin.store.attributes_of(Keeper::Profile, email.to_owned()).await?;
    row.map(ProfileView::from).ok_or_else(|| missing(email))
}

fn missing(email: &str) -> Refused {
    Refused::missing(&format!("profile of {}", email.chars().take(128).collect::<String>()))
}

/// An e-mail as the address must have it: as it is kept, case aside.
pub(super) fn email_of(text: &str) -> Result<String, Refused> {
    let email = people::email_of(text)?;
    if email == text.to_lowercase() && email.matches('@').count() == 1 {
        return Ok(email);
    }
    Err(Refused::invalid(format!("`{}` is no e-mail address.", text.chars().take(100).collect::<String>())))
}

/// All attributes of a person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileSent {
    /// By name. Those that are not here go.
    #[schema(value_type = Object, example = json!({"plan": "Pro", "calls": 3}))]
    attributes: Map<String, Value>,
}

/// Set all attributes of a person: others go.
#[utoipa::path(
    request_body = ProfileSent,
    responses(
        (status = 200, description = "The profile as it is now.", body = ProfileView),
        (status = 204, description = "Nothing is kept of the person any more.")
    )
)]
#[put("/api/v1/profiles/<email>", data = "<sent>")]
async fn put_profile(
    admin: &State<Admin>,
    person: &Person,
    email: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<ProfileSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let email = email_of(email)?;
    let wanted = sent.value.attributes;
    let put = async {
        let before = admin.store.attributes_of(Keeper::Profile, email.clone()).await?;
        let known = before.as_ref().map(|row| row.attributes.clone()).unwrap_or_default();
        let remove = known.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        changed(admin, person, &email, Change { set: wanted, remove, ..Change::default() }).await
    };
    key?.once(admin, person, sent.digest, put).await
}

/// What to change in the attributes of a person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileChange {
    /// Names and their new values.
    #[serde(default)]
    #[schema(value_type = Object, required = false)]
    set: Map<String, Value>,
    /// Names of numbers, and what is added to each; one that is not there counts as 0.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, f64>, required = false)]
    add: BTreeMap<String, Number>,
    /// Names of lists, and what is put at the end of each; the last 100 are kept.
    #[serde(default)]
    #[schema(value_type = Object, required = false)]
    append: Map<String, Value>,
    /// Names that go.
    #[serde(default)]
    #[schema(required = false)]
    remove: Vec<String>,
}

/// Change some attributes of a person.
#[utoipa::path(
    request_body = ProfileChange,
    responses(
        (status = 200, description = "The profile as it is now.", body = ProfileView),
        (status = 204, description = "Nothing is kept of the person.")
    )
)]
#[patch("/api/v1/profiles/<email>", data = "<sent>")]
async fn change_profile(
    admin: &State<Admin>,
    person: &Person,
    email: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<ProfileChange>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let email = email_of(email)?;
    let ProfileChange { set, add, append, remove } = sent.value;
    let add = add.into_iter().map(|(name, amount)| (name, Value::Number(amount))).collect();
    let patch = async { changed(admin, person, &email, Change { set, add, append, remove }).await };
    key?.once(admin, person, sent.digest, patch).await
}

/// Makes a change, and answers with what is there now.
async fn changed(admin: &Admin, person: &Person, email: &str, change: Change) -> Answer {
    if !change.is_read() {
        people::change(admin, person, email, change).await?;
    }
    match admin.store.attributes_of(Keeper::Profile, email.to_owned()).await? {
        Some(row) => Reply::ok(&ProfileView::from(row)),
        None => Ok(Reply::done()),
    }
}

/// Forget a person: attributes at once; then, in the background, records and every stored event that names the e-mail, with its runs.
#[utoipa::path(request_body = Empty, responses((status = 202, description = "It has begun.", body = Forgetting)))]
#[delete("/api/v1/profiles/<email>", data = "<sent>")]
async fn forget_profile(
    admin: &State<Admin>,
    person: &Person,
    forgetting: &State<forgetting::Forgetting>,
    email: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let email = email_of(email)?;
    let forget = async {
        people::forget(admin, person, forgetting, &email, &email).await?;
        if let Some(row) = admin.store.attributes_of(Keeper::Profile, email.clone()).await? {
            let change = Change { remove: row.attributes.keys().cloned().collect(), ..Change::default() };
            let changes = vec![(email.clone(), change)];
            admin.store.change_attributes(Keeper::Profile, changes, By::Hand, admin.clock.now()).await?;
        }
        let events = forgetting.of(&email).map_or(0, |progress| progress.all);
        Reply::new(202, &Forgetting { events })
    };
    key?.once(admin, person, sent.digest, forget).await
}

/// A person is being forgotten.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Forgetting {
    /// Stored events that are looked through.
    events: u64,
}
