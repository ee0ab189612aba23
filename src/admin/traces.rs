//! Files of the workspace that name a person: captured deliveries, and what is meant for git.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::Value;

use crate::{config::Config, store::Needle};

/// Below the folder of the database: deliveries that `bellwire services capture` has kept.
const CAPTURES: &str = "captures";

/// Folders of the workspace with files that were perhaps made of what came.
const FOLDERS: [&str; 2] = ["rules", "templates"];
/// A file beyond this many bytes is no fixture and no sample.
const LARGEST: u64 = 32 << 20;

/// What the files tell of a person.
#[derive(Debug, Default, Serialize)]
pub struct Traces {
    /// Captured deliveries, which are deleted.
    pub captures: Vec<PathBuf>,
    /// Rules, fixtures, samples and templates: they are left as they are. Paths as seen from the workspace.
    pub files: Vec<PathBuf>,
}

impl Traces {
    /// Looks through the files. What cannot be read is passed over.
    pub fn of(config: &Config, email: &str) -> Self {
        let needle = Needle::of(email);
        let captures = captures(config).into_iter().filter(|file| capture_names(file, &needle));
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
    pub fn delete(&self) -> Result<(), (PathBuf, io::Error)> {
        for file in &self.captures {
            fs::remove_file(file).map_err(|error| (file.clone(), error))?;
        }
        Ok(())
    }

    /// Whether no file names the person.
    pub fn is_empty(&self) -> bool {
        self.captures.is_empty() && self.files.is_empty()
    }
}

/// All files of captures.
fn captures(config: &Config) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(config.data.dir.join(CAPTURES)) else { return Vec::new() };
    let is_capture = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "json");
    entries.flatten().map(|entry| entry.path()).filter(is_capture).collect()
}

/// Whether a capture names the person, in its body as it came too. `false` for what cannot be read.
fn capture_names(file: &Path, needle: &Needle) -> bool {
    let Ok(text) = fs::read(file) else { return false };
    let captured: Value = serde_json::from_slice(&text).unwrap_or_default();
    let body = captured.get("body").and_then(Value::as_str).map(|body| body.as_bytes().to_vec());
    let bytes = captured.get("base64").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
    needle.is_in(&text) || [body, bytes].into_iter().flatten().any(|body| needle.is_in(&body))
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
