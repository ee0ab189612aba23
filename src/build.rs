//! Lists the files of the built-in packs, so that a new one needs no line of code.
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
    let folder = root.join("templates/services");
    println!("cargo::rerun-if-changed=src/build.rs");
    println!("cargo::rerun-if-changed=templates/services");
    let mut files = Vec::new();
    collect(&folder, "templates/services", &mut files)?;
    files.sort();
    let line =
        |(name, path): &(String, PathBuf)| format!("({name:?}, include_str!({:?})),\n", path.display().to_string());
    let list: String = files.iter().map(line).collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("builtin_packs.rs"), format!("&[\n{list}]"))
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
