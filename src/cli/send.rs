//! `bellwire send`: a sample of a pack, signed and posted to a server as the service would.

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    path::Path as FilePath,
    sync::Arc,
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ipnet::IpNet;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use url::Url;

use super::{
    answer::{Answer, clean},
    arguments::Send,
    failure::Failure,
    open, secrets,
};
use crate::{
    app,
    config::{self, Config},
    egress::Egress,
    net::{Client, Outgoing, Reply},
    secret::Secret,
    services::{Bodies, Encoded, EventKind, Pack, Registry, Sending, SignedDelivery, Stamp, encode, sign_delivery},
    store::{Mode, VaultError},
    value::{Object, Path, Segment, Value},
};

/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of its answer that are read.
const ANSWER_LIMIT: usize = 64 << 10;

/// Elements that a list may be made to have by an index in `--set`.
const LONGEST_LIST: usize = 1_000;

pub(super) fn run(workspace: &FilePath, options: &Send) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    let registry = app::check(&config).registry;
    let delivery = Delivery::new(&config, &registry, options)?;
    let url = address(&config, options, &delivery)?;
    let reply = open::block_on(post(&url, &delivery))?;
    Ok(report(&url, &reply, delivery.freshener, options.json))
}

/// A delivery, ready to go.
struct Delivery {
    source: String,
    body: Vec<u8>,
    content_type: String,
    signed: SignedDelivery,
    /// What makes another one of it, where the server has seen it before.
    freshener: &'static str,
}

impl Delivery {
    fn new(config: &Config, registry: &Registry, options: &Send) -> Result<Self, Failure> {
        let (service, event) = options.event.split_once('.').ok_or_else(|| {
            Failure::Usage(format!("`{}` is no event type; one is written like gruveo.call", clean(&options.event, 64)))
        })?;
        let generic = generic(config, service)?;
        let pack = generic.as_ref().or(registry.pack(service).map(Arc::as_ref)).ok_or_else(|| {
            let known: Vec<&str> = registry.packs.keys().map(String::as_str).collect();
            Failure::Usage(format!("there is no service `{}`; known are {}", clean(service, 64), known.join(", ")))
        })?;
        let kind = if generic.is_some() { &any_event() } else { kind(pack, event)? };
        let mut payload = sample(pack, event, kind, options.sample.as_deref())?;
        let stamp = kind.stamp.as_ref().filter(|_| !options.as_is);
        if let Some(Stamp { path, unit }) = stamp {
            // The very bytes of yesterday's sample would be a duplicate, which runs nothing.
            put(&mut payload, path, unit.value(open::clock().now()))?;
        } else if let Some((path, unit)) = pack.hook.as_ref().and_then(|hook| hook.verify.stamp_of_body()) {
            // A signature whose time stands in the body holds for none without it.
            if !options.as_is {
                put(&mut payload, path, unit.value(open::clock().now()))?;
            }
        }
        for change in &options.set {
            let (path, text) = split(change, "--set")?;
            set(&mut payload, path, Value::String(text.to_owned()))?;
        }
        for change in &options.set_json {
            let (path, text) = split(change, "--set-json")?;
            let value = serde_json::from_str(text)
                .map_err(|error| Failure::Usage(format!("--set-json {}: no JSON: {error}", clean(path, 64))))?;
            set(&mut payload, path, value)?;
        }
        let bodies = pack.hook.as_ref().map_or(Bodies::JSON, |hook| hook.body);
        let Encoded { content_type, bytes: body } = encode(bodies.kind, &payload)
            .map_err(|why| Failure::No(format!("{} cannot be sent: {why}", clean(&options.event, 64))))?;
        let source = options.source.clone().unwrap_or_else(|| service.to_owned());
        let known = secrets_of(config, pack, &source)?;
        let find = |name: &str| known.iter().find(|(known, _)| known == name).map(|(_, secret)| secret.clone());
        let origin = config.server.public_url.clone().unwrap_or_else(|| base(config, options));
        let path = format!("/hooks/{}", encoded(&source));
        let sending = Sending { origin: origin.trim_end_matches('/'), path: &path, now: open::clock().now() };
        let signed = sign_delivery(pack, event, &body, &sending, &find).map_err(Failure::No)?;
        let freshener = match (&kind.stamp, options.as_is) {
            (Some(_), true) => "leave out --as-is",
            (Some(_), false) => "leave out what sets the time of the event",
            (None, _) => "change a value with --set PATH=TEXT",
        };
        Ok(Self { source, body, content_type, signed, freshener })
    }
}

/// The pack of a generic source of the settings, by its name. `None`: there is none of it.
fn generic(config: &Config, name: &str) -> Result<Option<Pack>, Failure> {
    let Some(source) = config.sources.get(name).filter(|source| source.service.is_none()) else { return Ok(None) };
    match &source.verify {
        Some(verify) => Pack::of_source(name, verify)
            .map(Some)
            .map_err(|faults| Failure::No(format!("sources.{name}.verify: {}", faults.join("; ")))),
        None => Ok(source.public.then(|| Pack::generic(name, true))),
    }
}

/// An event of which nothing is known.
fn any_event() -> EventKind {
    EventKind {
        title: String::new(),
        schema: Value::Object(Object::new()),
        samples: Vec::new(),
        untrusted: Vec::new(),
        stamp: None,
    }
}

fn kind<'p>(pack: &'p Pack, event: &str) -> Result<&'p EventKind, Failure> {
    pack.events.get(event).ok_or_else(|| {
        let known: Vec<String> = pack.events.keys().map(|event| format!("{}.{event}", pack.name)).collect();
        Failure::Usage(format!("`{}` sends no `{}`; known are {}", pack.name, clean(event, 64), known.join(", ")))
    })
}

fn sample(pack: &Pack, event: &str, kind: &EventKind, name: Option<&str>) -> Result<Value, Failure> {
    let known = || kind.samples.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let found = match name {
        None => kind.samples.first(),
        Some(name) => kind.samples.iter().find(|(known, _)| known == name),
    };
    match (found, name) {
        (Some((_, sample)), _) => Ok(sample.clone()),
        (None, None) => Ok(Value::Object(Object::new())),
        (None, Some(name)) => Err(Failure::Usage(format!(
            "{}.{event} has no sample `{}`; it has {}",
            pack.name,
            clean(name, 64),
            if kind.samples.is_empty() { "none".to_owned() } else { known() }
        ))),
    }
}

/// The pack's names of hook secrets with their values: of the environment, else of the database.
fn secrets_of(config: &Config, pack: &Pack, source: &str) -> Result<Vec<(String, Secret)>, Failure> {
    let Some(hook) = &pack.hook else { return Ok(Vec::new()) };
    let source = config.sources.get(source).map(|settings| (source, settings));
    let mut found = Vec::new();
    for theirs in hook.secret_names() {
        let ours = match source {
            Some((name, settings)) if settings.verify.is_some() => settings.secret_name(name, theirs),
            Some((_, settings)) => settings.secrets.get(theirs).cloned().unwrap_or_else(|| theirs.to_owned()),
            None => theirs.to_owned(),
        };
        let ours = ours.as_str();
        if let Some(secret) = config.secrets.environment.get(ours) {
            found.push((theirs.to_owned(), secret.clone()));
            continue;
        }
        if open::is_unborn(config)? {
            return Err(Failure::No(format!("secret `{ours}` is not set; set it with `bellwire secrets set {ours}`")));
        }
        let secret = secrets::with_vault(config, Mode::Read, async |vault| {
            vault.get(ours).map_err(|error| match error {
                VaultError::Sealed { .. } => Failure::No(error.to_string()),
                other => other.into(),
            })
        })?;
        found.push((theirs.to_owned(), secret));
    }
    Ok(found)
}

fn split<'c>(change: &'c str, flag: &str) -> Result<(&'c str, &'c str), Failure> {
    change.split_once('=').ok_or_else(|| Failure::Usage(format!("{flag} wants PATH=VALUE, such as tracking.ticket=42")))
}

/// Sets the value at a path; objects on the way are made.
fn set(payload: &mut Value, path: &str, value: Value) -> Result<(), Failure> {
    let parsed: Path =
        path.parse().map_err(|error| Failure::Usage(format!("`{}`: no path: {error}", clean(path, 64))))?;
    put(payload, &parsed, value)
}

fn put(payload: &mut Value, path: &Path, value: Value) -> Result<(), Failure> {
    let wrong = |why: &str| Failure::Usage(format!("`{}`: {why}", clean(&path.to_string(), 64)));
    let mut here = payload;
    for segment in path.segments() {
        if here.is_null() {
            *here = Value::Object(Object::new());
        }
        here = match (here, segment) {
            (Value::Object(map), Segment::Name(name)) => map.entry(name.clone()).or_insert(Value::Null),
            (Value::Object(map), Segment::Index(index)) => map.entry(index.to_string()).or_insert(Value::Null),
            (Value::Array(list), Segment::Index(index)) => {
                let index = *index;
                if index >= LONGEST_LIST {
                    return Err(wrong("the index is too large"));
                }
                if list.len() <= index {
                    list.resize(index + 1, Value::Null);
                }
                list.get_mut(index).ok_or_else(|| wrong("the index is too large"))?
            }
            (_, Segment::Any) => return Err(wrong("`*` names no one place")),
            _ => return Err(wrong("goes through a value that is neither object nor list")),
        };
    }
    *here = value;
    Ok(())
}

/// The server that is posted to.
fn base(config: &Config, options: &Send) -> String {
    options.url.clone().unwrap_or_else(|| format!("http://{}", reachable(config.server.listen)))
}

/// The name of a source as it stands in an address.
fn encoded(source: &str) -> String {
    utf8_percent_encode(source, NON_ALPHANUMERIC).to_string().replace("%2D", "-").replace("%5F", "_")
}

/// Where it goes: `/hooks/<source>` of the server.
fn address(config: &Config, options: &Send, delivery: &Delivery) -> Result<Url, Failure> {
    let base = base(config, options);
    let source = encoded(&delivery.source);
    let text = format!("{}/hooks/{source}{}", base.trim_end_matches('/'), delivery.signed.path);
    let mut url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(|| {
        Failure::Usage(format!("--url wants an address such as http://127.0.0.1:8000, `{}` seen", clean(&base, 100)))
    })?;
    if !delivery.signed.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&delivery.signed.query);
    }
    Ok(url)
}

/// A server that listens on every address is reached over the loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(_) => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
    };
    SocketAddr::new(ip, listen.port())
}

async fn post(url: &Url, delivery: &Delivery) -> Result<Reply, Failure> {
    let egress = Arc::new(only(url)?);
    let checked = egress.url(url.as_str()).map_err(|denied| Failure::Usage(format!("--url: {denied}")))?;
    let mut headers = HeaderMap::new();
    let content_type = HeaderValue::try_from(delivery.content_type.as_str());
    headers.extend(content_type.ok().map(|kind| (http::header::CONTENT_TYPE, kind)));
    for (name, value) in &delivery.signed.headers {
        let name = HeaderName::try_from(name.as_str()).ok();
        let value = HeaderValue::try_from(value.as_str()).ok();
        let (Some(name), Some(mut value)) = (name, value) else {
            return Err(Failure::No("the secret cannot stand in a header: it holds control characters".to_owned()));
        };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    let client = Client::new(egress, ANSWER_LIMIT).map_err(Failure::Storage)?;
    let body = Some(delivery.body.clone());
    let request = Outgoing { method: Method::POST, url: checked, headers, body, timeout: TIMEOUT };
    client.send(request).await.map_err(|error| {
        let port = url.port_or_known_default().unwrap_or(0);
        let host = url.host_str().unwrap_or_default();
        Failure::No(format!("{host}:{port} does not answer: {}; is `bellwire serve` running there?", error.message))
    })
}

/// What may be called: the addresses of the one server, and its port.
fn only(url: &Url) -> Result<Egress, Failure> {
    let port = url.port_or_known_default().unwrap_or(80);
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let addresses = (host.as_str(), port)
        .to_socket_addrs()
        .map_err(|error| Failure::No(format!("{} has no address: {error}", clean(&host, 100))))?;
    let allow = addresses.map(|address| IpNet::from(address.ip())).collect();
    Ok(Egress::new(&config::Egress { allow, ports: vec![port] }, Vec::new()))
}

fn report(url: &Url, reply: &Reply, freshener: &str, json: bool) -> Answer {
    let said: Value = serde_json::from_slice(&reply.body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&reply.body).into_owned()));
    let taken = (200..300).contains(&reply.status);
    let exit = u8::from(!taken);
    if json {
        return Answer::json(&json!({"status": reply.status, "answer": said})).exit(exit);
    }
    // The query may hold a token.
    let place = format!("{}{}", url.origin().ascii_serialization(), url.path());
    let text = match &said {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let answer = Answer::text(format!("{place} answered {}: {}", reply.status, clean(&text, 2_000))).exit(exit);
    if said.get("duplicate") == Some(&Value::Bool(true)) {
        return answer.note(&format!(
            "It has seen this very body before, so nothing runs again. For a fresh event {freshener}."
        ));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_set_wherever_its_path_leads() {
        let mut payload = json!({"tracking": {"customer_id": "1"}, "users": [{"name": "a"}], "user": null, "n": 1});
        for (path, value) in [
            ("tracking.ticket", json!("42")),
            ("users.0.name", json!("b")),
            ("users.2", json!(1)),
            ("user.name", json!("c")),
            ("new.deep", json!(true)),
        ] {
            set(&mut payload, path, value).unwrap();
        }
        assert_eq!(
            payload,
            json!({
                "tracking": {"customer_id": "1", "ticket": "42"}, "users": [{"name": "b"}, null, 1], "user": {"name": "c"},
                "n": 1, "new": {"deep": true},
            })
        );
        for path in ["", "n.x", "users.*", "users.999999999999", "a..b", "users.name"] {
            assert!(matches!(set(&mut payload, path, json!(1)), Err(Failure::Usage(_))), "{path}");
        }
    }

    #[test]
    fn the_address_is_a_hook_of_the_server() {
        let config = Config::defaults(FilePath::new("/w"));
        let mut delivery = Delivery {
            source: "gruveo".to_owned(),
            content_type: String::new(),
            body: Vec::new(),
            signed: SignedDelivery::default(),
            freshener: "",
        };
        let mut options = Send {
            event: "gruveo.call".to_owned(),
            sample: None,
            set: Vec::new(),
            set_json: Vec::new(),
            as_is: false,
            source: None,
            url: None,
            json: false,
        };
        let shown = |options: &Send, delivery: &Delivery| address(&config, options, delivery).map(String::from).ok();
        assert_eq!(shown(&options, &delivery).as_deref(), Some("http://127.0.0.1:8000/hooks/gruveo"));
        options.url = Some("https://bellwire.example.com/".to_owned());
        delivery.source = "second-team/../x".to_owned();
        delivery.signed.path = "/note_added".to_owned();
        delivery.signed.query = vec![("token".to_owned(), "a&b".to_owned())];
        assert_eq!(
            shown(&options, &delivery).as_deref(),
            Some("https://bellwire.example.com/hooks/second-team%2F%2E%2E%2Fx/note_added?token=a%26b")
        );
        options.url = Some("ftp://x".to_owned());
        assert_eq!(shown(&options, &delivery), None);
    }

    #[test]
    fn a_server_on_every_address_is_reached_over_the_loopback() {
        assert_eq!(reachable("0.0.0.0:8000".parse().unwrap()).to_string(), "127.0.0.1:8000");
        assert_eq!(reachable("[::]:8000".parse().unwrap()).to_string(), "[::1]:8000");
    }

    #[test]
    fn an_answer_that_is_a_refusal_is_a_no_and_a_duplicate_is_explained() {
        let url = Url::parse("http://127.0.0.1:8000/hooks/groove?token=secret-token").unwrap();
        let reply =
            |status: u16, body: &str| Reply { status, headers: Vec::new(), body: body.into(), truncated: false };
        let taken = report(&url, &reply(202, r#"{"id":"evt_1"}"#), "", false);
        assert_eq!((taken.exit, taken.out.contains("secret-token")), (0, false));
        assert_eq!(report(&url, &reply(401, "{}"), "", false).exit, 1);
        let duplicate = report(&url, &reply(200, r#"{"duplicate":true,"id":"evt_1"}"#), "leave out --as-is", false);
        assert!(duplicate.err.ends_with("For a fresh event leave out --as-is.\n"), "{}", duplicate.err);
    }
}
