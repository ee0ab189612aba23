//! `bellwire connections`: what goes out, as whom, and whether it may.

mod back;
mod desk;
mod list;
mod login;

use std::path::Path;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{answer::Answer, failure::Failure, open};
use crate::store::Mode;

pub(super) use desk::Desk;
pub(super) use list::{Beside, show};

/// The port of this machine that a browser is sent back to, unless another is named.
const PORT: u16 = 8765;

/// Looks at connections.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire connections                   every way out, and what it still needs\n  \
    bellwire connections --json\n  bellwire connections login crm         log in by OAuth 2.0\n\n\
    More than one account of a service: a [connections.NAME] each in bellwire.toml."
)]
pub(super) struct Connections {
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Log in at a service by OAuth 2.0: somebody agrees in a browser
    #[command(
        after_long_help = "Examples:\n  bellwire connections login crm\n  bellwire connections login crm --manual\n\n\
        Register Bellwire at the service as an application first, with one of these as its redirect URL:\n  \
        http://127.0.0.1:8765/callback               the browser is on this machine (--port takes another port)\n  \
        https://YOUR-PUBLIC-URL/oauth/callback       where server.public_url is set: `bellwire serve` takes the answer\n\n\
        Then set the client's id and secret as secrets; `bellwire connections` says what they are called. With --manual nothing\n\
        listens: the browser shows an error at the end, and you paste the address that it shows then."
    )]
    Login(Login),
    /// Forget what a service has granted to a connection
    #[command(
        after_long_help = "Example:\n  bellwire connections logout crm\n\nThe service may still list it: take it back there too."
    )]
    Logout {
        /// The connection
        name: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct Login {
    /// The connection
    name: String,
    /// Paste the address that the browser ends at
    #[arg(long)]
    manual: bool,
    /// Wait on this port of this machine, even where `server.public_url` is set; 8765 unless given
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
}

pub(super) fn run(workspace: &Path, options: &Connections) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    match &options.verb {
        None => list::list(&config, options.json),
        Some(Verb::Login(login)) => login::run(config, login),
        Some(Verb::Logout { name }) => logout(config, name),
    }
}

fn logout(config: crate::config::Config, name: &str) -> Result<Answer, Failure> {
    let nothing = || Failure::No(format!("connection `{name}` is not logged in"));
    if open::is_unborn(&config)? {
        return Err(nothing());
    }
    open::block_on(async {
        let desk = Desk::open(config, Mode::Write)?;
        let forgotten = desk.vault.forget_grant(name).await;
        let kept = match forgotten {
            Ok(true) => desk.keep("connection.logout", name, json!({ "granted": false })).await,
            _ => Ok(()),
        };
        desk.close();
        kept?;
        if !forgotten? {
            return Err(nothing());
        }
        Ok(Answer::text(format!("the tokens of connection {name} are forgotten; its runs wait until somebody logs in")))
    })
}
