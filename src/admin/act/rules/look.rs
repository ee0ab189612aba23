//! What is read before something is written: the text on disk, the events to try it on, the text that a rule begins with.

use serde_json::{Value, json};

use crate::{
    admin::{
        needs::Needs,
        refused::Refused,
        rulefiles::{self, FileError, RuleFile, digest_of},
        state::Admin,
    },
    ids::EventId,
    rules::{On, Rule},
    services::Registry,
    starts,
    store::{EventFilter, EventRow},
};

/// Events of a list to choose from.
const EVENTS: usize = 20;

/// A rule file as it stands on disk.
#[derive(Debug, Clone)]
pub(in crate::admin) struct OnDisk {
    pub(in crate::admin) file: RuleFile,
    pub(in crate::admin) text: String,
    /// SHA-256 in hexadecimal.
    pub(in crate::admin) digest: String,
}

impl From<FileError> for Refused {
    fn from(error: FileError) -> Self {
        match &error {
            FileError::Failed { .. } => {
                tracing::error!(%error, "a rule file cannot be read or written");
                Self::new(500, "file", format!("{error}. The file was left as it is; the log of the server says more."))
            }
            FileError::Changed(_) => Self::conflict(format!("{error}. Load it again, and repeat what you did.")),
            FileError::NotPlain(_) | FileError::Collides(_) | FileError::TooLarge(_) => {
                Self::new(422, "file", format!("{error}."))
            }
        }
    }
}

/// The file of a rule by its id, as it stands on disk. `None`: there is none.
pub(in crate::admin) async fn on_disk(admin: &Admin, id: &str) -> Result<Option<OnDisk>, Refused> {
    for ending in ["yaml", "yml"] {
        let Ok(file) = RuleFile::known(&format!("rules/{id}.{ending}")) else { return Ok(None) };
        if let Some(found) = file_on_disk(admin, file).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// One file as it stands on disk. `None`: it is not there.
pub(super) async fn file_on_disk(admin: &Admin, file: RuleFile) -> Result<Option<OnDisk>, Refused> {
    let workspace = admin.config.workspace.clone();
    blocking(move || {
        let Some(bytes) = rulefiles::read(&workspace, &file)? else { return Ok(None) };
        let digest = digest_of(&bytes);
        let text = String::from_utf8(bytes)
            .map_err(|_| Refused::new(422, "file", format!("`{file}` is not UTF-8; save it as UTF-8 first.")))?;
        Ok(Some(OnDisk { file, text, digest }))
    })
    .await
}

/// Does something that blocks on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a task of the admin panicked");
        Err(Refused::new(500, "internal", "This could not be done. The log of the server says why."))
    })
}

/// A text that a rule begins with.
#[derive(Debug, Clone)]
pub(in crate::admin) struct Begun {
    /// Where it would stand.
    pub(in crate::admin) path: String,
    pub(in crate::admin) text: String,
    /// Of the file that stands there. Empty: none does.
    pub(in crate::admin) digest: String,
}

/// The text that the editor opens: a file, or with `from` (`example:calls/missed`, `event:evt_...`) one that a new rule begins with. A path
/// that is empty is chosen here.
pub(in crate::admin) async fn begin(admin: &Admin, path: &str, from: Option<&str>) -> Result<Begun, Refused> {
    let Some(from) = from.filter(|from| !from.is_empty()) else {
        let file = RuleFile::known(path).map_err(|why| Refused::new(422, "name", format!("{why}.")))?;
        return Ok(match file_on_disk(admin, file.clone()).await? {
            Some(found) => Begun { path: file.path(), text: found.text, digest: found.digest },
            None => Begun { path: file.path(), text: String::new(), digest: String::new() },
        });
    };
    let (text, id) = match from.split_once(':') {
        Some(("example", name)) => {
            let example = rulefiles::example(name).ok_or_else(|| Refused::missing("example of this name"))?;
            (example.text.to_owned(), example.id.to_owned())
        }
        Some(("event", id)) => of_event(admin, id).await?,
        _ => return Err(Refused::invalid("`from` is `example:NAME` or `event:evt_...`.")),
    };
    let path = if path.is_empty() {
        free_path(admin, &id).await?
    } else {
        RuleFile::fresh(path).map_err(|why| Refused::new(422, "name", format!("{why}.")))?.path()
    };
    Ok(Begun { path, text, digest: String::new() })
}

/// A path that no file has yet, by an id that would do.
async fn free_path(admin: &Admin, id: &str) -> Result<String, Refused> {
    for number in 1..100 {
        let id = if number == 1 { id.to_owned() } else { format!("{id}-{number}") };
        let file = RuleFile::fresh_id(&id).map_err(|why| Refused::new(422, "name", format!("{why}.")))?;
        if on_disk(admin, &id).await?.is_none() {
            return Ok(file.path());
        }
    }
    Err(Refused::conflict(format!("There are a hundred rules called `{id}`. Name the new one.")))
}

async fn of_event(admin: &Admin, id: &str) -> Result<(String, String), Refused> {
    let id: EventId = id.parse().map_err(|error| Refused::invalid(format!("{error}.")))?;
    let found = admin.store.event(id).await?.ok_or_else(|| Refused::missing(&format!("event {id}")))?;
    let registry = (admin.in_force)().registry;
    // An event whose body is gone still has its type.
    let event = starts::event_value(&found.event, &registry).unwrap_or_default();
    // An action that cannot be sent is none that a rule could begin with.
    let in_use = |service: &str| {
        let secrets = Needs::of_connection(&registry, &admin.config, service);
        !secrets.is_empty() && secrets.iter().all(|secret| admin.vault.has(secret))
    };
    Ok(rulefiles::from_event(&found.event.kind, &event, &registry, &in_use))
}

/// What a rule at `path` can be tried on: stored events that it hears, then others, and the samples of the packs.
pub(in crate::admin) async fn samples(admin: &Admin, path: &str) -> Result<Value, Refused> {
    let in_force = (admin.in_force)();
    let id = path.strip_prefix("rules/").unwrap_or(path);
    let id = id.strip_suffix(".yaml").or_else(|| id.strip_suffix(".yml")).unwrap_or(id);
    let rule = in_force.set.rules.get(id);
    let kinds = rule.map(|rule| heard_kinds(rule, &in_force.registry)).unwrap_or_default();
    let mut heard = Vec::new();
    for kind in &kinds {
        let filter = EventFilter { kind: Some(kind.clone()), limit: Some(EVENTS), ..EventFilter::default() };
        heard.extend(admin.store.events(filter).await?);
    }
    heard.sort_by_key(|event| std::cmp::Reverse(event.id));
    heard.truncate(EVENTS);
    let lately = admin.store.events(EventFilter { limit: Some(EVENTS), ..EventFilter::default() }).await?;
    let others = lately.into_iter().filter(|event| !heard.iter().any(|known| known.id == event.id)).collect::<Vec<_>>();
    let one = |event: &EventRow, is_heard: bool| {
        json!({
            "id": event.id, "type": event.kind, "source": event.source, "received_at": event.received_at.to_string(),
            "state": event.state, "heard": is_heard,
        })
    };
    let events: Vec<Value> =
        heard.iter().map(|event| one(event, true)).chain(others.iter().map(|event| one(event, false))).collect();
    let mut samples = Vec::new();
    for pack in in_force.registry.packs.values() {
        for (event, known) in &pack.events {
            let kind = format!("{}.{event}", pack.name);
            let is_heard = kinds.contains(&kind);
            for (name, _) in &known.samples {
                samples.push(
                    json!({"name": format!("{kind}/{name}"), "type": kind, "title": known.title, "heard": is_heard}),
                );
            }
        }
    }
    samples.sort_by_key(|sample| sample.get("heard") != Some(&Value::Bool(true)));
    Ok(json!({"events": events, "samples": samples}))
}

/// The types that a rule hears, those of a whole service one by one.
pub(in crate::admin) fn heard_kinds(rule: &Rule, registry: &Registry) -> Vec<String> {
    let of = |on: &On| match on {
        On::Type { event, .. } => vec![event.clone()],
        On::Service { service, .. } => {
            let events =
                registry.pack(service).map(|pack| pack.events.keys().map(|event| format!("{service}.{event}")));
            events.into_iter().flatten().collect()
        }
        On::Manual { .. } => vec![starts::MANUAL.to_owned()],
        On::Schedule(_) => vec![starts::SCHEDULED.to_owned()],
        On::Poll(_) => vec![starts::POLLED.to_owned()],
    };
    rule.on.iter().flat_map(of).collect()
}

/// What a file said once: by the digest of a text that was in force, or in a commit. `None`: nobody knows.
pub(in crate::admin) async fn text_of_version(
    admin: &Admin,
    file: &RuleFile,
    version: &str,
) -> Result<Option<String>, Refused> {
    if version.len() == 64 {
        return Ok(admin.store.text_of_digest(version).await?);
    }
    let (workspace, file, version) = (admin.config.workspace.clone(), file.clone(), version.to_owned());
    blocking(move || Ok(rulefiles::text_at(&workspace, &file, &version))).await
}
