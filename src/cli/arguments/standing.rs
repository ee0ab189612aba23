//! Words of what goes on by itself: polls, schedules, problems, circuits.

use clap::{Args, Subcommand};

use crate::cli::problems::ProblemsVerb;

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire polls\n  bellwire polls --json\n  bellwire polls run tickets/new\n\n\
    ITEMS counts the events that a poll has made. A poll that fails is put off, twice as long each time up to an hour."
)]
pub(in crate::cli) struct Polls {
    #[command(subcommand)]
    pub(in crate::cli) verb: Option<PollsVerb>,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bellwire schedules\n  bellwire schedules --json\n  \
    bellwire schedules next '0 9 * * mon-fri' --timezone Europe/Athens\n\n\
    LAST is the newest slot that was fired, MISSED how many never were since the schedule came into force.")]
pub(in crate::cli) struct Schedules {
    #[command(subcommand)]
    pub(in crate::cli) verb: Option<SchedulesVerb>,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PollsVerb {
    /// Ask now, whenever the next time is
    #[command(after_long_help = "Examples:\n  bellwire polls run tickets/new\n\n\
        It makes the rule's polls due; the running server asks within a second. What was put off by failures is asked too.")]
    Run {
        /// The rule's id, such as tickets/new
        rule: String,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SchedulesVerb {
    /// Print the next slots of an expression; needs no workspace
    #[command(after_long_help = "Examples:\n  bellwire schedules next '0 9 * * mon-fri' --timezone Europe/Athens\n  \
        bellwire schedules next '30 3 * * *' --timezone Europe/Athens --from 2026-03-28T00:00:00Z --count 3\n  \
        bellwire schedules next 'every 10m' --json | jq -r '.slots[]'\n\n\
        Five fields as in crontab(5): minute, hour, day of the month, month, day of the week (0 and 7 are Sunday); lists, ranges,\n\
        steps, names, @daily and its kin. Where both day fields are restricted, a day that either names is meant. A slot that the\n\
        clock leaps over is the first instant after the leap, one that it shows twice is the first of the two; where the hour is\n\
        * or */n slots go by elapsed time instead.\n\n\
        With --json: {expression, words, timezone, from, slots, local}; `slots` and `local` are lists of RFC 3339 texts of the same\n\
        instants, in UTC and with the zone's offset.")]
    Next(SchedulesNext),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SchedulesNext {
    /// Five fields, @daily and its kin, or a span such as 'every 10m'
    #[arg(allow_hyphen_values = true)]
    pub(in crate::cli) expression: String,
    /// Such as Europe/Athens; UTC unless given
    #[arg(long, value_name = "ZONE")]
    pub(in crate::cli) timezone: Option<String>,
    /// Slots after this time, such as 2026-03-01T10:00:00Z; now unless given
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) from: Option<String>,
    /// How many
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(in crate::cli) count: u32,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_long_help = "Examples:\n  bellwire problems\n  bellwire problems --all --json\n  bellwire problems mute prb_01hf3y8a9d000 --for 8h\n\n\
    A schedule that is overdue, a source that is silent and their like are raised once, counted, and solved by themselves."
)]
pub(in crate::cli) struct Problems {
    #[command(subcommand)]
    pub(in crate::cli) verb: Option<ProblemsVerb>,
    /// Also those that are solved
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  bellwire circuits\n\n\
    After failures in a row ([circuit] in bellwire.toml) nothing is sent to a host for a while; its runs wait, and no attempt\n\
    is spent. Then one request goes out as a probe; once it is answered the others follow.")]
pub(in crate::cli) struct Circuits {
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
