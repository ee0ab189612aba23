//! The words of the command line.

mod access;
mod standing;
mod stored;
mod texts;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand};

use super::{
    backtest, calls::Calls, connections::Connections, explain::Explain, profiles::ProfilesVerb, replay::Replay,
    run::Run, services::ServicesVerb,
};

pub(super) use access::{SecretsVerb, SessionsVerb, TokensVerb, UsersVerb};
pub(super) use standing::{Circuits, Polls, PollsVerb, Problems, Schedules, SchedulesNext, SchedulesVerb};
pub(super) use stored::{EventsList, EventsVerb, Outcome, Resolve, RunsList, RunsVerb, Send};
pub(super) use texts::{Check, ConfigVerb, Doctor, Render, RenderSink, Schema, SchemaOf, Test};

/// Webhooks come in, YAML rules decide, HTTP actions go out.
#[derive(Debug, Parser)]
#[command(
    name = "bellwire",
    version,
    about,
    max_term_width = 120,
    disable_help_subcommand = true,
    after_long_help = "Exit codes: 0 fine; 1 the answer is no (findings, nothing of that name); 2 wrong use; 74 storage; 78 configuration.\n\n\
        Examples:\n  bellwire demo                        see it work, in one minute\n  \
        bellwire init my-automations         make a workspace\n  \
        bellwire --workspace my-automations serve\n  \
        bellwire --url https://bellwire.example.com --token-file token.txt runs list --state held"
)]
pub(super) struct Arguments {
    /// The workspace: a folder with rules/, templates/ and bellwire.toml
    #[arg(long, short, global = true, default_value = ".", value_name = "DIR", display_order = 900)]
    pub(super) workspace: PathBuf,
    #[command(flatten)]
    pub(super) server: Server,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// A running server that is asked by its API, in place of a workspace here.
#[derive(Debug, Default, Args)]
#[expect(clippy::doc_markdown, reason = "these comments are the help texts")]
pub(super) struct Server {
    /// Ask the running server at this address by its API, and no workspace here; or BELLWIRE_URL in the environment
    #[arg(long, global = true, value_name = "URL", display_order = 901)]
    pub(super) url: Option<String>,
    /// A file that holds the token for it, as `bellwire tokens new` printed it; or the token itself in BELLWIRE_TOKEN
    #[arg(long, global = true, value_name = "FILE", display_order = 902, conflicts_with = "token")]
    pub(super) token_file: Option<PathBuf>,
    /// The token itself; others on this machine see it in the list of processes (ps): better --token-file
    #[arg(long, global = true, value_name = "TOKEN", display_order = 903)]
    pub(super) token: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// See it work: a workspace of its own, a stand-in for Groove, one missed call
    Demo(Demo),
    /// Take deliveries and run rules until it is stopped
    #[command(
        after_long_help = "Examples:\n  bellwire serve\n  BELLWIRE_SERVER_LISTEN=127.0.0.1:8080 bellwire serve\n\n\
        SIGTERM and Ctrl-C end it gently; a second one ends it at once."
    )]
    Serve,
    /// Make a workspace
    Init(Init),
    /// Check settings, packs and rules, and name every fault
    Check(Check),
    /// Run the tests that stand in rule files
    Test(Test),
    /// Show what a template makes of an event, or of any data
    Render(Render),
    /// Print a JSON Schema of rules, packs or settings, for editors
    Schema(Schema),
    /// Look at the settings
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Set, list and remove secrets
    #[command(subcommand)]
    Secrets(SecretsVerb),
    /// Say who may use the admin
    #[command(subcommand)]
    Users(UsersVerb),
    /// Make, list and revoke tokens of the API
    #[command(subcommand)]
    Tokens(TokensVerb),
    /// Look at connections: what goes out, as whom; log in at services
    Connections(Connections),
    /// Look at services, by their packs: how to connect one, what it offers, whether it works
    #[command(subcommand)]
    Services(ServicesVerb),
    /// Look at events: deliveries that were accepted
    #[command(subcommand)]
    Events(EventsVerb),
    /// Say what the workspace's rules would have done otherwise on the stored events
    Backtest(backtest::Options),
    /// Say what every rule said to an event, and why
    Explain(Explain),
    /// Run again what has run before
    Replay(Replay),
    /// Start a rule by hand, on inputs or on a stored event
    Run(Run),
    /// Look at runs: one rule on one event
    #[command(subcommand)]
    Runs(RunsVerb),
    /// Look at the call log: what Gruveo has told of
    Calls(Calls),
    /// Look at what is known of people, and change or forget it
    #[command(subcommand, visible_alias = "profile")]
    Profiles(ProfilesVerb),
    /// Look at schedules: when each rule is started next, and what was missed
    #[command(args_conflicts_with_subcommands = true)]
    Schedules(Schedules),
    /// Look at problems: what is wrong for longer than a moment
    Problems(Problems),
    /// Look at polls: what is asked again and again, and what came of it
    #[command(args_conflicts_with_subcommands = true)]
    Polls(Polls),
    /// Send a signed sample delivery to a running server
    Send(Send),
    /// List the hosts that are left alone for a while, since they failed again and again
    Circuits(Circuits),
    /// Say what is well, what is not, and what to do about it
    Doctor(Doctor),
    /// Explain a verb, the rule language (`help rules`), templates (`help templates`) or packs (`help services`)
    Help(Help),
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire help rules\n  bellwire help templates\n  bellwire help services\n  bellwire help codes R042\n  bellwire help secrets set"
)]
pub(super) struct Help {
    /// A verb and those below it, or a topic: rules, templates, services, codes
    #[arg(value_name = "VERB OR TOPIC")]
    pub(super) topic: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bellwire demo\n  bellwire demo --listen 8010 --groove 8011\n\n\
    It makes a workspace with the example rule, plays Groove on another port, sends one missed call, prints the note that\n\
    arrives and a command for a second terminal that makes another one, and serves until Ctrl-C. The stand-in is reached by\n\
    the settings in the workspace's bellwire.toml alone.")]
pub(super) struct Demo {
    /// The workspace to make, or to use again; bellwire-demo unless set
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Where deliveries come in: a port of 127.0.0.1 or an address, written into the settings; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) listen: Option<SocketAddr>,
    /// Where the stand-in for Groove listens, likewise
    #[arg(long, value_name = "ADDRESS", value_parser = loopback)]
    pub(super) groove: Option<SocketAddr>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let port = || text.parse().ok().map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    text.parse().ok().or_else(port).ok_or_else(|| "a port or an address such as 127.0.0.1:8010 wanted".to_owned())
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    address(text).and_then(|address| {
        let is_own = address.ip().is_loopback();
        if is_own {
            Ok(address)
        } else {
            Err("a loopback address wanted: the stand-in is for this machine alone".to_owned())
        }
    })
}

#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bellwire init my-automations\n  bellwire init --force .")]
pub(super) struct Init {
    /// The folder to make, or an empty one
    pub(super) dir: PathBuf,
    /// Also in a folder that is not empty; files that are there stay as they are
    #[arg(long)]
    pub(super) force: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_verb_has_an_example() {
        fn leaves(command: &clap::Command, found: &mut Vec<String>) {
            if command.has_subcommands() {
                command.get_subcommands().for_each(|inner| leaves(inner, found));
            } else if command.get_after_long_help().is_none_or(|help| !help.to_string().contains("bellwire ")) {
                found.push(command.get_name().to_owned());
            }
        }
        let mut without = Vec::new();
        leaves(&Arguments::command(), &mut without);
        assert!(without.is_empty(), "{without:?}");
    }

    #[test]
    fn a_resolution_is_exactly_one() {
        let run = "run_0000000000001";
        let parse =
            |words: &[&str]| Arguments::try_parse_from(["bellwire", "runs", "resolve", run].iter().chain(words));
        assert!(parse(&["--done"]).is_ok() && parse(&["--verify"]).is_ok());
        assert!(parse(&[]).is_err());
        assert!(parse(&["--done", "--retry"]).is_err());
    }

    #[test]
    fn the_workspace_may_stand_after_the_verb() {
        let arguments = Arguments::try_parse_from(["bellwire", "check", "--workspace", "x"]).unwrap();
        assert_eq!(arguments.workspace, PathBuf::from("x"));
    }
}
