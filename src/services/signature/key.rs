//! How the text of a secret becomes the bytes of a key.

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use crate::secret::Secret;

/// Keys are copied by people: with or without the padding is the same key.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// How the text of a secret becomes the bytes of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyForm {
    /// Its own bytes.
    #[default]
    Text,
    /// Base64 of either alphabet, with padding or without.
    Base64,
    /// Hexadecimal.
    Hex,
}

impl KeyForm {
    /// Every form, as packs write them.
    pub const ALL: [(&'static str, Self); 3] = [("text", Self::Text), ("base64", Self::Base64), ("hex", Self::Hex)];

    /// The key that `secret` stands for; `prefix` is taken off where it is there. `Err` is a phrase, without anything of the secret.
    pub(in crate::services) fn key(self, prefix: &str, secret: &Secret) -> Result<Vec<u8>, &'static str> {
        let text = secret.expose();
        let text = text.strip_prefix(prefix).unwrap_or(text);
        let key = match self {
            Self::Text => text.as_bytes().to_vec(),
            Self::Hex => hex::decode(text).map_err(|_| "is not hexadecimal")?,
            Self::Base64 => GeneralPurpose::new(&STANDARD, LENIENT)
                .decode(text)
                .or_else(|_| GeneralPurpose::new(&URL_SAFE, LENIENT).decode(text))
                .map_err(|_| "is not Base64")?,
        };
        if key.is_empty() { Err("is empty") } else { Ok(key) }
    }
}
