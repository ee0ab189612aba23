//! Charts, drawn on the server: stacked bars, each kind with a pattern of its own beside its colour, and the same numbers as a table.

use crate::{
    clock::Time,
    store::{Stretch, Window},
};

/// The drawing is so high; its width is one unit of `STEP` a bar. The page stretches it.
const HEIGHT: f64 = 100.0;
/// From bar to bar.
const STEP: f64 = 10.0;
/// Of it, what stays empty.
const GAP: f64 = 2.0;
/// The least height of what is there at all.
const LEAST: f64 = 1.5;
/// Times below the chart.
const TIMES: usize = 5;

/// A kind that is stacked.
pub(super) struct Kind {
    /// As people read it: `accepted`.
    pub(super) word: &'static str,
    /// Its class in the style sheet: `c-ok`.
    pub(super) class: &'static str,
    /// The pattern drawn over it; empty for none.
    pub(super) pattern: &'static str,
    of: fn(&Stretch) -> u64,
}

/// A part of a bar.
pub(super) struct Part {
    pub(super) class: &'static str,
    pub(super) pattern: &'static str,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A bar: what its title says, and its parts from below.
pub(super) struct Bar {
    pub(super) title: String,
    pub(super) x: f64,
    pub(super) parts: Vec<Part>,
}

/// A row of the table: when, and how many of each kind.
pub(super) struct Row {
    pub(super) at: Time,
    pub(super) counts: Vec<u64>,
}

/// A chart.
pub(super) struct Chart {
    /// Unique on its page.
    pub(super) id: &'static str,
    /// What it shows.
    pub(super) title: &'static str,
    /// What it says in one sentence, for those who do not see it.
    pub(super) summary: String,
    /// Kinds and how many of each there are in all.
    pub(super) kinds: Vec<(Kind, u64)>,
    pub(super) bars: Vec<Bar>,
    pub(super) width: f64,
    pub(super) height: f64,
    /// Numbers at the side, the highest first.
    pub(super) scale: [String; 3],
    /// Times below, the oldest first, and what is shown of each in UTC.
    pub(super) times: Vec<(Time, String)>,
    /// What the page's script shows of them in the viewer's zone: `hour` or `date`.
    pub(super) times_as: &'static str,
    /// Stretches in which there was anything.
    pub(super) rows: Vec<Row>,
}

/// What came in.
pub(super) fn deliveries(stretches: &[Stretch], window: Window) -> Chart {
    let kinds = vec![
        Kind { word: "accepted", class: "c-accepted", pattern: "", of: |one| one.accepted },
        Kind { word: "duplicate", class: "c-rest", pattern: "dots", of: |one| one.duplicate },
        Kind { word: "refused", class: "c-refused", pattern: "hatch", of: |one| one.refused },
    ];
    draw("deliveries", "Events received", kinds, stretches, window)
}

/// What became of runs.
pub(super) fn runs(stretches: &[Stretch], window: Window) -> Chart {
    let kinds = vec![
        Kind { word: "ok", class: "c-ok", pattern: "", of: |one| one.ok },
        Kind { word: "skipped or cancelled", class: "c-rest", pattern: "dots", of: |one| one.skipped + one.cancelled },
        Kind { word: "failed", class: "c-failed", pattern: "hatch", of: |one| one.failed },
    ];
    draw("ended", "Runs finished", kinds, stretches, window)
}

fn draw(id: &'static str, title: &'static str, kinds: Vec<Kind>, stretches: &[Stretch], window: Window) -> Chart {
    let sum = |one: &Stretch| kinds.iter().map(|kind| (kind.of)(one)).sum::<u64>();
    let top = nice(stretches.iter().map(sum).max().unwrap_or(0));
    let bars = stretches.iter().enumerate().map(|(place, one)| bar(place, one, &kinds, top, window)).collect();
    let rows = stretches
        .iter()
        .rev()
        .filter(|one| sum(one) > 0)
        .map(|one| Row { at: one.at, counts: kinds.iter().map(|kind| (kind.of)(one)).collect() })
        .collect();
    let totals: Vec<u64> = kinds.iter().map(|kind| stretches.iter().map(kind.of).sum()).collect();
    let kinds: Vec<(Kind, u64)> = kinds.into_iter().zip(totals).collect();
    let said: Vec<String> = kinds.iter().map(|(kind, total)| format!("{total} {}", kind.word)).collect();
    Chart {
        id,
        title,
        summary: format!("{}: {}", title, said.join(", ")),
        bars,
        width: STEP * float(stretches.len() as u64),
        height: HEIGHT,
        scale: [short(top), if top.is_multiple_of(2) { short(top / 2) } else { String::new() }, "0".to_owned()],
        times: times(stretches, window),
        times_as: if window.is_of_hours() { "hour" } else { "date" },
        rows,
        kinds,
    }
}

fn bar(place: usize, one: &Stretch, kinds: &[Kind], top: u64, window: Window) -> Bar {
    let x = STEP * float(place as u64);
    let mut y = HEIGHT;
    let mut parts = Vec::new();
    let mut said = Vec::new();
    for kind in kinds {
        let count = (kind.of)(one);
        if count == 0 {
            continue;
        }
        let height = (HEIGHT * float(count) / float(top)).max(LEAST).min(y);
        y -= height;
        parts.push(Part { class: kind.class, pattern: kind.pattern, x: x + GAP / 2.0, y, width: STEP - GAP, height });
        said.push(format!("{count} {}", kind.word));
    }
    let said = if said.is_empty() { "nothing".to_owned() } else { said.join(", ") };
    Bar { title: format!("{}: {said}", span(one.at, window)), x, parts }
}

#[expect(clippy::cast_precision_loss, reason = "a bar is a few hundred pixels high")]
fn float(count: u64) -> f64 {
    count as f64
}

/// A round number that is not less than `most`, and not much more; 4 where there is nothing.
fn nice(most: u64) -> u64 {
    if most == 0 {
        return 4;
    }
    if let Some(small) = [1, 2, 4, 6, 8].into_iter().find(|top| *top >= most) {
        return small;
    }
    let mut unit = 1_u64;
    while most.div_ceil(unit) > 80 {
        unit = unit.saturating_mul(10);
    }
    let fits = [10, 12, 16, 20, 24, 30, 40, 50, 60, 80].into_iter().find(|top| unit.saturating_mul(*top) >= most);
    fits.map_or(most, |top| unit.saturating_mul(top))
}

/// `950`, `1.5k`, `20k`, `3M`.
pub(super) fn short(count: u64) -> String {
    let (unit, word) = match count {
        0..=9_999 => return count.to_string(),
        10_000..=999_999 => (1_000, "k"),
        _ => (1_000_000, "M"),
    };
    let (whole, tenth) = (count / unit, count % unit * 10 / unit);
    if tenth == 0 || whole >= 100 { format!("{whole}{word}") } else { format!("{whole}.{tenth}{word}") }
}

/// `2026-03-01 10:00`, in UTC.
fn minute(at: Time) -> String {
    at.to_string().get(..16).unwrap_or_default().replace('T', " ")
}

/// From when to when a stretch is.
fn span(at: Time, window: Window) -> String {
    let begin = minute(at);
    let end = minute(Time(at.0.saturating_add(window.step())));
    match window {
        Window::Hour => format!("{begin} UTC"),
        Window::Month => begin.get(..10).unwrap_or_default().to_owned(),
        Window::Day | Window::Week => format!("{begin} to {} UTC", end.get(11..).unwrap_or_default()),
    }
}

/// Times at even distances, from the first stretch to the end of the last.
fn times(stretches: &[Stretch], window: Window) -> Vec<(Time, String)> {
    let Some(first) = stretches.first() else { return Vec::new() };
    let length = window.step().saturating_mul(i64::try_from(stretches.len()).unwrap_or(0));
    let parts = i64::try_from(TIMES - 1).unwrap_or(1);
    (0..=parts)
        .map(|part| {
            let at = Time(first.at.0 + length * part / parts);
            let text = minute(at);
            let shown = if window.is_of_hours() { text.get(11..) } else { text.get(5..10) };
            (at, shown.unwrap_or_default().to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_ends_at_a_round_number_that_holds_the_highest_bar() {
        let table =
            [(0, 4), (1, 1), (2, 2), (3, 4), (5, 6), (9, 10), (13, 16), (41, 50), (81, 100), (999, 1000), (1001, 1200)];
        for (most, wanted) in table {
            assert_eq!(nice(most), wanted, "{most}");
        }
        assert_eq!(nice(u64::MAX), u64::MAX);
    }

    #[test]
    fn counts_are_short() {
        let table =
            [(0, "0"), (9_999, "9999"), (10_000, "10k"), (15_500, "15.5k"), (200_999, "200k"), (2_000_000, "2M")];
        for (count, wanted) in table {
            assert_eq!(short(count), wanted);
        }
    }

    #[test]
    fn what_failed_is_seen_however_much_went_well() {
        let one = Stretch { ok: 100_000, failed: 1, ..Stretch::default() };
        let chart = runs(&[one], Window::Hour);
        let failed = chart.bars[0].parts.last().unwrap();
        assert_eq!((failed.class, failed.pattern), ("c-failed", "hatch"));
        assert!(failed.height >= LEAST && failed.y >= 0.0, "{}", failed.height);
    }
}
