//! 256 KiB of output a step, 4 MiB a run.

use serde_json::json;

use super::{
    build::{act, each_of, rule, rule_with, stop, vars},
    drive::{NOON, object, ok, request, through, walk, well},
};
use crate::{
    model::{ErrorClass, StepOutcome},
    walk::{End, Next},
};

const KIB: usize = 1024;

#[test]
fn a_step_that_leaves_too_much_behind_fails() {
    let mut walk = walk(rule(vec![act("a").or_go_on(), act("b")]), json!({}));
    let path = request(walk.next(NOON));
    walk.end(ok(&path, json!("x".repeat(256 * KIB))));
    let outputs = walk.take_fresh();
    let Some(output) = outputs.first() else { panic!("an output") };
    let Some(error) = &output.error else { panic!("it failed") };
    assert_eq!((output.outcome, error.class, error.step.as_str()), (StepOutcome::Failed, ErrorClass::Limit, "a"));
    assert!(output.result.is_null() && output.response.is_null());
    assert!(error.message.contains("a step may leave 256 KiB"), "{}", error.message);
    let path = request(walk.next(NOON));
    walk.end(ok(&path, json!("x".repeat(255 * KIB))));
    assert_eq!(walk.next(NOON), Next::End(End::Ok { why: None }));
}

#[test]
fn all_steps_of_a_run_have_four_mib_together_and_on_error_has_its_own() {
    let steps = vec![each_of(&json!("{{ event.list }}"), 100, vec![act("a")])];
    let made = rule_with(steps, vec![act("tell")], &json!({}));
    let list: Vec<u32> = (0..50).collect();
    let went = through(made, json!({ "list": list }), &|_, path| ok(path, json!("x".repeat(200 * KIB))));
    let End::Failed(why) = &went.end else { panic!("{:?}", went.end) };
    assert_eq!((why.step.as_str(), why.class), ("a", ErrorClass::Limit));
    assert!(why.message.contains("4096 KiB"), "{}", why.message);
    assert_eq!(went.output("do.0.do.0[20]").outcome, StepOutcome::Failed, "20 times 200 KiB have room");
    assert_eq!(went.output("on_error.0").outcome, StepOutcome::Ok, "what tells of it still can");
}

#[test]
fn vars_that_are_too_large_are_not_written() {
    let large = "{% for i in (1..3000) %}0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789{% endfor %}";
    let steps = vec![vars(&json!({"a": 2, "b": large})).or_go_on(), stop("{{ vars.a }}")];
    let went = through(rule_with(steps, Vec::new(), &json!({"a": 1})), json!({}), &well);
    assert_eq!(went.output("do.0").error.as_ref().map(|error| error.class), Some(ErrorClass::Limit));
    assert_eq!(went.end, End::Ok { why: Some("1".to_owned()) });
    assert_eq!(went.vars, object(json!({"a": 1})));
}

#[test]
fn the_result_of_a_loop_counts_as_any_other() {
    let list: Vec<u32> = (0..3).collect();
    let steps = vec![each_of(&json!("{{ event.list }}"), 100, vec![act("a")]).id("loop").or_go_on(), act("b")];
    let went = through(rule(steps), json!({ "list": list }), &|_, path| ok(path, json!("x".repeat(100 * KIB))));
    assert_eq!(went.output("do.0").error.as_ref().map(|error| error.class), Some(ErrorClass::Limit));
    assert_eq!(went.end, End::Ok { why: None });
}
