//! The list of people, by e-mail.

use askama::Template;
use rocket::State;

use crate::{
    admin::{
        here::encoded,
        state::Admin,
        view::{Frame, Page, page},
    },
    clock::Time,
    model::{Keeper, Person},
};

/// People of a page.
const PAGE: usize = 50;
/// Names of attributes that the list shows of one.
const NAMES: usize = 12;

struct Row {
    email: String,
    href: String,
    changed_at: Time,
    names: String,
}

#[derive(Template)]
#[template(path = "people.html")]
struct People {
    frame: Frame,
    prefix: String,
    rows: Vec<Row>,
    first: String,
    more: String,
}

#[rocket::get("/people?<q>&<after>")]
pub(super) async fn list(admin: &State<Admin>, person: &Person, q: Option<&str>, after: Option<&str>) -> Page {
    let prefix = q.unwrap_or_default().trim().to_lowercase();
    let after = after.unwrap_or_default();
    let found = admin.store.attributes_with_prefix(Keeper::Profile, prefix.clone(), after.to_owned()).await?;
    let search = if prefix.is_empty() { String::new() } else { format!("q={}&", encoded(&prefix)) };
    let last = found.get(PAGE - 1).filter(|_| found.len() > PAGE);
    let more = last.map(|row| format!("/people?{search}after={}", encoded(&row.key))).unwrap_or_default();
    let first = if after.is_empty() { String::new() } else { format!("/people?{}", search.trim_end_matches('&')) };
    let rows = found.into_iter().take(PAGE).map(|row| {
        let names: Vec<&str> = row.attributes.keys().take(NAMES).map(String::as_str).collect();
        let rest = row.attributes.len().saturating_sub(NAMES);
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        Row { href: encoded(&row.key), changed_at: row.changed_at, names: names.join(", ") + &rest, email: row.key }
    });
    let rows = rows.collect();
    page(&People { frame: Frame::new(admin, person, "/people", "People"), prefix, rows, first, more })
}
