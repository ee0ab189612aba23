//! From a delivery that was read to what is stored of it: matched once, against the rules in force.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::state::{InForce, State};
use crate::{
    clock::Time,
    ids::{EventId, RunId},
    matcher::{self, Bounds, Came, Planned, Subject},
    model::{ErrorClass, EventFlags, RunStatus, StepError, Verdict},
    store::{Dedupe, NewEvent, NewRun},
};

/// A delivery that was verified and read.
pub(super) struct Taken {
    pub(super) kind: String,
    pub(super) source: String,
    pub(super) service: Option<String>,
    /// How it was verified; empty for a public source.
    pub(super) verified: String,
    pub(super) depth: u8,
    pub(super) flags: EventFlags,
    /// What rules see as `event`.
    pub(super) event: Value,
    /// `{headers, query}`.
    pub(super) meta: Map<String, Value>,
    pub(super) body: Vec<u8>,
    pub(super) dictionary: Arc<[u8]>,
    pub(super) dedupe: Option<Dedupe>,
}

/// Matches a delivery and makes the event of it.
pub(super) fn matched(state: &State, in_force: &InForce, taken: Taken, now: Time) -> NewEvent {
    let id = EventId(state.ids.next(now));
    let limits = &state.config.limits;
    let bounds = Bounds { rule: limits.match_rule, event: limits.match_event, runs: limits.runs_per_event };
    let trigger = matcher::trigger(&Came {
        id: &id.to_string(),
        kind: &taken.kind,
        source: &taken.source,
        service: taken.service.as_deref(),
        received_at: now,
        verified: &taken.verified,
        depth: taken.depth,
        meta: &taken.meta,
    });
    // No pack tells yet which events our own actions caused: every event is foreign.
    let subject = Subject { kind: taken.kind, own: false, event: taken.event, trigger, received_at: now };
    let plan = matcher::plan(&in_force.set, &subject, &state.config.vars, bounds);
    let truncated = if plan.truncated { EventFlags::TRUNCATED } else { EventFlags::default() };
    let runs = plan.runs.into_iter().map(|planned| run(state, planned, now)).collect();
    NewEvent {
        id,
        kind: subject.kind,
        source: taken.source,
        service: taken.service,
        received_at: now,
        verified: taken.verified,
        depth: taken.depth,
        flags: taken.flags.and(truncated),
        meta: taken.meta,
        body: taken.body,
        dictionary: taken.dictionary,
        dedupe: taken.dedupe,
        set: in_force.set_id,
        runs,
    }
}

fn run(state: &State, planned: Planned, now: Time) -> NewRun {
    let (status, error) = match planned.verdict {
        Verdict::Undecided => (RunStatus::Undecided, None),
        Verdict::Error { message } => {
            let error =
                StepError { step: "when".to_owned(), class: ErrorClass::Template, status: None, message, attempt: 0 };
            (RunStatus::Failed, Some(error))
        }
        Verdict::Matched | Verdict::NotMatched(_) => (RunStatus::Due, None),
    };
    let id = RunId(state.ids.next(now));
    NewRun { id, rule: planned.rule.id.to_string(), status, due_at: now, vars: planned.vars, error }
}
