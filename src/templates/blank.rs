//! Blocks that show nothing show no white space either, as in Liquid: an `if` around an `assign` leaves no empty lines.

use super::scan::{Kind, Piece};

/// A block that is open.
struct Open {
    /// White space that goes if nothing in the block shows anything.
    spaces: Vec<usize>,
    blank: bool,
    /// What a `capture` holds is a value: its white space stays, and it shows nothing itself.
    capture: bool,
}

/// Takes the white space out of blocks that show nothing.
pub(super) fn drop_blank(text: &str, pieces: &mut Vec<Piece>) {
    let mut open: Vec<Open> = Vec::new();
    let mut dropped = vec![false; pieces.len()];
    for (at, piece) in pieces.iter().enumerate() {
        match piece.kind {
            Kind::Tag(name @ ("if" | "unless" | "case" | "for" | "capture")) => {
                open.push(Open { spaces: Vec::new(), blank: true, capture: name == "capture" });
            }
            Kind::Tag("endif" | "endunless" | "endcase" | "endfor" | "endcapture") => {
                let Some(closed) = open.pop() else { continue };
                let shows = !closed.blank && !closed.capture;
                if closed.blank && !closed.capture {
                    for at in closed.spaces {
                        if let Some(gone) = dropped.get_mut(at) {
                            *gone = true;
                        }
                    }
                }
                if let (true, Some(outer)) = (shows, open.last_mut()) {
                    outer.blank = false;
                }
            }
            Kind::Tag("assign" | "break" | "continue" | "else" | "elsif" | "when") => {}
            Kind::Text if text.get(piece.from..piece.to).is_some_and(|text| text.trim().is_empty()) => {
                if let Some(block) = open.last_mut() {
                    block.spaces.push(at);
                }
            }
            _ => {
                if let Some(block) = open.last_mut() {
                    block.blank = false;
                }
            }
        }
    }
    let mut gone = dropped.into_iter();
    pieces.retain(|_| !gone.next().unwrap_or(false));
}
