//! `bellwire services`: a delivery is captured, becomes a pack that holds, and a rule on it runs.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
};

use serde_json::{Value, json};

use crate::support::{
    journal::Journal,
    program::{PROGRAM, Place, free_address, until, wait_for},
};

/// Starts a capture, and waits until it listens.
fn capturing(place: &Place, address: &str, words: &[&str]) -> Child {
    let mut command = place.command(PROGRAM);
    command.args(["services", "capture"]).args(words).stdout(Stdio::piped()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    until("the capture listens", || TcpStream::connect(address).is_ok());
    child
}

fn said(mut child: Child) -> (i32, String) {
    let status = wait_for(&mut child);
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    (status.code().unwrap(), out)
}

/// Posts a body with headers; the status of the answer.
fn post(address: &str, target: &str, headers: &[(&str, &str)], body: &str) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    write!(
        stream,
        "POST {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer[9..12].parse().unwrap()
}

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[tokio::test(flavor = "multi_thread")]
async fn a_captured_delivery_becomes_a_pack_and_a_rule_on_it_is_tested() {
    let address = free_address().to_string();
    let place = Place::workspace(&Journal::start([]).await).with("BELLWIRE_SERVER_LISTEN", &address);
    let child = capturing(&place, &address, &["shop", "--timeout", "30s", "--json"]);
    assert_eq!(post(&address, "/hooks/other", &[], "{}"), 404, "another source is not it");
    assert_eq!(post(&address, "/", &[], "{}"), 404);
    let body = json!({"id": 7, "total": 12.5, "by": "ann@example.com", "at": "2026-03-01T10:00:00Z", "api_key": "hidden-value",
        "items": [{"sku": "a", "note": null}, {"sku": "b"}]});
    let signature = format!("sha256={SECRET}");
    let headers = [
        ("Content-Type", "application/json"),
        ("X-Shop-Event", "order_created"),
        ("X-Shop-Signature", signature.as_str()),
        ("Authorization", "Bearer very-secret-bearer"),
    ];
    assert_eq!(post(&address, "/hooks/shop?page=1", &headers, &body.to_string()), 202);
    let (code, out) = said(child);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["captured"]["headers"]["x-shop-event"]), (0, &json!("order_created")), "{out}");
    let file = told["file"].as_str().unwrap();
    let kept = place.read(file);
    assert!(!kept.contains(SECRET) && !kept.contains("very-secret") && !out.contains(SECRET), "{kept}");
    assert!(kept.contains("sha256=‹64 hex digits›"), "{kept}");

    let made = place.run(&["services", "new", "shop", "--json"]).fine().json();
    assert_eq!(made["type"], "shop.order_created");
    let pack = place.read("templates/services/shop.yaml");
    assert!(pack.contains("X-Shop-Signature") || pack.contains("x-shop-signature"), "{pack}");
    assert!(pack.contains("algorithm: sha256, encoding: hex, prefix: \"sha256=\", over: body"), "{pack}");
    let schema: Value = serde_json::from_str(&place.read("templates/services/shop/order_created.schema.json")).unwrap();
    assert_eq!(schema["properties"]["by"], json!({"type": "string", "format": "email"}));
    assert_eq!(schema["properties"]["items"]["items"]["required"], json!(["sku"]));
    let sample = place.read("templates/services/shop/order_created.json");
    assert!(!sample.contains("hidden-value") && sample.contains("ann@example.com"), "{sample}");
    place.run(&["check", "--strict"]).fine();

    place.write(
        "rules/orders.yaml",
        "name: Orders\non: shop.order_created\nwhen: { event.total: { gt: 10 } }\ndo:\n  \
         - emit: { type: orders.large, data: { by: \"{{ event.by }}\" } }\ntests:\n  \
         - name: a large one\n    event: { sample: shop.order_created/order_created }\n    \
         expect: [{ emit: { data.by: ann@example.com } }]\n",
    );
    place.run(&["check", "--strict"]).fine();
    place.run(&["test", "orders"]).fine();
    place.write("rules/orders.yaml", "name: Orders\non: shop.order_created\nwhen: { event.totl: 1 }\ndo: []\n");
    assert!(place.run(&["check"]).out.contains("R042"), "the schema knows what there is");

    let again = place.run(&["services", "new", "shop"]);
    assert!(again.code == 1 && again.err.contains("--force"), "{again:?}");
    place.run(&["services", "new", "shop", "--force"]).fine();
    let built_in = place.run(&["services", "new", "groove"]);
    assert!(built_in.code == 1 && built_in.err.contains("built in"), "{built_in:?}");
    let other = place.run(&["services", "new", "bazaar"]);
    assert!(other.code == 1 && other.err.contains("of `shop`") && other.err.contains("--from "), "{other:?}");
    let wrong = place.run(&["services", "new", "../x"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_ends_by_itself_and_new_says_what_is_missing() {
    let address = free_address().to_string();
    let place = Place::workspace(&Journal::start([]).await).with("BELLWIRE_SERVER_LISTEN", &address);
    let ended = place.run(&["services", "capture", "shop", "--timeout", "1s"]);
    assert!(ended.code == 1 && ended.err.contains("no delivery came within 1s"), "{ended:?}");
    let nothing = place.run(&["services", "new", "shop"]);
    assert!(nothing.code == 1 && nothing.err.contains("services capture"), "{nothing:?}");
    let missing = place.run(&["services", "new", "shop", "--from", "none.json"]);
    assert!(missing.code == 2 && missing.err.contains("none.json"), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_running_server_the_next_delivery_is_watched() {
    let place = Place::with_rules(&Journal::start([]).await, &[]);
    let _serving = place.serve();
    let address = place.run(&["config", "print", "--json"]).fine().json().to_string();
    assert!(address.contains("listen"), "{address}");
    let watching = |words: &[&str]| {
        let mut command = place.command(PROGRAM);
        command.args(["services", "capture"]).args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It says that it waits before it has looked where things stand.
        let mut first = [0; 16];
        child.stderr.as_mut().unwrap().read_exact(&mut first).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(700));
        child
    };
    let child = watching(&["box", "--timeout", "30s", "--json"]);
    let event = place.ring("rung", &json!({"a": 1}));
    let (code, out) = said(child);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["event"], &told["captured"]["path"]), (0, &json!(event), &json!(["rung"])), "{out}");

    let child = watching(&["box", "--timeout", "30s"]);
    assert_eq!(place.post("/hooks/box", "{").0, 400);
    let (code, out) = said(child);
    assert!(code == 1 && out.contains("refused with 400: not_json"), "{out}");

    let made = place.run(&["services", "new", "bell", "--event", &event, "--json"]).fine().json();
    assert_eq!(made["type"], "bell.rung", "{made}");
    place.run(&["check", "--strict"]).fine();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_is_made_of_any_kind_of_body_and_its_sample_can_be_sent() {
    let place = Place::with_rules(&Journal::start([]).await, &[]);
    for (name, file, body) in [
        ("xmlish", "body.xml", "<order id='7'><who>Ann</who></order>"),
        ("texty", "body.txt", "hello"),
        ("jsonish", "body.json", "[{\"a\": 1}]"),
    ] {
        place.write(file, body);
        place.run(&["services", "new", name, "--from", file]).fine();
    }
    let capture = json!({"captured_at": "2026-03-01T10:00:00Z", "source": "formy", "query": {}, "bytes": 7, "body": "a=1&b=x",
        "headers": {"content-type": "application/x-www-form-urlencoded"}});
    place.write("formy.json", &capture.to_string());
    place.run(&["services", "new", "formy", "--from", "formy.json"]).fine();
    place.run(&["check", "--strict"]).fine();
    assert!(place.read("templates/services/xmlish.yaml").contains("body: xml"));
    assert!(place.read("templates/services/formy.yaml").contains("body: form"));
    let place = ["xmlish", "texty", "jsonish", "formy"].iter().fold(place, |place, name| {
        place.with(&format!("BELLWIRE_SECRET_{}_TOKEN", name.to_uppercase()), "a-token-of-eight")
    });
    let _serving = place.serve();
    for name in ["xmlish", "texty", "jsonish", "formy"] {
        let sent = place.run(&["send", &format!("{name}.received"), "--json"]).fine().json();
        assert_eq!(sent["status"], 202, "{name}: {sent}");
    }
}
