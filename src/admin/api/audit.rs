//! `/api/v1/audit`: what people did, and what they were refused.

use rocket::{State, get};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Limit, Text},
    part::Part,
};
use crate::{
    admin::{refused::Refused, state::Admin},
    ids::{AuditId, TokenId},
    model::{Role, Scope},
    store::{AuditFilter, AuditRow},
};

#[derive(OpenApi)]
#[openapi(paths(list_audit))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("audit", "What people did, and what they were refused; append-only.").with(
        Role::Owner,
        Scope::Admin,
        rocket::routes![list_audit],
    )
}

/// Whether it was done.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum AuditOutcome {
    Done,
    Refused,
}

/// A row of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditView {
    #[schema(example = "aud_01hf3y8a9d000")]
    id: String,
    at: Moment,
    /// The name of the person. Empty: nobody knows.
    who: String,
    /// By which token. `null`: by none.
    token: Option<String>,
    #[schema(example = "run.cancel")]
    action: String,
    /// What it was done to.
    subject: String,
    /// What it was.
    before: Value,
    /// What it is.
    after: Value,
    /// The address that it came from.
    peer: String,
    /// `done` or `refused`.
    outcome: String,
}

impl From<AuditRow> for AuditView {
    fn from(row: AuditRow) -> Self {
        let value = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Self {
            id: AuditId(row.id).to_string(),
            at: row.at.into(),
            who: row.who,
            token: row.token.map(|token| TokenId(token).to_string()),
            action: row.action,
            subject: row.subject,
            before: value(row.before),
            after: value(row.after),
            peer: row.peer,
            outcome: row.outcome,
        }
    }
}

/// Which rows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditAsked {
    /// Items of a page: 50 unless set.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 1000)]
    #[serde(default)]
    limit: Limit,
    /// `next` of the page before.
    #[param(value_type = String, required = false, pattern = "^aud_[0-9a-f][0-9abcdefghjkmnpqrstvwxyz]{12}$")]
    cursor: Option<Text<AuditId>>,
    /// Of this person.
    #[param(value_type = String, required = false)]
    who: Option<String>,
    /// This action, or those that begin so where it ends with a dot.
    #[param(value_type = String, required = false, example = "rule.", pattern = "^[a-z_.]{1,40}$")]
    action: Option<Text<Action>>,
    /// On this subject.
    #[param(value_type = String, required = false)]
    subject: Option<String>,
    /// Only what was done, or only what was refused.
    #[param(value_type = AuditOutcome, required = false, inline)]
    outcome: Option<AuditOutcome>,
}

/// The word of an action: nothing that a pattern of the database takes for more than a letter.
#[derive(Debug)]
pub(super) struct Action(String);

impl std::str::FromStr for Action {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=40).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_'));
        fits.then(|| Self(text.to_owned())).ok_or("letters a-z, `.` and `_` wanted, 40 at most")
    }
}

/// The audit log, newest first.
#[utoipa::path(params(AuditAsked), responses((status = 200, description = "A page of it.", body = Listed<AuditView>)))]
#[get("/api/v1/audit")]
async fn list_audit(admin: &State<Admin>, asked: Result<Asked<AuditAsked>, Refused>) -> Answer {
    let Asked(asked) = asked?;
    let outcome = asked.outcome.map(|outcome| match outcome {
        AuditOutcome::Done => "done".to_owned(),
        AuditOutcome::Refused => "refused".to_owned(),
    });
    let filter = AuditFilter {
        who: asked.who,
        action: asked.action.map(|action| action.0.0),
        subject: asked.subject,
        outcome,
        before: asked.cursor.map(|cursor| cursor.0.0),
        since: None,
        limit: Some(asked.limit.0),
    };
    let rows = admin.store.audit(filter).await?;
    let items = rows.into_iter().map(AuditView::from).collect();
    Reply::ok(&Listed::page(items, asked.limit.0, |last| last.id.clone()))
}
