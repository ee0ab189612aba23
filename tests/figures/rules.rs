//! What matching costs with 10 rules and with 10,000, and what a template costs.

use std::{
    collections::BTreeMap,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use bellwire::{
    app,
    clock::Time,
    config::Config,
    matcher::{self, Bounds, Subject},
    rules::{Set, Texts},
    templates::{Context, Files, Limits, Sink, Template},
    value::Object,
};
use serde_json::{Value, json};

/// What the conditions of a rule are.
#[derive(Clone, Copy)]
enum Kind {
    /// An equality on one of five paths.
    Equal,
    /// `any` of an equality and an `in`.
    AnyIn,
    /// `gt` or `matches`, which no index serves.
    Plain,
}

/// Adds `count` rules that listen to `gruveo.call` and do not match [`subject`].
fn add(texts: &mut BTreeMap<String, String>, count: usize, kind: Kind) {
    for n in 0..count {
        let when = match kind {
            Kind::Equal => match n % 5 {
                0 => format!("event.link: \"@link.{n}\""),
                1 => format!("event.location: \"Place {n}\""),
                2 => format!("event.tracking.customer_id: \"{n}\""),
                3 => format!("event.account.organization: \"Firm {n}\""),
                _ => format!("event.waitingTime: {}", n + 1000),
            },
            Kind::AnyIn => format!(
                "any:\n    - event.link: \"@any.{n}\"\n    - event.location: {{ in: [\"Village {n}\", \"Town {n}\"] }}"
            ),
            Kind::Plain if n % 2 == 0 => format!("event.waitingTime: {{ gt: {} }}", n + 1000),
            Kind::Plain => format!("event.link: {{ matches: \"^@nobody{n}\" }}"),
        };
        let name = texts.len();
        texts.insert(format!("rules/r{name:05}.yaml"), rule(&format!("rule {name}"), &when));
    }
}

fn rule(name: &str, when: &str) -> String {
    format!("name: {name}\non: gruveo.call\nwhen:\n  {when}\ndo:\n  - stop: done\n")
}

/// So many rules of each kind, and among the equalities the one that matches [`subject`].
fn rules(equal: usize, any_in: usize, plain: usize) -> Texts {
    let one = rule("the one", "event.link: \"@acme.sales\"");
    let mut texts = BTreeMap::from([("rules/one.yaml".to_owned(), one)]);
    add(&mut texts, equal - 1, Kind::Equal);
    add(&mut texts, any_in, Kind::AnyIn);
    add(&mut texts, plain, Kind::Plain);
    Texts(Arc::new(texts))
}

fn subject() -> Subject {
    Subject {
        kind: "gruveo.call".to_owned(),
        own: false,
        event: serde_json::from_str(&super::client::call(1)).unwrap(),
        trigger: json!({"id": "evt_0000000000001", "type": "gruveo.call", "source": "gruveo", "service": "gruveo"}),
        received_at: Time(1_598_615_831_871),
    }
}

/// What it costs to plan one event that matches one of these rules.
pub(crate) fn cost(set: &Set) -> Duration {
    let bounds = Bounds { rule: Duration::from_secs(1), event: Duration::from_secs(10), runs: 100 };
    let (subject, vars) = (subject(), Object::new());
    assert_eq!(matcher::plan(set, &subject, &vars, bounds).runs.len(), 1);
    let mut best = Duration::MAX;
    for _ in 0..7 {
        let began = Instant::now();
        for _ in 0..200 {
            black_box(matcher::plan(black_box(set), black_box(&subject), &vars, bounds));
        }
        best = best.min(began.elapsed() / 200);
    }
    best
}

pub(crate) fn matching(config: &Config) {
    let compile = |texts: Texts| app::compile(&texts, config).set;
    let ten = cost(&compile(rules(8, 2, 0)));
    let began = Instant::now();
    let all = compile(rules(8_000, 1_000, 1_000));
    println!("  compiling 10,000 rules: {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    let served = cost(&compile(rules(9_000, 1_000, 0)));
    println!(
        "  10 rules {:.2} us; 10,000 that the index serves (9,000 equalities on five paths, 1,000 any/in) {:.2} us: {:.2} times (goal: at most 2)",
        micros(ten),
        micros(served),
        micros(served) / micros(ten)
    );
    let all = cost(&all);
    println!(
        "  8,000 equalities, 1,000 any/in and 1,000 that no index serves (gt, matches): {:.2} us: {:.2} times (allowed: 10)",
        micros(all),
        micros(all) / micros(ten)
    );
}

pub(crate) fn template() {
    let mut text =
        "Missed call from {{ event.location }} on {{ event.link }} after {{ event.waitingTime }} seconds.\n".repeat(3);
    text.push_str("{{ event.account.organization | upcase }}");
    while text.len() < 1024 {
        text.push_str("Lorem ipsum dolor sit amet. ");
    }
    let template = Template::parse(&text, &Files::default()).unwrap();
    let event: Value = serde_json::from_str(&super::client::call(1)).unwrap();
    let limits = Limits { steps: 100_000, bytes: 1024 * 1024, time: Duration::from_secs(1) };
    let mut best = Duration::MAX;
    for _ in 0..9 {
        let began = Instant::now();
        for _ in 0..2_000 {
            let mut context = Context::new(Time(0), limits);
            context.set("event", &event);
            black_box(template.render(&context, Sink::Html).unwrap());
        }
        best = best.min(began.elapsed() / 2_000);
    }
    println!("  a template of {} bytes with 10 values: {:.2} us (goal: under 20)", text.len(), micros(best));
}

pub(crate) fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}
