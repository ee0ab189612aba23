//! Lanes: what is called apart from all else, with its pace and its places.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::pace::Pace;
use crate::{clock::Time, config::Rate};

/// Lanes above which those that are idle are forgotten: a bare URL may hold a host of the caller's.
const MANY: usize = 1024;

/// May the connection be called now?
#[derive(Debug)]
pub enum Turn {
    /// Yes; the place is given back when this is dropped.
    Now(Place),
    /// Not before then (rate). The slot is reserved for the run that asked.
    At(Time),
    /// All places are taken; ask again when one is given back (`Connections::freed`).
    Busy,
}

/// A place among a connection's concurrent requests.
pub struct Place {
    lane: String,
    lanes: Arc<Shared>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({})", self.lane)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(lane) = self.lanes.lock().get_mut(&self.lane) {
            lane.taken = lane.taken.saturating_sub(1);
            if lane.queued > 0 {
                lane.bell.notify_one();
                return;
            }
        }
        self.lanes.tell();
    }
}

/// A place in the queue of a lane: its holder is called when one among the concurrent requests is given back.
pub(super) struct Queued {
    lane: String,
    lanes: Arc<Shared>,
    bell: Arc<Notify>,
}

impl Queued {
    /// Returns when it is worth asking for a turn again.
    pub(super) async fn called(&self) {
        self.bell.notified().await;
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        let is_short = self.lanes.lock().get_mut(&self.lane).is_none_or(|lane| {
            lane.queued = lane.queued.saturating_sub(1);
            lane.queued <= lane.places / 2
        });
        if is_short {
            self.lanes.tell();
        }
    }
}

/// How a lane may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) rate: Rate,
    /// Requests in flight at once; at least one.
    pub(super) concurrent: usize,
}

#[derive(Debug, Default)]
struct Lane {
    pace: Pace,
    taken: usize,
    queued: usize,
    /// Places there were when it was asked last.
    places: usize,
    /// Calls the first of the queue.
    bell: Arc<Notify>,
}

#[derive(Default)]
struct Shared {
    lanes: Mutex<HashMap<String, Lane>>,
    freed: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells that there is room: all that wait look again; who asks in this very moment finds the mark that is left.
    fn tell(&self) {
        self.freed.notify_waiters();
        self.freed.notify_one();
    }
}

/// All lanes.
#[derive(Clone, Default)]
pub(super) struct Lanes(Arc<Shared>);

impl Lanes {
    /// A turn at `name` for `run`.
    pub(super) fn turn(&self, name: &str, limits: Limits, now: Time, run: i64) -> Turn {
        let mut lanes = self.0.lock();
        if !lanes.contains_key(name) {
            if lanes.len() >= MANY {
                lanes.retain(|_, lane| lane.taken + lane.queued > 0 || !lane.pace.is_idle(now));
            }
            lanes.insert(name.to_owned(), Lane::default());
        }
        let Some(lane) = lanes.get_mut(name) else { return Turn::Busy };
        let at = lane.pace.ask(limits.rate, now, run);
        if at > now {
            return Turn::At(at);
        }
        lane.places = limits.concurrent.max(1);
        if lane.taken >= lane.places {
            return Turn::Busy;
        }
        lane.taken += 1;
        lane.pace.go(limits.rate, now, run);
        Turn::Now(Place { lane: name.to_owned(), lanes: Arc::clone(&self.0) })
    }

    /// A place in the queue of a lane that was busy. `None`: the queue is as long as the lane is wide.
    pub(super) fn queue(&self, name: &str) -> Option<Queued> {
        let mut lanes = self.0.lock();
        let lane = lanes.get_mut(name)?;
        if lane.queued >= lane.places {
            return None;
        }
        lane.queued += 1;
        if lane.taken < lane.places {
            // Given back since it was found busy.
            lane.bell.notify_one();
        }
        Some(Queued { lane: name.to_owned(), lanes: Arc::clone(&self.0), bell: Arc::clone(&lane.bell) })
    }

    /// How many more runs a lane has room for, its queue counted.
    pub(super) fn room(&self, name: &str) -> usize {
        let lanes = self.0.lock();
        lanes.get(name).map_or(usize::MAX, |lane| (2 * lane.places).saturating_sub(lane.taken + lane.queued))
    }

    /// Nothing goes out on this lane before `until`.
    pub(super) fn pause(&self, name: &str, until: Time) {
        self.0.lock().entry(name.to_owned()).or_default().pace.pause(until);
    }

    /// Until when nothing goes out on this lane. `None`: it may.
    pub(super) fn paused_until(&self, name: &str, now: Time) -> Option<Time> {
        self.0.lock().get(name).and_then(|lane| lane.pace.paused_until(now))
    }

    /// When a turn would come for `run` by the rate. `None`: at once; only a free place can be missing.
    pub(super) fn next_turn(&self, name: &str, rate: Rate, now: Time, run: i64) -> Option<Time> {
        let lanes = self.0.lock();
        lanes.get(name).map(|lane| lane.pace.look(rate, now, run)).filter(|at| *at > now)
    }

    /// Whether all places of a lane are taken.
    pub(super) fn is_full(&self, name: &str) -> bool {
        self.0.lock().get(name).is_some_and(|lane| lane.places > 0 && lane.taken >= lane.places)
    }

    /// Returns when there is room somewhere since the last call, now and then without one.
    pub(super) async fn freed(&self) {
        self.0.freed.notified().await;
    }
}

#[cfg(test)]
mod tests;
