//! What the inbox may be filtered by: sources, types and rules that there are.

use std::collections::BTreeSet;

use crate::admin::{inbox::Asked, refused::Refused, state::Admin};

/// Suggestions of one kind.
const SHOWN: usize = 300;
/// So many letters may be other in what was perhaps meant.
const NEAR: usize = 2;

/// Names that a filter may have.
pub(super) struct Known {
    pub(super) sources: BTreeSet<String>,
    pub(super) types: BTreeSet<String>,
    pub(super) rules: BTreeSet<String>,
}

/// What there is: in force, in the settings, and in what has come in.
pub(super) async fn of(admin: &Admin) -> Result<Known, Refused> {
    let in_force = (admin.in_force)();
    let seen = admin.store.channels_seen().await?;
    let (mut sources, mut types): (BTreeSet<String>, BTreeSet<String>) = seen.into_iter().unzip();
    sources.extend(admin.config.sources.keys().cloned());
    for pack in in_force.registry.packs.values().filter(|pack| pack.hook.is_some()) {
        sources.insert(pack.name.clone());
        types.extend(pack.events.keys().map(|event| format!("{}.{event}", pack.name)));
    }
    Ok(Known { sources, types, rules: in_force.set.rules.keys().map(ToString::to_string).collect() })
}

impl Known {
    /// Sources that are suggested.
    pub(super) fn sources(&self) -> impl Iterator<Item = &String> {
        self.sources.iter().take(SHOWN)
    }

    /// Types that are suggested.
    pub(super) fn types(&self) -> impl Iterator<Item = &String> {
        self.types.iter().take(SHOWN)
    }

    /// Rules that are suggested.
    pub(super) fn rules(&self) -> impl Iterator<Item = &String> {
        self.rules.iter().take(SHOWN)
    }

    /// A sentence for each name of a filter that nothing has.
    pub(super) fn missing(&self, asked: &Asked) -> Vec<String> {
        let wanted = [
            ("source", &asked.source, &self.sources),
            ("type", &asked.kind, &self.types),
            ("rule", &asked.rule, &self.rules),
        ];
        let missing = wanted.into_iter().filter(|(_, name, known)| !name.is_empty() && !known.contains(*name));
        missing
            .map(|(what, name, known)| match nearest(name, known) {
                Some(near) => format!("There is no {what} `{name}`; did you mean `{near}`?"),
                None => format!("There is no {what} `{name}`."),
            })
            .collect()
    }
}

fn nearest<'k>(name: &str, known: &'k BTreeSet<String>) -> Option<&'k str> {
    let far = |other: &'k String| (strsim::damerau_levenshtein(name, other), other.as_str());
    let (distance, near) = known.iter().map(far).min()?;
    (distance <= NEAR && distance < near.chars().count()).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_what_is_nowhere_near() {
        let known = BTreeSet::from(["gruveo".to_owned(), "groove".to_owned(), "a".to_owned()]);
        assert_eq!(nearest("gruvo", &known), Some("gruveo"));
        assert_eq!(nearest("grovve", &known), Some("groove"));
        assert_eq!(nearest("b", &known), None);
        assert_eq!(nearest("something", &known), None);
    }
}
