//! How far a long verb is, on a terminal alone: a bar on standard error that goes away at the end.

use std::io::{IsTerminal as _, Write as _};

/// Columns of the bar.
const WIDTH: u64 = 30;

/// A bar that is drawn where standard error is a terminal.
pub(super) struct Progress {
    what: &'static str,
    all: u64,
    done: u64,
    shown: Option<u64>,
    is_shown: bool,
}

impl Progress {
    /// A bar for `all` things called `what`.
    pub(super) fn new(what: &'static str, all: u64) -> Self {
        Self { what, all, done: 0, shown: None, is_shown: std::io::stderr().is_terminal() }
    }

    /// So many more are done.
    pub(super) fn add(&mut self, more: u64) {
        self.done = self.done.saturating_add(more).min(self.all);
        let per_mille = self.done.saturating_mul(1_000).checked_div(self.all).unwrap_or(1_000);
        if !self.is_shown || self.shown == Some(per_mille) {
            return;
        }
        self.shown = Some(per_mille);
        let bar = usize::try_from(per_mille * WIDTH / 1_000).unwrap_or(0);
        let line =
            format!("\r[{:<30}] {:>3} %  {} of {} {}", "#".repeat(bar), per_mille / 10, self.done, self.all, self.what);
        // A terminal that went away is no failure of the work.
        drop(std::io::stderr().write_all(line.as_bytes()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            drop(std::io::stderr().write_all(b"\r\x1b[2K"));
        }
    }
}
