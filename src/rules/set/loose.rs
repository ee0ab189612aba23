//! Rules without an equality to be found by: by the numbers that they compare with, and by their patterns, searched for together.

use regex::RegexSet;

use crate::{
    rules::{Condition, Operand, Operator, OperatorKind, Test, pattern::Pattern},
    value::{Segment, Value, find_in},
};

/// Fewer patterns at a path are quicker searched for one by one.
const FEW_PATTERNS: usize = 8;

/// Bytes of the longest text that patterns are searched for in together: in a longer one each rule searches, under the time it has.
const LONGEST_TEXT: usize = 1024;

/// Rules by what one of their tests needs to hold.
#[derive(Debug, Default)]
pub(super) struct Loose {
    paths: Vec<(Vec<Segment>, AtPath)>,
}

/// What rules need of the value at one path.
#[derive(Debug, Default)]
struct AtPath {
    /// A number of at least this, rising.
    at_least: Vec<(f64, u32)>,
    /// A number of at most this, rising.
    at_most: Vec<(f64, u32)>,
    /// A text that a pattern is found in, before the sets are made.
    patterns: Vec<(String, u32)>,
    sets: Vec<(RegexSet, Vec<u32>)>,
}

/// What must stand at a path whenever a test holds.
enum Need<'r> {
    AtLeast(f64),
    AtMost(f64),
    Pattern(&'r Pattern),
}

impl Loose {
    /// Adds the rule at a position. False: its condition says nothing that it could be found by.
    pub(super) fn add(&mut self, condition: &Condition, at: u32) -> bool {
        let Some(needs) = needs(condition) else { return false };
        for (path, need) in needs {
            if !self.paths.iter().any(|(known, _)| known == path) {
                self.paths.push((path.to_vec(), AtPath::default()));
            }
            let Some((_, here)) = self.paths.iter_mut().find(|(known, _)| known == path) else { return false };
            match need {
                Need::AtLeast(number) => here.at_least.push((number, at)),
                Need::AtMost(number) => here.at_most.push((number, at)),
                Need::Pattern(regex) => here.patterns.push((regex.as_str().to_owned(), at)),
            }
        }
        true
    }

    /// Makes it ready once all are added. Returns the rules that every event must ask all the same.
    pub(super) fn finish(&mut self) -> Vec<u32> {
        let mut left = Vec::new();
        for (_, here) in &mut self.paths {
            here.at_least.sort_by(|one, two| one.0.total_cmp(&two.0));
            here.at_most.sort_by(|one, two| one.0.total_cmp(&two.0));
            let patterns = std::mem::take(&mut here.patterns);
            if patterns.len() < FEW_PATTERNS {
                left.extend(patterns.into_iter().map(|(_, at)| at));
            } else {
                here.join(&patterns, &mut left);
            }
        }
        left
    }

    /// Adds the positions of the rules that `event` may match.
    pub(super) fn find(&self, event: &Value, found: &mut Vec<u32>) {
        for (path, here) in &self.paths {
            match find_in(path, event) {
                Some(Value::Number(number)) => here.numbers(number.as_f64().unwrap_or_default(), found),
                Some(Value::String(text)) => here.texts(text, found),
                _ => {}
            }
        }
    }
}

impl AtPath {
    /// Joins patterns to a set; those that are too large together, to several.
    fn join(&mut self, patterns: &[(String, u32)], left: &mut Vec<u32>) {
        if let Ok(set) = RegexSet::new(patterns.iter().map(|(pattern, _)| pattern)) {
            self.sets.push((set, patterns.iter().map(|(_, at)| *at).collect()));
        } else if let [(_, at)] = patterns {
            left.push(*at);
        } else {
            let (one, two) = patterns.split_at(patterns.len() / 2);
            self.join(one, left);
            self.join(two, left);
        }
    }

    /// Integers that round to one float meet here; the rule itself tells them apart.
    fn numbers(&self, seen: f64, found: &mut Vec<u32>) {
        let reached = self.at_least.partition_point(|(number, _)| *number <= seen);
        let passed = self.at_most.partition_point(|(number, _)| *number < seen);
        found.extend(self.at_least.iter().take(reached).map(|(_, at)| *at));
        found.extend(self.at_most.iter().skip(passed).map(|(_, at)| *at));
    }

    fn texts(&self, seen: &str, found: &mut Vec<u32>) {
        for (set, rules) in &self.sets {
            if seen.len() > LONGEST_TEXT {
                found.extend(rules);
            } else {
                found.extend(set.matches(seen).iter().filter_map(|place| rules.get(place)));
            }
        }
    }
}

/// What one of must stand in the event whenever the condition holds. `None` where there is nothing of the kind.
fn needs(condition: &Condition) -> Option<Vec<(&[Segment], Need<'_>)>> {
    match condition {
        Condition::All(list) => list.iter().find_map(needs),
        Condition::Any(list) => {
            let branches: Option<Vec<_>> = list.iter().map(needs).collect();
            branches.map(|branches| branches.into_iter().flatten().collect())
        }
        Condition::Not(_) => None,
        Condition::Test(test) => of_test(test).map(|need| vec![need]),
    }
}

fn of_test(test: &Test) -> Option<(&[Segment], Need<'_>)> {
    if test.path.root() != Some("event") || test.path.has_any() || test.ignore_case {
        return None;
    }
    test.operators.iter().find_map(need).map(|need| (test.path.below_root(), need))
}

fn need(operator: &Operator) -> Option<Need<'_>> {
    match (operator.kind, &operator.operand) {
        (OperatorKind::Gt | OperatorKind::Gte, Operand::Literal(Value::Number(number))) => {
            number.as_f64().map(Need::AtLeast)
        }
        (OperatorKind::Lt | OperatorKind::Lte, Operand::Literal(Value::Number(number))) => {
            number.as_f64().map(Need::AtMost)
        }
        (OperatorKind::Between, Operand::Literal(Value::Array(ends))) => {
            ends.first().and_then(Value::as_f64).map(Need::AtLeast)
        }
        (OperatorKind::Matches, Operand::Pattern(regex)) => Some(Need::Pattern(regex)),
        _ => None,
    }
}
