//! `bellwire services test NAME`: the pack's test action, for real.

use std::{path::Path, time::Duration};

use clap::Args;
use serde_json::{Value, json};

use crate::{
    actions::{self, Answer as Came, Reading, Request, Target},
    cli::{
        answer::{Answer, clean},
        connections::Desk,
        failure::Failure,
        open,
    },
    clock::Time,
    config::Config,
    connections::{self, Connections, Destination, Post},
    model::{ErrorClass, Place, StepError, StepPath},
    rules::{OnStepError, Retry, RetryWhen, Step, StepKind},
    services::{AuthUse, Pack},
    store::Mode,
    templates::{Context, Limits},
};

/// As long as a step may take unless it says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);
/// What rendering a request without inputs may take.
const LIMITS: Limits = Limits { steps: 100_000, bytes: 1 << 20, time: Duration::from_secs(1) };

#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bellwire services test groove\n  bellwire services test crm-eu --json\n\n\
    It sends one request that changes nothing, with the secrets of the connection, and says what came back. Exit code 1 where it\n\
    does not work.")]
pub(in crate::cli) struct Test {
    /// A service, or a connection of bellwire.toml
    name: String,
    /// The machine's form
    #[arg(long)]
    json: bool,
}

/// What came of it.
struct Outcome {
    /// `GET https://api.example.com/v1/me`, with the names of secrets in the place of their values.
    asked: String,
    status: Option<u16>,
    milliseconds: u128,
    /// The gist of the result, or why it does not work with the way out.
    result: Result<String, (ErrorClass, String)>,
}

pub(super) fn run(workspace: &Path, options: &Test) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    if open::is_unborn(&config)? {
        open::birth(&config)?;
    }
    open::block_on(async {
        let desk = Desk::open(config, Mode::Write)?;
        let tested = tested(&desk, &options.name).await;
        desk.close();
        let (action, outcome) = tested?;
        Ok(told(&options.name, &action, &outcome, options.json))
    })
}

async fn tested(desk: &Desk, name: &str) -> Result<(String, Outcome), Failure> {
    let pack = pack_of(desk, name)?;
    let Some(test) = &pack.test else {
        return Err(Failure::No(format!(
            "the pack `{}` names no action that tells whether a connection works; send one from a rule instead",
            pack.name
        )));
    };
    let action = format!("{}.{test}", pack.name);
    let step = step(&action, name);
    let now = open::clock().now();
    let mut context = Context::new(now, LIMITS);
    let nothing = Value::Object(serde_json::Map::new());
    context.set("event", &nothing);
    let request = actions::prepare(&step, &context, &desk.registry)
        .map_err(|error| Failure::No(format!("`{action}` cannot be prepared without inputs: {}", error.message)))?;
    let outcome = ask(desk, &step, &request, &pack, now).await;
    Ok((action, outcome))
}

fn pack_of(desk: &Desk, name: &str) -> Result<std::sync::Arc<Pack>, Failure> {
    let service = desk.config.connections.get(name).map_or(name, |connection| connection.service.as_str());
    let known = || desk.config.connections.keys().chain(desk.registry.packs.keys()).map(String::as_str);
    desk.registry.packs.get(service).cloned().ok_or_else(|| {
        let help = Some(crate::rules::suggestion(name, known())).filter(|help| !help.is_empty());
        let help = help.unwrap_or_else(|| "see `bellwire services list`".to_owned());
        Failure::Usage(format!("there is no service or connection `{}`; {help}", clean(name, 100)))
    })
}

/// The step that a rule would have.
fn step(action: &str, connection: &str) -> Step {
    Step {
        path: StepPath("test".to_owned()),
        id: None,
        place: Place::default(),
        condition: None,
        kind: StepKind::Action { name: action.to_owned(), inputs: Vec::new(), connection: Some(connection.to_owned()) },
        retry: Retry { after: Vec::new(), when: RetryWhen { network: false, statuses: Vec::new() }, unknown: None },
        timeout: TIMEOUT,
        on_error: OnStepError::Stop,
    }
}

fn destination(request: &Request) -> Destination<'_> {
    match &request.target {
        Target::Connection { name, host, path } => Destination::Connection { name, host: host.as_deref(), path },
        Target::Url(url) => Destination::Url(url),
    }
}

async fn ask(desk: &Desk, step: &Step, request: &Request, pack: &Pack, now: Time) -> Outcome {
    let began = std::time::Instant::now();
    let asked = shown(&desk.config, desk, request);
    let refused_with = |error: StepError, status, help: String| {
        let masker = desk.vault.masker();
        let message = masker.mask(&error.message);
        let sentence = if help.is_empty() { message } else { format!("{message}. {help}") };
        Outcome {
            asked: asked.clone(),
            status,
            milliseconds: began.elapsed().as_millis(),
            result: Err((error.class, sentence)),
        }
    };
    let refused = |error: StepError, status| {
        let help = help(&error, pack, status);
        refused_with(error, status, help)
    };
    let headers =
        match Connections::headers(request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))) {
            Ok(headers) => headers,
            Err(error) => return refused(error, None),
        };
    let post = Post {
        destination: destination(request),
        auth: request.auth.as_ref(),
        method: &request.method,
        headers: &headers,
        body: request.body.as_deref().map(str::as_bytes),
        timeout: TIMEOUT,
    };
    let answer = match desk.connections.send(&desk.client, &desk.registry, &post).await {
        Ok(answer) => answer,
        // It is about a token, which comes from elsewhere, and says why there is none.
        Err(connections::Unready::Later(error)) => return refused_with(error, None, String::new()),
        Err(unready) => return refused(unready.error(), None),
    };
    let (came, status) = match &answer {
        Ok(reply) => (
            Came::Reply {
                status: reply.status,
                headers: &reply.headers,
                body: &reply.body,
                truncated: reply.truncated,
            },
            Some(reply.status),
        ),
        Err(error) => {
            (Came::None { class: error.class, maybe_executed: error.maybe_executed, message: &error.message }, None)
        }
    };
    match actions::read(step, &desk.registry, &came, 1, now) {
        Reading::Ok { result, .. } => {
            let gist = desk.vault.masker().mask(&gist(&result));
            Outcome { asked, status, milliseconds: began.elapsed().as_millis(), result: Ok(gist) }
        }
        Reading::Failed { error, .. } | Reading::Retry { error, .. } | Reading::Unknown { error, .. } => {
            refused(error, status)
        }
    }
}

/// The request as it goes out, with names in the place of secrets.
fn shown(config: &Config, desk: &Desk, request: &Request) -> String {
    let origins = |name: &str| desk.vault.origins(name);
    let to = destination(request);
    match connections::preview(config, &desk.registry, &desk.egress, &origins, &to, request.auth.as_ref()) {
        Ok(preview) => format!("{} {}", request.method, preview.url),
        Err(_) => match &request.target {
            Target::Connection { path, .. } => format!("{} {path}", request.method),
            Target::Url(url) => format!("{} {url}", request.method),
        },
    }
}

/// What a result is, in a few words.
fn gist(result: &Value) -> String {
    match result {
        Value::Null => "an empty answer".to_owned(),
        Value::Array(list) => match list.first().and_then(Value::as_object) {
            Some(first) => {
                let names: Vec<&str> = first.keys().take(6).map(String::as_str).collect();
                format!("a list of {}, each with {}", list.len(), names.join(", "))
            }
            None => format!("a list of {}", list.len()),
        },
        Value::Object(object) => {
            let names: Vec<&str> = object.keys().take(8).map(String::as_str).collect();
            format!("an object with {}", names.join(", "))
        }
        other => clean(&other.to_string(), 200),
    }
}

/// The way out, where the sentence does not have it.
fn help(error: &StepError, pack: &Pack, status: Option<u16>) -> String {
    let secrets = pack.auth.as_ref().map(AuthUse::secret_names).unwrap_or_default();
    let again =
        secrets.first().map(|name| format!("`bellwire secrets set {name}` sets another one")).unwrap_or_default();
    match (error.class, status) {
        (ErrorClass::Status, Some(401)) => format!("The service does not take the credentials: {again}"),
        (ErrorClass::Status, Some(403)) => {
            format!("The service knows who asks and does not allow it: look at what the token may do; {again}")
        }
        (ErrorClass::Status, Some(404)) => "Nothing is at that address: look at the connection's `base_url`".to_owned(),
        (ErrorClass::Status, Some(429)) => "The service wants it slower: try again later".to_owned(),
        (ErrorClass::Status, Some(500..)) => "The service has trouble of its own: try again later".to_owned(),
        (ErrorClass::Network | ErrorClass::Timeout, _) => {
            "Look at the connection's `base_url`, and whether this machine reaches it".to_owned()
        }
        (ErrorClass::Tls, _) => "Look at the certificate of that address, and at the clock of this machine".to_owned(),
        (ErrorClass::BadReply | ErrorClass::Redirect, _) => {
            "What answers there is perhaps not the service: look at the connection's `base_url`".to_owned()
        }
        _ => String::new(),
    }
}

fn told(name: &str, action: &str, outcome: &Outcome, json: bool) -> Answer {
    let exit = u8::from(outcome.result.is_err());
    if json {
        let (class, message, gist) = match &outcome.result {
            Ok(gist) => (None, None, Some(gist)),
            Err((class, message)) => (Some(class.word()), Some(message), None),
        };
        let value = json!({
            "connection": name, "action": action, "asked": outcome.asked, "ok": outcome.result.is_ok(),
            "status": outcome.status, "milliseconds": outcome.milliseconds, "class": class, "message": message,
            "result": gist,
        });
        return Answer::json(&value).exit(exit);
    }
    let status = outcome.status.map(|status| format!("{status}, ")).unwrap_or_default();
    let end = match &outcome.result {
        Ok(gist) => format!("ok: {status}{} ms: {}", outcome.milliseconds, clean(gist, 400)),
        Err((class, message)) => format!("FAILED ({class}): {}", clean(message, 800)),
    };
    Answer::text(format!("{action} through {name}, for real: {}\n{end}", clean(&outcome.asked, 1000))).exit(exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gist_of_a_result_names_no_values() {
        for (result, says) in [
            (json!([{"id": 1, "name": "Anna"}, {"id": 2}]), "a list of 2, each with id, name"),
            (json!([1, 2, 3]), "a list of 3"),
            (json!({"id": 1, "email": "anna@example.com"}), "an object with id, email"),
            (json!(null), "an empty answer"),
        ] {
            assert_eq!(gist(&result), says);
        }
    }
}
