//! Files of the workspace that name a person: captured deliveries, and what is meant for git.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    cli::{failure::Failure, services},
    config::Config,
    store::Needle,
};

/// Folders of the workspace with files that were perhaps made of what came.
const FOLDERS: [&str; 2] = ["rules", "templates"];
/// A file beyond this many bytes is no fixture and no sample.
const LARGEST: u64 = 32 << 20;

/// What the files tell of a person.
#[derive(Debug, Default, Serialize)]
pub(super) struct Traces {
    /// Captured deliveries, which are deleted.
    pub(super) captures: Vec<PathBuf>,
    /// Rules, fixtures, samples and templates: they are left as they are. Paths as seen from the workspace.
    pub(super) files: Vec<PathBuf>,
}

impl Traces {
    /// Looks through the files. What cannot be read is passed over.
    pub(super) fn of(config: &Config, email: &str) -> Self {
        let needle = Needle::of(email);
        let captures = services::captures(config).into_iter().filter(|file| services::capture_names(file, &needle));
        let mut files = Vec::new();
        for folder in FOLDERS {
            naming(&config.workspace.join(folder), &needle, &mut files);
        }
        let within = |file: PathBuf| file.strip_prefix(&config.workspace).map(Path::to_owned).unwrap_or(file);
        let mut files: Vec<PathBuf> = files.into_iter().map(within).collect();
        files.sort();
        Self { captures: captures.collect(), files }
    }

    /// Deletes the captures.
    pub(super) fn delete(&self) -> Result<(), Failure> {
        for file in &self.captures {
            let failed = |error| Failure::No(format!("{} cannot be deleted: {error}", file.display()));
            fs::remove_file(file).map_err(failed)?;
        }
        Ok(())
    }

    /// Whether no file names the person.
    pub(super) fn is_empty(&self) -> bool {
        self.captures.is_empty() && self.files.is_empty()
    }
}

/// Files below a folder that name the person. Links are not followed.
fn naming(folder: &Path, needle: &Needle, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(about) = entry.metadata() else { continue };
        if about.is_dir() {
            naming(&entry.path(), needle, found);
        } else if about.is_file()
            && about.len() <= LARGEST
            && fs::read(entry.path()).is_ok_and(|text| needle.is_in(&text))
        {
            found.push(entry.path());
        }
    }
}
