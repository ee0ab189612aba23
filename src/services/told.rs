//! How deliveries of a service come in, in sentences.

use super::{Algorithm, Challenge, Encoding, Hook, Scheme, Seal, TokenPlace, Verify};

/// The address to give to the service, with the names of secrets in the place of their values. `base` is where this server is, without a
/// slash at its end.
pub fn hook_address(base: &str, hook: &Hook, source: &str, secret: Option<&str>) -> String {
    let mut address = format!("{base}/hooks/{source}");
    let Verify::Token(token) = &hook.verify else { return with_event(address, hook) };
    let secret = secret.unwrap_or(&token.secret);
    if token.place == TokenPlace::Path {
        address.push_str(&format!("/<{secret}>"));
    }
    let mut address = with_event(address, hook);
    if token.place == TokenPlace::Query {
        address.push_str(&format!("?{}=<{secret}>", token.name));
    }
    address
}

/// With the event where nothing else names it.
fn with_event(mut address: String, hook: &Hook) -> String {
    let name = &hook.name;
    if name.path && name.header.is_none() && name.body.is_empty() && name.otherwise.is_none() {
        address.push_str("/<event>");
    }
    address
}

/// How a delivery is checked.
pub fn proof_words(verify: &Verify) -> String {
    match verify {
        Verify::Signed(scheme) => signed(scheme),
        Verify::Token(token) => match token.place {
            TokenPlace::Query => format!("a token in the address, as `{}`", token.name),
            TokenPlace::Header => format!("a token in the header {}", token.name),
            TokenPlace::Path => "a token in the address, after the source's name".to_owned(),
        },
        Verify::Basic(_) => "a user's name and a password (Basic)".to_owned(),
        Verify::None => "nothing: the source must say `public = true`".to_owned(),
    }
}

fn signed(scheme: &Scheme) -> String {
    let seal = match scheme.seal {
        Seal::Hmac(Algorithm::Sha1) => "HMAC-SHA1",
        Seal::Hmac(Algorithm::Sha256) => "HMAC-SHA256",
        Seal::Hmac(Algorithm::Sha512) => "HMAC-SHA512",
        Seal::Ed25519 => "Ed25519",
    };
    let encoding = match scheme.encoding {
        Encoding::Hex => "hexadecimal",
        Encoding::Base64 => "Base64",
        Encoding::Auto => "hexadecimal or Base64",
    };
    let time = scheme.time.as_ref().map_or_else(String::new, |time| {
        format!(", at most {} old", crate::config::forms::show_duration(time.tolerance))
    });
    format!("a signature in the header {} ({seal}, {encoding}){time}", scheme.headers.join(" or "))
}

/// What is answered when the hook is set up. `None`: nothing is asked.
pub fn handshake_words(challenge: Option<&Challenge>) -> Option<&'static str> {
    Some(match challenge? {
        Challenge::Body { .. } => "the service asks once whether the address is yours, and is answered",
        Challenge::Query { .. } => "the service asks once with a token of your choice, and is answered",
        Challenge::Origins(_) => "the service asks once whether it may send (CloudEvents), and is answered",
    })
}
