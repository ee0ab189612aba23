//! `/runs`: newest first, narrowed by what the URL says.

use askama::Template;
use rocket::{State, http::Status};

use super::words::{Line, lines_of};
use crate::{
    admin::{
        refused::Refused,
        state::Admin,
        view::{Frame, Html, page},
    },
    clock::Time,
    ids::{EventId, ProblemId, RunId, time_of},
    model::{ErrorClass, Person, RunStatus},
    store::{RunFilter, RunPage},
};

/// Runs of a page.
const LIMIT: usize = 50;

/// What the URL asks for, as it stands there.
#[derive(Debug, Default, rocket::FromForm)]
pub(super) struct Asked {
    rule: Option<String>,
    state: Vec<String>,
    class: Option<String>,
    event: Option<String>,
    problem: Option<String>,
    from: Option<String>,
    until: Option<String>,
    before: Option<String>,
}

#[derive(Template)]
#[template(path = "runs/list.html")]
struct List {
    frame: Frame,
    rows: Vec<Line>,
    rule: String,
    /// Each state, and whether it is asked for.
    states: Vec<(&'static str, bool)>,
    classes: Vec<(&'static str, bool)>,
    event: String,
    problem: String,
    from: String,
    until: String,
    is_narrowed: bool,
    /// The one state that is asked for, where nothing else is.
    only: String,
    /// Something is asked for that the short row of filters lacks.
    has_more: bool,
    /// Down to when it was looked, where there may be more like that.
    looked_to: Option<crate::admin::view::Markup>,
    newer: String,
    older: String,
    /// The field that does not read, and why. Empty: all do.
    fault: (&'static str, String),
}

/// A field of the address that does not read, and why.
type Fault = (&'static str, String);

#[rocket::get("/runs?<asked..>")]
pub(super) async fn list(asked: Asked, admin: &State<Admin>, person: &Person) -> Result<(Status, Html), Refused> {
    let (page_of, fault) = match asked.filter() {
        Ok(filter) => (admin.store.run_page(filter).await?, Fault::default()),
        Err(fault) => (RunPage::default(), fault),
    };
    let status = if fault.1.is_empty() { Status::Ok } else { Status::BadRequest };
    let frame = Frame::new(admin, person, "/runs", "Runs");
    let is_short = page_of.rows.len() < LIMIT;
    let older = page_of.next.map(|next| asked.url(Some(next))).unwrap_or_default();
    let looked_to = page_of.next.filter(|_| is_short).map(|next| frame.ago(&time_of(next.0)));
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let shown = page(&List {
        rows: lines_of(admin, &frame, &page_of.rows).await?,
        states: RunStatus::ALL
            .map(|state| (state.word(), asked.state.iter().any(|word| word == state.word())))
            .to_vec(),
        classes: ErrorClass::ALL.map(|class| (class.word(), asked.class.as_deref() == Some(class.word()))).to_vec(),
        rule: text(&asked.rule),
        event: text(&asked.event),
        problem: text(&asked.problem),
        from: text(&asked.from),
        until: text(&asked.until),
        is_narrowed: asked.is_narrowed(),
        only: asked.only(),
        has_more: asked.has_more(),
        looked_to,
        newer: if asked.before.is_some() { asked.url(None) } else { String::new() },
        older,
        fault,
        frame,
    });
    Ok((status, shown?))
}

impl Asked {
    fn filter(&self) -> Result<RunFilter, Fault> {
        let mut states = Vec::new();
        for word in self.state.iter().filter(|word| !word.is_empty()) {
            states.push(word.parse().map_err(|why: String| ("state", format!("state: {why}.")))?);
        }
        Ok(RunFilter {
            before: id::<RunId>(self.before.as_ref(), "before")?,
            limit: Some(LIMIT),
            rule: filled(self.rule.as_ref()).cloned(),
            states,
            event: id::<EventId>(self.event.as_ref(), "event")?,
            class: filled(self.class.as_ref()).cloned(),
            problem: id::<ProblemId>(self.problem.as_ref(), "problem")?,
            from: time(self.from.as_ref(), "from")?,
            until: time(self.until.as_ref(), "until")?,
        })
    }

    fn is_narrowed(&self) -> bool {
        let fields = [&self.rule, &self.class, &self.event, &self.problem, &self.from, &self.until, &self.before];
        fields.into_iter().any(|field| filled(field.as_ref()).is_some())
            || self.state.iter().any(|word| !word.is_empty())
    }

    fn only(&self) -> String {
        let fields = [&self.rule, &self.class, &self.event, &self.problem, &self.from, &self.until];
        match self.state.as_slice() {
            [state] if fields.into_iter().all(|field| filled(field.as_ref()).is_none()) => state.clone(),
            _ => String::new(),
        }
    }

    fn has_more(&self) -> bool {
        let fields = [&self.class, &self.event, &self.problem, &self.from, &self.until];
        fields.into_iter().any(|field| filled(field.as_ref()).is_some())
            || !self.state.is_empty() && self.only().is_empty()
    }

    /// The same list, from `before` on.
    fn url(&self, before: Option<RunId>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, field) in [
            ("rule", &self.rule),
            ("class", &self.class),
            ("event", &self.event),
            ("problem", &self.problem),
            ("from", &self.from),
            ("until", &self.until),
        ] {
            if let Some(value) = filled(field.as_ref()) {
                query.append_pair(name, value);
            }
        }
        for state in self.state.iter().filter(|word| !word.is_empty()) {
            query.append_pair("state", state);
        }
        if let Some(before) = before {
            query.append_pair("before", &before.to_string());
        }
        let query = query.finish();
        if query.is_empty() { "/runs".to_owned() } else { format!("/runs?{query}") }
    }
}

/// A field of a form that was left empty is as one that was not sent.
fn filled(field: Option<&String>) -> Option<&String> {
    field.filter(|text| !text.trim().is_empty())
}

fn id<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: Option<&String>,
    name: &'static str,
) -> Result<Option<T>, Fault> {
    let wrong = |error| (name, format!("{name}: {error}."));
    filled(field).map(|text| text.trim().parse::<T>().map_err(wrong)).transpose()
}

/// An instant: `2026-03-01T10:00:00Z`, or as a browser sends a local time, which is taken as UTC.
fn time(field: Option<&String>, name: &'static str) -> Result<Option<Time>, Fault> {
    let Some(text) = filled(field).map(|text| text.trim()) else { return Ok(None) };
    let found =
        Time::parse(text).or_else(|| Time::parse(&format!("{text}:00Z"))).or_else(|| Time::parse(&format!("{text}Z")));
    let wrong = || (name, format!("{name}: `{text}` is no time; write 2026-03-01T10:00:00Z."));
    found.map(Some).ok_or_else(wrong)
}
