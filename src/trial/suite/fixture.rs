//! Files that tests name: JSON beside the rule, never outside of the workspace.

use std::{
    fs,
    io::Read as _,
    path::{Component, Path, PathBuf},
};

use crate::value::{JsonLimits, Value, read_json};

/// Bytes of a fixture at most.
const LARGEST: u64 = 1024 * 1024;

/// Where fixtures may lie: the workspace also holds the database and its key.
const FOLDERS: [&str; 2] = ["rules", "templates"];

/// The JSON of the file `name`, as seen from the folder of the rule file `rule` (or from `fixtures` in that folder). `Err` is one
/// sentence and the way out.
pub(super) fn read(workspace: &Path, rule: &str, name: &str) -> Result<Value, (String, String)> {
    let no = |why: String, help: &str| Err((why, help.to_owned()));
    let shown = crate::rules::shortened(name);
    let folder = rule.rsplit_once('/').map_or("", |(folder, _)| folder);
    let Some(below) = below(folder, name) else {
        let why = format!("the file `{shown}` lies outside of the workspace");
        return no(why, "put it into the folder `fixtures` beside the rule");
    };
    let beside = below.parent().map(|parent| parent.join("fixtures").join(below.file_name().unwrap_or_default()));
    let found = [Some(below.clone()), beside]
        .into_iter()
        .flatten()
        .map(|path| workspace.join(path))
        .find(|path| path.is_file());
    let Some(path) = found else {
        return no(format!("there is no file `{}`", below.display()), "fixtures are named from the folder of the rule");
    };
    // A link may lead anywhere, whatever its name says.
    let real = |path: &Path| fs::canonicalize(path).ok();
    let folders: Vec<PathBuf> = FOLDERS.iter().filter_map(|folder| real(&workspace.join(folder))).collect();
    match real(&path) {
        Some(file) if folders.iter().any(|folder| file.starts_with(folder)) => {}
        _ => {
            let why = format!("the file `{shown}` lies outside of rules/ and templates/");
            return no(why, "put the file itself into the folder `fixtures` beside the rule");
        }
    }
    let mut bytes = Vec::new();
    let took = fs::File::open(&path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    if let Err(error) = took {
        return no(format!("the file `{shown}` cannot be read: {error}"), "");
    }
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
        return no(format!("the file `{shown}` has more than {LARGEST} bytes"), "");
    }
    match read_json(&bytes, JsonLimits::default()) {
        Ok(parsed) => Ok(parsed.value),
        Err(error) => no(format!("the file `{shown}`: {error}"), ""),
    }
}

/// The path below the workspace. `None` where it leads out of it.
fn below(folder: &str, name: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in Path::new(folder).components().chain(Path::new(name).components()) {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!name.is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fixtures_are_found_beside_the_rule_and_nowhere_outside() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("w");
        fs::create_dir_all(workspace.join("rules/calls/fixtures")).unwrap();
        fs::write(workspace.join("rules/calls/fixtures/a.json"), r#"{"a": 1}"#).unwrap();
        fs::write(workspace.join("rules/calls/fixtures/bad.json"), "{").unwrap();
        fs::write(folder.path().join("secret.json"), r#"{"b": 1}"#).unwrap();
        fs::create_dir_all(workspace.join("data")).unwrap();
        fs::write(workspace.join("data/own.json"), r#"{"b": 1}"#).unwrap();
        let of = |name: &str| read(&workspace, "rules/calls/missed.yaml", name);
        for name in ["fixtures/a.json", "a.json", "./fixtures/a.json", "../calls/fixtures/a.json"] {
            assert_eq!(of(name), Ok(json!({"a": 1})), "{name}");
        }
        for (name, why) in [
            ("b.json", "there is no file"),
            ("bad.json", "JSON"),
            ("../../../secret.json", "outside"),
            ("../../data/own.json", "outside"),
            ("/etc/passwd", "outside"),
            ("", "outside"),
            ("../../../../../../../../etc/passwd", "outside"),
        ] {
            let said = of(name).unwrap_err().0;
            assert!(said.contains(why) || why == "JSON", "{name}: {said}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_link_out_of_the_workspace_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("w");
        fs::create_dir_all(workspace.join("rules")).unwrap();
        fs::write(folder.path().join("secret.json"), "{}").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret.json"), workspace.join("rules/link.json")).unwrap();
        assert!(read(&workspace, "rules/a.yaml", "link.json").unwrap_err().0.contains("outside"));
    }
}
