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

/// Rules that listen to `gruveo.call`; exactly one of them matches [`subject`].
fn rules(count: usize, kind: Kind) -> Texts {
    let mut texts = BTreeMap::new();
    for n in 0..count {
        let when = match kind {
            Kind::Indexed if n % 9 == 8 => format!(
                "any:\n    - event.link: \"@link.{n}\"\n    - event.location: {{ in: [\"Place {n}\", \"Town {n}\"] }}"
            ),
            Kind::Indexed => match n % 5 {
                0 => format!("event.link: \"@link.{n}\""),
                1 => format!("event.location: \"Place {n}\""),
                2 => format!("event.tracking.customer_id: \"{n}\""),
                3 => format!("event.account.organization: \"Firm {n}\""),
                _ => format!("event.waitingTime: {}", n + 1000),
            },
            Kind::Plain if n % 2 == 0 => format!("event.waitingTime: {{ gt: {} }}", n + 1000),
            Kind::Plain => format!("event.link: {{ matches: \"^@nobody{n}\" }}"),
        };
        texts.insert(
            format!("rules/r{n:05}.yaml"),
            format!("name: rule {n}\non: gruveo.call\nwhen:\n  {when}\ndo:\n  - stop: done\n"),
        );
    }
    texts.insert(
        "rules/one.yaml".to_owned(),
        "name: the one\non: gruveo.call\nwhen:\n  event.link: \"@acme.sales\"\ndo:\n  - stop: done\n".to_owned(),
    );
    Texts(Arc::new(texts))
}

#[derive(Clone, Copy)]
enum Kind {
    Indexed,
    Plain,
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

fn cost(set: &Set) -> Duration {
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

pub fn matching(config: &Config) {
    let compile = |texts: Texts| app::compile(&texts, config).set;
    let ten = compile(rules(9, Kind::Indexed));
    let began = Instant::now();
    let many = compile(rules(9_000, Kind::Indexed));
    println!("  compiling 9,001 rules: {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    let (small, large) = (cost(&ten), cost(&many));
    println!(
        "  matching, indexable conditions: 10 rules {:.2} us, 9,001 rules {:.2} us: {:.2} times (goal: at most 2)",
        micros(small),
        micros(large),
        micros(large) / micros(small)
    );
    let mut mixed = (*rules(9_000, Kind::Indexed).0).clone();
    for (path, text) in rules(1_000, Kind::Plain).0.iter() {
        mixed.insert(path.replace("/r", "/p"), text.clone());
    }
    let mixed = cost(&compile(Texts(Arc::new(mixed))));
    println!(
        "  with 1,000 rules that no index can serve (gt, matches): {:.2} us: {:.2} times of 10 rules (allowed: 10)",
        micros(mixed),
        micros(mixed) / micros(small)
    );
}

pub fn template() {
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

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}
