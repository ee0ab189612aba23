//! Canaries: secrets of every kind go their ways, receivers tell them back, and none is found in anything that is kept, logged or shown.

use aho_corasick::AhoCorasick;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::json;

use crate::support::{
    app::sign,
    authority::{Authority, CLIENT_ID, CLIENT_SECRET},
    both::on_both,
    journal::{Journal, Reply},
    program::{Place, free_address, until},
};

/// The way out of each pack, by its name. `SECRET` stands for the name of its secret.
const AUTHS: [(&str, &str); 8] = [
    ("bearer", "{ bearer: SECRET }"),
    ("basic", "{ basic: { user: SECRET_user, password: SECRET } }"),
    ("header", "{ header: { name: X-Key, secret: SECRET, prefix: \"Token \" } }"),
    ("query", "{ query: { name: key, secret: SECRET } }"),
    ("path", "{ path: { secret: SECRET, prefix: bot } }"),
    ("url", "{ url: SECRET }"),
    ("closed", "{ url: SECRET }"),
    (
        "hmac",
        "{ hmac: { secret: SECRET, algorithm: sha256, encoding: hex, header: X-Sig, over: [method, path, body] } }",
    ),
];

/// What the receivers answer with: a refusal, a failure, an address elsewhere, success.
const STATUSES: [u16; 4] = [400, 500, 302, 200];

/// The part of each secret that no encoding but base64 and hex changes.
fn core(kind: &str) -> String {
    format!("cAnArY0{kind}0abcdefghij")
}

/// A secret that looks different in every encoding.
fn canary(kind: &str) -> String {
    format!("{}/+=\"&%q", core(kind))
}

/// Core and forms of everything that must not be found.
struct Hunted {
    /// By form.
    cores: Vec<String>,
    search: AhoCorasick,
}

impl Hunted {
    fn new(hunted: impl IntoIterator<Item = String>) -> Self {
        let (mut cores, mut forms) = (Vec::new(), Vec::new());
        for core in hunted {
            let mut all = vec![core.clone(), hex::encode(&core), hex::encode_upper(&core)];
            // The digits that hold bits of it alone, wherever in a longer text it stands.
            for before in 0..3 {
                let shifted = [&[0; 2][..before], core.as_bytes()].concat();
                let (first, last) = ((before * 8).div_ceil(6), shifted.len() * 8 / 6);
                let digits: String = STANDARD_NO_PAD.encode(&shifted).chars().take(last).skip(first).collect();
                all.push(digits.replace('+', "-").replace('/', "_"));
                all.push(digits);
            }
            cores.extend(std::iter::repeat_n(core, all.len()));
            forms.extend(all);
        }
        Self { cores, search: AhoCorasick::new(&forms).unwrap() }
    }

    fn found(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        let told = |found: aho_corasick::Match| {
            let core = &self.cores[found.pattern().as_usize()];
            let around = &bytes[found.start().saturating_sub(80)..(found.end() + 40).min(bytes.len())];
            format!("{core} in {place}: {}", String::from_utf8_lossy(around))
        };
        self.search.find_iter(bytes).take(3).map(told).collect()
    }
}

fn pack(name: &str, auth: &str, journal: &Journal) -> String {
    let auth = auth.replace("SECRET", &format!("{name}_secret"));
    let base =
        if auth.contains("url:") { String::new() } else { format!("base_url: http://{}/api\n", journal.address) };
    format!(
        "name: {name}\ntitle: {name}\n{base}auth: {auth}\nerrors: {{ message: body.error.message }}\ntest: who\nactions:\n  call:\n    \
         title: Call\n    inputs: {{ status: {{ type: integer, required: true }} }}\n    request:\n      method: POST\n      \
         path: /call\n      json: {{ status: \"{{{{ status }}}}\" }}\n    sample: {{}}\n  who:\n    title: Who\n    request: {{ method: GET, path: /who }}\n    \
         read: true\n    sample: {{}}\n"
    )
}

/// A rule that keeps all it sees of a call.
fn rule(name: &str, step: &str) -> String {
    format!(
        "name: {name}\non: box.{name}\ndo:\n  - id: call\n    {step}\n    retry: 0\n  - emit:\n      type: told.{name}\n      \
         data: {{ result: \"{{{{ steps.call.result | json }}}}\", response: \"{{{{ steps.call.response | json }}}}\" }}\n\
         on_error:\n  - emit: {{ type: told.{name}, data: {{ message: \"{{{{ error | json }}}}\" }} }}\n"
    )
}

fn settings(closed: &str) -> String {
    format!(
        "[circuit]\nfailures = 0\n[services.email]\nbase_url = \"smtp://{closed}\"\n[sources.box]\npublic = true\n\
         [sources.hq]\nverify = {{ token = {{ in = \"query\", name = \"token\" }} }}\n\
         [sources.hh]\nverify = {{ token = {{ in = \"header\", name = \"X-Token\" }} }}\n\
         [sources.hp]\nverify = {{ token = {{ in = \"path\" }} }}\n\
         [sources.hb]\nverify = {{ basic = {{}} }}\n\
         [sources.hm]\nverify = \"generic\"\n"
    )
}

/// Everything that a secret is set for: its name and its value. Names that are in the environment already are left out.
fn set_secrets(place: &Place, journal: &Journal, closed: &str) {
    let set = |name: &str, value: &str| drop(place.run_with(&["secrets", "set", name], value).fine());
    for (name, _) in AUTHS {
        let value = match name {
            "url" => format!("http://{}/hook/{}?x=1", journal.address, core("url")),
            "closed" => format!("http://{closed}/hook/{}", core("closed")),
            _ => canary(name),
        };
        set(&format!("{name}_secret"), &value);
    }
    set("basic_secret_user", &core("user"));
    set("smtp_user", "someone@example.com");
    set("smtp_password", &canary("smtp"));
    for source in ["hq", "hh"] {
        set(&format!("{source}_secret"), &canary(source));
    }
    set("hp_secret", &core("hp"));
    set("hb_user", &core("hbuser"));
    set("hb_password", &canary("hb"));
    // The earlier value of a key counts for a day more, and is as secret.
    set("hm_secret", &canary("earlier"));
    set("hm_secret", &canary("hm"));
}

/// Deliveries of every kind: with what is right, with what was right, and with what is wrong.
async fn deliver(listen: &str) {
    // Another test may have been first.
    drop(rustls::crypto::ring::default_provider().install_default());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = |path: &str| url::Url::parse(&format!("http://{listen}{path}")).unwrap();
    let post = |url: url::Url| http.post(url).header("Content-Type", "application/json").body("{\"a\": 1}");
    let with_token = |path: &str, token: &str| {
        let mut url = url(path);
        url.query_pairs_mut().append_pair("token", token);
        url
    };
    let mut in_path = url("/hooks/hp");
    in_path.path_segments_mut().unwrap().push(&core("hp"));
    let signature = |key: &str| sign(&canary(key), b"{\"a\": 1}");
    let mut seen = Vec::new();
    for request in [
        post(with_token("/hooks/hq", &canary("hq"))),
        post(with_token("/hooks/hq/other/path", &canary("hq"))),
        post(with_token("/hooks/nowhere", &canary("hq"))),
        post(url("/hooks/hh")).header("X-Token", canary("hh")),
        post(url("/hooks/hh")).header("X-Token", format!("{}x", canary("hh"))),
        post(in_path),
        post(url("/hooks/hb")).basic_auth(core("hbuser"), Some(canary("hb"))),
        post(url("/hooks/hb")).basic_auth(core("hbuser"), Some(canary("hb") + "x")),
        post(url("/hooks/hm")).header("X-Signature", signature("hm")),
        post(url("/hooks/hm")).header("X-Signature", signature("earlier")).body("{\"a\": 1}"),
        post(url("/hooks/hm")).header("X-Signature", signature("nothing")),
        http.get(profile(listen, &canary("profile"))),
        http.get(profile(listen, &format!("{}x", canary("profile")))),
    ] {
        seen.push(request.send().await.unwrap().status().as_u16());
    }
    assert_eq!(seen, [202, 404, 404, 202, 404, 202, 202, 401, 202, 200, 401, 200, 401]);
}

fn profile(listen: &str, token: &str) -> url::Url {
    let mut url = url::Url::parse(&format!("http://{listen}/profile/groove?email=ann@example.com")).unwrap();
    url.query_pairs_mut().append_pair("api_token", token);
    url
}

/// What every verb that shows something prints.
fn shown(place: &Place) -> Vec<(String, Vec<u8>)> {
    let mut shown = Vec::new();
    let mut run = |words: &[&str]| {
        let ended = place.run(words);
        shown.push((words.join(" "), format!("{}{}", ended.out, ended.err).into_bytes()));
        ended
    };
    for words in [
        "doctor",
        "doctor --json",
        "config print",
        "config print --json",
        "connections",
        "connections --json",
        "secrets list",
        "secrets list --json",
        "problems --all --json",
        "circuits --json",
        "services list",
        "services list --json",
        "services show query",
        "services show url --json",
        "services test bearer",
        "services test query --json",
        "services test url",
        "services test closed",
        "services test crm",
        "check --json",
        "events refused --json",
        "profiles export",
        "calls --json",
    ] {
        run(&words.split(' ').collect::<Vec<_>>());
    }
    let ids = |list: &serde_json::Value| {
        let rows = list.as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let runs = ids(&run(&["runs", "list", "--limit", "1000", "--json"]).fine().json());
    for id in &runs {
        run(&["runs", "show", id, "--json"]).fine();
    }
    // People see the same values; one of each kind will do.
    for id in runs.iter().rev().take(AUTHS.len() + 2) {
        run(&["runs", "show", id]).fine();
    }
    let events = run(&["events", "list", "--limit", "1000", "--json"]).fine().json();
    // Those of the public source hold nothing but a status.
    let from = |source: &str| events.as_array().unwrap().iter().find(|event| event["source"] == source).cloned();
    let told: Vec<String> = events
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["source"] != "box")
        .filter_map(|event| event["id"].as_str())
        .map(str::to_owned)
        .collect();
    assert!(told.len() > 20 && from("hm").is_some(), "{events}");
    for event in &told {
        run(&["events", "show", event, "--json"]).fine();
    }
    for source in ["hq", "hh", "hp", "hb", "hm", "box"] {
        run(&["explain", from(source).unwrap()["id"].as_str().unwrap(), "--json"]).fine();
    }
    for refused in ids(&run(&["events", "refused", "--json"]).fine().json()) {
        run(&["explain", &refused]);
    }
    for (name, _) in AUTHS {
        let event = events.as_array().unwrap().iter().find(|event| event["type"] == format!("box.{name}")).unwrap();
        run(&["run", name, "--event", event["id"].as_str().unwrap(), "--dry", "--json"]).fine();
    }
    shown
}

/// The files of the database but the key's, and what PostgreSQL dumps.
fn stored(place: &Place, database: Option<&str>) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(place.path().join("data")).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.is_file() && path.extension().is_none_or(|ending| ending != "key"));
    let mut stored: Vec<(String, Vec<u8>)> =
        files.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
    stored.push(("log".to_owned(), place.read("log").into_bytes()));
    if let Some(url) = database {
        let dump = std::process::Command::new("pg_dump").arg(format!("--dbname={url}")).output().unwrap();
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        assert!(dump.stdout.len() > 10_000);
        stored.push(("pg_dump".to_owned(), dump.stdout));
    }
    stored
}

on_both!(no_secret_is_found_in_anything_that_is_kept_logged_or_shown, |database| {
    let journal = Journal::start(vec![Reply::Echo; 200]).await;
    let authority = Authority::start().await;
    let (closed, listen) = (free_address(), free_address().to_string());
    let ports = format!("{}, {}, {}", journal.address.port(), authority.address.port(), closed.port());
    let mut place = Place::empty()
        .with("BELLWIRE_SERVER_LISTEN", &listen)
        .with("BELLWIRE_EGRESS_ALLOW", "127.0.0.1/32")
        .with("BELLWIRE_EGRESS_PORTS", &ports)
        .with("BELLWIRE_LOG_LEVEL", "debug")
        .with("BELLWIRE_SECRET_CRM_ID", CLIENT_ID)
        .with("BELLWIRE_SECRET_CRM_SECRET", CLIENT_SECRET)
        .with("BELLWIRE_SECRET_GROOVE_PROFILE_TOKEN", &canary("profile"));
    for (name, value) in &database {
        place = place.with(name, value);
    }
    place.run(&["init", "."]).fine();
    place.write("bellwire.toml", &settings(&closed.to_string()));
    for (name, auth) in AUTHS {
        place.write(&format!("templates/services/{name}.yaml"), &pack(name, auth, &journal));
        place.write(
            &format!("rules/{name}.yaml"),
            &rule(name, &format!("{name}.call: {{ status: \"{{{{ event.status }}}}\" }}")),
        );
    }
    place.write("templates/services/crm.yaml", &authority.pack("client_credentials"));
    place.write("rules/crm.yaml", &rule("crm", "crm.me: {}"));
    let two = authority.pack("client_credentials").replace("name: crm\n", "name: crmtwo\n");
    place.write("templates/services/crmtwo.yaml", &two);
    place.write("rules/crmtwo.yaml", &rule("crmtwo", "crmtwo.me: {}"));
    let mail = "email.send: { from: a@example.com, to: b@example.com, subject: x, text: y }";
    place.write("rules/mail.yaml", &rule("mail", mail));
    let hooks = "name: hooks\non: [hq.received, hh.received, hp.received, hb.received, hm.received]\ndo:\n  \
                 - emit: { type: told.hook, data: { trigger: \"{{ trigger | json }}\", event: \"{{ event | json }}\" } }\n";
    place.write("rules/hooks.yaml", hooks);
    place.run(&["check"]).fine();
    set_secrets(&place, &journal, &closed.to_string());

    let serving = place.serve();
    for status in STATUSES {
        for name in AUTHS.map(|(name, _)| name).iter().chain(&["crm", "mail"]) {
            place.ring(name, &json!({"status": status}));
        }
    }
    deliver(&listen).await;
    let is_over = |state: &String| ["ok", "failed"].contains(&state.as_str());
    let ended = |count| until("all runs end", || place.states().iter().filter(|state| is_over(state)).count() >= count);
    ended(45);
    // The API refuses the token and tells it back; another connection gets none, and the client's secret is told back to it.
    authority.state().closed = true;
    place.ring("crm", &json!({"status": 1}));
    ended(46);
    let told = json!({"error": "invalid_client", "error_description": CLIENT_SECRET}).to_string();
    authority.state().failures.extend(vec![(400, told); 20]);
    place.ring("crmtwo", &json!({"status": 2}));
    until("the run waits for a token", || {
        authority.state().failures.len() < 20 && place.states().iter().any(|state| state == "due")
    });
    let paths: String =
        journal.requests().iter().map(|request| format!("{} {:?}\n", request.path, request.headers)).collect();
    for sent in ["bearer", "header"] {
        assert!(paths.contains(&core(sent)), "{sent} was not even sent: {paths}");
    }

    let shown = shown(&place);
    drop(serving);
    let kinds = ["user", "smtp", "hq", "hh", "hp", "hb", "hbuser", "hm", "earlier", "profile"];
    let kinds = AUTHS.map(|(name, _)| name).into_iter().chain(kinds).map(core);
    let tokens = ["canary-access-token", "canary-refresh-token", "canary-client-secret"].map(str::to_owned);
    let hunted = Hunted::new(kinds.chain(tokens));
    let places = shown.into_iter().chain(stored(&place, database.get("BELLWIRE_DATABASE_URL").map(String::as_str)));
    let places: Vec<(String, Vec<u8>)> = places.collect();
    assert!(places.len() > 120, "{}", places.len());
    let found: Vec<String> = places.iter().flat_map(|(place, bytes)| hunted.found(place, bytes)).collect();
    assert!(
        found.is_empty(),
        "{} hits:\n{}",
        found.len(),
        found.iter().take(20).cloned().collect::<Vec<_>>().join("\n")
    );
});
