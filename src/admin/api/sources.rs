//! `/api/v1/sources`: the configured ways in.

use rocket::{State, get, post};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Nothing},
    body::{Body, Empty},
    once::Key,
    part::Part,
};
use crate::{
    admin::{act::sources as act, refused::Refused, sources, state::Admin},
    model::{Person, Role, Scope},
};

#[derive(OpenApi)]
#[openapi(paths(list_sources, pause_source, resume_source))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("sources", "The configured ways in.")
        .with(Role::Viewer, Scope::Read, rocket::routes![list_sources])
        .with(Role::Editor, Scope::Run, rocket::routes![pause_source, resume_source])
}

/// A way in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SourceView {
    #[schema(example = "gruveo")]
    name: String,
    /// The pack. `null` for a generic source.
    service: Option<String>,
    title: String,
    /// Where to send deliveries. Without its host where nobody has set `server.public_url`.
    #[schema(example = "https://bellwire.example.com/hooks/gruveo")]
    url: String,
    /// A word for how it stands.
    state: &'static str,
    /// How deliveries are proven.
    proof: String,
    /// Taken without any check.
    public: bool,
    /// False: its hook is 404.
    enabled: bool,
    /// Why it cannot work.
    broken: Option<String>,
    /// A problem is raised where no delivery is accepted for so long.
    #[schema(example = "1h")]
    expect: Option<String>,
    /// When the newest event came in by it.
    last_delivery: Option<Moment>,
    /// Since when it has been silent for longer than it may.
    silent_since: Option<Moment>,
    /// Since when its runs wait. `null`: it is not paused.
    paused_at: Option<Moment>,
    /// Who paused it.
    paused_by: Option<String>,
}

impl From<sources::SourceView> for SourceView {
    fn from(source: sources::SourceView) -> Self {
        Self {
            state: source.state(),
            name: source.name,
            service: source.service,
            title: source.title,
            url: source.url,
            proof: source.proof,
            public: source.public,
            enabled: source.enabled,
            broken: source.broken,
            expect: source.expect,
            last_delivery: source.last.map(Moment::from),
            silent_since: source.silent_since.map(Moment::from),
            paused_at: source.paused.as_ref().map(|paused| paused.since.into()),
            paused_by: source.paused.map(|paused| paused.by),
        }
    }
}

/// Where the world reaches this server.
fn base(admin: &Admin) -> &str {
    admin.config.server.public_url.as_deref().unwrap_or_default().trim_end_matches('/')
}

/// The sources, by name.
#[utoipa::path(responses((status = 200, description = "All of them.", body = Listed<SourceView>)))]
#[get("/api/v1/sources")]
async fn list_sources(admin: &State<Admin>, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let all = sources::sources(admin, base(admin)).await?;
    Reply::ok(&Listed { items: all.into_iter().map(SourceView::from).collect(), next: None })
}

async fn one(admin: &Admin, name: &str) -> Answer {
    Reply::ok(&SourceView::from(sources::source(admin, name, base(admin)).await?))
}

/// Pause a source: what comes is taken, stored and answered, and its runs wait.
#[utoipa::path(
    request_body = Empty,
    responses((status = 200, description = "The source as it is now.", body = SourceView))
)]
#[post("/api/v1/sources/<name>/pause", data = "<sent>")]
async fn pause_source(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let pause = async {
        act::pause(admin, person, name).await?;
        one(admin, name).await
    };
    key?.once(admin, person, sent.digest, pause).await
}

/// What was resumed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Resumed {
    /// Runs that waited, and go on in their order.
    runs: usize,
}

/// Resume a source: the runs that wait go on. One that is no longer in the settings can be resumed too.
#[utoipa::path(request_body = Empty, responses((status = 200, description = "It goes on.", body = Resumed)))]
#[post("/api/v1/sources/<name>/resume", data = "<sent>")]
async fn resume_source(
    admin: &State<Admin>,
    person: &Person,
    name: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let resume = async {
        if name.contains('\0') {
            return Err(Refused::missing("such source"));
        }
        Reply::ok(&Resumed { runs: act::resume(admin, person, name).await? })
    };
    key?.once(admin, person, sent.digest, resume).await
}
