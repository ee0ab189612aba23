//! `bellwire services subscribe | unsubscribe | status`: webhooks at services, as their packs say.

mod ask;
mod drift;
mod make;
mod status;
mod unmake;
mod way;

use std::path::Path;

use clap::Args;

use crate::{
    cli::{answer::Answer, connections::Desk, failure::Failure, open},
    store::Mode,
};

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire services subscribe groove\n  bellwire services subscribe groove note_added customer_replied\n  \
    bellwire services subscribe github issues --input owner=octocat --input repo=hello-world\n\n\
    Without EVENTS: those that enabled rules hear. Needs `server.public_url`. Where the pack's deliveries are proven by a secret of ours \
    and none is set, one is made. What is subscribed already is left alone; --force takes it away first, so that a moment lies \
    between in which the service delivers nothing."
)]
pub(in crate::cli) struct Subscribe {
    /// A service, or a connection of bellwire.toml
    name: String,
    /// Events, by our name or the service's
    events: Vec<String>,
    /// The source that is delivered to: of the service, unless given
    #[arg(long)]
    source: Option<String>,
    /// What the pack asks for, such as owner=octocat
    #[arg(long = "input", value_name = "NAME=VALUE")]
    inputs: Vec<String>,
    /// Show what would be sent, and send nothing
    #[arg(long)]
    dry: bool,
    /// Set up anew what is subscribed already
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire services unsubscribe groove note_added\n  bellwire services unsubscribe groove --forget\n\n\
    Without EVENTS: all. Where the service gave no id, the webhook has to be removed by hand; --forget then takes it out of our list."
)]
pub(in crate::cli) struct Unsubscribe {
    /// A service, or a connection of bellwire.toml
    name: String,
    /// Events, by our name or the service's
    events: Vec<String>,
    /// The source that is delivered to: all of the service, unless given
    #[arg(long)]
    source: Option<String>,
    /// What the pack asks for; whatever it was, unless given
    #[arg(long = "input", value_name = "NAME=VALUE")]
    inputs: Vec<String>,
    /// Take it out of our list also where the service still has it
    #[arg(long)]
    forget: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bellwire services status\n  bellwire services status groove --json\n\n\
    Exit code 1 where what is subscribed is not what rules need.")]
pub(in crate::cli) struct Status {
    /// A service, or a connection of bellwire.toml; all that something is subscribed at, unless given
    name: Option<String>,
    /// The source that is delivered to: of the service, unless given
    #[arg(long)]
    source: Option<String>,
    /// The machine's form
    #[arg(long)]
    json: bool,
}

pub(super) fn subscribe(workspace: &Path, options: &Subscribe) -> Result<Answer, Failure> {
    with_desk(workspace, async |desk| make::subscribe(desk, options).await)
}

pub(super) fn unsubscribe(workspace: &Path, options: &Unsubscribe) -> Result<Answer, Failure> {
    with_desk(workspace, async |desk| unmake::unsubscribe(desk, options).await)
}

pub(super) fn status(workspace: &Path, options: &Status) -> Result<Answer, Failure> {
    with_desk(workspace, async |desk| status::status(desk, options).await)
}

fn with_desk(workspace: &Path, work: impl AsyncFnOnce(&Desk) -> Result<Answer, Failure>) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    if open::is_unborn(&config)? {
        open::birth(&config)?;
    }
    open::block_on(async {
        let desk = Desk::open(config, Mode::Write)?;
        let done = work(&desk).await;
        desk.close();
        done
    })
}
