//! Workspace, stand-in and server of the demo, started together and stopped together.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use tokio::sync::mpsc;

use super::{
    play::{Play, program, say},
    workspace,
};
use crate::{
    app,
    cli::{arguments::Demo, failure::Failure, init::quoted, open, secrets, serve},
    config::Config,
    demo::groove::{Note, Options, StandIn},
    secret::Secret,
    store::Mode,
};

/// The folder that is made where none is named.
const FOLDER: &str = "bellwire-demo";

/// What the workspace's packs want: made up at random, and kept.
const SECRETS: [&str; 3] = ["gruveo_key", "groove_token", "groove_hook_token"];

/// The stand-in has the tickets from 1 to this one.
const TICKETS: i64 = 100;

pub(in crate::cli) fn run(workspace: &Path, options: &Demo) -> Result<ExitCode, Failure> {
    let folder = options.dir.clone().unwrap_or_else(|| default_folder(workspace));
    let made = workspace::prepare(&folder, options.listen, options.groove)?;
    let config = open::settings(&folder)?;
    let groove = workspace::groove(&config, &folder)?;
    // A workspace that was there may be the one of whoever has the port.
    let way_out = if made { folder.clone() } else { PathBuf::from(format!("{}-2", folder.display())) };
    for address in [config.server.listen, groove] {
        is_free(address, &config, groove, &way_out)?;
    }
    let token = secrets(&config)?;
    let runtime = serve::runtime(&config)?;
    runtime.block_on(async {
        let (tell, notes) = mpsc::unbounded_channel();
        let options = stand_in(&token, tell);
        let stand_in = StandIn::start_at(groove, options)
            .await
            .map_err(|error| Failure::Storage(format!("the stand-in cannot listen on {groove}: {error}")))?;
        let play = Play { folder, made, groove: stand_in.base_url(), tickets: TICKETS, notes };
        let code = app::serve_beside(config, async move |app| play.run(app).await).await;
        stand_in.stop().await;
        if code == ExitCode::SUCCESS {
            // A terminal shows `^C` without a line end.
            return Ok(say("\nStopped.\n").map_or_else(ExitCode::from, |()| code));
        }
        Ok(code)
    })
}

fn default_folder(workspace: &Path) -> PathBuf {
    if workspace == Path::new(".") { PathBuf::from(FOLDER) } else { workspace.join(FOLDER) }
}

/// Says what to do about a port that is in use, before anything is started.
fn is_free(address: SocketAddr, config: &Config, groove: SocketAddr, way_out: &Path) -> Result<(), Failure> {
    let Err(error) = TcpListener::bind(address) else { return Ok(()) };
    if error.kind() != io::ErrorKind::AddrInUse {
        return Err(Failure::No(format!("{address} cannot be used: {error}")));
    }
    Err(Failure::No(format!(
        "{address} is in use by another program, perhaps another demo. Stop it, or take other ports:\n\n  \
         {} demo --dir {} --listen {} --groove {}",
        program(),
        quoted(way_out),
        other(config.server.listen),
        other(groove)
    )))
}

/// The same address, some ports on.
fn other(mut address: SocketAddr) -> SocketAddr {
    address.set_port(address.port().checked_add(10).filter(|port| *port > 1_024).unwrap_or(8_010));
    address
}

/// Sets the secrets that are missing; gives the token that the stand-in asks for.
fn secrets(config: &Config) -> Result<Secret, Failure> {
    if open::is_unborn(config)? {
        open::birth(config)?;
    }
    secrets::with_vault(config, Mode::Write, async |vault| {
        for name in SECRETS {
            if !vault.has(name) {
                vault.set(name, random()?, Vec::new()).await?;
            }
        }
        Ok(vault.get("groove_token")?)
    })
}

fn random() -> Result<Secret, Failure> {
    let mut bytes = [0_u8; 24];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::Storage(format!("the system gives no random bytes: {error}")))?;
    Ok(Secret::new(hex::encode(bytes)))
}

fn stand_in(token: &Secret, tell: mpsc::UnboundedSender<Note>) -> Options {
    Options {
        token: token.expose().to_owned(),
        tickets: (1..=TICKETS).collect(),
        // Nobody listens any more once the demo ends.
        on_note: Some(Arc::new(move |note: &Note| drop(tell.send(note.clone())))),
        now: Arc::new(|| open::clock().now().to_string()),
        ..Options::default()
    }
}
