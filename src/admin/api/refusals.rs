//! `/api/v1/refusals`: deliveries that were refused.

use std::str::FromStr;

use rocket::{State, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Limit, Nothing, Text},
    part::Part,
};
use crate::{
    admin::{refused::Refused, state::Admin},
    clock::Time,
    ids::RefusalId,
    model::{Refusal, Role, Scope},
};

#[derive(OpenApi)]
#[openapi(paths(list_refusals, show_refusal))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("refusals", "Deliveries that were refused: the last 10,000.").with(
        Role::Viewer,
        Scope::Read,
        rocket::routes![list_refusals, show_refusal],
    )
}

/// A refused delivery: never its body, header values or query.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusalView {
    #[schema(example = "ref_01hf3y8a9d000")]
    id: String,
    refused_at: Moment,
    /// The source it was sent to. `null`: there is none of this name.
    source: Option<String>,
    /// The address it came from.
    peer: String,
    /// The word of the reason.
    #[schema(example = "signature_mismatch")]
    reason: String,
    /// The HTTP status it was answered with.
    status: u16,
    /// What differed.
    detail: String,
    /// Bytes of the body that were read.
    bytes: u64,
}

impl From<Refusal> for RefusalView {
    fn from(refusal: Refusal) -> Self {
        let Refusal { id, at, source, peer, reason, status, detail, bytes } = refusal;
        Self { id: id.to_string(), refused_at: Time(at).into(), source, peer, reason, status, detail, bytes }
    }
}

/// Which refusals.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RefusalsAsked {
    /// Items of a page: 50 unless set.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 1000)]
    #[serde(default)]
    limit: Limit,
    /// `next` of the page before.
    #[param(value_type = String, required = false, pattern = "^ref_[0-9a-f][0-9abcdefghjkmnpqrstvwxyz]{12}$")]
    cursor: Option<Text<RefusalId>>,
}

/// Refused deliveries, newest first.
#[utoipa::path(
    params(RefusalsAsked),
    responses((status = 200, description = "A page of them.", body = Listed<RefusalView>))
)]
#[get("/api/v1/refusals")]
async fn list_refusals(admin: &State<Admin>, asked: Result<Asked<RefusalsAsked>, Refused>) -> Answer {
    let Asked(asked) = asked?;
    let rows = admin.store.refusals_before(asked.cursor.map(|cursor| cursor.0), asked.limit.0).await?;
    let items = rows.into_iter().map(RefusalView::from).collect();
    Reply::ok(&Listed::page(items, asked.limit.0, |last| last.id.clone()))
}

/// One refused delivery.
#[utoipa::path(responses((status = 200, description = "The refusal.", body = RefusalView)))]
#[get("/api/v1/refusals/<id>")]
async fn show_refusal(admin: &State<Admin>, id: &str, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let missing = || Refused::missing(&format!("refusal {}", id.chars().take(64).collect::<String>()));
    let id = RefusalId::from_str(id).map_err(|_| missing())?;
    let found = admin.store.refusal(id).await?.ok_or_else(missing)?;
    Reply::ok(&RefusalView::from(found))
}
