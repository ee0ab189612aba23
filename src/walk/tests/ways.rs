//! Branches, `on_error`, `stop` and `fail`, and what steps see of each other.

use serde_json::{Value, json};

use super::{
    build::{act, always, block, emit, fail, is, never, rule, rule_with, stop, vars},
    drive::{NOON, about, broken, error, object, ok, request, through, walk, well},
};
use crate::{
    clock::Time,
    model::{ErrorClass, StepOutcome, StepPath},
    value::Object,
    walk::{End, Next, Stand, Walk},
};

const OK: End = End::Ok { why: None };

fn root(walk: &Walk, path: &StepPath, name: &str) -> Value {
    walk.context(path, NOON).root(name).cloned().unwrap_or_default()
}

#[test]
fn branches_are_chosen_and_the_others_are_there_as_skipped() {
    let rule = rule(vec![
        act("a").only_if(never()),
        block(
            is("steps.a.outcome", &json!("skipped")),
            vec![act("b")],
            vec![act("c"), block(always(), vec![act("d")], vec![]), act("e").or_else(vec![act("f")])],
        ),
        act("g").or_else(vec![act("h")]),
        act("i"),
    ]);
    let mut walk = walk(rule, json!({}));
    let path = request(walk.next(NOON));
    assert_eq!(path.0, "do.1.then.0");
    let seen = root(&walk, &path, "steps");
    let skipped = json!({"outcome": "skipped", "result": null, "error": null, "response": null});
    assert_eq!(seen, json!({"a": skipped, "c": skipped, "d": skipped, "e": skipped, "f": skipped}));
    walk.end(ok(&path, json!({"x": 1})));
    let path = request(walk.next(NOON));
    walk.end(ok(&path, json!(2)));
    let path = request(walk.next(NOON));
    assert_eq!(path.0, "do.3");
    let seen = root(&walk, &path, "steps");
    assert_eq!(seen["b"], json!({"outcome": "ok", "result": {"x": 1}, "error": null, "response": {"status": 200}}));
    assert_eq!(seen["h"], skipped);
    assert!(seen.get("i").is_none(), "a step that has not been reached is not there");
    walk.end(ok(&path, json!(3)));
    assert_eq!(walk.next(NOON), Next::End(OK));
    let left: Vec<_> = walk.take_fresh().into_iter().map(|output| (output.step.0, output.outcome.word())).collect();
    let wanted = [("do.0", "skipped"), ("do.1", "ok"), ("do.1.then.0", "ok"), ("do.2", "ok"), ("do.3", "ok")];
    assert_eq!(left, wanted.map(|(path, outcome)| (path.to_owned(), outcome)));
    assert!(walk.take_fresh().is_empty());
}

#[test]
fn a_step_that_was_begun_is_not_asked_its_if_again_and_keeps_its_time() {
    let rule = rule(vec![act("a").only_if(never())]);
    let began = Time(NOON.0 - 5000);
    let stand = Stand { begun: Some((StepPath("do.0".to_owned()), began)), ..Stand::default() };
    let mut walk = Walk::new(rule.into(), about(json!({})), &Object::new(), stand);
    assert_eq!(walk.next(NOON), Next::Request { path: StepPath("do.0".to_owned()), began });
}

#[test]
fn a_failed_step_stops_the_run_goes_on_or_runs_its_list() {
    let on_error = || vec![act("tell").only_if(is("error.class", &json!("status")))];
    let go = |rule| {
        through(rule, json!({}), &|_, path| {
            if path.0 == "do.0" { broken(path) } else { ok(path, json!(path.0)) }
        })
    };
    let stopped = go(rule(vec![act("a"), act("b")]));
    assert_eq!((stopped.end, stopped.asked.len()), (End::Failed(error("do.0")), 1));
    let went_on = go(rule(vec![act("a").or_go_on(), act("b")]));
    assert_eq!((went_on.paths(), &went_on.end), (vec!["do.0", "do.1"], &OK));
    let handled = go(rule(vec![act("a").or_else(on_error()), act("b")]));
    assert_eq!((handled.paths(), &handled.end), (vec!["do.0", "do.0.on_error.0", "do.1"], &OK));
    assert!(handled.asked[1].contains("error={\"step\":\"do.0\""), "{}", handled.asked[1]);
    assert!(!handled.asked[2].contains(" error="), "after the list there is no `error`");
    let stops = go(rule(vec![act("a").or_else(vec![stop("enough")]), act("b")]));
    assert_eq!(stops.end, End::Ok { why: Some("enough".to_owned()) });
    let fails = go(rule(vec![act("a").or_else(vec![fail("no {{ error.status }}")]), act("b")]));
    let End::Failed(why) = &fails.end else { panic!("{:?}", fails.end) };
    assert_eq!((why.class, why.message.as_str(), why.step.as_str()), (ErrorClass::Fail, "no 500", "do.0.on_error.0"));
    let inner =
        go(rule(vec![act("a").or_else(vec![vars(&json!({"x": "{{ none }}"})).or_else(vec![act("in")]), act("out")])]));
    assert!(inner.asked[1].contains("\"class\":\"template\""), "the innermost error is seen: {}", inner.asked[1]);
    assert!(inner.asked[2].contains("error={\"step\":\"do.0\""), "and then the outer one again: {}", inner.asked[2]);
}

#[test]
fn every_kind_of_step_follows_its_on_error() {
    let broken = json!("{{ nothing.here }}");
    for step in [
        vars(&json!({"x": broken})),
        emit(&broken),
        stop("{{ nothing.here }}"),
        super::build::each(&broken, "item", vec![act("never")]),
        super::build::wait(crate::rules::WaitWhat::Until(super::build::leaf(&broken))),
        super::build::attributes(crate::model::Keeper::Profile, &broken, &json!({})),
    ] {
        let went = through(rule(vec![step.id("x").or_else(vec![act("a")]), act("b")]), json!({}), &well);
        assert_eq!((went.paths(), &went.end), (vec!["do.0", "do.0.on_error.0", "do.1"], &OK));
        let error = went.output("do.0").error.clone().unwrap_or_else(|| error("none"));
        assert_eq!((error.step.as_str(), error.class), ("x", ErrorClass::Template));
    }
    let went = through(rule(vec![fail("x").or_go_on(), act("b")]), json!({}), &well);
    assert!(matches!(went.end, End::Failed(_)), "`fail` ends the run whatever its `on_error` is");
}

#[test]
fn on_error_of_the_rule_runs_once_and_its_own_failure_is_a_second_problem() {
    let made = |on_error| rule_with(vec![act("a"), act("b")], on_error, &json!({}));
    let answer = |bad: &'static [&'static str]| {
        move |_: &Next, path: &StepPath| {
            if bad.contains(&path.0.as_str()) { broken(path) } else { ok(path, json!(1)) }
        }
    };
    let told = through(made(vec![act("tell"), act("more")]), json!({}), &answer(&["do.1"]));
    assert_eq!(told.paths(), ["do.0", "do.1", "on_error.0", "on_error.1"]);
    assert_eq!((&told.end, &told.second), (&End::Failed(error("do.1")), &None));
    assert!(told.asked[2].contains("error={\"step\":\"do.1\"") && told.asked[2].contains("\"a\":{\"outcome\":\"ok\""));
    let twice = through(made(vec![act("tell"), act("more")]), json!({}), &answer(&["do.0", "on_error.0"]));
    assert_eq!(twice.paths(), ["do.0", "on_error.0"]);
    assert_eq!((twice.end, twice.second), (End::Failed(error("do.0")), Some(error("on_error.0"))));
    let stopped = through(made(vec![stop("told"), act("more")]), json!({}), &answer(&["do.0"]));
    assert_eq!(stopped.end, End::Failed(error("do.0")), "`stop` in `on_error` makes no success of a failure");
}

#[test]
fn a_run_that_took_too_long_goes_to_on_error_and_is_found_there_again() {
    let made = || rule_with(vec![act("a"), act("b")], vec![act("tell")], &json!({}));
    let mut first = walk(made(), json!({}));
    let path = request(first.next(NOON));
    first.end(ok(&path, json!(1)));
    assert_eq!(request(first.next(NOON)).0, "do.1");
    first.fail(error("run"));
    assert_eq!((request(first.next(NOON)).0.as_str(), first.failure()), ("on_error.0", Some(&error("run"))));
    let stand = Stand { outputs: first.take_fresh(), failure: first.failure().cloned(), ..Stand::default() };
    let mut second = Walk::new(made().into(), about(json!({})), &Object::new(), stand);
    let path = request(second.next(NOON));
    assert_eq!(path.0, "on_error.0");
    assert_eq!(root(&second, &path, "error"), json!(error("run")));
    assert_eq!(root(&second, &path, "steps"), root(&first, &path, "steps"));
    second.end(ok(&path, json!(1)));
    assert_eq!(second.next(NOON), Next::End(End::Failed(error("run"))));
    let mut bare = walk(rule(vec![act("a")]), json!({}));
    bare.fail(error("run"));
    assert_eq!(bare.next(NOON), Next::End(End::Failed(error("run"))), "without `on_error` it is over");
}

#[test]
fn vars_are_computed_once_written_for_the_whole_run_and_kept() {
    let made = || {
        rule_with(
            vec![
                vars(&json!({"count": "{{ vars.count | plus: 1 }}", "twice": "{{ vars.count | times: 2 }}"})),
                vars(&json!({"count": 9, "bad": "{{ vars.nothing }}"})).or_go_on(),
                act("a"),
                vars(&json!({"count": "{{ vars.count | plus: 1 }}", "channel": "#loud"})),
                act("b"),
            ],
            Vec::new(),
            &json!({"count": "{{ event.n }}", "lost": "{{ event.none }}"}),
        )
    };
    let settings = object(json!({"channel": "#calls"}));
    let mut walk = Walk::new(made().into(), about(json!({"n": 1})), &settings, Stand::default());
    let path = request(walk.next(NOON));
    assert_eq!(root(&walk, &path, "vars"), json!({"channel": "#calls", "count": 2, "twice": 4}));
    assert_eq!(walk.take_vars(), Some(object(json!({"count": 2, "twice": 4}))));
    assert_eq!(walk.take_vars(), None);
    assert!(
        walk.explain_var("`vars.lost` is not there").contains("(var `lost`: "),
        "{}",
        walk.explain_var("vars.lost")
    );
    assert_eq!(walk.explain_var("`event.x` is not there"), "");
    walk.end(ok(&path, json!(1)));
    let path = request(walk.next(NOON));
    let now = json!({"channel": "#loud", "count": 3, "twice": 4});
    assert_eq!(root(&walk, &path, "vars"), now);
    // The outputs alone hold what was written.
    let stand = Stand { outputs: walk.take_fresh(), vars: object(json!({"count": 1})), ..Stand::default() };
    let again = Walk::new(made().into(), about(json!({"n": 5})), &settings, stand);
    assert_eq!(root(&again, &path, "vars"), now);
}

#[test]
fn what_a_missing_var_was_missing_is_told_by_the_step_that_needs_it() {
    let made = rule_with(vec![stop("{{ vars.lost }}").id("say")], Vec::new(), &json!({"lost": "{{ event.none }}"}));
    let End::Failed(why) = through(made, json!({}), &well).end else { panic!("it failed") };
    assert!(why.message.contains("vars.lost") && why.message.contains("event.none"), "{}", why.message);
}

#[test]
fn the_names_of_a_run_are_those_of_the_language() {
    let mut walk = walk(rule(vec![act("a")]), json!({"n": 1}));
    assert_eq!(walk.counted(NOON), std::time::Duration::ZERO);
    let path = request(walk.next(NOON));
    assert_eq!(root(&walk, &path, "event"), json!({"n": 1}));
    assert_eq!(root(&walk, &path, "events"), json!([{"n": 1}]));
    assert_eq!(root(&walk, &path, "rule"), json!({"id": "calls/missed", "name": "Missed"}));
    assert_eq!(root(&walk, &path, "run"), json!({"id": "run_1", "started_at": NOON.to_string(), "replay_of": null}));
    assert_eq!(root(&walk, &path, "incoming"), Value::Null);
    assert_eq!(walk.started_at(), Some(NOON));
    assert_eq!(walk.step(&path).and_then(|step| step.id.as_deref()), Some("a"));
    assert!(walk.step(&StepPath("do.7".to_owned())).is_none());
    assert_eq!(walk.outputs().len(), 0);
    walk.end(ok(&path, json!(1)));
    assert_eq!(walk.outputs().first().map(|output| output.outcome), Some(StepOutcome::Ok));
}

#[test]
fn a_walk_may_be_handed_from_thread_to_thread() {
    fn check<T: Send + Sync>() {}
    check::<Walk>();
}
