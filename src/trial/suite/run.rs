//! Runs a test: its events in virtual time, and what came of them against what was wanted.

use std::{sync::Arc, time::Instant};

use super::{Bench, Case, replies::Script};
use crate::{
    model::Keeper,
    rules::Rule,
    trial::{
        judge::{Sight, judge, verdict_text},
        report::{Report, RunTrace},
        timeline::{Ended, Said, Setting, Timeline},
        world::World,
    },
    value::Value,
};

/// Runs a test of a rule.
pub fn run_case(bench: Bench<'_>, rule: &Arc<Rule>, case: &Case) -> Report {
    let start = Instant::now();
    let mut world = World::default();
    for (keeper, all) in [(Keeper::Profile, &case.profiles), (Keeper::Record, &case.records)] {
        for (key, attributes) in all {
            world.seed(keeper, key, attributes.clone());
        }
    }
    let mut vars = bench.config.vars.clone();
    vars.extend(case.vars.iter().map(|(name, value)| (name.clone(), value.clone())));
    let mut script = Script::new(&case.replies);
    let setting = Setting { rule, registry: bench.registry, vars: &vars };
    let events = case.events.iter().map(|(at, given)| (case.now.plus(*at), given)).collect();
    let outcome = Timeline::play(setting, &mut world, &mut script, events);

    let nothing = Value::Null;
    let event = world.events.last().map_or(&nothing, |came| &came.payload);
    let vars = Value::Object(vars);
    let sight = Sight { event, vars: &vars, now: case.now };
    let misses = judge(case, &outcome, &world.done, &sight);
    let silent = |said: &&Said| !matches!(said, Said::Matched);
    let many = outcome.said.len() > 1;
    let verdict = |(at, said): (usize, &Said)| {
        let which = if many { format!("event {}: ", at + 1) } else { "the event: ".to_owned() };
        format!("{which}{}", verdict_text(said))
    };
    Report {
        rule: rule.id.to_string(),
        file: rule.file.to_string(),
        name: case.name.clone(),
        place: case.place,
        misses,
        verdicts: outcome.said.iter().enumerate().filter(|(_, said)| silent(said)).map(verdict).collect(),
        runs: outcome.runs.into_iter().map(run_trace).collect(),
        took: start.elapsed(),
    }
}

fn run_trace(run: Ended) -> RunTrace {
    let message = run.error.map(|error| error.message).or(run.why).unwrap_or_default();
    RunTrace { outcome: run.outcome, message, steps: run.trace }
}
