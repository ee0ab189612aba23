//! Finds secrets in texts, in the forms in which targets and libraries write them back.

use std::{borrow::Cow, cmp::Reverse, collections::HashSet, fmt, fmt::Write as _, ops::Range};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{SHORTEST, Secret, search::Search, unescape::View};

/// What is percent-encoded by those who keep to RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// How deep JSON may stand in texts of JSON where a secret is looked for behind its escapes.
const NESTED: usize = 3;
/// What is left where the text could not be searched.
const WITHHELD: &str = "[withheld: secrets could not be masked]";

/// Replaces every known secret (and its base64, base64url, hex, URL, JSON and HTML forms) in a text by `[secret NAME]`.
///
/// Mask before cutting: a secret that a cut has split is not found.
#[derive(Default)]
pub struct Masker {
    search: Option<Search>,
    /// By pattern.
    replacements: Vec<String>,
    /// The search could not be built: then nothing is let through.
    withhold: bool,
}

impl Masker {
    /// A masker for these secrets: name and value.
    pub fn new<'s>(secrets: impl IntoIterator<Item = (&'s str, &'s Secret)>) -> Self {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let mut replacements = Vec::new();
        let mut known = HashSet::new();
        for (name, secret) in secrets {
            for form in forms(secret.expose()) {
                if known.insert(form.clone()) {
                    patterns.push(form);
                    replacements.push(format!("[secret {name}]"));
                }
            }
        }
        if patterns.is_empty() {
            return Self::default();
        }
        match Search::new(patterns) {
            Ok(search) => Self { search: Some(search), replacements, withhold: false },
            Err(_) => Self { search: None, replacements: Vec::new(), withhold: true },
        }
    }

    /// Bytes of the longest form of a secret that is looked for; 0 where there is none.
    pub fn longest(&self) -> usize {
        self.search.as_ref().map_or(0, Search::longest)
    }

    /// The text without any secret.
    pub fn mask(&self, text: &str) -> String {
        self.mask_cow(text).into_owned()
    }

    /// The text without any secret; the text itself where there was none in it.
    pub fn mask_cow<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.masked(text.as_bytes()) {
            // The patterns are UTF-8 and so begin and end between characters: what is left is UTF-8 too.
            Some(masked) => Cow::Owned(String::from_utf8_lossy(&masked).into_owned()),
            None => Cow::Borrowed(text),
        }
    }

    /// The same for bytes that may be no text.
    pub fn mask_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.masked(bytes).unwrap_or_else(|| bytes.to_vec())
    }

    /// The bytes without any secret. `None` where there was none in them.
    fn masked(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.withhold {
            return Some(WITHHELD.as_bytes().to_vec());
        }
        let search = self.search.as_ref()?;
        let mut found: Vec<(Range<usize>, usize)> = search.all_in(bytes);
        let mut view = View::of(bytes);
        for _ in 0..NESTED {
            let Some(seen) = &view else { break };
            found.extend(search.all_in(&seen.bytes).into_iter().map(|(at, form)| (seen.place(at), form)));
            view = seen.again();
        }
        if found.is_empty() {
            return None;
        }
        found.sort_by_key(|(place, _)| (place.start, Reverse(place.end)));
        let mut masked = Vec::with_capacity(bytes.len());
        let mut done = 0;
        for (place, pattern) in found {
            // Of one that lies over another, what that has left of it goes with it.
            if place.start >= done {
                masked.extend_from_slice(bytes.get(done..place.start).unwrap_or_default());
                let name = self.replacements.get(pattern).map_or("[secret]", String::as_str);
                masked.extend_from_slice(name.as_bytes());
            }
            done = done.max(place.end);
        }
        masked.extend_from_slice(bytes.get(done..).unwrap_or_default());
        Some(masked)
    }
}

impl fmt::Debug for Masker {
    /// Never the search itself: its states spell the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masker({} forms)", self.replacements.len())
    }
}

/// Every form of a secret that is looked for, without empty ones.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.to_owned()];
    // A header's value loses the space around it on its way.
    if secret.trim().len() >= SHORTEST {
        forms.push(secret.trim().to_owned());
    }
    // Of what is shorter, the other forms are too likely to stand for something else.
    if secret.len() >= SHORTEST {
        forms.extend(encoded(secret.as_bytes()));
        forms.extend(escaped(secret));
    }
    for part in parts_of_address(secret) {
        forms.extend(encoded(part.as_bytes()));
        forms.extend(escaped(&part));
        forms.push(part);
    }
    forms.retain(|form| !form.is_empty());
    forms.into_iter().map(String::into_bytes).collect()
}

/// Letters of a part of an address from which on it may be the secret in it: shorter ones are words such as `hooks` or `workflows`.
const TELLING_PART: usize = 16;

/// Of a secret that is a whole address: its path with its query, its path, and the parts of both that may be what is secret in it. A
/// target writes those back without the host.
fn parts_of_address(secret: &str) -> Vec<String> {
    let Ok(url) = url::Url::parse(secret.trim()) else { return Vec::new() };
    if !url.has_host() || url.path().len() < SHORTEST {
        return Vec::new();
    }
    let path = url.path().to_owned();
    let whole = url.query().map(|query| format!("{path}?{query}"));
    let segments = path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let values = url.query_pairs().map(|(_, value)| value.into_owned());
    let raw =
        url.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value);
    let decoded = segments.iter().map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned());
    let decoded: Vec<String> = decoded.collect();
    let parts = segments.into_iter().chain(decoded).chain(values).chain(raw.map(str::to_owned));
    let mut found: Vec<String> = parts.filter(|part| part.len() >= TELLING_PART).collect();
    found.extend(whole);
    found.push(path);
    found
}

/// Base64 and hex. Base64 also of the secret inside a longer text, such as `user:secret`: at each of the three alignments, the digits
/// that hold bits of the secret alone.
fn encoded(secret: &[u8]) -> Vec<String> {
    let mut forms =
        vec![STANDARD.encode(secret), URL_SAFE.encode(secret), hex::encode(secret), hex::encode_upper(secret)];
    for before in 0..3 {
        let shifted = [&[0; 2][..before], secret].concat();
        let (first, last) = ((before * 8).div_ceil(6), shifted.len() * 8 / 6);
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            forms.push(engine.encode(&shifted).chars().take(last).skip(first).collect());
        }
    }
    forms
}

/// As it stands in URLs, forms, JSON and HTML.
fn escaped(secret: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for set in [NON_ALPHANUMERIC, RESERVED] {
        let percent = utf8_percent_encode(secret, set).to_string();
        forms.push(percent.replace("%20", "+"));
        forms.push(lower_escapes(&percent));
        forms.push(percent);
    }
    forms.push(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect());
    let json = serde_json::Value::from(secret).to_string();
    let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(&json).to_owned();
    forms.push(json.replace('/', "\\/"));
    forms.push(ascii_json(&json));
    forms.push(json);
    // Any mix of escapes is read by their view; this one is the longest there is, and what a cut may leave of one is measured by it.
    forms.push(secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect());
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    forms.push(html.replace('\'', "&#39;"));
    forms.push(html.replace('\'', "&#x27;"));
    forms.push(html);
    forms
}

/// `%2F` as `%2f`.
fn lower_escapes(percent: &str) -> String {
    let mut after = 2;
    percent
        .chars()
        .map(|sign| {
            after = if sign == '%' { 0 } else { after + 1 };
            if after <= 2 { sign.to_ascii_lowercase() } else { sign }
        })
        .collect()
}

/// JSON with every character outside ASCII as `\uXXXX`, as some writers have it.
fn ascii_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for sign in json.chars() {
        if sign.is_ascii() {
            text.push(sign);
            continue;
        }
        for unit in sign.encode_utf16(&mut [0; 2]) {
            write!(text, "\\u{unit:04x}").unwrap_or_default();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "s3cr&t/\"tök'en<1>+ =x";

    fn masker() -> Masker {
        let (token, other) = (Secret::new(TOKEN.into()), Secret::new("abcdefgh".into()));
        Masker::new([("groove_token", &token), ("other", &other)])
    }

    #[test]
    fn a_long_secret_is_masked_too() {
        let long = Secret::new("0123456789abcdef".repeat(1024));
        let masker = Masker::new([("long", &long)]);
        assert_eq!(masker.mask(&format!("a {} b", long.expose())), "a [secret long] b");
        assert_eq!(masker.mask(&hex::encode(long.expose())), "[secret long]");
        let cut = long.expose().get(1..).unwrap();
        assert_eq!(masker.mask(cut), cut);
    }

    #[test]
    fn long_secrets_cost_no_more_than_short_ones_to_search_for() {
        let of = |length: usize| {
            let secrets: Vec<Secret> = (0..8).map(|seed| Secret::new(noise(seed, length))).collect();
            Masker::new(secrets.iter().map(|secret| ("long", secret))).search.unwrap()
        };
        let (short, long) = (of(200), of(8_000));
        assert!(long.longest() >= 24_000, "{}", long.longest());
        assert_eq!(short.states_at_most(), long.states_at_most());
        assert!(long.bytes_of_automaton() <= 2 * short.bytes_of_automaton(), "{}", long.bytes_of_automaton());
        assert!(long.bytes_of_automaton() < 4 << 20, "{}", long.bytes_of_automaton());
    }

    /// Characters without a pattern, of every kind that a form writes in another way.
    fn noise(seed: u64, length: usize) -> String {
        let signs: Vec<char> = "abcdefghXYZ0189&/\"'<>+ =%-._~\\".chars().collect();
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 40).unwrap()
        };
        (0..length).map(|_| signs[next() % signs.len()]).collect()
    }

    #[test]
    fn a_secret_is_masked_in_every_form_it_comes_back_in() {
        let mut found = vec![TOKEN.to_owned(), STANDARD.encode(TOKEN), URL_SAFE_NO_PAD.encode(TOKEN)];
        found.extend([hex::encode(TOKEN), hex::encode_upper(TOKEN), serde_json::to_string(TOKEN).unwrap()]);
        found.push(utf8_percent_encode(TOKEN, NON_ALPHANUMERIC).to_string());
        found.push(url::form_urlencoded::Serializer::new(String::new()).append_pair("a", TOKEN).finish());
        let mut url = url::Url::parse("https://example.com").unwrap();
        url.query_pairs_mut().append_pair("token", TOKEN);
        found.push(url.to_string());
        found.push("s3cr&amp;t/&quot;tök&#39;en&lt;1&gt;+ =x".into());
        found.push("s3cr&t\\/\\\"t\\u00f6k'en<1>+ =x".replace("\\/", "/"));
        for form in found {
            let masked = masker().mask(&format!("before {form} after"));
            assert!(masked.contains("[secret groove_token]"), "{form} gives {masked}");
            assert!(masked.starts_with("before ") && masked.ends_with(" after"), "{masked}");
        }
    }

    #[test]
    fn a_secret_behind_escapes_of_json_is_masked() {
        let units = || TOKEN.encode_utf16();
        let some = |escaped: &str| -> String {
            let written = TOKEN.chars().map(|sign| match sign {
                _ if escaped.contains(sign) => format!("\\u{:04X}", u32::from(sign)),
                '"' => "\\\"".to_owned(),
                sign => sign.to_string(),
            });
            written.collect()
        };
        let mut found = vec![
            units().map(|unit| format!("\\u{unit:04x}")).collect::<String>(),
            units().map(|unit| format!("\\u{unit:04X}")).collect(),
            some("<>&"),
            some("<>&'\"+=/"),
            some("ö&").replace('/', "\\/"),
        ];
        let nested: Vec<String> = found.iter().map(|form| serde_json::to_string(form).unwrap()).collect();
        found.extend(nested);
        for form in found {
            let masked = masker().mask(&format!("{{\"é\":\"\\u00e9 \\ud83d\\ude00 \\ud83d {form} \\u0026\"}}"));
            assert!(masked.contains("[secret groove_token]"), "{form} gives {masked}");
            assert!(
                masked.starts_with("{\"é\":\"\\u00e9 \\ud83d\\ude00 \\ud83d ") && masked.ends_with(" \\u0026\"}"),
                "{masked}"
            );
            assert!(!masked.contains("s3cr") && !masked.contains("0073"), "{masked}");
        }
    }

    #[test]
    fn a_secret_inside_longer_base64_is_masked() {
        for user in ["", "a", "ab", "abc", "someone:"] {
            for rest in ["", "!", "!!", "!!!"] {
                let basic = STANDARD.encode(format!("{user}{TOKEN}{rest}"));
                assert!(masker().mask(&basic).contains("[secret groove_token]"), "{user:?} {rest:?}");
            }
        }
    }

    #[test]
    fn an_address_that_is_a_secret_is_found_in_its_parts() {
        let address =
            "https://hooks.example.com/services/T00000000/abcdefghijklmnopqrstuvwx?sig=0123456789abcdefghij%2Fx";
        let secret = Secret::new(address.to_owned());
        let masker = Masker::new([("webhook", &secret)]);
        for told in [
            address,
            "no hook at /services/T00000000/abcdefghijklmnopqrstuvwx",
            "unknown token abcdefghijklmnopqrstuvwx",
            "bad sig 0123456789abcdefghij/x",
            "bad sig 0123456789abcdefghij%2Fx",
        ] {
            let shown = masker.mask(told);
            assert!(shown.contains("[secret webhook]"), "{shown}");
            assert!(!shown.contains("abcdefghijklm") && !shown.contains("0123456789"), "{shown}");
        }
        for part in ["abcdefghijklmnopqrstuvwx", "0123456789abcdefghij/x"] {
            for form in [STANDARD.encode(part), STANDARD.encode(format!("x{part}")), hex::encode(part)] {
                assert!(masker.mask(&form).contains("[secret webhook]"), "{part} as {form}");
            }
        }
        assert_eq!(masker.mask("the services of hooks.example.com"), "the services of hooks.example.com");
    }

    #[test]
    fn the_longest_of_two_secrets_wins() {
        let (short, long) = (Secret::new("abcdefgh".into()), Secret::new("abcdefgh-ijkl".into()));
        let masker = Masker::new([("short", &short), ("long", &long)]);
        assert_eq!(masker.mask("abcdefgh-ijkl abcdefgh"), "[secret long] [secret short]");
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is() {
        assert!(matches!(masker().mask_cow("nothing here: s3cr&t"), Cow::Borrowed(_)));
        assert_eq!(Masker::default().mask("s3cr&t"), "s3cr&t");
        assert_eq!(Masker::new([("empty", &Secret::new(String::new()))]).mask("a b"), "a b");
    }

    #[test]
    fn bytes_that_are_no_text_are_masked_too() {
        let bytes = [b"\xff\x00abcdefgh".as_slice(), b"\xfe"].concat();
        assert_eq!(masker().mask_bytes(&bytes), [b"\xff\x00[secret other]".as_slice(), b"\xfe"].concat());
    }

    #[test]
    fn a_masker_does_not_spell_its_secrets() {
        assert!(!format!("{:?}", masker()).contains("abcdefgh"));
    }
}
