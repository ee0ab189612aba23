//! Secrets: sealed at rest, never shown, and masked by value in everything that is stored or logged.
// CONTRACT STUB: part E replaces the bodies; keep the signatures.

use std::{fmt, path::Path};

use zeroize::Zeroizing;

/// Values shorter than this are refused: masking them would shred the logs.
pub const SHORTEST: usize = 8;

/// A secret text. `Debug` does not show it, memory is wiped when it goes.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text as a secret.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself: for signing, sending and sealing alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The key that seals secrets in the database: a file of mode 0600, never in a backup.
pub struct SealingKey {/* 32 bytes, key id */}

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key file cannot be read or made, or is not one.
    #[error("key file {path}: {why}")]
    KeyFile { path: String, why: String },
    /// Sealed with another key.
    #[error("sealed with another key ({found}) than the one in the key file ({wanted})")]
    OtherKey { found: String, wanted: String },
    /// Changed, cut, or moved from another name.
    #[error("the sealed value does not open: it was changed, or moved from another name")]
    Broken,
}

impl SealingKey {
    /// Reads the key file; makes one (0600, O_EXCL, never through a symlink) where there is none and `create` is true.
    pub fn load(_file: &Path, _create: bool) -> Result<Self, SealError> {
        unimplemented!()
    }
    /// Eight hex digits that tell keys apart.
    pub fn id(&self) -> String {
        unimplemented!()
    }
    /// Seals `secret` for `name` (associated data): key id, nonce, ciphertext.
    pub fn seal(&self, _name: &str, _secret: &Secret) -> Result<Vec<u8>, SealError> {
        unimplemented!()
    }
    /// Opens what `seal` made for the same name.
    pub fn open(&self, _name: &str, _sealed: &[u8]) -> Result<Secret, SealError> {
        unimplemented!()
    }
}

/// Replaces every known secret (and its base64, base64url, hex, URL and JSON forms) in a text by `[secret NAME]`.
#[derive(Debug, Default)]
pub struct Masker {/* aho-corasick */}

impl Masker {
    /// A masker for these secrets.
    pub fn new<'s>(_secrets: impl IntoIterator<Item = (&'s str, &'s Secret)>) -> Self {
        unimplemented!()
    }
    /// The text without any secret.
    pub fn mask(&self, _text: &str) -> String {
        unimplemented!()
    }
    /// The same for bytes that may be no text.
    pub fn mask_bytes(&self, _bytes: &[u8]) -> Vec<u8> {
        unimplemented!()
    }
}
