//! A `wait` step: begun in one record with the end of the step before it, looked at whenever its run is due, ended by its time or by the
//! first event that satisfies it.

use serde_json::json;

use super::hold::{Flow, Hold, output};
use crate::{
    clock::Time,
    ids::EventId,
    model::{StepOutcome, StepOutput, StepPath},
    starts,
    store::{NewWait, OpenWait, StoreError, StoredEvent, Then, WaitEvents},
    value::Value,
    walk::{Wait, WaitEvent, Walk},
};

/// Stored events that are read in one go.
const CHUNK: usize = 64;

impl Hold<'_> {
    pub(super) async fn wait(
        &mut self,
        walk: &Walk,
        path: StepPath,
        began: Time,
        wait: Wait,
    ) -> Result<Flow, StoreError> {
        if let Some(open) = self.run.wait.take_if(|open| open.step == path) {
            return self.look(walk, open, wait.event).await;
        }
        if wait.event.is_none() && wait.until.is_some_and(|until| until <= self.now()) {
            return Ok(Flow::Ended(output(&path, StepOutcome::Ok, Value::Null)));
        }
        let since = self.since(walk);
        let events = wait.event.map(|event| WaitEvents {
            kinds: event.kinds,
            pointer: event.pointer,
            value: event.value,
            since,
        });
        let begins = NewWait { step: path, began_at: began, until: wait.until, events };
        self.leave(Then::Wait(begins)).await.map(Flow::Leave)
    }

    /// The event after which a wait looks: the run's own, or the last that one of its waits took.
    fn since(&self, walk: &Walk) -> EventId {
        let taken = walk.outputs().into_iter().filter_map(taken_by).max();
        taken.map_or(self.run.event.id, |taken| taken.max(self.run.event.id))
    }

    /// Looks at a wait that was begun before.
    async fn look(&mut self, walk: &Walk, open: OpenWait, wanted: Option<WaitEvent>) -> Result<Flow, StoreError> {
        if let Some(wanted) = &wanted
            && let Some((event, payload)) = self.first_of(walk, &open, &wanted.kinds).await?
        {
            let ended = output(&open.step, StepOutcome::Ok, payload);
            return Ok(self.ended(&open, StepOutput { response: taking(event), ..ended }));
        }
        if open.until.is_some_and(|until| until <= self.now()) {
            let outcome = if wanted.is_some() { StepOutcome::TimedOut } else { StepOutcome::Ok };
            return Ok(self.ended(&open, output(&open.step, outcome, Value::Null)));
        }
        self.leave(Then::Sleep { rejected: open.candidates }).await.map(Flow::Leave)
    }

    fn ended(&self, open: &OpenWait, output: StepOutput) -> Flow {
        Flow::Ended(StepOutput { waited: self.now().since(open.began_at), ..output })
    }

    /// The first event that ends the wait, with its payload: among those stored before the wait was registered, then among those that
    /// came with its key since.
    async fn first_of(
        &self,
        walk: &Walk,
        open: &OpenWait,
        kinds: &[String],
    ) -> Result<Option<(EventId, Value)>, StoreError> {
        let store = &self.parts.store;
        let mut since = open.since;
        while !open.looked && since < open.upto {
            let events = store.events_between(kinds.to_vec(), since, open.upto, CHUNK).await?;
            let Some(last) = events.last().map(|event| event.id) else { break };
            if let Some(found) = events.iter().find_map(|event| self.ends(walk, open, event)) {
                return Ok(Some(found));
            }
            since = last;
        }
        for candidate in &open.candidates {
            let before = EventId(candidate.0.saturating_sub(1));
            let events = store.events_between(kinds.to_vec(), before, *candidate, 1).await?;
            if let Some(found) = events.iter().find_map(|event| self.ends(walk, open, event)) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn ends(&self, walk: &Walk, open: &OpenWait, event: &StoredEvent) -> Option<(EventId, Value)> {
        if event.id <= open.since || open.until.is_some_and(|until| event.received_at > until) {
            return None;
        }
        // One whose body is gone or no longer reads can end nothing.
        let payload = starts::event_value(event, &self.pinned.registry).ok()?;
        walk.ends_wait(&open.step, open.began_at, &payload).then_some((event.id, payload))
    }
}

/// What a wait that took an event keeps beside its result: the next wait of the run begins after it.
fn taking(event: EventId) -> Value {
    json!({"event": event.to_string()})
}

/// The event that a wait took. `None` for any other output.
fn taken_by(output: &StepOutput) -> Option<EventId> {
    output.response.get("event")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_that_a_wait_took_is_found_again() {
        let step = StepPath("do.0".to_owned());
        let took =
            StepOutput { response: taking(EventId(77)), ..output(&step, StepOutcome::Ok, json!({"event": "evt"})) };
        assert_eq!(taken_by(&took), Some(EventId(77)));
        assert_eq!(taken_by(&output(&step, StepOutcome::TimedOut, Value::Null)), None);
        let reply = StepOutput { response: json!({"status": 200, "headers": {"event": "x"}}), ..took };
        assert_eq!(taken_by(&reply), None);
    }
}
