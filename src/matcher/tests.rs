//! Verdicts on events, with templates.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::rules::{Texts, fake::Fake};

fn set(rules: &[(&str, &str)]) -> Set {
    let texts: BTreeMap<String, String> = rules
        .iter()
        .map(|(id, text)| (format!("rules/{id}.yaml"), format!("name: {id}\non: gruveo.call\n{text}\n")))
        .collect();
    let compiled = Set::compile(Texts(Arc::new(texts)), &Fake::new());
    assert!(compiled.holds(), "{:#?}", compiled.findings);
    compiled.set
}

fn subject(event: Value) -> Subject {
    Subject {
        kind: "gruveo.call".to_owned(),
        own: false,
        event,
        trigger: json!({"id": "evt_1", "type": "gruveo.call"}),
        received_at: Time::parse("2026-07-06T12:00:00Z").unwrap(),
    }
}

const BOUNDS: Bounds = Bounds { rule: Duration::from_secs(5), event: Duration::from_secs(20), runs: 100 };

fn said(text: &str, event: Value) -> (Verdict, Object) {
    let set = set(&[("a", text)]);
    let settings = json!({"channel": "#calls", "number": 7});
    verdict(&set.rules["a"], &subject(event), settings.as_object().unwrap(), Duration::from_secs(5))
}

#[test]
fn vars_are_computed_when_a_condition_asks_for_them_and_no_others() {
    let text = "vars:\n  ticket: \"{{ event.tracking.ticket | default: event.tracking.case }}\"\n  twice: \"{{ vars.ticket }}-{{ vars.ticket }}\"\n  unused: \"{{ event.tracking.nothing }}\"\nwhen:\n  vars.twice: 42-42\ndo: []";
    let (verdict, vars) = said(text, json!({"tracking": {"case": "42"}}));
    assert_eq!(verdict, Verdict::Matched);
    assert_eq!(Value::Object(vars), json!({"ticket": "42", "twice": "42-42"}));
}

#[test]
fn a_var_that_fails_makes_its_condition_false_and_says_why() {
    let text = "vars:\n  ticket: \"{{ event.tracking.ticket }}\"\nwhen:\n  not: { vars.ticket: x }\ndo: []";
    let (verdict, _) = said(text, json!({"tracking": {}}));
    let Verdict::NotMatched(evidence) = verdict else { panic!("{verdict:?}") };
    assert_eq!(evidence.path, "vars.ticket");
    assert!(evidence.note.starts_with("vars.ticket: "), "{}", evidence.note);
}

#[test]
fn right_sides_are_rendered_with_their_types_before_they_are_compared() {
    let event = json!({"resolution": "missed", "location": "missed", "waitingTime": 7, "link": "#calls"});
    for (when, matches) in [
        ("event.location: \"{{ event.resolution }}\"", true),
        ("event.waitingTime: \"{{ vars.number }}\"", true),
        ("event.waitingTime: \"{{ vars.number }}{{ '' }}\"", false),
        ("event.link: \"{{ vars.channel }}\"", true),
        ("event.location: { in: [a, \"{{ event.resolution }}\"] }", true),
        ("event.location: { matches: \"^{{ event.resolution }}$\" }", true),
        ("event.location: { not: \"{{ event.resolution }}\" }", false),
        ("now: { after: \"{{ 3 }}h ago\" }", true),
        ("event.location: \"{{ event.tracking.none }}\"", false),
        ("rule.id: a", true),
        ("trigger.type: gruveo.call", true),
        ("events.0.location: missed", true),
        ("now: \"2026-07-06T12:00:00Z\"", true),
    ] {
        let (verdict, _) = said(&format!("when:\n  {when}\ndo: []"), event.clone());
        assert_eq!(verdict == Verdict::Matched, matches, "{when}: {verdict:?}");
    }
}

#[test]
fn a_plan_holds_every_rule_that_matched_up_to_its_bound() {
    let set = set(&[
        ("a", "when: { event.resolution: missed }\ndo: []"),
        ("b", "when: { event.resolution: answered }\ndo: []"),
        ("c", "do: []"),
        ("d", "enabled: false\ndo: []"),
    ]);
    let ids = |plan: &Plan| plan.runs.iter().map(|run| run.rule.id.to_string()).collect::<Vec<_>>();
    let subject = subject(json!({"resolution": "missed"}));
    let all = plan(&set, &subject, &Object::new(), BOUNDS);
    assert_eq!((ids(&all), all.truncated), (vec!["a".to_owned(), "c".to_owned()], false));
    let one = plan(&set, &subject, &Object::new(), Bounds { runs: 1, ..BOUNDS });
    assert_eq!((ids(&one), one.truncated), (vec!["a".to_owned()], true));
}

#[test]
fn rules_that_are_not_reached_in_time_are_left_to_the_runner() {
    let set = set(&[("a", "when: { event.resolution: missed }\ndo: []"), ("b", "do: []")]);
    let subject = subject(json!({"resolution": "missed"}));
    let plan = plan(&set, &subject, &Object::new(), Bounds { event: Duration::ZERO, ..BOUNDS });
    assert!(plan.runs.iter().all(|run| run.verdict == Verdict::Undecided) && plan.runs.len() == 2);
    let slow = super::plan(&set, &subject, &Object::new(), Bounds { rule: Duration::ZERO, ..BOUNDS });
    let said: Vec<&Verdict> = slow.runs.iter().map(|run| &run.verdict).collect();
    assert_eq!(said, [&Verdict::Undecided, &Verdict::Matched], "one that was too slow for the answer is not lost");
    let (verdict, _) = verdict(&set.rules["a"], &subject, &Object::new(), Duration::ZERO);
    assert!(matches!(&verdict, Verdict::Error { message } if message.contains("used up")), "{verdict:?}");
}

#[test]
fn a_rule_that_uses_up_its_budget_is_an_error_and_not_a_silent_no() {
    let text = "vars:\n  x: \"{% for i in (1..100000) %}{% for j in (1..100000) %}x{% endfor %}{% endfor %}\"\nwhen:\n  not: { vars.x: y }\ndo: []";
    let (verdict, _) = said(text, json!({}));
    assert!(matches!(verdict, Verdict::Error { .. }), "{verdict:?}");
}

#[test]
fn the_runner_computes_what_steps_ask_for_and_keeps_the_rest() {
    let set = set(&[(
        "a",
        "vars:\n  a: \"{{ event.location }}\"\n  b: \"{{ vars.a }}{{ vars.channel }}\"\n  c: \"{{ event.link }}\"\ndo: []",
    )]);
    let rule = &set.rules["a"];
    let (event, settings) = (json!({"location": "L"}), json!({"channel": "#calls"}));
    let roots = [("event", &event), ("vars", &settings)];
    let mut computed = json!({"a": "kept"}).as_object().cloned().unwrap();
    compute_vars(rule, &["b"], &roots, Time(0), &mut computed).unwrap();
    assert_eq!(Value::Object(computed.clone()), json!({"a": "kept", "b": "kept#calls"}));
    let error = compute_vars(rule, &["c"], &roots, Time(0), &mut computed).unwrap_err();
    assert!(error.starts_with("vars.c: "), "{error}");
    assert_eq!(computed.len(), 2, "what was known stays known");
}
