//! `/api/v1/connections`: the configured ways out, and the hosts that are left alone for a while.

use rocket::{State, get};
use serde::Serialize;
use serde_json::Value;
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Nothing, Page},
    part::Part,
};
use crate::{
    admin::{
        outward::{Link, LinkGrant},
        refused::Refused,
        state::Admin,
    },
    model::{Role, Scope},
};

/// What the resource is.
pub(super) const ABOUT: &str = "The configured ways out, and the hosts that are left alone for a while.";
/// The kind that a circuit's problem has.
const CIRCUIT: &str = "circuit";
/// Open problems that are looked through.
const MOST: usize = 1_000;

#[derive(OpenApi)]
#[openapi(paths(list_connections, list_circuits))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("connections", ABOUT).with(
        Role::Viewer,
        Scope::Read,
        rocket::routes![list_connections, list_circuits],
    )
}

/// A way out. Never a value of a secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectionView {
    #[schema(example = "groove")]
    name: String,
    /// The pack.
    service: String,
    /// Where its requests go. `null`: nobody has set it, or a secret is the whole address.
    base_url: Option<String>,
    /// `bearer`, `oauth2` and so on. `null`: it needs no proof.
    auth: Option<&'static str>,
    /// `ready`, `no secret`, `no address`, `log in`, `lost`, `refused`, `paused` or `left alone`.
    state: &'static str,
    /// Until when nothing is sent, since the service asked for that.
    paused_until: Option<Moment>,
    /// Why no token can be had.
    trouble: Option<String>,
    /// The secrets that it needs.
    secrets: Vec<NeededSecret>,
    /// Of OAuth 2.0 alone.
    grant: Option<GrantView>,
    #[schema(example = "24/min")]
    rate: String,
    /// It has a section of its own in bellwire.toml.
    configured: bool,
    /// Runs that wait for its grant.
    waiting: i64,
}

/// A secret that a connection needs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NeededSecret {
    name: String,
    set: bool,
}

/// How it stands with a grant.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GrantView {
    /// The client gets tokens by itself, and nobody logs in.
    by_itself: bool,
    /// `ok`, `lost` or `none`.
    state: Value,
    /// When the access token ends; it is renewed before.
    expires_at: Option<Moment>,
    /// What was granted.
    scopes: String,
    changed_at: Option<Moment>,
    /// Why it is lost.
    why: Option<String>,
}

impl From<Link> for ConnectionView {
    fn from(link: Link) -> Self {
        let grant = |grant: LinkGrant| GrantView {
            by_itself: grant.by_itself,
            state: serde_json::to_value(grant.state).unwrap_or_default(),
            expires_at: grant.expires_at.map(Moment::from),
            scopes: grant.scopes,
            changed_at: grant.changed_at.map(Moment::from),
            why: grant.why,
        };
        Self {
            state: link.state(),
            name: link.name,
            service: link.service,
            base_url: link.base_url,
            auth: link.auth,
            paused_until: link.paused_until.map(Moment::from),
            trouble: link.trouble,
            secrets: link.secrets.into_iter().map(|(name, set)| NeededSecret { name, set }).collect(),
            grant: link.grant.map(grant),
            rate: link.rate,
            configured: link.configured,
            waiting: link.waiting,
        }
    }
}

/// Ways out, by name.
#[utoipa::path(params(Page), responses((status = 200, description = "A page of them.", body = Listed<ConnectionView>)))]
#[get("/api/v1/connections")]
async fn list_connections(admin: &State<Admin>, asked: Result<Asked<Page>, Refused>) -> Answer {
    let Asked(asked) = asked?;
    let links = admin.outward.links().await?;
    let all = links.into_iter().map(ConnectionView::from);
    Reply::ok(&Listed::of(all, asked.cursor.as_deref(), asked.limit.0, |link| &link.name))
}

/// A host that is left alone, since it failed again and again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CircuitView {
    #[schema(example = "https://api.example.com")]
    host: String,
    since: Moment,
    last_failure: Moment,
    message: String,
}

/// Hosts that are left alone now, the one that failed last first.
#[utoipa::path(responses((status = 200, description = "All of them.", body = Listed<CircuitView>)))]
#[get("/api/v1/circuits")]
async fn list_circuits(admin: &State<Admin>, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let rows = admin.store.problems(true, MOST).await?;
    let circuits = rows.into_iter().filter(|row| row.kind == CIRCUIT).map(|row| CircuitView {
        host: row.subject,
        since: row.first_at.into(),
        last_failure: row.last_at.into(),
        message: row.message,
    });
    Reply::ok(&Listed { items: circuits.collect(), next: None })
}
