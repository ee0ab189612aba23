//! The tests that stand in rule files: the whole order of the language from an empty state, and what a mistake in them says.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use bellwire::{
    app::{self, Compiled},
    config::Config,
    model::Finding,
    rules::Texts,
    trial::{Bench, Report, read_suite, run_case},
    value::Object,
};

/// A workspace of one rule, `rules/calls/a.yaml`.
struct Place {
    folder: tempfile::TempDir,
    config: Config,
    compiled: Compiled,
}

impl Place {
    fn new(rule: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { vars: vars(), ..Config::defaults(folder.path()) };
        let text = format!("name: a\n{rule}\n");
        let texts = Texts(Arc::new(BTreeMap::from([("rules/calls/a.yaml".to_owned(), text)])));
        let compiled = app::compile(&texts, &config);
        assert!(!compiled.has_errors(), "{:#?}", compiled.findings);
        Self { folder, config, compiled }
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn run(&self) -> Result<Vec<Report>, Vec<Finding>> {
        let vocabulary = app::vocabulary(&self.compiled.registry, &self.config);
        let (set, registry) = (&*self.compiled.set, &*self.compiled.registry);
        let bench = Bench { set, registry, vocabulary: &vocabulary, config: &self.config };
        let rule = &set.rules["calls/a"];
        Ok(read_suite(bench, rule)?.iter().map(|case| run_case(bench, rule, case)).collect())
    }
}

fn vars() -> Object {
    serde_json::json!({"channel": "calls"}).as_object().cloned().unwrap()
}

/// A rule with its tests, all of which pass.
fn passes(rule: &str) {
    let reports = Place::new(rule).run().unwrap();
    assert!(!reports.is_empty());
    for report in &reports {
        assert!(report.passed(), "{}", report.text(false));
    }
}

/// The text of a rule's only test, which fails.
fn fails(rule: &str) -> String {
    let reports = Place::new(rule).run().unwrap();
    let [report] = &reports[..] else { panic!("one test wanted, {} seen", reports.len()) };
    assert!(!report.passed(), "{report:#?}");
    report.text(false)
}

/// The findings of a rule's tests, as text.
fn found(rule: &str) -> Vec<String> {
    Place::new(rule).run().unwrap_err().iter().map(ToString::to_string).collect()
}

const NOTE: &str = "\
on: gruveo.call
when:
  event.resolution: missed
do:
  - groove.add_note: { ticket: \"{{ event.tracking.ticket }}\", body: \"Call from {{ event.location }}\" }
";

const HTTP: &str = "\
on: gruveo.call
do:
  - id: tell
    http: { method: POST, url: \"https://crm.example.com/calls\", json: { from: \"{{ event.location }}\" } }
    retry: { after: [5s, 30s] }
";

#[test]
fn a_sample_goes_through_the_rule_and_its_effects_are_compared() {
    passes(&format!(
        "{NOTE}tests:
  - event: {{ sample: gruveo.call/missed, set: {{ tracking: {{ ticket: \"42\" }} }} }}
    expect:
      - groove.add_note: {{ ticket: 42, body: {{ contains: Greece }} }}
    verdict: {{ matched: true }}
    outcome: ok
  - event: {{ sample: gruveo.call/answered }}
    expect: []
    verdict: {{ matched: false, because: event.resolution }}
  - event: {{ type: groove.note_added, payload: {{}} }}
    expect: []
    verdict: {{ matched: false, because: on }}
"
    ));
}

#[test]
fn what_differs_stands_side_by_side_with_the_steps() {
    let text = fails(&format!(
        "{NOTE}tests:
  - name: a note
    event: {{ sample: gruveo.call/missed, set: {{ tracking: {{ ticket: \"42\" }} }} }}
    expect:
      - groove.add_note: {{ ticket: 43, body: {{ contains: Greece }} }}
"
    ));
    assert_eq!(
        text,
        "FAIL rules/calls/a.yaml:8  a note

  groove.add_note differs: ticket: wanted 43, and 42 (number) was there

     wanted                         got
     groove.add_note                groove.add_note
  !=   ticket: 43                     ticket: 42
       body: { contains: Greece }     body: Call from Greece

  the run ended ok
    do.0  groove.add_note  ok
"
    );
}

#[test]
fn an_effect_too_many_or_too_few_is_told_by_its_name() {
    let event = "event: { sample: gruveo.call/missed, set: { tracking: { ticket: \"42\" } } }";
    let text = fails(&format!("{NOTE}tests:\n  - {event}\n    expect: []\n"));
    assert!(text.contains("groove.add_note came, and was not wanted"), "{text}");
    let text =
        fails(&format!("{NOTE}tests:\n  - {event}\n    expect: [groove.add_note: {{}}, emit: {{ type: a.b }}]\n"));
    assert!(text.contains("emit was wanted, and did not come"), "{text}");
    assert!(!text.contains("!= groove.add_note"), "{text}");
}

#[test]
fn another_verdict_is_told_with_the_value_that_was_seen() {
    let text = fails(&format!(
        "{NOTE}tests:\n  - event: {{ sample: gruveo.call/answered }}\n    verdict: {{ matched: true }}\n"
    ));
    assert!(text.contains("event.resolution: wanted missed, and answered (text) was there"), "{text}");
    assert!(text.contains("!= matched: true   matched: false, because: event.resolution"), "{text}");
}

#[test]
fn fixtures_and_inline_payloads_are_events_too() {
    let place = Place::new(&format!(
        "{NOTE}tests:
  - event: {{ fixture: fixtures/call.json, set: {{ tracking: {{ ticket: \"7\" }} }} }}
    expect: [groove.add_note: {{ ticket: 7, body: Call from Crete }}]
  - event: {{ fixture: typed.json }}
    expect: [groove.add_note: {{ ticket: 8 }}]
  - event: {{ type: gruveo.call, payload: {{ resolution: missed, location: Rhodes, tracking: {{ ticket: 9 }} }} }}
    expect: [groove.add_note: {{ ticket: 9, body: {{ ends_with: Rhodes }} }}]
"
    ));
    place.write("rules/calls/fixtures/call.json", r#"{"resolution": "missed", "location": "Crete"}"#);
    let typed =
        r#"{"type": "gruveo.call", "payload": {"resolution": "missed", "location": "x", "tracking": {"ticket": "8"}}}"#;
    place.write("rules/calls/fixtures/typed.json", typed);
    for report in place.run().unwrap() {
        assert!(report.passed(), "{}", report.text(false));
    }
    assert!(Path::new(&place.config.workspace).is_absolute());
}

#[test]
fn retries_are_counted_with_their_real_schedule() {
    passes(&format!(
        "{HTTP}tests:
  - event: {{ sample: gruveo.call/missed }}
    replies: {{ tell: [{{ status: 503 }}, {{ error: network }}, {{ status: 201, json: {{ id: 1 }} }}] }}
    expect: [http: {{ method: POST, url: {{ starts_with: \"https://crm\" }}, json.from: Greece }}]
    outcome: ok
    steps.tell.attempts: 3
    steps.tell.result.id: 1
  - event: {{ sample: gruveo.call/missed }}
    replies: {{ tell: {{ status: 503 }} }}
    expect: [http: {{}}]
    outcome: failed
    steps.tell.attempts: 3
    steps.tell.error.status: 503
  - event: {{ sample: gruveo.call/missed }}
    replies: {{ tell: {{ status: 404 }} }}
    outcome: failed
    steps.tell.attempts: 1
"
    ));
    let text = fails(&format!(
        "{HTTP}tests:\n  - event: {{ sample: gruveo.call/missed }}\n    steps.tell.attempts: {{ gt: 3 }}\n"
    ));
    assert!(text.contains("steps.tell.attempts: wanted gt 3, and 1 (number) was there"), "{text}");
}

#[test]
fn a_run_that_takes_too_long_ends_in_the_middle_of_its_retries() {
    passes(&format!(
        "timeout: 20s\n{HTTP}tests:
  - event: {{ sample: gruveo.call/missed }}
    replies: {{ tell: {{ status: 503 }} }}
    outcome: failed
    steps.tell.attempts: 2
"
    ));
}

#[test]
fn an_attempt_without_an_answer_is_held_or_tried_again_by_the_steps_word() {
    passes(&format!(
        "{HTTP}tests:
  - event: {{ sample: gruveo.call/missed }}
    replies: {{ tell: {{ timeout: true }} }}
    expect: [http: {{}}]
    outcome: held
    steps.tell.attempts: 1
"
    ));
    let again = HTTP.replace("30s] }", "30s], unknown: retry }");
    passes(&format!(
        "{again}tests:
  - event: {{ sample: gruveo.call/missed }}
    replies: {{ tell: [{{ timeout: true }}, {{ status: 200, json: {{}} }}] }}
    expect: [http: {{}}]
    outcome: ok
    steps.tell.attempts: 2
"
    ));
}

const FIND: &str = "\
on: gruveo.call
do:
  - id: find
    groove.find_tickets: { customer: a@example.com }
  - for_each: \"{{ steps.find.result }}\"
    as: ticket
    do:
      - id: note
        groove.add_note: { ticket: \"{{ ticket.number }}\", body: x }
";

#[test]
fn a_read_without_a_reply_fails_and_says_how_to_give_one() {
    let text = fails(&format!("{FIND}tests:\n  - event: {{ sample: gruveo.call/missed }}\n    expect: []\n"));
    assert!(
        text.contains("the step `find` (groove.find_tickets) reads, and there is no reply to it; add `replies: { find: { json: ... } }`"),
        "{text}"
    );
}

#[test]
fn a_list_of_replies_answers_turns_in_order_and_a_write_has_the_packs_sample() {
    passes(&format!(
        "{FIND}tests:
  - event: {{ sample: gruveo.call/missed }}
    replies:
      find: {{ json: {{ tickets: [{{ number: 1 }}, {{ number: 2 }}, {{ number: 3 }}] }} }}
      note: [{{ status: 404 }}]
    outcome: failed
    expect: [groove.add_note: {{ ticket: 1 }}]
  - event: {{ sample: gruveo.call/missed }}
    replies: {{ find: {{ json: {{ tickets: [{{ number: 1 }}, {{ number: 2 }}] }} }} }}
    outcome: ok
    expect: [groove.add_note: {{ ticket: 1 }}, groove.add_note: {{ ticket: 2 }}]
    steps.note.attempts: 2
    steps.note.result.note: true
"
    ));
}

const WAIT: &str = "\
on: groove.ticket_started
do:
  - wait: { event: groove.customer_replied, when: { incoming.ticket_number: \"{{ event.ticket_number }}\" }, for: 2d }
    id: answer
  - if: { steps.answer.outcome: timed_out }
    then:
      - emit: { type: tickets.silent, data: { ticket: \"{{ event.ticket_number }}\" } }
  - wait: 10m
  - record: { key: \"ticket:{{ event.ticket_number }}\", set: { at: \"{{ now }}\" } }
";

#[test]
fn a_wait_takes_a_later_event_that_fits_or_times_out() {
    let start = "{ type: groove.ticket_started, payload: { ticket_number: 7 } }";
    let reply = |number: u8, at: &str| {
        format!("{{ type: groove.customer_replied, payload: {{ ticket_number: {number} }}, at: {at} }}")
    };
    let silent = "[emit: { type: tickets.silent, data.ticket: 7 }, record: {}]";
    let rows = [
        (vec![reply(7, "1h")], "[record: { key: \"ticket:7\", set.at: \"2026-01-05T13:10:00Z\" }]"),
        (vec![reply(8, "1h")], silent),
        (vec![reply(7, "3d")], silent),
        (vec![reply(8, "1h"), reply(7, "2d")], "[record: { set.at: \"2026-01-07T12:10:00Z\" }]"),
        (Vec::new(), silent),
    ];
    let mut text = format!("{WAIT}tests:\n");
    for (replies, expect) in rows {
        let replies: String = replies.iter().map(|reply| format!(", {reply}")).collect();
        text.push_str(&format!("  - events: [{start}{replies}]\n    expect: {expect}\n    outcome: ok\n"));
    }
    passes(&text);
}

#[test]
fn attributes_begin_as_the_test_says_and_are_kept_between_runs() {
    passes(
        "on: gruveo.call
do:
  - id: person
    profile: { email: \"{{ event.tracking.email }}\", add: { calls: 1 } }
  - if: { steps.person.result.calls: { gte: 3 } }
    then: [{ emit: { type: calls.many, data: { calls: \"{{ steps.person.result.calls }}\" } } }]
tests:
  - profiles: { Ann@example.com: { calls: 1 } }
    events:
      - { sample: gruveo.call/missed, set: { tracking: { email: ann@example.com } } }
      - { sample: gruveo.call/missed, set: { tracking: { email: ANN@example.com } }, at: 5m }
    expect:
      - profile: { email: ann@example.com, add.calls: 1 }
      - profile: {}
      - emit: { type: calls.many, data: { is: { calls: 3 } } }
",
    );
}

#[test]
fn once_threshold_and_digest_see_the_events_in_their_time() {
    let call = |at: &str| format!("      - {{ sample: gruveo.call/missed, at: {at} }}\n");
    let calls = |all: &[&str]| all.iter().map(|at| call(at)).collect::<String>();
    let emit = "on: gruveo.call\ndo:\n  - emit: { type: calls.told, data: { n: \"{{ events | size }}\", at: \"{{ now }}\" } }\n";
    passes(&format!(
        "once: {{ within: 10m }}\n{emit}tests:\n  - events:\n{}    expect: [emit: {{}}, emit: {{}}]\n    verdict: [{{ matched: true }}, {{ matched: true, suppressed: once }}, {{ suppressed: once }}, {{ matched: true }}]\n",
        calls(&["0s", "1m", "9m", "10m"])
    ));
    passes(&format!(
        "threshold: {{ count: 3, within: 1h }}\n{emit}tests:\n  - events:\n{}    expect: [emit: {{ data.n: 3 }}]\n    verdict: {{ suppressed: threshold }}\n",
        calls(&["0s", "50m", "70m", "80m", "90m"])
    ));
    passes(&format!(
        "digest: {{ every: 1h, max: 3 }}\n{emit}tests:\n  - events:\n{}    expect:\n      - emit: {{ data.n: 2, data.at: \"2026-01-05T13:00:00Z\" }}\n      - emit: {{ data.n: 3, data.at: \"2026-01-05T14:02:00Z\" }}\n    verdict: {{ matched: true }}\n",
        calls(&["0s", "59m", "120m", "121m", "122m"])
    ));
}

#[test]
fn a_key_has_its_own_count() {
    passes(
        "on: gruveo.call
once: { per: \"{{ event.tracking.ticket }}\", within: 10m }
do: [{ emit: { type: calls.told, data: { ticket: \"{{ event.tracking.ticket }}\" } } }]
tests:
  - events:
      - { sample: gruveo.call/missed, set: { tracking: { ticket: \"1\" } } }
      - { sample: gruveo.call/missed, set: { tracking: { ticket: \"2\" } }, at: 1m }
      - { sample: gruveo.call/missed, set: { tracking: { ticket: \"1\" } }, at: 2m }
    expect: [emit: { data.ticket: \"1\" }, emit: { data.ticket: \"2\" }]
",
    );
}

#[test]
fn a_full_key_queues_skips_or_cancels() {
    let rule = |when_full: &str| {
        format!(
            "on: gruveo.call
concurrency: {{ limit: 1, when_full: {when_full} }}
do:
  - wait: 10m
  - emit: {{ type: calls.told, data: {{ at: \"{{{{ now }}}}\" }} }}
tests:
  - events: [{{ sample: gruveo.call/missed }}, {{ sample: gruveo.call/missed, at: 1m }}]
"
        )
    };
    let at = |time: &str| format!("emit: {{ data.at: \"2026-01-05T{time}Z\" }}");
    let both = format!("{}, {}", at("12:10:00"), at("12:20:00"));
    passes(&format!("{}    outcome: ok\n    expect: [{both}]\n", rule("queue")));
    passes(&format!("{}    outcome: [ok, skipped]\n    expect: [{}]\n", rule("skip"), at("12:10:00")));
    passes(&format!("{}    outcome: [cancelled, ok]\n    expect: [{}]\n", rule("cancel_oldest"), at("12:11:00")));
}

#[test]
fn what_follows_a_failure_is_played_too() {
    passes(
        "on: gruveo.call
do:
  - id: first
    groove.add_note: { ticket: 1, body: x }
    retry: 0
    on_error: continue
  - groove.add_note: { ticket: 2, body: \"{{ steps.first.outcome }}\" }
    id: second
    retry: 0
on_error:
  - emit: { type: calls.lost, data: { class: \"{{ error.class }}\", step: \"{{ error.step }}\" } }
tests:
  - event: { sample: gruveo.call/missed }
    replies: { first: { status: 500 } }
    expect: [groove.add_note: { ticket: 1 }, groove.add_note: { body: failed }]
    outcome: ok
  - event: { sample: gruveo.call/missed }
    replies: { second: { status: 500 } }
    expect:
      - groove.add_note: {}
      - groove.add_note: { body: ok }
      - emit: { data.class: status, data.step: second }
    outcome: failed
",
    );
}

#[test]
fn an_echo_of_our_own_action_starts_nothing() {
    passes(
        "on: [gruveo.call, groove.note_added]
do:
  - groove.add_note: { ticket: 1, body: x }
    id: note
tests:
  - events:
      - { sample: gruveo.call/missed }
      - { sample: groove.note_added, set: { id: 77 }, at: 1m }
    replies: { note: { json: { message: { id: 77 } } } }
    expect: [groove.add_note: {}]
    verdict: { suppressed: own }
",
    );
}

#[test]
fn vars_and_now_of_a_test_are_seen() {
    passes(
        "on: gruveo.call
do: [{ emit: { type: a.b, data: { channel: \"{{ vars.channel }}\", at: \"{{ now }}\" } } }]
tests:
  - event: { sample: gruveo.call/missed }
    vars: { channel: other }
    now: \"2026-03-02T10:00:00+02:00\"
    expect: [emit: { data.channel: other, data.at: \"2026-03-02T08:00:00Z\" }]
  - event: { sample: gruveo.call/missed }
    expect: [emit: { data.channel: \"{{ vars.channel }}\" }]
",
    );
}

#[test]
fn mistakes_have_their_places_and_the_way_out() {
    for (test, place, says) in [
        ("event: { sample: gruveo.call/misd }\n    expect: []", ":8:22", "did you mean `missed`?"),
        ("event: { type: gruveo.cal }\n    expect: []", ":8:20", "did you mean `gruveo.call`?"),
        ("event: { fixture: none.json }\n    expect: []", ":8:23", "no file"),
        ("event: { fixture: ../../../x.json }\n    expect: []", ":8:23", "outside of the workspace"),
        (
            "event: { sample: gruveo.call }\n    replies: { fin: {} }\n    expect: []",
            ":9:16",
            "no step that sends has the id `fin`",
        ),
        ("event: { sample: gruveo.call }\n    replies: { do.0: { status: 9 } }\n    expect: []", ":9:22", "100 to 599"),
        (
            "event: { sample: gruveo.call }\n    expect: [groove.add_nte: {}]",
            ":9:14",
            "did you mean `groove.add_note`?",
        ),
        (
            "event: { sample: gruveo.call }\n    expect: [groove.add_note: { tickt: 1 }]",
            ":9:33",
            "did you mean `ticket`?",
        ),
        ("event: { sample: gruveo.call }\n    expect: [groove.find_tickets: {}]", ":9:14", "is no effect"),
        ("event: { sample: gruveo.call }\n    outcome: okay", ":9:14", "cannot be `okay`"),
        ("event: { sample: gruveo.call }\n    verdict: { suppressed: one }", ":9:28", "did you mean `once`?"),
        ("event: { sample: gruveo.call }\n    vars: { chanel: x }\n    expect: []", ":9:13", "did you mean `channel`?"),
        ("event: { sample: gruveo.call }\n    now: 2026-01-01\n    expect: []", ":9:10", "takes a time"),
        ("events: [{ sample: gruveo.call, at: soon }]\n    expect: []", ":8:41", "takes a duration"),
        ("event: { sample: gruveo.call }\n    steps.fnd.attempts: 1", ":9:5", "no step has the id `fnd`"),
        ("event: { sample: gruveo.call }", ":8:5", "expects nothing"),
    ] {
        let found = found(&format!("{NOTE}tests:\n  - {test}\n"));
        let [only] = &found[..] else { panic!("{test}: {found:#?}") };
        assert!(only.starts_with(&format!("rules/calls/a.yaml{place}: error R")), "{test}: {only}");
        assert!(only.contains(says), "{test}: {only}");
    }
}
