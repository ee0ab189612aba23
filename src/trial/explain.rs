//! What a rule says to a stored event, with all the time that a person has.

use std::time::Duration;

use crate::{
    matcher::{self, Explanation, Subject},
    rules::Rule,
    value::Object,
};

/// Time for one rule: a slow one shall be seen with its values rather than as out of time.
const TIME: Duration = Duration::from_secs(2);

/// The truth table of one rule on a stored event. `vars` are those of `[vars]`.
pub fn explain_rule(rule: &Rule, subject: &Subject, vars: &Object) -> Explanation {
    matcher::explain(rule, subject, vars, TIME)
}
