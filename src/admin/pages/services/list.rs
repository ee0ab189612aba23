//! The list of packs.

use askama::Template;
use rocket::State;

use crate::{
    admin::{
        state::Admin,
        view::{Frame, Page, page},
    },
    model::Person,
    services::ways_in,
};

/// A pack in the list.
struct Row {
    name: String,
    title: String,
    docs: Option<String>,
    events: usize,
    actions: usize,
    /// How it stands with its deliveries. `None`: it sends none.
    way_in: Option<&'static str>,
    /// How it stands with its actions. `None`: it has none.
    way_out: Option<&'static str>,
}

impl Row {
    fn is_in_use(&self) -> bool {
        self.way_in == Some("ready") || self.way_out == Some("ready")
    }
}

#[derive(Template)]
#[template(path = "services.html")]
struct Services {
    frame: Frame,
    used: Vec<Row>,
    others: Vec<Row>,
}

#[rocket::get("/services")]
pub(super) async fn list(admin: &State<Admin>, person: &Person) -> Page {
    let registry = (admin.in_force)().registry;
    let links = admin.outward.links().await.map_err(crate::admin::refused::Refused::from)?;
    let has = |name: &str| admin.vault.has(name);
    let rows = registry.packs.values().map(|pack| Row {
        name: pack.name.clone(),
        title: pack.title.clone(),
        docs: pack.docs.clone().filter(|docs| super::show::is_web(docs)),
        events: pack.events.len(),
        actions: pack.actions.len(),
        way_in: best(ways_in(&admin.config, pack, &has).iter().map(crate::services::WayIn::state)),
        way_out: best(
            links
                .iter()
                .filter(|link| link.service == pack.name && !pack.actions.is_empty())
                .map(super::show::state_of),
        ),
    });
    let (used, others) = rows.partition(Row::is_in_use);
    page(&Services { frame: Frame::new(admin, person, "/services", "Services"), used, others })
}

/// `ready` where one of them is; else what is said of the first.
fn best(states: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let states: Vec<&str> = states.collect();
    states.iter().find(|state| **state == "ready").or(states.first()).copied()
}
