//! Signatures and tokens: what passes, what does not, and what is told.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{KeyInit, Mac as _};
use sha2::Sha256;

use super::*;
use crate::{
    clock::Time,
    secret::Secret,
    services::{Refused, Request},
};

const NOW: Time = Time(1_772_359_200_000);
const KEY: &str = "the-key-of-gruveo";
const BODY: &[u8] = br#"{"resolution": "missed"}"#;

fn scheme(algorithm: Algorithm, encoding: Encoding, prefix: &str) -> Verify {
    Verify::Signed(Box::new(Scheme {
        headers: vec!["x-signature".to_owned()],
        seal: Seal::Hmac(algorithm),
        encoding,
        prefix: prefix.to_owned(),
        list: None,
        over: vec![Part::Body],
        separator: String::new(),
        ids: Vec::new(),
        time: None,
        digest: None,
        secret: "key".to_owned(),
        key: KeyForm::Text,
        key_prefix: String::new(),
    }))
}

/// Checks a request, and says which form matched.
fn asked(verify: &Verify, request: &Request<'_>, keys: &dyn Fn(&str) -> Vec<Secret>) -> Result<&'static str, Refused> {
    verify.check(request, &Target::default(), keys, NOW).map(|proof| proof.form)
}

fn gruveo() -> Verify {
    scheme(Algorithm::Sha256, Encoding::Auto, "")
}

fn sign(key: &str, body: &[u8]) -> Vec<u8> {
    let mut mac = <hmac::Hmac<Sha256> as KeyInit>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

fn live(keys: &[&str]) -> Vec<Secret> {
    keys.iter().map(|key| Secret::new((*key).to_owned())).collect()
}

/// Checks a delivery with these headers, one live key, and the body `BODY`.
fn check(verify: &Verify, headers: &[(&str, &str)]) -> Result<&'static str, Refused> {
    check_with(verify, headers, BODY, &[KEY])
}

fn check_with(verify: &Verify, headers: &[(&str, &str)], body: &[u8], keys: &[&str]) -> Result<&'static str, Refused> {
    let headers: Vec<_> = headers.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect();
    let request = Request { headers: &headers, query: &[], path: &[], body };
    asked(verify, &request, &|name| if name == "key" { live(keys) } else { Vec::new() })
}

fn outcome(result: Result<&'static str, Refused>) -> (u16, &'static str) {
    result.map_or_else(|refused| (refused.status, refused.reason), |form| (202, form))
}

#[test]
fn only_the_declared_forms_of_the_right_signature_pass() {
    let signature = sign(KEY, BODY);
    let lower = hex::encode(&signature);
    let upper = lower.to_ascii_uppercase();
    let mixed: String =
        lower.chars().enumerate().map(|(n, c)| if n % 3 == 0 { c.to_ascii_uppercase() } else { c }).collect();
    let base64 = STANDARD.encode(&signature);
    let url_safe = base64.replace('+', "-").replace('/', "_");
    assert_ne!(url_safe, base64, "pick a body whose signature tells the alphabets apart");
    let mismatch = (401, "signature_mismatch");
    for (value, auto, hex, only_base64) in [
        (lower.clone(), (202, "hex"), (202, "hex"), mismatch),
        (upper, (202, "hex"), (202, "hex"), mismatch),
        (mixed, (202, "hex"), (202, "hex"), mismatch),
        (base64.clone(), (202, "base64"), mismatch, (202, "base64")),
        (url_safe, mismatch, mismatch, mismatch),
        (base64.trim_end_matches('=').to_owned(), mismatch, mismatch, mismatch),
        (format!(" {lower}"), mismatch, mismatch, mismatch),
        (format!("{base64} "), mismatch, mismatch, mismatch),
        (String::new(), mismatch, mismatch, mismatch),
        ("v1".to_owned(), mismatch, mismatch, mismatch),
        ("sha256=".to_owned(), mismatch, mismatch, mismatch),
        (format!("sha256={lower}"), mismatch, mismatch, mismatch),
        ("ab".to_owned(), mismatch, mismatch, mismatch),
        (lower.chars().take(32).collect(), mismatch, mismatch, mismatch),
        (format!("{lower}{lower}"), mismatch, mismatch, mismatch),
        ("g".repeat(64), mismatch, mismatch, mismatch),
        ("é".repeat(32), mismatch, mismatch, mismatch),
        (hex::encode(sign("another key", BODY)), mismatch, mismatch, mismatch),
        (hex::encode(sign("", BODY)), mismatch, mismatch, mismatch),
    ] {
        for (encoding, wanted) in [(Encoding::Auto, auto), (Encoding::Hex, hex), (Encoding::Base64, only_base64)] {
            let got = check(&scheme(Algorithm::Sha256, encoding, ""), &[("x-signature", &value)]);
            assert_eq!(outcome(got), wanted, "{value} as {encoding:?}");
        }
    }
}

#[test]
fn every_algorithm_signs_and_a_prefix_is_wanted_to_the_letter() {
    let key = KEY.as_bytes();
    let one = hex::encode(
        <hmac::Hmac<sha1::Sha1> as KeyInit>::new_from_slice(key).unwrap().chain_update(BODY).finalize().into_bytes(),
    );
    let five = <hmac::Hmac<sha2::Sha512> as KeyInit>::new_from_slice(key).unwrap().chain_update(BODY).finalize();
    let five = STANDARD.encode(five.into_bytes());
    let sha1 = scheme(Algorithm::Sha1, Encoding::Hex, "sha1=");
    assert_eq!(check(&sha1, &[("x-signature", &format!("sha1={one}"))]), Ok("hex"));
    for wrong in ["sha256=", "SHA1=", ""] {
        let got = check(&sha1, &[("x-signature", &format!("{wrong}{one}"))]);
        assert_eq!(outcome(got), (401, "signature_mismatch"), "{wrong}");
    }
    let sha512 = scheme(Algorithm::Sha512, Encoding::Auto, "");
    assert_eq!(check(&sha512, &[("x-signature", &five)]), Ok("base64"));
}

#[test]
fn missing_and_doubled_headers_are_refused_without_a_guess() {
    let good = hex::encode(sign(KEY, BODY));
    let bad = "0".repeat(64);
    let joined = format!("{good},{bad}");
    for (headers, wanted) in [
        (vec![], (401, "signature_missing")),
        (vec![("x_signature", good.as_str())], (401, "signature_missing")),
        (vec![("x-signature ", good.as_str())], (401, "signature_missing")),
        (vec![("x-signature", good.as_str()), ("x-signature", bad.as_str())], (400, "duplicate_header")),
        (vec![("x-signature", bad.as_str()), ("x-signature", good.as_str())], (400, "duplicate_header")),
        (vec![("x-signature", good.as_str()), ("x-signature", good.as_str())], (400, "duplicate_header")),
        (vec![("x-signature", joined.as_str())], (400, "duplicate_header")),
        (vec![("x-signature", good.as_str())], (202, "hex")),
    ] {
        assert_eq!(outcome(check(&gruveo(), &headers)), wanted, "{headers:?}");
    }
}

#[test]
fn the_raw_bytes_count_and_nothing_like_them() {
    let good = hex::encode(sign(KEY, BODY));
    for body in
        [&br#"{"resolution":"missed"}"#[..], br#"{"resolution": "missed"} "#, br#"{"resolution": "misseD"}"#, b""]
    {
        let got = check_with(&gruveo(), &[("x-signature", &good)], body, &[KEY]);
        assert_eq!(outcome(got), (401, "signature_mismatch"));
    }
}

#[test]
fn two_live_keys_pass_and_a_third_does_not() {
    let good = hex::encode(sign(KEY, BODY));
    let with = |keys: &[&str]| outcome(check_with(&gruveo(), &[("x-signature", &good)], BODY, keys));
    assert_eq!(with(&["the-new-key", KEY]), (202, "hex"));
    assert_eq!(with(&[KEY, "the-old-key"]), (202, "hex"));
    assert_eq!(with(&["the-new-key", "the-old-key", KEY]), (401, "signature_mismatch"));
    assert_eq!(with(&["the-key-of-groove"]), (401, "signature_mismatch"));
}

#[test]
fn without_a_key_nothing_passes() {
    let empty = hex::encode(sign("", BODY));
    for keys in [&[][..], &[""], &["", ""]] {
        let got = check_with(&gruveo(), &[("x-signature", &empty)], BODY, keys);
        assert_eq!(outcome(got), (503, "secret_missing"));
    }
    assert_eq!(outcome(check_with(&gruveo(), &[], BODY, &[])), (503, "secret_missing"));
}

#[test]
fn a_refusal_tells_what_differed_and_no_value() {
    let good = hex::encode(sign(KEY, BODY));
    let wrong = "0123456789abcdef".repeat(4);
    for value in [wrong.as_str(), "zz", "", good.get(..63).unwrap()] {
        let detail = check(&gruveo(), &[("x-signature", value)]).unwrap_err().detail;
        assert!(value.is_empty() || !detail.contains(value), "{detail}");
        assert!(!detail.contains(KEY) && !detail.contains(good.get(..8).unwrap()), "{detail}");
    }
    let detail = |value: &str| check(&gruveo(), &[("x-signature", value)]).unwrap_err().detail;
    assert_eq!(
        detail("zz"),
        "header `x-signature`: the signature has 2 characters, neither 64 (hexadecimal) nor 44 (Base64)"
    );
    assert_eq!(detail(&"z".repeat(64)), "header `x-signature`: the signature is not hexadecimal");
    assert_eq!(detail(&wrong), "the signature is not that of body (24 bytes) under secret `key`");
}

/// 200,000 signatures, each one or more changes away from the right one; the seed is fixed, so a failure repeats.
#[test]
fn of_200_000_mutated_signatures_none_is_accepted() {
    const ROUNDS: usize = 200_000;
    const LETTERS: &[u8] = b"0123456789abcdefABCDEFghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ+/=-_ ,\t\0\xff";
    let signature = sign(KEY, BODY);
    let forms = [hex::encode(&signature).into_bytes(), STANDARD.encode(&signature).into_bytes()];
    let scheme = gruveo();
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 11).unwrap() % below
    };
    let keys = live(&[KEY]);
    let mut tried = 0;
    while tried < ROUNDS {
        let original = &forms[next(2)];
        let mut value = original.clone();
        for _ in 0..=next(3) {
            let at = next(value.len().max(1));
            match next(6) {
                0 | 1 => {
                    if let Some(byte) = value.get_mut(at) {
                        *byte = LETTERS[next(LETTERS.len())];
                    }
                }
                2 => value.truncate(at),
                3 => value.insert(at, LETTERS[next(LETTERS.len())]),
                4 => value.reverse(),
                _ => {
                    let whole = value.len();
                    value.rotate_left(at.min(whole));
                }
            }
        }
        // Hexadecimal in another case is the same signature.
        let same = value == *original || (value.len() == 64 && value.eq_ignore_ascii_case(&forms[0]));
        if same {
            continue;
        }
        tried += 1;
        let headers = [("x-signature".to_owned(), value)];
        let request = Request { headers: &headers, query: &[], path: &[], body: BODY };
        assert!(asked(&scheme, &request, &|_| keys.clone()).is_err(), "{:?}", headers[0].1);
    }
}

fn token(place: TokenPlace) -> Verify {
    Verify::Token(Token { place, name: "token".to_owned(), prefix: String::new(), secret: "key".to_owned() })
}

#[test]
fn a_token_passes_whole_and_alone() {
    let secrets = |_: &str| live(&["0123456789", "abcdefghij"]);
    let at = |place, values: &[&str]| {
        let query: Vec<_> = values.iter().map(|v| ("token".to_owned(), (*v).to_owned())).collect();
        let headers: Vec<_> = values.iter().map(|v| ("token".to_owned(), v.as_bytes().to_vec())).collect();
        let path: Vec<_> = values.iter().map(|v| (*v).to_owned()).collect();
        let request = Request { headers: &headers, query: &query, path: &path, body: b"" };
        outcome(asked(&token(place), &request, &secrets))
    };
    let unknown = (404, "not_found");
    for place in [TokenPlace::Query, TokenPlace::Header, TokenPlace::Path] {
        assert_eq!(at(place, &["0123456789"]), (202, "token"));
        assert_eq!(at(place, &["abcdefghij"]), (202, "token"), "the other live one");
        for wrong in ["", "012345678", "01234567890", "ABCDEFGHIJ", " 0123456789", "0123456789\0", "key"] {
            assert_eq!(at(place, &[wrong]), unknown, "{wrong:?}");
        }
        assert_eq!(at(place, &[]), unknown);
    }
    assert_eq!(at(TokenPlace::Query, &["0123456789", "0123456789"]), unknown);
    assert_eq!(at(TokenPlace::Header, &["0123456789", "0123456789"]), (400, "duplicate_header"));
}

#[test]
fn a_token_that_is_not_set_refuses_all() {
    let query = [("token".to_owned(), String::new())];
    let request = Request { headers: &[], query: &query, path: &[], body: b"" };
    for keys in [&[][..], &[""]] {
        assert_eq!(outcome(asked(&token(TokenPlace::Query), &request, &|_| live(keys))), (503, "secret_missing"));
    }
}

#[test]
fn a_public_source_checks_nothing_and_asks_for_no_secret() {
    let request = Request { headers: &[], query: &[], path: &[], body: b"" };
    assert_eq!(asked(&Verify::None, &request, &|_| unreachable!()), Ok("none"));
}
