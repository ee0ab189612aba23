//! A value as bytes that are the same for the same value: `1` is `1.0`, objects have no order, and text is no number.

use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};

/// Bytes of a hash that is kept: enough that no two keys ever share one.
pub(super) const LENGTH: usize = 16;

/// SHA-256, cut.
pub(super) type Hash = [u8; LENGTH];

/// The hash of a text.
pub(super) fn hash_of_text(text: &str) -> Hash {
    cut(Sha256::digest(text.as_bytes()).into())
}

/// The hash of a value.
pub(super) fn hash_of(value: &Value) -> Hash {
    let mut sha = Sha256::new();
    add(&mut sha, value);
    cut(sha.finalize().into())
}

fn cut(whole: [u8; 32]) -> Hash {
    let mut hash = [0; LENGTH];
    hash.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    hash
}

/// Each kind of value begins with a letter of its own, and whatever has parts tells how many: no two values run into the same bytes.
fn add(sha: &mut Sha256, value: &Value) {
    match value {
        Value::Null => sha.update(b"n"),
        Value::Bool(true) => sha.update(b"t"),
        Value::Bool(false) => sha.update(b"f"),
        Value::Number(number) => add_number(sha, number),
        Value::String(text) => {
            sha.update(b"s");
            add_text(sha, text);
        }
        Value::Array(list) => {
            sha.update(b"l");
            sha.update(list.len().to_le_bytes());
            for element in list {
                add(sha, element);
            }
        }
        Value::Object(object) => {
            sha.update(b"o");
            sha.update(object.len().to_le_bytes());
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_by_key(|(name, _)| *name);
            for (name, value) in entries {
                add_text(sha, name);
                add(sha, value);
            }
        }
    }
}

fn add_text(sha: &mut Sha256, text: &str) {
    sha.update(text.len().to_le_bytes());
    sha.update(text.as_bytes());
}

/// A whole number in any form as 16 bytes, any other by its bits.
fn add_number(sha: &mut Sha256, number: &Number) {
    /// Whole numbers beyond it equal no integer of JSON, which has 64 bits.
    const BEYOND: f64 = 1e20;
    let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    let float = number.as_f64().unwrap_or_default();
    match integer {
        Some(whole) => add_whole(sha, whole),
        #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is within the range")]
        None if float.fract() == 0.0 && float.abs() < BEYOND => add_whole(sha, float as i128),
        None => {
            sha.update(b"d");
            sha.update(float.to_bits().to_le_bytes());
        }
    }
}

fn add_whole(sha: &mut Sha256, whole: i128) {
    sha.update(b"i");
    sha.update(whole.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_values_have_one_hash_in_any_form() {
        for (left, right) in [
            (json!(1), json!(1.0)),
            (json!(0), json!(-0.0)),
            (json!(1u64 << 63), json!(9_223_372_036_854_775_808.0)),
            (json!({"a": [1], "b": 2}), json!({"b": 2.0, "a": [1.0]})),
            (json!("x"), json!("x")),
        ] {
            assert_eq!(hash_of(&left), hash_of(&right), "{left} {right}");
        }
    }

    #[test]
    fn different_values_have_different_hashes() {
        let values = [
            json!(null),
            json!(true),
            json!(false),
            json!(1),
            json!("1"),
            json!(1.5),
            json!([1]),
            json!([[1]]),
            json!({"a": 1}),
            json!({"a": "1"}),
            json!(""),
            json!([]),
            json!({}),
            json!(9_007_199_254_740_993_u64),
            json!(9_007_199_254_740_992.0),
            json!(["ab", "c"]),
            json!(["a", "bc"]),
        ];
        for (at, left) in values.iter().enumerate() {
            for right in values.iter().skip(at + 1) {
                assert_ne!(hash_of(left), hash_of(right), "{left} {right}");
            }
        }
    }
}
