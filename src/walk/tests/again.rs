//! Killed anywhere and taken up again, a run goes the same way as in one go.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    build::{
        act, always, attributes, block, each, emit, fail, is, leaf, never, rule_with, stop, vars, wait, wait_event,
        wait_for,
    },
    drive::{Drive, Went, about, broken, object, ok},
};
use crate::{
    model::{Keeper, StepOutcome, StepOutput, StepPath},
    rules::{Rule, Step, WaitWhat},
    walk::Next,
};

/// What the outside says: some requests fail, some waits time out, the same each time.
fn outside(seed: u64) -> impl Fn(&Next, &StepPath) -> StepOutput {
    move |next, path| {
        let mut hasher = DefaultHasher::new();
        (seed, &path.0).hash(&mut hasher);
        let lot = hasher.finish() % 4;
        let result = ok(path, json!({"from": path.0, "list": [lot, 1]}));
        match next {
            Next::Wait { wait, .. } => {
                let timed_out = wait.event.is_some() && lot < 2;
                let outcome = if timed_out { StepOutcome::TimedOut } else { StepOutcome::Ok };
                let result = if timed_out || wait.event.is_none() { Value::Null } else { result.result };
                StepOutput { outcome, waited: Duration::from_millis(400), response: Value::Null, ..ok(path, result) }
            }
            Next::Request { .. } if lot == 0 => broken(path),
            _ => result,
        }
    }
}

fn go(rule: &Arc<Rule>, seed: u64, dies: &mut dyn FnMut() -> bool) -> Went {
    let event = json!({"list": [[1, 2], [], [3]], "n": 1});
    let settings = object(json!({"channel": "#calls"}));
    let mut drive = Drive { rule: Arc::clone(rule), about: about(event), settings, answer: &outside(seed), dies };
    drive.go()
}

/// Goes through in one go, with a kill at each single point, and with a kill at every point.
fn same_wherever_it_is_killed(rule: Rule, seed: u64) -> usize {
    let rule = Arc::new(rule);
    let mut points = 0;
    let straight = go(&rule, seed, &mut || {
        points += 1;
        false
    });
    for killed in 0..points {
        let mut point = 0;
        let went = go(&rule, seed, &mut || {
            point += 1;
            point - 1 == killed
        });
        assert_eq!(went, straight, "killed at point {killed}");
    }
    assert_eq!(go(&rule, seed, &mut || true), straight, "killed everywhere");
    points
}

fn nested_loops() -> Vec<Step> {
    let inner = each(
        &json!("{{ item }}"),
        "inner",
        vec![
            act("x").or_go_on(),
            vars(&json!({"sum": "{{ vars.sum | plus: inner }}"})),
            act("y").only_if(is("steps.x.outcome", &json!("ok"))).or_go_on(),
        ],
    );
    vec![
        each(
            &json!("{{ event.list }}"),
            "item",
            vec![act("w").or_go_on(), inner.id("in"), emit(&json!({"sum": "{{ vars.sum }}"}))],
        )
        .id("out"),
        act("z").or_go_on(),
    ]
}

fn blocks_in_loops() -> Vec<Step> {
    let deep = block(
        is("item", &json!(2)),
        vec![act("two").or_else(vec![act("mend").or_go_on(), wait_for(5)])],
        vec![block(always(), vec![each(&json!(["p", "q"]), "inner", vec![act("pq").or_go_on()])], vec![act("no")])],
    );
    vec![each(&json!([1, 2, 3]), "item", vec![deep.id("deep"), act("last").or_go_on()]), act("end").or_go_on()]
}

fn lists_on_error() -> Vec<Step> {
    let mend = vec![
        act("m").or_else(vec![act("mm").or_else(vec![each(&json!([1, 2]), "inner", vec![act("mmm").or_go_on()])])]),
        vars(&json!({"sum": "{{ vars.sum | plus: 10 }}"})),
    ];
    vec![act("a").or_else(mend), vars(&json!({"bad": "{{ none }}"})).or_else(vec![act("b").or_go_on()]), act("c")]
}

fn waits_in_loops() -> Vec<Step> {
    let until = wait(WaitWhat::Until(leaf(&json!("{{ item | parse_time }}")))).or_go_on();
    let reply = wait_event(is("incoming.id", &json!("{{ steps.ask.result.from | default: 'x' }}")), Some(60));
    vec![
        each(
            &json!([1, 2_000_000_000, "never"]),
            "item",
            vec![
                until.id("until"),
                act("ask").or_go_on(),
                reply.id("reply"),
                attributes(Keeper::Record, &json!("k{{ item }}"), &json!({"set": {"at": "{{ now }}"}})).id("rec"),
            ],
        ),
        wait_for(1).only_if(never()),
    ]
}

#[test]
fn nasty_rules_go_the_same_way_wherever_they_are_killed() {
    for (name, steps) in [
        ("nested loops", nested_loops as fn() -> Vec<Step>),
        ("blocks in loops", blocks_in_loops),
        ("lists on error", lists_on_error),
        ("waits in loops", waits_in_loops),
    ] {
        let on_error = || vec![act("tell").or_else(vec![stop("cannot")]), each(&json!([1, 2]), "item", vec![act("t")])];
        for seed in 0..4 {
            let points = same_wherever_it_is_killed(rule_with(steps(), on_error(), &json!({"sum": 0})), seed);
            assert!(points > 8, "{name}: {points} points are too few");
        }
    }
}

/// A step of a rule made by chance.
#[derive(Debug, Clone)]
enum Plan {
    Act,
    Vars,
    Emit,
    Wait,
    Reply,
    Record,
    Stop,
    Fail,
    Block(u8, Vec<Planned>, Vec<Planned>),
    Each(u8, Vec<Planned>),
}

#[derive(Debug, Clone)]
struct Planned {
    what: Plan,
    condition: u8,
    on_error: u8,
    list: Vec<Planned>,
}

fn planned() -> impl Strategy<Value = Planned> {
    let leaf = prop_oneof![
        8 => Just(Plan::Act),
        3 => Just(Plan::Vars),
        1 => Just(Plan::Emit),
        1 => Just(Plan::Wait),
        1 => Just(Plan::Reply),
        1 => Just(Plan::Record),
        1 => Just(Plan::Stop),
        1 => Just(Plan::Fail),
    ];
    let with = |what: Plan, condition, on_error, list| Planned { what, condition, on_error, list };
    let flat = (leaf, 0..6_u8, 0..4_u8)
        .prop_map(move |(what, condition, on_error)| with(what, condition, on_error, Vec::new()));
    flat.prop_recursive(4, 24, 3, move |inner| {
        let list = || proptest::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            2 => (0..6_u8, list(), list()).prop_map(move |(condition, then, other)| with(Plan::Block(condition, then, other), 0, 0, Vec::new())),
            3 => (0..5_u8, 0..6_u8, 0..4_u8, list()).prop_map(move |(many, condition, on_error, steps)| with(Plan::Each(many, steps), condition, on_error, Vec::new())),
            2 => (0..6_u8, list()).prop_map(move |(condition, list)| with(Plan::Act, condition, 3, list)),
        ]
    })
}

/// Makes steps as planned; `known` counts the ids.
fn made(plans: &[Planned], depth: u8, known: &mut usize) -> Vec<Step> {
    let mut steps = Vec::new();
    for plan in plans {
        let id = *known;
        *known += 1;
        let condition = |kind: u8| match kind {
            3 => is(&format!("steps.s{}.outcome", id.saturating_sub(1)), &json!("ok")),
            4 => is("item", &json!(1)),
            5 => never(),
            _ => always(),
        };
        let name = if depth == 0 { "item" } else { "inner" };
        let step = match &plan.what {
            Plan::Act => act("x"),
            Plan::Vars => vars(&json!({"sum": "{{ vars.sum | plus: 1 }}", "at": "{{ now }}"})),
            Plan::Emit => emit(&json!({"sum": "{{ vars.sum }}"})),
            Plan::Wait => wait_for(u64::try_from(id % 3).unwrap_or(0)),
            Plan::Reply => wait_event(is("incoming.id", &json!("{{ vars.sum }}")), Some(60)),
            Plan::Record => attributes(Keeper::Record, &json!("{{ item }}"), &json!({})),
            Plan::Stop => stop("enough"),
            Plan::Fail => fail("too bad"),
            Plan::Block(kind, then, other) => {
                block(condition(*kind), made(then, depth, known), made(other, depth, known))
            }
            Plan::Each(4, steps) => each(&json!("{{ event.n }}"), name, made(steps, depth + 1, known)),
            Plan::Each(many, steps) => {
                let list: Vec<u8> = (0..*many).collect();
                each(&json!(list), name, made(steps, depth + 1, known))
            }
        };
        let step = step.id(&format!("s{id}"));
        let step = if matches!(plan.what, Plan::Block(..)) { step } else { step.only_if(condition(plan.condition)) };
        steps.push(match plan.on_error {
            0 | 1 => step.or_go_on(),
            2 => step,
            _ => step.or_else(made(&plan.list, depth, known)),
        });
    }
    steps
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_rule_goes_the_same_way_wherever_it_is_killed(
        plans in proptest::collection::vec(planned(), 1..6),
        on_error in proptest::collection::vec(planned(), 0..3),
        seed in any::<u64>(),
        kills in any::<u64>(),
    ) {
        let mut known = 0;
        let steps = made(&plans, 0, &mut known);
        let on_error = made(&on_error, 0, &mut known);
        let rule = Arc::new(rule_with(steps, on_error, &json!({"sum": 0})));
        let straight = go(&rule, seed, &mut || false);
        prop_assert_eq!(&go(&rule, seed, &mut || true), &straight);
        let mut lots = kills;
        let went = go(&rule, seed, &mut || {
            lots = lots.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            lots >> 62 == 0
        });
        prop_assert_eq!(&went, &straight);
    }
}
