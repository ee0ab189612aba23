//! `bellwire services new`: writes a pack from a delivery.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::{
    cli::{answer::Answer, failure::Failure},
    ids::EventId,
};

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire services new shop\n  bellwire services new shop --event evt_01hf3y8a9d000"
)]
pub(in crate::cli) struct New {
    /// What the service is called: small letters, digits, - and _
    pub(in crate::cli) name: String,
    /// A delivery that was captured, or a file with a body; the newest capture unless given
    #[arg(long, value_name = "FILE", conflicts_with = "event")]
    pub(in crate::cli) from: Vec<PathBuf>,
    /// A stored event
    #[arg(long, value_name = "EVENT")]
    pub(in crate::cli) event: Option<EventId>,
    /// Replace files that are there
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

pub(super) fn run(_workspace: &Path, _options: &New) -> Result<Answer, Failure> {
    Err(Failure::No("nothing was captured; see `bellwire services capture`".to_owned()))
}
