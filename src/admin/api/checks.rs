//! `POST /api/v1/check` and `POST /api/v1/explain`: what drafts would say. Nothing is written, nothing is sent.

use rocket::{State, post};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Reply},
    asked::{Asked, Nothing, Text},
    body::{Body, objects},
    events,
    explained::{self, ExplainAsked, Explained},
    findings::FindingView,
    part::Part,
};
use crate::{
    admin::{
        act::rules::{LARGEST_DRAFTS, too_large},
        refused::Refused,
        state::Admin,
        workshop::Draft,
    },
    ids::EventId,
    model::{Person, Role, Scope},
};

/// The most drafts of a request.
const DRAFTS: usize = 200;

/// What the resource is.
pub(super) const ABOUT: &str =
    "What rules, or drafts of them, would say and do. Nothing is written and nothing is sent.";

#[derive(OpenApi)]
#[openapi(paths(check_drafts, explain_drafts))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("trials", ABOUT).with(Role::Viewer, Scope::Read, rocket::routes![check_drafts, explain_drafts])
}

/// A file as somebody would have it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftSent {
    /// In the workspace: `rules/...` or `templates/...`.
    #[schema(example = "rules/calls/missed.yaml")]
    path: String,
    /// Its text. `null`: it is deleted.
    #[serde(deserialize_with = "present")]
    #[schema(required = true)]
    text: Option<String>,
}

/// `null` is said, and not left out: a draft without a text would delete a file by a slip.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

/// Drafts as the workshop takes them.
pub(super) fn drafts(sent: Vec<DraftSent>) -> Result<Vec<Draft>, Refused> {
    if sent.len() > DRAFTS {
        return Err(Refused::new(422, "invalid", format!("At most {DRAFTS} drafts at once.")));
    }
    let bytes = sent.iter().map(|draft| draft.path.len() + draft.text.as_ref().map_or(0, String::len));
    if bytes.sum::<usize>() > LARGEST_DRAFTS {
        return Err(too_large());
    }
    let read = |draft: DraftSent| {
        let is_odd = |part: &str| part.is_empty() || part == "." || part == "..";
        let is_ours = draft.path.starts_with("rules/") || draft.path.starts_with("templates/");
        if !is_ours || draft.path.len() > 512 || draft.path.split('/').any(is_odd) {
            let shown: String = draft.path.chars().take(128).collect();
            let why = format!("`{shown}` is no path of a rule or template, such as `rules/calls/missed.yaml`.");
            return Err(Refused::new(422, "invalid", why));
        }
        Ok(Draft { path: draft.path, text: draft.text })
    };
    sent.into_iter().map(read).collect()
}

/// Drafts to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckSent {
    /// In place of the workspace's files. Empty: the workspace as it is.
    #[serde(default, deserialize_with = "objects")]
    #[schema(max_items = 200)]
    drafts: Vec<DraftSent>,
}

/// What checking found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckedView {
    /// Whether all of it holds: warnings do not count.
    holds: bool,
    /// Of all files, by file and place.
    findings: Vec<FindingView>,
    /// Rules that hold.
    rules: Vec<String>,
}

/// Check the workspace with drafts in place of its files.
#[utoipa::path(request_body = CheckSent, responses((status = 200, description = "What was found.", body = CheckedView)))]
#[post("/api/v1/check", data = "<sent>")]
async fn check_drafts(
    admin: &State<Admin>,
    person: &Person,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<CheckSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let (checked, _turn) = explained::check(admin, person, drafts(sent.value.drafts)?).await?;
    Reply::ok(&CheckedView {
        holds: !checked.findings.iter().any(crate::model::Finding::is_error),
        findings: checked.findings.into_iter().map(FindingView::from).collect(),
        rules: checked.set.rules.keys().map(ToString::to_string).collect(),
    })
}

/// An event, and drafts that are asked about it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainSent {
    /// A stored event.
    #[schema(value_type = String, pattern = "^evt_[0-9a-f][0-9abcdefghjkmnpqrstvwxyz]{12}$")]
    event: Text<EventId>,
    /// Only this rule.
    #[serde(default)]
    rule: Option<String>,
    /// By the rules of the workspace as it is now. Drafts ask for that by themselves.
    #[serde(default)]
    current: bool,
    /// Also rules that do not listen to the event's type.
    #[serde(default)]
    all: bool,
    /// In place of the workspace's files.
    #[serde(default, deserialize_with = "objects")]
    #[schema(max_items = 200)]
    drafts: Vec<DraftSent>,
}

/// What rules, or drafts of them, say to a stored event.
#[utoipa::path(request_body = ExplainSent, responses((status = 200, description = "The truth tables.", body = Explained)))]
#[post("/api/v1/explain", data = "<sent>")]
async fn explain_drafts(
    admin: &State<Admin>,
    person: &Person,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<ExplainSent>, Refused>,
) -> Answer {
    let sent = sent?.value;
    asked?;
    let drafts = drafts(sent.drafts)?;
    let detail = events::detail(admin, &sent.event.0.to_string()).await?;
    let asked = ExplainAsked::new(sent.rule, sent.current, sent.all);
    Reply::ok(&explained::explained(admin, person, detail, asked, drafts).await?)
}
