//! Names of rule files: which one may be written, and what it is called.

use std::fmt;

/// Bytes of an id at most.
const LONGEST: usize = 200;

/// Names that some machine cannot hold as a file, whatever its ending.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];

/// A rule file that may be read and written: its path holds nothing that leads elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::admin) struct RuleFile {
    id: String,
    ending: &'static str,
}

impl RuleFile {
    /// A file by its path from the workspace, `rules/calls/missed.yaml`, as it may stand there already. `Err` is one sentence.
    pub(in crate::admin) fn known(path: &str) -> Result<Self, String> {
        let shown = || shown(path);
        let inner = path.strip_prefix("rules/").ok_or_else(|| format!("`{}` is no file in rules/", shown()))?;
        let (id, ending) = if let Some(id) = inner.strip_suffix(".yaml") {
            (id, ".yaml")
        } else if let Some(id) = inner.strip_suffix(".yml") {
            (id, ".yml")
        } else {
            return Err(format!("`{}` is no rule file: its name ends with .yaml", shown()));
        };
        if id.len() > LONGEST || !id.split('/').all(is_part) || id.split('/').any(|part| part == "fixtures") {
            return Err(format!(
                "`{}` cannot be the name of a rule: letters, digits, `_` and `-` in each part of its path, {LONGEST} characters at most",
                shown()
            ));
        }
        Ok(Self { id: id.to_owned(), ending })
    }

    /// The fixture of a test, `rules/calls/fixtures/missed.json`. `Err` is one sentence.
    pub(in crate::admin) fn fixture(path: &str) -> Result<Self, String> {
        let id = path.strip_prefix("rules/").and_then(|inner| inner.strip_suffix(".json"));
        let id = id.ok_or_else(|| format!("`{}` is no fixture: rules/fixtures/NAME.json", shown(path)))?;
        let is_beside = id.rsplit('/').nth(1) == Some("fixtures");
        if id.len() > LONGEST || !is_beside || !id.split('/').all(is_part) {
            return Err(format!("`{}` cannot be the name of a fixture", shown(path)));
        }
        Ok(Self { id: id.to_owned(), ending: ".json" })
    }

    /// A file that is to be made: the same in lower case, with a name that every machine can hold.
    pub(in crate::admin) fn fresh(path: &str) -> Result<Self, String> {
        let file = Self::known(path)?;
        if file.id.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(format!("`{}` has capital letters: some machines take them for small ones", shown(path)));
        }
        if let Some(part) = file.id.split('/').find(|part| is_reserved(part)) {
            return Err(format!("`{part}` is a name that some machines keep for themselves; choose another"));
        }
        if file.ending != ".yaml" {
            return Err(format!("write the file as `rules/{}.yaml`", file.id));
        }
        Ok(file)
    }

    /// A file that is to be made, by the id of its rule.
    pub(in crate::admin) fn fresh_id(id: &str) -> Result<Self, String> {
        Self::fresh(&format!("rules/{id}.yaml"))
    }

    /// The rule's id: `calls/missed`.
    pub(in crate::admin) fn id(&self) -> &str {
        &self.id
    }

    /// From the workspace: `rules/calls/missed.yaml`.
    pub(in crate::admin) fn path(&self) -> String {
        format!("rules/{}{}", self.id, self.ending)
    }

    /// The folders from the workspace on, and the name of the file in the last of them.
    pub(super) fn parts(&self) -> (Vec<&str>, String) {
        let mut folders = vec!["rules"];
        let (inner, name) = self.id.rsplit_once('/').map_or(("", self.id.as_str()), |(inner, name)| (inner, name));
        folders.extend(inner.split('/').filter(|part| !part.is_empty()));
        (folders, format!("{name}{}", self.ending))
    }
}

impl fmt::Display for RuleFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rules/{}{}", self.id, self.ending)
    }
}

fn is_reserved(part: &str) -> bool {
    let numbered = |word: &str| {
        part.strip_prefix(word).is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    RESERVED.contains(&part) || numbered("com") || numbered("lpt")
}

/// A part of a path that every machine takes as it is.
fn is_part(part: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    part.starts_with(|first: char| first.is_ascii_alphanumeric()) && part.bytes().all(sign)
}

/// A path of a person in a sentence: short, in one line.
fn shown(path: &str) -> String {
    let cut: String = path.chars().take(120).collect();
    cut.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_stay_inside_of_rules_are_names_of_rule_files() {
        for path in [
            "../x.yaml",
            "rules/../x.yaml",
            "rules/../../etc/passwd",
            "rules/.git/config",
            "rules/.hidden.yaml",
            "rules//x.yaml",
            "rules/a/.yaml",
            "rules/x.json",
            "/rules/x.yaml",
            "rules/x\n.yaml",
            "rules/a b.yaml",
            "rules/é.yaml",
            "rules/e\u{301}.yaml",
            "rules/a\\b.yaml",
            "rules/a\0.yaml",
            "rules/-x.yaml",
            "rules/fixtures/x.yaml",
            "templates/x.yaml",
            "",
        ] {
            assert!(RuleFile::known(path).is_err(), "{path:?}");
        }
        assert!(RuleFile::known(&format!("rules/{}.yaml", "a".repeat(201))).is_err());
        assert!(RuleFile::known(&format!("rules/{}.yaml", "a".repeat(200))).is_ok());
    }

    #[test]
    fn a_new_file_has_a_name_that_every_machine_can_hold() {
        for path in [
            "rules/CON.yaml",
            "rules/con.yaml",
            "rules/a/nul.yaml",
            "rules/com1.yaml",
            "rules/Calls/x.yaml",
            "rules/x.yml",
        ] {
            assert!(RuleFile::fresh(path).is_err(), "{path}");
        }
        let file = RuleFile::fresh("rules/calls/missed-2.yaml").unwrap();
        assert_eq!((file.id(), file.path().as_str()), ("calls/missed-2", "rules/calls/missed-2.yaml"));
        assert_eq!(file.parts(), (vec!["rules", "calls"], "missed-2.yaml".to_owned()));
        assert!(RuleFile::fresh_id("console/communication").is_ok());
    }
}
