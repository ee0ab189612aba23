//! `/problems`: those that are there, the one seen last first.

use askama::Template;
use rocket::State;

use crate::{
    admin::{
        refused::Refused,
        state::Admin,
        view::{Frame, Markup, Page, page},
    },
    clock::Time,
    ids::ProblemId,
    model::{Person, ProblemState},
    store::{ProblemFilter, ProblemRow},
};

/// Problems of a page.
const LIMIT: usize = 50;

/// The filters: word in the URL, name, states.
const FILTERS: [(&str, &str, &[ProblemState]); 5] = [
    ("", "There now", &[ProblemState::Open, ProblemState::Acknowledged]),
    ("open", "Open", &[ProblemState::Open]),
    ("acknowledged", "Acknowledged", &[ProblemState::Acknowledged]),
    ("muted", "Muted", &[ProblemState::Muted]),
    ("solved", "Solved", &[ProblemState::Solved]),
];

/// A problem in the table.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) subject: String,
    pub(super) state: &'static str,
    pub(super) count: i64,
    pub(super) first: Markup,
    pub(super) last: Markup,
    pub(super) message: String,
    pub(super) step: String,
}

#[derive(Template)]
#[template(path = "problems/list.html")]
struct List {
    frame: Frame,
    rows: Vec<Line>,
    /// Address, name, whether it is this one.
    filters: Vec<(String, &'static str, bool)>,
    rule: String,
    newer: String,
    older: String,
}

#[rocket::get("/problems?<state>&<rule>&<before>")]
pub(super) async fn list(
    state: Option<&str>,
    rule: Option<&str>,
    before: Option<&str>,
    admin: &State<Admin>,
    person: &Person,
) -> Page {
    let word = state.unwrap_or_default();
    let rule = rule.filter(|rule| !rule.is_empty());
    let known = FILTERS.into_iter().find(|(known, ..)| *known == word);
    let (word, _, states) = known.ok_or_else(|| {
        Refused::invalid("state: there are open, acknowledged, muted and solved; none for what is there now.")
    })?;
    let rows = admin
        .store
        .problem_page(ProblemFilter {
            states: states.to_vec(),
            kind: None,
            rule: rule.map(str::to_owned),
            before: before.map(place).transpose()?,
            limit: Some(LIMIT + 1),
        })
        .await?;
    let frame = Frame::new(admin, person, "/problems", "Problems");
    let last = rows.get(LIMIT - 1).filter(|_| rows.len() > LIMIT);
    let older = last.map(|row| url(word, rule, Some(format!("{}-{}", row.last_at.0, row.id)))).unwrap_or_default();
    page(&List {
        rows: rows.iter().take(LIMIT).map(|row| line(&frame, row)).collect(),
        filters: FILTERS.map(|(known, name, _)| (url(known, rule, None), name, known == word)).to_vec(),
        rule: rule.unwrap_or_default().to_owned(),
        newer: if before.is_some() { url(word, rule, None) } else { String::new() },
        older,
        frame,
    })
}

pub(super) fn line(frame: &Frame, row: &ProblemRow) -> Line {
    Line {
        id: row.id.to_string(),
        kind: row.kind.clone(),
        subject: row.subject.clone(),
        state: row.state.word(),
        count: row.count,
        first: frame.ago(&row.first_at),
        last: frame.ago(&row.last_at),
        message: row.message.clone(),
        step: row.step.clone().unwrap_or_default(),
    }
}

/// Where a page begins: `1772359200000-prb_...`.
fn place(text: &str) -> Result<(Time, ProblemId), Refused> {
    let parts = text.split_once('-').and_then(|(at, id)| Some((Time(at.parse().ok()?), id.parse().ok()?)));
    parts.ok_or_else(|| Refused::invalid("before: this is no place in the list; begin at its first page."))
}

fn url(state: &str, rule: Option<&str>, before: Option<String>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if !state.is_empty() {
        query.append_pair("state", state);
    }
    if let Some(rule) = rule {
        query.append_pair("rule", rule);
    }
    if let Some(before) = before {
        query.append_pair("before", &before);
    }
    let query = query.finish();
    if query.is_empty() { "/problems".to_owned() } else { format!("/problems?{query}") }
}
