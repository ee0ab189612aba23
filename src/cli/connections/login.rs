//! A login: the address to open, and the wait for what comes back.

use std::time::Duration;

use serde_json::json;
use tokio::time::{sleep, timeout};

use super::{Desk, Login, PORT, back};
use crate::{
    callback,
    cli::{answer::Answer, failure::Failure, open},
    config::Config,
    connections,
    model::{ErrorClass, StepError},
    store::{GrantState, Mode, PendingLogin},
};

/// How long a login may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// How often it is looked whether the server has the tokens.
const LOOK: Duration = Duration::from_millis(500);

/// Where the browser is sent back to.
enum Way {
    /// To this command.
    Here(u16),
    /// To nobody: the address is pasted.
    Pasted,
    /// To the running server.
    Server(String),
}

impl Way {
    fn of(config: &Config, options: &Login) -> Self {
        match (&config.server.public_url, options.port) {
            _ if options.manual => Self::Pasted,
            (Some(url), None) => Self::Server(format!("{url}{}", callback::PATH)),
            (_, port) => Self::Here(port.unwrap_or(PORT)),
        }
    }
}

pub(super) fn run(config: Config, options: &Login) -> Result<Answer, Failure> {
    if open::is_unborn(&config)? {
        open::birth(&config)?;
    }
    let way = Way::of(&config, options);
    open::block_on(async {
        let desk = Desk::open(config, Mode::Write)?;
        let done = match login(&desk, options, &way).await {
            Ok(answer) => {
                let kept = desk.keep("connection.login", &options.name, json!({ "done": true })).await;
                kept.map(|()| answer)
            }
            refused => refused,
        };
        desk.close();
        done
    })
}

async fn login(desk: &Desk, options: &Login, way: &Way) -> Result<Answer, Failure> {
    let name = options.name.as_str();
    // Before the address is printed: it may be opened at once.
    let listener = match way {
        Way::Here(port) => Some(back::listen(*port).await?),
        _ => None,
    };
    let port = listener.as_ref().and_then(|listener| listener.local_addr().ok()).map(|address| address.port());
    let redirect = match way {
        Way::Server(url) => url.clone(),
        _ => format!("http://127.0.0.1:{}{}", port.or(options.port).unwrap_or(PORT), back::PATH),
    };
    let begun = desk
        .connections
        .begin_login(&desk.registry, name, &redirect, connections::LoginFrom::CommandLine)
        .map_err(failed)?;
    let Some(begun) = begun else {
        desk.connections.fetch(&desk.client, &desk.registry, name).await.map_err(failed)?;
        return Ok(Answer::text(format!("connection {name} has a token: its client gets them by itself")));
    };
    let told = told(name, &begun, way);
    if let Way::Server(_) = way {
        return by_server(desk, name, begun, &told).await;
    }
    eprintln!("{told}");
    let code = match &listener {
        Some(listener) => match timeout(PATIENCE, back::wait(listener, &begun.state)).await {
            Ok(code) => code?,
            Err(_) => return Err(late()),
        },
        None => back::paste(&begun.state)?,
    };
    let back = (&begun.verifier, begun.redirect.as_str());
    desk.connections.finish_login(&desk.client, &desk.registry, name, &code, back).await.map_err(failed)?;
    Ok(done(name))
}

/// The server takes what comes back; this waits for what comes of it.
async fn by_server(desk: &Desk, name: &str, begun: connections::Login, told: &str) -> Result<Answer, Failure> {
    let seen = desk.vault.grant(name).map(|grant| grant.generation);
    let pending = PendingLogin { connection: name.to_owned(), verifier: begun.verifier, redirect: begun.redirect };
    desk.vault.begin_login(&begun.state, &pending, PATIENCE).await?;
    eprintln!("{told}");
    let waiting = async {
        loop {
            sleep(LOOK).await;
            desk.vault.refresh().await?;
            let grant = desk.vault.grant(name);
            if grant.is_some_and(|grant| grant.state == GrantState::Ok && Some(grant.generation) != seen) {
                return Ok(done(name));
            }
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| Err(late()))
}

fn told(name: &str, begun: &connections::Login, way: &Way) -> String {
    let then = match way {
        Way::Here(_) => "This waits until the browser is back here, ten minutes at most.".to_owned(),
        Way::Pasted => "At its end the browser cannot show a page. Paste the address that it shows then:".to_owned(),
        Way::Server(_) => {
            "The running server takes what comes back; this waits for it, ten minutes at most.".to_owned()
        }
    };
    format!(
        "Open this in a browser, and agree that Bellwire may use connection {name}:\n\n  {}\n\nThe service must know the redirect URL {}\n{then}",
        begun.url, begun.redirect
    )
}

fn done(name: &str) -> Answer {
    Answer::text(format!("connection {name} is logged in; runs that waited for it go on"))
}

fn late() -> Failure {
    Failure::No("nobody came back within ten minutes; begin again".to_owned())
}

fn failed(error: StepError) -> Failure {
    match error.class {
        ErrorClass::Internal => Failure::Usage(error.message),
        _ => Failure::No(error.message),
    }
}
