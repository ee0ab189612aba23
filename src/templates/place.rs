//! From bytes of a text to lines and columns.

use std::cell::Cell;

use crate::model::Place;

/// A text whose places are asked for, mostly in order.
#[derive(Debug)]
pub(super) struct Places<'t> {
    text: &'t str,
    /// The last answer: its byte, and its place. Asking on from there makes a whole pass linear.
    last: Cell<(usize, Place)>,
}

impl<'t> Places<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, last: Cell::new((0, Place { line: 1, column: 1 })) }
    }

    /// The place of a byte, with lines and columns (in characters) from 1.
    pub(super) fn of(&self, byte: usize) -> Place {
        let (from, start) = match self.last.get() {
            (last, place) if last <= byte => (last, place),
            _ => (0, Place { line: 1, column: 1 }),
        };
        let mut place = start;
        for character in self.text.get(from..byte).unwrap_or_default().chars() {
            if character == '\n' {
                place.line = place.line.saturating_add(1);
                place.column = 1;
            } else {
                place.column = place.column.saturating_add(1);
            }
        }
        self.last.set((byte, place));
        place
    }
}
