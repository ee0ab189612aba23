//! From a service to us: its pack, the connection that it is asked through, and the source that it delivers to.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::{
    cli::{answer::clean, connections::Desk, failure::Failure},
    rules::On,
    services::{self, Each, Hook, Pack},
    store::Subscription,
    value::{Object, Value},
};

/// Bytes of the digest of an address.
const DIGEST: usize = 16;

/// From a service to us.
pub(super) struct Way<'d> {
    pub(super) desk: &'d Desk,
    pub(super) pack: &'d Pack,
    pub(super) hook: &'d Hook,
    pub(super) subscribe: &'d services::Subscribe,
    pub(super) connection: String,
    pub(super) source: String,
    /// Our name of the secret that deliveries are verified with. `None`: they are not.
    pub(super) secret: Option<String>,
}

impl<'d> Way<'d> {
    /// The way of a service or connection; the source is the service's unless given.
    pub(super) fn of(desk: &'d Desk, name: &str, source: Option<&str>) -> Result<Self, Failure> {
        let service = desk.config.connections.get(name).map_or(name, |connection| connection.service.as_str());
        let Some(pack) = desk.registry.packs.get(service) else {
            let known = desk.config.connections.keys().chain(desk.registry.packs.keys()).map(String::as_str);
            let help = crate::rules::suggestion(name, known);
            return Err(Failure::Usage(format!("there is no service or connection `{}`; {help}", clean(name, 100))));
        };
        let Some((hook, subscribe)) = pack.hook.as_ref().and_then(|hook| Some((hook, hook.subscribe.as_ref()?))) else {
            let can = desk
                .registry
                .packs
                .values()
                .filter(|pack| pack.hook.as_ref().is_some_and(|hook| hook.subscribe.is_some()));
            let can: Vec<&str> = can.map(|pack| pack.name.as_str()).collect();
            return Err(Failure::No(format!(
                "the pack `{service}` does not say how webhooks are set up there: set them up by hand; those that do: {}",
                can.join(", ")
            )));
        };
        let source = match source {
            Some(source) => source.to_owned(),
            None => usual_source(desk, service),
        };
        let settings = desk.config.sources.get(&source);
        let of_service = settings.map_or(source == service, |own| own.service.as_deref().unwrap_or(&source) == service);
        if !of_service {
            return Err(Failure::Usage(format!(
                "`{}` is no source of {service}; name one with --source, or add [sources.NAME] with service = \"{service}\" to \
                 bellwire.toml",
                clean(&source, 100)
            )));
        }
        if settings.is_some_and(|own| !own.enabled) {
            return Err(Failure::No(format!("the source `{source}` is not enabled, so that deliveries to it are 404")));
        }
        let secret = hook.secret_names().first().map(|theirs| {
            settings.and_then(|own| own.secrets.get(*theirs)).map_or((*theirs).to_owned(), String::clone)
        });
        Ok(Self { desk, pack, hook, subscribe, connection: name.to_owned(), source, secret })
    }

    /// The address that an event is delivered to, with the token. `Err` says how to set what is missing.
    pub(super) fn address(&self, event: Option<&str>, token: Option<&str>) -> Result<String, Failure> {
        let Some(base) = &self.desk.config.server.public_url else {
            return Err(Failure::No(
                "`server.public_url` is not set, so that no address can be given away; set it in bellwire.toml to what this server is \
                 reached at, such as public_url = \"https://hooks.example.com\" below [server]"
                    .to_owned(),
            ));
        };
        let event = event.filter(|_| self.subscribe.each == Each::Event);
        Ok(self.hook.address(base.trim_end_matches('/'), &self.source, event, token))
    }

    /// The secret of ours that deliveries are verified with. `None`: there is none, or none yet, or the service gives it.
    pub(super) fn token(&self) -> Option<crate::secret::Secret> {
        self.secret.as_ref().filter(|_| self.subscribe.secret.is_none()).and_then(|name| self.desk.vault.get(name).ok())
    }

    /// What is kept of an address and the secret that was given away with it.
    pub(super) fn digest(address: &str, token: Option<&str>) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(b"subscription\0");
        hash.update(address.as_bytes());
        hash.update(b"\0");
        hash.update(token.unwrap_or_default().as_bytes());
        hash.finalize().into_iter().take(DIGEST).collect()
    }

    /// The events that enabled rules hear of this service.
    pub(super) fn needed(&self) -> BTreeSet<String> {
        let mut needed = BTreeSet::new();
        for rule in self.desk.set.rules.values().filter(|rule| rule.enabled) {
            for on in &rule.on {
                match on {
                    On::Type { event, .. } => {
                        let own = event.split_once('.').filter(|(service, _)| *service == self.pack.name);
                        needed.extend(own.map(|(_, event)| event.to_owned()));
                    }
                    On::Service { service, .. } if *service == self.pack.name => {
                        needed.extend(self.pack.events.keys().cloned());
                    }
                    _ => {}
                }
            }
        }
        needed.retain(|event| !self.subscribe.unasked.contains(event));
        needed
    }

    /// Our names of events as a person wrote them.
    pub(super) fn named(&self, written: &[String]) -> Result<BTreeSet<String>, Failure> {
        let one = |word: &String| {
            self.subscribe.ours(&self.pack.name, word).ok_or_else(|| {
                Failure::Usage(format!("`{}` is no name of an event; {}", clean(word, 100), self.events_known()))
            })
        };
        written.iter().map(one).collect()
    }

    pub(super) fn events_known(&self) -> String {
        let known: Vec<&str> = self.pack.events.keys().map(String::as_str).collect();
        format!("the pack knows {}", known.join(", "))
    }

    /// Inputs as a person wrote them, turned to their types.
    pub(super) fn inputs(&self, written: &[String]) -> Result<Object, Failure> {
        let mut given = Object::new();
        for word in written {
            let Some((name, value)) = word.split_once('=') else {
                return Err(Failure::Usage(format!("--input wants NAME=VALUE, and `{}` is not", clean(word, 100))));
            };
            if self.subscribe.inputs.iter().all(|input| input.name != name) {
                let known: Vec<&str> = self.subscribe.inputs.iter().map(|input| input.name.as_str()).collect();
                let known = if known.is_empty() {
                    "it takes none".to_owned()
                } else {
                    format!("it takes {}", known.join(", "))
                };
                return Err(Failure::Usage(format!(
                    "{} takes no input `{}` here; {known}",
                    self.pack.title,
                    clean(name, 100)
                )));
            }
            given.insert(name.to_owned(), Value::from(value));
        }
        let mut inputs = Object::new();
        for input in &self.subscribe.inputs {
            let value = services::coerce(input, given.remove(&input.name).unwrap_or_default())
                .map_err(|(_, why)| Failure::Usage(format!("{why}; give it with --input {}=...", input.name)))?;
            inputs.insert(input.name.clone(), value);
        }
        Ok(inputs)
    }

    /// The subscriptions of this way: of the inputs, or of all.
    pub(super) async fn kept(&self, inputs: Option<&Object>) -> Result<Vec<Subscription>, Failure> {
        let inputs = inputs.map(written);
        let mut kept = self.desk.vault.store().subscriptions().await?;
        kept.retain(|row| {
            row.source == self.source
                && row.connection == self.connection
                && inputs.as_ref().is_none_or(|inputs| row.inputs == *inputs)
        });
        Ok(kept)
    }
}

/// Inputs as they are kept: names in order.
pub(super) fn written(inputs: &Object) -> String {
    let ordered: std::collections::BTreeMap<&String, &Value> = inputs.iter().collect();
    serde_json::to_string(&ordered).unwrap_or_default()
}

/// What was kept of inputs.
pub(super) fn inputs_of(row: &Subscription) -> Object {
    serde_json::from_str(&row.inputs).unwrap_or_default()
}

/// The only source of a service in the settings, else the one of its name.
fn usual_source(desk: &Desk, service: &str) -> String {
    let mut own = desk.config.sources.iter().filter(|(_, source)| source.service.as_deref() == Some(service));
    match (own.next(), own.next()) {
        (Some((name, _)), None) => name.clone(),
        _ => service.to_owned(),
    }
}
