//! Random keys that are given away, and what is kept of them: digests alone.

use sha2::{Digest as _, Sha256};

use crate::admin::refused::Refused;

/// What every bearer token of the API begins with, so that a leaked one is recognised.
pub(super) const TOKEN_PREFIX: &str = "bw_";

/// 256 random bits in hex.
pub(super) fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

/// The same in a handler.
pub(super) fn fresh() -> Result<String, Refused> {
    random().map_err(|error| {
        tracing::error!(%error, "the system gives no random numbers");
        Refused::new(503, "random", "This machine gives no random numbers at the moment. Try again.")
    })
}

/// A new bearer token.
pub fn new_token() -> Result<String, getrandom::Error> {
    Ok(format!("{TOKEN_PREFIX}{}", random()?))
}

/// What is kept of a key: its SHA-256.
pub fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// The token against forgery of a session or of a login page: it says nothing of the id that it comes from.
pub(super) fn csrf(kind: &str, id: &str) -> String {
    hex::encode(Sha256::digest(format!("bellwire {kind} {id}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_256_bits_and_its_csrf_token_is_no_key() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
        assert_ne!(csrf("session", &one), hex::encode(digest(&one)));
        assert_ne!(csrf("session", &one), csrf("login", &one));
    }
}
