//! `/people` and `/calls`.

use std::time::Duration;

use bellwire::{
    model::{Change, Keeper},
    store::By,
};
use serde_json::{Value, json};

use super::visit::Visit;
use crate::support::{
    app::{MISSED, TestApp, missed_call},
    both::on_both,
    journal::Journal,
};

const KEPT: &str = "name: kept\non: gruveo.call\nwhen: { event.tracking.email: { matches: \"@\" } }\ndo:\n\
    - profile: { email: \"{{ event.tracking.email }}\", set: { last_call: \"{{ event.resolution }}\" }, add: { calls: 1 } }\n";

async fn keep(app: &TestApp, email: &str, name: &str, value: Value) {
    let mut change = Change::default();
    change.set.insert(name.to_owned(), value);
    let changes = vec![(email.to_owned(), change)];
    app.store().change_attributes(Keeper::Profile, changes, By::Import, app.now()).await.unwrap()[0].clone().unwrap();
}

on_both!(people_are_found_by_the_beginning_of_their_e_mail_page_by_page, |database| {
    let app = TestApp::on(Journal::start([]).await, &[("kept", KEPT)], "", database).await;
    let visit = Visit::owner(&app).await;
    visit.get("/people").await.with("Nothing is known of anybody yet");
    for number in 0..60 {
        keep(&app, &format!("m{number:02}@example.com"), "plan", json!("Pro")).await;
    }
    for email in ["m@example.com", "ma@example.com", "M-a@example.com", "zoe@example.com"] {
        keep(&app, email, "plan", json!("Pro")).await;
    }
    let seen =
        visit.get("/people?q=M").await.with("m00@example.com").with("m-a@example.com").without("zoe@").without("ma@");
    assert_eq!(seen.text.matches("<th scope=\"row\">").count(), 50);
    let more = seen.text.split("href=\"").find(|part| part.starts_with("/people?q=m&#38;after=")).unwrap();
    let more = more.split('"').next().unwrap().replace("&#38;", "&");
    let seen = visit.get(&more).await.with("ma@example.com").with("m@example.com").without("m00@");
    assert_eq!(seen.text.matches("<th scope=\"row\">").count(), 13);
    let seen = visit.get("/people?q=m@").await;
    assert_eq!(seen.text.matches("<th scope=\"row\">").count(), 1, "{}", seen.text);
    visit.get("/people?q=%25").await.with("Nobody");
    visit.get("/people?q=%00&after=%00").await.with("Nobody");
});

on_both!(attributes_are_changed_and_say_where_they_come_from, |database| {
    let app = TestApp::on(Journal::start([]).await, &[("kept", KEPT)], "", database).await;
    let visit = Visit::owner(&app).await;
    let mut call = missed_call("1");
    call["tracking"]["email"] = json!("maria@example.com");
    app.call(&call).await;
    app.settle().await;
    let run = app.only_run().await.row.id;
    keep(&app, "maria@example.com", "<script>alert(1)</script>", json!("<img src=x onerror=alert(1)>")).await;
    let person = "/people/maria@example.com";
    let seen = visit.get(person).await.status(200).with(&format!("/runs/{run}")).with("an import");
    seen.without("<script>alert").without("<img src=x").with("sandbox=\"\"");
    let set = [("name", "plan"), ("value", "Pro")];
    visit.send(person, &format!("{person}/set"), &set).await.status(303);
    let typed = [("name", "vip"), ("value", "{\"since\": 2020}"), ("json", "on")];
    visit.send(person, &format!("{person}/set"), &typed).await.status(303);
    visit.send(person, &format!("{person}/remove"), &[("name", "last_call")]).await.status(303);
    visit.get(person).await.with("by hand").with("since").without("last_call</th>");
    visit
        .send(person, &format!("{person}/set"), &[("name", "status"), ("value", "x")])
        .await
        .status(422)
        .with("Groove");
    visit.send(person, &format!("{person}/set"), &[("name", "a"), ("value", "{"), ("json", "on")]).await.status(400);
    visit.send(person, "/people", &[("email", "no"), ("name", "a"), ("value", "b")]).await.status(400);
    let attributes = app.store().attributes(Keeper::Profile, "maria@example.com".to_owned()).await.unwrap();
    assert_eq!((&attributes["plan"], &attributes["vip"]), (&json!("Pro"), &json!({"since": 2020})));

    let card = visit.get(&format!("{person}/card")).await.status(200).with("Pro");
    let policy = card.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("sandbox; default-src 'none'") && policy.contains("frame-ancestors 'self'"), "{policy}");
    assert_eq!(card.headers["x-frame-options"], "SAMEORIGIN");
    let place = app.folder.path();
    std::fs::create_dir_all(place.join("templates/profile")).unwrap();
    std::fs::write(place.join("data-of-ours"), "the key").unwrap();
    std::os::unix::fs::symlink(place.join("data-of-ours"), place.join("templates/profile/groove.liquid")).unwrap();
    visit.get(&format!("{person}/card")).await.status(422).with("is a link").without("the key");
    let policy = visit.get(person).await.headers["content-security-policy"].to_str().unwrap().to_owned();
    assert!(!policy.contains("unsafe-inline"), "{policy}");
});

on_both!(a_person_is_forgotten_once_the_address_was_typed, |database| {
    let app = TestApp::on(Journal::start([]).await, &[("kept", KEPT)], "", database).await;
    let visit = Visit::owner(&app).await;
    let mut call = missed_call("1");
    call["tracking"]["email"] = json!("maria@example.com");
    app.call(&call).await;
    call["tracking"]["email"] = json!("other@example.com");
    app.call(&call).await;
    app.settle().await;
    let person = "/people/maria@example.com";
    visit.get(&format!("{person}/forgetting")).await.status(404);
    let forget = format!("{person}/forget");
    visit.send(person, &forget, &[("typed", "other@example.com")]).await.status(400).with("nothing was deleted");
    assert_eq!(app.events().await.len(), 2);
    visit.send(person, &forget, &[("typed", "Maria@example.com ")]).await.status(303);
    let done = async {
        loop {
            let seen = visit.get(&format!("{person}/forgetting")).await.status(200);
            if seen.text.contains("Deleted:") {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(20), done).await.unwrap();
    seen.with("the profile").with("1 events").without("http-equiv");
    assert_eq!(app.events().await.len(), 1);
    visit.get(person).await.with("Nothing is known of this person");
    visit.get("/people").await.with("other@example.com").without("maria@");
});

on_both!(calls_are_listed_and_filtered, |database| {
    let app = TestApp::on(Journal::start([]).await, &[("calls/missed", MISSED)], "", database).await;
    let visit = Visit::owner(&app).await;
    visit.get("/calls").await.with("No calls yet").with("bellwire send gruveo.call");
    for number in 0..55 {
        let mut call = missed_call(&number.to_string());
        call["timestamp"] = json!(app.now().0);
        if number % 5 == 0 {
            call["resolution"] = json!("answered");
            call["duration"] = json!(125);
            call["user"] = json!({"name": "Ann <i>", "email": "ann@example.com"});
        }
        app.call(&call).await;
    }
    let seen = visit.get("/calls").await.status(200).with("50 calls on this page").with("2:05").without("<i>");
    let more = seen.text.split("href=\"").find(|part| part.starts_with("/calls?before=")).unwrap();
    visit.get(more.split('"').next().unwrap()).await.with("5 calls on this page").with("Newest");
    visit.get("/calls?resolution=answered&since=1d").await.with("11 calls on this page").without("badge-failed");
    visit.get("/calls?tracking=ticket%3D7").await.with("1 calls on this page");
    visit.get("/calls?who=ANN").await.with("11 calls on this page");
    visit.get("/calls?until=1h").await.with("No calls like that");
    visit.get("/calls?tracking=x").await.status(400).with("NAME=VALUE");
    let seen = visit.get("/calls?since=yesterday&link=%40acme.sales&who=ANN").await.status(400);
    let seen = seen.with("value=\"yesterday\" placeholder=\"7d\" aria-invalid=\"true\" aria-describedby=\"fault\"");
    seen.with("A time is written").with("value=\"@acme.sales\"").with("value=\"ANN\"").without("No calls");
    visit.get("/calls?before=evt_").await.status(400).with("no place in the list");
});
