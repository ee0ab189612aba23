//! A manual event: what a person or a call of the API gives to a rule. CONTRACT STUB

use super::Fresh;
use crate::rules::Rule;

/// The event of a rule with `on: manual`, its inputs checked and turned to their types. `Err` holds a sentence for each wrong input.
pub fn manual(rule: &Rule, inputs: &[(String, String)]) -> Result<Fresh, Vec<String>> {
    let _ = inputs;
    Err(vec![format!("manual events of {} are not built", rule.id)])
}
