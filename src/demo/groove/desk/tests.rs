use http::{Method, Request};
use serde_json::json;

use super::*;

fn asked(method: Method, path: &str, body: &str) -> Asked {
    let request = Request::builder().method(method).uri(path).header("authorization", "Bearer groove-demo-token");
    Asked::read(&request.body(()).unwrap().into_parts().0, body.as_bytes())
}

fn desk(change: impl Fn(&mut Options)) -> Desk {
    let mut options = Options::default();
    change(&mut options);
    Desk::new(options, "http://127.0.0.1:1")
}

fn post(desk: &mut Desk, path: &str, body: Value) -> Answer {
    desk.answer(&asked(Method::POST, path, &body.to_string()))
}

fn get(desk: &mut Desk, path: &str) -> Answer {
    desk.answer(&asked(Method::GET, path, ""))
}

#[test]
fn a_note_is_taken_and_answered_wrapped() {
    let mut desk = desk(|_| {});
    let answer =
        post(&mut desk, "/v1/tickets/42/messages", json!({"body": "<b>Missed</b>", "note": true, "author": null}));
    assert_eq!(answer.status, 201);
    let message = &answer.body.unwrap()["message"];
    assert_eq!(message["note"], true);
    assert_eq!((&message["body"], &message["plain_text_body"]), (&json!("<b>Missed</b>"), &json!("Missed")));
    assert_eq!(message["href"], json!(format!("http://127.0.0.1:1/v1/messages/{}", message["id"].as_str().unwrap())));
    assert_eq!(message["links"]["ticket"]["href"], "http://127.0.0.1:1/v1/tickets/42");
    let note = Note { ticket: 42, author: "agent@example.com".into(), body: "<b>Missed</b>".into() };
    assert_eq!((answer.note, desk.notes()), (Some(note.clone()), vec![note]));
}

#[test]
fn a_message_that_is_no_note_is_no_note() {
    let mut desk = desk(|_| {});
    let answer = post(&mut desk, "/v1/tickets/42/messages", json!({"body": "Hello"}));
    assert_eq!((answer.status, answer.note, desk.notes().len()), (201, None, 0));
}

#[test]
fn what_is_required_is_required() {
    let mut desk = desk(|_| {});
    let messages = [
        json!({}),
        json!({"body": ""}),
        json!({"body": 1}),
        json!({"body": "a", "note": "yes"}),
        json!({"body": "a", "author": 1}),
        json!([]),
    ];
    for body in messages {
        assert_eq!(post(&mut desk, "/v1/tickets/42/messages", body.clone()).status, 422, "{body}");
    }
    let whole = json!({"body": "a", "from": "a@example.com", "to": {"email": "b@example.com"}});
    for name in ["body", "from", "to"] {
        let mut body = whole.clone();
        body.as_object_mut().unwrap().remove(name);
        assert_eq!(post(&mut desk, "/v1/tickets", body).status, 422, "{name}");
    }
    let mut state = whole.clone();
    state["state"] = json!("snoozed");
    assert_eq!(post(&mut desk, "/v1/tickets", state).status, 422);
    assert_eq!(desk.answer(&asked(Method::POST, "/v1/tickets/42/messages", "no json")).status, 422);
    assert_eq!(desk.notes().len() + desk.tickets.len(), 2, "nothing was kept");
}

#[test]
fn a_ticket_that_is_not_there_is_404_and_a_wrong_token_401() {
    let mut desk = desk(|_| {});
    for path in [
        "/v1/tickets/7/messages",
        "/v1/tickets/x/messages",
        "/v1/tickets//messages",
        "/v2/tickets/42/messages",
        "/",
        "/v1/tickets/42/tags",
    ] {
        assert_eq!(post(&mut desk, path, json!({"body": "a"})).status, 404, "{path}");
    }
    for header in [None, Some("Bearer wrong"), Some("groove-demo-token"), Some("Basic groove-demo-token")] {
        let mut request = Request::builder().uri("/v1/tickets/42");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let asked = Asked::read(&request.body(()).unwrap().into_parts().0, b"");
        assert_eq!(desk.answer(&asked).status, 401, "{header:?}");
    }
    let request = Request::builder().uri("/v1/tickets/42?access_token=groove-demo-token").body(()).unwrap();
    assert_eq!(desk.answer(&Asked::read(&request.into_parts().0, b"")).status, 200);
}

#[test]
fn a_ticket_is_created_with_its_location_and_found_again() {
    let mut desk = desk(|_| {});
    let body =
        json!({"body": "a", "from": "agent@example.com", "to": "New@example.com", "state": "opened", "subject": "s"});
    let answer = post(&mut desk, "/v1/tickets", body);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers, [("location", "http://127.0.0.1:1/v1/tickets/43".to_owned())]);
    let ticket = answer.body.unwrap()["ticket"].clone();
    assert_eq!(ticket.as_object().unwrap().keys().collect::<Vec<_>>(), ["number", "href", "links"]);
    assert_eq!(get(&mut desk, "/v1/tickets/43/state").body.unwrap(), json!({"state": "opened"}));
    let ticket = get(&mut desk, "/v1/tickets/43").body.unwrap()["ticket"].clone();
    assert_eq!((&ticket["title"], &ticket["message_count"]), (&json!("s"), &json!(1)));
    assert!(ticket["links"].get("assignee").is_none());
    let mut numbers = |query: &str| -> Vec<i64> {
        let body = get(&mut desk, &format!("/v1/tickets?{query}")).body.unwrap();
        body["tickets"].as_array().unwrap().iter().map(|ticket| ticket["number"].as_i64().unwrap()).collect()
    };
    assert_eq!(numbers("customer=new%40example.com"), [43]);
    assert_eq!(numbers("state=opened,pending"), [43]);
    assert_eq!(numbers("state=unread&assignee=unassigned"), [1, 42]);
    assert_eq!(numbers("customer=nobody@example.com"), Vec::<i64>::new());
    assert_eq!(get(&mut desk, "/v1/tickets?state=snoozed").status, 422);
}

#[test]
fn pages_hold_25_and_at_most_50() {
    let mut desk = desk(|options| options.tickets = (1..=120).collect());
    let mut page = |query: &str| {
        let body = get(&mut desk, &format!("/v1/tickets?{query}")).body.unwrap();
        (body["tickets"].as_array().unwrap().len(), body["meta"]["pagination"].clone())
    };
    let (count, meta) = page("customer=customer%40example.com&per_page=100");
    assert_eq!(count, 50);
    let next = "http://127.0.0.1:1/v1/tickets?customer=customer%40example.com&page=2";
    assert_eq!(meta, json!({"current_page": 1, "total_pages": 3, "total_count": 120, "next_page": next}));
    assert_eq!(
        page("page=5"),
        (20, json!({"current_page": 5, "total_pages": 5, "total_count": 120, "next_page": null}))
    );
    assert_eq!(page("page=9").0, 0);
    assert_eq!(get(&mut desk, "/v1/tickets?page=0").status, 422);
}

#[test]
fn what_nobody_knows_can_be_set() {
    let body = || json!({"body": "a", "colour": "red"});
    let path = "/v1/tickets/42/messages";
    assert_eq!(post(&mut desk(|_| {}), path, body()).status, 201);
    let mut strict = desk(|options| {
        options.refuse_unknown = true;
        options.invalid_status = 400;
        options.error_shape = ErrorShape::Errors;
        options.page_too_large = PageTooLarge::Refuse;
    });
    let answer = post(&mut strict, path, body());
    assert_eq!((answer.status, answer.body), (400, Some(json!({"errors": ["colour is unknown"]}))));
    assert_eq!(get(&mut strict, "/v1/tickets?per_page=51").status, 400);
    let mut bare = desk(|options| {
        options.live_fields = false;
        options.message_status = 200;
        options.href_base = Some("https://api.groovehq.com/v1".into());
    });
    let answer = post(&mut bare, path, json!({"body": "a"}));
    assert_eq!(answer.status, 200);
    let message = answer.body.unwrap()["message"].clone();
    assert!(
        message.get("id").is_none()
            && message["href"].as_str().unwrap().starts_with("https://api.groovehq.com/v1/messages/")
    );
}

#[test]
fn one_who_calls_too_often_is_told_when_to_come_back() {
    let mut desk = desk(|options| options.retry_after = Some(7));
    desk.throttled = 1;
    let answer = post(&mut desk, "/v1/tickets/42/messages", json!({"body": "a", "note": true}));
    assert_eq!((answer.status, answer.headers), (429, vec![("retry-after", "7".to_owned())]));
    assert_eq!(desk.notes().len(), 0);
    assert_eq!(post(&mut desk, "/v1/tickets/42/messages", json!({"body": "a", "note": true})).status, 201);
}

#[test]
fn forms_are_taken_as_well() {
    let mut desk = desk(|_| {});
    let request =
        Request::builder().method(Method::POST).uri("/v1/tickets").header("authorization", "Bearer groove-demo-token");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(()).unwrap();
    let asked =
        Asked::read(&request.into_parts().0, b"body=a+b&from=a%40example.com&to[email]=c%40example.com&note=true");
    assert_eq!(desk.answer(&asked).status, 201);
    assert_eq!(desk.notes(), [Note { ticket: 43, author: "a@example.com".into(), body: "a b".into() }]);
}

#[test]
fn no_more_than_the_bound_is_kept() {
    let mut desk = desk(|_| {});
    for at in 0..KEPT + 10 {
        post(&mut desk, "/v1/tickets/42/messages", json!({"body": at.to_string(), "note": true}));
    }
    assert_eq!(desk.notes().len(), KEPT);
    assert_eq!(desk.notes()[0].body, "10");
}

fn put_to(desk: &mut Desk, path: &str, body: Value) -> Answer {
    desk.answer(&asked(Method::PUT, path, &body.to_string()))
}

#[test]
fn each_property_of_a_ticket_is_a_put_of_its_own() {
    let mut desk = desk(|_| {});
    let empty = get(&mut desk, "/v1/tickets/42/assignee");
    assert_eq!((empty.status, empty.body), (200, None), "nobody is an empty body");
    for (what, body) in [
        ("state", json!({"state": "closed"})),
        ("assignee", json!({"assignee": "agent@example.com"})),
        ("priority", json!({"priority": "urgent"})),
        ("assigned_group", json!({"group": "Support"})),
        ("tags", json!(["call", "missed"])),
    ] {
        let answer = put_to(&mut desk, &format!("/v1/tickets/42/{what}"), body);
        assert_eq!((answer.status, answer.body), (204, None), "{what}");
    }
    let ticket = get(&mut desk, "/v1/tickets/42").body.unwrap()["ticket"].clone();
    let seen = ["state", "assignee", "priority", "assigned_group", "tags"].map(|name| ticket[name].clone());
    assert_eq!(json!(seen), json!(["closed", "agent@example.com", "urgent", "Support", ["call", "missed"]]));
    assert_eq!(get(&mut desk, "/v1/tickets/42/assignee").body.unwrap()["agent"]["email"], "agent@example.com");
    for (what, body) in [
        ("state", json!({"state": "snoozed"})),
        ("priority", json!({"priority": "highest"})),
        ("assignee", json!({"assignee": "me"})),
        ("assigned_group", json!({"assigned_group": "Support"})),
        ("assigned_group", json!({"group": "Nobody"})),
        ("tags", json!({"tags": ["call"]})),
        ("tags", json!([1])),
    ] {
        assert_eq!(put_to(&mut desk, &format!("/v1/tickets/42/{what}"), body.clone()).status, 422, "{what} {body}");
    }
    assert_eq!(put_to(&mut desk, "/v1/tickets/42/folder", json!({"folder": "1"})).status, 404);
}

#[test]
fn a_webhook_is_of_a_known_event_and_gives_its_id_as_is_set() {
    use crate::demo::groove::WebhookId;
    let body = json!({"event": "note_added", "url": "https://hooks.example.com/a"});
    let mut plain = desk(|_| {});
    let answer = post(&mut plain, "/v1/webhooks", body.clone());
    assert_eq!((answer.status, &answer.headers), (201, &vec![]));
    assert_eq!(
        answer.body.unwrap(),
        json!({"webhook": {"event": "note_added", "url": "https://hooks.example.com/a", "state": "active"}})
    );
    for wrong in [
        json!({"event": "note_added"}),
        json!({"event": "a", "url": "https://a.example"}),
        json!({"event": "note_added", "url": "a"}),
    ] {
        assert_eq!(post(&mut plain, "/v1/webhooks", wrong.clone()).status, 422, "{wrong}");
    }
    let mut open = desk(|options| options.webhook_id = WebhookId::Body);
    let id = post(&mut open, "/v1/webhooks", body.clone()).body.unwrap()["webhook"]["id"].clone();
    let path = format!("/v1/webhooks/{}", id.as_str().unwrap());
    let gone = open.answer(&asked(Method::DELETE, &path, ""));
    assert_eq!((gone.status, gone.body), (204, None));
    assert_eq!(open.answer(&asked(Method::DELETE, &path, "")).status, 404);
    let mut located = desk(|options| options.webhook_id = WebhookId::Location);
    assert!(post(&mut located, "/v1/webhooks", body).headers[0].1.contains("/v1/webhooks/00"));
}

#[test]
fn a_customer_is_found_by_an_e_mail_with_its_at_sign_as_it_is() {
    let mut desk = desk(|_| {});
    assert_eq!(get(&mut desk, "/v1/customers/customer@example.com").status, 200);
    assert_eq!(get(&mut desk, "/v1/customers/customer%40example.com").status, 404);
    assert_eq!(get(&mut desk, "/v1/agents/agent%40example.com").status, 404);
    assert_eq!(get(&mut desk, "/v1/customers").body.unwrap()["meta"]["pagination"]["total_count"], 1);
    let path = "/v1/customers/customer@example.com";
    assert_eq!(put_to(&mut desk, path, json!({"name": "Anna"})).status, 422, "email is required");
    let body = json!({"email": "customer@example.com", "name": "Anna", "custom": {"plan": "pro"}});
    assert_eq!(put_to(&mut desk, path, body).body.unwrap()["customer"]["name"], "Anna");
    assert_eq!(get(&mut desk, path).body.unwrap()["customer"]["custom"]["plan"], "pro");
}

#[test]
fn a_file_that_is_refused_is_a_success_with_the_reason() {
    let mut desk = desk(|_| {});
    let path = "/messages/0070883941/attachments";
    let taken = desk.answer(&asked(Method::POST, &format!("{path}?filename=calls.csv"), "a,b"));
    assert_eq!((taken.status, &taken.body.unwrap()["attachment"]["success"]), (200, &json!(true)));
    let refused = desk.answer(&asked(Method::POST, &format!("{path}?filename=calls.exe"), "a,b"));
    assert_eq!((refused.status, &refused.body.unwrap()["attachment"]["success"]), (200, &json!(false)));
    assert_eq!(desk.answer(&asked(Method::POST, path, "a,b")).status, 422);
    let files = get(&mut desk, "/v1/attachments?message=0070883941").body.unwrap();
    assert_eq!((&files["attachments"][0]["size"], files["attachments"].as_array().unwrap().len()), (&json!(3), 1));
    assert_eq!(get(&mut desk, "/v1/attachments").status, 422);
}

#[test]
fn the_rest_of_the_api_answers_in_its_documented_shapes() {
    let mut desk = desk(|_| {});
    for (path, name) in [
        ("agents", "agents"),
        ("groups", "groups"),
        ("folders", "folders"),
        ("widgets", "widgets"),
        ("kb", "knowledge_bases"),
        ("kb/themes", "themes"),
        ("kb/0034567890/articles/search", "articles"),
        ("kb/0034567890/categories/search?keyword=*", "categories"),
    ] {
        let answer = get(&mut desk, &format!("/v1/{path}"));
        assert!(answer.status == 200 && answer.body.unwrap()[name].is_array(), "{path}");
    }
    assert_eq!(get(&mut desk, "/v1/tickets/count").body.unwrap(), json!({"1000000001": 2}));
    let made = post(&mut desk, "/v1/groups", json!({"name": "Sales", "agents": ["agent@example.com"]}));
    assert_eq!((made.status, made.headers[0].1.ends_with("/v1/groups")), (201, true));
    let path = format!("/v1/groups/{}", made.body.unwrap()["group"]["id"].as_str().unwrap());
    assert_eq!(put_to(&mut desk, &path, json!({"name": "Sales 2"})).body.unwrap()["group"]["name"], "Sales 2");
    assert_eq!(desk.answer(&asked(Method::DELETE, &path, "")).body.unwrap()["group"]["name"], "Sales 2");
    assert_eq!(get(&mut desk, &path).status, 404);
    let widget = post(&mut desk, "/v1/widgets", json!({"name": "Site"})).body.unwrap()["widget"].clone();
    let path = format!("/v1/widgets/{}/settings", widget["id"].as_str().unwrap());
    let set = put_to(&mut desk, &path, json!({"launcher.color": "#f00"})).body.unwrap();
    assert_eq!(set, json!({"settings": {"launcher.color": "#f00"}}));
    let public = Request::builder().uri(format!("/v1/public/widgets/{}", widget["uuid"].as_str().unwrap()));
    let public = Asked::read(&public.body(()).unwrap().into_parts().0, b"");
    assert_eq!(desk.answer(&public).status, 200, "no token is needed");
    assert_eq!(post(&mut desk, "/v1/kb/0034567890/articles", json!({"title": "a"})).status, 201);
    for (query, variables, says) in [
        ("{ ping }", json!({}), "/data/ping"),
        ("{ conversations }", json!({}), "/errors/0/message"),
        ("mutation { tagCreate }", json!({}), "/data/tagCreate/errors/0/message"),
    ] {
        let answer = post(&mut desk, "/v2/graphql", json!({"query": query, "variables": variables}));
        assert!(answer.status == 200 && answer.body.unwrap().pointer(says).is_some(), "{query}");
    }
}
