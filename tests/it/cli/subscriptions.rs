//! `bellwire services subscribe | unsubscribe | status`: what goes to a service, what is kept of its answer, and what is told of drift.

use serde_json::{Value, json};

use super::users::audited;
use crate::support::{
    journal::{Journal, Received, Reply},
    program::{Ended, Place},
};

const HEARS: &str = "name: hears\non: [groove.note_added, groove.customer_replied]\ndo: [{stop: heard}]\n";

fn answer(status: u16, body: &Value) -> Reply {
    Reply::Status(status, Vec::new(), body.to_string())
}

/// What Groove documents: without an id.
fn webhook(event: &str) -> Reply {
    answer(
        201,
        &json!({"webhook": {"event": event, "url": "https://hooks.example.com/hooks/groove", "state": "active"}}),
    )
}

fn place(journal: &Journal, rules: &[(&str, &str)]) -> Place {
    let place = Place::with_rules(journal, rules).with("BELLWIRE_SERVER_PUBLIC_URL", "https://hooks.example.com/");
    let settings = place.read("bellwire.toml");
    let more: String = ["github", "stripe"]
        .iter()
        .map(|name| {
            format!("\n[connections.{name}]\nservice = \"{name}\"\nbase_url = \"http://{}\"\n", journal.address)
        })
        .collect();
    place.write("bellwire.toml", &format!("{settings}{more}"));
    place.with("BELLWIRE_SECRET_GITHUB_TOKEN", "github-token-1").with("BELLWIRE_SECRET_STRIPE_KEY", "stripe-key-0001")
}

fn status(place: &Place, words: &[&str]) -> (i32, Value) {
    let ended = place.run(&[&["services", "status", "--json"], words].concat());
    (ended.code, ended.json())
}

fn kinds(status: &Value) -> Vec<&str> {
    status["drift"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect()
}

fn said(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.code, code, "{ended:?}");
    for part in parts {
        assert!(format!("{}{}", ended.out, ended.err).contains(part), "{part}: {ended:?}");
    }
}

/// The token in the address of a request.
fn token(request: &Received) -> String {
    request.json()["url"].as_str().unwrap().split_once("?token=").unwrap().1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn groove_gets_one_webhook_an_event_with_a_token_and_nothing_twice() {
    let journal = Journal::start([webhook("customer_replied"), webhook("note_added")]).await;
    let place = place(&journal, &[("hears", HEARS)]);
    let (code, before) = status(&place, &["groove"]);
    assert_eq!((code, kinds(&before)), (1, vec!["missing"]), "{before}");
    let dry = place.run(&["services", "subscribe", "groove", "--dry"]).fine();
    said(&dry, 0, &["note_added: POST /webhooks through groove: {", "?token=[secret groove_hook_token]"]);
    assert_eq!(journal.requests().len(), 0);

    let made = place.run(&["services", "subscribe", "groove"]).fine();
    said(&made, 0, &["secret groove_hook_token was not set: one was made", "note_added: subscribed at", "gave no id"]);
    let requests = journal.requests();
    assert_eq!(requests.len(), 2);
    let secret = token(&requests[0]);
    assert!(secret.len() == 43 && token(&requests[1]) == secret, "32 bytes as base64url, the same for all");
    for (request, event) in requests.iter().zip(["customer_replied", "note_added"]) {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/webhooks"));
        let url = format!("https://hooks.example.com/hooks/groove/{event}?token={secret}");
        assert_eq!(request.json(), json!({"event": event, "url": url}));
    }
    let (code, now) = status(&place, &[]);
    assert_eq!((code, kinds(&now)), (0, vec![]), "{now}");
    assert_eq!(now["subscriptions"][1]["remote"], Value::Null);
    assert_eq!(place.run(&["problems", "--json"]).json(), json!([]), "the missing ones were solved");

    let again = place.run(&["services", "subscribe", "groove"]).fine();
    said(&again, 0, &["note_added: subscribed already, since "]);
    assert_eq!(journal.requests().len(), 2);
    for text in [&dry, &made, &again].map(|ended| format!("{}{}", ended.out, ended.err)) {
        assert!(!text.contains(&secret), "{text}");
    }
    assert!(!now.to_string().contains(&secret), "{now}");
    let deeds: Vec<_> =
        audited(&place).await.into_iter().map(|row| (row.action, row.subject, row.after.unwrap_or_default())).collect();
    let deed = |action: &str| deeds.iter().filter(|(done, ..)| done == action).collect::<Vec<_>>();
    assert_eq!((deed("secret.set").len(), deed("source.subscribe").len(), deeds.len()), (1, 2, 3), "{deeds:?}");
    assert!(
        deed("source.subscribe").iter().all(|(_, of, after)| of == "groove" && after.contains("hooks.example.com"))
    );
    assert!(!format!("{deeds:?}").contains(&secret), "{deeds:?}");
    for entry in std::fs::read_dir(place.path().join("data")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(43).any(|window| window == secret.as_bytes()), "the token is sealed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_in_the_middle_keeps_what_was_made_and_names_the_rest() {
    let journal = Journal::start([
        webhook("customer_replied"),
        answer(401, &json!({"error": "no such token"})),
        webhook("note_added"),
        answer(422, &json!({"error": "unknown event"})),
        webhook("ticket_closed"),
    ])
    .await;
    let place = place(&journal, &[("hears", HEARS)]);
    let events = ["services", "subscribe", "groove", "customer_replied", "groove.note_added", "ticket_closed"];
    let first = place.run(&events);
    said(&first, 1, &["note_added: FAILED: Groove answered 401", "no such token", "ticket_closed: not tried"]);
    let (code, now) = status(&place, &[]);
    assert_eq!((code, kinds(&now)), (1, vec!["missing"]), "{now}");
    assert_eq!(place.run(&["problems", "--json"]).json()[0]["kind"], "subscription");

    // One that is refused for itself keeps none of the others.
    let mut events = events.to_vec();
    events.push("ticket_a");
    let second = place.run(&events);
    said(&second, 1, &["ticket_a: FAILED: Groove answered 422", "ticket_closed: subscribed at"]);
    let (code, now) = status(&place, &[]);
    assert_eq!((code, kinds(&now)), (1, vec!["unheard"]), "{now}");
    assert_eq!(journal.requests().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_came_is_kept_as_unknown() {
    let journal = Journal::start([Reply::Cut]).await;
    let place = place(&journal, &[("hears", HEARS)]);
    assert_eq!(place.run(&["services", "subscribe", "groove", "note_added"]).code, 1);
    let (_, now) = status(&place, &[]);
    assert!(kinds(&now).contains(&"uncertain"), "{now}");
    said(&place.run(&["services", "subscribe", "groove", "note_added"]), 1, &["perhaps subscribed", "--force"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_id_a_person_removes_it_and_with_one_we_do() {
    let journal = Journal::start([
        webhook("note_added"),
        answer(201, &json!({"webhook": {"id": "0012345678", "event": "customer_replied", "state": "active"}})),
        // Location of all webhooks is the id of none.
        Reply::Status(
            201,
            vec![("Location", "https://api.groovehq.com/v1/webhooks".to_owned())],
            json!({"webhook": {"event": "ticket_closed"}}).to_string(),
        ),
        Reply::Status(204, Vec::new(), String::new()),
        answer(404, &json!({})),
    ])
    .await;
    let place = place(&journal, &[("hears", HEARS)]);
    for event in ["note_added", "customer_replied", "ticket_closed"] {
        place.run(&["services", "subscribe", "groove", event]).fine();
    }
    let removed = place.run(&["services", "unsubscribe", "groove"]);
    said(
        &removed,
        1,
        &[
            "customer_replied: unsubscribed",
            "note_added: Groove gave no id of it; remove it there by hand (Settings > API), then forget it here with --forget",
            "ticket_closed: Groove gave no id",
        ],
    );
    assert_eq!(journal.requests()[3].path, "/v1/webhooks/0012345678");
    assert_eq!(journal.requests()[3].method, "DELETE");
    place.run(&["services", "unsubscribe", "groove", "--forget"]).fine();
    assert_eq!(status(&place, &[]).1["subscriptions"], json!([]));
    said(&place.run(&["services", "unsubscribe", "groove"]), 1, &["nothing of that is subscribed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_or_an_address_that_has_changed_is_drift_until_force() {
    let journal = Journal::start([webhook("note_added"), webhook("note_added")]).await;
    let place = place(&journal, &[("hears", "name: hears\non: groove.note_added\ndo: [{stop: heard}]\n")]);
    place.run(&["services", "subscribe", "groove"]).fine();
    assert_eq!(status(&place, &[]).0, 0);
    place.run_with(&["secrets", "set", "groove_hook_token"], "another-token-of-a-person\n").fine();
    let (code, now) = status(&place, &[]);
    assert_eq!((code, kinds(&now)), (1, vec!["address"]), "{now}");
    said(&place.run(&["services", "subscribe", "groove"]), 1, &["--force sets it up anew"]);
    said(&place.run(&["services", "subscribe", "groove", "--force"]).fine(), 0, &["the one before stays at Groove"]);
    assert_eq!(token(&journal.requests()[1]), "another-token-of-a-person");
    assert_eq!(status(&place, &[]).0, 0);
    let place = place.with("BELLWIRE_SERVER_PUBLIC_URL", "https://elsewhere.example.com");
    assert_eq!(kinds(&status(&place, &[]).1), ["address"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn github_gets_one_webhook_a_repository_whose_list_is_compared() {
    let made = json!({"id": 12_345_678, "active": true, "events": ["issue_comment", "issues"], "config": {"secret": "********"}});
    let item = |id: i64, active: bool, events: &[&str], url: &str| {
        answer(200, &json!([{"id": id, "active": active, "events": events, "config": {"url": url}}]))
    };
    let (ours, both) = ("https://hooks.example.com/hooks/github", ["issues", "issue_comment", "push"]);
    let journal = Journal::start([
        answer(201, &made),
        item(12_345_678, true, &both, ours),
        item(1, true, &both, ours),
        item(12_345_678, false, &both, ours),
        item(12_345_678, true, &["issues"], ours),
        item(12_345_678, true, &both, "https://else.example.com/hooks/github"),
        answer(500, &json!({})),
        Reply::Status(204, Vec::new(), String::new()),
    ])
    .await;
    let rule = "name: hears\non: [github.issues, github.issue_comment, github.ping]\ndo: [{stop: heard}]\n";
    let place = place(&journal, &[("hears", rule)]);
    said(&place.run(&["services", "subscribe", "github"]), 2, &["owner", "--input owner=..."]);
    said(&place.run(&["services", "subscribe", "github", "--input", "org=a"]), 2, &["takes owner, repo"]);
    let words = ["services", "subscribe", "github", "--input", "owner=octocat", "--input", "repo=hello-world"];
    said(&place.run(&words).fine(), 0, &["issue_comment, issues: subscribed", "its id is 12345678"]);
    let request = &journal.requests()[0];
    assert_eq!(request.path, "/repos/octocat/hello-world/hooks");
    let mut body = request.json();
    let secret = body["config"]["secret"].take();
    assert_eq!(secret.as_str().unwrap().len(), 43);
    let config = json!({"url": ours, "content_type": "json", "secret": null});
    assert_eq!(body, json!({"name": "web", "active": true, "events": ["issue_comment", "issues"], "config": config}));
    for kind in [None, Some("gone"), Some("inactive"), Some("other_events"), Some("elsewhere"), Some("unanswered")] {
        let (code, now) = status(&place, &["github"]);
        assert_eq!((code, kinds(&now)), (i32::from(kind.is_some()), kind.into_iter().collect()), "{now}");
    }
    assert_eq!(journal.requests()[1].path, "/repos/octocat/hello-world/hooks?per_page=100");
    said(&place.run(&["services", "unsubscribe", "github", "issues"]), 1, &["issue_comment, issues together"]);
    place.run(&["services", "unsubscribe", "github"]).fine();
    assert_eq!(journal.requests()[7].path, "/repos/octocat/hello-world/hooks/12345678");
}

#[tokio::test(flavor = "multi_thread")]
async fn stripes_own_secret_becomes_that_of_the_hook() {
    let made = |id: &str, secret: &str| answer(200, &json!({"id": id, "object": "webhook_endpoint", "secret": secret}));
    let journal = Journal::start([
        made("we_1", "whsec_0123456789"),
        answer(200, &json!({"id": "we_1", "deleted": true})),
        made("we_2", "whsec_abcdefghij"),
    ])
    .await;
    let place = place(&journal, &[("hears", "name: hears\non: stripe.invoice_paid\ndo: [{stop: heard}]\n")]);
    let done = place.run(&["services", "subscribe", "stripe"]).fine();
    let request = &journal.requests()[0];
    assert_eq!(request.path, "/webhook_endpoints");
    let form: Vec<(String, String)> = url::form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(form, [pair("url", "https://hooks.example.com/hooks/stripe"), pair("enabled_events[]", "invoice.paid")]);
    let secrets = place.run(&["secrets", "list"]).fine();
    assert!(secrets.out.contains("stripe_hook_secret"), "{secrets:?}");
    said(&place.run(&["services", "subscribe", "stripe", "charge.refunded"]), 1, &["another secret", "--force"]);
    let forced = place.run(&["services", "subscribe", "stripe", "charge.refunded", "--force"]).fine();
    assert_eq!(journal.requests()[1].method, "DELETE");
    assert!(journal.requests()[2].body.ends_with("=charge.refunded&enabled_events%5B%5D=invoice.paid"));
    for ended in [&done, &forced] {
        assert!(!ended.out.contains("whsec_"), "{ended:?}");
    }
    let held = place.with("BELLWIRE_SECRET_STRIPE_HOOK_SECRET", "whsec_by_environment");
    said(&held.run(&["services", "subscribe", "stripe", "--force"]), 1, &["take it out of the environment"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_said_what_is_missing() {
    let journal = Journal::start([]).await;
    let place = Place::with_rules(&journal, &[("hears", HEARS)]);
    said(&place.run(&["services", "subscribe", "groove"]), 1, &["`server.public_url` is not set", "public_url = "]);
    assert!(!place.run(&["secrets", "list"]).out.contains("groove_hook_token  database"));
    said(&place.run(&["services", "subscribe", "gruveo"]), 1, &["by hand", "github, groove, stripe"]);
    said(&place.run(&["services", "subscribe", "grove"]), 2, &["groove"]);
    said(&place.run(&["services", "subscribe", "groove", "--source", "box"]), 2, &["no source of groove"]);
    said(&place.run(&["services", "subscribe", "groove", "Not a name"]), 2, &["no name of an event"]);
    assert_eq!(journal.requests().len(), 0);
}
