//! Tells when the texts of a workspace have changed: by the system's notices, and by looking now and then where there are none.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::watch;

use super::{Digest, Loaded, load};

/// How long the folder must be quiet before it is read: a save is several writes, a `git pull` many files.
const QUIET: Duration = Duration::from_millis(200);
/// How long a folder that is never quiet goes unread at most.
const LONGEST: Duration = Duration::from_secs(1);
/// How often a folder is read where the system gives no notices (network drives, containers).
const LOOK: Duration = Duration::from_millis(800);
/// How often it is read beside notices, in case one was lost.
const LOOK_BESIDE: Duration = Duration::from_secs(30);

/// A workspace that is watched until this is dropped.
#[derive(Debug)]
pub struct Watch {
    /// The digest of the texts as they last were. A new value is sent only when it differs.
    pub digest: watch::Receiver<Digest>,
    stop: mpsc::Sender<Notice>,
}

enum Notice {
    Changed,
    Stop,
}

impl Drop for Watch {
    fn drop(&mut self) {
        // A watcher that has ended by itself needs no word.
        drop(self.stop.send(Notice::Stop));
    }
}

/// Watches `rules` and `templates` below `workspace` from now on. `seen` is the digest of the texts that are in force; `changed` is
/// called on a thread of its own with texts that differ from those it last got, findings of reading included.
pub fn watch(workspace: &Path, seen: Digest, changed: impl FnMut(Loaded) + Send + 'static) -> std::io::Result<Watch> {
    let (notices, received) = mpsc::channel();
    let (digests, digest) = watch::channel(seen);
    let workspace = workspace.to_owned();
    let stop = notices.clone();
    thread::Builder::new().name("bellwire-watch".to_owned()).spawn(move || {
        let watcher = system_watcher(&workspace, notices);
        let look = if watcher.is_some() { LOOK_BESIDE } else { LOOK };
        run(&workspace, look, &received, &digests, changed);
        drop(watcher);
    })?;
    Ok(Watch { digest, stop })
}

/// The system's notices. `None` where it gives none.
fn system_watcher(workspace: &Path, notices: mpsc::Sender<Notice>) -> Option<RecommendedWatcher> {
    let tell = move |event: notify::Result<notify::Event>| {
        // Reading a file is a notice too, and must not lead to reading.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            drop(notices.send(Notice::Changed));
        }
    };
    let mut watcher = notify::recommended_watcher(tell).ok()?;
    // A folder that is not there yet cannot be watched: the workspace is then looked at instead.
    let folders: Vec<PathBuf> = ["rules", "templates"].iter().map(|name| workspace.join(name)).collect();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        watcher.watch(folder, RecursiveMode::Recursive).ok()?;
    }
    folders.iter().all(|folder| folder.is_dir()).then_some(watcher)
}

fn run(
    workspace: &Path,
    look: Duration,
    notices: &mpsc::Receiver<Notice>,
    digests: &watch::Sender<Digest>,
    mut changed: impl FnMut(Loaded),
) {
    let mut findings = 0;
    loop {
        match notices.recv_timeout(look) {
            Ok(Notice::Changed) => {
                if !quiet(notices) {
                    return;
                }
            }
            Ok(Notice::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let loaded = load(workspace);
        let digest = loaded.texts.digest();
        // A file that cannot be read changes no text, and must still be told.
        if digest == *digests.borrow() && loaded.findings.len() == findings {
            continue;
        }
        findings = loaded.findings.len();
        changed(loaded);
        digests.send_replace(digest);
    }
}

/// Waits until no notice has come for a while. False at the end of watching.
fn quiet(notices: &mpsc::Receiver<Notice>) -> bool {
    let began = Instant::now();
    while began.elapsed() < LONGEST {
        match notices.recv_timeout(QUIET) {
            Ok(Notice::Changed) => {}
            Ok(Notice::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => return true,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn wait(received: &mpsc::Receiver<Loaded>) -> Option<Loaded> {
        received.recv_timeout(Duration::from_secs(10)).ok()
    }

    #[test]
    fn a_change_is_told_once_and_a_touch_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules");
        fs::create_dir_all(&rules).unwrap();
        fs::create_dir_all(folder.path().join("templates")).unwrap();
        fs::write(rules.join("a.yaml"), "name: a").unwrap();
        let seen = load(folder.path()).texts.digest();
        let (tell, told) = mpsc::channel();
        let watch = watch(folder.path(), seen, move |loaded| tell.send(loaded).unwrap()).unwrap();
        thread::sleep(Duration::from_millis(300));
        fs::write(rules.join("a.yaml"), "name: a").unwrap();
        assert!(told.recv_timeout(Duration::from_millis(900)).is_err(), "the same bytes are no change");
        fs::write(rules.join("a.yaml"), "name: b").unwrap();
        fs::write(rules.join("c.yaml"), "name: c").unwrap();
        let loaded = wait(&told).unwrap();
        assert_eq!(loaded.texts.0.len(), 2);
        assert!(told.recv_timeout(Duration::from_millis(500)).is_err(), "both writes are one change");
        assert_eq!(*watch.digest.borrow(), loaded.texts.digest());
        fs::remove_file(rules.join("c.yaml")).unwrap();
        assert_eq!(wait(&told).unwrap().texts.0.len(), 1);
    }

    #[test]
    fn a_folder_made_later_is_found_by_looking() {
        let folder = tempfile::tempdir().unwrap();
        let (tell, told) = mpsc::channel();
        let seen = load(folder.path()).texts.digest();
        let _watch = watch(folder.path(), seen, move |loaded| tell.send(loaded).unwrap()).unwrap();
        fs::create_dir_all(folder.path().join("rules")).unwrap();
        fs::write(folder.path().join("rules/a.yaml"), "name: a").unwrap();
        assert_eq!(wait(&told).unwrap().texts.0.len(), 1);
    }
}
