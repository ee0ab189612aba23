//! What the verdicts of one event cost against many rules of ten conditions each: found by the index, and asked one by one.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use bellwire::{
    app,
    config::Config,
    rules::{Set, Texts},
};

use super::rules::{cost, micros};

/// Nine conditions that the event fulfils.
const NINE: &str = "event.resolution: missed\n  event.location: { in: [Greece, Italy] }\n  event.maxParticipants: { gte: 1 }\n  \
    event.duration: { lt: 60 }\n  event.waitingTime: { between: [0, 600] }\n  event.tracking.ticket: { matches: \"^[0-9]+$\" }\n  \
    event.account.organization: { contains: Acme }\n  event.assignedUsers.0.email: { ends_with: \"@acme.com\" }\n  \
    event.tracking.customer_id: { exists: true }\n";

/// What the tenth condition of a rule that does not match is.
#[derive(Clone, Copy)]
enum Tenth {
    /// An equality, as rules have for their account, link or customer.
    Equal,
    /// A test that no index serves, seen last: the event fulfils all but this one.
    Last,
}

fn rule(name: &str, conditions: &str) -> String {
    format!("name: {name}\non: gruveo.call\nwhen:\n  {conditions}do:\n  - stop: done\n")
}

/// So many rules, one of which matches.
fn set(count: usize, tenth: Tenth, config: &Config) -> Arc<Set> {
    let mut texts = BTreeMap::from([(
        "rules/one.yaml".to_owned(),
        rule("the one", &format!("{NINE}  event.link: \"@acme.sales\"\n")),
    )]);
    for n in 1..count {
        let conditions = match tenth {
            Tenth::Equal => format!("{NINE}  event.link: \"@link.{n}\"\n"),
            // Without the equalities, which are what a rule is found by.
            Tenth::Last => format!(
                "event.resolution: {{ starts_with: miss }}\n  event.location: {{ not: Spain{n} }}\n  \
                 event.link: {{ contains: acme }}\n  event.account.organization: {{ contains: Acme }}\n  \
                 event.account.id: {{ exists: true }}\n  event.assignedUsers.0.name: {{ starts_with: John }}\n  \
                 event.assignedUsers.0.email: {{ ends_with: \"@acme.com\" }}\n  event.assignedUsers.1.name: {{ contains: Patty }}\n  \
                 event.tracking.customer_id: {{ exists: true }}\n  event.tracking.ticket: {{ ends_with: \"x{n}\" }}\n"
            ),
        };
        texts.insert(format!("rules/r{n:05}.yaml"), rule(&format!("rule {n}"), &conditions));
    }
    let compiled = app::compile(&Texts(Arc::new(texts)), config);
    assert_eq!(compiled.set.rules.len(), count, "{:?}", compiled.findings.first());
    compiled.set
}

pub(crate) fn figures(config: &Config) {
    let thousand = cost(&set(1_000, Tenth::Equal, config));
    let began = Instant::now();
    let ten_thousand = set(10_000, Tenth::Equal, config);
    println!("  compiling 10,000 of them: {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    let ten_thousand = cost(&ten_thousand);
    println!(
        "  1,000 rules {:.2} us (goal: under 1,000); 10,000 rules {:.2} us: {:.2} times (goal: under 2)",
        micros(thousand),
        micros(ten_thousand),
        micros(ten_thousand) / micros(thousand)
    );
    let asked = cost(&set(1_000, Tenth::Last, config));
    println!(
        "  1,000 rules that no index serves, each failing at its tenth condition: {:.0} us (goal: under 1,000), {:.2} us a rule",
        micros(asked),
        micros(asked) / 1e3
    );
}
