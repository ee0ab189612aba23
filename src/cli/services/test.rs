//! `bellwire services test NAME`: the pack's test action, for real.

use std::path::Path;

use clap::Args;
use serde_json::json;

use crate::{
    app::{ErrandError, Errands, Outcome},
    cli::{
        answer::{Answer, clean},
        connections::Desk,
        failure::Failure,
        open,
    },
    store::Mode,
};

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

pub(super) fn run(workspace: &Path, options: &Test) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    if open::is_unborn(&config)? {
        open::birth(&config)?;
    }
    open::block_on(async {
        let desk = Desk::open(config, Mode::Write)?;
        let tested = match tested(&desk, &options.name).await {
            Ok((action, outcome)) => {
                let after = json!({ "action": action, "status": outcome.status, "ok": outcome.result.is_ok() });
                desk.keep("connection.test", &options.name, after).await.map(|()| (action, outcome))
            }
            Err(failure) => Err(failure),
        };
        desk.close();
        let (action, outcome) = tested?;
        Ok(told(&options.name, &action, &outcome, options.json))
    })
}

async fn tested(desk: &Desk, name: &str) -> Result<(String, Outcome), Failure> {
    let errands = Errands {
        config: &desk.config,
        registry: &desk.registry,
        vault: &desk.vault,
        egress: &desk.egress,
        connections: &desk.connections,
        client: &desk.client,
        now: open::clock().now(),
    };
    let errand = errands.test(name).map_err(|error| match error {
        ErrandError::Connection { .. } => Failure::Usage(clean(&error.to_string(), 300)),
        _ => Failure::No(error.to_string()),
    })?;
    let outcome = errands.send(&errand).await;
    Ok((errand.action, outcome))
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
