//! Reads the texts of a workspace from its folder.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
};

use super::{Texts, codes};
use crate::model::{Finding, Place};

/// Files of a workspace.
const FILES: usize = 10_000;
/// Bytes of all of them.
const BYTES: usize = 64 * 1024 * 1024;
/// Bytes of one template or pack; a rule is held to 256 KiB when it is read.
const FILE_BYTES: usize = 1024 * 1024;
/// Levels of folders.
const DEPTH: usize = 16;

/// What loading a workspace gave.
#[derive(Debug)]
pub struct Loaded {
    /// What could be read.
    pub texts: Texts,
    /// What could not.
    pub findings: Vec<Finding>,
}

/// Reads `rules/**/*.yaml` (and `.yml`) and `templates/**` below `workspace`. Hidden files are skipped, symbolic links are not
/// followed. A missing folder is an empty one.
pub fn load(workspace: &Path) -> Loaded {
    let mut loader = Loader { texts: BTreeMap::new(), findings: Vec::new(), bytes: 0, full: false };
    for folder in ["rules", "templates"] {
        loader.folder(&workspace.join(folder), folder, 0);
    }
    loader.findings.sort_by(|left, right| left.order().cmp(&right.order()));
    Loaded { texts: Texts(Arc::new(loader.texts)), findings: loader.findings }
}

struct Loader {
    texts: BTreeMap<String, String>,
    findings: Vec<Finding>,
    bytes: usize,
    full: bool,
}

impl Loader {
    fn refuse(&mut self, code: &'static str, name: &str, message: impl Into<String>, help: &str) {
        self.findings.push(Finding::error(code, name, Place::default(), message).help(help));
    }

    fn folder(&mut self, path: &Path, name: &str, depth: usize) {
        if depth > DEPTH {
            return self.refuse(codes::FILE_NAME, name, format!("folders deeper than {DEPTH} levels"), "");
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound && depth == 0 => return,
            Err(error) => return self.refuse(codes::UNREADABLE, name, format!("cannot be read: {error}"), ""),
        };
        for entry in entries {
            if self.full {
                return;
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.refuse(codes::UNREADABLE, name, format!("cannot be read: {error}"), ""),
            };
            let file = entry.file_name();
            let Some(file) = file.to_str() else {
                let message = format!("the name {} is not UTF-8", file.display());
                self.refuse(codes::FILE_NAME, name, message, "rename the file");
                continue;
            };
            // Also what editors and git leave: `.x.yaml.swp`, `x.yaml~`.
            if file.starts_with('.') || file.ends_with('~') {
                continue;
            }
            self.entry(&entry, &format!("{name}/{file}"), depth);
        }
    }

    fn entry(&mut self, entry: &fs::DirEntry, name: &str, depth: usize) {
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            // Gone between two looks: an editor that saves by renaming.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.refuse(codes::UNREADABLE, name, format!("cannot be read: {error}"), ""),
        };
        if kind.is_symlink() {
            return self.refuse(codes::UNREADABLE, name, "symbolic links are not followed", "put the file itself here");
        }
        if name.chars().any(char::is_control) || name.contains('\\') || name.len() > 512 {
            return self.refuse(codes::FILE_NAME, name, "this name cannot be taken", "rename the file");
        }
        if kind.is_dir() {
            return self.folder(&entry.path(), name, depth + 1);
        }
        if kind.is_file() && is_wanted(name) {
            self.file(&entry.path(), name);
        }
    }

    fn file(&mut self, path: &Path, name: &str) {
        let bytes = match read(path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let message = format!("more than {FILE_BYTES} bytes");
                return self.refuse(codes::FILE_SIZE, name, message, "split it into several files");
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.refuse(codes::UNREADABLE, name, format!("cannot be read: {error}"), ""),
        };
        if self.texts.len() >= FILES || self.bytes + bytes.len() > BYTES {
            self.full = true;
            let message = format!("more than {FILES} files or {BYTES} bytes of rules and templates");
            return self.refuse(codes::TOO_MANY_FILES, name, message, "what comes after this file is not read");
        }
        self.bytes += bytes.len();
        match String::from_utf8(bytes) {
            Ok(text) => {
                self.texts.insert(name.to_owned(), text);
            }
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let line = error.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
                let place = Place { line: u32::try_from(line).unwrap_or(u32::MAX), column: 0 };
                let finding = Finding::error(codes::UNREADABLE, name, place, "the file is not UTF-8");
                self.findings.push(finding.help("save it as UTF-8"));
            }
        }
    }
}

/// Whether a file belongs to the rule set: rules, templates, packs with their schemas and samples. Fixtures of tests do not.
fn is_wanted(name: &str) -> bool {
    if name.starts_with("templates/") {
        return [".liquid", ".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending));
    }
    [".yaml", ".yml"].iter().any(|ending| name.ends_with(ending))
}

/// The bytes of a file. `None` where there are too many.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(FILE_BYTES).unwrap_or(u64::MAX);
    fs::File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= FILE_BYTES).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, bytes: &[u8]) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn rules_and_templates_are_read_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        write(at, "rules/calls/missed.yaml", b"name: x");
        write(at, "rules/b.yml", b"name: y");
        write(at, "rules/README.md", b"#");
        write(at, "rules/.hidden.yaml", b"x");
        write(at, "rules/calls/fixtures/a.json", b"{}");
        write(at, "templates/notes/a.liquid", b"hello");
        write(at, "templates/services/own.yaml", b"name: own");
        write(at, "data/x.yaml", b"x");
        let loaded = load(at);
        assert_eq!(loaded.findings, []);
        let names: Vec<&str> = loaded.texts.0.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["rules/b.yml", "rules/calls/missed.yaml", "templates/notes/a.liquid", "templates/services/own.yaml"]
        );
        assert!(load(&at.join("nowhere")).texts.0.is_empty());
    }

    #[test]
    #[cfg(unix)]
    fn links_and_bytes_that_are_no_text_are_findings() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        write(at, "rules/a.yaml", b"name: a\nx: \xff\n");
        write(at, "outside.yaml", b"name: x");
        std::os::unix::fs::symlink(at.join("outside.yaml"), at.join("rules/link.yaml")).unwrap();
        std::os::unix::fs::symlink("/", at.join("rules/root")).unwrap();
        let loaded = load(at);
        assert!(loaded.texts.0.is_empty());
        let found: Vec<(&str, &str, u32)> =
            loaded.findings.iter().map(|f| (f.code, f.file.as_str(), f.place.line)).collect();
        assert_eq!(found, [("R014", "rules/a.yaml", 2), ("R014", "rules/link.yaml", 0), ("R014", "rules/root", 0)]);
    }
}
