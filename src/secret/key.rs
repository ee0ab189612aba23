//! The key that seals secrets in the database, and the file it lives in.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Secret;

/// Bytes of a key of XChaCha20-Poly1305.
const KEY: usize = 32;
/// Bytes of its nonce; long enough to be random for ever (draft-irtf-cfrg-xchacha, section 3.1).
const NONCE: usize = 24;
/// Bytes of the key's id in front of each sealed value.
const ID: usize = 4;
/// The only form of a sealed value there is: this byte, key id, nonce, ciphertext with its tag.
const VERSION: u8 = 1;
/// Bytes of a key file that are read; a key takes 65 of them.
const FILE_LIMIT: u64 = 1024;

/// The key that seals secrets in the database: a file of mode 0600, never in a backup.
#[derive(Clone)]
pub struct SealingKey {
    key: Zeroizing<[u8; KEY]>,
    id: [u8; ID],
}

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key file cannot be read or made, or is not one.
    #[error("key file {path}: {why}")]
    KeyFile {
        /// The file.
        path: String,
        /// What is wrong with it, and the way out.
        why: String,
    },
    /// Sealed with another key.
    #[error(
        "sealed with another key ({found}) than the one in the key file ({wanted}); put that key file back, or set the secret again"
    )]
    OtherKey {
        /// Id of the key it was sealed with.
        found: String,
        /// Id of the key in the key file.
        wanted: String,
    },
    /// Changed, cut, or moved from another name.
    #[error("the sealed value does not open: it was changed, or moved from another name")]
    Broken,
    /// The machine has no random numbers to give.
    #[error("no random numbers from the system: {0}")]
    Random(String),
}

impl SealingKey {
    /// Reads the key file; makes one (0600, never over another file or through a symlink, whole or not at all) where there is none and
    /// `create` is true.
    ///
    /// A file that others may read is made 0600 with a warning in the log; one that others may write is refused.
    pub fn load(file: &Path, create: bool) -> Result<Self, SealError> {
        let fault = |why: String| SealError::KeyFile { path: file.display().to_string(), why };
        match read(file) {
            Ok(text) => Self::parse(&text).map_err(fault),
            Err(ReadError::Absent) if create => {
                make(file)?;
                let text = read(file).map_err(|error| fault(error.to_string()))?;
                Self::parse(&text).map_err(fault)
            }
            Err(error) => Err(fault(error.to_string())),
        }
    }

    /// Eight hex digits that tell keys apart: the first of the key's SHA-256.
    pub fn id(&self) -> String {
        hex::encode(self.id)
    }

    /// Seals `secret` for `name` (associated data): version, key id, nonce, ciphertext.
    pub fn seal(&self, name: &str, secret: &Secret) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| SealError::Random(error.to_string()))?;
        let payload = Payload { msg: secret.expose().as_bytes(), aad: &self.bound_to(name) };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Broken)?;
        Ok([&[VERSION][..], &self.id, &nonce, &sealed].concat())
    }

    /// Opens what `seal` made for the same name.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Secret, SealError> {
        let (&[version], rest) = sealed.split_first_chunk().ok_or(SealError::Broken)?;
        if version != VERSION {
            return Err(SealError::Broken);
        }
        let (id, rest) = rest.split_first_chunk::<ID>().ok_or(SealError::Broken)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(SealError::Broken)?;
        if *id != self.id {
            return Err(SealError::OtherKey { found: hex::encode(id), wanted: self.id() });
        }
        let payload = Payload { msg: sealed, aad: &self.bound_to(name) };
        let opened = self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::Broken)?;
        let opened = Zeroizing::new(opened);
        let text = std::str::from_utf8(&opened).map_err(|_| SealError::Broken)?;
        Ok(Secret::new(text.to_owned()))
    }

    /// Reads the text of a key file: 32 bytes in hex or Base64.
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let bytes = hex::decode(text).or_else(|_| STANDARD.decode(text)).map(Zeroizing::new);
        let key = bytes.ok().and_then(|bytes| <[u8; KEY]>::try_from(bytes.as_slice()).ok()).ok_or_else(|| {
            format!(
                "is not a key: {KEY} bytes in hex or Base64 are wanted; put the right file back from where you keep it, or move this \
                 one away and set the secrets again, which makes a new key"
            )
        })?;
        let digest = Sha256::digest(key);
        let id = digest.first_chunk::<ID>().copied().unwrap_or_default();
        Ok(Self { key: Zeroizing::new(key), id })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.key).into())
    }

    /// What a sealed value is bound to: its form, its key and the name of its secret.
    fn bound_to(&self, name: &str) -> Vec<u8> {
        [b"bellwire secret", &[VERSION][..], &self.id, name.as_bytes()].concat()
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", self.id())
    }
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(
        "is not there; put it back from where you keep it (it is in no backup), or set the secrets again, which makes a new key"
    )]
    Absent,
    #[error("is not a regular file")]
    NotAFile,
    #[error("others may write to it (mode {0:04o}); look who did, then `chmod 600` it")]
    Writable(u32),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// The text of a key file, after its mode was seen to.
fn read(file: &Path) -> Result<Zeroizing<String>, ReadError> {
    // Asked before it is opened: to open a pipe waits for its writer.
    match fs::metadata(file) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(ReadError::NotAFile),
        // A symlink to nothing is not "absent": a key is not made in its place.
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(file).is_err() => {
            return Err(ReadError::Absent);
        }
        Err(error) => return Err(error.into()),
    }
    let open = File::open(file)?;
    let mode = open.metadata()?.mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(ReadError::Writable(mode));
    }
    if mode & 0o044 != 0 {
        let tightened = open.set_permissions(fs::Permissions::from_mode(0o600)).is_ok();
        let path = file.display();
        tracing::warn!(file = %path, mode = format!("{mode:04o}"), tightened, "others could read the key file");
    }
    let mut text = Zeroizing::new(String::new());
    open.take(FILE_LIMIT).read_to_string(&mut text)?;
    Ok(text)
}

/// Makes a key file with a new key. Another process that is first wins, and its file stays.
fn make(file: &Path) -> Result<(), SealError> {
    let mut key = Zeroizing::new([0; KEY]);
    getrandom::fill(&mut *key).map_err(|error| SealError::Random(error.to_string()))?;
    let text = Zeroizing::new(hex::encode(*key));
    write(file, &text).map_err(|error| SealError::KeyFile {
        path: file.display().to_string(),
        why: format!("cannot be made: {error}"),
    })
}

/// A file of mode 0600 that is there whole or not at all: written beside its place, then moved there unless something is there.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut draft = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o600)).tempfile_in(folder)?;
    draft.write_all(text.as_bytes())?;
    draft.write_all(b"\n")?;
    draft.as_file().sync_all()?;
    match draft.persist_noclobber(file) {
        Ok(_) => File::open(folder)?.sync_all(),
        Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(lost) => Err(lost.error),
    }
}

#[cfg(test)]
mod tests;
