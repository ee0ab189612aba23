//! A request to paste into a shell, whose proof is made there of a secret that only the reader has.

use serde_json::json;

use super::heard::Heard;
use crate::{
    services::{
        Algorithm, Encoding, EventKind, Hook, KeyForm, Pack, Part, Scheme, Seal, Stamp, StampUnit, TokenPlace, Verify,
    },
    value::{Object, Segment, Value},
};

/// Stands in a body where the shell puts the time.
const FRESH: &str = "@@bellwire-fresh@@";

/// A request that curl sends to a hook, with `$SECRET` where the secret stands; each time that it is sent it is another delivery.
/// `None`: its signature is none that a shell makes in a line.
pub(super) fn curl(
    hook: &Hook,
    pack: &Pack,
    url: &str,
    secrets: &[(String, bool)],
    heard: Option<&Heard>,
) -> Option<String> {
    let event = match heard {
        Some(heard) => pack.events.get_key_value(&heard.event),
        // Better one that says when it happened: it is another each time.
        None => pack.events.iter().find(|(_, kind)| kind.stamp.is_some()).or_else(|| pack.events.iter().next()),
    };
    let sample = match heard {
        Some(heard) => Some(heard.body(pack)),
        None => event.and_then(|(_, kind)| kind.samples.first().map(|(_, sample)| sample.clone())),
    };
    let (body, id) = fresh(hook, event.map(|(_, kind)| kind), sample.unwrap_or_else(|| json!({"hello": "world"})));
    let mut url = url.replace("<event>", event.map_or("received", |(name, _)| name.as_str()));
    for (name, _) in secrets {
        url = url.replace(&format!("<{name}>"), "$SECRET");
    }
    let named = hook.name.header.as_ref().zip(event).map(|(header, (name, _))| format!(" \\\n  -H '{header}: {name}'"));
    let named = named.unwrap_or_default();
    let start = format!("curl -X POST \"{url}\" \\\n  -H 'Content-Type: application/json'{named}{id}");
    let data = format!(" \\\n  --data-binary {body}");
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
                body, scheme.prefix
            ))
        }
    }
}

/// A body as one word of a shell that makes it new each time, by what tells deliveries of the service apart; and the header that does it
/// where no body does, as a line of its own.
fn fresh(hook: &Hook, kind: Option<&EventKind>, mut body: Value) -> (String, String) {
    let stamp = kind.and_then(|kind| kind.stamp.as_ref()).map(|Stamp { path, unit }| (path, *unit));
    if let Some((path, unit)) = stamp.or_else(|| hook.verify.stamp_of_body()) {
        put(&mut body, path.segments(), |_| FRESH.to_owned());
        let (mark, made) = match unit {
            StampUnit::Milliseconds => (format!("\"{FRESH}\""), "$(date +%s)000"),
            StampUnit::Seconds => (format!("\"{FRESH}\""), "$(date +%s)"),
            StampUnit::Text => (FRESH.to_owned(), "$(date -u +%Y-%m-%dT%H:%M:%SZ)"),
        };
        return (quoted(&body.to_string()).replace(&mark, &format!("'{made}'")), String::new());
    }
    let named = hook.dedupe.as_ref().and_then(|leaf| leaf.references().first()).map(|reference| &reference.path);
    match (named.and_then(|path| path.root()), named.map(crate::value::Path::below_root)) {
        (Some("headers"), Some([Segment::Name(header)])) => {
            (quoted(&body.to_string()), format!(" \\\n  -H \"{header}: $(date +%s)\""))
        }
        (Some("body"), Some(below)) => {
            put(&mut body, below, |before| format!("{}-{FRESH}", before.as_str().unwrap_or("id")));
            (quoted(&body.to_string()).replace(FRESH, "'$(date +%s)'"), String::new())
        }
        // Of a service that is not known any name may stand in the body; of one that is, it stays what the service would send.
        _ if kind.is_none() => {
            put(&mut body, &[Segment::Name("at".to_owned())], |_| FRESH.to_owned());
            (quoted(&body.to_string()).replace(&format!("\"{FRESH}\""), "'$(date +%s)'"), String::new())
        }
        _ => (quoted(&body.to_string()), String::new()),
    }
}

/// Sets the text at a path of names, made of what was there; objects on the way are made.
fn put(value: &mut Value, path: &[Segment], made: impl FnOnce(&Value) -> String) {
    match path {
        [] => *value = Value::String(made(value)),
        [Segment::Name(name), rest @ ..] => {
            if !value.is_object() {
                *value = Value::Object(Object::new());
            }
            if let Value::Object(map) = value {
                put(map.entry(name.clone()).or_insert(Value::Null), rest, made);
            }
        }
        _ => {}
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
pub(super) fn quoted(text: &str) -> String {
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
            curl(hook, pack, "https://bellwire.example.com/hooks/x", &secrets, None)
        };
        let gruveo = of("gruveo").unwrap();
        assert!(gruveo.contains("openssl dgst -sha256 -hmac \"$SECRET\"") && gruveo.contains("$BODY"), "{gruveo}");
        assert!(gruveo.contains("\"timestamp\":'$(date +%s)000',"), "{gruveo}");
        assert_eq!(of("slack").is_some(), of("stripe").is_some());
        // What tells deliveries apart is new each time: a field of the body, or a header.
        assert!(of("groove").unwrap().contains("\"updated_at\":\"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'\""));
        assert!(of("github").unwrap().contains("-H \"x-github-delivery: $(date +%s)\""));
        assert!(of("intercom").unwrap().contains("-'$(date +%s)'\""));
    }

    #[test]
    fn a_body_of_which_nothing_is_known_is_new_each_time() {
        let pack = Pack::generic("door", true);
        let made =
            curl(pack.hook.as_ref().unwrap(), &pack, "https://bellwire.example.com/hooks/door", &[], None).unwrap();
        assert!(made.ends_with("--data-binary '{\"hello\":\"world\",\"at\":'$(date +%s)'}'"), "{made}");
    }

    #[test]
    fn what_a_rule_runs_on_is_what_is_sent() {
        let registry = Registry::load(&BTreeMap::new()).unwrap();
        let pack = registry.pack("gruveo").unwrap();
        let heard = Heard {
            service: "gruveo".to_owned(),
            event: "call".to_owned(),
            sample: "declined".to_owned(),
            set: json!({"tracking": {"ticket": "42"}}),
        };
        let secrets = [("gruveo_key".to_owned(), true)];
        let made = curl(
            pack.hook.as_ref().unwrap(),
            pack,
            "https://bellwire.example.com/hooks/gruveo",
            &secrets,
            Some(&heard),
        );
        let made = made.unwrap();
        assert!(made.contains("\"resolution\":\"declined\"") && made.contains("\"ticket\":\"42\""), "{made}");
    }

    #[test]
    fn what_stands_in_quotes_stays_one_word() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
