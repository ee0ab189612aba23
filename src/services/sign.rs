//! The other side of a signature: a delivery as its service would send it, for `bellwire send` and tests.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use super::{
    Pack, Request,
    signature::{Basic, Part, Scheme, StampPlace, Target, Token, TokenPlace, Verify},
};
use crate::{clock::Time, secret::Secret};

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

/// Where and when a delivery is sent.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// Scheme and host that the server takes the address to begin with, without a slash at the end.
    pub origin: &'a str,
    /// The hook's own path: `/hooks/shop`.
    pub path: &'a str,
    /// The time that is signed.
    pub now: Time,
}

/// A delivery of `event` with `body`. `secrets(name)` is the value of the pack's name for a secret.
/// `Err` is one sentence: what is missing, and how to set it.
pub fn sign_delivery(
    pack: &Pack,
    event: &str,
    body: &[u8],
    sending: &Sending<'_>,
    secrets: &dyn Fn(&str) -> Option<Secret>,
) -> Result<SignedDelivery, String> {
    let hook = pack.hook.as_ref().ok_or_else(|| format!("the pack `{}` takes no deliveries", pack.name))?;
    let mut delivery = SignedDelivery::default();
    let secret = |name: &str| {
        secrets(name).ok_or_else(|| format!("secret `{name}` is not set; set it with `bellwire secrets set {name}`"))
    };
    if let Verify::Token(Token { place: TokenPlace::Path, prefix, secret: name, .. }) = &hook.verify {
        delivery.path = format!("/{prefix}{}", secret(name)?.expose());
    }
    match &hook.name.header {
        Some(header) => delivery.headers.push((header.clone(), event.to_owned())),
        None if hook.name.path && hook.name.body.is_empty() => delivery.path = format!("{}/{event}", delivery.path),
        None => {}
    }
    match &hook.verify {
        Verify::Signed(scheme) => sign(scheme, &secret(&scheme.secret)?, body, sending, &mut delivery)?,
        Verify::Token(Token { place, name, prefix, secret: of }) => {
            let value = format!("{prefix}{}", secret(of)?.expose());
            match place {
                TokenPlace::Query => delivery.query.push((name.clone(), value)),
                TokenPlace::Header => delivery.headers.push((name.clone(), value)),
                TokenPlace::Path => {}
            }
        }
        Verify::Basic(Basic { user, password }) => {
            let pair = format!("{}:{}", secret(user)?.expose(), secret(password)?.expose());
            delivery.headers.push(("authorization".to_owned(), format!("Basic {}", STANDARD.encode(pair))));
        }
        Verify::None => {}
    }
    Ok(delivery)
}

/// Signs a delivery whose path is whole.
fn sign(
    scheme: &Scheme,
    secret: &Secret,
    body: &[u8],
    sending: &Sending<'_>,
    delivery: &mut SignedDelivery,
) -> Result<(), String> {
    let unusable = |why: &str| format!("secret `{}` {why}; set it again: bellwire secrets set {0}", scheme.secret);
    let key = scheme.key.key(&scheme.key_prefix, secret).map_err(unusable)?;
    if let Some(name) = scheme.digest.as_ref().filter(|_| scheme.over.contains(&Part::Form)) {
        delivery.query.push((name.clone(), hex::encode(Sha256::digest(body))));
    }
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> =
        delivery.query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
    let path = format!("{}{}{query}", sending.path, delivery.path);
    let time = scheme.time.as_ref().map(|time| match time.unit.value(sending.now) {
        crate::value::Value::String(text) => text,
        value => value.to_string(),
    });
    let id = scheme.ids.first().map(|_| format!("msg_{}", sending.now.0));
    let request = Request { headers: &[], query: &delivery.query, path: &[], body };
    let target = Target { method: "POST", origin: sending.origin, path: &path, is_set: true };
    let messages =
        scheme.messages(&request, &target, time.as_deref(), id.as_deref()).map_err(|refused| refused.detail)?;
    let signature = messages.first().and_then(|message| scheme.seal.sign(&key, message)).ok_or_else(|| {
        "only the service itself can sign this: it holds the private key, and the secret here is the public one"
            .to_owned()
    })?;
    let mut value = format!("{}{}", scheme.prefix, scheme.encoding.write(&signature));
    match (scheme.time.as_ref().map(|time| &time.place), time) {
        (Some(StampPlace::Entry(prefix)), Some(time)) => {
            value = format!("{prefix}{time}{}{value}", scheme.list.unwrap_or(','));
        }
        (Some(StampPlace::Headers(names)), Some(time)) => {
            delivery.headers.extend(names.first().map(|name| (name.clone(), time)));
        }
        _ => {}
    }
    delivery.headers.extend(scheme.ids.first().cloned().zip(id));
    delivery.headers.extend(scheme.headers.first().map(|name| (name.clone(), value)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::services::{Registry, preset_names};

    const NOW: Time = Time(1_772_359_200_000);

    fn taken(pack: &Pack, event: &str, body: &[u8], secret: &Secret, other: &Secret) -> (bool, bool) {
        let sending = Sending { origin: "https://bellwire.example.com", path: "/hooks/x", now: NOW };
        let delivery = sign_delivery(pack, event, body, &sending, &|_| Some(secret.clone())).unwrap();
        let headers: Vec<(String, Vec<u8>)> =
            delivery.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone().into_bytes())).collect();
        let path: Vec<String> = delivery.path.split('/').skip(1).map(str::to_owned).collect();
        let request = Request { headers: &headers, query: &delivery.query, path: &path, body };
        let query: Vec<String> = delivery.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let at = format!("/hooks/x{}{query}", delivery.path);
        let target = Target { method: "POST", origin: sending.origin, path: &at, is_set: true };
        let hook = pack.hook.as_ref().unwrap();
        let with = |secret: &Secret| hook.verify(&request, &target, &|_| vec![secret.clone()], NOW).is_ok();
        (with(secret), with(other))
    }

    #[test]
    fn what_is_signed_here_is_taken_there() {
        let registry = Registry::load(&BTreeMap::new()).unwrap();
        let secret = Secret::new("a-long-enough-secret".to_owned());
        let other = Secret::new("another-secret-entirely".to_owned());
        for (service, event) in [("gruveo", "call"), ("groove", "note_added")] {
            let pack = registry.pack(service).unwrap();
            assert_eq!(taken(pack, event, br#"{"number":1}"#, &secret, &other), (true, false), "{service}");
        }
        let (secret, other) = ("whsec_MDEyMzQ1Njc4OWFiY2RlZg==", "whsec_ZmVkY2JhOTg3NjU0MzIxMA==");
        let (secret, other) = (Secret::new(secret.to_owned()), Secret::new(other.to_owned()));
        for preset in preset_names().into_iter().filter(|preset| *preset != "discord") {
            let pack = Pack::of_source("x", &preset.into()).unwrap();
            // Linear's time stands in the body.
            let body = format!("{{\"number\":1,\"webhookTimestamp\":{}}}", NOW.0);
            assert_eq!(taken(&pack, "received", body.as_bytes(), &secret, &other), (true, false), "{preset}");
        }
        let basic = Pack::of_source("x", &serde_json::json!({"basic": {}})).unwrap();
        assert_eq!(taken(&basic, "received", b"{}", &secret, &other), (true, false));
    }

    #[test]
    fn a_secret_that_is_not_set_is_named() {
        let registry = Registry::load(&BTreeMap::new()).unwrap();
        let sending = Sending { origin: "http://127.0.0.1:8000", path: "/hooks/gruveo", now: NOW };
        let error = sign_delivery(registry.pack("gruveo").unwrap(), "call", b"{}", &sending, &|_| None).unwrap_err();
        assert!(error.contains("bellwire secrets set gruveo_key"), "{error}");
        let discord = Pack::of_source("x", &"discord".into()).unwrap();
        let key = Secret::new("00".repeat(32));
        let error = sign_delivery(&discord, "received", b"{}", &sending, &|_| Some(key.clone())).unwrap_err();
        assert!(error.contains("only the service itself"), "{error}");
    }
}
