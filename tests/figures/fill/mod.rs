//! A database with millions of events and runs, made quickly: some hundred real ones, copied back through time by the database itself.

mod around;
mod copies;
mod patterns;

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// Where the database of so many events is, or will be.
pub(crate) fn folder_of(events: usize) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("target/filled-{events}"))
}

/// The file of a filled workspace.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("data/bellwire.db")
}

pub(crate) use patterns::write_settings;

/// A workspace with `events` events and as many runs; made once, and used again.
pub(crate) async fn workspace(events: usize) -> PathBuf {
    let folder = folder_of(events);
    if folder.join("ready").exists() {
        println!("  {} is there already", folder.display());
        return folder;
    }
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).unwrap();
    let began = Instant::now();
    patterns::make(&folder).await;
    let file = database(&folder);
    tokio::task::spawn_blocking(move || copies::make(&file, events)).await.unwrap();
    std::fs::write(folder.join("ready"), "").unwrap();
    println!(
        "  {events} events in {:.0} s and {:.1} GB in {}",
        began.elapsed().as_secs_f64(),
        std::fs::metadata(database(&folder)).unwrap().len() as f64 / 1e9,
        folder.display()
    );
    folder
}
