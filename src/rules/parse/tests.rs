//! What each form of the language is read into; wrong ones with their findings are files in `tests/data/rules/bad`.

use std::time::Duration;

use serde_json::json;

use super::read_rule;
use crate::{
    model::{Finding, Keeper},
    rules::{
        AttributesStep, Every, Fuse, On, OnStepError, Rule, Step, StepKind, WaitStep, WaitWhat, WhenFull, fake::Fake,
    },
    templates::{Files, Leaf, Tree},
};

const HEAD: &str = "name: x\non: gruveo.call\n";

fn findings(text: &str) -> Vec<Finding> {
    read_rule("rules/a.yaml", text, &Files::default(), &Fake::new()).findings
}

/// A rule that has no findings at all.
fn rule(text: &str) -> Rule {
    let read = read_rule("rules/a.yaml", text, &Files::default(), &Fake::new());
    assert!(read.findings.is_empty(), "{text}\n{:#?}", read.findings);
    read.rule.unwrap()
}

fn with(words: &str) -> Rule {
    rule(&format!("{HEAD}{words}\ndo: []\n"))
}

fn steps(steps: &str) -> Vec<Step> {
    rule(&format!("{HEAD}do:\n{steps}\n")).steps
}

fn wait(written: &str) -> WaitStep {
    let steps = steps(&format!("- wait: {written}"));
    let Some(Step { kind: StepKind::Wait(wait), .. }) = steps.into_iter().next() else { panic!("{written}") };
    *wait
}

fn attributes(step: &str) -> AttributesStep {
    let steps = steps(step);
    let Some(Step { kind: StepKind::Attributes(attributes), .. }) = steps.into_iter().next() else { panic!("{step}") };
    *attributes
}

fn names(pairs: &[(String, Tree)]) -> Vec<&str> {
    pairs.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn what_stands_around_a_run_is_read() {
    let around = with("threshold: { per: \"{{ event.link }}\", count: 3, within: 1h }").around;
    let threshold = around.threshold.unwrap();
    assert_eq!((threshold.count, threshold.within), (3, Duration::from_hours(1)));
    assert!(matches!(threshold.per, Some(Leaf::Expression(_))));
    let once = with("once: { within: 10m }").around.once.unwrap();
    assert_eq!((once.per.is_none(), once.within), (true, Duration::from_mins(10)));
    let digest = with("digest: { every: 1h }").around.digest.unwrap();
    assert!(matches!(digest.every, Every::After(span) if span == Duration::from_hours(1)));
    assert_eq!(digest.max, 1000);
    let digest =
        with("digest: { cron: \"0 18 * * mon-fri\", timezone: Europe/Athens, max: 100 }").around.digest.unwrap();
    let Every::Cron(cron) = digest.every else { panic!() };
    assert_eq!((cron.expression.as_str(), cron.timezone.as_str()), ("0 18 * * mon-fri", "Europe/Athens"));
    assert_eq!(digest.max, 100);
}

#[test]
fn concurrency_and_fuse_have_their_standards() {
    let concurrency = with("concurrency: {}").around.concurrency.unwrap();
    assert_eq!((concurrency.limit, concurrency.when_full), (1, WhenFull::Queue));
    let concurrency = with("concurrency: { limit: 2, when_full: cancel_oldest }").around.concurrency.unwrap();
    assert_eq!((concurrency.limit, concurrency.when_full), (2, WhenFull::CancelOldest));
    let standard = Some(Fuse { count: 100, within: Duration::from_mins(10) });
    let acting = |on: &str, more: &str| {
        rule(&format!("name: x\non: {on}\n{more}do:\n- if: {{ now: {{ exists: true }} }}\n  then:\n  - groove.find_tickets: {{}}\n"))
            .around
            .fuse
    };
    assert_eq!(acting("groove.note_added", ""), standard);
    assert_eq!(acting("groove.*", ""), standard);
    assert_eq!(acting("gruveo.call", ""), None);
    let own = "fuse: { count: 5, within: 1m }\n";
    assert_eq!(acting("groove.*", own), Some(Fuse { count: 5, within: Duration::from_mins(1) }));
    assert_eq!(acting("gruveo.call", own), Some(Fuse { count: 5, within: Duration::from_mins(1) }));
    let in_on_error = rule("name: x\non: groove.*\ndo: []\non_error:\n- groove.find_tickets: {}\n");
    assert_eq!(in_on_error.around.fuse, standard);
}

#[test]
fn a_rule_hears_manual_events_with_typed_inputs_and_its_own_echoes() {
    let inputs = "on:\n  manual:\n    inputs:\n      ticket: { type: integer, required: true, help: which }\n      urgent: { type: boolean, default: false }\n      state: { type: enum, choices: [a, b], default: a }\n      why:\n";
    let read = rule(&format!("name: x\n{inputs}do:\n- stop: \"{{{{ event.ticket }}}} {{{{ event.state }}}}\"\n"));
    let [On::Manual { inputs }] = read.on.as_slice() else { panic!("{:?}", read.on) };
    let kinds: Vec<(&str, &str, bool)> =
        inputs.iter().map(|input| (input.name.as_str(), input.kind.as_str(), input.required)).collect();
    assert_eq!(
        kinds,
        [("ticket", "integer", true), ("urgent", "boolean", false), ("state", "enum", false), ("why", "text", false)]
    );
    assert_eq!(
        (inputs[0].help.as_str(), &inputs[1].default, &inputs[2].choices[..]),
        ("which", &json!(false), &["a".to_owned(), "b".to_owned()][..])
    );
    assert_eq!(rule("name: x\non: { manual: }\ndo: []\n").on, [On::Manual { inputs: Vec::new() }]);
    let read = rule("name: x\non: [{ event: [groove.note_added], own: true }, { manual: {} }]\ndo: []\n");
    assert!(read.hears("groove.note_added", true) && !read.hears("groove.ticket_started", true));
    assert_eq!(read.on.len(), 2);
}

#[test]
fn a_loop_holds_its_steps_and_its_limit() {
    let steps = steps(
        "- id: find\n  groove.find_tickets: {}\n- id: all\n  for_each: \"{{ steps.find.result }}\"\n  as: ticket\n  limit: 50\n  on_error: continue\n  do:\n  - for_each: [1, 2]\n    as: number\n    do:\n    - stop: x",
    );
    let StepKind::ForEach { name, limit, steps: inner, list } = &steps[1].kind else { panic!() };
    assert_eq!((name.as_str(), *limit), ("ticket", 50));
    assert!(matches!(list, Tree::Leaf(Leaf::Expression(_), _)));
    assert!(matches!(steps[1].on_error, OnStepError::Continue));
    assert_eq!(inner[0].path.0, "do.1.do.0");
    let StepKind::ForEach { limit, steps: inner, .. } = &inner[0].kind else { panic!() };
    assert_eq!((*limit, inner[0].path.0.as_str()), (100, "do.1.do.0.do.0"));
}

#[test]
fn every_form_of_a_wait_is_read() {
    let span = |wait: &WaitStep| match &wait.what {
        WaitWhat::For(span) => Some(*span),
        _ => None,
    };
    assert_eq!(span(&wait("10m")), Some(Duration::from_mins(10)));
    assert_eq!(span(&wait("{ for: 4h }")), Some(Duration::from_hours(4)));
    let hours = wait("{ for: 4h, hours: office }");
    assert_eq!(span(&hours), Some(Duration::from_hours(4)));
    assert!(hours.hours.is_some());
    assert!(matches!(wait("{ until: \"{{ event.location }}\" }").what, WaitWhat::Until(Leaf::Expression(_))));
    assert!(matches!(wait("{ until: 2026-03-01T10:00:00Z }").what, WaitWhat::Until(Leaf::Literal(_))));
    let answer = wait(
        "{ event: groove.note_added, when: { incoming.number: \"{{ event.link }}\", incoming.body: { contains: yes } }, for: 2d, hours: office }",
    );
    let WaitWhat::Event { kinds, limit, .. } = &answer.what else { panic!() };
    assert_eq!((kinds.as_slice(), *limit), (&["groove.note_added".to_owned()][..], Some(Duration::from_hours(48))));
    assert!(answer.hours.is_some());
    let either =
        wait("{ event: [groove.note_added, groove.ticket_started], when: { all: [{ incoming.number: { is: 7 } }] } }");
    let WaitWhat::Event { kinds, limit, .. } = &either.what else { panic!() };
    assert_eq!((kinds.len(), *limit), (2, None));
}

#[test]
fn profiles_records_events_and_vars_are_read() {
    let profile = attributes(
        "- profile: { email: \"{{ event.user.email | default: 'a@example.com' }}\", set: { vip: true }, add: { calls: 1, spent: \"{{ event.waitingTime }}\" }, append: { log: x }, remove: [old] }",
    );
    assert_eq!(profile.keeper, Keeper::Profile);
    assert_eq!((names(&profile.set), names(&profile.add)), (vec!["vip"], vec!["calls", "spent"]));
    assert_eq!((names(&profile.append), profile.remove), (vec!["log"], vec!["old".to_owned()]));
    let record = attributes("- record: { key: \"issue:{{ event.account.id }}\" }");
    assert_eq!(record.keeper, Keeper::Record);
    assert!(matches!(record.key, Leaf::Text(_)) && record.set.is_empty());
    let steps = steps(
        "- emit: { type: calls.escalated, data: { link: \"{{ event.link }}\" } }\n- emit: { type: calls.done }\n- vars: { count: 1 }",
    );
    let StepKind::Emit { kind, data: Tree::Map(data) } = &steps[0].kind else { panic!() };
    assert_eq!((kind.as_str(), data.len()), ("calls.escalated", 1));
    assert!(matches!(&steps[1].kind, StepKind::Emit { data: Tree::Map(data), .. } if data.is_empty()));
    assert!(matches!(&steps[2].kind, StepKind::Vars(vars) if names(vars) == ["count"]));
}

#[test]
fn steps_of_loops_and_branches_count_together() {
    let many = "    - stop: x\n".repeat(100);
    let branch = format!("- if: {{}}\n  then:\n{many}");
    let turn = format!("- for_each: [1]\n  as: x\n  do:\n{many}");
    let found = findings(&format!("{HEAD}do:\n{branch}{turn}"));
    assert!(matches!(&found[..], [finding] if finding.code == "R070"), "{found:?}");
}
