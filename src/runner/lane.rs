//! Runs that found their connection fully in use: set aside, in order, until a place is given back.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::ids::RunId;

/// Runs set aside, oldest first, with the lane that each waits for.
#[derive(Debug, Default)]
pub(super) struct Parked {
    queue: VecDeque<(RunId, String)>,
    rules: HashMap<RunId, Arc<str>>,
    of_rule: HashMap<Arc<str>, usize>,
}

impl Parked {
    /// Sets a run aside.
    pub(super) fn add(&mut self, run: RunId, rule: Arc<str>, lane: String) {
        if self.rules.insert(run, Arc::clone(&rule)).is_none() {
            self.queue.push_back((run, lane));
            *self.of_rule.entry(rule).or_default() += 1;
        }
    }

    /// Whether a run is set aside.
    pub(super) fn has(&self, run: RunId) -> bool {
        self.rules.contains_key(&run)
    }

    /// Whether none is set aside.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many runs of a rule are set aside.
    pub(super) fn of_rule(&self, rule: &str) -> usize {
        self.of_rule.get(rule).copied().unwrap_or(0)
    }

    /// Lets the first runs of each lane go again, as many as there is `room` for. Returns how many.
    pub(super) fn release(&mut self, room: impl Fn(&str) -> usize) -> usize {
        let mut rooms: HashMap<String, usize> = HashMap::new();
        let (rules, of_rule) = (&mut self.rules, &mut self.of_rule);
        let before = self.queue.len();
        self.queue.retain(|(run, lane)| {
            if !rooms.contains_key(lane) {
                rooms.insert(lane.clone(), room(lane));
            }
            let left = rooms.get_mut(lane).filter(|left| **left > 0);
            let goes = left.map(|left| *left -= 1).is_some();
            if goes && let Some(rule) = rules.remove(run) {
                of_rule.entry(rule).and_modify(|count| *count -= 1);
            }
            !goes
        });
        of_rule.retain(|_, count| *count > 0);
        before - self.queue.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_runs_of_each_lane_go_as_it_has_room_for() {
        let mut parked = Parked::default();
        parked.add(RunId(1), Arc::from("a"), "groove".to_owned());
        parked.add(RunId(2), Arc::from("a"), "groove".to_owned());
        parked.add(RunId(3), Arc::from("a"), "crm".to_owned());
        parked.add(RunId(1), Arc::from("a"), "groove".to_owned());
        parked.add(RunId(4), Arc::from("a"), "groove".to_owned());
        assert_eq!(parked.release(|lane| if lane == "crm" { 9 } else { 1 }), 2);
        assert!(!parked.has(RunId(1)) && parked.has(RunId(2)) && !parked.has(RunId(3)));
        assert_eq!((parked.of_rule("a"), parked.of_rule("b")), (2, 0));
        assert_eq!(parked.release(|_| 0), 0);
        assert_eq!(parked.release(|_| 2), 2);
        assert_eq!(parked.release(|_| 2), 0);
    }
}
