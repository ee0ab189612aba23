//! `/audit`: what people did, and what they were refused.

use askama::Template;
use rocket::State;

use crate::{
    admin::{
        guard::{Access, Guarded, guard},
        here::encoded,
        inbox::instant,
        query::Query,
        refused::Refused,
        state::Admin,
        view::{Frame, Page, page},
    },
    ids::{AuditId, TokenId, first_at},
    model::{Person, Role},
    store::{AuditFilter, AuditRow},
};

/// Rows of a page.
const PAGE: usize = 50;

pub(super) fn routes() -> Vec<Guarded> {
    guard(Access::Page(Role::Owner), rocket::routes![list])
}

/// A row as the list shows it.
struct Shown {
    row: AuditRow,
    token: Option<String>,
    before: String,
    after: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct List {
    frame: Frame,
    rows: Vec<Shown>,
    who: String,
    action: String,
    subject: String,
    outcome: String,
    from: String,
    until: String,
    is_filtered: bool,
    newest: String,
    older: String,
}

/// JSON over several lines, as people compare it.
fn told(json: Option<&String>) -> String {
    let Some(json) = json else { return String::new() };
    let value: Result<serde_json::Value, _> = serde_json::from_str(json);
    let text = value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| json.clone());
    // The end of time, as rows told it that were written before it had a word.
    text.replace(": 9223372036854775807", ": \"for ever\"")
}

#[rocket::get("/audit")]
async fn list(admin: &State<Admin>, person: &Person, query: Result<Query, Refused>) -> Page {
    let query = query?;
    let text = |name: &str| query.short(name, 256).map(|text| text.map(str::to_owned));
    let (who, subject) = (text("who")?, text("subject")?);
    let action = text("action")?;
    let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_'));
    if action.as_deref().is_some_and(|action| !is_word(action)) {
        return Err(Refused::invalid("`action`: a word such as `rule.save`, or `rule.` for all that begin so."));
    }
    let outcome = query.short("outcome", 10)?.filter(|word| matches!(*word, "done" | "refused")).map(str::to_owned);
    let (from, until) = (text("from")?, text("until")?);
    let id_of = |name: &str, text: &Option<String>| {
        instant(name, text.as_deref().unwrap_or_default()).map(|time| time.map(first_at))
    };
    let (first, end) = (id_of("from", &from)?, id_of("until", &until)?);
    let before = query.short("before", 40)?.map(str::parse::<AuditId>).transpose();
    let before = before.map_err(|_| Refused::invalid("`before`: the id of a row wanted, such as aud_…"))?;
    let filter = AuditFilter {
        who: who.clone(),
        action: action.clone(),
        subject: subject.clone(),
        outcome: outcome.clone(),
        before: before.map(|id| id.0).into_iter().chain(end).min(),
        since: first,
        limit: Some(PAGE + 1),
    };
    let mut rows = admin.store.audit(filter).await?;
    let has_more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let asked = [
        ("who", &who),
        ("action", &action),
        ("subject", &subject),
        ("outcome", &outcome),
        ("from", &from),
        ("until", &until),
    ];
    let parameters = asked.iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(value.as_deref()?))));
    let parameters: Vec<String> = parameters.collect();
    let address = |last: Option<String>| {
        let all: Vec<String> = parameters.iter().cloned().chain(last).collect();
        if all.is_empty() { "/audit".to_owned() } else { format!("/audit?{}", all.join("&")) }
    };
    let older = rows.last().filter(|_| has_more).map(|row| address(Some(format!("before={}", AuditId(row.id)))));
    page(&List {
        frame: Frame::new(admin, person, "/audit", "Audit"),
        older: older.unwrap_or_default(),
        newest: before.map(|_| address(None)).unwrap_or_default(),
        is_filtered: !parameters.is_empty(),
        rows: rows
            .into_iter()
            .map(|row| Shown {
                token: row.token.map(|id| TokenId(id).to_string()),
                before: told(row.before.as_ref()),
                after: told(row.after.as_ref()),
                row,
            })
            .collect(),
        who: who.unwrap_or_default(),
        action: action.unwrap_or_default(),
        subject: subject.unwrap_or_default(),
        outcome: outcome.unwrap_or_default(),
        from: from.unwrap_or_default(),
        until: until.unwrap_or_default(),
    })
}
