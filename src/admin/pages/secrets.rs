//! `/secrets`: what there is and what uses it; values go in and never come out.

use std::{collections::BTreeMap, time::Duration};

use askama::Template;
use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act::{self, secrets::NewValue},
        auth::Answer,
        guard::{Access, Guarded, guard},
        needs::{Needs, READERS},
        query::Query,
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, Page, page},
    },
    model::{Person, Role},
    secret::{SHORTEST, Secret},
    store::SecretRow,
};

/// For how long the value before may still count, as the form offers it.
const OVERLAPS: [(&str, &str, u64); 4] =
    [("", "ends at once", 0), ("1h", "1 hour", 1), ("48h", "2 days", 48), ("7d", "7 days", 24 * 7)];

pub(super) fn routes() -> Vec<Guarded> {
    let mut all = guard(Access::Page(Role::Owner), rocket::routes![list]);
    all.extend(guard(Access::Fresh(Role::Owner), rocket::routes![form, set, retire, remove]));
    all
}

/// A secret as the list shows it.
struct Shown {
    row: SecretRow,
    /// `overlap_until`, while it lasts.
    overlaps: bool,
    /// Uses: what, and its page.
    uses: Vec<(String, String)>,
}

impl Shown {
    fn is_stored(&self) -> bool {
        self.row.from == "database"
    }
}

/// One that something needs and nobody has set.
struct Wanting {
    name: String,
    uses: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "secrets.html")]
struct List {
    frame: Frame,
    secrets: Vec<Shown>,
    wanting: Vec<Wanting>,
}

#[rocket::get("/secrets")]
async fn list(admin: &State<Admin>, person: &Person, query: Result<Query, Refused>) -> Page {
    let query = query?;
    let rows = act::secrets::list(admin).await?;
    let mut frame = Frame::new(admin, person, "/secrets", "Secrets");
    frame.notice = match query.short("did", 20)? {
        Some("set") => "The secret is set. Its value is sealed, and is never shown again.".to_owned(),
        Some("retired") => "The earlier value counts no more.".to_owned(),
        Some("removed") => "The secret is removed.".to_owned(),
        _ => String::new(),
    };
    let now = admin.clock.now();
    let mut uses = uses(admin);
    let mut secrets = Vec::new();
    for row in rows {
        let uses = uses.remove(&row.name).unwrap_or_default().places;
        secrets.push(Shown { overlaps: row.overlap_until.is_some_and(|until| until > now), uses, row });
    }
    let set: Vec<&str> = secrets.iter().map(|shown| shown.row.name.as_str()).collect();
    // A pack of which nothing is set up is nobody's concern; a rule or a section of the settings is.
    let wanting = uses
        .into_iter()
        .filter(|(name, uses)| uses.is_wanted && !set.contains(&name.as_str()))
        .map(|(name, uses)| Wanting { name, uses: uses.places })
        .collect();
    page(&List { frame, secrets, wanting })
}

#[derive(Default)]
struct Uses {
    places: Vec<(String, String)>,
    /// A rule or a section of the settings asks for it.
    is_wanted: bool,
}

/// What each secret is used by: ways in, ways out, and rules.
fn uses(admin: &Admin) -> BTreeMap<String, Uses> {
    let in_force = (admin.in_force)();
    let (registry, config) = (&in_force.registry, &admin.config);
    let mut all: BTreeMap<String, Uses> = BTreeMap::new();
    for (name, what) in Needs::of_server(config, |name| admin.vault.has(name)) {
        let uses = all.entry(name).or_default();
        for what in what {
            let is_reader = what == READERS;
            uses.is_wanted |= !is_reader;
            uses.places.push((what, if is_reader { "/people" } else { "/settings" }.to_owned()));
        }
    }
    for (name, what) in Needs::of_packs(registry, config) {
        let uses = all.entry(name).or_default();
        for what in what {
            let (path, is_wanted) = if let Some(source) = what.strip_prefix("deliveries to /hooks/") {
                (format!("/sources/{source}"), config.sources.contains_key(source))
            } else {
                let link = what.strip_prefix("actions of ").unwrap_or_default();
                (format!("/connections/{link}"), config.connections.contains_key(link))
            };
            uses.is_wanted |= is_wanted;
            uses.places.push((what, path));
        }
    }
    for rule in in_force.set.rules.values() {
        for name in Needs::of_rule(rule, registry, config) {
            let uses = all.entry(name).or_default();
            uses.is_wanted |= rule.enabled;
            uses.places.push((format!("rule {}", rule.id), format!("/rules/{}", rule.id)));
        }
    }
    all
}

#[derive(Template)]
#[template(path = "secret.html")]
struct Form<'f> {
    frame: Frame,
    name: &'f str,
    is_known: bool,
    is_shadowed: bool,
    origins: String,
    overlaps: [(&'static str, &'static str, u64); 4],
    shortest: usize,
    fault: &'f str,
}

async fn show(
    admin: &Admin,
    person: &Person,
    name: &str,
    origins: Option<&str>,
    refused: Option<&Refused>,
) -> Result<Answer, Refused> {
    let rows = act::secrets::list(admin).await?;
    let known = rows.into_iter().find(|row| row.name == name);
    let origins = match (origins, &known) {
        (Some(origins), _) => origins.to_owned(),
        (None, Some(row)) => row.origins.join("\n"),
        (None, None) => String::new(),
    };
    let title = if known.is_some() { format!("Replace {name}") } else { "Set a secret".to_owned() };
    let html = page(&Form {
        frame: Frame::new(admin, person, "/secrets", title),
        name,
        is_known: known.is_some(),
        is_shadowed: known.is_some_and(|row| row.from == "environment"),
        origins,
        overlaps: OVERLAPS,
        shortest: SHORTEST,
        fault: refused.map_or("", |refused| &refused.message),
    })?;
    Ok(Answer::page(refused.map_or(200, |refused| refused.status), html))
}

#[rocket::get("/secrets/set")]
async fn form(admin: &State<Admin>, person: &Person, query: Result<Query, Refused>) -> Result<Answer, Refused> {
    let query = query?;
    show(admin, person, query.short("name", 63)?.unwrap_or_default(), None, None).await
}

#[rocket::post("/secrets", data = "<sent>")]
async fn set(admin: &State<Admin>, person: &Person, sent: Result<Sent, Refused>) -> Result<Answer, Refused> {
    let sent = sent?;
    let name = sent.text("name")?.unwrap_or_default().trim();
    let value = Secret::new(sent.text("value")?.unwrap_or_default().to_owned());
    let origins = sent.text("origins")?.unwrap_or_default();
    let overlap = sent.text("overlap")?.unwrap_or_default();
    let Some((_, _, hours)) = OVERLAPS.iter().find(|(word, _, _)| *word == overlap) else {
        return Err(Refused::invalid("`overlap`: one of the spans that the form offers wanted."));
    };
    let new = NewValue {
        value,
        origins: origins.split_whitespace().map(str::to_owned).collect(),
        overlap: Duration::from_hours(*hours),
    };
    match act::secrets::set(admin, person, name, new).await {
        Ok(_) => Ok(Answer::to("/secrets?did=set")),
        Err(refused) if refused.status == 422 => show(admin, person, name, Some(origins), Some(&refused)).await,
        Err(refused) => Err(refused),
    }
}

#[rocket::post("/secrets/<name>/retire", data = "<sent>")]
async fn retire(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    sent?;
    act::secrets::retire(admin, person, name).await?;
    Ok(Redirect::to("/secrets?did=retired"))
}

#[rocket::post("/secrets/<name>/remove", data = "<sent>")]
async fn remove(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    sent?;
    act::secrets::remove(admin, person, name).await?;
    Ok(Redirect::to("/secrets?did=removed"))
}
