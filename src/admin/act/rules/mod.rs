//! What people do with rule files: try a draft, save, switch, rename, delete, restore, run by hand.

mod change;
mod look;
mod put;
mod run;
mod save;
mod shown;
mod tries;

pub(in crate::admin) use change::{Rename, delete, rename, restore, switch};
pub(in crate::admin) use look::{OnDisk, begin, heard_kinds, on_disk, samples, text_of_version};
pub(in crate::admin) use run::{run, run_on};
pub(in crate::admin) use save::{Wish, save};
pub(in crate::admin) use tries::{LARGEST as LARGEST_DRAFTS, Trial, too_large, tried};
