//! A request to paste into a shell, whose proof is made there of a secret that only the reader has.

use serde_json::json;

use crate::services::{Algorithm, Encoding, Hook, KeyForm, Pack, Part, Scheme, Seal, TokenPlace, Verify};

/// A request that curl sends to a hook, with `$SECRET` where the secret stands. `None`: its signature is none that a shell makes in a line.
pub(super) fn curl(hook: &Hook, pack: &Pack, url: &str, secrets: &[(String, bool)]) -> Option<String> {
    let event = pack.events.iter().next();
    let sample = event.and_then(|(_, kind)| kind.samples.first().map(|(_, sample)| sample.clone()));
    let body = sample.unwrap_or_else(|| json!({"hello": "world"})).to_string();
    let mut url = url.replace("<event>", event.map_or("received", |(name, _)| name.as_str()));
    for (name, _) in secrets {
        url = url.replace(&format!("<{name}>"), "$SECRET");
    }
    let named = hook.name.header.as_ref().zip(event).map(|(header, (name, _))| format!(" \\\n  -H '{header}: {name}'"));
    let named = named.unwrap_or_default();
    let start = format!("curl -X POST \"{url}\" \\\n  -H 'Content-Type: application/json'{named}");
    let data = format!(" \\\n  --data-binary {}", quoted(&body));
    let secret = secrets.first().map_or("secret", |(name, _)| name.as_str());
    let ask = format!("SECRET='the value of {secret}'\n");
    match &hook.verify {
        Verify::None => Some(format!("{start}{data}")),
        Verify::Token(token) => {
            let header = match token.place {
                TokenPlace::Header => format!(" \\\n  -H \"{}: {}$SECRET\"", token.name, token.prefix),
                TokenPlace::Query | TokenPlace::Path => String::new(),
            };
            Some(format!("{ask}{start}{header}{data}"))
        }
        Verify::Basic(_) => Some(format!("{start} \\\n  -u \"$USER:$SECRET\"{data}")),
        Verify::Signed(scheme) => {
            let made = signature(scheme)?;
            let header = scheme.headers.first()?;
            Some(format!(
                "{ask}BODY={}\n{start} \\\n  -H \"{header}: {}{made}\" \\\n  --data-binary \"$BODY\"",
                quoted(&body),
                scheme.prefix
            ))
        }
    }
}

/// The signature of `$BODY` by openssl, in a line of shell. `None`: it is over more than the body, or not made with the text of the secret.
fn signature(scheme: &Scheme) -> Option<String> {
    let is_simple = scheme.over == [Part::Body]
        && scheme.time.is_none()
        && scheme.digest.is_none()
        && scheme.key == KeyForm::Text
        && scheme.key_prefix.is_empty();
    let Seal::Hmac(algorithm) = scheme.seal else { return None };
    if !is_simple {
        return None;
    }
    let hash = match algorithm {
        Algorithm::Sha1 => "sha1",
        Algorithm::Sha256 => "sha256",
        Algorithm::Sha512 => "sha512",
    };
    let written = match scheme.encoding {
        Encoding::Hex | Encoding::Auto => "-r | cut -d' ' -f1",
        Encoding::Base64 => "-binary | base64 -w0",
    };
    Some(format!("$(printf %s \"$BODY\" | openssl dgst -{hash} -hmac \"$SECRET\" {written})"))
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::services::Registry;

    #[test]
    fn a_signature_over_the_body_is_made_in_the_shell_and_others_are_left_to_the_command() {
        let registry = Registry::load(&BTreeMap::new()).unwrap();
        let of = |name: &str| {
            let pack = registry.pack(name).unwrap();
            let hook = pack.hook.as_ref().unwrap();
            let secrets: Vec<(String, bool)> =
                hook.all_secret_names().into_iter().map(|name| (name.to_owned(), true)).collect();
            curl(hook, pack, "https://bellwire.example.com/hooks/x", &secrets)
        };
        let gruveo = of("gruveo").unwrap();
        assert!(gruveo.contains("openssl dgst -sha256 -hmac \"$SECRET\"") && gruveo.contains("$BODY"), "{gruveo}");
        assert_eq!(of("slack").is_some(), of("stripe").is_some());
    }

    #[test]
    fn what_stands_in_quotes_stays_one_word() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
