//! Encodings, digests and escapes.

use base64::{
    Engine as _,
    engine::{
        GeneralPurpose,
        general_purpose::{STANDARD, URL_SAFE},
    },
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    super::{print::json_of, sink},
    Answer, Filter, Given, refused,
};

pub(super) const FILTERS: &[Filter] = &[
    Filter { name: "base64_decode", least: 0, most: 0, named: &[], run: |g| base64_decode(&g, &STANDARD) },
    Filter { name: "base64_encode", least: 0, most: 0, named: &[], run: |g| base64_encode(&g, &STANDARD) },
    Filter { name: "base64_url_safe_decode", least: 0, most: 0, named: &[], run: |g| base64_decode(&g, &URL_SAFE) },
    Filter { name: "base64_url_safe_encode", least: 0, most: 0, named: &[], run: |g| base64_encode(&g, &URL_SAFE) },
    Filter { name: "escape", least: 0, most: 0, named: &[], run: |g| escape(&g, |text| sink::html(text).into_owned()) },
    Filter { name: "escape_once", least: 0, most: 0, named: &[], run: |g| escape(&g, escape_once) },
    Filter { name: "hmac_sha256", least: 1, most: 1, named: &[], run: hmac_sha256 },
    Filter { name: "json", least: 0, most: 0, named: &[], run: |g| Ok(Value::String(json_of(&g.input, g.budget)?)) },
    Filter {
        name: "sha256",
        least: 0,
        most: 0,
        named: &[],
        run: |g| g.give(hex::encode(Sha256::digest(g.text()?.as_bytes()))),
    },
    Filter { name: "strip_html", least: 0, most: 0, named: &[], run: |g| g.give(without_tags(&g.text()?)) },
    Filter { name: "url_decode", least: 0, most: 0, named: &[], run: url_decode },
    Filter { name: "url_encode", least: 0, most: 0, named: &[], run: url_encode },
];

fn base64_encode(given: &Given<'_>, alphabet: &GeneralPurpose) -> Answer {
    let text = given.text()?;
    given.budget.hold(text.len() / 3 * 4 + 4)?;
    Ok(Value::String(alphabet.encode(text.as_bytes())))
}

fn base64_decode(given: &Given<'_>, alphabet: &GeneralPurpose) -> Answer {
    let text = given.text()?;
    let bytes = alphabet.decode(text.trim()).map_err(|_| refused("this is no Base64"))?;
    given.give(String::from_utf8(bytes).map_err(|_| refused("what is decoded is no text"))?)
}

fn hmac_sha256(given: Given<'_>) -> Answer {
    let key = given.wanted_text(0)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|_| refused("this is no key"))?;
    mac.update(given.text()?.as_bytes());
    given.give(hex::encode(mac.finalize().into_bytes()))
}

fn url_encode(given: Given<'_>) -> Answer {
    let text = given.text()?;
    given.budget.hold(text.len() * 3)?;
    // A space is `+` here, as in a form: what Liquid's users expect of this filter.
    given.give(sink::percent(&text).replace("%20", "+"))
}

fn url_decode(given: Given<'_>) -> Answer {
    let text = given.text()?.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&text).decode_utf8();
    given.give(decoded.map_err(|_| refused("what is decoded is no text"))?)
}

fn escape(given: &Given<'_>, change: fn(&str) -> String) -> Answer {
    /// `&#39;` and `&quot;` are the longest.
    const GROWTH: usize = 6;
    let text = given.text()?;
    if text.len() > given.budget.bytes() / GROWTH {
        let grown = text.bytes().filter(|byte| b"&<>\"'".contains(byte)).count() * GROWTH;
        given.budget.hold(text.len() + grown)?;
    }
    given.give(change(&text))
}

/// Escapes what is not an entity already.
fn escape_once(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        escaped.push_str(&sink::html(before));
        let length = entity(from);
        let (kept, after) = from.split_at(length.unwrap_or(1));
        escaped.push_str(if length.is_some() { kept } else { "&amp;" });
        rest = after;
    }
    escaped.push_str(&sink::html(rest));
    escaped
}

/// How long the entity is that a text begins with.
fn entity(text: &str) -> Option<usize> {
    /// No entity that people write is longer.
    const LONGEST: usize = 32;
    let end = text.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let digits = name.strip_prefix('#').unwrap_or(name);
    let is_name = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then_some(end + 1)
}

/// A text without its tags, comments, scripts and styles.
fn without_tags(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut kept = String::with_capacity(text.len());
    let mut endings = Endings { lower: &lower, absent: [false; 4] };
    let mut at = 0;
    while let Some(before) = text.get(at..).and_then(|rest| rest.find('<')) {
        kept.push_str(text.get(at..at + before).unwrap_or_default());
        at += before;
        if let Some(end) = endings.after(at) {
            at = end;
        } else {
            // A `<` that opens nothing is a sign like another.
            kept.push('<');
            at += 1;
        }
    }
    kept.push_str(text.get(at..).unwrap_or_default());
    kept
}

/// Where what is opened ends. What is known not to come any more is not looked for again, so that a pass stays linear.
struct Endings<'t> {
    /// The text, in lower case.
    lower: &'t str,
    absent: [bool; 4],
}

impl Endings<'_> {
    /// What goes with all that stands in it, and last a tag alone.
    const KINDS: [(&'static str, &'static str); 4] =
        [("<script", "</script>"), ("<style", "</style>"), ("<!--", "-->"), ("<", ">")];

    /// The end of what is opened at a byte; a script that never ends is a tag like another.
    fn after(&mut self, at: usize) -> Option<usize> {
        let rest = self.lower.get(at..)?;
        for ((opening, ending), absent) in Self::KINDS.iter().zip(&mut self.absent) {
            if *absent || !rest.starts_with(opening) {
                continue;
            }
            match rest.find(ending) {
                Some(length) => return Some(at + length + ending.len()),
                None => *absent = true,
            }
        }
        None
    }
}
