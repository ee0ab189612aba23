//! What one case may take.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

/// How many cases came to what.
pub type Counts = BTreeMap<&'static str, u64>;

/// The longest a case may take. A build without optimisation is ten to thirty times slower so it is given twenty times as much: it finds
/// what does not end, and `make fuzz`, which is optimised, finds what is slow.
pub const SLOW: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2_000 } else { 100 });
/// The most memory a case may take, in KiB.
const MEMORY: u64 = 64 * 1024;
/// How often a case that was slow is tried again before it is called slow: another process may have had the processor.
const TRIES: usize = 4;

/// Measures cases, one after another.
pub struct Meter {
    pub slowest: (Duration, String),
    /// In KiB.
    pub hungriest: u64,
}

impl Meter {
    pub fn new() -> Self {
        Self { slowest: (Duration::ZERO, String::new()), hungriest: 0 }
    }

    /// What the case came to. Panics where it took too much.
    pub fn measure(&mut self, text: &str, case: impl Fn() -> &'static str) -> &'static str {
        let before = forget_peak().and_then(|()| peak());
        let mut took = Duration::MAX;
        let mut came_to = "";
        for _ in 0..TRIES {
            let started = Instant::now();
            came_to = case();
            took = took.min(started.elapsed());
            if took < SLOW {
                break;
            }
        }
        assert!(took < SLOW, "{took:?} for this case:\n{text}");
        if took > self.slowest.0 {
            self.slowest = (took, text.to_owned());
        }
        if let (Some(before), Some(after)) = (before, peak()) {
            let grown = after.saturating_sub(before);
            assert!(grown < MEMORY, "{grown} KiB for this case:\n{text}");
            self.hungriest = self.hungriest.max(grown);
        }
        came_to
    }
}

/// Lets the system count the peak of this process anew. `None` where it cannot.
fn forget_peak() -> Option<()> {
    fs::write("/proc/self/clear_refs", "5").ok()
}

/// The most memory that this process has had since then, in KiB. `None` where the system does not tell.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
