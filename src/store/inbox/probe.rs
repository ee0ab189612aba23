//! What is looked for in bodies: a text, or whatever a caller asks of the stored event.

use std::sync::Arc;

use memchr::memmem::Finder;

use crate::{model::Refusal, store::events::StoredEvent};

/// Asked of a stored event.
pub type Test = Arc<dyn Fn(&StoredEvent) -> bool + Send + Sync>;

/// What must stand in a delivery. Without either, everything passes.
#[derive(Clone, Default)]
pub struct Probe {
    /// In small letters; anywhere in headers, query and body, whatever the case.
    pub text: Option<String>,
    /// Of the event as it was stored.
    pub test: Option<Test>,
}

impl Probe {
    /// Whether bodies are read at all.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_none() && self.test.is_none()
    }

    /// Whether a refusal passes: it has neither headers nor body, but says why and from where.
    pub(super) fn passes(&self, refusal: &Refusal) -> bool {
        if self.test.is_some() {
            return false;
        }
        let Some(text) = &self.text else { return true };
        let parts = [refusal.source.as_deref().unwrap_or_default(), &refusal.peer, &refusal.reason, &refusal.detail];
        parts.iter().any(|part| part.to_lowercase().contains(text))
    }
}

/// A text that is looked for in many.
pub(super) struct Needle<'t> {
    finder: Finder<'t>,
    is_ascii: bool,
}

impl<'t> Needle<'t> {
    /// `text` in small letters.
    pub(super) fn new(text: &'t str) -> Self {
        Self { finder: Finder::new(text.as_bytes()), is_ascii: text.is_ascii() }
    }

    /// Whether it stands in `bytes`, whatever the case.
    pub(super) fn is_in(&self, mut bytes: Vec<u8>) -> bool {
        if self.is_ascii {
            bytes.make_ascii_lowercase();
            return self.finder.find(&bytes).is_some();
        }
        self.finder.find(String::from_utf8_lossy(&bytes).to_lowercase().as_bytes()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_whatever_its_case_and_as_it_stands() {
        let table = [
            ("acme", "{\"name\":\"ACME Corp.\"}", true),
            ("100%_*", "say 100%_* here", true),
            ("100%", "say 1000", false),
            ("müller", "Frau MÜLLER", true),
            ("'; drop", "x'; DROP table", true),
        ];
        for (text, bytes, wanted) in table {
            assert_eq!(Needle::new(text).is_in(bytes.as_bytes().to_vec()), wanted, "{text} in {bytes}");
        }
    }
}
