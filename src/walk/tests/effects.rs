//! `profile`, `record` and `emit`.

use serde_json::{Value, json};

use super::{
    build::{act, attributes, emit, rule},
    drive::{NOON, object, ok, through, walk, well},
};
use crate::{
    model::{Change, Effect, ErrorClass, Keeper, StepPath},
    rules::Step,
    walk::Next,
};

fn effect(step: Step, event: Value) -> Effect {
    match walk(rule(vec![step]), event).next(NOON) {
        Next::Effect { path, effect } => {
            assert_eq!(path, StepPath("do.0".to_owned()));
            effect
        }
        other => panic!("an effect wanted, {other:?} seen"),
    }
}

fn message(step: Step, event: Value) -> String {
    let went = through(rule(vec![step.or_go_on()]), event, &well);
    let error = went.output("do.0").error.clone().unwrap_or_else(|| panic!("it failed"));
    assert_eq!(error.class, ErrorClass::InvalidInput);
    error.message
}

#[test]
fn a_profile_is_changed_by_its_e_mail_in_lower_case() {
    let change = json!({
        "set": {"vip": "{{ event.vip }}", "at": "{{ now }}"},
        "add": {"calls": 1, "cents": "{{ event.cents }}"},
        "append": {"log": {"id": "{{ event.id }}"}},
        "remove": ["old"],
    });
    let event = json!({"email": "Matthew@Example.COM", "vip": true, "cents": "25", "id": 7});
    assert_eq!(
        effect(attributes(Keeper::Profile, &json!("{{ event.email }}"), &change), event),
        Effect::Attributes {
            keeper: Keeper::Profile,
            key: "matthew@example.com".to_owned(),
            change: Change {
                set: object(json!({"vip": true, "at": NOON.to_string()})),
                add: object(json!({"calls": 1, "cents": 25})),
                append: object(json!({"log": {"id": 7}})),
                remove: vec!["old".to_owned()],
            },
        }
    );
}

#[test]
fn a_record_keeps_the_case_of_its_key_and_is_a_read_without_a_change() {
    let step = || attributes(Keeper::Record, &json!("Issue:{{ event.id }}"), &json!({}));
    let Effect::Attributes { key, change, .. } = effect(step(), json!({"id": 7})) else { panic!("attributes") };
    assert_eq!((key.as_str(), change.is_read()), ("Issue:7", true));
    let number = attributes(Keeper::Record, &json!("{{ event.id }}"), &json!({}));
    assert!(matches!(effect(number, json!({"id": 7})), Effect::Attributes { key, .. } if key == "7"));
}

#[test]
fn a_key_that_is_none_fails_the_step() {
    for (value, words) in [
        (json!(null), "text wanted, null seen"),
        (json!(""), "`email` of `profile` is empty"),
        (json!(" "), "is empty"),
        (json!({"a": 1}), "text wanted, object seen"),
        (json!("x".repeat(513)), "longer than 512 characters"),
    ] {
        let step = attributes(Keeper::Profile, &json!("{{ event.email }}"), &json!({}));
        let message = message(step, json!({ "email": value }));
        assert!(message.contains(words), "{message}");
    }
    let longest = attributes(Keeper::Record, &json!("{{ event.key }}"), &json!({}));
    assert!(matches!(effect(longest, json!({"key": "é".repeat(512)})), Effect::Attributes { .. }));
}

#[test]
fn only_numbers_are_added() {
    let step = attributes(Keeper::Record, &json!("x"), &json!({"add": {"n": "{{ event.n }}"}}));
    assert_eq!(message(step, json!({"n": "many"})), "`add` of `n`: a number wanted, text seen");
}

#[test]
fn an_event_of_our_own_holds_an_object() {
    let sent = effect(emit(&json!({"who": "{{ event.who }}"})), json!({"who": [1]}));
    assert_eq!(sent, Effect::Emit { kind: "calls.escalated".to_owned(), data: json!({"who": [1]}) });
    assert_eq!(
        message(emit(&json!("{{ event.who }}")), json!({"who": [1]})),
        "`data` of `emit`: an object wanted, list seen"
    );
}

#[test]
fn what_an_effect_left_is_seen_by_the_steps_after_it() {
    let step = attributes(Keeper::Profile, &json!("a@example.com"), &json!({"add": {"calls": 1}})).id("person");
    let mut walk = walk(rule(vec![step, act("a")]), json!({}));
    let Next::Effect { path, .. } = walk.next(NOON) else { panic!("an effect") };
    walk.end(ok(&path, json!({"calls": 3})));
    let Next::Request { path, .. } = walk.next(NOON) else { panic!("a request") };
    let seen = walk.context(&path, NOON).root("steps").cloned().unwrap_or_default();
    assert_eq!(seen["person"]["result"], json!({"calls": 3}));
}
