//! The pages of rules: what they show, and that whatever stands in a file is text.

use std::time::Duration;

use serde_json::json;

use super::rules::{Desk, disk};
use crate::support::{
    app::{MISSED, TestApp, event_id, missed_call, states},
    both::on_both,
    journal::{Journal, Reply},
};

const HOSTILE: &str = "name: \"a & 'b' \\\"onmouseover=x\"\ndescription: \"<img src=x onerror=alert(1)>\"\non: gruveo.call\n\
    # </code></table><script>alert(2)</script>\nwhen: { event.location: \"\\\"><svg onload=alert(3)>\" }\ndo: [{ stop: \"</td>\" }]\n\
    tests:\n  - name: \"<b>test</b>\"\n    event: { sample: gruveo.call/missed }\n    expect: []\n";
const BY_HAND: &str = "name: By hand\non: { manual: { inputs: { ticket: { type: integer, required: true, help: \"<i>which</i>\" }, \
    urgency: { type: enum, choices: [low, high], default: low } } } }\ndo:\n  - stop: \"{{ event.ticket }}\"\n";
const NIGHTLY: &str = "name: Nightly\non: { schedule: { cron: \"0 9 * * *\", timezone: UTC } }\ndo:\n  - stop: done\n";
const OFF: &str = "name: Off\nenabled: false\non: gruveo.call\ndo:\n  - stop: done\n";

on_both!(the_list_tells_of_each_rule_what_it_did_and_when_it_is_next, |database| {
    let rules =
        [("calls/missed", MISSED), ("hostile", HOSTILE), ("hand", BY_HAND), ("clock/nightly", NIGHTLY), ("off", OFF)];
    let journal = Journal::start([Reply::Status(404, Vec::new(), "{}".to_owned())]).await;
    let app = TestApp::on(journal, &rules, "", database).await;
    let desk = Desk::of(&app).await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    let page = desk.get("/rules").await.is(200);
    for text in [
        "calls/missed",
        "clock/nightly",
        "rules/</span>calls",
        "in 23 h",
        "disabled",
        "failed",
        "1 run in 14 days, 1 failed",
        "never",
    ] {
        assert!(page.text.contains(text), "`{text}` is missing:\n{}", page.text);
    }
    let page = page
        .with("a &#38; &#39;b&#39; &#34;onmouseover=x")
        .without("<script>alert")
        .without("onclick")
        .without("style=");
    assert_eq!(page.text.matches("<h1").count(), 1);
    for (filter, there, not_there) in [
        ("state=failing", "id=calls%2Fmissed", "id=off"),
        ("state=never", "id=off", "id=calls%2Fmissed"),
        ("state=disabled", "id=off", "id=hand"),
        ("folder=clock", "id=clock%2Fnightly", "id=off"),
        ("q=NIGHT", "id=clock%2Fnightly", "id=off"),
        ("q=gruveo.call&state=enabled", "id=calls%2Fmissed", "id=off"),
    ] {
        desk.get(&format!("/rules?{filter}")).await.is(200).with(there).without(not_there);
    }
    desk.get("/rules?q=%3Cscript%3Ealert(1)%3C/script%3E%00'%25_")
        .await
        .is(200)
        .with("No rule is like this")
        .without("<script>alert");
});

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_goes_on_where_it_ended() {
    let rules: Vec<(String, String)> = (0..120)
        .map(|number| {
            (format!("many/r{number:03}"), format!("name: R{number}\non: gruveo.call\ndo: [{{ stop: x }}]\n"))
        })
        .collect();
    let rules: Vec<(&str, &str)> = rules.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
    let app = TestApp::with(Journal::start([]).await, &rules, "").await;
    let desk = Desk::of(&app).await;
    let mut next = "/rules".to_owned();
    let mut found = 0;
    for _ in 0..5 {
        let page = desk.get(&next).await.is(200).text;
        found += page.matches("name=\"ids\"").count();
        next = page
            .split("<a class=\"button\" href=\"/rules?")
            .nth(1)
            .map_or(String::new(), |rest| format!("/rules?{}", rest.split('"').next().unwrap()));
    }
    assert_eq!((found, next.as_str()), (120, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_rule_shows_its_text_as_text() {
    let app = TestApp::with(Journal::start([]).await, &[("hostile", HOSTILE), ("off", OFF)], "").await;
    let desk = Desk::of(&app).await;
    app.call(&missed_call("42")).await;
    app.settle().await;
    for path in ["/rules/show?id=hostile", "/rules/hostile", "/rules/hostile.yaml"] {
        let page = desk.get(path).await.is(200);
        let page = page.with("&#60;/code&#62;&#60;/table&#62;").with("id=\"L4\"").with("&#60;b&#62;test").with("evt_");
        page.without("<script>alert").without("<img src=x").without("<svg onload").without("<b>test");
    }
    desk.get("/rules/show?id=off&did=disabled").await.is(200).with("Switched off").with("It never ran");
    desk.get("/rules/show?id=off&did=%3Cscript%3E").await.is(200).without("<script>");
    for gone in [
        "/rules/show?id=nowhere",
        "/rules/show?id=../../etc/passwd",
        "/rules/show?id=%3Cscript%3E",
        "/rules/nowhere/at/all",
        "/rules/versions?id=nowhere",
    ] {
        desk.get(gone).await.is(404).without("<script>");
    }
    desk.get("/rules/show").await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_rule_begins_with_an_example_or_an_event() {
    let app = TestApp::start(Journal::start([]).await).await;
    let desk = Desk::of(&app).await;
    let event = event_id(&app.call(&missed_call("42")).await);
    app.settle().await;
    let page = desk.get("/rules/new").await.is(200);
    page.with(&format!("/rules/new?event={event}")).with("/rules/new?example=calls%2Fmissed");
    let to = desk.get("/rules/new?example=calls/missed").await.is(303).place;
    assert_eq!(to, "/rules/edit?path=rules%2Fcalls%2Fmissed-2.yaml&from=example%3Acalls%2Fmissed");
    let begun = desk.get("/rules/text?path=rules/calls/missed-2.yaml&from=example:calls/missed").await.is(200).json;
    assert_eq!((&begun["text"], &begun["digest"]), (&json!(MISSED), &json!("")));
    let to = desk.get(&format!("/rules/new?event={event}")).await.is(303).place;
    assert_eq!(to, format!("/rules/edit?path=rules%2Fgruveo%2Fcall.yaml&from=event%3A{event}&event={event}"));
    let begun = desk.get(&format!("/rules/text?path=&from=event:{event}")).await.is(200).json;
    let draft = json!({"path": begun["path"], "text": begun["text"], "event": event.to_string()});
    let tried = desk.json("/rules/draft", &draft).await.is(200).json;
    assert_eq!((&tried["ok"], &tried["explain"]["verdict"]), (&json!(true), &json!("matched")), "{tried} {begun}");
    for wrong in [
        "from=example:nowhere",
        "from=event:evt_0000000000001",
        "from=event:x",
        "from=x",
        "from=example:../x",
        "path=rules/x.yaml&from=file:/etc/passwd",
    ] {
        assert!(matches!(desk.get(&format!("/rules/text?{wrong}")).await.status, 400 | 404), "{wrong}");
    }
    let all = desk.get("/rules/samples?path=rules/calls/missed.yaml").await.is(200).json;
    assert_eq!((&all["events"][0]["id"], &all["events"][0]["heard"]), (&json!(event.to_string()), &json!(true)));
    assert_eq!((&all["samples"][0]["type"], &all["samples"][0]["heard"]), (&json!("gruveo.call"), &json!(true)));
    let schema = desk.get("/rules/schema.json").await.is(200).json;
    assert!(schema["properties"]["on"].is_object(), "{schema}");
    let diff = json!({"path": "rules/calls/missed.yaml", "text": MISSED.replace("Greece", "France")});
    let lines = desk.json("/rules/diff", &diff).await.is(200).json["lines"].clone();
    assert_eq!(lines.as_array().unwrap().iter().filter(|line| line["kind"] != "same").count(), 2);
    assert_eq!(disk(&app, "calls/missed-2"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_started_by_hand_with_what_its_form_asks_for() {
    let app =
        TestApp::with(Journal::start([]).await, &[("hand", BY_HAND), ("nightly", NIGHTLY), ("off", OFF)], "").await;
    let desk = Desk::of(&app).await;
    let page = desk.get("/rules/run?id=hand").await.is(200);
    page.with("name=\"input.ticket\"")
        .with("&#60;i&#62;which")
        .with("<option selected>low</option>")
        .with("acts for real");
    desk.form("/rules/run", &[("id", "hand")]).await.is(422).with("ticket");
    desk.form("/rules/run", &[("id", "hand"), ("input.ticket", "many")]).await.is(422);
    assert!(app.runs().await.is_empty());
    let seen =
        desk.form("/rules/run", &[("id", "hand"), ("input.ticket", "42"), ("input.urgency", "high")]).await.is(303);
    app.settle().await;
    let run = app.only_run().await;
    assert_eq!((seen.place, run.row.why.as_deref()), (format!("/runs/{}?did=started", run.row.id), Some("42")));
    desk.form("/rules/run", &[("id", "nightly")]).await.is(303);
    app.advance(Duration::from_millis(1)).await;
    assert_eq!(states(&app.runs().await), [bellwire::model::RunStatus::Ok; 2]);
    desk.get("/rules/run?id=off").await.is(422);
    desk.form("/rules/run", &[("id", "off")]).await.is(422);
    desk.form("/rules/run", &[("id", "nowhere")]).await.is(404);
}
