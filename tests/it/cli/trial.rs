//! `bellwire test` and `bellwire run --dry`: what a rule would do, with nothing sent.

use std::process::{Command, Stdio};

use crate::support::{
    app::{GROOVE_TOKEN, GRUVEO_KEY, MISSED},
    journal::Journal,
    program::{Ended, PROGRAM, Place, until},
};

const FILE: &str = "rules/calls/missed.yaml";

/// A workspace with the example rule, and nothing of a server.
fn place() -> Place {
    let place = Place::empty();
    place.write(FILE, MISSED);
    place
}

#[test]
fn the_example_passes_its_own_tests() {
    let place = Place::empty();
    place.run(&["init", "."]).fine();
    let tested = place.run(&["test"]).fine();
    assert!(tested.out.starts_with("ok    calls/missed  "), "{}", tested.out);
    assert!(tested.out.contains(" of 1 rule: "), "{}", tested.out);
    assert_eq!(tested.err, "");
    assert!(!place.path().join("data/bellwire.db").exists(), "a test makes no database");
}

#[test]
fn a_failure_is_told_to_people_machines_and_ci() {
    let place = place();
    place.write(FILE, &MISSED.replace("contains: Greece", "contains: Crete"));
    place.write("rules/other.yaml", "name: other\non: gruveo.call\ndo: []\n");
    let text = place.run(&["test", "--junit", "report.xml"]);
    assert_eq!(text.code, 1);
    assert!(text.out.contains("!=   body: { contains: Crete }"), "{}", text.out);
    assert!(text.out.contains("1 rule has no tests: other\n    help: write `tests:`"), "{}", text.out);
    assert!(!text.out.contains('\u{1b}'), "colours are for terminals");
    let json = place.run(&["test", "--json"]);
    assert_eq!((json.code, &json.json()["failed"]), (1, &1.into()));
    let cases = json.json()["cases"].as_array().unwrap().clone();
    assert!(cases.iter().any(|case| case["passed"] == false && case["file"] == FILE && case["line"].is_u64()));
    let xml = place.read("report.xml");
    assert!(xml.contains("<failure message=\"groove.add_note differs: body: wanted contains Crete"), "{xml}");
    assert_eq!(place.run(&["test", "other"]).fine().code, 0);
    assert_eq!(place.run(&["test", "--filter", "ANSWERED"]).fine().code, 0);
    assert_eq!(place.run(&["test", "--filter", "no such thing"]).code, 1);
    assert_eq!(place.run(&["test", "rules/nowhere"]).code, 2);
}

#[test]
fn a_file_with_an_error_fails_the_tests_and_is_named() {
    let place = place();
    place.write("rules/bad.yaml", "name: bad\non: gruveo.cal\ndo: []\n");
    let tested = place.run(&["test"]);
    assert_eq!(tested.code, 1);
    assert!(tested.out.contains("rules/bad.yaml:2:5: error R030"), "{}", tested.out);
    assert!(tested.out.contains("1 error in the files"), "{}", tested.out);
    assert_eq!(place.run(&["test", "calls"]).fine().code, 0, "an error elsewhere is not asked for");
    place.write(FILE, &MISSED.replace("gruveo.call/missed", "gruveo.call/misd"));
    let tested = place.run(&["test", "calls"]);
    assert_eq!(tested.code, 1);
    assert!(tested.out.contains("did you mean `missed`?"), "{}", tested.out);
}

#[test]
fn a_thousand_cases_are_one_run_that_tells_its_time() {
    let place = Place::empty();
    let (head, tests) = MISSED.split_once("tests:\n").unwrap();
    for file in 0..50 {
        let text = format!("{}tests:\n{}", head.replacen("name: ", &format!("name: {file} "), 1), tests.repeat(10));
        place.write(&format!("rules/r{file}.yaml"), &text);
    }
    let json = place.run(&["test", "--json"]).fine().json();
    assert!(json["tests"].as_u64().unwrap() >= 1_000, "{}", json["tests"]);
    let sum = place.run(&["test"]).fine().out;
    let took = sum.rsplit_once('(').unwrap().1.split(' ').next().unwrap();
    assert!(took.parse::<f64>().is_ok(), "{sum}");
}

#[test]
fn a_watch_runs_them_again_when_a_rule_changes() {
    let place = place();
    place.write("templates/x.liquid", "x");
    let out = std::fs::File::create(place.path().join("out")).unwrap();
    let mut child = place.command(PROGRAM).args(["test", "--watch"]).stdout(out).spawn().unwrap();
    until("the tests ran", || place.read("out").contains("passed"));
    std::thread::sleep(std::time::Duration::from_millis(500));
    place.write(FILE, &MISSED.replace("contains: Greece", "contains: Crete"));
    until("they ran again", || place.read("out").contains("1 failed"));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The lines of a wire that a dry run shows, as JSON.
fn dry(place: &Place, words: &[&str]) -> Ended {
    let mut all = vec!["run", "calls/missed", "--dry"];
    all.extend(words);
    place.run(&all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_very_bytes_that_are_sent() {
    let journal = Journal::start([]).await;
    let place = Place::workspace(&journal);
    let _serving = place.serve();
    place.call("42").fine();
    let received = journal.wait_for(1).await.remove(0);
    let runs = place.runs();
    let event = runs[0]["event"].as_str().unwrap();

    let shown = dry(&place, &["--event", event, "--json"]).fine();
    let wire = &shown.json()["dry"]["exchanges"][0]["request"].clone();
    assert_eq!(wire["method"], received.method);
    assert_eq!(wire["url"], format!("http://{}{}", journal.address, received.path));
    assert_eq!(wire["body"], received.body);
    let mut shown_headers: Vec<(String, String)> = serde_json::from_value(wire["headers"].clone()).unwrap();
    let mut sent_headers = received.headers.clone();
    for headers in [&mut shown_headers, &mut sent_headers] {
        headers.sort();
        // The run's own, and the secret, stand for themselves below.
        headers.retain(|(name, _)| name != "idempotency-key" && name != "authorization");
    }
    assert_eq!(shown_headers, sent_headers);
    assert!(shown.out.contains("Bearer ‹groove_token›"), "{}", shown.out);
    let text = dry(&place, &["--event", event]).fine().out;
    assert!(text.contains("it matches") && text.contains("Nothing was sent"), "{text}");
    assert!(text.contains("assumed: the sample of the pack; --reply do.0=FILE"), "{text}");
    for said in [&shown.out, &text] {
        assert!(!said.contains(GROOVE_TOKEN) && !said.contains(GRUVEO_KEY), "{said}");
    }
    assert_eq!(journal.requests().len(), 1, "a dry run sends nothing");
}

#[test]
fn a_rule_that_does_not_match_says_why_and_goes_on_by_force() {
    let place = place();
    let silent = dry(&place, &["--event", "sample:gruveo.call/answered"]);
    assert_eq!(silent.code, 1);
    assert!(silent.out.contains("event.resolution is \"missed\", and \"answered\" was seen"), "{}", silent.out);
    let forced = dry(&place, &["--event", "sample:gruveo.call/answered", "--force", "--json"]);
    assert_eq!(forced.json()["dry"]["verdict"]["verdict"], "not_matched");
    assert_eq!(forced.code, 1, "a request that cannot be made is a no: {forced:?}");
    place.write(
        "call.json",
        r#"{"resolution": "missed", "location": "Crete", "link": "a", "waitingTime": 1, "tracking": {"ticket": "42"}}"#,
    );
    let fine = dry(&place, &["--event", "call.json", "--reply", "do.0={\"status\": 404}"]);
    assert_eq!(fine.code, 0, "{fine:?}");
    assert!(fine.out.contains("/tickets/42/messages") && fine.out.contains("-> 404 (as given)"), "{}", fine.out);
    assert!(fine.out.contains("note: secret `groove_token` is not set here"), "{}", fine.out);
    for (words, says) in [
        (vec!["--event", "nowhere.json"], "nowhere.json"),
        (vec!["--event", "sample:gruveo.call/misd"], "did you mean `missed`?"),
        (vec!["--event", "call.json", "--reply", "x"], "ID=FILE"),
        (vec![], "--event"),
    ] {
        let wrong = dry(&place, &words);
        assert_eq!(wrong.code, 2, "{wrong:?}");
        assert!(wrong.err.contains(says), "{words:?}: {}", wrong.err);
    }
}

#[test]
fn what_would_be_refused_is_told_and_is_a_no() {
    let place = Place::empty().with("BELLWIRE_SECRET_CRM_TOKEN", "a-token-of-the-crm");
    let rule = |url: &str| {
        format!(
            "name: a\non: gruveo.call\ndo:\n  - http:\n      method: POST\n      url: {url}\n      auth: {{ bearer: crm_token }}\n      json: {{}}\n"
        )
    };
    for (url, class) in [("http://10.0.0.1/x", "egress_denied"), ("https://crm.example.com/x", "secret_origin")] {
        place.write("rules/a.yaml", &rule(url));
        let told = place.run(&["run", "a", "--dry", "--event", "sample:gruveo.call"]);
        assert_eq!(told.code, 1, "{told:?}");
        assert!(told.out.contains(&format!("REFUSED  {class}: ")), "{}", told.out);
        assert!(!told.out.contains("a-token-of-the-crm"), "{}", told.out);
    }
}

/// No system call of the network at all: the trace would name it.
#[test]
fn neither_tests_nor_a_dry_run_touch_the_network() {
    assert!(Command::new("strace").arg("-V").output().is_ok(), "strace is missing: run `make setup`");
    let place = place().with("BELLWIRE_SECRET_GROOVE_TOKEN", GROOVE_TOKEN);
    for words in [&["test"][..], &["run", "calls/missed", "--event", "sample:gruveo.call/missed", "--dry", "--force"]] {
        let traced = place
            .command("strace")
            .args(["-f", "-e", "trace=network", "-o", "trace", PROGRAM])
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&traced.stdout), String::from_utf8_lossy(&traced.stderr));
        let trace = place.read("trace");
        assert!(trace.contains("exited with"), "the trace is not one: {trace}\n{said}");
        for call in ["connect(", "sendto(", "sendmsg(", "bind(", "AF_INET", "AF_INET6"] {
            assert!(!trace.contains(call), "{words:?} called {call}\n{trace}\n{said}");
        }
        assert!(said.contains("groove.add_note") || said.contains("calls/missed"), "{said}");
    }
}

/// The trace names what a verb that does send calls: the test above can fail.
#[test]
fn a_verb_that_sends_is_seen_in_the_trace() {
    let place = place().with("BELLWIRE_SECRET_GRUVEO_KEY", GRUVEO_KEY);
    let mut command = place.command("strace");
    command.args([
        "-f",
        "-e",
        "trace=network",
        "-o",
        "trace",
        PROGRAM,
        "send",
        "gruveo.call",
        "--url",
        "http://127.0.0.1:9",
    ]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(place.read("trace").contains("connect("));
}
