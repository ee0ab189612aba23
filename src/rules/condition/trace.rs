//! The same evaluation with nothing left out: every condition with what it wanted and saw.

use super::{
    Condition, Scope, Test,
    evaluate::{Miss, inverted, none_held},
};
use crate::{
    model::{Evidence, Place},
    value::Value,
};

/// One condition as it was evaluated: an operator on a path, or the head of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced {
    /// How deep it stands: 0 for the entries of `when`.
    pub depth: usize,
    /// `all`, `any`, `not` of a group; empty for a test.
    pub group: &'static str,
    /// Whether it held. `None`: nobody could ask, since what its path begins with could not be computed for an operator before it.
    pub held: Option<bool>,
    /// What it wanted and saw. Of a group empty, unless it is the one that decided.
    pub evidence: Evidence,
    /// It is the one that [`Condition::evaluate`] names.
    pub decisive: bool,
    /// In its file; of a group that of its first test.
    pub place: Place,
}

impl Condition {
    /// Every condition in it, in the order of the file, each evaluated, also those after the one that decided. Where the whole does
    /// not hold, exactly one is decisive, and its evidence is that of [`Condition::evaluate`].
    pub fn trace(&self, scope: &dyn Scope) -> Vec<Traced> {
        let mut trace = Trace { scope, lines: Vec::new() };
        let said = match self {
            // The entries of `when` are lines of their own, without a head.
            Self::All(list) => trace.all(list, 0),
            other => trace.condition(other, 0),
        };
        if let Err((miss, at)) = said
            && let Some(line) = trace.lines.get_mut(at)
        {
            line.decisive = true;
            line.evidence = *miss.into_evidence();
        }
        trace.lines
    }
}

/// What a condition said; where it does not hold, with the line that decided.
type Answer = Result<(), (Miss, usize)>;

struct Trace<'s> {
    scope: &'s dyn Scope,
    lines: Vec<Traced>,
}

impl Trace<'_> {
    fn condition(&mut self, condition: &Condition, depth: usize) -> Answer {
        match condition {
            Condition::Test(test) => self.test(test, depth),
            // A map of one entry reads like the entry.
            Condition::All(list) if list.len() == 1 => self.all(list, depth),
            Condition::All(list) => self.group("all", condition, depth, |trace, _| trace.all(list, depth + 1)),
            Condition::Any(list) => self.group("any", condition, depth, |trace, head| trace.any(list, head, depth + 1)),
            Condition::Not(inner) => self.group("not", condition, depth, |trace, head| {
                let said = trace.condition(inner, depth + 1);
                let (said, at) = match said {
                    Ok(()) => (Ok(()), head),
                    Err((miss, at)) => (Err(miss), at),
                };
                inverted(inner, said, trace.scope).map_err(|miss| (miss, at))
            }),
        }
    }

    /// Adds the head of a group and what stands in it.
    fn group(
        &mut self,
        word: &'static str,
        whole: &Condition,
        depth: usize,
        inside: impl FnOnce(&mut Self, usize) -> Answer,
    ) -> Answer {
        let mut place = None;
        whole.each_test(&mut |test| place = place.or(Some(test.place)));
        let head = self.lines.len();
        let evidence = Evidence {
            path: String::new(),
            operator: String::new(),
            wanted: Value::Null,
            seen: Value::Null,
            note: String::new(),
        };
        let place = place.unwrap_or_default();
        self.lines.push(Traced { depth, group: word, held: None, evidence, decisive: false, place });
        let said = inside(self, head);
        if let Some(line) = self.lines.get_mut(head) {
            line.held = Some(said.is_ok());
        }
        said
    }

    fn all(&mut self, list: &[Condition], depth: usize) -> Answer {
        let mut first = Ok(());
        for condition in list {
            let said = self.condition(condition, depth);
            first = first.and(said);
        }
        first
    }

    fn any(&mut self, list: &[Condition], head: usize, depth: usize) -> Answer {
        let mut holds = false;
        let mut first = None;
        for condition in list {
            match self.condition(condition, depth) {
                Ok(()) => holds = true,
                Err(missed) => first = first.or(Some(missed)),
            }
        }
        if holds {
            return Ok(());
        }
        let (evidence, at) = match first {
            Some((miss, at)) => (Some(miss.into_evidence()), at),
            None => (None, head),
        };
        Err((none_held(list, evidence), at))
    }

    fn test(&mut self, test: &Test, depth: usize) -> Answer {
        let line = |held, evidence, place| Traced { depth, group: "", held, evidence, decisive: false, place };
        let seen = match test.seen(self.scope) {
            Ok(seen) => seen,
            Err(evidence) => {
                let at = self.lines.len();
                self.lines.push(line(Some(false), (*evidence).clone(), test.place));
                let rest = test.operators.iter().skip(1);
                let unasked = rest.map(|operator| (*test.boxed(Some(operator), None, None, String::new()), operator));
                self.lines.extend(unasked.map(|(evidence, operator)| line(None, evidence, operator.place)));
                return Err((Miss::Broken(evidence), at));
            }
        };
        let mut first = Ok(());
        for operator in &test.operators {
            let at = self.lines.len();
            match test.ask(operator, &seen, self.scope) {
                Ok(said) if said.holds => {
                    let evidence = test.met(operator, &seen, &said, self.scope);
                    self.lines.push(line(Some(true), *evidence, operator.place));
                }
                said => {
                    let miss = test.missed(operator, &seen, said);
                    let (Miss::False(evidence) | Miss::Broken(evidence)) = &miss;
                    self.lines.push(line(Some(false), (**evidence).clone(), operator.place));
                    first = first.and(Err((miss, at)));
                }
            }
        }
        first
    }
}
