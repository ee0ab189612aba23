//! Attempts over time as bars, drawn on the server.

use super::words::span;
use crate::{
    clock::Time,
    model::AttemptKind,
    store::{AttemptRow, RunDetail},
};

/// Of the drawing, without its labels.
const WIDTH: f64 = 600.0;
const LABEL: f64 = 170.0;
const ROW: u32 = 22;
/// More rows than that tell nothing.
const ROWS: usize = 60;

/// The drawing.
pub(super) struct Gantt {
    pub(super) width: f64,
    pub(super) height: u32,
    pub(super) bars: Vec<Bar>,
    /// What it spans, in words.
    pub(super) span: String,
    /// Attempts that are not drawn.
    pub(super) more: usize,
}

/// One attempt.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) state: &'static str,
    pub(super) title: String,
    /// Where it waited from, and for how long.
    pub(super) wait_x: String,
    pub(super) wait_width: String,
    pub(super) x: String,
    pub(super) width: String,
    pub(super) y: u32,
    pub(super) text_y: u32,
}

/// The attempts of a run. `None`: there is none.
pub(super) fn draw(detail: &RunDetail, now: Time) -> Option<Gantt> {
    let first = detail.attempts.first()?;
    let begun = detail.row.created_at.min(first.started_at);
    let end_of = |at: Option<Time>| at.unwrap_or(now);
    let ended = detail.attempts.iter().map(|attempt| end_of(attempt.ended_at)).max()?.max(begun);
    let whole = ended.since(begun).as_secs_f64().max(0.001);
    let x = |at: Time| LABEL + at.since(begun).as_secs_f64() / whole * WIDTH;
    let bars = detail.attempts.iter().take(ROWS).zip(0_u32..).map(|(attempt, row)| {
        let (from, to) = (x(attempt.started_at), x(end_of(attempt.ended_at)));
        let planned = x(attempt.planned_at.unwrap_or(attempt.started_at).min(attempt.started_at));
        let took = span(end_of(attempt.ended_at).since(attempt.started_at).as_millis());
        Bar {
            name: name(attempt),
            state: super::attempts::state_of(attempt.outcome),
            title: format!(
                "{} {} of {}: {}, {took}",
                attempt.kind.word(),
                attempt.number,
                attempt.step,
                attempt.outcome.word()
            ),
            wait_x: format!("{planned:.1}"),
            wait_width: format!("{:.1}", (from - planned).max(0.0)),
            x: format!("{from:.1}"),
            width: format!("{:.1}", (to - from).max(2.0)),
            y: row * ROW + 4,
            text_y: row * ROW + 16,
        }
    });
    let bars: Vec<Bar> = bars.collect();
    Some(Gantt {
        width: LABEL + WIDTH + 4.0,
        height: u32::try_from(bars.len()).unwrap_or(0) * ROW + 4,
        more: detail.attempts.len().saturating_sub(bars.len()),
        bars,
        span: span(ended.since(begun).as_millis()),
    })
}

/// What stands before its bar: `do.0 2`, and `do.0 read 2` for a look at whether that one took effect.
fn name(attempt: &AttemptRow) -> String {
    match attempt.kind {
        AttemptKind::Try => format!("{} {}", attempt.step, attempt.number),
        AttemptKind::Verify => format!("{} read {}", attempt.step, attempt.number),
    }
}
