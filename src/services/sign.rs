//! The other side of a signature: a delivery as its service would send it, for `bellwire send` and tests.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{KeyInit, Mac};

use super::{
    Pack,
    signature::{Algorithm, Encoding, Hmac, Token, TokenPlace, Verify},
};
use crate::secret::Secret;

/// A delivery ready to be posted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignedDelivery {
    /// What follows `/hooks/<source>`: empty, or segments that begin with `/`.
    pub path: String,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// Names and values, not yet encoded.
    pub query: Vec<(String, String)>,
}

/// A delivery of `event` with `body`. `secrets(name)` is the value of the pack's name for a secret.
/// `Err` is one sentence: what is missing, and how to set it.
pub fn sign_delivery(
    pack: &Pack,
    event: &str,
    body: &[u8],
    secrets: &dyn Fn(&str) -> Option<Secret>,
) -> Result<SignedDelivery, String> {
    let hook = pack.hook.as_ref().ok_or_else(|| format!("the pack `{}` takes no deliveries", pack.name))?;
    let mut delivery = SignedDelivery::default();
    if let Some(name) = hook.verify.secret() {
        let missing = || format!("secret `{name}` is not set; set it with `bellwire secrets set {name}`");
        let secret = secrets(name).ok_or_else(missing)?;
        prove(&hook.verify, &secret, body, &mut delivery);
    }
    match &hook.name.header {
        Some(header) => delivery.headers.push((header.clone(), event.to_owned())),
        None if hook.name.path => delivery.path = format!("{}/{event}", delivery.path),
        None => {}
    }
    Ok(delivery)
}

fn prove(verify: &Verify, secret: &Secret, body: &[u8], delivery: &mut SignedDelivery) {
    match verify {
        Verify::Hmac(hmac) => delivery.headers.push((hmac.header.clone(), sign(hmac, secret, body))),
        Verify::Token(Token { place, name, prefix, .. }) => {
            let value = format!("{prefix}{}", secret.expose());
            match place {
                TokenPlace::Query => delivery.query.push((name.clone(), value)),
                TokenPlace::Header => delivery.headers.push((name.clone(), value)),
                TokenPlace::Path => delivery.path = format!("{}/{value}", delivery.path),
            }
        }
        Verify::None => {}
    }
}

fn sign(hmac: &Hmac, secret: &Secret, body: &[u8]) -> String {
    fn of<M: Mac + KeyInit>(key: &[u8], body: &[u8]) -> Vec<u8> {
        <M as KeyInit>::new_from_slice(key)
            .map(|mac| mac.chain_update(body).finalize().into_bytes().to_vec())
            .unwrap_or_default()
    }
    let key = secret.expose().as_bytes();
    let bytes = match hmac.algorithm {
        Algorithm::Sha1 => of::<hmac::Hmac<sha1::Sha1>>(key, body),
        Algorithm::Sha256 => of::<hmac::Hmac<sha2::Sha256>>(key, body),
        Algorithm::Sha512 => of::<hmac::Hmac<sha2::Sha512>>(key, body),
    };
    let text = match hmac.encoding {
        Encoding::Hex | Encoding::Auto => hex::encode(bytes),
        Encoding::Base64 => STANDARD.encode(bytes),
    };
    format!("{}{text}", hmac.prefix)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        clock::Time,
        services::{Registry, Request},
    };

    #[test]
    fn what_is_signed_here_is_taken_there() {
        let registry = Registry::load(&BTreeMap::new()).unwrap();
        for (service, event) in [("gruveo", "call"), ("groove", "note_added")] {
            let pack = registry.pack(service).unwrap();
            let body = br#"{"number":1}"#;
            let secret = Secret::new("a-long-enough-secret".to_owned());
            let delivery = sign_delivery(pack, event, body, &|_| Some(secret.clone())).unwrap();
            let headers: Vec<(String, Vec<u8>)> = delivery
                .headers
                .iter()
                .map(|(name, value)| (name.to_lowercase(), value.clone().into_bytes()))
                .collect();
            let request = Request { headers: &headers, query: &delivery.query, path: &[], body };
            let hook = pack.hook.as_ref().unwrap();
            assert!(hook.verify(&request, &|_| vec![secret.clone()], Time(0)).is_ok(), "{service}");
            let other = Secret::new("another-secret-entirely".to_owned());
            assert!(hook.verify(&request, &|_| vec![other.clone()], Time(0)).is_err(), "{service}");
        }
    }

    #[test]
    fn a_secret_that_is_not_set_is_named() {
        let registry = Registry::load(&BTreeMap::new()).unwrap();
        let error = sign_delivery(registry.pack("gruveo").unwrap(), "call", b"{}", &|_| None).unwrap_err();
        assert!(error.contains("bellwire secrets set gruveo_key"), "{error}");
    }
}
