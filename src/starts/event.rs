//! An event that is new, matched once against the rules in force.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{InForce, gates};
use crate::{
    clock::Time,
    config::Config,
    ids::{EventId, IdSource, RunId},
    matcher::{self, Bounds, Came, Planned, Subject},
    model::{ErrorClass, EventFlags, RunStatus, StepError, Verdict},
    rules::Rule,
    store::{Dedupe, Gates, NewEvent, NewRun},
};

/// An event before it is matched: a delivery that was verified and read, or one of our own.
#[derive(Clone)]
pub struct Fresh {
    pub kind: String,
    pub source: String,
    pub service: Option<String>,
    /// How it was verified; empty for a public source.
    pub verified: String,
    pub depth: u8,
    /// One of our own actions caused it.
    pub own: bool,
    /// What tells that one of our actions caused it; kept for an action whose end comes later. `None` where the pack has no echo for it.
    pub echo: Option<String>,
    pub flags: EventFlags,
    /// What rules see as `event`.
    pub event: Value,
    /// `{headers, query}`.
    pub meta: Map<String, Value>,
    pub body: Vec<u8>,
    pub dictionary: Arc<[u8]>,
    pub dedupe: Option<Dedupe>,
}

/// The event of an `emit` step, before it is matched. `by` says who emitted it, and is kept with the event.
pub fn emitted(kind: String, data: Value, depth: u8, by: Value) -> Fresh {
    Fresh {
        kind,
        source: "emit".to_owned(),
        service: None,
        verified: super::INTERNAL.to_owned(),
        depth,
        own: false,
        echo: None,
        flags: EventFlags::default(),
        body: data.to_string().into_bytes(),
        event: data,
        meta: Map::from_iter([("emitted_by".to_owned(), by)]),
        dictionary: Arc::default(),
        dedupe: None,
    }
}

/// Matches an event and makes what is stored of it.
pub fn started(config: &Config, ids: &IdSource, in_force: &InForce, taken: Fresh, now: Time) -> NewEvent {
    started_by(config, ids, in_force.set_id, taken, now, |subject| {
        in_force.set.candidates(&subject.kind, subject.own, &subject.event)
    })
}

/// The same, where `candidates` names the rules that are asked.
pub(super) fn started_by<'r>(
    config: &Config,
    ids: &IdSource,
    set_id: i64,
    taken: Fresh,
    now: Time,
    candidates: impl FnOnce(&Subject) -> Vec<&'r Arc<Rule>>,
) -> NewEvent {
    let id = EventId(ids.next(now));
    let limits = &config.limits;
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
    let subject = Subject { kind: taken.kind, own: taken.own, event: taken.event, trigger, received_at: now };
    let plan = matcher::plan_of(&candidates(&subject), &subject, &config.vars, bounds);
    let truncated = if plan.truncated { EventFlags::TRUNCATED } else { EventFlags::default() };
    let kind = subject.kind;
    let runs = plan.runs.into_iter().map(|planned| run(ids, &kind, planned, now)).collect();
    NewEvent {
        id,
        kind,
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
        set: set_id,
        payload: subject.event,
        echo: taken.echo,
        own: taken.own,
        runs,
    }
}

fn run(ids: &IdSource, kind: &str, planned: Planned, now: Time) -> NewRun {
    let (status, error) = match planned.verdict {
        Verdict::Undecided => (RunStatus::Undecided, None),
        Verdict::Error { message } => {
            let error =
                StepError { step: "when".to_owned(), class: ErrorClass::Template, status: None, message, attempt: 0 };
            (RunStatus::Failed, Some(error))
        }
        Verdict::Matched | Verdict::NotMatched(_) => (RunStatus::Due, None),
    };
    let id = RunId(ids.next(now));
    let gates = if status == RunStatus::Due { gates(&planned.rule, &planned.keys, now) } else { Gates::default() };
    let hears_own = planned.rule.hears(kind, true);
    NewRun { gates, hears_own, ..NewRun::new(id, &planned.rule.id, status, now, planned.vars, error) }
}
