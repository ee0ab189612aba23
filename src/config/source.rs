//! `[sources.NAME]`: one configured way in.

use std::{collections::BTreeMap, time::Duration};

use super::{forms, reader::Section};

/// One configured way in.
#[derive(Debug, Clone)]
pub struct Source {
    /// The pack. `None` for a generic source.
    pub service: Option<String>,
    /// The pack's name of a secret -> name of the secret of ours (default: the same name; of a generic source, see `secret_name`).
    pub secrets: BTreeMap<String, String>,
    /// False: its hook is 404.
    pub enabled: bool,
    /// Taken without any check: a generic source, or one whose pack checks nothing.
    pub public: bool,
    /// A problem is raised where no delivery is accepted for so long. `None`: it may be silent.
    pub expect: Option<Duration>,
    /// How the deliveries of a generic source are checked: the name of a preset, or a map as in a pack. `None`: nothing is said.
    pub verify: Option<serde_json::Value>,
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
        &["service", "secrets", "enabled", "public", "expect", "verify", "body", "files", "max_body"];

    /// Our name for a secret that the check of a generic source calls `theirs`: what `secrets` says, else `<source>_<theirs>`.
    pub fn secret_name(&self, source: &str, theirs: &str) -> String {
        let own = || format!("{}_{theirs}", source.replace('-', "_"));
        self.secrets.get(theirs).cloned().unwrap_or_else(own)
    }

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let source = Self {
            service: section.parsed("service", forms::part_name),
            secrets: section.names("secrets"),
            enabled: section.flag("enabled").unwrap_or(true),
            public: section.flag("public").unwrap_or_default(),
            expect: section.parsed("expect", expected),
            verify: section.json("verify"),
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
        if source.verify.is_some() && source.service.is_some() {
            section.refuse(
                "verify",
                "a service's deliveries are checked as its pack says; take `verify` or `service` out",
            );
        }
        if source.verify.is_some() && source.public {
            section.refuse("public", "with `verify` deliveries are checked, so that the source is not public");
        }
        section.finish(Self::KEYS);
        source
    }
}

/// Reads `1h`, or `every 1h`.
fn expected(text: &str) -> Result<Duration, String> {
    let span = text.strip_prefix("every ").unwrap_or(text);
    let span = forms::duration(span.trim()).map_err(|why| format!("{why}; `every 1h` is the same as `1h`"))?;
    let bounds = Duration::from_secs(1)..=Duration::from_hours(366 * 24);
    if !bounds.contains(&span) {
        return Err(format!("a span of time from 1s to 366d wanted, {} seen", forms::show_duration(span)));
    }
    Ok(span)
}
