//! Rules that start each other by the events they emit.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    model::{Finding, Place},
    rules::{OnStepError, Rule, Step, StepKind, codes},
};

/// Warns of every circle, at the step that begins it. It may end by a condition, so it is no error; at depth 5 it is cut.
pub(super) fn circles(rules: &BTreeMap<Arc<str>, Arc<Rule>>) -> Vec<Finding> {
    let arrows: BTreeMap<&str, Vec<(Place, &str)>> = rules
        .iter()
        .filter(|(_, rule)| rule.enabled)
        .map(|(id, rule)| {
            let mut emits = Vec::new();
            emitted(rule.steps.iter().chain(&rule.on_error), &mut emits);
            let starts = emits.into_iter().flat_map(|(at, kind)| {
                let hears = move |(_, other): &(&Arc<str>, &Arc<Rule>)| other.enabled && other.hears(kind, false);
                rules.iter().filter(hears).map(move |(other, _)| (at, &**other))
            });
            (&**id, starts.collect())
        })
        .collect();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for (id, starts) in &arrows {
        for (at, next) in starts {
            if told.contains(id) {
                break;
            }
            let Some(way) = way_to(&arrows, next, id) else { continue };
            told.extend(&way);
            let Some(rule) = rules.get(*id) else { continue };
            let message = match way.as_slice() {
                [_] => "this step starts its own rule again".to_owned(),
                _ => format!("rules start each other in a circle: {id} → {}", way.join(" → ")),
            };
            let help = "emit another type, or let a condition end it; the sixth round is refused as a loop";
            found.push(Finding::warning(codes::CIRCLE, &rule.file, *at, message).help(help));
        }
    }
    found
}

/// The rules on the shortest way from `from` to `to`, both included.
fn way_to<'r>(arrows: &BTreeMap<&'r str, Vec<(Place, &'r str)>>, from: &'r str, to: &str) -> Option<Vec<&'r str>> {
    let mut came: BTreeMap<&str, Option<&'r str>> = BTreeMap::from([(from, None)]);
    let mut open = std::collections::VecDeque::from([from]);
    while let Some(here) = open.pop_front() {
        if here == to {
            let mut way = vec![here];
            while let Some(Some(before)) = way.last().and_then(|last| came.get(last)) {
                way.push(before);
            }
            way.reverse();
            return Some(way);
        }
        for (_, next) in arrows.get(here).into_iter().flatten() {
            if !came.contains_key(next) {
                came.insert(next, Some(here));
                open.push_back(next);
            }
        }
    }
    None
}

/// Every type that these steps emit, and where.
fn emitted<'r>(steps: impl IntoIterator<Item = &'r Step>, found: &mut Vec<(Place, &'r str)>) {
    for step in steps {
        match &step.kind {
            StepKind::Emit { kind, .. } => found.push((step.place, kind)),
            StepKind::Block { then, otherwise } => emitted(then.iter().chain(otherwise), found),
            StepKind::ForEach { steps, .. } => emitted(steps, found),
            _ => {}
        }
        if let OnStepError::Steps(steps) = &step.on_error {
            emitted(steps, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        model::StepPath,
        rules::{On, Retry, fake::Fake, parse::read_rule},
        templates::{Files, Tree},
    };

    fn rule(id: &str, on: &str, emits: &str) -> (Arc<str>, Arc<Rule>) {
        let file = format!("rules/{id}.yaml");
        let text = "name: x\non: gruveo.call\ndo: []\n";
        let mut rule = read_rule(&file, text, &Files::default(), &Fake::new()).rule.unwrap();
        rule.on = vec![On::Type { event: on.to_owned(), own: false }];
        rule.steps = vec![Step {
            path: StepPath("do.0".to_owned()),
            id: None,
            place: Place { line: 4, column: 3 },
            condition: None,
            kind: StepKind::Emit { kind: emits.to_owned(), data: Tree::Map(Vec::new()) },
            retry: Retry::default(),
            timeout: Duration::from_secs(30),
            on_error: OnStepError::Stop,
        }];
        (Arc::from(id), Arc::new(rule))
    }

    #[test]
    fn rules_that_start_each_other_are_told_once() {
        let rules = [rule("a", "x.one", "x.two"), rule("b", "x.two", "x.one"), rule("c", "x.two", "x.three")];
        let found = circles(&rules.into_iter().collect());
        assert_eq!(
            found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "rules/a.yaml:4:3: warning R083: rules start each other in a circle: a → b → a\n    help: emit another type, or let \
              a condition end it; the sixth round is refused as a loop"
            ]
        );
        let own = circles(&[rule("a", "x.one", "x.one")].into_iter().collect());
        assert_eq!(own[0].message, "this step starts its own rule again");
        assert!(
            circles(&[rule("a", "x.one", "x.two"), rule("b", "x.two", "x.three")].into_iter().collect()).is_empty()
        );
    }
}
