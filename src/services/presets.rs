//! Schemes by name: how well-known services sign, compiled in as data.

use std::{collections::BTreeMap, sync::LazyLock};

use super::{
    Challenge, Verify, check_challenge,
    check_verify::{self, Names},
    raw::File,
};
use crate::model::Finding;

/// The table, with the page that each scheme is taken from.
const TEXT: &str = include_str!("presets.yaml");

/// The name of the secret that a preset is read with; whoever uses it sets their own.
const SECRET: &str = "secret";

/// Schemes and the handshakes that go with them, by name.
type Presets = BTreeMap<String, (Verify, Option<Challenge>)>;

static PRESETS: LazyLock<Presets> = LazyLock::new(|| read().unwrap_or_default());

/// The table as it is written. `Err` holds what is wrong with it, which a test rules out.
fn read() -> Result<Presets, Vec<Finding>> {
    let file = File::read("presets.yaml", TEXT)?;
    let mut presets = BTreeMap::new();
    for (name, node) in file.top().entries() {
        node.keys(&["docs", "verify", "challenge"]);
        let verify = node.want("verify").and_then(|node| check_verify::verify(&node, Names { secret: Some(SECRET) }));
        let challenge = node.get("challenge").and_then(|node| check_challenge::challenge(&node));
        if let Some(verify) = verify {
            presets.insert(name, (verify, challenge));
        }
    }
    let findings = file.into_findings();
    if findings.is_empty() { Ok(presets) } else { Err(findings) }
}

/// The names of all, in order.
pub fn names() -> Vec<&'static str> {
    PRESETS.keys().map(String::as_str).collect()
}

/// The scheme of a name; its secret is called `secret`. `None`: there is none of this name.
pub(super) fn verify(name: &str) -> Option<Verify> {
    PRESETS.get(name).map(|(verify, _)| verify.clone())
}

/// The handshake that goes with it.
pub(super) fn challenge(name: &str) -> Option<Challenge> {
    PRESETS.get(name).and_then(|(_, challenge)| challenge.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_and_holds_every_preset() {
        assert_eq!(read().map(|presets| presets.len()).map_err(|found| format!("{found:?}")), Ok(PRESETS.len()));
        for name in [
            "github",
            "gitlab",
            "stripe",
            "slack",
            "shopify",
            "standard-webhooks",
            "twilio",
            "zendesk",
            "intercom",
            "calendly",
            "typeform",
            "linear",
            "pagerduty",
            "sentry",
            "generic",
        ] {
            assert!(verify(name).is_some(), "{name}");
        }
    }
}
