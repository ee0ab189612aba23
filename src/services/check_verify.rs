//! From a pack's `verify` as written to one that holds together.

use std::time::Duration;

use super::{
    Algorithm, Basic, Encoding, KeyForm, Part, Scheme, Seal, StampPlace, StampUnit, Stamped, TOLERANCE, Token,
    TokenPlace, Verify,
    check::header_name,
    presets,
    raw::{Node, did_you_mean},
};
use crate::config::forms::duration;

/// The longest tolerance that is taken: above it a replay is no replay any more.
const LONGEST: Duration = Duration::from_hours(24);

/// The keys of a signature.
const SIGNED: [&str; 12] = [
    "header",
    "algorithm",
    "encoding",
    "prefix",
    "list",
    "over",
    "separator",
    "id",
    "timestamp",
    "tolerance",
    "digest",
    "secret",
];

/// What the names of secrets are where they are left out: a pack's own descriptor names them all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'n> {
    pub(super) secret: Option<&'n str>,
}

/// Reads `verify`. `None` where it does not hold together; the findings say why.
pub(super) fn verify(node: &Node<'_>, names: Names<'_>) -> Option<Verify> {
    if node.value == "none" {
        return Some(Verify::None);
    }
    node.keys(&["hmac", "ed25519", "token", "basic", "preset", "secret", "tolerance"]);
    if let Some(preset) = node.get("preset") {
        return of_preset(node, &preset, names);
    }
    for key in ["secret", "tolerance"] {
        if let Some(node) = node.get(key) {
            node.key_finding("P002", format!("`{key}` stands beside `preset` alone"), "write it below the scheme");
        }
    }
    let found: Vec<(&str, Node<'_>)> =
        ["hmac", "ed25519", "token", "basic"].into_iter().filter_map(|key| Some((key, node.get(key)?))).collect();
    match found.as_slice() {
        [("hmac", node)] => signed(node, names, false),
        [("ed25519", node)] => signed(node, names, true),
        [("token", node)] => token(node, names),
        [("basic", node)] => basic(node, names),
        _ => {
            node.finding("P004", "one of `hmac`, `ed25519`, `token`, `basic` and `preset` wanted", "");
            None
        }
    }
}

fn of_preset(node: &Node<'_>, preset: &Node<'_>, names: Names<'_>) -> Option<Verify> {
    node.keys(&["preset", "secret", "tolerance"]);
    let secret = secret(node, names, "secret");
    let tolerance = node.get("tolerance").and_then(|node| span(&node));
    let name = preset.text()?;
    let Some(mut verify) = presets::verify(&name) else {
        preset.finding("P005", format!("there is no preset `{name}`"), did_you_mean(&name, &presets::names()));
        return None;
    };
    let secret = secret?;
    match &mut verify {
        Verify::Signed(scheme) => {
            scheme.secret = secret;
            if let (Some(time), Some(tolerance)) = (&mut scheme.time, tolerance) {
                time.tolerance = tolerance;
            }
        }
        Verify::Token(token) => token.secret = secret,
        Verify::Basic(_) | Verify::None => {}
    }
    Some(verify)
}

/// The name of a secret below `key`.
fn secret(node: &Node<'_>, names: Names<'_>, key: &str) -> Option<String> {
    match (node.get(key), names.secret) {
        (Some(node), _) => node.identifier(),
        (None, Some(name)) => Some(name.to_owned()),
        (None, None) => node.want(key).and_then(|node| node.identifier()),
    }
}

fn span(node: &Node<'_>) -> Option<Duration> {
    let span = duration(&node.text()?).map_err(|why| node.finding("P004", why, "")).ok()?;
    if span > LONGEST {
        node.finding("P004", "a span of time of at most 24h wanted", "what is older could be sent again by anybody");
        return None;
    }
    Some(span)
}

fn signed(node: &Node<'_>, names: Names<'_>, asymmetric: bool) -> Option<Verify> {
    node.object()?;
    let mut keys = SIGNED.to_vec();
    keys.extend(["key", "key_prefix"]);
    keys.retain(|key| !asymmetric || *key != "algorithm");
    node.keys(&keys);
    let headers = node.want("header").and_then(|node| header_names(&node));
    let seal = if asymmetric {
        Some(Seal::Ed25519)
    } else {
        let known = [("sha1", Algorithm::Sha1), ("sha256", Algorithm::Sha256), ("sha512", Algorithm::Sha512)];
        node.want("algorithm").and_then(|node| node.word(&known)).map(Seal::Hmac)
    };
    let encodings = [("hex", Encoding::Hex), ("base64", Encoding::Base64), ("auto", Encoding::Auto)];
    let encoding = node.want("encoding").and_then(|node| node.word(&encodings));
    let prefix = optional(node, "prefix");
    let list = node.get("list").and_then(|node| node.word(&[(",", ','), (" ", ' '), (";", ';')]));
    if let (None, true, Some(at)) = (list, prefix.contains(','), node.get("prefix")) {
        at.finding("P004", "a prefix without a comma wanted", "`list` says that a header holds several signatures");
    }
    let over = node.want("over").and_then(|node| parts(&node));
    let ids = node.get("id").map(|node| header_names(&node).unwrap_or_default()).unwrap_or_default();
    let time = node.get("timestamp").and_then(|at| stamped(&at, node.get("tolerance"), list));
    if let (None, Some(at)) = (node.get("timestamp"), node.get("tolerance")) {
        at.key_finding("P004", "`tolerance` without `timestamp`", "say where the time of a signature stands");
    }
    let digest = node.get("digest").and_then(|node| {
        node.keys(&["query"]);
        node.want("query").and_then(|node| node.text())
    });
    let key = node.get("key").and_then(|node| node.word(&KeyForm::ALL));
    let unless_said = if asymmetric { KeyForm::Hex } else { KeyForm::Text };
    let scheme = Scheme {
        headers: headers?,
        seal: seal?,
        encoding: encoding?,
        prefix,
        list,
        over: over?,
        separator: optional(node, "separator"),
        ids,
        time,
        digest,
        secret: secret(node, names, "secret")?,
        key: key.unwrap_or(unless_said),
        key_prefix: optional(node, "key_prefix"),
    };
    holds(node, &scheme);
    Some(Verify::Signed(Box::new(scheme)))
}

/// Whether what is signed is there to be signed, and what is there is signed.
fn holds(node: &Node<'_>, scheme: &Scheme) {
    let over = |part: &Part| scheme.over.contains(part);
    if over(&Part::Timestamp) && !matches!(&scheme.time, Some(time) if !matches!(time.place, StampPlace::Body(_))) {
        node.finding("P003", "the key `timestamp` is missing", "`over` says that it is signed; say where it stands");
    }
    if over(&Part::Id) && scheme.ids.is_empty() {
        node.finding("P003", "the key `id` is missing", "`over` says that it is signed; name its header");
    }
    if !over(&Part::Body) && !over(&Part::Form) {
        node.finding("P004", "a signature that is not over the body proves nothing of it", "add `body` to `over`");
    }
    let unsigned = scheme.time.as_ref().is_some_and(|time| !matches!(time.place, StampPlace::Body(_)));
    if unsigned && !over(&Part::Timestamp) {
        node.finding(
            "P004",
            "a time that is not signed proves nothing: whoever sends a delivery again writes another",
            "add `timestamp` to `over`, or take it out",
        );
    }
}

fn optional(node: &Node<'_>, key: &str) -> String {
    node.get(key).filter(|node| node.value != "").and_then(|node| node.text()).unwrap_or_default()
}

/// One name of a header or several, in lower case.
fn header_names(node: &Node<'_>) -> Option<Vec<String>> {
    let names: Vec<String> = if node.value.is_array() {
        node.list().iter().filter_map(header_name).collect()
    } else {
        header_name(node).into_iter().collect()
    };
    (!names.is_empty()).then(|| names.into_iter().map(|name| name.to_ascii_lowercase()).collect())
}

fn parts(node: &Node<'_>) -> Option<Vec<Part>> {
    let words: Vec<(&str, usize)> = Part::ALL.iter().enumerate().map(|(at, (word, _))| (*word, at)).collect();
    let named = |node: &Node<'_>| Part::ALL.get(node.word(&words)?).map(|(_, part)| part.clone());
    if !node.value.is_array() {
        return named(node).map(|part| vec![part]);
    }
    let one = |node: &Node<'_>| {
        if !node.value.is_object() {
            return named(node);
        }
        node.keys(&["text"]);
        node.want("text").and_then(|node| node.text()).map(Part::Text)
    };
    let parts: Vec<Part> = node.list().iter().filter_map(one).collect();
    (!parts.is_empty()).then_some(parts)
}

fn stamped(node: &Node<'_>, tolerance: Option<Node<'_>>, list: Option<char>) -> Option<Stamped> {
    node.object()?;
    node.keys(&["header", "entry", "body", "unit"]);
    let place = match (node.get("header"), node.get("entry"), node.get("body")) {
        (Some(node), None, None) => StampPlace::Headers(header_names(&node)?),
        (None, Some(entry), None) => {
            if list.is_none() {
                entry.finding(
                    "P004",
                    "an entry of the signature's header wanted, and that holds no list",
                    "set `list`",
                );
            }
            StampPlace::Entry(entry.text()?)
        }
        (None, None, Some(body)) => StampPlace::Body(body.path()?),
        _ => {
            node.finding("P004", "one of `header`, `entry` and `body` wanted", "");
            return None;
        }
    };
    let unit = node.get("unit").map_or(Some(StampUnit::Seconds), |node| node.word(&StampUnit::ALL));
    let tolerance = match tolerance {
        Some(node) => span(&node)?,
        None => TOLERANCE,
    };
    Some(Stamped { place, unit: unit?, tolerance })
}

fn token(node: &Node<'_>, names: Names<'_>) -> Option<Verify> {
    node.keys(&["in", "name", "prefix", "secret"]);
    let places = [("query", TokenPlace::Query), ("header", TokenPlace::Header), ("path", TokenPlace::Path)];
    let place = node.want("in").and_then(|node| node.word(&places));
    let name = match place {
        Some(TokenPlace::Header) => {
            node.want("name").and_then(|node| header_name(&node)).map(|name| name.to_ascii_lowercase())
        }
        Some(TokenPlace::Query) => node.want("name").and_then(|node| node.text()).map(|name| name.to_ascii_lowercase()),
        Some(TokenPlace::Path) | None => Some(String::new()),
    };
    let prefix = optional(node, "prefix");
    let secret = secret(node, names, "secret");
    Some(Verify::Token(Token { place: place?, name: name?, prefix, secret: secret? }))
}

fn basic(node: &Node<'_>, names: Names<'_>) -> Option<Verify> {
    node.object()?;
    node.keys(&["user", "password"]);
    let name = |key: &'static str| secret(node, Names { secret: names.secret.map(|_| key) }, key);
    let (user, password) = (name("user"), name("password"));
    Some(Verify::Basic(Basic { user: user?, password: password? }))
}
