//! One-time codes of an authenticator (RFC 6238): six digits of HMAC-SHA1 over steps of 30 seconds, as every such program makes them.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

use crate::clock::Time;

/// Seconds of a step.
const STEP: i64 = 30;
/// Bytes of a key: those of the hash.
const KEY: usize = 20;
/// The letters of Base32 (RFC 4648).
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new key, in Base32 as authenticators take it.
pub(in crate::admin) fn new_key() -> Result<String, getrandom::Error> {
    let mut bytes = [0; KEY];
    getrandom::fill(&mut bytes)?;
    Ok(base32(&bytes))
}

/// The step of the code that was given: that of now, or the one before or after it. `None`: it is none of them. The caller sees to it that
/// no step is used twice.
pub(in crate::admin) fn step_of(key: &str, given: &str, now: Time) -> Option<i64> {
    let key = bytes_of(key)?;
    let given: String = given.chars().filter(|c| !c.is_whitespace()).collect();
    if given.len() != 6 || !given.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let present = now.0.div_euclid(1000).div_euclid(STEP);
    let mut found = None;
    // All three are compared, whichever fits: how long it takes tells nothing.
    for step in [present - 1, present, present + 1] {
        let code = code(&key, step)?;
        if bool::from(code.as_bytes().ct_eq(given.as_bytes())) {
            found = Some(step);
        }
    }
    found
}

/// What an authenticator takes as a link or a picture.
pub(in crate::admin) fn link(name: &str, host: &str, key: &str) -> String {
    let encoded =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let label = encoded(&format!("Bellwire {host}:{name}"));
    let issuer = encoded(&format!("Bellwire {host}"));
    format!("otpauth://totp/{label}?secret={key}&issuer={issuer}&algorithm=SHA1&digits=6&period={STEP}")
}

fn code(key: &[u8], step: i64) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).ok()?;
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let offset = usize::from(hash.last()? & 0x0f);
    let four: [u8; 4] = hash.get(offset..offset + 4)?.try_into().ok()?;
    let number = u32::from_be_bytes(four) & 0x7fff_ffff;
    Some(format!("{:06}", number % 1_000_000))
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            let letter = LETTERS.get((bits >> count & 31) as usize).copied().unwrap_or(b'A');
            text.push(char::from(letter));
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        let letter = LETTERS.get((bits << (5 - count) & 31) as usize).copied().unwrap_or(b'A');
        text.push(char::from(letter));
    }
    text
}

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.bytes() {
        let value = LETTERS.iter().position(|known| *known == letter)?;
        bits = bits << 5 | u32::try_from(value).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 255).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238() {
        let key = base32(b"12345678901234567890");
        assert_eq!(key, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (seconds, wanted) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(step_of(&key, wanted, Time(seconds * 1000)), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_of_one_step_away_counts_and_one_of_two_does_not() {
        let key = base32(b"12345678901234567890");
        for (seconds, wanted) in [(29, Some(1)), (30, Some(1)), (59, Some(1)), (89, Some(1)), (90, None), (-1, None)] {
            assert_eq!(step_of(&key, "287082", Time(seconds * 1000)), wanted, "{seconds}");
        }
        for bad in ["", "28708", "2870822", "28708x", "２８７０８２"] {
            assert_eq!(step_of(&key, bad, Time(59_000)), None, "{bad}");
        }
        assert_eq!(step_of(&key, "287 082", Time(59_000)), Some(1));
        assert_eq!(step_of("not base32!", "287082", Time(59_000)), None);
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        for length in 0..40_u8 {
            let bytes: Vec<u8> = (0..length).map(|n| n.wrapping_mul(37)).collect();
            assert_eq!(bytes_of(&base32(&bytes)), Some(bytes));
        }
        assert_eq!(new_key().unwrap().len(), 32);
    }
}
