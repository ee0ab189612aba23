//! Rule files on disk: read and replaced whole, step by step down their folders, so that no symbolic link leads out of the workspace.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    os::fd::OwnedFd,
    path::Path,
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, fchmod, fsync, mkdirat, openat, renameat, statat, unlinkat},
    io::Errno,
};

use super::{RuleFile, digest_of};

/// Bytes of a file that are read.
const LARGEST: u64 = 1024 * 1024;

/// Why a file was not read or written.
#[derive(Debug, thiserror::Error)]
pub(in crate::admin) enum FileError {
    /// A link, a folder or a device stands there.
    #[error("`{0}` is no plain file; links are not followed")]
    NotPlain(String),
    /// Another name that differs in capital letters alone.
    #[error("`{0}` is there already, and some machines take both for one; choose another name")]
    Collides(String),
    /// It is not as it was thought to be.
    #[error("`{0}` was changed meanwhile")]
    Changed(String),
    /// More bytes than a rule has.
    #[error("`{0}` has more than {LARGEST} bytes")]
    TooLarge(String),
    /// The machine refused.
    #[error("`{path}`: {error}")]
    Failed {
        /// Which file or folder.
        path: String,
        /// What it said.
        error: io::Error,
    },
}

/// One file as it is to be.
#[derive(Debug, Clone)]
pub(in crate::admin) struct Change {
    pub(in crate::admin) file: RuleFile,
    /// What it was: nothing is written over another text. `None`: it was not there.
    pub(in crate::admin) was: Option<String>,
    /// `None`: it is deleted.
    pub(in crate::admin) text: Option<String>,
}

/// The bytes of a rule file. `None`: it is not there.
pub(in crate::admin) fn read(workspace: &Path, file: &RuleFile) -> Result<Option<Vec<u8>>, FileError> {
    let Some((folder, name)) = folder_of(workspace, file, false)? else { return Ok(None) };
    read_in(&folder, &name, file)
}

/// Makes these changes, each whole: the first that cannot be made ends it, and those before it are taken back.
pub(in crate::admin) fn write_all(workspace: &Path, changes: &[Change]) -> Result<(), FileError> {
    for (at, change) in changes.iter().enumerate() {
        if let Err(error) = write(workspace, change) {
            for done in changes.iter().take(at).rev() {
                let back = Change { file: done.file.clone(), was: done.text.clone(), text: done.was.clone() };
                if let Err(error) = write(workspace, &back) {
                    tracing::error!(file = %done.file, %error, "a change that was not finished cannot be taken back");
                }
            }
            return Err(error);
        }
    }
    Ok(())
}

fn write(workspace: &Path, change: &Change) -> Result<(), FileError> {
    let file = &change.file;
    let Some((folder, name)) = folder_of(workspace, file, change.text.is_some())? else {
        return if change.was.is_none() { Ok(()) } else { Err(FileError::Changed(file.path())) };
    };
    let failed = |errno: Errno| failed(file.path(), errno);
    let now = read_in(&folder, &name, file)?;
    let digest = |text: &String| digest_of(text.as_bytes());
    if now.as_deref().map(digest_of) != change.was.as_ref().map(digest) {
        return Err(FileError::Changed(file.path()));
    }
    let Some(text) = &change.text else {
        if now.is_some() {
            unlinkat(&folder, &name, AtFlags::empty()).map_err(failed)?;
        }
        return fsync(&folder).map_err(failed);
    };
    let rights = if now.is_some() {
        Mode::from_raw_mode(statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?.st_mode & 0o777)
    } else {
        refuse_collision(&folder, &name, &file.path())?;
        Mode::from_raw_mode(0o644)
    };
    // Hidden, so that nobody who reads the rules meanwhile takes it for one.
    let beside = format!(".bellwire-{}", random());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = openat(&folder, &beside, flags, Mode::from_raw_mode(0o600)).map_err(failed)?;
    let put = fill(made, text, rights).and_then(|()| Ok(renameat(&folder, &beside, &folder, &name)?));
    if let Err(error) = put {
        unlinkat(&folder, &beside, AtFlags::empty()).unwrap_or_default();
        return Err(FileError::Failed { path: file.path(), error });
    }
    fsync(&folder).map_err(failed)
}

fn fill(made: OwnedFd, text: &str, rights: Mode) -> io::Result<()> {
    let mut made = File::from(made);
    made.write_all(text.as_bytes())?;
    fchmod(&made, rights)?;
    made.sync_all()
}

/// The folder that holds a file, opened part by part without following links, and the file's name in it. `None`: a folder of its path is
/// not there, and is not to be made.
fn folder_of(workspace: &Path, file: &RuleFile, make: bool) -> Result<Option<(OwnedFd, String)>, FileError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // The workspace itself is named by whoever started us: it may be a link.
    let mut folder = rustix::fs::open(workspace, flags, Mode::empty())
        .map_err(|errno| failed(workspace.display().to_string(), errno))?;
    let (folders, name) = file.parts();
    let mut path = String::new();
    for part in folders {
        path = if path.is_empty() { part.to_owned() } else { format!("{path}/{part}") };
        let open = |folder: &OwnedFd| openat(folder, part, flags | OFlags::NOFOLLOW, Mode::empty());
        let found = match open(&folder) {
            Err(Errno::NOENT) if !make => return Ok(None),
            Err(Errno::NOENT) => {
                refuse_collision(&folder, part, &path)?;
                match mkdirat(&folder, part, Mode::from_raw_mode(0o755)) {
                    Ok(()) | Err(Errno::EXIST) => open(&folder),
                    Err(errno) => Err(errno),
                }
            }
            other => other,
        };
        folder = found.map_err(|errno| match errno {
            Errno::LOOP | Errno::NOTDIR => FileError::NotPlain(path.clone()),
            errno => failed(path.clone(), errno),
        })?;
    }
    Ok(Some((folder, name)))
}

fn read_in(folder: &OwnedFd, name: &str, file: &RuleFile) -> Result<Option<Vec<u8>>, FileError> {
    let failed = |error: io::Error| FileError::Failed { path: file.path(), error };
    // Asked first, since opening a pipe or a device is an act of its own.
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(failed(errno.into())),
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile => {
            return Err(FileError::NotPlain(file.path()));
        }
        Ok(_) => {}
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = match openat(folder, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err(FileError::NotPlain(file.path())),
        Err(errno) => return Err(failed(errno.into())),
        Ok(opened) => File::from(opened),
    };
    let mut bytes = Vec::new();
    opened.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err(FileError::TooLarge(file.path()));
    }
    Ok(Some(bytes))
}

/// Refuses a new name where another one differs in capital letters alone.
fn refuse_collision(folder: &OwnedFd, name: &str, path: &str) -> Result<(), FileError> {
    let entries = Dir::read_from(folder).map_err(|errno| failed(path.to_owned(), errno))?;
    for entry in entries.flatten() {
        let known = entry.file_name().to_string_lossy();
        if known.eq_ignore_ascii_case(name) && known != name {
            let above = path.strip_suffix(name).unwrap_or_default();
            return Err(FileError::Collides(format!("{above}{known}")));
        }
    }
    Ok(())
}

fn failed(path: String, errno: Errno) -> FileError {
    FileError::Failed { path, error: errno.into() }
}

/// Eight random bytes as text: a name that nobody else takes at the same time.
fn random() -> String {
    let mut bytes = [0_u8; 8];
    // Where the machine has no randomness the process's own number still tells two of them apart, and `EXCL` refuses the rest.
    if getrandom::fill(&mut bytes).is_err() {
        bytes = u64::from(std::process::id()).to_be_bytes();
    }
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn file(path: &str) -> RuleFile {
        RuleFile::known(path).unwrap()
    }

    fn change(path: &str, was: Option<&str>, text: Option<&str>) -> Change {
        Change { file: file(path), was: was.map(str::to_owned), text: text.map(str::to_owned) }
    }

    #[test]
    fn a_file_is_written_byte_for_byte_and_only_over_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let text = "\u{feff}name: x\r\n\r\n# no line end";
        write_all(at, &[change("rules/a/b.yaml", None, Some(text))]).unwrap();
        assert_eq!(fs::read(at.join("rules/a/b.yaml")).unwrap(), text.as_bytes());
        assert_eq!(read(at, &file("rules/a/b.yaml")).unwrap().unwrap(), text.as_bytes());
        for was in [None, Some("another")] {
            let refused = write_all(at, &[change("rules/a/b.yaml", was, Some("y"))]);
            assert!(matches!(refused, Err(FileError::Changed(_))), "{refused:?}");
        }
        fs::set_permissions(at.join("rules/a/b.yaml"), std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        write_all(at, &[change("rules/a/b.yaml", Some(text), Some("y"))]).unwrap();
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(at.join("rules/a/b.yaml")).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o640);
        assert_eq!(fs::read_dir(at.join("rules/a")).unwrap().count(), 1, "nothing is left beside it");
        write_all(at, &[change("rules/a/b.yaml", Some("y"), None)]).unwrap();
        assert!(read(at, &file("rules/a/b.yaml")).unwrap().is_none());
        assert!(read(at, &file("rules/nowhere/b.yaml")).unwrap().is_none());
    }

    #[test]
    fn links_are_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::write(outside.path().join("key.yaml"), "secret").unwrap();
        fs::create_dir_all(at.join("rules")).unwrap();
        symlink(outside.path().join("key.yaml"), at.join("rules/link.yaml")).unwrap();
        symlink(outside.path(), at.join("rules/out")).unwrap();
        for path in ["rules/link.yaml", "rules/out/key.yaml"] {
            assert!(matches!(read(at, &file(path)), Err(FileError::NotPlain(_))), "{path}");
            let refused = write_all(at, &[change(path, Some("secret"), Some("y"))]);
            assert!(matches!(refused, Err(FileError::NotPlain(_))), "{path}");
        }
        assert_eq!(fs::read_to_string(outside.path().join("key.yaml")).unwrap(), "secret");
        fs::remove_dir_all(at.join("rules")).unwrap();
        symlink(outside.path(), at.join("rules")).unwrap();
        assert!(write_all(at, &[change("rules/new.yaml", None, Some("y"))]).is_err());
        assert!(!outside.path().join("new.yaml").exists());
    }

    #[test]
    fn a_name_that_differs_in_capital_letters_alone_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::create_dir_all(at.join("rules/Calls")).unwrap();
        fs::write(at.join("rules/Missed.yaml"), "x").unwrap();
        for path in ["rules/missed.yaml", "rules/calls/a.yaml"] {
            let refused = write_all(at, &[change(path, None, Some("y"))]);
            assert!(matches!(refused, Err(FileError::Collides(_))), "{path}: {refused:?}");
        }
    }

    #[test]
    fn of_several_changes_either_all_are_made_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        write_all(at, &[change("rules/a.yaml", None, Some("1")), change("rules/b.yaml", None, Some("1"))]).unwrap();
        let all = [change("rules/a.yaml", Some("1"), Some("2")), change("rules/b.yaml", Some("other"), Some("2"))];
        assert!(write_all(at, &all).is_err());
        assert_eq!(fs::read_to_string(at.join("rules/a.yaml")).unwrap(), "1");
    }
}
