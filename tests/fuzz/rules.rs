//! Mutated YAML, rule files, conditions and tests of rules.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use bellwire::{
    app,
    clock::Time,
    config::{self, Config},
    matcher::{self, Subject},
    model::Verdict,
    rules::{Set, Texts},
    services::Registry,
    trial::{Bench, read_suite, run_case},
    value::{Object, YamlLimits, read_yaml},
};
use serde_json::json;

use super::{measure::Counts, run, templates};

const YAML_CASES: u64 = 6_000;
const RULE_CASES: u64 = 2_000;
const CONDITION_CASES: u64 = 2_000;
const TEST_CASES: u64 = 1_500;

/// What may stand where something may go wrong in YAML.
const YAML_WORDS: [&str; 36] = [
    ":",
    ": ",
    "- ",
    "? ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "#",
    "&a ",
    "*a",
    "!!x ",
    "<<: ",
    "|\n",
    ">-\n",
    "\"",
    "'",
    "\t",
    "\n",
    "\r\n",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "\u{feff}",
    "\u{0}",
    "\u{202e}",
    "{{ x }}",
    "{% if %}",
    "1e999",
    "99999999999999999999",
    "~",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "{a: {a: {a: {a: {a: {a: {a: {a: {a: {a: ",
    "- - - - - - - - - - - - - - - - - - ",
    "\\x",
];

/// Values and lines that may stand in a rule.
const RULE_WORDS: [&str; 44] = [
    "",
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "18446744073709551615",
    "99999999999w",
    "1s",
    "10m",
    "[]",
    "{}",
    "[{}]",
    "{ x: 1 }",
    "[gruveo.call, groove.*]",
    "{ event: groove.*, own: true }",
    "{ schedule: { cron: \"0 9 * * *\" } }",
    "\"{{ event }}\"",
    "\"{{ events | map: 'location' | join: ',' }}\"",
    "\"{% for i in (1..99999999) %}x{% endfor %}\"",
    "\"{{ steps.find.result[0].x }}\"",
    "\"{{ event.assignedUsers | concat: event.assignedUsers | concat: event.assignedUsers }}\"",
    "\"{{\"",
    "\"{{ now }}\"",
    "{ per: \"{{ event.link }}\", count: 3, within: 1h }",
    "{ per: \"{{ event.link }}\", every: 1s, max: 2 }",
    "{ matches: \"(a*)*$\" }",
    "{ matches: \"((a{1,900}){1,900}){1,900}\" }",
    "{ in: [1, 2] }",
    "{ not: { not: { not: { exists: true } } } }",
    "{ in_hours: office }",
    "{ until: \"{{ event.at }}\" }",
    "{ event: gruveo.call, when: { incoming.link: \"{{ event.link }}\" }, for: 99999w, hours: office }",
    "{ for: 99999w, hours: office }",
    "{ sample: gruveo.call/missed, at: 99999w }",
    "{ sample: gruveo.call/missed }",
    "[{ sample: gruveo.call/missed }, { sample: gruveo.call/missed, at: 1h }]",
    "\"9999-12-31T23:59:59Z\"",
    "\"0000-01-01T00:00:00Z\"",
    "{ add: { n: 9223372036854775807 } }",
    "{ set: { a: { b: [1] } }, append: { a: 1 } }",
    "continue",
    "stop",
    "\u{1F600}",
];

/// Conditions, as they stand below `when:`.
const CONDITIONS: [&str; 24] = [
    "event.location: Greece",
    "event.waitingTime: { gt: 30, lte: 31 }",
    "event.waitingTime: { between: [1, 50] }",
    "event.tracking.ticket: { matches: \"^[0-9]+$\" }",
    "event.users.*.name: { in: [Bo, Cy], ignore_case: true }",
    "event.list.*: { not: { gt: 3 } }",
    "all: [{ event.flag: false }, { event.n: 3 }]",
    "any: [{ event.x: { contains: y } }, { event.user: { is: null } }]",
    "not: { event.nope: { exists: true } }",
    "event.users: { length: { gte: 1, lt: 9 } }",
    "event.at: { before: 4h ago }",
    "event.at: { after: \"2026-01-01T00:00:00Z\" }",
    "now: { in_hours: office }",
    "event.user: { empty: true }",
    "event.link: { starts_with: \"{{ event.x }}\", ends_with: \"1\" }",
    "event.n: { type: number }",
    "event[\"a.b\"].0.c: { is: { users: 1 } }",
    "event.evil: { contains: \"{{ event.evil }}\" }",
    "event.big: { gt: \"{{ event.n | times: event.big }}\" }",
    "vars.v: { not: { in: [a, b] } }",
    "event.key: { is: \"{{ vars.v }}\" }",
    "trigger.depth: { lt: 5 }",
    "event.x: { matches: \"{{ event.evil }}\" }",
    "{}",
];

const CONDITION_WORDS: [&str; 40] = [
    "event.",
    "*",
    ".*.*",
    ".0",
    "[\"x\"]",
    ": ",
    "{ ",
    " }",
    "[",
    "]",
    ", ",
    "not: ",
    "is: ",
    "in: ",
    "gt: ",
    "between: ",
    "contains: ",
    "matches: ",
    "exists: ",
    "empty: ",
    "length: ",
    "type: ",
    "before: ",
    "after: ",
    "in_hours: ",
    "ignore_case: true",
    "all: [",
    "any: [",
    "null",
    "true",
    "-1",
    "1e308",
    "9007199254740993",
    "4h ago",
    "999999999999w ago",
    "\"(a|a)*$\"",
    "\"(x+x+)+y{1,1000}\"",
    "now",
    "\"{{ event.x }}\"",
    "\n  ",
];

/// A test that any rule on `gruveo.call` can have.
const TESTS: &str = "
tests:
  - name: as it comes
    now: \"2026-11-18T09:00:00Z\"
    events:
      - { sample: gruveo.call/missed, set: { tracking: { ticket: \"42\", email: john.smith@example.com } } }
      - { sample: gruveo.call/missed, set: { location: Spain }, at: 2h }
    replies: { find: { json: { tickets: [{ number: 7 }, { number: 8 }] } } }
    expect: []
";

/// The packs and settings that rules are read against.
struct Ground {
    registry: Registry,
    config: Config,
    /// The rules of this repository, and those of the reader's own tests.
    good: Vec<String>,
    bad: Vec<String>,
}

impl Ground {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        // Conditions are tried on a source whose payloads have no schema: any path is fine.
        let settings = fs::read_to_string(root.join("bellwire.toml")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bellwire.toml"), format!("{settings}\n[sources.box]\npublic = true\n")).unwrap();
        let config = config::load(folder.path(), &BTreeMap::new()).unwrap();
        let mut good = Vec::new();
        for folder in ["rules/calls", "rules/issues", "rules/tickets", "tests/data/rules/good"] {
            good.extend(texts(&root.join(folder)));
        }
        let mut bad = texts(&root.join("tests/data/rules/bad"));
        bad.retain(|text| text.len() < 4_000);
        assert!(good.len() > 15 && bad.len() > 40, "{} good and {} bad rules were found", good.len(), bad.len());
        Self { registry: Registry::load(&BTreeMap::new()).unwrap(), config, good, bad }
    }

    fn all(&self) -> Vec<String> {
        self.good.iter().chain(&self.bad).cloned().collect()
    }

    /// What the reader makes of one file.
    fn compile(&self, text: &str) -> bellwire::rules::Compiled {
        let vocabulary = app::vocabulary(&self.registry, &self.config);
        let texts = [("rules/a.yaml".to_owned(), text.to_owned())];
        let compiled = Set::compile(Texts(Arc::new(texts.into())), &vocabulary);
        let holds = !compiled.findings.iter().any(bellwire::model::Finding::is_error);
        assert_eq!(compiled.set.rules.len(), usize::from(holds), "a file is a rule, or has errors:\n{text}");
        // YAML ends a line at a lone CR too.
        let lines = text.replace("\r\n", "\n").split(['\n', '\r']).count();
        for finding in &compiled.findings {
            assert!(finding.place.line as usize <= lines, "{finding} is beyond the end of:\n{text}");
        }
        compiled
    }
}

/// The texts of all YAML files in a folder, in order of their names.
fn texts(folder: &Path) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn mutated_yaml_neither_panics_nor_takes_long() {
    let corpus = Ground::new().all();
    run(&["read", "faults"], |dice, meter| {
        let mut counts = Counts::new();
        for _ in 0..YAML_CASES {
            let text = dice.mutate(&corpus, &YAML_WORDS);
            let came_to = meter.measure(&text, || match read_yaml(&text, YamlLimits::default()) {
                Ok(_) => "read",
                Err(faults) => {
                    assert!(!faults.is_empty(), "refused without a reason:\n{text}");
                    "faults"
                }
            });
            *counts.entry(came_to).or_default() += 1;
        }
        counts
    });
}

#[test]
fn mutated_rule_files_neither_panic_nor_take_long() {
    let ground = Ground::new();
    let bad = ground.all();
    run(&["rule", "findings"], |dice, meter| {
        let mut counts = Counts::new();
        for _ in 0..RULE_CASES {
            let corpus = if dice.below(3) == 0 { &bad } else { &ground.good };
            let mut text = dice.mutate_lines(corpus, &RULE_WORDS);
            if dice.below(4) == 0 {
                text = dice.mutate(&[text], &YAML_WORDS);
            }
            let came_to =
                meter.measure(&text, || if ground.compile(&text).set.rules.is_empty() { "findings" } else { "rule" });
            *counts.entry(came_to).or_default() += 1;
        }
        counts
    });
}

#[test]
fn mutated_conditions_neither_panic_nor_take_long() {
    let ground = Ground::new();
    let subject = Subject {
        kind: "box.rung".to_owned(),
        own: false,
        event: templates::payload(),
        trigger: json!({"depth": 0, "headers": {}, "query": {}}),
        received_at: Time(1_772_359_200_000),
    };
    let vars = Object::new();
    run(&["findings", "matched", "not matched"], |dice, meter| {
        let mut counts = Counts::new();
        for _ in 0..CONDITION_CASES {
            let condition = dice.mutate(&CONDITIONS, &CONDITION_WORDS);
            let text = format!(
                "name: x\non: box.rung\nvars: {{ v: \"{{{{ event.key }}}}\" }}\nwhen:\n  {condition}\ndo: []\n"
            );
            let came_to = meter.measure(&text, || {
                let compiled = ground.compile(&text);
                let Some(rule) = compiled.set.rules.values().next() else { return "findings" };
                match matcher::verdict(rule, &subject, &vars, Duration::from_millis(20)).0 {
                    Verdict::Matched => "matched",
                    Verdict::NotMatched(_) => "not matched",
                    Verdict::Undecided | Verdict::Error { .. } => "undecided",
                }
            });
            *counts.entry(came_to).or_default() += 1;
        }
        counts
    });
}

#[test]
fn mutated_tests_of_rules_neither_panic_nor_take_long() {
    let ground = Ground::new();
    let vocabulary = app::vocabulary(&ground.registry, &ground.config);
    let corpus: Vec<String> = ground
        .good
        .iter()
        .map(|text| if text.contains("\ntests:") { text.clone() } else { format!("{text}{TESTS}") })
        .collect();
    run(&["no rule", "no tests", "ran"], |dice, meter| {
        let mut counts = Counts::new();
        for _ in 0..TEST_CASES {
            let text = dice.mutate_lines(&corpus, &RULE_WORDS);
            let compiled = ground.compile(&text);
            let bench = Bench {
                set: &compiled.set,
                registry: &ground.registry,
                vocabulary: &vocabulary,
                config: &ground.config,
            };
            let Some(rule) = compiled.set.rules.values().next() else {
                *counts.entry("no rule").or_default() += 1;
                continue;
            };
            let Ok(cases) = read_suite(bench, rule) else {
                *counts.entry("no tests").or_default() += 1;
                continue;
            };
            for case in &cases {
                let came_to = meter.measure(&format!("{}, in\n{text}", case.name), || {
                    let _report = run_case(bench, rule, case);
                    "ran"
                });
                *counts.entry(came_to).or_default() += 1;
            }
        }
        counts
    });
}
