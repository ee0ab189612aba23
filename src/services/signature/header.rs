//! Finds the signatures in a delivery's headers.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Encoding, Scheme};
use crate::services::{Refused, Request};

/// Signatures of one delivery that are looked at: a service that rotates its key sends two.
pub const MOST: usize = 8;

/// The form of a signature, and its bytes.
type Decoded = (&'static str, Vec<u8>);

impl Scheme {
    /// The place of the header in the list of its names, and its value.
    pub(super) fn header<'r>(&self, request: &Request<'r>) -> Result<(usize, &'r [u8]), Refused> {
        for (place, name) in self.headers.iter().enumerate() {
            let mut values = request.header(name);
            let Some(value) = values.next() else { continue };
            // Two signatures, in two headers or joined by a comma: which one counts would be a guess.
            if values.next().is_some() || (self.list.is_none() && value.contains(&b',')) {
                let detail = format!("header `{name}` holds more than one signature");
                return Err(Refused::new(400, "duplicate_header", detail));
            }
            return Ok((place, value));
        }
        let names: Vec<String> = self.headers.iter().map(|name| format!("`{name}`")).collect();
        Err(Refused::new(401, "signature_missing", format!("there is no header {}", names.join(" or "))))
    }

    /// The delivery's id, from the header that stands at the same place of its list as the signature's.
    pub(super) fn id(&self, request: &Request<'_>, place: usize) -> Result<Option<String>, Refused> {
        let Some(name) = self.ids.get(place).or(self.ids.first()) else { return Ok(None) };
        let mut values = request.header(name);
        let Some(value) = values.next() else {
            return Err(Refused::new(
                401,
                "signature_missing",
                format!("there is no header `{name}`, which is signed"),
            ));
        };
        if values.next().is_some() {
            return Err(Refused::new(400, "duplicate_header", format!("header `{name}` stands more than once")));
        }
        let text = std::str::from_utf8(value)
            .map_err(|_| Refused::new(401, "signature_mismatch", format!("header `{name}` is not text")))?;
        Ok(Some(text.to_owned()))
    }

    /// The signatures in a header's value; at least one, at most `MOST`.
    pub(super) fn signatures(&self, value: &[u8]) -> Result<Vec<Decoded>, Refused> {
        let mismatch = |what: String| {
            let names: Vec<String> = self.headers.iter().map(|name| format!("`{name}`")).collect();
            Refused::new(401, "signature_mismatch", format!("header {}: {what}", names.join(" or ")))
        };
        let Some(separator) = self.list else {
            let Some(text) = value.strip_prefix(self.prefix.as_bytes()) else {
                return Err(mismatch(format!("the signature does not start with `{}`", self.prefix)));
            };
            return self.decode(text).map(|one| vec![one]).map_err(mismatch);
        };
        let entries = entries(value, separator).filter_map(|entry| entry.strip_prefix(self.prefix.as_bytes()));
        let mut fault = format!("no signature starts with `{}`", self.prefix);
        let mut found = Vec::new();
        for entry in entries.take(MOST) {
            match self.decode(entry) {
                Ok(one) => found.push(one),
                Err(what) => fault = what,
            }
        }
        if found.is_empty() { Err(mismatch(fault)) } else { Ok(found) }
    }

    /// The form and the bytes of a signature as written, or what is wrong with it.
    fn decode(&self, text: &[u8]) -> Result<Decoded, String> {
        let size = self.seal.size();
        let hex_length = size * 2;
        let base64_length = size.div_ceil(3) * 4;
        let length = text.len();
        match self.encoding {
            Encoding::Hex | Encoding::Auto if length == hex_length => {
                hex::decode(text).map(|bytes| ("hex", bytes)).map_err(|_| "the signature is not hexadecimal".to_owned())
            }
            Encoding::Base64 | Encoding::Auto if length == base64_length => STANDARD
                .decode(text)
                .ok()
                .filter(|bytes| bytes.len() == size)
                .map(|bytes| ("base64", bytes))
                .ok_or_else(|| "the signature is not standard Base64".to_owned()),
            Encoding::Hex => Err(format!("the signature has {length} characters, not {hex_length}")),
            Encoding::Base64 => Err(format!("the signature has {length} characters, not {base64_length}")),
            Encoding::Auto => Err(format!(
                "the signature has {length} characters, neither {hex_length} (hexadecimal) nor {base64_length} (Base64)"
            )),
        }
    }
}

/// The entries of a list in a header, without the blanks around them.
pub(super) fn entries(value: &[u8], separator: char) -> impl Iterator<Item = &[u8]> {
    value.split(move |byte| char::from(*byte) == separator).map(<[u8]>::trim_ascii)
}
