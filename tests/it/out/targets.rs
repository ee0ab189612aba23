//! Where a request may go: public addresses, the ports that are listed, and nowhere that a payload says.

use bellwire::model::{AttemptOutcome, ErrorClass, RunStatus};
use serde_json::json;

use super::kit::{BOX, app_of, error_of, ring};
use crate::support::{
    app::TestApp,
    journal::{Journal, Reply},
};

/// A1 to A5, A10, A11 end to end: each is denied for good, and no packet goes out. The whole table is egress's.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_allowed_is_denied_without_a_packet() {
    let journal = Journal::start([]).await;
    let port = journal.address.port();
    let mut rules = Vec::new();
    for (n, url) in [
        format!("http://localhost:{port}/"),
        format!("http://LOCALHOST.:{port}/"),
        format!("http://127.0.0.2:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.2]:{port}/"),
        format!("http://2130706434:{port}/"),
        format!("http://0x7f.2:{port}/"),
        format!("http://0177.0.0.2:{port}/"),
        format!("http://0:{port}/"),
        format!("http://%31%32%37.0.0.2:{port}/"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://168.63.129.16/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "http://[fd00:ec2::254]/".to_owned(),
        "http://127.0.0.1:22/".to_owned(),
        "http://127.0.0.1:6379/".to_owned(),
        "http://127.0.0.1/".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        rules.push((
            format!("r{n:02}"),
            url.clone(),
            format!("name: r\non: box.received\ndo:\n  - http: {{ method: POST, url: \"{url}\", json: {{}} }}\n"),
        ));
    }
    let mut denied = 0;
    for (id, url, rule) in &rules {
        // Some of these are findings already: then nothing of them ever runs.
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("rules")).unwrap();
        std::fs::write(folder.path().join("rules/r.yaml"), rule).unwrap();
        let settings = format!("[server]\nlisten = \"127.0.0.1:0\"\n[egress]\nports = [{port}]\n{BOX}");
        std::fs::write(folder.path().join("bellwire.toml"), settings).unwrap();
        let config = bellwire::config::load(folder.path(), &std::collections::BTreeMap::default()).unwrap();
        let clock = bellwire::clock::HeldClock::at(bellwire::clock::Time(0));
        let app = bellwire::app::App::start(config, clock).await.unwrap();
        let held = app.held_back();
        if held.is_empty() {
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            http.post(format!("http://{}/hooks/box", app.address())).body("{}").send().await.unwrap();
            tokio::time::timeout(std::time::Duration::from_secs(20), app.settled()).await.unwrap().unwrap();
            let runs = app.store().runs(bellwire::store::RunFilter::default()).await.unwrap();
            assert_eq!(runs.len(), 1, "{id} {url}");
            assert_eq!(runs[0].status, RunStatus::Failed, "{url} {:?}", runs[0]);
            assert_eq!(
                runs[0].error.as_ref().map(|error| error.class),
                Some(ErrorClass::EgressDenied),
                "{url} {:?}",
                runs[0]
            );
            denied += 1;
        }
        app.stop().await;
    }
    assert!(denied >= 12, "{denied}");
    assert!(journal.requests().is_empty());
}

/// A7
#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_not_followed() {
    for (status, location) in [
        (301, "http://127.0.0.1:1/"),
        (302, "/v1/elsewhere"),
        (303, "file:///etc/passwd"),
        (307, "gopher://127.0.0.1:6379/_x"),
        (308, "http://169.254.169.254/"),
        (302, "https://user:pw@example.com/?token=x"),
        (301, ""),
    ] {
        let journal = Journal::start([Reply::with(status, "Location", location)]).await;
        let app = app_of(
            journal,
            "  - http: { method: POST, url: \"http://JOURNAL/x\", json: {}, auth: { bearer: groove_token } }",
            "",
            &[],
        )
        .await;
        ring(&app, &json!({})).await;
        let run = app.only_run().await;
        let (class, message) = error_of(&run);
        assert_eq!(class, Some(ErrorClass::Redirect), "{status} {location} {message}");
        assert!(!message.contains("pw@") && !message.contains("token=x"), "{message}");
        assert_eq!(app.journal.requests().len(), 1, "{status} {location}");
        let kept = String::from_utf8(run.attempts[0].reply.clone().unwrap()).unwrap();
        assert!(location.is_empty() || kept.contains("location"), "the Location is kept for people: {kept}");
    }
}

/// A10, A31: what a payload puts into a URL stays in its segment, its query value, its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_never_moves_a_request() {
    let step = "  - http: { method: PUT, url: \"http://JOURNAL/v1/a/{{ event.x }}/b?fixed=1\", query: { q: \"{{ event.x }}\" }, json: {} }";
    let app = app_of(Journal::start([]).await, step, "", &[]).await;
    let nasty = [
        "..",
        ".",
        "a/../../b",
        "%2e%2e",
        "a?b=c",
        "a#b",
        "@evil.example",
        "//evil.example/",
        "\\\\evil",
        "a b",
        "a\tb",
        "é\u{1f514}",
        "a;b=c",
        ":8080",
        "&q=2",
        "+",
        "%",
        "http://evil.example",
    ];
    for text in nasty {
        let answer = app.post("/hooks/box", &[], json!({"x": text}).to_string()).await;
        assert_eq!(answer.status, 202);
    }
    app.settle().await;
    let mut failed = 0;
    for run in app.runs().await {
        failed += usize::from(run.status == RunStatus::Failed);
        if let Some(error) = &run.error {
            assert!(matches!(error.class, ErrorClass::RenderType | ErrorClass::Template), "{error:?}");
        }
    }
    let requests = app.journal.requests();
    assert_eq!(requests.len() + failed, nasty.len());
    assert!(failed <= 3, "only dots cannot be a segment: {failed}");
    for request in requests {
        let (path, query) = request.path.split_once('?').unwrap();
        let parts: Vec<&str> = path.split('/').collect();
        assert_eq!((parts.len(), parts[1], parts[2], parts[4]), (5, "v1", "a", "b"), "{}", request.path);
        let pairs: Vec<(String, String)> = url_pairs(query);
        assert_eq!(pairs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["fixed", "q"], "{query}");
        let segment = percent(parts[3]);
        assert!(nasty.contains(&segment.as_str()) && nasty.contains(&pairs[1].1.as_str()), "{segment}");
        assert_eq!(request.header("host"), Some(&*app.journal.address.to_string()));
    }
}

fn percent(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn url_pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (percent(name), percent(value)))
        .collect()
}

/// A17: a target that resets, or closes an idle connection, is not asked twice by the client itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_is_unknown_and_not_tried_again_in_secret() {
    let step = "  - groove.add_note: { ticket: 1, body: x }\n    retry: { after: [5s], unknown: ask }";
    let app = app_of(Journal::start([Reply::Cut]).await, step, "", &[]).await;
    ring(&app, &json!({})).await;
    assert_eq!(app.journal.requests().len(), 1);
    let run = app.only_run().await;
    assert_eq!((run.row.status, run.attempts[0].outcome), (RunStatus::Held, AttemptOutcome::Unknown));
}

/// A proxy in the environment of the process would be asked with every secret: A12 is the client's; here, a header cannot make one.
#[tokio::test(flavor = "multi_thread")]
async fn framing_headers_of_a_rule_are_refused() {
    for name in ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "TE"] {
        let journal = Journal::start([]).await;
        let folder_rule = format!(
            "name: r\non: box.received\ndo:\n  - http: {{ method: POST, url: \"http://{}/x\", headers: {{ {name}: \"{{{{ event.x }}}}\" }}, json: {{}} }}\n",
            journal.address
        );
        let app = TestApp::unchecked(journal, &[("r", &folder_rule)], BOX).await;
        if !app.app.held_back().is_empty() {
            continue;
        }
        ring(&app, &json!({"x": "0"})).await;
        let (class, message) = error_of(&app.only_run().await);
        assert_eq!(class, Some(ErrorClass::InvalidHeaderValue), "{name} {message}");
        assert!(app.journal.requests().is_empty());
    }
}
