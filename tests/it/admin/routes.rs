//! Every route that is mounted, who may call it, and what everybody else is told: `tests/data/routes.txt` says all of it.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use bellwire::model::{Role, Scope};

use crate::support::{
    app::TestApp,
    browser::{Browser, FORM},
    journal::Journal,
};

/// The table: method, path, then what is answered to nobody, viewer, editor, owner, a token with every scope, one with none.
const TABLE: &str = include_str!("../../data/routes.txt");

/// Routes of the admin that answer everybody. To add one is a decision.
const PUBLIC: [&str; 9] = [
    "GET /api/openapi.json",
    "GET /assets/<digest>/<name>",
    "GET /login",
    "POST /login",
    // Of a browser whose password was right, and of nobody else.
    "POST /login/code",
    // To the provider of sign-in, where one is set, and back: bound to the browser that began it.
    "GET /login/oidc",
    "GET /login/oidc/back",
    "GET /setup",
    "POST /setup",
];

/// Who asks.
const WHO: [&str; 6] = ["nobody", "viewer", "editor", "owner", "token", "bare token"];

/// What is told: `login` and `reauth` lead there, `401` and `403` refuse, `in` is past the door.
fn told(status: u16, location: &str) -> &'static str {
    match status {
        303 if location.starts_with("/login") => "login",
        303 if location.starts_with("/reauth") => "reauth",
        401 => "401",
        403 => "403",
        500..=599 => "broken",
        _ => "in",
    }
}

/// A path that a route answers, whatever its parts are.
fn filled(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').map(|part| if part.starts_with('<') { "0" } else { part }).collect();
    parts.join("/")
}

fn rows() -> BTreeMap<(String, String), Vec<String>> {
    TABLE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            let key = (words.next().unwrap(), words.next().unwrap());
            (key, words.collect())
        })
        .collect()
}

/// Asks a route as each of `WHO`, each time as somebody new, so that what one did is nothing to the next.
async fn ask(app: &TestApp, method: &str, path: &str) -> Vec<String> {
    let mut answers = Vec::new();
    for who in WHO {
        let browser = match who {
            "viewer" => app.sign_in(Role::Viewer).await,
            "editor" => app.sign_in(Role::Editor).await,
            "owner" => app.sign_in(Role::Owner).await,
            _ => Browser::new(app),
        };
        let bearer = match who {
            "token" => format!("Bearer {}", app.token(Role::Owner, &Scope::ALL).await),
            "bare token" => format!("Bearer {}", app.token(Role::Owner, &[]).await),
            _ => String::new(),
        };
        let (origin, csrf) = (browser.base.clone(), browser.csrf());
        let mut headers = vec![("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Mode", "navigate")];
        if method != "GET" && method != "HEAD" {
            headers.extend([("Origin", origin.as_str()), ("X-CSRF", csrf.as_str()), ("Content-Type", FORM)]);
        }
        if !bearer.is_empty() {
            headers.push(("Authorization", &bearer));
        }
        // A long answer may be a stream: its head tells enough.
        let path = filled(path);
        let asked = browser.begin(method, &path, &headers, (method != "GET").then(String::new));
        let response = tokio::time::timeout(Duration::from_secs(20), asked).await.expect("no answer");
        let location = response.headers().get("location").map(|place| place.to_str().unwrap().to_owned());
        answers.push(told(response.status().as_u16(), &location.unwrap_or_default()).to_owned());
    }
    answers
}

fn line(key: &(String, String), answers: &[String]) -> String {
    format!("{:<7} {:<40} {}", key.0, key.1, answers.join(" "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_is_in_the_table_and_answers_each_role_as_it_says() {
    let app = TestApp::start(Journal::start([]).await).await;
    app.sign_in(Role::Owner).await;
    let rows = rows();
    let mounted = app.app.routes();
    assert!(mounted.len() > 10, "{mounted:?}");
    let (mut missing, mut other) = (Vec::new(), Vec::new());
    for key in &mounted {
        let answers = ask(&app, &key.0, &key.1).await;
        assert!(!answers.contains(&"broken".to_owned()), "{}", line(key, &answers));
        match rows.get(key) {
            None => missing.push(line(key, &answers)),
            Some(wanted) if *wanted != answers => {
                other.push(format!("wanted {}\n   got {}", line(key, wanted), line(key, &answers)));
            }
            Some(_) => {}
        }
    }
    let gone: Vec<String> =
        rows.keys().filter(|key| !mounted.contains(key)).map(|key| format!("{} {}", key.0, key.1)).collect();
    assert!(other.is_empty(), "routes that answer otherwise than tests/data/routes.txt says:\n{}", other.join("\n"));
    assert!(gone.is_empty(), "rows of routes that are not mounted:\n{}", gone.join("\n"));
    assert!(
        missing.is_empty(),
        "routes without a row; if each is meant so, add to tests/data/routes.txt:\n{}",
        missing.join("\n")
    );
}

#[test]
fn nothing_of_the_admin_is_public_but_what_is_listed() {
    let is_hook = |path: &str| {
        ["/hooks", "/profile", "/callback", "/healthz", "/readyz", "/metrics", "/oauth", "/-/misdirected"]
            .iter()
            .any(|way| path.starts_with(way))
    };
    let rows = rows();
    let open: Vec<String> = rows
        .iter()
        .filter(|((_, path), answers)| {
            answers.first().is_some_and(|nobody| nobody == "in" || nobody == "403") && !is_hook(path)
        })
        .map(|((method, path), _)| format!("{method} {path}"))
        .collect();
    let mut listed: Vec<&str> = PUBLIC.to_vec();
    listed.sort_unstable();
    let mut open: Vec<&str> = open.iter().map(String::as_str).collect();
    open.sort_unstable();
    assert_eq!(open, listed);
    for ((method, path), answers) in &rows {
        assert_eq!(answers.len(), WHO.len(), "{method} {path}");
        let is_api = path.starts_with("/api/");
        if is_api && !PUBLIC.contains(&format!("{method} {path}").as_str()) {
            assert_eq!(answers[..4], ["401"; 4], "a session is nothing to the API: {method} {path}");
        } else if answers[0] != "in" && !is_hook(path) {
            assert_eq!(answers[4], answers[0], "a token is nothing to pages: {method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_spelling_of_a_path_gets_past_the_door() {
    let app = TestApp::start(Journal::start([]).await).await;
    let address = app.app.admin_address();
    let asked = |line: &str, headers: &str| -> (u16, String) {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "{line} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap_or_else(|| panic!("{answer}")).parse().unwrap();
        let location =
            answer.lines().find_map(|line| line.to_lowercase().strip_prefix("location: ").map(str::to_owned));
        (status, location.unwrap_or_default())
    };
    let absolute = format!("GET http://{address}/account");
    for line in [
        "GET /account",
        "GET //account",
        "GET /./account",
        "GET /x/../account",
        "GET /account/",
        "GET /account.",
        "GET /account//",
        "GET /%61ccount",
        "GET /ACCOUNT",
        "GET /account;a=b",
        "GET /account%2f",
        "GET /account%00",
        "GET /login/../account",
        "GET /login/%2e%2e/account",
        "GET /assets/0/..%2f..%2faccount",
        "GET /assets/0/app.css/../../../account",
        "GET /account?x=/login",
        "GET /account/login",
        "HEAD /account",
        &absolute,
    ] {
        let (status, location) = asked(line, "");
        let is_shut = (status == 303 && location.starts_with("/login")) || matches!(status, 400 | 404 | 405);
        assert!(is_shut, "{line}: {status} {location}");
    }
    for headers in ["X-Original-URL: /account\r\n", "X-Rewrite-URL: /account\r\n", "X-Forwarded-Prefix: /account\r\n"] {
        let (status, _) = asked("GET /login", headers);
        assert_eq!(status, 200, "{headers}: the path of the first line counts");
        assert_eq!(asked("GET /account", &headers.replace("/account", "/login")).0, 303, "{headers}");
    }
    for headers in ["X-HTTP-Method-Override: POST\r\n", "X-Method-Override: DELETE\r\n"] {
        assert_eq!(asked("GET /logout", headers).0, 404, "{headers}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_of_elsewhere_writes_anything() {
    let app = TestApp::start(Journal::start([]).await).await;
    let browser = app.sign_in(Role::Owner).await;
    let (own, csrf) = (browser.base.clone(), browser.csrf());
    let sibling = "http://evil.127.0.0.1:80";
    let writes: Vec<(String, String)> = rows()
        .into_iter()
        .filter(|((method, _), answers)| !matches!(method.as_str(), "GET" | "HEAD") && answers[0] == "login")
        .map(|(key, _)| key)
        .collect();
    assert!(writes.len() > 3, "{writes:?}");
    for (method, path) in writes {
        let path = filled(&path);
        let token = ("X-CSRF", csrf.as_str());
        for (what, headers) in [
            ("another site", vec![("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site"), token]),
            ("another origin alone", vec![("Origin", "https://evil.example"), token]),
            ("a sibling", vec![("Origin", sibling), ("Sec-Fetch-Site", "same-site"), token]),
            ("no-cors", vec![("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors"), token]),
            ("Origin: null", vec![("Origin", "null"), token]),
            ("Origin: null, told to be ours", vec![("Origin", "null"), ("Sec-Fetch-Site", "same-origin"), token]),
            ("neither header", vec![token]),
            ("no token", vec![("Origin", own.as_str()), ("Sec-Fetch-Site", "same-origin")]),
            ("another token", vec![("Origin", own.as_str()), ("X-CSRF", "0")]),
        ] {
            for kind in [FORM, "text/plain", "multipart/form-data; boundary=x"] {
                let mut headers = headers.clone();
                headers.push(("Content-Type", kind));
                let body = "a=b&_method=delete".to_owned();
                let refused = browser.send(&method, &path, &headers, Some(body)).await;
                // Of a wrong token only what is read as a form can say; another kind is refused for itself.
                let is_refused =
                    refused.status == 403 || (kind != FORM && what.contains("token") && refused.status == 415);
                assert!(is_refused, "{method} {path} from {what} as {kind}: {refused:?}");
            }
        }
    }
    let fetched = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")];
    browser.send("GET", "/account", &fetched, None).await.is(403);
    let led = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")];
    browser.send("GET", "/account", &led, None).await.is(200);
}
