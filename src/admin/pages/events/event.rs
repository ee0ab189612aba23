//! `/events/<id>`: what came, whether it was believed, what every rule said, and what came of it.

use std::sync::Arc;

use askama::Template;
use rocket::{State, response::Redirect};

use super::{
    body::{self, Body},
    rows::bytes,
    table::{self, Tables},
};
use crate::{
    admin::{
        act::events::{NewTest, save_as_test},
        query::Query,
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, Page, page},
    },
    clock::Time,
    ids::EventId,
    model::Person,
    services::Reading,
    starts::{self, Book, InForce},
    store::{EventDetail, PEER, PausedSource, StoredEvent, Suppressed},
    value::Value,
};

#[derive(Template)]
#[template(path = "event.html")]
struct Shown {
    frame: Frame,
    detail: EventDetail,
    peer: String,
    size: String,
    verdict: String,
    flags: Vec<&'static str>,
    tabs: Vec<(&'static str, String, bool)>,
    /// What the tab shows. `None`: the body is gone.
    body: Option<Body>,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
    computed: Vec<(String, String)>,
    tables: Tables,
    by_now: bool,
    here: String,
    repeats: Vec<(Time, String)>,
    curl: String,
    rules: Vec<String>,
    /// Its source, where that is paused.
    paused_sources: Vec<PausedSource>,
}

impl Shown {
    /// Whether it is the rule of the newest run: the one that a test is most likely wanted of.
    fn is_first_run(&self, rule: &str) -> bool {
        self.detail.runs.first().is_some_and(|run| run.rule == rule)
    }
}

/// What of the body is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tab {
    Pretty,
    Raw,
    Seen,
}

impl Tab {
    const ALL: [(Self, &'static str, &'static str); 3] =
        [(Self::Pretty, "pretty", "Pretty"), (Self::Raw, "raw", "Raw"), (Self::Seen, "seen", "As rules see it")];
}

/// `/events/<id>`
#[rocket::get("/events/<id>", rank = 2)]
pub(super) async fn show(id: &str, query: Result<Query, Refused>, admin: &State<Admin>, person: &Person) -> Page {
    let query = query?;
    let id: EventId = id.parse().map_err(|_| Refused::missing("such event"))?;
    let detail = admin.store.event(id).await?.ok_or_else(|| Refused::missing(&format!("event {id}")))?;
    let wanted = query.short("body", 20)?.unwrap_or("pretty");
    let known = Tab::ALL.into_iter().find(|(_, word, _)| *word == wanted);
    let tab = known.map(|(tab, ..)| tab).ok_or_else(|| Refused::invalid("`body` is pretty, raw or seen."))?;
    let by_now = query.short("by", 20)? == Some("now");
    let all = query.short("rules", 20)? == Some("all");
    let suppressed = admin.store.suppressed(id).await?;
    let repeats = admin.store.repeats_of(id).await?;
    let InForce { set, set_id, registry } = (admin.in_force)();
    let now = Book { id: set_id, set, registry };
    let rules = now.set.rules.keys().map(ToString::to_string).collect();
    let decided = if by_now { Some(now.clone()) } else { admin.workshop.stored(detail.event.set).await? };
    let event = starts::event_value(&detail.event, &now.registry).ok();
    let body = detail.event.body.as_deref().map(|bytes| shown(tab, bytes, event.as_ref()));
    let computed = event.map(|event| computed(&detail.event, &event)).unwrap_or_default();
    let (detail, tables) = tables(admin, detail, decided, suppressed, all).await?;
    let mut paused_sources = admin.store.paused_sources().await?;
    paused_sources.retain(|paused| paused.source == detail.event.source);
    let here = format!("/events/{id}");
    let mut frame = Frame::new(admin, person, "/events", format!("Event {id}"));
    if query.short("did", 20)? == Some("saved") {
        "The test was written, and committed where the workspace is in git. Look at its fixture before you push it."
            .clone_into(&mut frame.notice);
    }
    page(&Shown {
        frame,
        peer: detail.event.meta.get(PEER).and_then(Value::as_str).unwrap_or_default().to_owned(),
        size: bytes(detail.row.bytes),
        verdict: believed(&detail.event),
        flags: detail.row.flags.iter().map(|flag| told(flag)).collect(),
        tabs: Tab::ALL.map(|(one, word, name)| (name, format!("{here}?body={word}#body"), one == tab)).to_vec(),
        body,
        headers: pairs(&detail.event, "headers"),
        query: pairs(&detail.event, "query"),
        computed,
        tables,
        by_now,
        repeats,
        curl: body::curl(&detail.event, &base(admin)).filter(|_| detail.event.depth == 0).unwrap_or_default(),
        rules,
        paused_sources,
        here,
        detail,
    })
}

/// Saves the event as a test of a rule.
#[rocket::post("/events/<id>/test", data = "<sent>")]
pub(super) async fn save(
    id: &str,
    sent: Result<Sent, Refused>,
    admin: &State<Admin>,
    person: &Person,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    let event: EventId = id.parse().map_err(|_| Refused::missing("such event"))?;
    let name = sent.text("name")?.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
    let rule = sent.wanted("rule")?.to_owned();
    let new = NewTest { event, rule, name, masks_people: sent.is_ticked("mask") };
    let written = save_as_test(admin, person, new).await?;
    for note in written.notes.iter().chain([&written.why_not].into_iter().filter(|why| !why.is_empty())) {
        tracing::info!(file = written.file, fixture = written.fixture, note, "a test was saved");
    }
    Ok(Redirect::to(format!("/events/{event}?did=saved")))
}

async fn tables(
    admin: &Admin,
    detail: EventDetail,
    book: Option<Book>,
    suppressed: Vec<Suppressed>,
    all: bool,
) -> Result<(EventDetail, Tables), Refused> {
    let Some(book) = book else {
        let fault = "the rule set that decided it is no longer stored".to_owned();
        return Ok((detail, Tables { fault, ..Tables::default() }));
    };
    let config = Arc::clone(&admin.config);
    let told = tokio::task::spawn_blocking(move || {
        let tables = table::of(&detail, &book, &config.vars, &suppressed, all);
        (detail, tables)
    });
    told.await.map_err(|error| {
        tracing::error!(%error, "the rules of an event cannot be explained");
        Refused::new(500, "internal", "The rules cannot be explained. The log of the server says why.")
    })
}

fn shown(tab: Tab, bytes: &[u8], event: Option<&Value>) -> Body {
    match (tab, event) {
        (Tab::Raw, _) => body::raw(bytes),
        (Tab::Seen, Some(event)) => body::cut(&serde_json::to_string_pretty(event).unwrap_or_default()),
        (Tab::Pretty | Tab::Seen, _) => body::pretty(bytes),
    }
}

/// What the pack has added to the body, or changed in it.
fn computed(event: &StoredEvent, seen: &Value) -> Vec<(String, String)> {
    let Some(bytes) = &event.body else { return Vec::new() };
    let Ok(read) = Reading::kept(&event.meta).read(bytes) else { return Vec::new() };
    let Some(seen) = seen.as_object() else { return Vec::new() };
    let differs = |name: &str, value: &Value| read.value.get(name) != Some(value);
    seen.iter()
        .filter(|(name, value)| differs(name, value))
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect()
}

fn pairs(event: &StoredEvent, part: &str) -> Vec<(String, String)> {
    let found = event.meta.get(part).and_then(Value::as_object);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    found.map(|map| map.iter().map(|(name, value)| (name.clone(), text(value))).collect()).unwrap_or_default()
}

/// Whether it was believed, and why.
fn believed(event: &StoredEvent) -> String {
    match event.verified.as_str() {
        "" => "Not checked: the source is public, anybody can send to it.".to_owned(),
        starts::INTERNAL => "Of our own making: a rule, a schedule, a poll or a person.".to_owned(),
        "token" => "The token was right. It was compared before anything of the body was read.".to_owned(),
        form => {
            format!("The signature held ({form}). It was checked over the raw bytes, before anything was read of them.")
        }
    }
}

/// What a flag means.
fn told(flag: &'static str) -> &'static str {
    match flag {
        "id_reused" => "its dedupe key was seen before with another body",
        "dedupe_fallback" => "its dedupe key could not be made; the digest of the body served as key",
        "duplicate_keys" => "a name stands twice in an object of its body; the last counts",
        "truncated" => "more rules matched than one event may start (limits.runs_per_event)",
        "own" => "one of our own actions caused it: only rules with `own: true` hear it",
        other => other,
    }
}

/// How the world reaches this server; without that, where it listens.
fn base(admin: &Admin) -> String {
    admin.config.server.public_url.clone().unwrap_or_else(|| format!("http://{}", admin.config.server.listen))
}
