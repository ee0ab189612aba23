//! The packs that every Bellwire has: the files of `templates/services`, compiled in.

/// Path in a workspace and text of each file of the packs that are compiled in.
pub fn builtin_files() -> &'static [(&'static str, &'static str)] {
    FILES
}

/// Path in a workspace and text of each file, in the order of their paths.
pub(super) const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/builtin_packs.rs"));
