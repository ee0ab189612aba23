//! Which source a name stands for, and with which secrets its deliveries are verified.

use std::sync::Arc;

use crate::{
    config::Config,
    secret::Secret,
    services::{Pack, Registry},
    store::{Vault, VaultError},
};

/// The way in that a name stands for.
pub(super) enum Way {
    /// A generic source, taken without any check.
    Public,
    /// A service's webhook.
    Service(Service),
    /// Configured, and cannot work: why.
    Broken(String),
}

/// A service's webhook with the names of its secrets: the pack's, and ours for it.
pub(super) struct Service {
    pub(super) pack: Arc<Pack>,
    names: Vec<(String, String)>,
}

/// `^[a-z0-9][a-z0-9-]{0,62}$`.
pub(super) fn is_source_name(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= 63 && !text.starts_with('-') && !text.is_empty() && text.bytes().all(known)
}

/// What `name` stands for. `None`: there is no such source, or it is switched off.
pub(super) fn find(config: &Config, registry: &Registry, vault: &Vault, name: &str) -> Option<Way> {
    if !is_source_name(name) {
        return None;
    }
    let Some(source) = config.sources.get(name) else {
        let pack = registry.pack(name)?;
        let names = names_of(pack, str::to_owned)?;
        // A service whose hook has no secret set is not in use.
        return names.iter().any(|(_, ours)| vault.has(ours)).then(|| service(pack, names));
    };
    if !source.enabled {
        return None;
    }
    // A source that has the name of a service is of that service: as a generic one its events would bear the types of the service's, and
    // nobody would have verified them.
    let of_name = || registry.pack(name).map(|pack| &pack.name);
    let Some(wanted) = source.service.as_ref().or_else(of_name) else {
        return source.public.then_some(Way::Public);
    };
    if source.public {
        let why = format!(
            "`sources.{name}.public`: `{name}` is a service, whose deliveries are always checked; name the source otherwise"
        );
        return Some(Way::Broken(why));
    }
    let Some(pack) = registry.pack(wanted) else {
        return Some(Way::Broken(format!("`sources.{name}.service`: there is no pack `{wanted}`")));
    };
    let ours = |secret: &str| source.secrets.get(secret).cloned().unwrap_or_else(|| secret.to_owned());
    match names_of(pack, ours) {
        Some(names) => Some(service(pack, names)),
        None => Some(Way::Broken(format!("`sources.{name}.service`: the pack `{wanted}` takes no deliveries"))),
    }
}

fn service(pack: &Arc<Pack>, names: Vec<(String, String)>) -> Way {
    Way::Service(Service { pack: Arc::clone(pack), names })
}

/// The names of the secrets of a pack's hook, each with ours for it. `None`: the pack has no hook.
fn names_of(pack: &Pack, ours: impl Fn(&str) -> String) -> Option<Vec<(String, String)>> {
    let hook = pack.hook.as_ref()?;
    Some(hook.secret_names().into_iter().map(|theirs| (theirs.to_owned(), ours(theirs))).collect())
}

impl Service {
    /// The secrets by the pack's names. All must be there: a check with a part of them is none.
    pub(super) fn secrets(&self, vault: &Vault) -> Result<Vec<(&str, Secret)>, VaultError> {
        self.names.iter().map(|(theirs, ours)| Ok((theirs.as_str(), vault.get(ours)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_name_is_of_few_letters() {
        for name in ["a", "gruveo", "door-2", "0", &"x".repeat(63)] {
            assert!(is_source_name(name), "{name}");
        }
        for name in [
            "",
            "-a",
            "A",
            "a/b",
            "..",
            "../x",
            "a;b",
            "a b",
            "a\0",
            "a\r\n",
            "grüveo",
            "а",
            ".git",
            "a_b",
            &"x".repeat(64),
        ] {
            assert!(!is_source_name(name), "{name:?}");
        }
    }
}
