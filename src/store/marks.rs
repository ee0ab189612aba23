//! What is unusual about a run, as bits of `runs.marks`; NULL for nothing, which is nearly all.

/// It has a place or waits for one.
pub(super) const PLACE: i32 = 1;
/// It waits for a place: due, without a due time.
pub(super) const QUEUED: i32 = 2;
/// Its rule's fuse holds it.
pub(super) const FUSE: i32 = 4;
/// It is to end as cancelled as soon as its open request has been answered.
pub(super) const CANCEL: i32 = 8;
/// A newer run asked for that.
pub(super) const NEWER: i32 = 16;
/// It is about more events than one.
pub(super) const EVENTS: i32 = 32;

/// Its source was paused when its event came, and has not been resumed: it does not begin.
pub(super) const SOURCE: i32 = 64;

/// Whether a run has this mark.
pub(super) fn has(marks: Option<i32>, mark: i32) -> bool {
    marks.unwrap_or(0) & mark != 0
}
