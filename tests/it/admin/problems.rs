//! Problems: failed runs that are one thing, told once, and what a person says of them.

use std::{collections::BTreeMap, time::Duration};

use bellwire::{
    model::{Problem, ProblemState, RunStatus},
    store::{JobState, ProblemRow, RunFilter},
};

use super::browser::Browser;
use crate::support::{
    app::{MISSED, TestApp, missed_call},
    both::on_both,
    journal::{Journal, Reply},
};

/// Hears problems, and fails of it if its own call does.
const TELLS: &str = "name: tells\non: [bellwire.problem_opened, bellwire.problem_solved]\ndo:\n\
    \x20 - groove.add_note: { ticket: 7, body: \"{{ event.subject }} {{ event.class }} {{ event.count }}\" }\n";

async fn start(replies: Vec<Reply>, rules: &[(&str, &str)], database: BTreeMap<String, String>) -> TestApp {
    TestApp::on(Journal::start(replies).await, rules, "", database).await
}

async fn call(app: &TestApp, ticket: &str) {
    app.call(&missed_call(ticket)).await;
    app.settle().await;
}

async fn only(app: &TestApp) -> ProblemRow {
    let mut rows = app.store().problems(false, 10).await.unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

fn refused(count: usize) -> Vec<Reply> {
    vec![Reply::status(422); count]
}

on_both!(failures_alike_are_one_problem_until_the_rule_succeeds_there, |database| {
    let app = start(refused(2), &[("calls/missed", MISSED)], database).await;
    call(&app, "1").await;
    call(&app, "2").await;
    let problem = only(&app).await;
    assert_eq!((problem.kind.as_str(), problem.count, problem.state), ("run", 2, ProblemState::Open));
    assert_eq!((problem.rule.as_deref(), problem.host.as_deref()), (Some("calls/missed"), Some("groove")));
    assert_eq!(problem.class.as_deref(), Some("status"));
    assert_eq!(app.store().open_problems().await.unwrap(), 1);
    let of_it = RunFilter { problem: Some(problem.id), ..RunFilter::default() };
    assert_eq!(app.store().runs(of_it).await.unwrap().len(), 2);

    let browser = Browser::of(&app).await;
    let list = browser.page("/problems").await;
    assert!(list.contains(&format!("/problems/{}", problem.id)) && list.contains("calls/missed"), "{list}");
    let page = browser.page(&format!("/problems/{}", problem.id)).await;
    for wanted in ["badge-open", "Newest example", "/v1/tickets/2/messages", "As curl", "all 2 runs", "said no"] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }

    let app = app.restart().await;
    call(&app, "3").await;
    let solved = only(&app).await;
    assert_eq!((solved.state, solved.solved_at), (ProblemState::Solved, Some(app.now())), "also after a restart");
    assert_eq!(app.store().open_problems().await.unwrap(), 0);
    let browser = Browser::of(&app).await;
    for list in ["/problems", "/problems?state=solved"] {
        let page = browser.page(list).await;
        assert!(page.contains("2 runs were never repeated"), "{list}: {page}");
    }
    let page = browser.page(&format!("/problems/{}", solved.id)).await;
    assert!(
        page.contains("It is solved, but 2 runs were never repeated") && page.contains("Replay for real"),
        "{page}"
    );
});

on_both!(all_failed_runs_of_a_problem_are_replayed_once, |database| {
    let app = start(refused(3), &[("calls/missed", MISSED)], database).await;
    for ticket in ["1", "2", "3"] {
        call(&app, ticket).await;
    }
    let path = format!("/problems/{}", only(&app).await.id);
    let browser = Browser::of(&app).await;
    let sent = browser.send(&path, &format!("{path}/replay"), &[("with", "original")]).await;
    assert_eq!(sent.status, 303, "{sent:?}");
    let job = sent.location.strip_prefix("/jobs/").unwrap().parse().unwrap();
    while app.store().job(job).await.unwrap().unwrap().state == JobState::Running {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    app.settle().await;
    let runs = app.runs().await;
    assert_eq!(runs.iter().filter(|run| run.status == RunStatus::Ok && run.replay_of.is_some()).count(), 3, "{runs:?}");
    assert_eq!(only(&app).await.state, ProblemState::Solved);
    let page = browser.page(&path).await;
    assert!(!page.contains("Replay for real"), "nothing is left to repeat: {page}");
    for run in runs.iter().filter(|run| run.replay_of.is_some()) {
        let told = format!(
            "repeated by <a class=\"mono\" href=\"/runs/{0}\">{0}</a>: <span class=\"badge badge-ok\">",
            run.id
        );
        assert!(page.contains(&told), "{told}: {page}");
        assert!(browser.page("/runs?state=failed").await.contains(&told), "{told}");
    }
    assert!(!browser.page("/problems").await.contains("never repeated"));
    let page = browser.page(&sent.location).await;
    for wanted in
        ["3 of 3 dealt with: 3 new runs", "What became of 3 new runs", "<span class=\"badge badge-ok\">3 ok</span>"]
    {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
});

on_both!(a_muted_problem_is_counted_and_a_resolved_one_opens_again, |database| {
    let app = start(refused(5), &[("calls/missed", MISSED)], database).await;
    call(&app, "1").await;
    let (browser, path) = (Browser::of(&app).await, format!("/problems/{}", only(&app).await.id));
    let say = async |word: &str, fields: &[(&str, &str)]| {
        let sent = browser.send(&path, &format!("{path}/{word}"), fields).await;
        assert_eq!(sent.status, 303, "{sent:?}");
    };
    say("acknowledge", &[]).await;
    call(&app, "2").await;
    let known = only(&app).await;
    assert_eq!((known.state, known.count), (ProblemState::Acknowledged, 2));
    assert_eq!(app.store().open_problems().await.unwrap(), 0, "somebody knows");

    say("mute", &[("for", "1h")]).await;
    call(&app, "3").await;
    assert_eq!((only(&app).await.state, only(&app).await.count), (ProblemState::Muted, 3));
    assert!(browser.page("/problems?state=muted").await.contains(&path));
    let now = browser.page("/problems").await;
    assert!(!now.contains(&path) && now.contains("1 problem is muted"), "{now}");
    app.advance(Duration::from_secs(3601)).await;
    assert_eq!(only(&app).await.state, ProblemState::Open, "an hour is over");

    say("resolve", &[]).await;
    let first = only(&app).await;
    assert_eq!(first.state, ProblemState::Solved);
    let late = browser.send("/runs", &format!("{path}/acknowledge"), &[]).await;
    assert_ne!(late.status, 303, "{late:?}");
    call(&app, "4").await;
    let again = only(&app).await;
    assert_eq!((again.state, again.count, again.opened_at), (ProblemState::Open, 1, app.now()));
    assert_eq!(again.first_at, first.first_at);
});

on_both!(rules_hear_of_a_problem_once_and_never_of_their_own, |database| {
    let rules = [("calls/missed", MISSED), ("tells", TELLS)];
    let app = start([422, 200, 422, 200, 422].map(Reply::status).to_vec(), &rules, database).await;
    call(&app, "1").await;
    app.settle().await;
    call(&app, "2").await;
    app.settle().await;
    let told = || app.journal.requests().into_iter().filter(|request| request.path.contains("/tickets/7/")).count();
    assert_eq!(told(), 1, "one of two failures");
    let event = app.events().await.into_iter().find(|event| event.kind == "bellwire.problem_opened").unwrap();
    assert_eq!(event.source, "bellwire");
    let browser = Browser::of(&app).await;
    let body: serde_json::Value =
        serde_json::from_str(&browser.get(&format!("/events/{}/body", event.id)).await.text).unwrap();
    for time in ["first_at", "opened_at", "last_at"] {
        assert_eq!(body[time], app.now().to_string().as_str(), "{body}");
    }

    // The next call goes well: it is told that the problem is gone, and that message fails.
    call(&app, "3").await;
    app.settle().await;
    app.settle().await;
    assert_eq!(told(), 2);
    let problems = app.store().problems(true, 10).await.unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].rule.as_deref(), Some("tells"));
    let count = app.events().await.len();
    app.settle().await;
    assert_eq!(app.events().await.len(), count, "of that nobody is told");
});

const POLL: &str =
    "name: Ask\non: { poll: { every: 1h, groove.list_mailboxes: {}, items: result, key: id } }\ndo:\n- stop: done\n";

on_both!(each_problem_leads_to_its_thing_and_to_what_helps, |database| {
    let app = start(vec![], &[("ask", POLL), ("tells", TELLS)], database).await;
    let browser = Browser::of(&app).await;
    let kinds: [(&'static str, &str, &[&str]); 5] = [
        ("silence", "gruveo", &["href=\"/sources/gruveo\"", "href=\"/events?source=gruveo&#38;state=refused\""]),
        ("grant", "groove", &["href=\"/connections/groove\"", "action=\"/connections/groove/login\"", "Log in again"]),
        (
            "poll",
            "ask",
            &["href=\"/rules/show?id=ask\"", "action=\"/schedules/poll\"", "value=\"ask\"", "Ask for real"],
        ),
        ("schedule", "ask", &["href=\"/rules/show?id=ask\"", "href=\"/schedules\""]),
        ("circuit", "https://down.example.com", &["href=\"/connections\""]),
    ];
    for (kind, subject, wanted) in kinds {
        let message = format!("<b>no</b> since {}.", app.now());
        let problem = Problem { fingerprint: format!("{kind}:x"), kind, subject: subject.to_owned(), message };
        app.store().raise(problem, app.now()).await.unwrap();
        let row = app.store().problems(false, 10).await.unwrap().into_iter().find(|row| row.kind == kind).unwrap();
        let page = browser.page(&format!("/problems/{}", row.id)).await;
        let main = page.split_once("<main").unwrap().1;
        for wanted in wanted {
            assert!(main.contains(wanted), "{kind}: {wanted}: {main}");
        }
        let time = format!("since <time datetime=\"{0}\" title=\"{0}\" data-local=\"moment\">", app.now());
        assert!(main.contains(&time) && main.contains("&lt;b&gt;no&lt;/b&gt;"), "{main}");
        assert_eq!(row.rule.as_deref(), matches!(kind, "poll" | "schedule").then_some("ask"));
    }
    app.settle().await;
    let mut told = Vec::new();
    for event in app.events().await.into_iter().filter(|event| event.kind == "bellwire.problem_opened") {
        told.push(browser.get(&format!("/events/{}/body", event.id)).await.text);
    }
    let is_polls = |body: &&String| body.contains("\"kind\":\"poll\"");
    assert!(told.iter().any(|body| is_polls(&body)), "{told:?}");
    assert!(told.iter().filter(is_polls).all(|body| body.contains("\"rule\":\"ask\"")), "{told:?}");
});

on_both!(a_problem_that_is_muted_for_ever_says_so_and_a_wrong_state_keeps_the_list, |database| {
    let app = start(refused(1), &[("calls/missed", MISSED)], database).await;
    call(&app, "1").await;
    let (browser, path) = (Browser::of(&app).await, format!("/problems/{}", only(&app).await.id));
    assert_eq!(browser.send(&path, &format!("{path}/mute"), &[("for", "1d")]).await.status, 303);
    let until = app.now().plus(Duration::from_hours(24));
    let page = browser.page(&path).await;
    assert!(page.contains(&format!("until <time datetime=\"{until}\"")), "{page}");
    assert_eq!(browser.send(&path, &format!("{path}/mute"), &[("for", "ever")]).await.status, 303);
    let page = browser.page("/audit?action=problem.mute").await;
    assert!(
        page.contains("for ever") && page.contains(&until.to_string()) && !page.contains("9223372036854775807"),
        "{page}"
    );
    let seen = browser.get("/problems?state=nope").await;
    assert_eq!(seen.status, 400, "{seen:?}");
    assert!(
        seen.text.contains("there is no state `nope`") && seen.text.contains("href=\"/problems?state=muted\""),
        "{seen:?}"
    );
    assert_eq!(browser.get("/problems?before=x").await.status, 400);
});
