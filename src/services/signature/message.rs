//! What is signed: parts of a delivery, joined.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{Part, Scheme, Target};
use crate::services::{Refused, Request};

/// The parts of what is signed, with what stands between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::services) struct Segments<'a> {
    parts: Vec<Cow<'a, [u8]>>,
    separator: &'a [u8],
}

impl Segments<'_> {
    /// All bytes, in order.
    pub(super) fn each(&self, mut see: impl FnMut(&[u8])) {
        for (n, part) in self.parts.iter().enumerate() {
            if n > 0 {
                see(self.separator);
            }
            see(part);
        }
    }

    /// All bytes in one piece.
    pub(super) fn whole(&self) -> Vec<u8> {
        let mut whole = Vec::new();
        self.each(|bytes| whole.extend_from_slice(bytes));
        whole
    }

    /// Name and size of each part, for people.
    pub(super) fn sizes(&self, scheme: &Scheme) -> Vec<String> {
        let named = scheme.over.iter().zip(&self.parts);
        named
            .map(|(part, bytes)| match part {
                Part::Text(_) => part.name().into_owned(),
                _ => format!("{} ({} bytes)", part.name(), bytes.len()),
            })
            .collect()
    }
}

impl Scheme {
    /// What may have been signed: one thing, or two where the address may have been written with its port or without.
    pub(in crate::services) fn messages<'a>(
        &'a self,
        request: &Request<'a>,
        target: &Target<'a>,
        time: Option<&'a str>,
        id: Option<&'a str>,
    ) -> Result<Vec<Segments<'a>>, Refused> {
        let form = if self.over.contains(&Part::Form) { self.form(request)? } else { Vec::new() };
        let join = |origin: &str| Segments {
            separator: self.separator.as_bytes(),
            parts: self
                .over
                .iter()
                .map(|part| match part {
                    Part::Body => Cow::Borrowed(request.body),
                    Part::Timestamp => Cow::Borrowed(time.unwrap_or_default().as_bytes()),
                    Part::Id => Cow::Borrowed(id.unwrap_or_default().as_bytes()),
                    Part::Url => Cow::Owned(format!("{origin}{}", target.path).into_bytes()),
                    Part::Path => Cow::Borrowed(target.path.as_bytes()),
                    Part::Method => Cow::Borrowed(target.method.as_bytes()),
                    Part::Form => Cow::Owned(form.clone()),
                    Part::Text(text) => Cow::Borrowed(text.as_bytes()),
                })
                .collect(),
        };
        let mut messages = vec![join(target.origin)];
        if self.over.contains(&Part::Url) {
            messages.extend(with_other_port(target.origin).map(|origin| join(&origin)));
        }
        Ok(messages)
    }

    /// The form's part of what is signed. A body that is no form is not part of it: its digest in the address must then be right.
    fn form(&self, request: &Request<'_>) -> Result<Vec<u8>, Refused> {
        let mismatch = |detail: &str| Refused::new(401, "signature_mismatch", detail.to_owned());
        let given = |name: &String| request.query.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        if let Some(digest) = self.digest.as_ref().and_then(given) {
            let wanted = hex::encode(Sha256::digest(request.body));
            let same = bool::from(wanted.as_bytes().ct_eq(digest.to_ascii_lowercase().as_bytes()));
            return if same {
                Ok(Vec::new())
            } else {
                Err(mismatch("the digest in the address is not that of the body"))
            };
        }
        if is_form(request) {
            return Ok(form_pairs(request.body));
        }
        if request.body.is_empty() {
            return Ok(Vec::new());
        }
        Err(mismatch("the body is no form, and the address holds no digest of it: nothing vouches for it"))
    }
}

/// Names and values of a form, sorted, each pair once, with nothing between.
fn form_pairs(body: &[u8]) -> Vec<u8> {
    let mut pairs: Vec<_> = url::form_urlencoded::parse(body).collect();
    pairs.sort();
    pairs.dedup();
    pairs.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]).flatten().copied().collect()
}

fn is_form(request: &Request<'_>) -> bool {
    let mut values = request.header("content-type");
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let media = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    media.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// The same origin without its port, or with the usual one where it names none.
fn with_other_port(origin: &str) -> Option<String> {
    let url = url::Url::parse(origin).ok()?;
    let host = url.host_str()?;
    let written = format!("{}://{host}", url.scheme());
    if origin.len() > written.len() {
        return Some(written);
    }
    url.port_or_known_default().map(|port| format!("{written}:{port}"))
}
