//! Finds what looks like a secret that was pasted into a rule: known prefixes, values that the vault keeps, and texts without pattern.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

use crate::{
    model::{Finding, Place},
    secret::Masker,
};

/// The code of these findings.
const CODE: &str = "S001";
/// Findings of one text that are told.
const MOST: usize = 20;
/// Bits a character of a text without pattern.
const BITS: f64 = 3.7;
/// The same of one of hexadecimal digits.
const BITS_OF_HEX: f64 = 3.0;

/// Keys whose values look like secrets and are names of things.
const NAMES: [&str; 8] = ["id", "spreadsheet", "sheet", "document", "database", "page", "folder", "calendar"];

/// What services give out, by how it begins.
static KNOWN: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    let table = [
        ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY"),
        ("a key of AWS", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        ("a token of GitHub", r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})"),
        ("a token of GitLab", r"\bgl(?:pat|ptt|dt|rt)-[A-Za-z0-9_-]{16,}"),
        ("a token of Slack", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
        ("a webhook's address of Slack", r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{16,}"),
        ("a webhook's address of Discord", r"discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{20,}"),
        ("a key of Stripe", r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}"),
        ("a signing secret", r"\bwhsec_[A-Za-z0-9+/=]{16,}"),
        ("a key of SendGrid", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
        ("a key of Google", r"\b(?:AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,})"),
        ("a key of Mailgun", r"\bkey-[0-9a-f]{32}\b"),
        ("a token of npm", r"\bnpm_[A-Za-z0-9]{30,}"),
        ("a token of PyPI", r"\bpypi-[A-Za-z0-9_-]{30,}"),
        ("a token of DigitalOcean", r"\bdo[opr]_v1_[0-9a-f]{32,}"),
        ("a token of Shopify", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{24,}"),
        ("a key", r"\bsk-[A-Za-z0-9_-]{20,}"),
        ("a token (JWT)", r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"),
        ("a password in an address", r"\b[a-z][a-z0-9+.-]*://[^\s/:@{}]+:[^\s/@{}]{3,}@"),
        ("a token", r"(?i)\b(?:bearer|basic|token)\s+[A-Za-z0-9+/_.=-]{20,}"),
    ];
    table.into_iter().filter_map(|(what, pattern)| Some((what, Regex::new(pattern).ok()?))).collect()
});

/// A text long enough to be looked at for its pattern.
static LONG: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/_=-]{20,}").ok());
/// Names of things, which are no secrets.
static UUID: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$").ok());

/// What a text holds that services give out as a secret: `a token of GitHub`. `None`: nothing that is known.
pub(in crate::admin) fn known_secret(text: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(_, pattern)| pattern.is_match(text)).map(|(what, _)| *what)
}

/// Warnings for what looks like a secret in a text, a line each. What stood in `before` already was looked at then.
pub(in crate::admin) fn pasted(file: &str, text: &str, before: &str, masker: &Masker) -> Vec<Finding> {
    let old: HashSet<&str> = before.lines().collect();
    let mut findings = Vec::new();
    for (row, line) in text.lines().enumerate().filter(|(_, line)| !old.contains(line)) {
        let Some((what, at)) = found(line, masker) else { continue };
        let column = line.get(..at).map_or(0, |head| head.chars().count() + 1);
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let place = Place { line: number(row + 1), column: number(column) };
        let message = format!("this looks like {what}: everybody who sees the file sees it, and git keeps it for good");
        let help = "keep it with `bellwire secrets set NAME`, and write the name here; `auth:` of http takes one";
        findings.push(Finding::warning(CODE, file, place, message).help(help));
        if findings.len() >= MOST {
            break;
        }
    }
    findings
}

/// What a line seems to hold, and at which byte.
fn found(line: &str, masker: &Masker) -> Option<(String, usize)> {
    let hidden = masker.mask_cow(line);
    if hidden != line {
        let at = line.bytes().zip(hidden.bytes()).take_while(|(a, b)| a == b).count();
        let at = (0..=at).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
        let name = hidden.split_once("[secret ").and_then(|(_, rest)| rest.split(']').next()).unwrap_or_default();
        return Some((format!("the value of the secret `{name}`"), at));
    }
    let known = KNOWN.iter().find_map(|(what, pattern)| Some(((*what).to_owned(), pattern.find(line)?.start())));
    known.or_else(|| {
        let key = line.split(':').next().unwrap_or_default().trim().trim_start_matches("- ").to_ascii_lowercase();
        if NAMES.iter().any(|name| key.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))) {
            return None;
        }
        let long = LONG.as_ref()?.find_iter(line).find(|word| has_no_pattern(word.as_str()))?;
        Some(("a secret: it has no pattern".to_owned(), long.start()))
    })
}

/// Whether a word is one that nobody would think of.
fn has_no_pattern(word: &str) -> bool {
    if UUID.as_ref().is_some_and(|uuid| uuid.is_match(word)) {
        return false;
    }
    let has = |of: fn(&u8) -> bool| word.as_bytes().iter().any(of);
    if word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && bits(word) > BITS_OF_HEX;
    }
    // A path or several words joined: each part is looked at for itself.
    let longest = word.split(['/', '_', '-']).max_by_key(|part| part.len()).unwrap_or_default();
    let mixed = |part: &str| {
        let has = |of: fn(&u8) -> bool| part.as_bytes().iter().any(of);
        has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)
    };
    mixed(longest) && longest.len() >= 12 && bits(word) > BITS
}

/// Shannon's measure of a text, in bits a character.
fn bits(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let all = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let share = |count: &u32| f64::from(*count) / all;
    counts.iter().filter(|count| **count > 0).map(|count| -share(count) * share(count).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn said(line: &str) -> Vec<String> {
        pasted("rules/a.yaml", line, "", &Masker::default()).into_iter().map(|finding| finding.message).collect()
    }

    /// Made of parts, so that no reader of this file takes it for a real one.
    fn made(parts: &[&str]) -> String {
        format!("  x: \"{}\"", parts.concat())
    }

    #[test]
    fn what_services_give_out_is_known_by_how_it_begins() {
        let long = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
        for (parts, what) in [
            (vec!["AKIA", "ABCDEFGHIJKLMNOP"], "AWS"),
            (vec!["ghp_", long], "GitHub"),
            (vec!["glpat-", "abcdefghijklmnopqrst"], "GitLab"),
            (vec!["xoxb-", "123456789012-abc"], "Slack"),
            (vec!["https://hooks.slack.com/", "services/T0000/B0000/abcdefgh"], "Slack"),
            (vec!["sk_", "live_", long], "Stripe"),
            (vec!["-----BEGIN RSA ", "PRIVATE KEY-----"], "private key"),
            (vec!["eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxIn0", ".abcdefgh"], "JWT"),
            (vec!["postgres://bell:", "hunter22@db/x"], "password"),
            (vec!["Bearer ", "abcdefghijklmnopqrstuvwxyz"], "token"),
        ] {
            let found = said(&made(&parts));
            assert!(found.len() == 1 && found[0].contains(what), "{parts:?}: {found:?}");
        }
    }

    #[test]
    fn a_word_that_nobody_would_think_of_is_told_and_ordinary_ones_are_not() {
        assert_eq!(said(&made(&["q7Zp2Lk9", "Xv4Tn8Rw1Yc6"])).len(), 1);
        assert_eq!(said(&made(&["9f86d081884c7d65", "9a2feaa0c55ad015"])).len(), 1);
        for line in [
            "  on: gruveo.call",
            "  url: https://api.example.com/v1/customers/{{ event.tracking.customer_id }}/notes",
            "  account: 9cf7336a-e40e-4628-bdac-4370298ccf14",
            "  - name: a_very_long_name_of_a_test_that_says_what_it_is_about",
            "  # ----------------------------------------------------------",
            "  fixture: 2026-03-01T10-00-00-missed-call-of-somebody.json",
            "  path: steps.find.result/0/assigned_users/emailAddressOfThePerson",
            "  body: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(said(line), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn the_value_of_a_kept_secret_is_known_and_never_told() {
        let secret = Secret::new("correct horse battery".into());
        let masker = Masker::new([("groove_token", &secret)]);
        let found = pasted("rules/a.yaml", "é: correct horse battery", "", &masker);
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("`groove_token`") && !found[0].message.contains("horse"), "{found:?}");
        assert_eq!((found[0].place.line, found[0].place.column), (1, 4));
        assert!(pasted("rules/a.yaml", "é: correct horse battery", "é: correct horse battery\n", &masker).is_empty());
    }

    #[test]
    fn the_shipped_examples_hold_none() {
        for (name, text) in crate::admin::rulefiles::examples::FILES {
            assert_eq!(pasted(name, text, "", &Masker::default()), Vec::new(), "{name}");
        }
    }
}
