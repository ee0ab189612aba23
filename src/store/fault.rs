//! A lie that can be planted, so that the crash test proves that it would be noticed. Not there in a release build.
#![cfg(debug_assertions)]
#![expect(unreachable_pub, reason = "the crash test compiles this file alone, as a release build would")]

use std::{sync::OnceLock, time::Duration};

/// How long a planted answer is ahead of its commit.
pub const GAP: Duration = Duration::from_millis(120);

/// Whether `PLANTED_FAULT=answer-before-commit` is in the environment.
pub fn answers_before_commit() -> bool {
    static PLANTED: OnceLock<bool> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "no setting: a switch of the crash test's control run")]
    *PLANTED.get_or_init(|| std::env::var_os("PLANTED_FAULT").is_some_and(|fault| fault == "answer-before-commit"))
}
