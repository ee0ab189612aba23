//! `bellwire serve`: an App until a signal ends it.

use std::{process::ExitCode, sync::Arc};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{App, exposure};
use crate::{clock::SystemClock, config::Config, lifecycle::Phase};

/// What a second signal on the way down ends with, as shells show it for an interrupted program.
const INTERRUPTED: u8 = 130;

/// Runs until SIGTERM or SIGINT (a second one ends at once), or until storage fails (74).
pub async fn serve(config: Config) -> ExitCode {
    if let Some(warning) = exposure::warning(&config) {
        tracing::warn!("{warning}");
    }
    serve_beside(config, async |_| Ok(())).await
}

/// The same with work beside it, which sees the App from outside. An `Err` of it ends the App gently, with that exit code.
pub async fn serve_beside(config: Config, beside: impl AsyncFnOnce(&App) -> Result<(), u8>) -> ExitCode {
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()))
    else {
        eprintln!("bellwire: signals cannot be handled on this system");
        return ExitCode::from(78);
    };
    let app = match App::start(config, Arc::new(SystemClock)).await {
        Ok(app) => app,
        Err(error) => {
            eprintln!("bellwire: {error}");
            return ExitCode::from(error.exit());
        }
    };
    tracing::info!(address = %app.address(), "listening");
    if let Some(link) = app.setup_link() {
        println!("Nobody can sign in yet. Create the owner, once, within 24 hours: {link}");
    }
    let lifecycle = app.lifecycle().clone();
    let mut ended_with = 0;
    let mut work = Box::pin(beside(&app));
    let mut is_working = true;
    loop {
        tokio::select! {
            done = &mut work, if is_working => {
                is_working = false;
                if let Err(exit) = done {
                    ended_with = exit;
                    break;
                }
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = lifecycle.reached(Phase::Stopped) => break,
            _ = hangup.recv() => {
                if let Err(error) = app.reload().await {
                    tracing::error!(error = %error, "the rules cannot be reloaded for now");
                }
            }
        }
    }
    drop(work);
    if let Some(failure) = lifecycle.failure() {
        // What failed once must not be tried again in this process: the disk may have lost what it said it had.
        eprintln!("bellwire: {}", failure.why);
        return ExitCode::from(failure.exit);
    }
    tracing::info!("stopping: open requests may end; a second signal ends at once");
    tokio::select! {
        () = app.stop() => ExitCode::from(ended_with),
        () = either(&mut terminate, &mut interrupt) => ExitCode::from(INTERRUPTED),
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
