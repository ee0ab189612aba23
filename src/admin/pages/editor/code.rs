//! `/rules/codes/R012`: what a finding's code means, and the way out.

use askama::Template;
use rocket::State;

use crate::{
    admin::{
        refused::Refused,
        state::Admin,
        view::{Frame, Page, page},
    },
    model::Person,
};

/// All codes, a section each.
const TEXT: &str = include_str!("../../../../docs/codes.md");

/// A paragraph, or a text as it is written.
#[derive(Debug, PartialEq, Eq)]
enum Block {
    Text(Vec<Part>),
    Code(String),
}

/// A part of a paragraph.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Plain(String),
    Code(String),
    Strong(String),
}

#[derive(Template)]
#[template(path = "editor_code.html")]
struct CodePage<'a> {
    frame: Frame,
    code: &'a str,
    blocks: Vec<Block>,
}

/// The page of a code, in whatever case it is written.
#[rocket::get("/rules/codes/<code>")]
pub(super) fn show(admin: &State<Admin>, person: &Person, code: &str) -> Page {
    let (code, section) = section(code).ok_or_else(|| Refused::missing("such code"))?;
    page(&CodePage {
        frame: Frame::new(admin, person, "/rules", format!("What {code} means")),
        code,
        blocks: blocks(section),
    })
}

/// The name of a code as it is written there, and its section.
fn section(wanted: &str) -> Option<(&'static str, &'static str)> {
    let sections = TEXT.split("\n## ").skip(1).filter_map(|section| section.split_once('\n'));
    sections.map(|(code, text)| (code.trim(), text)).find(|(code, _)| code.eq_ignore_ascii_case(wanted))
}

/// Paragraphs and the texts between fences, in order.
fn blocks(section: &str) -> Vec<Block> {
    let mut found = Vec::new();
    // What stands between fences is every second part.
    for (at, part) in section.split("```").enumerate() {
        if at % 2 == 1 {
            let text = part.split_once('\n').map_or("", |(_, text)| text);
            found.push(Block::Code(text.to_owned()));
            continue;
        }
        let paragraphs = part.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
        found.extend(paragraphs.map(|paragraph| Block::Text(parts(paragraph))));
    }
    found
}

/// A paragraph with what stands in it between backticks and between double stars.
fn parts(paragraph: &str) -> Vec<Part> {
    let mut found = Vec::new();
    for (at, text) in paragraph.split('`').enumerate() {
        if at % 2 == 1 {
            found.push(Part::Code(text.to_owned()));
            continue;
        }
        let strong = text.split("**").enumerate().filter(|(_, text)| !text.is_empty());
        found.extend(strong.map(|(at, text)| match at % 2 {
            1 => Part::Strong(text.to_owned()),
            _ => Part::Plain(text.to_owned()),
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_rules_has_a_page_with_a_text_and_an_example() {
        for (code, _) in crate::rules::codes::ALL {
            let (_, text) = section(&code.to_lowercase()).unwrap_or_else(|| panic!("{code} has no page"));
            let blocks = blocks(text);
            assert!(blocks.iter().any(|block| matches!(block, Block::Code(_))), "{code}");
            assert!(matches!(blocks.first(), Some(Block::Text(_))), "{code}");
        }
    }

    #[test]
    fn backticks_and_stars_are_read() {
        let wanted = vec![
            Part::Strong("A title".to_owned()),
            Part::Plain(" on ".to_owned()),
            Part::Code("**on**".to_owned()),
            Part::Plain(".".to_owned()),
        ];
        assert_eq!(parts("**A title** on `**on**`."), wanted);
    }
}
