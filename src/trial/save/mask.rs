//! What of a payload is not written into a file that people share.

use std::collections::HashMap;

use crate::value::{Object, Path, Segment, Value};

/// A name that holds one of these, whatever its case, holds a secret.
const TELLING: [&str; 11] = [
    "token",
    "password",
    "passwd",
    "secret",
    "authorization",
    "api_key",
    "apikey",
    "api-key",
    "signature",
    "cookie",
    "credential",
];

/// What stands in the place of a secret.
const MASKED: &str = "masked";

/// Masks one event and the replies to its run: the same value becomes the same mask everywhere.
#[derive(Debug, Default)]
pub struct Mask {
    people: bool,
    known: HashMap<String, String>,
    emails: usize,
    phones: usize,
}

impl Mask {
    /// `people`: also e-mails and telephone numbers where strangers can write.
    pub fn new(people: bool) -> Self {
        Self { people, ..Self::default() }
    }

    /// Masks a payload; `untrusted` is where strangers can write, as the pack says.
    pub fn payload(&mut self, payload: &mut Value, untrusted: &[Path]) {
        secrets(payload);
        if !self.people {
            return;
        }
        for path in untrusted {
            self.below(path.segments(), payload);
        }
    }

    /// Masks a reply. Who was masked in the payload is masked here too.
    pub fn reply(&mut self, reply: &mut Value) {
        secrets(reply);
        self.again(reply);
    }

    fn below(&mut self, segments: &[Segment], value: &mut Value) {
        let Some((first, rest)) = segments.split_first() else { return self.people(value) };
        match (first, value) {
            (Segment::Name(name), Value::Object(map)) => {
                if let Some(inner) = map.get_mut(name) {
                    self.below(rest, inner);
                }
            }
            (Segment::Index(index), Value::Array(list)) => {
                if let Some(inner) = list.get_mut(*index) {
                    self.below(rest, inner);
                }
            }
            (Segment::Any, Value::Array(list)) => list.iter_mut().for_each(|inner| self.below(rest, inner)),
            (Segment::Any, Value::Object(map)) => map.values_mut().for_each(|inner| self.below(rest, inner)),
            _ => {}
        }
    }

    fn people(&mut self, value: &mut Value) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(|inner| self.people(inner)),
            Value::Object(map) => map.values_mut().for_each(|inner| self.people(inner)),
            Value::String(text) => {
                if let Some(known) = self.known.get(text) {
                    text.clone_from(known);
                } else if is_email(text) {
                    self.emails += 1;
                    let mask = format!("person{}@example.com", self.emails);
                    self.known.insert(std::mem::replace(text, mask.clone()), mask);
                } else if is_phone(text) {
                    self.phones += 1;
                    // Numbers of this form are given to nobody.
                    let mask = format!("+1555010{:04}", self.phones);
                    self.known.insert(std::mem::replace(text, mask.clone()), mask);
                }
            }
            _ => {}
        }
    }

    fn again(&self, value: &mut Value) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(|inner| self.again(inner)),
            Value::Object(map) => map.values_mut().for_each(|inner| self.again(inner)),
            Value::String(text) => {
                for (clear, mask) in &self.known {
                    if text.contains(clear.as_str()) {
                        *text = text.replace(clear.as_str(), mask);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Masks everything below a telling name.
fn secrets(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(secrets),
        Value::Object(map) => of_map(map),
        _ => {}
    }
}

fn of_map(map: &mut Object) {
    for (name, value) in map.iter_mut() {
        let name = name.to_lowercase();
        if TELLING.iter().any(|word| name.contains(word)) {
            hide(value);
        } else {
            secrets(value);
        }
    }
}

/// The type stays, so that a rule's conditions on it hold as before.
fn hide(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(hide),
        Value::Object(map) => map.values_mut().for_each(hide),
        Value::String(text) if !text.is_empty() => MASKED.clone_into(text),
        Value::Number(_) => *value = Value::from(0),
        _ => {}
    }
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    !name.is_empty() && host.contains('.') && !text.chars().any(char::is_whitespace)
}

/// Seven digits or more, and beside them only what telephone numbers are written with.
fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_written_so =
        text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | ' ' | '(' | ')' | '/' | '.'));
    (7..=15).contains(&digits) && is_written_so && text.contains(['+', '-', ' ', '(', '/'])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_telling_name_holds_is_masked_wherever_it_stands() {
        let mut value = json!({
            "Api_Token": "abc", "deep": [{"password": {"old": "x", "tries": 3}}], "tokens": [], "ticket": "42",
            "empty_secret": "",
        });
        Mask::new(false).payload(&mut value, &[]);
        assert_eq!(
            value,
            json!({
                "Api_Token": "masked", "deep": [{"password": {"old": "masked", "tries": 0}}], "tokens": [], "ticket": "42",
                "empty_secret": "",
            })
        );
    }

    #[test]
    fn people_are_masked_where_strangers_write_and_only_when_asked() {
        let came = json!({"agent": "ada@acme.com", "tracking": {"email": "bob@acme.com", "tel": "+30 210 1234567", "ticket": "1234567"}});
        let untrusted: Vec<Path> = vec!["tracking".parse().unwrap()];
        let mut plain = came.clone();
        Mask::new(false).payload(&mut plain, &untrusted);
        assert_eq!(plain, came);
        let mut mask = Mask::new(true);
        let mut masked = came;
        mask.payload(&mut masked, &untrusted);
        assert_eq!(
            masked,
            json!({
                "agent": "ada@acme.com",
                "tracking": {"email": "person1@example.com", "tel": "+15550100001", "ticket": "1234567"}
            })
        );
        let mut reply = json!({"customer": "Bob <bob@acme.com>", "other": "eve@acme.com"});
        mask.reply(&mut reply);
        assert_eq!(reply, json!({"customer": "Bob <person1@example.com>", "other": "eve@acme.com"}));
    }
}
