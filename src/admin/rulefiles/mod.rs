//! The rule files of a workspace as the admin reads and writes them: names, bytes on disk, git, and what a text gives away.

mod choices;
mod desk;
mod diff;
mod disk;
mod draft;
mod examples;
mod git;
mod history;
mod name;
mod pasted;
mod switch;

pub(super) use desk::{Desk, digest_of};
pub(super) use diff::{Line, LineKind, lines};
pub(super) use disk::{Change, FileError, read, write_all};
pub(super) use draft::from_event;
pub(super) use examples::{Example, example, examples};
pub(super) use git::{Change as GitChange, Commit, Standing, commit, standing};
pub(super) use history::{history, text_at};
pub(super) use name::RuleFile;
pub(super) use pasted::{known_secret, pasted};
pub(super) use switch::switched;
