//! Loops: turns, what is seen in them, what they leave behind, and their limits.

use std::{sync::Arc, time::Instant};

use serde_json::{Value, json};

use super::{
    build::{act, always, block, each, each_of, fail, is, never, rule, rule_with, stop, vars},
    drive::{NOON, about, broken, error, ok, request, through, walk, well},
};
use crate::{
    model::{ErrorClass, StepOutcome, StepPath},
    value::Object,
    walk::{End, Next, Stand, Walk},
};

const OK: End = End::Ok { why: None };

#[test]
fn turns_follow_each_other_and_their_steps_are_seen_in_their_own_turn_only() {
    let body = vec![act("a"), act("b").only_if(is("item.vip", &json!(true)))];
    let went = through(
        rule(vec![act("before"), each(&json!("{{ event.list }}"), "item", body).id("loop"), act("after")]),
        json!({"list": [{"vip": true}, {"vip": false}]}),
        &well,
    );
    assert_eq!(
        went.paths(),
        ["do.0", "do.1.list", "do.1.do.0[0]", "do.1.do.1[0]", "do.1.do.0[1]", "do.1.do.1[1]", "do.1", "do.2"]
    );
    let first =
        "steps={\"before\":{\"outcome\":\"ok\",\"result\":\"do.0\",\"error\":null,\"response\":{\"status\":200}}} ";
    assert!(went.asked[1].contains(first) && went.asked[1].contains("item={\"vip\":true}"), "{}", went.asked[1]);
    assert!(went.asked[2].contains("\"a\":{\"outcome\":\"ok\",\"result\":\"do.1.do.0[0]\""), "{}", went.asked[2]);
    assert!(went.asked[3].contains(first) && went.asked[3].contains("item={\"vip\":false}"), "{}", went.asked[3]);
    let after = &went.asked[4];
    assert!(!after.contains("\"a\":") && !after.contains("\"b\":") && !after.contains("item="), "{after}");
    // The last step of the second turn was skipped, so its result is that of the one before.
    assert_eq!(went.output("do.1").result, json!(["do.1.do.1[0]", "do.1.do.0[1]"]));
    assert!(after.contains("\"loop\":{\"outcome\":\"ok\",\"result\":[\"do.1.do.1[0]\""), "{after}");
}

#[test]
fn nested_loops_name_the_outer_turn_first() {
    let inner = each(&json!("{{ item }}"), "inner", vec![act("x")]);
    let went = through(rule(vec![each(&json!([[1], [], [2, 3]]), "item", vec![inner])]), json!({}), &well);
    assert_eq!(
        went.paths(),
        [
            "do.0.list",
            "do.0.do.0.list[0]",
            "do.0.do.0.do.0[0][0]",
            "do.0.do.0[0]",
            "do.0.do.0.list[1]",
            "do.0.do.0[1]",
            "do.0.do.0.list[2]",
            "do.0.do.0.do.0[2][0]",
            "do.0.do.0.do.0[2][1]",
            "do.0.do.0[2]",
            "do.0",
        ]
    );
    assert!(went.asked[2].contains("item=[2,3] inner=3"), "{}", went.asked[2]);
    assert_eq!(
        went.output("do.0").result,
        json!([["do.0.do.0.do.0[0][0]"], [], ["do.0.do.0.do.0[2][0]", "do.0.do.0.do.0[2][1]"]])
    );
}

#[test]
fn the_result_of_a_turn_is_that_of_the_step_executed_last_wherever_it_stands() {
    let body = vec![
        act("a").or_else(vec![act("mend")]),
        block(is("item", &json!(1)), vec![act("b")], vec![]),
        act("c").only_if(never()),
    ];
    let went = through(rule(vec![each(&json!([0, 1, 2]), "item", body)]), json!({}), &|_, path| {
        if path.0 == "do.0.do.0[2]" { broken(path) } else { ok(path, json!(path.0)) }
    });
    assert_eq!(went.output("do.0").result, json!(["do.0.do.0[0]", "do.0.do.1.then.0[1]", "do.0.do.0.on_error.0[2]"]));
    let none = through(rule(vec![each(&json!([0]), "item", vec![act("c").only_if(never())])]), json!({}), &well);
    assert_eq!(none.output("do.0").result, json!([null]));
    let gone_on =
        through(rule(vec![each(&json!([0]), "item", vec![act("c").or_go_on()])]), json!({}), &|_, path| broken(path));
    assert_eq!((gone_on.output("do.0").result.clone(), gone_on.end), (json!([null]), OK));
}

#[test]
fn a_failing_step_stop_and_fail_end_the_run_and_not_the_turn() {
    let made = |last| {
        let body = vec![act("a").only_if(is("item", &json!(0))), last];
        rule_with(vec![each(&json!([0, 1]), "item", body).or_go_on(), act("after")], vec![act("tell")], &json!({}))
    };
    let stopped = through(made(stop("at {{ item }}").only_if(is("item", &json!(1)))), json!({}), &well);
    assert_eq!(stopped.end, End::Ok { why: Some("at 1".to_owned()) });
    assert_eq!(stopped.paths(), ["do.0.list", "do.0.do.0[0]", "do.0.do.1[0]", "do.0.do.0[1]", "do.0.do.1[1]"]);
    let failed = through(made(fail("at {{ item }}")), json!({}), &well);
    let End::Failed(why) = &failed.end else { panic!("{:?}", failed.end) };
    assert_eq!((why.step.as_str(), why.message.as_str()), ("do.0.do.1[0]", "at 0"));
    let broke = through(made(act("b")), json!({}), &|_, path| {
        if path.0 == "do.0.do.1[1]" { broken(path) } else { ok(path, json!(1)) }
    });
    assert_eq!(broke.end, End::Failed(error("do.0.do.1[1]")), "the loop's own `on_error` is not for its turns");
    let told = &broke.asked[3];
    assert!(told.contains("on_error.0") && told.contains("steps={} "), "no turn is under way any longer: {told}");
    assert!(!told.contains("item="), "{told}");
}

#[test]
fn a_list_that_is_none_or_too_long_fails_the_step_before_its_first_turn() {
    for (list, limit, class, words) in [
        (json!("{{ event.text }}"), 100, ErrorClass::InvalidInput, "a list wanted, text seen"),
        (json!("{{ event.none }}"), 100, ErrorClass::InvalidInput, "a list wanted, null seen"),
        (json!("{{ event.three }}"), 2, ErrorClass::Limit, "the list has 3 elements, and `limit` is 2"),
        (json!("{{ event.missing }}"), 100, ErrorClass::Template, "event.missing"),
    ] {
        let event = json!({"text": "x", "none": null, "three": [1, 2, 3]});
        let went = through(rule(vec![each_of(&list, limit, vec![act("a")]).or_go_on(), act("b")]), event, &well);
        assert_eq!(went.paths(), ["do.0", "do.1"]);
        let Some(error) = &went.output("do.0").error else { panic!("it failed") };
        assert_eq!(error.class, class);
        assert!(error.message.contains(words), "{}", error.message);
    }
}

#[test]
fn the_list_is_frozen_when_the_loop_starts() {
    let made = || {
        let body = vec![vars(&json!({"list": [9]})), act("a")];
        rule_with(vec![each(&json!("{{ vars.list }}"), "item", body)], Vec::new(), &json!({"list": [1, 2]}))
    };
    let mut first = walk(made(), json!({}));
    let path = request(first.next(NOON));
    first.end(ok(&path, json!(1)));
    let stand = Stand { outputs: first.take_fresh(), vars: first.take_vars().unwrap_or_default(), ..Stand::default() };
    let mut second = Walk::new(made().into(), about(json!({})), &Object::new(), stand);
    let path = request(second.next(NOON));
    assert_eq!(path.0, "do.0.do.1[1]");
    assert_eq!(second.context(&path, NOON).root("item"), Some(&json!(2)));
}

#[test]
fn the_last_write_of_a_var_wins_in_loops_too() {
    let body = vec![vars(&json!({"sum": "{{ vars.sum | plus: item }}"}))];
    let steps = vec![each(&json!([1, 2, 3]), "item", body), stop("{{ vars.sum }}")];
    let went = through(rule_with(steps, Vec::new(), &json!({"sum": 0})), json!({}), &well);
    assert_eq!(went.end, End::Ok { why: Some("6".to_owned()) });
    assert_eq!(went.vars.get("sum"), Some(&json!(6)));
}

#[test]
fn all_loops_of_a_run_have_ten_thousand_turns_together() {
    let list: Vec<u32> = (0..100).collect();
    let inner = each_of(&json!("{{ event.list }}"), 100, vec![]);
    let steps = vec![each_of(&json!("{{ event.list }}"), 100, vec![inner.id("inner")])];
    let End::Failed(why) = through(rule(steps), json!({"list": list}), &well).end else { panic!("it failed") };
    assert_eq!((why.step.as_str(), why.class), ("inner", ErrorClass::Limit));
    assert!(why.message.contains("10000"), "{}", why.message);
}

#[test]
fn ten_thousand_turns_take_no_time_and_neither_does_taking_them_up_again() {
    let list: Vec<u32> = (0..10_000).collect();
    let body = || {
        vec![
            block(is("item", &json!(-1)), vec![], vec![act("a")]),
            vars(&json!({"n": "{{ item }}"})),
            act("b").only_if(always()),
        ]
    };
    let made: Arc<_> = rule(vec![each_of(&json!("{{ event.list }}"), 10_000, body())]).into();
    let event = json!({ "list": list });
    let mut walk = Walk::new(Arc::clone(&made), about(event.clone()), &Object::new(), Stand::default());
    let start = Instant::now();
    while let Next::Request { path, .. } = walk.next(NOON) {
        walk.end(ok(&path, Value::Null));
        if path == StepPath("do.0.do.2[9998]".to_owned()) {
            break;
        }
    }
    let straight = start.elapsed();
    let outputs = walk.take_fresh();
    assert_eq!(outputs.len(), 1 + 4 * 9_999);
    let start = Instant::now();
    let mut again = Walk::new(made, about(event), &Object::new(), Stand { outputs, ..Stand::default() });
    assert_eq!(request(again.next(NOON)).0, "do.0.do.1.else.0[9999]".replace("do.1", "do.0"));
    let taken_up = start.elapsed();
    // Unoptimised and beside other tests; a step that looked at all before it would take minutes.
    assert!(straight.as_secs() < 20 && taken_up.as_secs() < 10, "{straight:?} {taken_up:?}");
    for walk in [&mut walk, &mut again] {
        while let Next::Request { path, .. } = walk.next(NOON) {
            walk.end(ok(&path, Value::Null));
        }
        assert_eq!(walk.next(NOON), Next::End(OK));
        assert_eq!(walk.outputs().last().map(|output| output.outcome), Some(StepOutcome::Ok));
    }
}
