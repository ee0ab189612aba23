//! `[log]`: what is written to standard error.

use super::reader::Section;

/// What is written to standard error.
#[derive(Debug, Clone)]
pub struct Log {
    /// `log.format = "json"`. False is `text`.
    pub json: bool,
    /// A filter of tracing-subscriber.
    pub level: String,
}

impl Log {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] = &["format", "level"];

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let log = Self {
            json: section.choice("format", &["text", "json"]).as_deref() == Some("json"),
            level: section.parsed("level", level).unwrap_or_default(),
        };
        section.finish(Self::KEYS);
        log
    }
}

fn level(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::builder()
        .parse(text)
        .map(|_| text.to_owned())
        .map_err(|error| format!("a filter such as `info` or `info,bellwire::runner=debug` wanted: {error}"))
}
