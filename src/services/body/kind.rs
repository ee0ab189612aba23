//! Which bodies a hook takes.

use crate::config::BodyWord;

/// What a body is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/json` and its kin.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/xml`, `text/xml` and their kin.
    Xml,
    /// `text/*`.
    Text,
    /// `multipart/form-data`.
    Multipart,
}

impl Format {
    /// Every format, as packs and settings write them.
    pub const ALL: [(&'static str, Self); 5] = [
        ("json", Self::Json),
        ("form", Self::Form),
        ("xml", Self::Xml),
        ("text", Self::Text),
        ("multipart", Self::Multipart),
    ];

    /// The word in packs, settings and refusals.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, format)| *format == self).map_or("json", |(word, _)| word)
    }

    fn bit(self) -> u8 {
        match self {
            Self::Json => 1,
            Self::Form => 2,
            Self::Xml => 4,
            Self::Text => 8,
            Self::Multipart => 16,
        }
    }
}

/// Some formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats(u8);

impl Formats {
    /// Every one.
    pub const ALL: Self = Self(31);
    /// JSON alone.
    pub const JSON: Self = Self(1);

    /// These and no others.
    pub fn of(formats: impl IntoIterator<Item = Format>) -> Self {
        Self(formats.into_iter().fold(0, |all, format| all | format.bit()))
    }

    /// Whether a format is among them.
    pub fn has(self, format: Format) -> bool {
        self.0 & format.bit() != 0
    }

    /// Their words, such as `json, form`.
    pub fn words(self) -> String {
        let words: Vec<&str> =
            Format::ALL.iter().filter(|(_, format)| self.has(*format)).map(|(word, _)| *word).collect();
        words.join(", ")
    }
}

/// How the body of a delivery is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// So, whatever the content type says (a multipart body needs its boundary from there).
    As(Format),
    /// By the content type, if it is one of these; one without a type is JSON. Else 415.
    ByType(Formats),
}

/// What a hook takes for a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bodies {
    /// How they are read.
    pub kind: BodyKind,
    /// Files of multipart bodies are taken.
    pub files: bool,
}

impl Bodies {
    /// JSON by the content type: what holds where nobody says more.
    pub const DEFAULT: Self = Self { kind: BodyKind::ByType(Formats::JSON), files: false };
    /// JSON, whatever the content type says.
    pub const JSON: Self = Self { kind: BodyKind::As(Format::Json), files: false };

    /// The same where a source asks for files too.
    #[must_use]
    pub fn with_files(self, asked: bool) -> Self {
        Self { files: self.files || asked, ..self }
    }

    /// What a generic source's settings say; [`Self::DEFAULT`] where they say nothing. One word of a format means bodies of that content
    /// type, since nobody has seen what the source sends.
    pub fn of_source(words: &[BodyWord]) -> Self {
        let formats = |word: &BodyWord| match word {
            BodyWord::Auto => Formats::ALL,
            BodyWord::Json => Formats::JSON,
            BodyWord::Form => Formats::of([Format::Form]),
            BodyWord::Xml => Formats::of([Format::Xml]),
            BodyWord::Text => Formats::of([Format::Text]),
            BodyWord::Multipart => Formats::of([Format::Multipart]),
        };
        match words.iter().map(formats).reduce(|all, more| Formats(all.0 | more.0)) {
            Some(formats) => Self { kind: BodyKind::ByType(formats), files: false },
            None => Self::DEFAULT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_say_which_formats_a_source_takes() {
        let kind = |words: &[BodyWord]| Bodies::of_source(words).kind;
        assert_eq!(kind(&[]), Bodies::DEFAULT.kind);
        assert_eq!(kind(&[BodyWord::Auto]), BodyKind::ByType(Formats::ALL));
        let two = BodyKind::ByType(Formats::of([Format::Json, Format::Form]));
        assert_eq!(kind(&[BodyWord::Form, BodyWord::Json]), two);
        assert_eq!(Formats::of([Format::Text, Format::Form]).words(), "form, text");
    }
}
