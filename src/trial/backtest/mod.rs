//! An old and a new rule set over stored events: what would be other now. Sends nothing, asks nobody.
//!
//! Rules whose text, and all that it names, is the same in both are not looked at. `threshold`, `once`, `digest` and `concurrency` keep
//! state that lies outside of an event, and are taken as passed.

mod changed;
mod diff;
mod drive;
mod report;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

pub use changed::Fate;
pub use diff::unified;
pub use drive::{Did, Driven, Script, Told, drive};
pub use report::{Example, Examples, Report, RuleReport};

use crate::{
    matcher::{self, Subject},
    model::{EventFlags, Verdict},
    rules::{Rule, Set},
    services::Registry,
    starts,
    store::StoredEvent,
    value::Object,
    walk::About,
};

/// Time for one rule: what intake gives it is for the living; here a busy machine must not change the answer.
const TIME: Duration = Duration::from_secs(2);

/// The run that a trial stands for.
const RUN: &str = "run_0000000000000";

/// A rule set with its packs.
#[derive(Debug, Clone)]
pub struct Side {
    pub set: Arc<Set>,
    pub registry: Arc<Registry>,
}

/// Two rule sets to be compared.
#[derive(Debug)]
pub struct Backtest {
    old: Side,
    new: Side,
    /// `[vars]`.
    vars: Object,
    /// Services whose pack is not the same on both sides: it computes fields of the payload.
    other_packs: BTreeSet<String>,
    /// What became of each rule; those that are the same are left out.
    fates: BTreeMap<Arc<str>, Fate>,
    /// Examples that are kept of each kind, a rule.
    examples: usize,
}

/// What one side made of an event, for one rule.
enum Said {
    No(String),
    Matched(Object),
    Error(String),
}

impl Backtest {
    /// `vars` are those of `[vars]` for both sides; with `only` no other rule is looked at. `examples` are kept of each kind, a rule.
    pub fn new(old: Side, new: Side, vars: Object, only: Option<&str>, examples: usize) -> Self {
        let other_packs = changed::other_packs(&old.set, &new.set);
        let mut fates = changed::fates(&old.set, &new.set, &other_packs);
        fates.retain(|id, _| only.is_none_or(|only| **id == *only));
        Self { old, new, vars, other_packs, fates, examples }
    }

    /// The rules that are not the same on both sides.
    pub fn fates(&self) -> &BTreeMap<Arc<str>, Fate> {
        &self.fates
    }

    /// Whether events of a type can make a difference.
    pub fn wants(&self, kind: &str) -> bool {
        let hears = |side: &Side, id: &Arc<str>| {
            side.set.rules.get(id).is_some_and(|rule| {
                let by_schedule = kind == starts::SCHEDULED && rule.schedules().next().is_some();
                rule.enabled && (by_schedule || rule.hears(kind, false) || rule.hears(kind, true))
            })
        };
        self.fates.keys().any(|id| hears(&self.old, id) || hears(&self.new, id))
    }

    /// Whether no event can make a difference.
    pub fn is_idle(&self) -> bool {
        self.fates.is_empty()
    }

    /// Looks at events, and adds what differs.
    pub fn look(&self, events: &[StoredEvent], report: &mut Report) {
        for event in events {
            self.one(event, report);
        }
    }

    fn one(&self, event: &StoredEvent, report: &mut Report) {
        report.events += 1;
        if event.body.is_none() {
            report.without_body += 1;
            return;
        }
        let own = event.flags.has(EventFlags::OWN);
        let subject = starts::subject_of(event, &self.new.registry);
        let is_other = event.service.as_ref().is_some_and(|service| self.other_packs.contains(service));
        let other = is_other.then(|| starts::subject_of(event, &self.old.registry));
        let (Ok(new), Ok(old)) = (&subject, other.as_ref().unwrap_or(&subject)) else {
            report.unreadable += 1;
            return;
        };
        let scheduled = starts::scheduled_rule(&event.kind, &event.meta);
        let by_old = self.candidates(&self.old, old, own, scheduled);
        let by_new = self.candidates(&self.new, new, own, scheduled);
        let mut ids: Vec<&Arc<str>> = by_old.iter().chain(&by_new).map(|rule| &rule.id).collect();
        ids.sort();
        ids.dedup();
        for id in ids {
            let before = by_old.iter().find(|rule| rule.id == *id).map(|rule| (*rule, self.ask(rule, old)));
            let after = by_new.iter().find(|rule| rule.id == *id).map(|rule| (*rule, self.ask(rule, new)));
            self.compare(event, id, (old, before), (new, after), report);
        }
    }

    fn candidates<'s>(
        &self,
        side: &'s Side,
        subject: &Subject,
        own: bool,
        scheduled: Option<&str>,
    ) -> Vec<&'s Arc<Rule>> {
        let by_schedule = scheduled
            .and_then(|id| side.set.rules.get(id))
            .filter(|rule| rule.enabled && rule.schedules().next().is_some());
        let all = side.set.candidates(&subject.kind, own, &subject.event);
        all.into_iter().chain(by_schedule).filter(|rule| self.fates.contains_key(&rule.id)).collect()
    }

    fn ask(&self, rule: &Rule, subject: &Subject) -> Said {
        match matcher::verdict(rule, subject, &self.vars, TIME) {
            (Verdict::Matched, vars) => Said::Matched(vars),
            (Verdict::NotMatched(evidence), _) => Said::No(format!(
                "{} {} {} wanted, {} seen",
                evidence.path, evidence.operator, evidence.wanted, evidence.seen
            )),
            (Verdict::Error { message }, _) => Said::Error(message),
            (Verdict::Undecided, _) => Said::Error("not decided in time".to_owned()),
        }
    }

    fn compare(
        &self,
        event: &StoredEvent,
        id: &Arc<str>,
        (old, before): (&Subject, Option<(&Arc<Rule>, Said)>),
        (new, after): (&Subject, Option<(&Arc<Rule>, Said)>),
        report: &mut Report,
    ) {
        let entry = report.rule(id, self.examples);
        let add = |examples: &mut Examples, text: String| examples.add(event.id, event.received_at, text);
        match (before, after) {
            (Some((was, Said::Matched(vars))), Some((is, Said::Matched(new_vars)))) => {
                entry.matched_old += 1;
                entry.matched_new += 1;
                let before = self.play(was, old, vars, &self.old.registry);
                let after = self.play(is, new, new_vars, &self.new.registry);
                match (before.failure(), after.failure()) {
                    (was, Some(fails)) if was.as_ref() != Some(&fails) => add(&mut entry.errors, fails),
                    _ if before.text() != after.text() => {
                        add(&mut entry.differs, unified(&before.text(), &after.text()));
                    }
                    _ => {}
                }
            }
            (before, Some((is, Said::Matched(vars)))) => {
                entry.matched_new += 1;
                let why = match before {
                    Some((_, Said::No(why))) => format!("before: {why}"),
                    Some((_, Said::Error(why))) => format!("before: error: {why}"),
                    _ => String::new(),
                };
                add(&mut entry.appeared, why);
                if let Some(fails) = self.play(is, new, vars, &self.new.registry).failure() {
                    add(&mut entry.errors, fails);
                }
            }
            (Some((_, Said::Matched(_))), Some((_, Said::No(why)))) => {
                entry.matched_old += 1;
                add(&mut entry.gone, why);
            }
            (Some((_, Said::Matched(_))), None) => {
                entry.matched_old += 1;
                // Ruled out by the index, which says no why; asked again, the rule does.
                let rule = self.new.set.rules.get(id).filter(|rule| rule.enabled);
                let hears = |rule: &Rule| rule.hears(&new.kind, new.own) || rule.schedules().next().is_some();
                let why = match rule.map(|rule| (hears(rule), self.ask(rule, new))) {
                    Some((true, Said::No(why))) => why,
                    Some((false, _)) => "the rule no longer listens to it".to_owned(),
                    Some(_) => String::new(),
                    None => "the rule is gone, or not enabled".to_owned(),
                };
                add(&mut entry.gone, why);
            }
            (before, Some((_, Said::Error(why)))) => {
                if matches!(before, Some((_, Said::Matched(_)))) {
                    entry.matched_old += 1;
                }
                if !matches!(before, Some((_, Said::Error(_)))) {
                    add(&mut entry.errors, why);
                }
            }
            (Some((_, Said::No(_) | Said::Error(_))), _) | (None, Some((_, Said::No(_))) | None) => {}
        }
    }

    fn play(&self, rule: &Arc<Rule>, subject: &Subject, vars: Object, registry: &Registry) -> Driven {
        let about = About {
            events: vec![subject.event.clone()],
            trigger: subject.trigger.clone(),
            received_at: subject.received_at,
            run: RUN.to_owned(),
            started_at: Some(subject.received_at),
            replay_of: None,
        };
        drive(rule, about, &self.vars, vars, registry, &mut drive::Samples)
    }
}

#[cfg(test)]
mod tests;
