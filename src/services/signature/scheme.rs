//! A signature over parts of a delivery, as data.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{KeyInit, Mac};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::{KeyForm, Proof, Segments, Stamped, Target};
use crate::{
    clock::Time,
    secret::Secret,
    services::{Refused, Request},
};

/// A signature over parts of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// The header that it comes in, in lower case. Several: names that senders use for the same thing; the first that is there counts, and
    /// those of `ids` and of the time are taken from the same place of their lists.
    pub headers: Vec<String>,
    /// With what it is made.
    pub seal: Seal,
    /// How its bytes are written.
    pub encoding: Encoding,
    /// What stands before it, such as `sha256=`. May be empty. In a list, what begins with anything else is passed over.
    pub prefix: String,
    /// What stands between several signatures in the header. `None`: there is one.
    pub list: Option<char>,
    /// What is signed, in this order.
    pub over: Vec<Part>,
    /// What stands between the parts.
    pub separator: String,
    /// The header with the delivery's id, in lower case. Empty where there is none.
    pub ids: Vec<String>,
    /// When it was made. `None`: a signature holds for ever.
    pub time: Option<Stamped>,
    /// The parameter of the query that holds the SHA-256 of a body that is no form, in hexadecimal.
    pub digest: Option<String>,
    /// The name of the secret.
    pub secret: String,
    /// How the secret's text becomes the key.
    pub key: KeyForm,
    /// What may stand before the key in the secret's text, such as `whsec_`.
    pub key_prefix: String,
}

/// With what a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// An HMAC; both sides hold the key.
    Hmac(Algorithm),
    /// Ed25519; the secret holds the public key.
    Ed25519,
}

/// The hash of an HMAC.
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

/// One part of what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The raw body.
    Body,
    /// The time, as it was sent.
    Timestamp,
    /// The delivery's id, as it was sent.
    Id,
    /// The whole address, with its query.
    Url,
    /// Path and query.
    Path,
    /// The method.
    Method,
    /// Names and values of a form, sorted and joined without anything between. Of a body that is no form: nothing, and `digest` must hold.
    Form,
    /// These very letters.
    Text(String),
}

impl Part {
    /// The parts that have a name, as packs write them.
    pub const ALL: [(&'static str, Self); 7] = [
        ("body", Self::Body),
        ("timestamp", Self::Timestamp),
        ("id", Self::Id),
        ("url", Self::Url),
        ("path", Self::Path),
        ("method", Self::Method),
        ("form", Self::Form),
    ];

    /// Its name, for people.
    pub(super) fn name(&self) -> Cow<'static, str> {
        match self {
            Self::Text(text) => Cow::Owned(format!("`{text}`")),
            named => Self::ALL.iter().find(|(_, part)| part == named).map_or("", |(name, _)| *name).into(),
        }
    }
}

impl Seal {
    /// Bytes of a signature.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Hmac(Algorithm::Sha1) => 20,
            Self::Hmac(Algorithm::Sha256) => 32,
            Self::Hmac(Algorithm::Sha512) | Self::Ed25519 => 64,
        }
    }

    /// Whether `signature` is the one of `message` under `key`; takes the same time wherever they differ.
    fn verifies(self, key: &[u8], message: &Segments<'_>, signature: &[u8]) -> bool {
        fn of<M: Mac + KeyInit>(key: &[u8], message: &Segments<'_>, signature: &[u8]) -> bool {
            <M as KeyInit>::new_from_slice(key).is_ok_and(|mut mac| {
                message.each(|bytes| mac.update(bytes));
                mac.verify_slice(signature).is_ok()
            })
        }
        match self {
            Self::Hmac(Algorithm::Sha1) => of::<hmac::Hmac<sha1::Sha1>>(key, message, signature),
            Self::Hmac(Algorithm::Sha256) => of::<hmac::Hmac<sha2::Sha256>>(key, message, signature),
            Self::Hmac(Algorithm::Sha512) => of::<hmac::Hmac<sha2::Sha512>>(key, message, signature),
            Self::Ed25519 => UnparsedPublicKey::new(&ED25519, key).verify(&message.whole(), signature).is_ok(),
        }
    }

    /// The signature of `message`. `None` for one that only the holder of a private key can make.
    pub(in crate::services) fn sign(self, key: &[u8], message: &Segments<'_>) -> Option<Vec<u8>> {
        fn of<M: Mac + KeyInit>(key: &[u8], message: &Segments<'_>) -> Option<Vec<u8>> {
            let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
            message.each(|bytes| mac.update(bytes));
            Some(mac.finalize().into_bytes().to_vec())
        }
        match self {
            Self::Hmac(Algorithm::Sha1) => of::<hmac::Hmac<sha1::Sha1>>(key, message),
            Self::Hmac(Algorithm::Sha256) => of::<hmac::Hmac<sha2::Sha256>>(key, message),
            Self::Hmac(Algorithm::Sha512) => of::<hmac::Hmac<sha2::Sha512>>(key, message),
            Self::Ed25519 => None,
        }
    }
}

impl Encoding {
    /// The bytes as they are written; `auto` writes hexadecimal.
    pub(in crate::services) fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex | Self::Auto => hex::encode(bytes),
            Self::Base64 => STANDARD.encode(bytes),
        }
    }
}

impl Scheme {
    /// Checks a delivery. Every live key is tried on every signature, whether one has matched or not.
    pub(super) fn check(
        &self,
        request: &Request<'_>,
        target: &Target<'_>,
        live: &[Secret],
        now: Time,
    ) -> Result<Proof, Refused> {
        let (place, value) = self.header(request)?;
        let signatures = self.signatures(value)?;
        let time = self.time.as_ref().map(|time| time.read(request, place, self.list, value)).transpose()?.flatten();
        let id = self.id(request, place)?;
        let keys = self.keys(live)?;
        let messages = self.messages(request, target, time.as_deref(), id.as_deref())?;
        let mut matched = None;
        for (form, signature) in &signatures {
            for key in &keys {
                for message in &messages {
                    if self.seal.verifies(key, message, signature) {
                        matched = Some(*form);
                    }
                }
            }
        }
        // Of a delivery whose time is off this is told, whether the rest holds or not: with the time it was sent it may.
        let skew = match (&self.time, time.as_deref()) {
            (Some(rule), Some(text)) => Some(rule.judge(text, now, matched.is_some())?),
            _ => None,
        };
        let Some(form) = matched else { return Err(self.mismatch(&signatures, &messages, target)) };
        // What stands in the body is believed once the body is.
        let skew = match &self.time {
            Some(rule) => rule.judge_body(request.body, now)?.or(skew),
            None => skew,
        };
        let form = if self.seal == Seal::Ed25519 { "ed25519" } else { form };
        let over = |part: &Part| self.over.contains(part);
        Ok(Proof { form, skew, id: id.filter(|_| over(&Part::Id)), time: time.filter(|_| over(&Part::Timestamp)) })
    }

    fn keys(&self, live: &[Secret]) -> Result<Vec<Vec<u8>>, Refused> {
        let keys: Vec<Result<Vec<u8>, &str>> =
            live.iter().map(|secret| self.key.key(&self.key_prefix, secret)).collect();
        let fault = keys.iter().find_map(|key| key.as_ref().err().copied());
        let keys: Vec<Vec<u8>> = keys.into_iter().flatten().collect();
        match fault {
            Some(why) if keys.is_empty() => {
                let detail = format!("secret `{}` {why}; set it as the service shows it", self.secret);
                Err(Refused::new(503, "secret_unhealthy", detail))
            }
            _ => Ok(keys),
        }
    }

    /// What was signed and with what, in sizes: never a value.
    fn mismatch(
        &self,
        signatures: &[(&'static str, Vec<u8>)],
        messages: &[Segments<'_>],
        target: &Target<'_>,
    ) -> Refused {
        let what = if signatures.len() == 1 {
            "the signature is not that".to_owned()
        } else {
            format!("none of the {} signatures that were looked at is that", signatures.len())
        };
        let parts: Vec<String> = messages.first().map(|message| message.sizes(self)).unwrap_or_default();
        let origin = match (self.over.contains(&Part::Url), target.is_set) {
            (false, _) => "",
            (true, true) => "; the address is taken to begin with server.public_url",
            (true, false) => {
                "; server.public_url is not set, so the address is taken to begin with http:// and the Host header: set it to \
                 the address that the sender was given"
            }
        };
        let detail = format!("{what} of {} under secret `{}`{origin}", parts.join(" + "), self.secret);
        Refused::new(401, "signature_mismatch", detail)
    }
}
