//! Lists the files of the built-in packs and of the example rules, so that a new one needs no line of code.
#![expect(
    clippy::disallowed_methods,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "Cargo speaks to a build script by its environment, and the files are our own"
)]

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    println!("cargo::rerun-if-changed=src/build.rs");
    list(&root, "templates/services", &out.join("builtin_packs.rs"))?;
    list(&root, "rules", &out.join("example_rules.rs"))
}

/// Writes the list of what stands below a folder: names and texts.
fn list(root: &Path, name: &str, into: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    collect(&root.join(name), name, &mut files)?;
    files.sort();
    let line =
        |(name, path): &(String, PathBuf)| format!("({name:?}, include_str!({:?})),\n", path.display().to_string());
    let list: String = files.iter().map(line).collect();
    fs::write(into, format!("&[\n{list}]"))
}

/// Every YAML and JSON file below `folder`, named from the workspace's top.
fn collect(folder: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let own = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &own, files)?;
        } else if own.ends_with(".yaml") || own.ends_with(".json") {
            files.push((own, entry.path()));
        }
    }
    Ok(())
}
