//! The page of every code: `docs/codes.md`, compiled in. `check --explain` prints it, and each of its examples is tested.

use std::sync::LazyLock;

use super::settings;
use crate::{rules, services};

/// All pages, a section each.
const TEXT: &str = include_str!("../../docs/codes.md");

static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| TEXT.split("\n## ").skip(1).filter_map(read).collect());

/// What a code means, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Such as `R012`.
    pub code: String,
    /// What it is about, in one line.
    pub title: String,
    /// What it means and why it matters.
    pub meaning: String,
    /// What gets the finding.
    pub wrong: Vec<Example>,
    /// The same without it.
    pub right: Vec<Example>,
    /// What to do.
    pub way_out: String,
}

/// A text in a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The file that it is, such as `rules/example.yaml`. `None` for words of a shell.
    pub file: Option<String>,
    /// As it stands there, with its line ends.
    pub text: String,
}

/// Every code of rules, settings and packs with its title.
pub fn codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    rules::codes::ALL.iter().chain(settings::CODES).chain(services::CODES).copied()
}

/// The page of a code, in whatever case it is written. `None` where no code is called so.
pub fn page(code: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.code.eq_ignore_ascii_case(code))
}

/// Reads a section. `None` where a part of it is missing.
fn read(section: &str) -> Option<Page> {
    let (code, rest) = section.split_once('\n')?;
    let code = code.trim();
    let (meaning, rest) = rest.split_once("\nWrong:\n")?;
    let (wrong, rest) = rest.split_once("\nRight:\n")?;
    let (right, way_out) = rest.split_once("\nThe way out: ")?;
    let (title, meaning) = meaning.trim().split_once('\n')?;
    Some(Page {
        code: code.to_owned(),
        title: title.trim().trim_matches('*').to_owned(),
        meaning: meaning.trim().to_owned(),
        wrong: examples(code, wrong),
        right: examples(code, right),
        way_out: way_out.trim().to_owned(),
    })
}

fn examples(code: &str, text: &str) -> Vec<Example> {
    let mut parts = text.split("```");
    let mut found = Vec::new();
    // What stands between fences is every second part.
    while let (Some(_), Some(block)) = (parts.next(), parts.next()) {
        let Some((language, text)) = block.split_once('\n') else { continue };
        let named = text.lines().next().and_then(|line| line.strip_prefix("# ")).filter(|name| is_file(name));
        let file = match (language, named) {
            ("sh", _) => None,
            (_, Some(name)) => Some(name),
            ("toml", None) => Some("bellwire.toml"),
            (_, None) if code.starts_with('P') => Some("templates/services/example.yaml"),
            (_, None) => Some("rules/example.yaml"),
        };
        found.push(Example { file: file.map(str::to_owned), text: text.to_owned() });
    }
    found
}

fn is_file(name: &str) -> bool {
    name.starts_with("rules/") || name.starts_with("templates/")
}

#[cfg(test)]
mod tests;
