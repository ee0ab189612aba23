//! `bellwire schedules` and `problems`, and what else a person does with a rule that goes by the clock.

use serde_json::json;

use crate::support::{
    journal::Journal,
    program::{Place, until},
};

const DAILY: &str = r#"
name: A report
on: { schedule: { cron: "0 9 * * mon-fri", timezone: Europe/Athens } }
when: { event.missed: { lt: 3 } }
do:
  - groove.add_note: { ticket: 1, body: "{{ event.slot }} {{ event.cron }}" }
tests:
  - name: a slot of its own
    event: { sample: schedule.fired }
    expect: [{ groove.add_note: { body: "2026-01-06T07:00:00Z 0 9 * * mon-fri" } }]
  - name: too much was missed
    event: { type: schedule.fired, payload: { missed: 3 } }
    verdict: { matched: false, because: event.missed }
"#;

#[test]
fn slots_are_printed_without_a_workspace() {
    let place = Place::empty();
    let words = [
        "--workspace",
        "nowhere",
        "schedules",
        "next",
        "30 3 * * *",
        "--timezone",
        "Europe/Athens",
        "--from",
        "2026-03-28T12:00:00Z",
        "--count",
        "2",
        "--json",
    ];
    let said = place.run(&words).fine().json();
    assert_eq!(said["slots"], json!(["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]));
    assert_eq!(said["local"], json!(["2026-03-29T04:00:00+03:00", "2026-03-30T03:30:00+03:00"]));
    let text = place.run(&["schedules", "next", "@daily", "--from", "2026-03-28T12:00:00Z", "--count", "1"]).fine();
    assert!(text.out.contains("2026-03-29T00:00:00Z"), "{text:?}");
    for (expression, why) in [("61 * * * *", "`61` is no minute: known are 0 to 59"), ("0 9 * *", "has 4 fields")] {
        let refused = place.run(&["schedules", "next", expression]);
        assert!(refused.code == 2 && refused.err.contains(why), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_listed_fired_and_started_by_hand() {
    let journal = Journal::start([]).await;
    let second = "name: A tick\non: { schedule: { every: 1s } }\ndo:\n  - stop: \"{{ event.slot }}\"\n";
    let place = Place::with_rules(&journal, &[("daily", DAILY), ("second", second)]);
    let listed = place.run(&["schedules", "--json"]).fine().json();
    assert_eq!(
        (&listed[0]["rule"], &listed[0]["words"], &listed[0]["timezone"], &listed[0]["last"]),
        (&json!("daily"), &json!("at 09:00, Monday to Friday"), &json!("Europe/Athens"), &json!(null))
    );
    assert!(listed[0]["next"].is_string(), "{listed}");
    assert!(place.run(&["test"]).fine().out.contains("2 passed"), "its tests pass");
    assert_eq!(place.run(&["problems"]).fine().out, "No problem is open.\n");

    let serving = place.serve();
    until("a slot is fired", || place.run(&["schedules", "--json"]).fine().json()[1]["last"].is_string());
    let listed = place.run(&["schedules"]).fine();
    assert!(listed.out.contains("every second, UTC"), "{listed:?}");
    assert!(["T09:00:00+02:00", "T09:00:00+03:00"].iter().any(|slot| listed.out.contains(slot)), "{listed:?}");

    place.run(&["run", "daily"]).fine();
    let note = journal.wait_for(1).await.remove(0).json()["body"].clone();
    assert!(note.as_str().is_some_and(|body| body.ends_with("Z 0 9 * * mon-fri")), "{note}");
    let run = place.run(&["runs", "list", "--rule", "daily", "--json"]).fine().json()[0]["id"].clone();
    let told = place.run(&["explain", run.as_str().unwrap()]).fine();
    assert!(told.out.contains("daily: started by hand"), "{told:?}");
    let run = place.run(&["runs", "list", "--rule", "second", "--json"]).fine().json()[0]["id"].clone();
    let told = place.run(&["explain", run.as_str().unwrap()]).fine();
    assert!(told.out.contains("second: matched"), "{told:?}");
    let dry = place.run(&["run", "daily", "--dry"]).fine();
    assert!(dry.out.contains("0 9 * * mon-fri"), "{dry:?}");
    let refused = place.run(&["run", "daily", "--input", "a=1"]);
    assert!(refused.code == 1 && refused.err.contains("takes no inputs"), "{refused:?}");

    let other = second.replace("{{ event.slot }}", "then {{ event.slot }}");
    place.write("rules/second.yaml", &other.replace("do:", "when: { event.missed: { gt: 9999 } }\ndo:"));
    let backtest = place.run(&["backtest", "--json"]);
    let told = backtest.json();
    assert!(told.to_string().contains("event.missed gt 9999 wanted"), "{told}");
    drop(serving);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_source_is_told_by_problems_and_doctor() {
    let journal = Journal::start([]).await;
    let place = Place::with_rules(&journal, &[("daily", DAILY)]);
    let settings = place.read("bellwire.toml");
    place.write("bellwire.toml", &settings.replace("[sources.box]\n", "[sources.box]\nexpect = \"every 1s\"\n"));
    let _serving = place.serve();
    until("the silence is noticed", || place.run(&["problems"]).fine().out.contains("silence  box"));
    let told = place.run(&["problems", "--json"]).fine().json();
    assert_eq!((&told[0]["fingerprint"], &told[0]["solved_at"]), (&json!("silence:box"), &json!(null)), "{told}");
    let doctor = place.run(&["doctor"]);
    assert!(doctor.out.contains("warn  problems  1 problem open: silence of box"), "{doctor:?}");
    assert!(doctor.out.contains("ok    schedules 1 schedule, none overdue"), "{doctor:?}");
}
