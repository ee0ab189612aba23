//! Runs that found their connection fully in use: set aside, in order, until a place is given back.

use std::collections::{HashSet, VecDeque};

use crate::ids::RunId;

/// Runs set aside, oldest first, with the lane that each waits for.
#[derive(Debug, Default)]
pub(super) struct Parked {
    queue: VecDeque<(RunId, String)>,
    runs: HashSet<RunId>,
}

impl Parked {
    /// Sets a run aside.
    pub(super) fn add(&mut self, run: RunId, lane: String) {
        if self.runs.insert(run) {
            self.queue.push_back((run, lane));
        }
    }

    /// Whether a run is set aside.
    pub(super) fn has(&self, run: RunId) -> bool {
        self.runs.contains(&run)
    }

    /// Lets the first run of each lane go again. Returns how many.
    pub(super) fn release(&mut self) -> usize {
        let mut lanes = HashSet::new();
        let runs = &mut self.runs;
        let before = self.queue.len();
        self.queue.retain(|(run, lane)| {
            let goes = lanes.insert(lane.clone());
            if goes {
                runs.remove(run);
            }
            !goes
        });
        before - self.queue.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_of_each_lane_goes_when_places_are_given_back() {
        let mut parked = Parked::default();
        parked.add(RunId(1), "groove".to_owned());
        parked.add(RunId(2), "groove".to_owned());
        parked.add(RunId(3), "crm".to_owned());
        parked.add(RunId(1), "groove".to_owned());
        assert_eq!(parked.release(), 2);
        assert!(!parked.has(RunId(1)) && parked.has(RunId(2)) && !parked.has(RunId(3)));
        assert_eq!(parked.release(), 1);
        assert_eq!(parked.release(), 0);
    }
}
