//! `threshold`, `once` and `digest` in memory, from an empty state: which events start a run, and when.

use std::collections::HashMap;

use crate::{
    clock::Time,
    matcher::{Key, Keys},
    rules::{Every, Rule},
};

/// What the gates of a rule remember.
#[derive(Debug, Default)]
pub(super) struct Gates {
    counted: HashMap<String, Vec<(Time, usize)>>,
    /// When the first event of a key was let through.
    once: HashMap<String, Time>,
    windows: HashMap<String, Window>,
    opened: usize,
}

/// Events that are gathered for one run.
#[derive(Debug)]
struct Window {
    number: usize,
    events: Vec<usize>,
}

/// What becomes of an event that matched.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// A run starts on these events, oldest first.
    Starts(Vec<usize>),
    /// Another event of its key came first, or not enough have come.
    Dropped { gate: &'static str, why: String },
    /// It is gathered; where it opened the window, when that closes and its key and number.
    Gathered(Option<(Option<Time>, String, usize)>),
}

impl Gates {
    /// Takes the event at place `event` that matched at `now`.
    pub(super) fn pass(&mut self, rule: &Rule, keys: &Keys, event: usize, now: Time) -> Passed {
        let mut events = vec![event];
        if let Some(threshold) = &rule.around.threshold {
            let key = match named(&keys.threshold) {
                Ok(key) => key,
                Err(why) => return Passed::Dropped { gate: "threshold", why },
            };
            let counted = self.counted.entry(key).or_default();
            counted.retain(|(at, _)| now.since(*at) < threshold.within);
            counted.push((now, event));
            let wanted = usize::try_from(threshold.count).unwrap_or(usize::MAX);
            if counted.len() < wanted {
                let why = format!("{} of {wanted} events have come", counted.len());
                return Passed::Dropped { gate: "threshold", why };
            }
            events = counted.drain(..).map(|(_, event)| event).collect();
        }
        // A key of nothing is let through.
        if let (Some(once), Ok(key)) = (&rule.around.once, named(&keys.once)) {
            if let Some(first) = self.once.get(&key).filter(|first| now.since(**first) < once.within) {
                let why = format!("the first event of its key came {} s before", now.since(*first).as_secs());
                return Passed::Dropped { gate: "once", why };
            }
            self.once.insert(key, now);
        }
        if rule.around.digest.is_none() {
            return Passed::Starts(events);
        }
        self.gather(rule, keys, events, now)
    }

    fn gather(&mut self, rule: &Rule, keys: &Keys, events: Vec<usize>, now: Time) -> Passed {
        let Some(digest) = &rule.around.digest else { return Passed::Starts(events) };
        let key = named(&keys.digest).unwrap_or_default();
        let is_new = !self.windows.contains_key(&key);
        if is_new {
            self.opened += 1;
        }
        let number = self.opened;
        let window = self.windows.entry(key.clone()).or_insert_with(|| Window { number, events: Vec::new() });
        window.events.extend(events);
        if window.events.len() >= usize::try_from(digest.max).unwrap_or(usize::MAX) {
            let full = self.windows.remove(&key).map(|window| window.events);
            return Passed::Starts(full.unwrap_or_default());
        }
        if !is_new {
            return Passed::Gathered(None);
        }
        let closes = match &digest.every {
            Every::After(span) => Some(now.plus(*span)),
            Every::Cron(cron) => cron.next_after(now),
        };
        Passed::Gathered(Some((closes, key, number)))
    }

    /// The events of a window whose time has come. `None` where it was full before.
    pub(super) fn close(&mut self, key: &str, number: usize) -> Option<Vec<usize>> {
        self.windows.get(key).filter(|window| window.number == number)?;
        self.windows.remove(key).map(|window| window.events)
    }
}

/// The text of a key; one that is the whole rule's cannot be another's. `Err` says why there is none.
pub(super) fn named(key: &Key) -> Result<String, String> {
    match key {
        Key::Unset | Key::Whole => Ok("whole".to_owned()),
        Key::Of(text) => Ok(format!("of {text}")),
        Key::Nothing(why) => Err(why.clone()),
    }
}
