//! The page of a pack.

use askama::Template;
use rocket::State;

use crate::{
    admin::{
        outward::Link,
        refused::Refused,
        state::Admin,
        view::{Frame, Page, page},
    },
    model::Person,
    services::{Action, EventKind, Input, Pack, Registry, WayIn, snippet, values_of, ways_in},
};

/// Values of an event that are listed.
const VALUES: usize = 200;

/// An event of it.
struct Event {
    name: String,
    title: String,
    values: Vec<(String, String)>,
    untrusted: Vec<String>,
    /// Name and JSON.
    samples: Vec<(String, String)>,
}

impl Event {
    fn of(name: &str, kind: &EventKind) -> Self {
        let pretty = |sample| serde_json::to_string_pretty(sample).unwrap_or_default();
        Self {
            name: name.to_owned(),
            title: kind.title.clone(),
            values: values_of(&kind.schema).into_iter().take(VALUES).collect(),
            untrusted: kind.untrusted.iter().map(|path| format!("event.{path}")).collect(),
            samples: kind.samples.iter().map(|(name, sample)| (name.clone(), pretty(sample))).collect(),
        }
    }
}

/// An action of it.
struct Offer {
    name: String,
    title: String,
    is_read: bool,
    inputs: Vec<Wish>,
    step: String,
}

/// An input of an action.
struct Wish {
    name: String,
    kind: &'static str,
    required: bool,
    says: String,
}

impl Wish {
    fn of(input: &Input) -> Self {
        let mut says = Vec::new();
        if !input.choices.is_empty() {
            says.push(format!("one of {}", input.choices.join(", ")));
        }
        if let Some(default) = &input.default {
            says.push(format!("{default} unless given"));
        }
        if !input.help.is_empty() {
            says.push(input.help.clone());
        }
        let (name, kind) = (input.name.clone(), input.kind.word());
        Self { name, kind, required: input.required && input.default.is_none(), says: says.join("; ") }
    }
}

impl Offer {
    fn of(pack: &Pack, action: &Action) -> Self {
        Self {
            name: action.name.clone(),
            title: action.title.clone(),
            is_read: action.read,
            inputs: action.inputs.iter().map(Wish::of).collect(),
            step: snippet(pack, action),
        }
    }
}

#[derive(Template)]
#[template(path = "service.html")]
struct Service {
    frame: Frame,
    name: String,
    title: String,
    description: Option<String>,
    docs: Option<String>,
    sources: Vec<WayIn>,
    links: Vec<Link>,
    base_url_example: Option<String>,
    events: Vec<Event>,
    actions: Vec<Offer>,
}

#[rocket::get("/services/<name>")]
pub(super) async fn show(admin: &State<Admin>, person: &Person, name: &str) -> Page {
    let registry = (admin.in_force)().registry;
    let pack = pack_of(&registry, name)?;
    let links = admin.outward.links().await.map_err(Refused::from)?;
    page(&Service {
        frame: Frame::new(admin, person, "/services", pack.title.clone()),
        name: pack.name.clone(),
        title: pack.title.clone(),
        description: pack.description.clone(),
        docs: pack.docs.clone().filter(|docs| is_web(docs)),
        sources: ways_in(&admin.config, pack, &|name| admin.vault.has(name)),
        links: links.into_iter().filter(|link| link.service == pack.name).collect(),
        base_url_example: pack.base_url_example.clone(),
        events: pack.events.iter().map(|(name, kind)| Event::of(name, kind)).collect(),
        actions: pack.actions.values().map(|action| Offer::of(pack, action)).collect(),
    })
}

/// The pack of this name.
pub(super) fn pack_of<'r>(registry: &'r Registry, name: &str) -> Result<&'r Pack, Refused> {
    let shown = || name.chars().take(100).collect::<String>();
    registry.pack(name).map(AsRef::as_ref).ok_or_else(|| Refused::missing(&format!("service `{}`", shown())))
}

/// Whether an address may stand in a link.
pub(super) fn is_web(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// A word on a way out.
pub(super) fn state_of(link: &Link) -> &'static str {
    link.state()
}
