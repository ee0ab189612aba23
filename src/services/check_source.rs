//! From `verify` of a source in `bellwire.toml` to a scheme that holds together.

use super::{
    Challenge, Verify, check_challenge,
    check_verify::{self, Names},
    presets,
    raw::File,
};
use crate::value::Value;

/// The name of a generic source's secret, where a descriptor names none.
const SECRET: &str = "secret";

/// Reads `verify`: a preset's name, or a map as in a pack, which may hold a `challenge` too. `Err` is what is wrong, a sentence each.
pub(super) fn proof(written: &Value) -> Result<(Verify, Option<Challenge>), Vec<String>> {
    let mut map = match written {
        Value::Object(map) => map.clone(),
        preset => [("preset".to_owned(), preset.clone())].into_iter().collect(),
    };
    let challenge = map.shift_remove("challenge");
    let verify = read(&Value::Object(map.clone()), |node| check_verify::verify(node, Names { secret: Some(SECRET) }))?;
    let challenge = match challenge {
        Some(written) => Some(read(&written, check_challenge::challenge)?),
        None => map.get("preset").and_then(Value::as_str).and_then(presets::challenge),
    };
    Ok((verify, challenge))
}

/// What a reader of packs makes of a value that stands in no file of its own.
fn read<T>(value: &Value, read: impl Fn(&crate::services::raw::Node<'_>) -> Option<T>) -> Result<T, Vec<String>> {
    let said = |findings: Vec<crate::model::Finding>| -> Vec<String> {
        let one = |finding: crate::model::Finding| match finding.help.as_str() {
            "" => finding.message,
            help => format!("{}; {help}", finding.message),
        };
        findings.into_iter().map(one).collect()
    };
    let file = File::read("bellwire.toml", &value.to_string()).map_err(said)?;
    let made = read(&file.top());
    let findings = file.into_findings();
    match made {
        Some(made) if findings.is_empty() => Ok(made),
        _ if findings.is_empty() => Err(vec!["this is not a whole scheme".to_owned()]),
        _ => Err(said(findings)),
    }
}
