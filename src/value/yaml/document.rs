//! A YAML text that was read, with the places of its keys and values.

use std::{borrow::Cow, collections::HashMap};

use serde_json::Value;

/// A YAML text that was read.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// What it says; null for an empty text.
    pub value: Value,
    spots: HashMap<String, Spot>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub(super) key: (u32, u32),
    pub(super) value: (u32, u32),
    pub(super) text: TextStyle,
}

/// How a text stands in the file: what a place in the text means for a place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextStyle {
    /// A list or map.
    None,
    Plain,
    Quoted,
    /// After `|`: its first line and the columns before its text.
    Block {
        line: u32,
        indent: u32,
    },
    Folded,
}

impl Document {
    /// Line and column of the value at a JSON pointer such as `/do/0/id`; of the nearest thing around it where there is none.
    pub fn place(&self, pointer: &str) -> (u32, u32) {
        self.spot(pointer).map_or((0, 0), |spot| spot.value)
    }

    /// Line and column of the key of the value at a JSON pointer; of the value itself in a list.
    pub fn key_place(&self, pointer: &str) -> (u32, u32) {
        self.spot(pointer).map_or((0, 0), |spot| spot.key)
    }

    /// Where line and column (from 1) of the text at a JSON pointer stand in the file, as nearly as that can be told.
    pub fn text_place(&self, pointer: &str, line: u32, column: u32) -> (u32, u32) {
        self.spot(pointer).map_or((0, 0), |spot| spot.inside(line, column))
    }

    /// The same for a text that is known by its own place, as [`Document::place`] gave it.
    pub fn text_place_at(&self, place: (u32, u32), line: u32, column: u32) -> (u32, u32) {
        let texts = self.spots.values().filter(|spot| spot.value == place && spot.text != TextStyle::None);
        texts.map(|spot| spot.inside(line, column)).next().unwrap_or(place)
    }

    /// Keeps where a value stands.
    pub(super) fn put(&mut self, pointer: String, spot: Spot) {
        self.spots.insert(pointer, spot);
    }

    fn spot(&self, pointer: &str) -> Option<Spot> {
        let mut here = pointer;
        loop {
            if let Some(spot) = self.spots.get(here) {
                return Some(*spot);
            }
            here = here.rsplit_once('/')?.0;
        }
    }
}

impl Spot {
    /// Where line and column of the text here stand in the file.
    fn inside(&self, line: u32, column: u32) -> (u32, u32) {
        match self.text {
            TextStyle::Block { line: first, indent } if line > 0 => {
                (first + line - 1, if column > 0 { indent + column } else { 0 })
            }
            TextStyle::Plain if line == 1 && column > 0 => (self.value.0, self.value.1 + column - 1),
            TextStyle::Quoted if line == 1 && column > 0 => (self.value.0, self.value.1 + column),
            _ => self.value,
        }
    }
}

/// Goes one name down in a JSON pointer.
pub fn pointer_to(pointer: &str, name: &str) -> String {
    let name: Cow<'_, str> =
        if name.contains(['~', '/']) { name.replace('~', "~0").replace('/', "~1").into() } else { name.into() };
    format!("{pointer}/{name}")
}
