//! Processor time: what this process took, and what others took beside it, which spoils a figure.

use std::{fs, time::Duration};

/// The processors' time so far, in ticks of 10 ms.
#[derive(Clone, Copy)]
pub(crate) struct Ticks {
    own: u64,
    busy: u64,
    all: u64,
}

/// What was taken between two moments.
pub(crate) struct Load {
    /// By this process.
    pub(crate) own: Duration,
    /// By others, as a share of all there was.
    pub(crate) others: f64,
}

impl Ticks {
    pub(crate) fn now() -> Self {
        let numbers = |text: &str| -> Vec<u64> { text.split_whitespace().filter_map(|n| n.parse().ok()).collect() };
        let process = fs::read_to_string("/proc/self/stat").unwrap();
        // After the name of the program, which may hold anything, come the state and the numbers.
        let of_process = numbers(process.rsplit(')').next().unwrap());
        let machine = fs::read_to_string("/proc/stat").unwrap();
        let of_machine = numbers(machine.lines().next().unwrap());
        let all: u64 = of_machine.iter().take(8).sum();
        Self { own: of_process[10] + of_process[11], busy: all - of_machine[3] - of_machine[4], all }
    }

    pub(crate) fn until_now(self) -> Load {
        let now = Self::now();
        let own = now.own - self.own;
        let others = (now.busy - self.busy).saturating_sub(own);
        Load { own: Duration::from_millis(own * 10), others: others as f64 / (now.all - self.all).max(1) as f64 }
    }
}

impl Load {
    /// A warning where others took much. Empty otherwise.
    pub(crate) fn warning(&self) -> String {
        if self.others < 0.1 {
            return String::new();
        }
        format!(" [other programs took {:.0} % of the processors]", self.others * 100.0)
    }
}
