//! What `per` makes of events.

use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::{
    matcher::{Bounds, plan},
    model::Verdict,
    rules::{Concurrency, DigestWindow, Every, Once, Set, Texts, Threshold, WhenFull, fake::Fake},
    templates::Files,
};

const RECEIVED: Time = Time(1_772_359_200_000);

/// A rule with these vars and, for each word, what its `per` says. `None`: no such word; `Some("")`: without `per`.
fn rule(vars: &str, once: Option<&str>, threshold: Option<&str>, digest: Option<&str>) -> Rule {
    let text = format!("name: a\non: gruveo.call\n{vars}do: []\n");
    let texts = BTreeMap::from([("rules/a.yaml".to_owned(), text)]);
    let compiled = Set::compile(Texts(Arc::new(texts)), &Fake::new());
    assert!(compiled.holds(), "{:#?}", compiled.findings);
    let rule = &compiled.set.rules["a"];
    let mut around = crate::rules::Around::default();
    let within = Duration::from_mins(1);
    around.once = once.map(|per| Once { per: leaf(per), within });
    around.threshold = threshold.map(|per| Threshold { per: leaf(per), count: 3, within });
    around.digest = digest.map(|per| DigestWindow { per: leaf(per), every: Every::After(within), max: 10 });
    Rule {
        id: Arc::clone(&rule.id),
        file: Arc::clone(&rule.file),
        name: rule.name.clone(),
        description: None,
        enabled: true,
        on: rule.on.clone(),
        vars: rule
            .vars
            .iter()
            .map(|var| crate::rules::Var { name: var.name.clone(), value: var.value.clone(), place: var.place })
            .collect(),
        when: crate::rules::Condition::All(Vec::new()),
        around,
        timeout: None,
        steps: Vec::new(),
        on_error: Vec::new(),
        tests: Vec::new(),
    }
}

fn leaf(per: &str) -> Option<Leaf> {
    (!per.is_empty()).then(|| Leaf::parse(&json!(per), &Files::default()).unwrap())
}

fn keys(rule: &Rule, event: &Value, vars: &mut Object) -> Keys {
    let (settings, trigger) = (json!({"team": "north"}), json!({"id": "evt_1"}));
    Keys::of(rule, &[("event", event), ("trigger", &trigger), ("vars", &settings)], RECEIVED, vars)
}

fn once(per: &str, event: &Value) -> Key {
    keys(&rule("", Some(per), None, None), event, &mut Object::new()).once
}

#[test]
fn a_rule_without_such_words_has_no_keys() {
    assert_eq!(keys(&rule("", None, None, None), &json!({}), &mut Object::new()), Keys::default());
}

#[test]
fn a_word_without_per_makes_the_whole_rule_one_key() {
    let all = keys(&rule("", Some(""), Some(""), Some("")), &json!({}), &mut Object::new());
    assert_eq!(all, Keys { once: Key::Whole, threshold: Key::Whole, digest: Key::Whole });
}

#[test]
fn a_key_is_the_text_of_its_value() {
    let of = |text: &str| Key::Of(text.to_owned());
    for (per, value, wanted) in [
        ("{{ event.x }}", json!("a@example.com"), of("a@example.com")),
        ("{{ event.x }}", json!(7), of("7")),
        ("{{ event.x }}", json!(7.0), of("7")),
        ("{{ event.x }}", json!(-0.5), of("-0.5")),
        ("{{ event.x }}", json!(u64::MAX), of("18446744073709551615")),
        ("{{ event.x }}", json!(false), of("false")),
        ("{{ event.x }}", json!(["a"]), of("[\"a\"]")),
        ("{{ event.x }}-{{ now | date: '%Y' }}", json!("a"), of("a-2026")),
        ("{{ event.x }}-{{ vars.team }}", json!("a"), of("a-north")),
        ("plain", json!(null), of("plain")),
    ] {
        assert_eq!(once(per, &json!({"x": value})), wanted, "{per} {value}");
    }
}

#[test]
fn null_empty_and_failed_keys_are_nothing_and_say_which() {
    for (per, event, says) in [
        ("{{ event.x }}", json!({"x": null}), "the key of `once` is null"),
        ("{{ event.x }}", json!({"x": ""}), "the key of `once` is empty"),
        ("{{ event.x }}", json!({"x": []}), "the key of `once` is empty"),
        ("{{ event.x }}{{ event.x }}", json!({"x": null}), "the key of `once` is empty"),
        ("{{ event.y }}", json!({"x": 1}), "the key of `once` failed: "),
        ("{{ vars.none }}", json!({}), "the key of `once` failed: "),
    ] {
        let Key::Nothing(why) = once(per, &event) else { panic!("{per} {event}") };
        assert!(why.starts_with(says), "{per} {event}: {why}");
    }
}

#[test]
fn vars_that_a_key_needs_are_computed_once_and_kept() {
    let vars = "vars:\n  mail: \"{{ event.location | downcase }}\"\n  other: \"{{ event.origin }}\"\n";
    let rule = rule(vars, Some("{{ vars.mail }}"), Some("{{ vars.mail }}"), None);
    let mut known = Object::new();
    let all = keys(&rule, &json!({"location": "A@example.com"}), &mut known);
    assert_eq!((&all.once, &all.threshold), (&Key::Of("a@example.com".to_owned()), &all.once));
    assert_eq!(Value::Object(known), json!({"mail": "a@example.com"}));

    let mut known = json!({"mail": "known"}).as_object().cloned().unwrap();
    assert_eq!(keys(&rule, &json!({}), &mut known).once, Key::Of("known".to_owned()));
}

#[test]
fn concurrency_has_a_key_of_its_own() {
    let mut limited = rule("", None, None, None);
    assert_eq!(Key::of_concurrency(&limited, &[], RECEIVED), Key::Unset);
    let (event, empty) = (json!({"x": 1}), json!({"x": ""}));
    let per = leaf("{{ event.x }}");
    limited.around.concurrency = Some(Concurrency { per, limit: 1, when_full: WhenFull::Queue });
    assert_eq!(Key::of_concurrency(&limited, &[("event", &event)], RECEIVED), Key::Of("1".to_owned()));
    assert!(matches!(Key::of_concurrency(&limited, &[("event", &empty)], RECEIVED), Key::Nothing(_)));
    assert!(matches!(Key::of_concurrency(&limited, &[], RECEIVED), Key::Nothing(_)));
    limited.around.concurrency = Some(Concurrency { per: None, limit: 1, when_full: WhenFull::Queue });
    assert_eq!(Key::of_concurrency(&limited, &[], RECEIVED), Key::Whole);
}

#[test]
fn a_key_that_uses_up_its_time_is_no_key_at_all() {
    let endless = "{% for i in (1..100000) %}{% for j in (1..100000) %}x{% endfor %}{% endfor %}";
    let rule = rule("", Some(endless), None, None);
    let subject = Subject {
        kind: "gruveo.call".to_owned(),
        own: false,
        event: json!({}),
        trigger: json!({}),
        received_at: RECEIVED,
    };
    let limit = Duration::from_millis(20);
    assert_eq!(Keys::of_match(&rule, &subject, &Object::new(), limit, &mut Object::new()), None);
    let Key::Nothing(why) = keys(&rule, &json!({}), &mut Object::new()).once else { panic!("it gave a key") };
    assert!(why.starts_with("the key of `once` failed"), "{why}");
}

#[test]
fn only_a_rule_that_matched_has_its_keys_rendered() {
    let texts = BTreeMap::from([("rules/a.yaml".to_owned(), "name: a\non: gruveo.call\ndo: []\n".to_owned())]);
    let set = Set::compile(Texts(Arc::new(texts)), &Fake::new()).set;
    let subject = Subject {
        kind: "gruveo.call".to_owned(),
        own: false,
        event: json!({}),
        trigger: json!({}),
        received_at: RECEIVED,
    };
    let bounds = Bounds { rule: Duration::from_secs(1), event: Duration::from_secs(1), runs: 9 };
    let planned = plan(&set, &subject, &Object::new(), bounds);
    assert_eq!((&planned.runs[0].verdict, &planned.runs[0].keys), (&Verdict::Matched, &Keys::default()));
}
