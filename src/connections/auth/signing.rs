//! Requests of ours, signed.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use url::Url;

use crate::{connections::Message, secret::Secret, services::Signing};

/// The bytes that are signed: the parts in their order, with the separator between them. `stamp` is the time as it is sent.
pub(super) fn signed(signing: &Signing, url: &Url, message: Message<'_>, stamp: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (place, part) in signing.over.iter().enumerate() {
        if place > 0 {
            bytes.extend_from_slice(signing.separator.as_bytes());
        }
        match part.as_str() {
            "body" => bytes.extend_from_slice(message.body.unwrap_or_default()),
            "method" => bytes.extend_from_slice(message.method.as_bytes()),
            "path" => bytes.extend_from_slice(path_and_query(url).as_bytes()),
            "url" => bytes.extend_from_slice(url.as_str().as_bytes()),
            _ => bytes.extend_from_slice(stamp.as_bytes()),
        }
    }
    bytes
}

/// The path as it stands in the request line, its query included: what a query asks for is signed too.
fn path_and_query(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// The signature, as it is sent, without its prefix.
pub(super) fn signature(signing: &Signing, key: &Secret, bytes: &[u8]) -> String {
    fn of<M: Mac + KeyInit>(key: &[u8], bytes: &[u8]) -> Vec<u8> {
        // HMAC takes a key of any length.
        let mac = <M as KeyInit>::new_from_slice(key).map(|mac| mac.chain_update(bytes).finalize());
        mac.map(|mac| mac.into_bytes().to_vec()).unwrap_or_default()
    }
    let key = key.expose().as_bytes();
    let mac = match signing.algorithm.as_str() {
        "sha1" => of::<Hmac<sha1::Sha1>>(key, bytes),
        "sha512" => of::<Hmac<sha2::Sha512>>(key, bytes),
        _ => of::<Hmac<sha2::Sha256>>(key, bytes),
    };
    if signing.encoding == "base64" { STANDARD.encode(mac) } else { hex::encode(mac) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signing(algorithm: &str, encoding: &str, over: &[&str]) -> Signing {
        Signing {
            secret: "key".to_owned(),
            algorithm: algorithm.to_owned(),
            encoding: encoding.to_owned(),
            header: "X-Signature".to_owned(),
            prefix: String::new(),
            over: over.iter().map(|part| (*part).to_owned()).collect(),
            separator: ".".to_owned(),
            timestamp: None,
        }
    }

    #[test]
    fn the_parts_stand_in_their_order() {
        let url = Url::parse("https://api.example.com/v1/a%20b?x=1&y=2").unwrap();
        let message = Message { method: "POST", body: Some(b"{}") };
        let of = |over: &[&str]| {
            String::from_utf8(signed(&signing("sha256", "hex", over), &url, message, "1700000000")).unwrap()
        };
        assert_eq!(of(&["timestamp", "method", "path", "body"]), "1700000000.POST./v1/a%20b?x=1&y=2.{}");
        assert_eq!(of(&["url"]), "https://api.example.com/v1/a%20b?x=1&y=2");
        assert_eq!(of(&["body", "body"]), "{}.{}");
        let bare = Message { method: "GET", body: None };
        assert_eq!(signed(&signing("sha256", "hex", &["method", "body"]), &url, bare, "0"), b"GET.");
    }

    /// RFC 4231, test case 2, and RFC 2202, test case 2 for SHA-1.
    #[test]
    fn known_signatures_come_out() {
        let (key, data) = (Secret::new("Jefe".to_owned()), b"what do ya want for nothing?");
        for (algorithm, wanted) in [
            ("sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            ("sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                "sha512",
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            assert_eq!(signature(&signing(algorithm, "hex", &["body"]), &key, data), wanted);
        }
        let base64 = signature(&signing("sha256", "base64", &["body"]), &key, data);
        assert_eq!(base64, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
    }
}
