//! What came of all tests, for people and for machines.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::run::Tested;
use crate::cli::check::count;

/// Names of rules without tests that are told; more are counted.
const NAMED: usize = 10;

/// For people: what failed, then a line for each rule, then the sum.
pub(super) fn text(tested: &Tested, colour: bool) -> String {
    let mut text = String::new();
    for finding in &tested.findings {
        text.push_str(&format!("{finding}\n"));
    }
    if !tested.findings.is_empty() {
        text.push('\n');
    }
    for report in tested.reports.iter().filter(|report| !report.passed()) {
        text.push_str(&format!("{}\n", report.text(colour)));
    }
    let mut rules: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for report in &tested.reports {
        let (all, failed) = rules.entry(&report.rule).or_default();
        *all += 1;
        *failed += usize::from(!report.passed());
    }
    for (rule, (all, failed)) in rules {
        let word = if failed > 0 { "FAIL" } else { "ok  " };
        let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        text.push_str(&format!("{word}  {rule}  {}{failed}\n", count(all, "test")));
    }
    text.push_str(&format!("{}\n", sum(tested)));
    if !tested.without.is_empty() {
        text.push_str(&without(&tested.without));
    }
    text
}

fn sum(tested: &Tested) -> String {
    let (all, failed) = (tested.reports.len(), tested.failed());
    let mut parts = vec![format!("{} passed", all - failed)];
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    if !tested.findings.is_empty() {
        parts.push(format!("{} in the files", count(tested.findings.len(), "error")));
    }
    let took = tested.took.as_secs_f64();
    format!("{} of {}: {} ({took:.2} s)", count(all, "test"), count(tested.rules, "rule"), parts.join(", "))
}

fn without(rules: &[String]) -> String {
    let verb = if rules.len() == 1 { "has" } else { "have" };
    let named = rules.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if rules.len() > NAMED { format!(" and {} more", rules.len() - NAMED) } else { String::new() };
    format!(
        "{} {verb} no tests: {named}{more}\n    help: write `tests:` into the file, with an `event` and what to `expect`\n",
        count(rules.len(), "rule")
    )
}

/// The machine's form.
pub(super) fn json(tested: &Tested) -> Value {
    let cases = tested.reports.iter().map(|report| {
        let mut value = serde_json::to_value(report).unwrap_or_default();
        if let Value::Object(map) = &mut value {
            map.insert("passed".to_owned(), report.passed().into());
            map.insert("took_ms".to_owned(), json!(report.took.as_secs_f64() * 1_000.0));
        }
        value
    });
    json!({
        "tests": tested.reports.len(),
        "failed": tested.failed(),
        "rules": tested.rules,
        "without_tests": tested.without,
        "findings": tested.findings,
        "cases": cases.collect::<Vec<_>>(),
    })
}
