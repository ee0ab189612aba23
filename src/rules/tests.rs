//! What reading a rule gives, for rules without templates; wrong rules with their findings are files in `tests/data/rules/bad`.

mod cases;

use std::time::Duration;

use serde_json::json;

use super::{fake::Fake, parse::read_rule, *};
use crate::{model::Finding, templates::Files};

fn findings(text: &str) -> Vec<Finding> {
    read_rule("rules/a.yaml", text, &Files::default(), &Fake::new()).findings
}

fn codes(text: &str) -> Vec<(&'static str, u32, u32)> {
    findings(text).into_iter().map(|finding| (finding.code, finding.place.line, finding.place.column)).collect()
}

fn rule(text: &str) -> Rule {
    let read = read_rule("rules/a.yaml", text, &Files::default(), &Fake::new());
    match read.rule {
        Some(rule) => rule,
        None => panic!("{:#?}", read.findings),
    }
}

const HEAD: &str = "name: x\non: gruveo.call\n";

#[test]
fn a_whole_rule_is_read() {
    let rule = rule(
        "name: x\ndescription: y\nenabled: false\non: [gruveo.call, groove.*]\ntimeout: 1h\nwhen:\n  event.resolution: missed\ndo:\n\
         - id: find\n  groove.find_tickets: { state: unread }\n  connection: groove_eu\n  retry: 2\n\
         - if: { steps.find.result: { empty: false } }\n  then:\n  - groove.add_note: { ticket: 42, body: hi }\n    on_error: continue\n  else:\n  - stop: nothing to do\n\
         - http: { method: POST, url: \"https://a.example/x?y=1\", auth: { bearer: crm_token }, headers: { X-A: b }, json: { a: [1, null] } }\n  timeout: 2m\n  retry: { after: [5s, 1m], when: [network, 429, 5xx], unknown: ask }\n  on_error:\n  - fail: no\n\
         on_error:\n- groove.create_ticket: { subject: failed }\n\
         tests:\n- name: t\n  event: { sample: gruveo.call/missed, set: { a: 1 } }\n  expect: []\n",
    );
    assert_eq!(&*rule.id, "a");
    assert!(!rule.enabled);
    assert_eq!(rule.on.len(), 2);
    assert!(rule.hears("groove.anything", false) && !rule.hears("groove.anything", true));
    assert_eq!(rule.timeout, Some(Duration::from_hours(1)));
    let paths: Vec<&str> = rule.steps.iter().map(|step| step.path.0.as_str()).collect();
    assert_eq!(paths, ["do.0", "do.1", "do.2"]);
    assert_eq!(rule.steps[0].retry.after, [Duration::from_secs(5), Duration::from_secs(30)]);
    assert_eq!(rule.steps[0].timeout, Duration::from_secs(30));
    let StepKind::Action { connection, inputs, .. } = &rule.steps[0].kind else { panic!() };
    assert_eq!((connection.as_deref(), inputs.len()), (Some("groove_eu"), 1));
    let StepKind::Block { then, otherwise } = &rule.steps[1].kind else { panic!() };
    assert_eq!((then[0].path.0.as_str(), otherwise[0].path.0.as_str()), ("do.1.then.0", "do.1.else.0"));
    let step = &rule.steps[2];
    assert_eq!(step.timeout, Duration::from_mins(2));
    assert_eq!(step.retry.unknown, Some(Unknown::Ask));
    assert_eq!(step.retry.when, RetryWhen { network: true, statuses: vec![(429, 429), (500, 599)] });
    let StepKind::Http(http) = &step.kind else { panic!() };
    assert_eq!(http.auth, Some(HttpAuth::Bearer("crm_token".to_owned())));
    assert!(matches!(&step.on_error, OnStepError::Steps(steps) if steps[0].path.0 == "do.2.on_error.0"));
    assert_eq!(rule.on_error[0].path.0, "on_error.0");
    assert_eq!(rule.tests[0]["name"], json!("t"));
}

#[test]
fn retries_beyond_the_standard_delays_repeat_the_last() {
    let rule = rule(&format!("{HEAD}do:\n- groove.find_tickets:\n  retry: 10\n- groove.find_tickets:\n  retry: 0\n"));
    let seconds: Vec<u64> = rule.steps[0].retry.after.iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 36_000, 36_000]);
    assert!(rule.steps[1].retry.after.is_empty());
}

#[test]
fn all_findings_come_at_once_and_in_order() {
    let text = "name: x\non: gruveo.cal\ntrigger: y\nwhen:\n  event.resolution: mised\n  even.x: 1\ndo:\n- groove.add_nte: {}\n- groove.add_note: { tickt: 1 }\n  timout: 5s\n- wait: soon\n";
    assert_eq!(
        codes(text),
        [
            ("R030", 2, 5),
            ("R021", 3, 1),
            ("R041", 6, 3),
            ("R032", 8, 3),
            ("R034", 9, 3),
            ("R034", 9, 3),
            ("R033", 9, 22),
            ("R020", 10, 3),
            ("R025", 11, 9)
        ]
    );
}

#[test]
fn a_warning_leaves_the_step_and_the_rule_whole() {
    let text =
        format!("{HEAD}do:\n- http: {{ url: \"https://a.example/\", headers: {{ Authorization: Bearer x }} }}\n");
    let read = read_rule("rules/a.yaml", &text, &Files::default(), &Fake::new());
    assert_eq!(read.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["R057"]);
    let rule = read.rule.unwrap();
    let [Step { kind: StepKind::Http(http), .. }] = &rule.steps[..] else { panic!("{:?}", rule.steps) };
    assert_eq!(http.headers.len(), 1);
}

#[test]
fn a_fault_in_one_condition_does_not_hide_the_others() {
    for when in [
        "  event.resolution: { equals: missed }\n  event.lnk: a\n",
        "  any:\n  - event.resolution: { equals: missed }\n  - event.lnk: a\n",
        "  not: { event.resolution: { equals: missed }, event.lnk: a }\n",
        "  event.resolution: { equals: missed, in: [mised] }\n",
        "  event.resolution:\n  event.link: { gt: 5 }\n",
    ] {
        let text = format!("{HEAD}when:\n{when}do: []\n");
        assert_eq!(findings(&text).len(), 2, "{when}: {:#?}", findings(&text));
    }
}

#[test]
fn wrong_types_and_ranges_name_what_is_allowed() {
    for (step, code, help) in [
        ("- http: { url: 5 }", "R023", ""),
        ("- http: { url: \"https://a.example\", method: [GET] }", "R023", ""),
        ("- http: { url: \"https://a.example\", headers: x }", "R023", ""),
        ("- groove.find_tickets:\n  retry: -1", "R024", "from 0 to 50"),
        ("- groove.find_tickets:\n  retry: 1000000000", "R024", "from 0 to 50"),
        ("- groove.find_tickets:\n  timeout: 0s", "R024", "from 1s to 2m"),
        ("- groove.find_tickets:\n  timeout: 365d", "R024", "from 1s to 2m"),
        ("- groove.find_tickets:\n  timeout: 30", "R025", "such as 30s"),
        ("- groove.find_tickets:\n  retry: { unknown: verify }", "R088", "`ask`"),
        ("- http: { url: \"https://a.example/\" }\n  retry: { unknown: verify }", "R088", "`ask`"),
        ("- http: { url: \"ftp://a.example\" }", "R063", "https://"),
        ("- http: { url: \"https://user:pw@a.example/\" }", "R057", "auth"),
        ("- http: { url: \"https://a.example/\", headers: { Host: x } }", "R064", ""),
        ("- http: { method: PUT, url: \"https://a.example/\", json: {}, text: x }", "R027", "one of them"),
        ("- stop: x\n  retry: 1", "R028", ""),
        ("- {}", "R027", ""),
        ("- id: Find\n  stop: x", "R026", ""),
        ("- groove.create_ticket: { subject: x, urgent: maybe }", "R035", ""),
        ("- groove.find_tickets: { state: open }", "R035", "did you mean `opened`"),
    ] {
        let found = findings(&format!("{HEAD}do:\n{step}\n"));
        assert_eq!(found.len(), 1, "{step}: {found:#?}");
        assert_eq!(found[0].code, code, "{step}: {}", found[0]);
        assert!(found[0].help.contains(help), "{step}: {}", found[0]);
    }
}

#[test]
fn conditions_are_checked_against_the_payload() {
    for (condition, code, help) in [
        ("event.resolutoin: missed", "R042", "did you mean `resolution`"),
        ("event.resolution: mised", "R043", "did you mean `missed`"),
        ("event.waitingTime: \"5\"", "R043", "without quotes: 5"),
        ("event.waitingTime: 1.5", "R043", ""),
        ("event.location: 5", "R043", "\"5\""),
        ("event.location: { gt: 5 }", "R043", "nothing is converted"),
        ("event.resolution: { not: mised }", "R043", "missed"),
        ("event.resolution: { in: [missed, foo] }", "R043", ""),
        ("event.user.mail: x", "R042", "email"),
        ("event.resolution: { matches: \"(\" }", "R048", ""),
        ("event.resolution: { matches: \"(?:a{1000}){1000}\" }", "R048", ""),
        ("event.resolution: { equals: missed }", "R046", "`is`"),
        ("event.resolution: {}", "R047", "is: {}"),
        ("event.resolution:", "R047", "exists"),
        ("event.waitingTime: { between: [1] }", "R047", ""),
        ("event.waitingTime: { gt: \"5\" }", "R047", "not `42`"),
        ("event.waitingTime: { gt: 5, ignore_case: true }", "R028", ""),
        ("now: { in_hours: offce }", "R037", "office"),
        ("now: { before: yesterday }", "R047", "offset"),
        ("steps.x.result: 1", "R041", ""),
        ("secrets.token: x", "R057", ""),
        ("payload.x: 1", "R041", "event"),
        ("resolution: missed", "R041", "event.resolution"),
        ("trigger.time: x", "R056", "type"),
        ("vars.nothing: x", "R053", ""),
        ("any: []", "R024", ""),
        ("\"{{ event.x }}\": 1", "R040", "vars"),
    ] {
        let found = findings(&format!("{HEAD}when:\n  {condition}\ndo: [{{ stop: x }}]\n"));
        assert_eq!(found.len(), 1, "{condition}: {found:#?}");
        assert_eq!(found[0].code, code, "{condition}: {}", found[0]);
        assert!(found[0].help.contains(help), "{condition}: {}", found[0]);
    }
    for condition in [
        "event.tracking.anything: x",
        "event.user.email: { ends_with: example.com, ignore_case: true }",
        "event.assignedUsers.*.active: true",
        "event.user: { is: null }",
        "event.score: 1",
        "vars.channel: \"#calls\"",
        "any: [{ event.resolution: missed }, { all: [{ event.waitingTime: { between: [1, 2] } }] }]",
        "not: { event.resolution: { in: [missed] } }",
        "now: { after: 4h ago, in_hours: office }",
        "trigger.headers.x-a: b",
    ] {
        assert_eq!(codes(&format!("{HEAD}when:\n  {condition}\ndo: [{{ stop: x }}]\n")), [], "{condition}");
    }
}

#[test]
fn steps_and_files_are_bounded() {
    let many = "- stop: x\n".repeat(201);
    assert_eq!(codes(&format!("{HEAD}do:\n{many}")), [("R070", 204, 3)]);
    for (file, fits) in [
        ("rules/a.yaml", true),
        ("rules/calls/missed-2.yml", true),
        ("rules/../a.yaml", false),
        ("rules/__proto__.yaml", false),
        ("rules/a b.yaml", false),
        ("rules/é.yaml", false),
    ] {
        let read = read_rule(file, &format!("{HEAD}do: []"), &Files::default(), &Fake::new());
        assert_eq!(read.findings.is_empty(), fits, "{file}");
    }
    for name in ["\"\"", "\"a\\nb\"", "\"<b>x</b>\"", &"x".repeat(10_000)] {
        let found = findings(&format!("name: {name}\non: gruveo.call\ndo: []\n"));
        assert!(matches!(&found[..], [finding] if finding.code == "R026"), "{found:?}");
    }
}

#[test]
fn xml_and_multipart_bodies_are_checked() {
    let found =
        |body: &str| codes(&format!("{HEAD}do:\n- http:\n    method: POST\n    url: https://a.example/\n    {body}\n"));
    for body in [
        "xml: { order: { '@id': '{{ event.resolution }}', item: [a, b], '#text': x } }",
        "multipart: { a: 1, b: [x, y], f: { value: '{{ event.resolution }}', filename: a.txt, content_type: text/plain } }",
    ] {
        assert!(found(body).is_empty(), "{body}: {:?}", found(body));
    }
    for (body, code) in [
        ("xml: x", "R023"),
        ("xml: { a: 1, b: 2 }", "R023"),
        ("xml: { a b: 1 }", "R023"),
        ("xml: { a: { '@b': [1] } }", "R023"),
        ("multipart: x", "R023"),
        ("multipart: { f: { filename: x } }", "R022"),
        ("multipart: { f: { value: x, file: y } }", "R020"),
        ("multipart: { f: '{{ nothing.here }}' }", "R041"),
    ] {
        assert_eq!(found(body).first().map(|(code, ..)| *code), Some(code), "{body}: {:?}", found(body));
    }
}

#[test]
fn steps_with_one_id_and_tests_of_a_wrong_shape_are_found() {
    assert_eq!(codes(&format!("{HEAD}do:\n- id: a\n  stop: x\n- id: a\n  stop: y\n")), [("R051", 6, 7)]);
    for (test, code) in [
        ("- name: x", "R022"),
        ("- event: { sample: a, type: b }", "R022"),
        ("- event: { sampel: a }", "R020"),
        ("- event: { sample: a }\n  expect: [{ a: {}, b: {} }]", "R027"),
        ("- event: { sample: a }\n  steps.find.tries: 2", "R020"),
    ] {
        let found = findings(&format!("{HEAD}do: []\ntests:\n{test}\n"));
        assert!(found.iter().any(|finding| finding.code == code), "{test}: {found:#?}");
    }
    assert_eq!(
        codes(&format!(
            "{HEAD}do: []\ntests:\n- event: {{ sample: a }}\n  steps.find.attempts: 2\n  outcome: failed\n"
        )),
        []
    );
}
