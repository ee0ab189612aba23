//! How values look in a text.

use std::borrow::Cow;

use serde_json::Value;

use super::limits::{Budget, Spent};

/// A value as text: null is empty, `1.0` stays `1.0`, lists stand without separators, objects as JSON.
pub(super) fn text_of<'v>(value: &'v Value, budget: &Budget) -> Result<Cow<'v, str>, Spent> {
    match value {
        Value::Null => Ok(Cow::Borrowed("")),
        Value::Bool(true) => Ok(Cow::Borrowed("true")),
        Value::Bool(false) => Ok(Cow::Borrowed("false")),
        Value::Number(number) => Ok(Cow::Owned(number.to_string())),
        Value::String(text) => Ok(Cow::Borrowed(text)),
        Value::Array(list) => {
            let mut text = String::new();
            for element in list {
                let element = text_of(element, budget)?;
                if text.len() + element.len() > budget.bytes() {
                    return Err(Spent::Value(budget.bytes()));
                }
                text.push_str(&element);
            }
            budget.copy(text.len())?;
            Ok(Cow::Owned(text))
        }
        Value::Object(_) => json_of(value, budget).map(Cow::Owned),
    }
}

/// A value as JSON text.
pub(super) fn json_of(value: &Value, budget: &Budget) -> Result<String, Spent> {
    let mut writer = Capped::new(budget.bytes());
    match serde_json::to_writer(&mut writer, value) {
        Ok(()) => {
            budget.copy(writer.bytes.len())?;
            Ok(writer.into_text())
        }
        Err(_) => Err(Spent::Value(budget.bytes())),
    }
}

/// A writer that refuses to grow beyond its bound.
#[derive(Debug)]
pub(super) struct Capped {
    pub(super) bytes: Vec<u8>,
    most: usize,
}

impl Capped {
    pub(super) fn new(most: usize) -> Self {
        Self { bytes: Vec::new(), most }
    }

    /// What was written; only text ever is.
    pub(super) fn into_text(self) -> String {
        match String::from_utf8(self.bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }
    }
}

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            return Err(std::io::Error::from(std::io::ErrorKind::WriteZero));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
