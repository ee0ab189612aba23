//! `/api/v1/sources`: the configured ways in.

use std::collections::BTreeSet;

use rocket::{State, get};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Nothing},
    part::Part,
};
use crate::{
    admin::{refused::Refused, state::Admin},
    model::{Role, Scope},
    rules::shown_duration,
    services::{Pack, Verify},
};

#[derive(OpenApi)]
#[openapi(paths(list_sources))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("sources", "The configured ways in.").with(
        Role::Viewer,
        Scope::Read,
        rocket::routes![list_sources],
    )
}

/// A way in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SourceView {
    #[schema(example = "gruveo")]
    name: String,
    /// The pack. `null` for a generic source.
    service: Option<String>,
    /// Where to send deliveries. Without its host where nobody has set `server.public_url`.
    #[schema(example = "https://bellwire.example.com/hooks/gruveo")]
    url: String,
    /// Taken without any check.
    public: bool,
    /// False: its hook is 404.
    enabled: bool,
    /// It has a section of its own in bellwire.toml.
    configured: bool,
    /// A problem is raised where no delivery is accepted for so long.
    #[schema(example = "1h")]
    expect: Option<String>,
    /// When the newest event came in by it.
    last_delivery: Option<Moment>,
}

/// The sources, by name.
#[utoipa::path(responses((status = 200, description = "All of them.", body = Listed<SourceView>)))]
#[get("/api/v1/sources")]
async fn list_sources(admin: &State<Admin>, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let registry = (admin.in_force)().registry;
    let in_use = |pack: &Pack| {
        let hook = pack.hook.as_ref()?;
        let names = hook.secret_names();
        (hook.verify != Verify::None && names.iter().any(|name| admin.vault.has(name))).then(|| pack.name.clone())
    };
    let mut names: BTreeSet<String> = registry.packs.values().filter_map(|pack| in_use(pack)).collect();
    names.extend(admin.config.sources.keys().cloned());
    let base = admin.config.server.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
    let mut items = Vec::new();
    for name in names {
        let source = admin.config.sources.get(&name);
        let service = source.and_then(|source| source.service.clone());
        let service = service.or_else(|| registry.pack(&name).map(|pack| pack.name.clone()));
        items.push(SourceView {
            service,
            url: format!("{base}/hooks/{name}"),
            public: source.is_some_and(|source| source.public),
            enabled: source.is_none_or(|source| source.enabled),
            configured: source.is_some(),
            expect: source.and_then(|source| source.expect).map(shown_duration),
            last_delivery: admin.store.last_delivery(&name).await?.map(Moment::from),
            name,
        });
    }
    Reply::ok(&Listed { items, next: None })
}
