//! Which rules an event can match: found by the equalities in their conditions, not by asking each rule.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use super::loose::Loose;
use crate::{
    rules::{Condition, On, Operand, Operator, OperatorKind, Rule, Test},
    value::{Segment, Value, find_in},
};

/// Rules by event type and by service.
#[derive(Debug, Default)]
pub(super) struct Index {
    kinds: HashMap<String, Listeners>,
    services: HashMap<String, Listeners>,
}

/// The rules that listen to one type, or to one service.
#[derive(Debug, Default)]
struct Listeners {
    /// In order of id; true where a rule hears our own echoes too.
    rules: Vec<(Arc<Rule>, bool)>,
    /// Positions in `rules` that every event must ask.
    always: Vec<u32>,
    /// Those without an equality that can be found otherwise.
    loose: Loose,
    /// By a path in the payload: the hash of a value there, and the rules that want it.
    paths: Vec<(Vec<Segment>, ByValue)>,
}

/// The rules that want a value, by its hash.
type ByValue = HashMap<u64, Vec<u32>>;

/// A value that must stand at a path of the payload: its hash.
type Key<'r> = (&'r [Segment], u64);

impl Index {
    /// Indexes rules, which come in order of id.
    pub(super) fn of<'r>(rules: impl Iterator<Item = &'r Arc<Rule>>) -> Self {
        let mut kinds: HashMap<&str, Vec<(&Arc<Rule>, bool)>> = HashMap::new();
        let mut services: HashMap<&str, Vec<(&Arc<Rule>, bool)>> = HashMap::new();
        for rule in rules {
            for on in &rule.on {
                let (name, own, listeners) = match on {
                    On::Type { event, own } => (event, *own, &mut kinds),
                    On::Service { service, own } => (service, *own, &mut services),
                    On::Manual { .. } | On::Schedule(_) | On::Poll(_) => continue,
                };
                let list = listeners.entry(name).or_default();
                match list.last_mut() {
                    // A rule that names a type twice is asked once.
                    Some((before, hears_own)) if Arc::ptr_eq(before, rule) => *hears_own |= own,
                    _ => list.push((rule, own)),
                }
            }
        }
        let build = |map: HashMap<&str, Vec<(&Arc<Rule>, bool)>>| {
            map.into_iter().map(|(name, list)| (name.to_owned(), Listeners::of(&list))).collect()
        };
        Self { kinds: build(kinds), services: build(services) }
    }

    pub(super) fn candidates(&self, kind: &str, own: bool, event: &Value) -> Vec<&Arc<Rule>> {
        let service = kind.split('.').next().unwrap_or_default();
        let of_kind = self.kinds.get(kind).map(|listeners| listeners.candidates(own, event));
        let of_service = self.services.get(service).map(|listeners| listeners.candidates(own, event));
        match (of_kind, of_service) {
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => Vec::new(),
            (Some(mut both), Some(more)) => {
                both.extend(more);
                both.sort_by(|left, right| left.id.cmp(&right.id));
                both.dedup_by(|left, right| left.id == right.id);
                both
            }
        }
    }
}

impl Listeners {
    fn of(rules: &[(&Arc<Rule>, bool)]) -> Self {
        let mut built =
            Self { rules: rules.iter().map(|(rule, own)| (Arc::clone(rule), *own)).collect(), ..Self::default() };
        let options: Vec<Vec<Vec<Key<'_>>>> = rules.iter().map(|(rule, _)| options(&rule.when)).collect();
        let mut wanted: HashMap<&Key<'_>, usize> = HashMap::new();
        for key in options.iter().flatten().flatten() {
            *wanted.entry(key).or_default() += 1;
        }
        for ((at, options), (rule, _)) in (0..).zip(&options).zip(rules) {
            // The rarest equality tells most: `account: 17` rather than `resolution: missed`.
            let crowd =
                |keys: &&Vec<Key<'_>>| keys.iter().map(|key| wanted.get(key).copied().unwrap_or(0)).sum::<usize>();
            match options.iter().min_by_key(crowd) {
                Some(keys) => keys.iter().for_each(|(path, hash)| built.insert(path, *hash, at)),
                None if built.loose.add(&rule.when, at) => {}
                None => built.always.push(at),
            }
        }
        built.always.extend(built.loose.finish());
        built
    }

    fn insert(&mut self, path: &[Segment], hash: u64, at: u32) {
        let known = self.paths.iter().position(|(known, _)| known == path);
        let position = known.unwrap_or_else(|| {
            self.paths.push((path.to_vec(), HashMap::new()));
            self.paths.len() - 1
        });
        if let Some((_, values)) = self.paths.get_mut(position) {
            values.entry(hash).or_default().push(at);
        }
    }

    fn candidates(&self, own: bool, event: &Value) -> Vec<&Arc<Rule>> {
        let mut found = self.always.clone();
        self.loose.find(event, &mut found);
        for (path, values) in &self.paths {
            let here = find_in(path, event).filter(|value| !value.is_null());
            found.extend(here.and_then(|value| values.get(&hash(value))).into_iter().flatten());
        }
        found.sort_unstable();
        found.dedup();
        let rules = found.into_iter().filter_map(|at| self.rules.get(usize::try_from(at).ok()?));
        rules.filter(|(_, hears_own)| !own || *hears_own).map(|(rule, _)| rule).collect()
    }
}

/// The ways to index a condition: each is a list of equalities, one of which holds whenever the condition does.
fn options(condition: &Condition) -> Vec<Vec<Key<'_>>> {
    match condition {
        Condition::All(list) => list.iter().flat_map(options).collect(),
        Condition::Any(list) => {
            let fewest = |condition| options(condition).into_iter().min_by_key(Vec::len);
            let branches: Option<Vec<Vec<Key<'_>>>> = list.iter().map(fewest).collect();
            branches.map(|branches| branches.concat()).into_iter().collect()
        }
        Condition::Not(_) => Vec::new(),
        Condition::Test(test) => of_test(test),
    }
}

fn of_test(test: &Test) -> Vec<Vec<Key<'_>>> {
    if test.path.root() != Some("event") || test.path.has_any() || test.ignore_case {
        return Vec::new();
    }
    let below = test.path.below_root();
    test.operators.iter().filter_map(|operator| keys(below, operator)).collect()
}

fn keys<'r>(below: &'r [Segment], operator: &Operator) -> Option<Vec<Key<'r>>> {
    match (operator.kind, &operator.operand) {
        (OperatorKind::Is, Operand::Literal(value)) if !value.is_null() => Some(vec![(below, hash(value))]),
        (OperatorKind::In, Operand::Literal(Value::Array(list))) => {
            let mut keys: Vec<Key<'r>> = list.iter().map(|value| (below, hash(value))).collect();
            keys.sort_unstable_by_key(|(_, hash)| *hash);
            keys.dedup();
            Some(keys)
        }
        _ => None,
    }
}

/// A hash that is the same for values that are the same by the rule language: `1` and `1.0`, objects in any order.
fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    match value {
        Value::Null => 0_u8.hash(&mut hasher),
        Value::Bool(boolean) => (1_u8, boolean).hash(&mut hasher),
        Value::Number(number) => {
            // Adding zero turns -0.0 into 0.0. Large integers that round to one float meet too; the rule itself tells them apart.
            let worth = number.as_f64().unwrap_or_default() + 0.0;
            (2_u8, worth.to_bits()).hash(&mut hasher);
        }
        Value::String(text) => (3_u8, text).hash(&mut hasher),
        Value::Array(list) => {
            4_u8.hash(&mut hasher);
            for value in list {
                hash(value).hash(&mut hasher);
            }
        }
        Value::Object(object) => {
            let entry = |(name, value): (&String, &Value)| {
                let mut hasher = DefaultHasher::new();
                (name, hash(value)).hash(&mut hasher);
                hasher.finish()
            };
            (5_u8, object.iter().map(entry).fold(0_u64, u64::wrapping_add)).hash(&mut hasher);
        }
    }
    hasher.finish()
}
