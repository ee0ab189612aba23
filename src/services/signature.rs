//! How a delivery proves where it comes from: an HMAC over its raw bytes, or a token.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::{Refused, Request};
use crate::secret::Secret;

/// Values of one secret that are tried: the one in force and the one it replaces.
const LIVE: usize = 2;

/// How a delivery proves where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verify {
    /// A signature in a header.
    Hmac(Hmac),
    /// A text that only the sender knows.
    Token(Token),
    /// Nothing is checked: for public sources alone.
    None,
}

/// A signature over the raw body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hmac {
    /// The header it comes in, in lower case.
    pub header: String,
    /// The hash.
    pub algorithm: Algorithm,
    /// How its bytes are written.
    pub encoding: Encoding,
    /// What stands before it, such as `sha256=`. May be empty.
    pub prefix: String,
    /// The name of the secret.
    pub secret: String,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Where it stands.
    pub place: TokenPlace,
    /// Of the header or query parameter, in lower case; its case does not count. Unused for a path.
    pub name: String,
    /// What stands before it, such as `Bearer `. May be empty.
    pub prefix: String,
    /// The name of the secret.
    pub secret: String,
}

/// Where a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenPlace {
    /// In the query.
    Query,
    /// In a header.
    Header,
    /// It is the first segment of the path after the source.
    Path,
}

/// The hash of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-1, for services that know no better: as an HMAC it still holds.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How the bytes of a signature are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal digits of any case.
    Hex,
    /// Standard Base64 with its padding.
    Base64,
    /// Either of the two, told apart by length: for services that do not say which.
    Auto,
}

impl Algorithm {
    /// Bytes of a signature.
    fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// Whether `signature` is the one of `body` under `key`; takes the same time wherever they differ.
    fn verifies(self, key: &[u8], body: &[u8], signature: &[u8]) -> bool {
        fn of<M: Mac + KeyInit>(key: &[u8], body: &[u8], signature: &[u8]) -> bool {
            <M as KeyInit>::new_from_slice(key).is_ok_and(|mut mac| {
                mac.update(body);
                mac.verify_slice(signature).is_ok()
            })
        }
        match self {
            Self::Sha1 => of::<hmac::Hmac<sha1::Sha1>>(key, body, signature),
            Self::Sha256 => of::<hmac::Hmac<Sha256>>(key, body, signature),
            Self::Sha512 => of::<hmac::Hmac<sha2::Sha512>>(key, body, signature),
        }
    }
}

impl Verify {
    /// Checks a request. Returns which form matched: `hex`, `base64`, `token` or `none`.
    pub(super) fn check(
        &self,
        request: &Request<'_>,
        secrets: &dyn Fn(&str) -> Vec<Secret>,
    ) -> Result<&'static str, Refused> {
        let Some(name) = self.secret() else { return Ok("none") };
        // An empty key or token is one that everybody knows.
        let live: Vec<Secret> = secrets(name).into_iter().filter(|s| !s.expose().is_empty()).take(LIVE).collect();
        if live.is_empty() {
            return Err(Refused::new(503, "secret_missing", format!("secret `{name}` is not set")));
        }
        match self {
            Self::Hmac(hmac) => hmac.check(request, &live),
            Self::Token(token) => token.check(request, &live),
            Self::None => Ok("none"),
        }
    }

    /// The name of the secret that is needed. `None` where nothing is checked.
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Hmac(hmac) => Some(&hmac.secret),
            Self::Token(token) => Some(&token.secret),
            Self::None => None,
        }
    }

    /// The header or query name that holds the proof, in lower case. `None` where there is none.
    pub(super) fn hidden(&self) -> Option<&str> {
        match self {
            Self::Hmac(hmac) => Some(&hmac.header),
            Self::Token(token) if token.place != TokenPlace::Path => Some(&token.name),
            Self::Token(_) | Self::None => None,
        }
    }
}

impl Hmac {
    fn check(&self, request: &Request<'_>, live: &[Secret]) -> Result<&'static str, Refused> {
        let mismatch = |detail: String| Refused::new(401, "signature_mismatch", detail);
        let mut values = request.header(&self.header);
        let Some(value) = values.next() else {
            let detail = format!("there is no header `{}`", self.header);
            return Err(Refused::new(401, "signature_missing", detail));
        };
        // Two signatures, in two headers or joined by a comma: which one counts would be a guess.
        if values.next().is_some() || value.contains(&b',') {
            let detail = format!("header `{}` holds more than one signature", self.header);
            return Err(Refused::new(400, "duplicate_header", detail));
        }
        let (form, signature) =
            self.decode(value).map_err(|what| mismatch(format!("header `{}`: {what}", self.header)))?;
        // All live keys are tried, whether one has matched or not.
        let matched = live
            .iter()
            .map(|key| self.algorithm.verifies(key.expose().as_bytes(), request.body, &signature))
            .fold(false, |any, one| any | one);
        if matched {
            return Ok(form);
        }
        Err(mismatch(format!(
            "the signature is not that of these {} bytes under secret `{}`",
            request.body.len(),
            self.secret
        )))
    }

    /// The form and the bytes of a signature as written, or what is wrong with it.
    fn decode(&self, value: &[u8]) -> Result<(&'static str, Vec<u8>), String> {
        let Some(text) = value.strip_prefix(self.prefix.as_bytes()) else {
            return Err(format!("the signature does not start with `{}`", self.prefix));
        };
        let size = self.algorithm.size();
        let hex_length = size * 2;
        let base64_length = size.div_ceil(3) * 4;
        let length = text.len();
        match self.encoding {
            Encoding::Hex | Encoding::Auto if length == hex_length => {
                hex::decode(text).map(|bytes| ("hex", bytes)).map_err(|_| "the signature is not hexadecimal".to_owned())
            }
            Encoding::Base64 | Encoding::Auto if length == base64_length => STANDARD
                .decode(text)
                .ok()
                .filter(|bytes| bytes.len() == size)
                .map(|bytes| ("base64", bytes))
                .ok_or_else(|| "the signature is not standard Base64".to_owned()),
            Encoding::Hex => Err(format!("the signature has {length} characters, not {hex_length}")),
            Encoding::Base64 => Err(format!("the signature has {length} characters, not {base64_length}")),
            Encoding::Auto => Err(format!(
                "the signature has {length} characters, neither {hex_length} (hexadecimal) nor {base64_length} (Base64)"
            )),
        }
    }
}

impl Token {
    fn check(&self, request: &Request<'_>, live: &[Secret]) -> Result<&'static str, Refused> {
        // The same answer as for a source that is not there: who has no token learns nothing.
        let refused = |detail: &str| Refused::new(404, "not_found", format!("token: {detail}"));
        let given: Vec<&[u8]> = match self.place {
            TokenPlace::Query => {
                let named = request.query.iter().filter(|(name, _)| name.eq_ignore_ascii_case(&self.name));
                named.map(|(_, value)| value.as_bytes()).collect()
            }
            TokenPlace::Header => request.header(&self.name).collect(),
            TokenPlace::Path => request.path.iter().take(1).map(String::as_bytes).collect(),
        };
        let value = match given.as_slice() {
            [] => return Err(refused("missing")),
            [value] => value,
            _ if self.place == TokenPlace::Header => {
                let detail = format!("header `{}` stands more than once", self.name);
                return Err(Refused::new(400, "duplicate_header", detail));
            }
            _ => return Err(refused("given more than once")),
        };
        let Some(value) = value.strip_prefix(self.prefix.as_bytes()) else {
            return Err(refused("its prefix is missing"));
        };
        // Digests have one length, so that comparing them tells nothing of the token's.
        let digest = Sha256::digest(value);
        let matched = live
            .iter()
            .map(|secret| Sha256::digest(secret.expose().as_bytes()).as_slice().ct_eq(digest.as_slice()))
            .fold(Choice::from(0), |any, one| any | one);
        if bool::from(matched) { Ok("token") } else { Err(refused("mismatch")) }
    }
}

#[cfg(test)]
mod tests;
