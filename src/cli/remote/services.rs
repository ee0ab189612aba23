//! Services and connections of a server.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    client::{Query, Remote},
    seen::{At, read, read_all},
};
use crate::{
    cli::{
        answer::{Answer, clean},
        connections::{self, Beside},
        failure::Failure,
        services::{self, MORE, Row, Show, wrapped},
    },
    connections::{ConnectionRow, GrantRow, SecretUse},
    store::GrantState,
};

/// Rows that are told at most.
const MOST: usize = 10_000;
/// The words that packs have for a way to prove who we are.
const AUTH: [&str; 10] = ["bearer", "basic", "header", "query", "path", "url", "json", "hmac", "oauth2", "connection"];

#[derive(Deserialize)]
struct ConnectionSeen {
    name: String,
    service: String,
    base_url: Option<String>,
    auth: Option<String>,
    state: String,
    trouble: Option<String>,
    secrets: Vec<SecretSeen>,
    grant: Option<GrantSeen>,
    rate: String,
    configured: bool,
    waiting: i64,
}

#[derive(Deserialize)]
struct SecretSeen {
    name: String,
    set: bool,
}

#[derive(Deserialize)]
struct GrantSeen {
    by_itself: bool,
    state: String,
    expires_at: Option<At>,
    scopes: String,
    changed_at: Option<At>,
    why: Option<String>,
}

impl From<GrantSeen> for GrantRow {
    fn from(seen: GrantSeen) -> Self {
        let state = match seen.state.as_str() {
            "ok" => GrantState::Ok,
            "lost" => GrantState::Lost,
            _ => GrantState::None,
        };
        let GrantSeen { by_itself, scopes, why, .. } = seen;
        let (expires_at, changed_at) = (seen.expires_at.map(|at| at.0), seen.changed_at.map(|at| at.0));
        Self { by_itself, state, expires_at, scopes, changed_at, why }
    }
}

impl From<ConnectionSeen> for ConnectionRow {
    fn from(seen: ConnectionSeen) -> Self {
        let known = |word: String| AUTH.into_iter().find(|auth| *auth == word).unwrap_or("other");
        Self {
            name: seen.name,
            service: seen.service,
            base_url: seen.base_url,
            auth: seen.auth.map(known),
            secrets: seen.secrets.into_iter().map(|SecretSeen { name, set }| SecretUse { name, set }).collect(),
            grant: seen.grant.map(GrantRow::from),
            rate: seen.rate,
            configured: seen.configured,
        }
    }
}

async fn all_connections(remote: &Remote) -> Result<Vec<ConnectionSeen>, Failure> {
    read_all(remote.list(&["connections"], &Query::new(), MOST).await?)
}

/// Ways out, by name.
pub(super) async fn connections(remote: &Remote, json: bool) -> Result<Answer, Failure> {
    let all = all_connections(remote).await?;
    let mut beside = Beside::default();
    for one in &all {
        beside.waiting.insert(one.name.clone(), one.waiting);
        beside.refused.extend(one.trouble.clone().map(|why| (one.name.clone(), why)));
    }
    let rows: Vec<ConnectionRow> = all.into_iter().map(ConnectionRow::from).collect();
    Ok(connections::show(&rows, &beside, json))
}

#[derive(Deserialize)]
struct ServiceSeen {
    name: String,
    title: String,
    events: Vec<String>,
    actions: Vec<String>,
}

#[derive(Deserialize)]
struct SourceSeen {
    service: Option<String>,
    state: String,
}

/// Services, a line each. With `--json` as the API tells them.
pub(super) async fn list(remote: &Remote, json: bool) -> Result<Answer, Failure> {
    let items = remote.list(&["services"], &Query::new(), MOST).await?;
    if json {
        return Ok(Answer::json(&Value::Array(items)));
    }
    let (mut ways_in, mut ways_out) = (BTreeMap::new(), BTreeMap::new());
    for source in read_all::<SourceSeen>(remote.all(&["sources"]).await?)? {
        better(&mut ways_in, source.service.unwrap_or_default(), source.state);
    }
    for connection in all_connections(remote).await? {
        better(&mut ways_out, connection.service, connection.state);
    }
    let rows: Vec<Row> = read_all::<ServiceSeen>(items)?
        .into_iter()
        .map(|seen| Row {
            way_in: ways_in.remove(&seen.name),
            way_out: ways_out.remove(&seen.name).filter(|_| !seen.actions.is_empty()),
            name: seen.name,
            title: seen.title,
            events: seen.events.len(),
            actions: seen.actions.len(),
        })
        .collect();
    Ok(Answer::text(services::rows_as_text(rows.into_iter()) + MORE))
}

/// `ready` where one of them is; else what is said of the first.
fn better(known: &mut BTreeMap<String, String>, service: String, state: String) {
    if state == "ready" || !known.contains_key(&service) {
        known.insert(service, state);
    }
}

#[derive(Deserialize)]
struct ServiceWhole {
    name: String,
    title: String,
    description: Option<String>,
    docs: Option<String>,
    base_url: Option<String>,
    event_list: Vec<EventSeen>,
    action_list: Vec<ActionSeen>,
}

#[derive(Deserialize)]
struct EventSeen {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    samples: Vec<String>,
}

#[derive(Deserialize)]
struct ActionSeen {
    name: String,
    title: String,
    inputs: Vec<InputSeen>,
}

#[derive(Deserialize)]
struct InputSeen {
    name: String,
    required: bool,
}

/// One service: what it sends and does.
pub(super) async fn show(remote: &Remote, options: &Show) -> Result<Answer, Failure> {
    if options.part.is_some() || options.name.contains('.') {
        let why =
            "a server's API tells a service whole: `bellwire services show NAME --json`, without an action or event";
        return Err(Failure::Usage(why.to_owned()));
    }
    let whole = remote.get(&["services", &options.name]).await?;
    if options.json {
        return Ok(Answer::json(&whole));
    }
    Ok(Answer::text(as_text(&read(whole)?)))
}

fn as_text(service: &ServiceWhole) -> String {
    let mut text = wrapped("", "  ", &format!("{} - {}", clean(&service.name, 60), clean(&service.title, 200)));
    for lines in [&service.description, &service.docs].into_iter().flatten() {
        text.push_str(&wrapped("", "", &clean(lines, 2_000)));
    }
    if let Some(base_url) = &service.base_url {
        text.push_str(&wrapped("Requests go to ", "  ", &clean(base_url, 300)));
    }
    if !service.event_list.is_empty() {
        text.push_str("\nEvents\n");
        for event in &service.event_list {
            let samples = if event.samples.is_empty() {
                String::new()
            } else {
                format!(" (samples: {})", clean(&event.samples.join(", "), 200))
            };
            let what = format!("{}{samples}", clean(&event.title, 200));
            text.push_str(&wrapped(&format!("  {}  ", clean(&event.kind, 100)), "      ", &what));
        }
    }
    if !service.action_list.is_empty() {
        text.push_str("\nActions (* must be given)\n");
        for action in &service.action_list {
            let mark =
                |input: &InputSeen| format!("{}{}", clean(&input.name, 60), if input.required { "*" } else { "" });
            let inputs: Vec<String> = action.inputs.iter().map(mark).collect();
            let what = format!("{}: {}", clean(&action.title, 200), inputs.join(", "));
            text.push_str(&wrapped(&format!("  {}  ", clean(&action.name, 100)), "      ", &what));
        }
    }
    text
}
