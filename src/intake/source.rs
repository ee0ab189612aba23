//! Which source a name stands for, and with which secrets its deliveries are verified.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    config::Config,
    secret::Secret,
    services::{Pack, Registry, Verify},
    store::{Vault, VaultError},
};

/// The way in that a name stands for.
pub(super) enum Way {
    /// A generic source, taken without any check.
    Public,
    /// A generic source whose deliveries are checked.
    Checked(Service),
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

/// The generic sources that say how their deliveries are checked, read once: the pack, or what is wrong with what they say.
pub(super) struct Generics(BTreeMap<String, Result<Arc<Pack>, String>>);

impl Generics {
    pub(super) fn of(config: &Config) -> Self {
        let read = |(name, source): (&String, &crate::config::Source)| {
            let verify = source.verify.as_ref()?;
            let pack = Pack::of_source(name, verify).map(Arc::new);
            Some((name.clone(), pack.map_err(|faults| format!("`sources.{name}.verify`: {}", faults.join("; ")))))
        };
        Self(config.sources.iter().filter_map(read).collect())
    }
}

/// `^[a-z0-9][a-z0-9-]{0,62}$`.
pub(super) fn is_source_name(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= 63 && !text.starts_with('-') && !text.is_empty() && text.bytes().all(known)
}

/// What `name` stands for. `None`: there is no such source, or it is switched off.
pub(super) fn find(
    config: &Config,
    generics: &Generics,
    registry: &Registry,
    vault: &Vault,
    name: &str,
) -> Option<Way> {
    if !is_source_name(name) {
        return None;
    }
    let Some(source) = config.sources.get(name) else {
        let pack = registry.pack(name)?;
        let names = names_of(pack, str::to_owned)?;
        if pack.hook.as_ref().is_some_and(|hook| hook.verify == Verify::None) {
            return None;
        }
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
        return match generics.0.get(name) {
            None => source.public.then_some(Way::Public),
            Some(Err(why)) => Some(Way::Broken(why.clone())),
            Some(Ok(pack)) => {
                let ours = |secret: &str| source.secret_name(name, secret);
                Some(Way::Checked(Service { pack: Arc::clone(pack), names: names_of(pack, ours)? }))
            }
        };
    };
    let Some(pack) = registry.pack(wanted) else {
        return Some(Way::Broken(format!("`sources.{name}.service`: there is no pack `{wanted}`")));
    };
    if source.verify.is_some() {
        let why =
            format!("`sources.{name}.verify`: `{name}` is a service, whose pack says how its deliveries are checked");
        return Some(Way::Broken(why));
    }
    if let Some(why) = public_fault(name, pack, source.public) {
        return Some(Way::Broken(why));
    }
    let ours = |secret: &str| source.secrets.get(secret).cloned().unwrap_or_else(|| secret.to_owned());
    match names_of(pack, ours) {
        Some(names) => Some(service(pack, names)),
        None => Some(Way::Broken(format!("`sources.{name}.service`: the pack `{wanted}` takes no deliveries"))),
    }
}

/// What is wrong where a source of a service is public and its deliveries are checked, or is not and they are not.
fn public_fault(name: &str, pack: &Pack, public: bool) -> Option<String> {
    let unchecked = pack.hook.as_ref()?.verify == Verify::None;
    match (unchecked, public) {
        (false, true) => Some(format!(
            "`sources.{name}.public`: `{}` is a service, whose deliveries are always checked; name the source otherwise",
            pack.name
        )),
        (true, false) => Some(format!(
            "`sources.{name}`: nothing proves where deliveries of `{}` come from; set `public = true` to take them all the same",
            pack.name
        )),
        _ => None,
    }
}

fn service(pack: &Arc<Pack>, names: Vec<(String, String)>) -> Way {
    Way::Service(Service { pack: Arc::clone(pack), names })
}

/// The names of the secrets of a pack's hook, each with ours for it. `None`: the pack has no hook.
fn names_of(pack: &Pack, ours: impl Fn(&str) -> String) -> Option<Vec<(String, String)>> {
    let hook = pack.hook.as_ref()?;
    Some(hook.all_secret_names().into_iter().map(|theirs| (theirs.to_owned(), ours(theirs))).collect())
}

impl Service {
    /// The live values of the secrets that deliveries are verified with, by the pack's names. All must be there: a check with a part of
    /// them is none.
    pub(super) fn secrets(&self, vault: &Vault) -> Result<Vec<(&str, Vec<Secret>)>, VaultError> {
        let wanted = self.pack.hook.as_ref().map(|hook| hook.secret_names()).unwrap_or_default();
        let wanted = self.names.iter().filter(|(theirs, _)| wanted.contains(&theirs.as_str()));
        wanted.map(|(theirs, ours)| Ok((theirs.as_str(), vault.live(ours)?))).collect()
    }

    /// A refusal's sentence with our name for the secret that it names: the pack's own is not one that can be set.
    pub(super) fn in_our_names(&self, detail: &str) -> String {
        let named = |(theirs, ours): &(String, String)| (format!("secret `{theirs}`"), format!("secret `{ours}`"));
        let found = self.names.iter().map(named).find(|(theirs, _)| detail.contains(theirs.as_str()));
        found.map_or_else(|| detail.to_owned(), |(theirs, ours)| detail.replace(&theirs, &ours))
    }

    /// The live values of one secret, by the pack's name.
    pub(super) fn secret(&self, vault: &Vault, name: &str) -> Result<Vec<Secret>, VaultError> {
        let ours = self.names.iter().find(|(theirs, _)| theirs == name).map_or(name, |(_, ours)| ours.as_str());
        vault.live(ours)
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
