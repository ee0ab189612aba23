//! The rules that come with Bellwire, to begin a rule of one's own with.

use crate::value::{YamlLimits, read_yaml};

/// Paths from the top of the repository, with the texts.
pub(super) const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/example_rules.rs"));

/// A rule that comes with Bellwire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin) struct Example {
    /// Its id: `calls/missed`.
    pub(in crate::admin) id: &'static str,
    /// For people.
    pub(in crate::admin) name: String,
    /// What it listens to, as it is written.
    pub(in crate::admin) on: String,
    pub(in crate::admin) text: &'static str,
}

fn of_file((path, text): &(&'static str, &'static str)) -> Option<Example> {
    let id = path.strip_prefix("rules/")?.strip_suffix(".yaml")?;
    let value = read_yaml(text, YamlLimits::default()).ok()?.value;
    let name = value.get("name")?.as_str()?.to_owned();
    let on = match value.get("on")? {
        serde_json::Value::String(kind) => kind.clone(),
        serde_json::Value::Array(kinds) => {
            kinds.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(", ")
        }
        serde_json::Value::Object(map) => map.keys().next().cloned().unwrap_or_default(),
        other => other.to_string(),
    };
    // Fixtures stand beside a rule; an example is one file.
    (!text.contains("fixture:")).then_some(Example { id, name, on, text })
}

/// All of them, in the order of their ids.
pub(in crate::admin) fn examples() -> Vec<Example> {
    FILES.iter().filter_map(of_file).collect()
}

/// One of them.
pub(in crate::admin) fn example(id: &str) -> Option<Example> {
    let path = format!("rules/{id}.yaml");
    FILES.iter().find(|(known, _)| *known == path).and_then(of_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_of_all_is_among_them() {
        assert!(examples().len() > 20);
        let missed = example("calls/missed").unwrap();
        assert_eq!(missed.on, "gruveo.call");
        assert!(example("../rules/calls/missed").is_none());
    }
}
