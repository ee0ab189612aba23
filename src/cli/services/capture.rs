//! `bellwire services capture`: waits for one delivery and keeps it.

use std::{path::Path, time::Duration};

use clap::Args;

use crate::{
    cli::{answer::Answer, failure::Failure},
    config::forms,
};

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire services capture shop\n  bellwire services capture --timeout 30m --json"
)]
pub(in crate::cli) struct Capture {
    /// The source: the delivery comes to /hooks/SOURCE; any unless given
    pub(in crate::cli) source: Option<String>,
    /// How long to wait
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = forms::duration)]
    pub(in crate::cli) timeout: Duration,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

pub(super) fn run(_workspace: &Path, _options: &Capture) -> Result<Answer, Failure> {
    Err(Failure::No("no delivery came".to_owned()))
}
