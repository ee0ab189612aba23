//! `bellwire run`: a rule, started by a person.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    answer::{Answer, clean},
    dry,
    failure::Failure,
};

#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bellwire run calls/missed --event sample:gruveo.call/missed --dry\n  \
    bellwire run calls/missed --event evt_01hf3y8a9d000 --dry --reply find=found.json\n  \
    bellwire run calls/escalate --input ticket=42 --dry --reply 'find={\"status\": 503}'\n\n\
    A dry run sends nothing. Exit code 1 where a request would be refused, or the rule does not match.")]
pub(super) struct Run {
    /// The rule, such as calls/missed
    pub(super) rule: String,
    /// An input of a manual rule
    #[arg(long = "input", value_name = "NAME=VALUE", conflicts_with = "event")]
    pub(super) inputs: Vec<String>,
    /// Inputs as a JSON object in a file
    #[arg(long, value_name = "FILE", conflicts_with = "event")]
    pub(super) input_json: Option<PathBuf>,
    /// A stored event, evt_...; with --dry also a file that holds one, or sample:gruveo.call/missed
    #[arg(long, value_name = "ID|FILE")]
    pub(super) event: Option<String>,
    /// Send nothing: show what would be sent
    #[arg(long)]
    pub(super) dry: bool,
    #[command(flatten)]
    pub(super) with: dry::With,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(workspace: &Path, options: &Run) -> Result<Answer, Failure> {
    if options.dry {
        return dry::dry(workspace, options);
    }
    Err(Failure::Usage("bellwire run needs --dry".to_owned()))
}

/// Names and values as texts.
pub(super) fn inputs(options: &Run) -> Result<Vec<(String, String)>, Failure> {
    let one = |input: &String| {
        let (name, value) = input
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Failure::Usage(format!("--input {}: NAME=VALUE wanted", clean(input, 64))))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    options.inputs.iter().map(one).collect()
}
