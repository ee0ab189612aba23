//! What the store must ask of its own memory before a run starts. CONTRACT STUB

use crate::{clock::Time, matcher::Keys, rules::Rule, store::Gates};

/// The gates of a rule that matched: keys cut to digests, durations and ends as instants.
pub fn gates(rule: &Rule, keys: &Keys, now: Time) -> Gates {
    let _ = (rule, keys, now);
    Gates::default()
}
