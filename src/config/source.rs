//! `[sources.NAME]`: one configured way in.

use std::collections::BTreeMap;

use super::{forms, reader::Section};

/// One configured way in.
#[derive(Debug, Clone)]
pub struct Source {
    /// The pack. `None` for a generic source.
    pub service: Option<String>,
    /// The pack's name of a secret -> name of the secret of ours (default: the same name).
    pub secrets: BTreeMap<String, String>,
    /// False: its hook is 404.
    pub enabled: bool,
    /// For a generic source: taken without any check.
    pub public: bool,
    /// For a generic source: which bodies it takes, by their content type. Empty: JSON alone.
    pub body: Vec<BodyWord>,
    /// Files of multipart bodies are taken.
    pub files: bool,
    /// Bytes of a body at most. `None`: `limits.body`.
    pub max_body: Option<usize>,
}

/// A word for bodies that a source takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyWord {
    /// Any of the others.
    Auto,
    /// JSON.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// XML.
    Xml,
    /// Any `text/*`.
    Text,
    /// `multipart/form-data`.
    Multipart,
}

impl BodyWord {
    /// Every word, as settings write them.
    pub const ALL: [(&'static str, Self); 6] = [
        ("auto", Self::Auto),
        ("json", Self::Json),
        ("form", Self::Form),
        ("xml", Self::Xml),
        ("text", Self::Text),
        ("multipart", Self::Multipart),
    ];

    /// The word itself.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("json", |(word, _)| word)
    }

    fn read(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        found.ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|(word, _)| *word).collect();
            format!("one of {} wanted, `{text}` seen", known.join(", "))
        })
    }
}

impl Source {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] =
        &["service", "secrets", "enabled", "public", "body", "files", "max_body"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let source = Self {
            service: section.parsed("service", forms::part_name),
            secrets: section.names("secrets"),
            enabled: section.flag("enabled").unwrap_or(true),
            public: section.flag("public").unwrap_or_default(),
            body: section.one_or_more("body", BodyWord::read),
            files: section.flag("files").unwrap_or_default(),
            max_body: section.size("max_body", 1 << 10, 64 << 20),
        };
        if source.service.is_some() && !source.body.is_empty() {
            section.refuse(
                "body",
                "the pack says how a service's bodies are read; `body` is for sources without `service`",
            );
        }
        if source.public && source.service.is_some() {
            section.refuse(
                "public",
                "a service's deliveries are always checked; `public` is for sources without `service`",
            );
        }
        section.finish(Self::KEYS);
        source
    }
}
