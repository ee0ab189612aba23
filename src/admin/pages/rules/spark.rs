//! The small chart of a rule's runs: a bar a day, failures apart from the rest by shape as well as by colour.

use crate::admin::plural::counted;

/// One bar, in units of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) x: usize,
    pub(super) y: u32,
    pub(super) height: u32,
    /// Of its height, from the foot on: failed ones.
    pub(super) failed_y: u32,
    pub(super) failed: u32,
}

/// Height of the chart.
pub(super) const HEIGHT: u32 = 20;
/// Width of a bar with its gap.
pub(super) const STEP: usize = 5;

/// The chart of a rule.
#[derive(Debug, Clone, Default)]
pub(super) struct Spark {
    pub(super) bars: Vec<Bar>,
    pub(super) width: usize,
    /// The bars as one path, and their failed feet as another: a page of many charts stays small.
    pub(super) ok: String,
    pub(super) bad: String,
    /// In words, for those who do not see it.
    pub(super) words: String,
}

/// Draws runs and failures of days, the oldest first.
pub(super) fn spark(days: &[(u32, u32)], is_cut: bool) -> Spark {
    let (all, failed) = days.iter().fold((0, 0), |(all, bad), (runs, failed)| (all + runs, bad + failed));
    if all == 0 {
        return Spark::default();
    }
    let tallest = days.iter().map(|(runs, _)| *runs).max().unwrap_or(1).max(1);
    // Whatever ran at all is seen.
    let scaled = |count: u32| if count == 0 { 0 } else { (count * HEIGHT / tallest).max(2) };
    let bars: Vec<Bar> = days
        .iter()
        .enumerate()
        .filter(|(_, (runs, _))| *runs > 0)
        .map(|(at, (runs, failed))| {
            let height = scaled(*runs);
            let bad = scaled(*failed).min(height);
            Bar { x: at * STEP, y: HEIGHT - height, height, failed_y: HEIGHT - bad, failed: bad }
        })
        .collect();
    let least = if is_cut { "at least " } else { "" };
    let (runs, span) = (counted(&all, "run"), counted(&days.len(), "day"));
    let words = format!("{least}{runs} in {span}, {failed} failed");
    let ok = bars.iter().map(|bar| part(bar.x, bar.y, bar.height)).collect();
    let bad = bars.iter().filter(|bar| bar.failed > 0).map(|bar| part(bar.x, bar.failed_y, bar.failed)).collect();
    Spark { bars, width: days.len() * STEP, ok, bad, words }
}

/// A rectangle as a part of a path.
fn part(x: usize, y: u32, height: u32) -> String {
    format!("M{x} {y}h4v{height}h-4z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_with_one_run_beside_a_thousand_is_still_seen() {
        let drawn = spark(&[(0, 0), (1, 1), (1000, 10)], false);
        assert_eq!(drawn.words, "1001 runs in 3 days, 11 failed");
        assert_eq!(drawn.bars[0], Bar { x: 5, y: 18, height: 2, failed_y: 18, failed: 2 });
        assert_eq!((drawn.bars[1].height, drawn.bars[1].failed), (20, 2));
        assert_eq!(
            (drawn.ok.as_str(), drawn.bad.as_str()),
            ("M5 18h4v2h-4zM10 0h4v20h-4z", "M5 18h4v2h-4zM10 18h4v2h-4z")
        );
        assert!(spark(&[(0, 0)], false).bars.is_empty());
    }
}
