//! Words of what is stored: events and runs.

use clap::{Args, Subcommand};

use crate::{
    cli::save::Save,
    ids::{EventId, RunId},
    model::RunStatus,
};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum EventsVerb {
    /// List events, the newest first
    #[command(
        after_long_help = "Examples:\n  bellwire events list\n  bellwire events list --type gruveo.call --unmatched\n  \
        bellwire events list --json | jq -r '.[].id'"
    )]
    List(EventsList),
    /// Show an event: what came, and which runs it started
    #[command(after_long_help = "Example:\n  bellwire events show evt_01hf3y8a9d000")]
    Show {
        /// evt_...
        id: EventId,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// List deliveries that were refused, the newest first
    #[command(
        after_long_help = "Examples:\n  bellwire events refused\n  bellwire explain ref_01hf3y8a9d000    why, and what to do about it"
    )]
    Refused {
        /// How many at most
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Make a fixture and a test of a rule out of an event
    Save(Save),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EventsList {
    /// Only this type, such as gruveo.call
    #[arg(long = "type", value_name = "TYPE")]
    pub(in crate::cli) kind: Option<String>,
    /// Only from this source
    #[arg(long)]
    pub(in crate::cli) source: Option<String>,
    /// Only those that a rule matched
    #[arg(long, conflicts_with = "unmatched")]
    pub(in crate::cli) matched: bool,
    /// Only those that no rule matched
    #[arg(long)]
    pub(in crate::cli) unmatched: bool,
    /// Only those before this one
    #[arg(long, value_name = "EVENT")]
    pub(in crate::cli) before: Option<EventId>,
    /// How many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(in crate::cli) limit: u16,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RunsVerb {
    /// List runs, the newest first
    #[command(
        after_long_help = "Examples:\n  bellwire runs list --state held\n  bellwire runs list --rule calls/missed --json"
    )]
    List(RunsList),
    /// Show a run: its steps, every attempt with request and reply, and what comes next
    #[command(after_long_help = "Example:\n  bellwire runs show run_01hf3y8a9d000")]
    Show {
        /// run_...
        id: RunId,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Say what became of a held run's attempt whose outcome is unknown
    #[command(after_long_help = "Look at the target first: did it happen? Examples:\n  \
        bellwire runs resolve run_01hf3y8a9d000 --done     it did; go on with the next step\n  \
        bellwire runs resolve run_01hf3y8a9d000 --retry    it did not; try again\n  \
        bellwire runs resolve run_01hf3y8a9d000 --fail     it did not, and shall not\n  \
        bellwire runs resolve run_01hf3y8a9d000 --verify   let the service be asked, where its pack says how")]
    Resolve(Resolve),
    /// Let go of the runs that a rule's blown fuse holds, and mend the fuse
    #[command(after_long_help = "Example:\n  bellwire runs release calls/missed")]
    Release {
        /// The rule, such as calls/missed
        rule: String,
    },
    /// End an open run; its `on_error` does not run
    #[command(after_long_help = "Example:\n  bellwire runs cancel run_01hf3y8a9d000")]
    Cancel {
        /// run_...
        id: RunId,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RunsList {
    /// Only of this rule, such as calls/missed
    #[arg(long)]
    pub(in crate::cli) rule: Option<String>,
    /// Only in this state, such as held or failed
    #[arg(long)]
    pub(in crate::cli) state: Option<RunStatus>,
    /// Only on this event
    #[arg(long)]
    pub(in crate::cli) event: Option<EventId>,
    /// Only those before this one
    #[arg(long, value_name = "RUN")]
    pub(in crate::cli) before: Option<RunId>,
    /// How many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(in crate::cli) limit: u16,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Resolve {
    /// run_...
    pub(in crate::cli) id: RunId,
    #[command(flatten)]
    pub(in crate::cli) outcome: Outcome,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
#[expect(clippy::struct_excessive_bools, reason = "clap has a flag each; the group takes one")]
pub(in crate::cli) struct Outcome {
    /// It took effect: the step ends well
    #[arg(long)]
    pub(in crate::cli) done: bool,
    /// It did not: try again
    #[arg(long)]
    pub(in crate::cli) retry: bool,
    /// It did not, and shall not: the step fails
    #[arg(long)]
    pub(in crate::cli) fail: bool,
    /// Let the service be asked again, by the action's `verify`
    #[arg(long)]
    pub(in crate::cli) verify: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bellwire send gruveo.call --sample missed --set tracking.ticket=42\n  \
    bellwire send gruveo.call --set-json duration=12 --url https://bellwire.example.com\n  \
    bellwire send gruveo.call --as-is     twice, to see a duplicate\n\n\
    It is signed with the workspace's own secret, so the server must have the same one. The time in the sample, where the\n\
    pack says which value that is, becomes now, so that each is a fresh event; unless --set or --set-json names it, or with --as-is.")]
pub(in crate::cli) struct Send {
    /// The type, such as gruveo.call
    pub(in crate::cli) event: String,
    /// Which sample of the pack; its first unless set
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) sample: Option<String>,
    /// Change a value of the sample to a text
    #[arg(long, value_name = "PATH=TEXT")]
    pub(in crate::cli) set: Vec<String>,
    /// Change a value of the sample to a JSON value
    #[arg(long, value_name = "PATH=JSON")]
    pub(in crate::cli) set_json: Vec<String>,
    /// Leave the sample's time as it is: the same bytes every time, which a server takes once
    #[arg(long)]
    pub(in crate::cli) as_is: bool,
    /// The source, where it has another name than the service
    #[arg(long)]
    pub(in crate::cli) source: Option<String>,
    /// The server; server.listen of the workspace unless set
    #[arg(long)]
    pub(in crate::cli) url: Option<String>,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
