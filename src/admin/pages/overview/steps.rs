//! The first steps after an installation, each with a real command: shown until something has run.

use crate::{
    admin::{heard::heard, state::Admin},
    services::{Hook, Pack},
    starts::InForce,
    store::{StoreError, Stored},
};

/// What is done and what is still to be done.
pub(super) struct Steps {
    /// Some source takes deliveries.
    pub(super) has_source: bool,
    /// Some rule is enabled.
    pub(super) has_rule: bool,
    /// Something came in.
    pub(super) has_event: bool,
    /// Sends a signed sample. Empty where no source has one.
    pub(super) send: String,
    /// Sets the secret of a source that has none yet.
    pub(super) secret: String,
}

/// The secret of the first use, where no rule says which is needed.
const FIRST_SECRET: &str = "gruveo_key";

/// What is still to be done. `None`: something has run, so all of it is.
pub(super) async fn of(admin: &Admin, in_force: &InForce, stored: &Stored) -> Result<Option<Steps>, StoreError> {
    let has_event = stored.events > 0;
    if has_event && admin.store.has_runs().await? {
        return Ok(None);
    }
    let packs = || in_force.registry.packs.iter();
    let ready = || packs().filter(|(_, pack)| hook_secrets(pack).any(|secret| admin.vault.has(secret)));
    // What starts a rule teaches more than what none of them hears.
    let heard = ready().find_map(|(_, pack)| heard(in_force, pack, &admin.config.vars, admin.clock.now()));
    let unheard = || {
        ready().find_map(|(name, pack)| {
            let event = pack.events.iter().find(|(_, event)| !event.samples.is_empty())?;
            Some(format!("bellwire send {name}.{}", event.0))
        })
    };
    let send = heard.map(|heard| heard.command()).or_else(unheard);
    Ok(Some(Steps {
        has_source: ready().next().is_some() || admin.config.sources.values().any(|source| source.enabled),
        has_rule: in_force.set.rules.values().any(|rule| rule.enabled),
        has_event,
        send: send.unwrap_or_default(),
        secret: format!("bellwire secrets set {}", wanted(in_force).unwrap_or(FIRST_SECRET)),
    }))
}

/// The secret that the first rule's deliveries are verified with.
fn wanted(in_force: &InForce) -> Option<&str> {
    use crate::rules::On;
    let rules = in_force.set.rules.values().filter(|rule| rule.enabled);
    let services = rules.flat_map(|rule| &rule.on).filter_map(|on| match on {
        On::Type { event, .. } => event.split('.').next(),
        On::Service { service, .. } => Some(service.as_str()),
        On::Manual { .. } | On::Schedule(_) | On::Poll(_) => None,
    });
    services.filter_map(|service| in_force.registry.packs.get(service)).find_map(|pack| hook_secrets(pack).next())
}

fn hook_secrets(pack: &Pack) -> impl Iterator<Item = &str> {
    pack.hook.iter().flat_map(Hook::secret_names)
}
