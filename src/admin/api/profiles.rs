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
    admin::{audit::Deed, refused::Refused, state::Admin},
    model::{Change, Keeper, Person, Role, Scope, flat},
    store::{AttributesRow, By},
};

#[derive(OpenApi)]
#[openapi(paths(list_profiles, show_profile, put_profile, change_profile, forget_profile))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("profiles", "Attributes of people, by e-mail.")
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

/// An e-mail as it is kept.
fn email_of(text: &str) -> Result<String, Refused> {
    let email = text.to_lowercase();
    let is_email =
        email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
            && email.len() <= 320
            && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    let shown = || text.chars().take(100).collect::<String>();
    if is_email { Ok(email) } else { Err(Refused::invalid(format!("`{}` is no e-mail address.", shown()))) }
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
        changed(admin, person, &email, Change { set: wanted, remove, ..Change::default() }, before).await
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
    let patch = async {
        let before = admin.store.attributes_of(Keeper::Profile, email.clone()).await?;
        changed(admin, person, &email, Change { set, add, append, remove }, before).await
    };
    key?.once(admin, person, sent.digest, patch).await
}

/// Makes a change, keeps that it was made, and answers with what is there now.
async fn changed(admin: &Admin, person: &Person, email: &str, change: Change, before: Option<AttributesRow>) -> Answer {
    let changes = vec![(email.to_owned(), change)];
    let done = admin.store.change_attributes(Keeper::Profile, changes, By::Hand, admin.clock.now()).await?;
    if let Some(Err(why)) = done.into_iter().next() {
        return Err(Refused::new(422, "invalid", format!("{why}.")));
    }
    let after = admin.store.attributes_of(Keeper::Profile, email.to_owned()).await?;
    let deed = Deed {
        action: "profile.change",
        subject: email.to_owned(),
        before: before.map(|row| Value::Object(row.attributes)).unwrap_or_default(),
        after: after.as_ref().map(|row| Value::Object(row.attributes.clone())).unwrap_or_default(),
    };
    admin.audit(person, deed).await?;
    match after {
        Some(row) => Reply::ok(&ProfileView::from(row)),
        None => Ok(Reply::done()),
    }
}

/// Delete the attributes of a person. Events and records that name the person stay: `bellwire profiles forget` finds those too.
#[utoipa::path(request_body = Empty,
    responses((status = 204, description = "Nothing is kept of the person."))
)]
#[delete("/api/v1/profiles/<email>", data = "<sent>")]
async fn forget_profile(
    admin: &State<Admin>,
    person: &Person,
    email: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let forget = async {
        let before = admin.store.attributes_of(Keeper::Profile, email.to_owned()).await?;
        let before = before.ok_or_else(|| missing(email))?;
        let remove = before.attributes.keys().cloned().collect();
        let key = before.key.clone();
        changed(admin, person, &key, Change { remove, ..Change::default() }, Some(before)).await
    };
    key?.once(admin, person, sent.digest, forget).await
}
