//! `/problems`: those that are there, the one seen last first.

use askama::Template;
use rocket::{State, http::Status};

use crate::{
    admin::{
        refused::Refused,
        state::Admin,
        view::{Frame, Html, Markup, page},
    },
    clock::Time,
    ids::ProblemId,
    model::{Person, ProblemState},
    store::{PausedSource, ProblemFilter, ProblemRow},
};

/// Problems of a page.
const LIMIT: usize = 50;

/// The newest failed runs of a solved problem that are looked through for such as nothing has repeated.
const LOOKED_AT: u32 = 100;
/// Solved problems that are looked through for such runs beside those that are there now.
const SOLVED: usize = 20;
/// Muted problems that are counted.
const MUTED: usize = 50;

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
    /// Of a solved one: how many of its runs nothing has repeated, in words. Empty: none.
    pub(super) left: String,
}

#[derive(Template)]
#[template(path = "problems/list.html")]
struct List {
    frame: Frame,
    rows: Vec<Line>,
    /// Address, name, whether it is this one.
    filters: Vec<(String, &'static str, bool)>,
    rule: String,
    /// Solved ones with runs that nothing has repeated, beside those that are there now.
    left: Vec<Line>,
    /// How many are muted, in words, beside those that are there now. Empty: none.
    muted: String,
    newer: String,
    older: String,
    /// Why the address does not read. Empty: it does.
    fault: String,
    paused_sources: Vec<PausedSource>,
}

#[rocket::get("/problems?<state>&<rule>&<before>")]
pub(super) async fn list(
    state: Option<&str>,
    rule: Option<&str>,
    before: Option<&str>,
    admin: &State<Admin>,
    person: &Person,
) -> Result<(Status, Html), Refused> {
    let rule = rule.filter(|rule| !rule.is_empty());
    let (rows, word, fault) = match asked(state, rule, before) {
        Ok((word, filter)) => (admin.store.problem_page(filter).await?, Some(word), String::new()),
        Err(fault) => (Vec::new(), None, fault),
    };
    let (status, is_plain) =
        if fault.is_empty() { (Status::Ok, word == Some("")) } else { (Status::BadRequest, false) };
    let here = word;
    let word = word.unwrap_or_default();
    let frame = Frame::new(admin, person, "/problems", "Problems");
    let last = rows.get(LIMIT - 1).filter(|_| rows.len() > LIMIT);
    let older = last.map(|row| url(word, rule, Some(format!("{}-{}", row.last_at.0, row.id)))).unwrap_or_default();
    let mut lines: Vec<Line> = rows.iter().take(LIMIT).map(|row| line(&frame, row)).collect();
    tell_left(admin, &rows, &mut lines).await?;
    let (left, muted) = if is_plain { beside(admin, &frame, rule).await? } else { (Vec::new(), String::new()) };
    let shown = page(&List {
        rows: lines,
        left,
        muted,
        paused_sources: admin.store.paused_sources().await?,
        filters: FILTERS.map(|(known, name, _)| (url(known, rule, None), name, Some(known) == here)).to_vec(),
        rule: rule.unwrap_or_default().to_owned(),
        newer: if before.is_some() { url(word, rule, None) } else { String::new() },
        older,
        fault,
        frame,
    });
    Ok((status, shown?))
}

/// The list that an address asks for: the word of its state and its filter. `Err`: what of it does not read.
fn asked(
    state: Option<&str>,
    rule: Option<&str>,
    before: Option<&str>,
) -> Result<(&'static str, ProblemFilter), String> {
    let state = state.unwrap_or_default();
    let known = FILTERS.into_iter().find(|(known, ..)| *known == state);
    let (word, _, states) = known.ok_or_else(|| {
        let shown: String = state.chars().filter(|c| !c.is_control()).take(40).collect();
        format!("state: there is no state `{shown}`. Choose one above: open, acknowledged, muted or solved.")
    })?;
    let filter = ProblemFilter {
        states: states.to_vec(),
        kind: None,
        rule: rule.map(str::to_owned),
        before: before.map(place).transpose()?,
        limit: Some(LIMIT + 1),
    };
    Ok((word, filter))
}

/// What stands beside the problems that are there now: solved ones with runs that nothing has repeated, and how many are muted.
async fn beside(admin: &Admin, frame: &Frame, rule: Option<&str>) -> Result<(Vec<Line>, String), Refused> {
    let of = |state: ProblemState, limit: usize| ProblemFilter {
        states: vec![state],
        rule: rule.map(str::to_owned),
        limit: Some(limit),
        ..ProblemFilter::default()
    };
    let solved = admin.store.problem_page(of(ProblemState::Solved, SOLVED)).await?;
    let mut left: Vec<Line> = solved.iter().map(|row| line(frame, row)).collect();
    tell_left(admin, &solved, &mut left).await?;
    left.retain(|line| !line.left.is_empty());
    let muted = admin.store.problem_page(of(ProblemState::Muted, MUTED + 1)).await?.len();
    let muted = match muted {
        0 => String::new(),
        1 => "1 problem is muted".to_owned(),
        many if many > MUTED => format!("More than {MUTED} problems are muted"),
        many => format!("{many} problems are muted"),
    };
    Ok((left, muted))
}

/// Tells of solved problems how many of their runs nothing has repeated.
async fn tell_left(admin: &Admin, rows: &[ProblemRow], lines: &mut [Line]) -> Result<(), Refused> {
    let solved = |row: &ProblemRow| row.state == ProblemState::Solved && row.kind == "run";
    let ids: Vec<ProblemId> = rows.iter().filter(|row| solved(row)).map(|row| row.id).collect();
    let counts = admin.store.unrepeated(ids, LOOKED_AT).await?;
    let told = rows.iter().zip(lines).filter(|(row, _)| solved(row)).map(|(_, line)| line);
    for (line, count) in told.zip(counts) {
        line.left = match count {
            0 => String::new(),
            count if count >= u64::from(LOOKED_AT) => format!("{count} runs and more were never repeated"),
            1 => "1 run was never repeated".to_owned(),
            count => format!("{count} runs were never repeated"),
        };
    }
    Ok(())
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
        left: String::new(),
    }
}

/// Where a page begins: `1772359200000-prb_...`.
fn place(text: &str) -> Result<(Time, ProblemId), String> {
    let parts = text.split_once('-').and_then(|(at, id)| Some((Time(at.parse().ok()?), id.parse().ok()?)));
    parts.ok_or_else(|| "before: this is no place in the list; begin at its first page.".to_owned())
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
