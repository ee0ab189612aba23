//! The words of the command line.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, Parser, Subcommand};

use super::{
    backtest, calls::Calls, connections::Connections, explain::Explain, problems::ProblemsVerb, profiles::ProfilesVerb,
    replay::Replay, run::Run, save::Save, services::ServicesVerb,
};
use crate::{
    config::forms::{duration, secret_name},
    ids::{EventId, RunId, TokenId},
    model::{Role, RunStatus, Scope},
};

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

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire check\n  bellwire check --strict              warnings count too\n  \
    bellwire check --explain R043        what a code means, and the way out\n  \
    bellwire check --json | jq '.findings[].message'\n\nExit code 1 where a file has an error."
)]
pub(super) struct Check {
    /// Print the page of a code, or all codes where none is named
    #[arg(long, value_name = "CODE")]
    #[expect(clippy::option_option, reason = "not asked, asked for all, asked for one")]
    pub(super) explain: Option<Option<String>>,
    /// Warnings end with exit code 1 too
    #[arg(long, conflicts_with = "explain")]
    pub(super) strict: bool,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "these comments are the help texts")]
#[command(after_long_help = "Examples:\n  bellwire test\n  bellwire test rules/calls --watch\n  \
    bellwire test calls/missed --filter ticket\n  bellwire test --junit report.xml\n\n\
    Nothing is sent: a test needs no network, no database and no secrets. Exit code 1 where a test fails or a file has an error.")]
pub(super) struct Test {
    /// Files or folders of rules, or their ids; all rules unless given
    #[arg(value_name = "PATHS")]
    pub(super) paths: Vec<String>,
    /// Only tests whose name holds this text, whatever its case
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<String>,
    /// Run them again whenever a rule, template or pack changes, until Ctrl-C
    #[arg(long, conflicts_with_all = ["json", "junit"])]
    pub(super) watch: bool,
    /// Also write a report there, as JUnit does, for CI
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire render 'Call from {{ event.location }}' --event sample:gruveo.call/missed\n  \
        bellwire render --template templates/notes/call.liquid --event evt_01hf3y8a9d000 --sink html\n  \
        bellwire render --lenient --template card.liquid --data person.json\n\n\
        The files that `include` and `render` name are those of the workspace's templates/. Exit code 1 where the template has a\n\
        fault or cannot be rendered; the message names line and column."
)]
pub(super) struct Render {
    /// The template; or --template
    #[arg(conflicts_with = "template")]
    pub(super) text: Option<String>,
    /// The file that holds the template; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(super) template: Option<PathBuf>,
    /// A JSON file with an object: its keys are the names that the template sees; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(super) data: Option<PathBuf>,
    /// evt_..., sample:TYPE/NAME, or a JSON file with a payload: the template sees `event`, `trigger` and `vars`
    #[arg(long, value_name = "EVENT")]
    pub(super) event: Option<String>,
    /// The type of a payload in a file that does not say its own, such as gruveo.call
    #[arg(long = "type", value_name = "TYPE", requires = "event")]
    pub(super) kind: Option<String>,
    /// What is missing is empty, as in other Liquid engines and in profile cards; in rules it is an error
    #[arg(long)]
    pub(super) lenient: bool,
    /// What the text is for: decides how values are escaped
    #[arg(long, value_enum, default_value = "plain")]
    pub(super) sink: RenderSink,
    /// Print the value as JSON; a template that is one {{ }} keeps its type
    #[arg(long)]
    pub(super) json: bool,
}

/// What a rendered text is for.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum RenderSink {
    /// As it is
    Plain,
    /// An input of type html
    Html,
    /// A segment of a URL's path
    Path,
    /// A value in a URL's query
    Query,
    /// A header
    Header,
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire schema > rule.json\n  bellwire schema packs\n  bellwire schema --write\n\n\
        The schema of rules knows the actions and events of the packs in this workspace. Editors that speak YAML Language Server\n\
        find it by a line at the top of a rule: # yaml-language-server: $schema=../../templates/.schema/rule.json"
)]
pub(super) struct Schema {
    /// Of what
    #[arg(value_enum, default_value = "rules")]
    pub(super) of: SchemaOf,
    /// Write all three into templates/.schema/ of the workspace
    #[arg(long)]
    pub(super) write: bool,
}

/// What a schema is of.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum SchemaOf {
    /// Rule files
    Rules,
    /// Packs: templates/services/*.yaml
    Packs,
    /// bellwire.toml
    Settings,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigVerb {
    /// Print the settings in force and where each came from; secrets are hidden
    #[command(after_long_help = "Examples:\n  bellwire config print\n  bellwire config print --json")]
    Print {
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Print every setting with its default and what it means
    #[command(after_long_help = "Example:\n  bellwire config defaults > all-settings.toml")]
    Defaults,
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire polls\n  bellwire polls --json\n  bellwire polls run tickets/new\n\n\
    ITEMS counts the events that a poll has made. A poll that fails is put off, twice as long each time up to an hour."
)]
pub(super) struct Polls {
    #[command(subcommand)]
    pub(super) verb: Option<PollsVerb>,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bellwire schedules\n  bellwire schedules --json\n  \
    bellwire schedules next '0 9 * * mon-fri' --timezone Europe/Athens\n\n\
    LAST is the newest slot that was fired, MISSED how many never were since the schedule came into force.")]
pub(super) struct Schedules {
    #[command(subcommand)]
    pub(super) verb: Option<SchedulesVerb>,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum PollsVerb {
    /// Ask now, whenever the next time is
    #[command(after_long_help = "Examples:\n  bellwire polls run tickets/new\n\n\
        It makes the rule's polls due; the running server asks within a second. What was put off by failures is asked too.")]
    Run {
        /// The rule's id, such as tickets/new
        rule: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum SchedulesVerb {
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
pub(super) struct SchedulesNext {
    /// Five fields, @daily and its kin, or a span such as 'every 10m'
    #[arg(allow_hyphen_values = true)]
    pub(super) expression: String,
    /// Such as Europe/Athens; UTC unless given
    #[arg(long, value_name = "ZONE")]
    pub(super) timezone: Option<String>,
    /// Slots after this time, such as 2026-03-01T10:00:00Z; now unless given
    #[arg(long, value_name = "TIME")]
    pub(super) from: Option<String>,
    /// How many
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) count: u32,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_long_help = "Examples:\n  bellwire problems\n  bellwire problems --all --json\n  bellwire problems mute prb_01hf3y8a9d000 --for 8h\n\n\
    A schedule that is overdue, a source that is silent and their like are raised once, counted, and solved by themselves."
)]
pub(super) struct Problems {
    #[command(subcommand)]
    pub(super) verb: Option<ProblemsVerb>,
    /// Also those that are solved
    #[arg(long)]
    pub(super) all: bool,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::doc_markdown, reason = "these comments are the help texts")]
pub(super) enum SecretsVerb {
    /// Set a secret; its value comes from standard input
    #[command(after_long_help = "Examples:\n  bellwire secrets set gruveo_key < key.txt\n  \
        printf %s \"$TOKEN\" | bellwire secrets set crm_token --for https://crm.example.com\n\n\
        A running server knows it within a second. Where the secret had another value, deliveries that are signed with that one are\n\
        taken for 24 hours more, so that it can be changed at the sender after this: --overlap 0 ends it at once.")]
    Set {
        /// Such as gruveo_key
        #[arg(value_parser = secret_name)]
        name: String,
        /// Where it may be sent, such as https://crm.example.com; a secret that a pack names knows that by itself
        #[arg(long = "for", value_name = "ORIGIN")]
        origins: Vec<String>,
        /// How long deliveries may still be signed with the value that it replaces, such as 24h; 0: no longer
        #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = overlap)]
        overlap: Duration,
    },
    /// End the time in which the earlier value of a secret still counts
    #[command(after_long_help = "Example:\n  bellwire secrets retire gruveo_key")]
    Retire {
        /// Such as gruveo_key
        #[arg(value_parser = secret_name)]
        name: String,
    },
    /// List secrets, never their values
    #[command(after_long_help = "Examples:\n  bellwire secrets list\n  bellwire secrets list --json")]
    List {
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Remove a secret from the database
    #[command(after_long_help = "Example:\n  bellwire secrets remove crm_token")]
    Remove {
        /// Such as gruveo_key
        #[arg(value_parser = secret_name)]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum UsersVerb {
    /// List who may use the admin
    #[command(after_long_help = "Examples:\n  bellwire users list\n  bellwire users list --json")]
    List {
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Let somebody use the admin; prints a one-time link at which that person chooses a password
    #[command(after_long_help = "Examples:\n  bellwire users add ada --role editor\n  \
        bellwire users add bob --role viewer --email bob@example.com")]
    Add {
        /// What the person signs in with, such as ada
        name: String,
        /// viewer, editor or owner
        #[arg(long)]
        role: Role,
        /// Stands in the history of rules that the person saves
        #[arg(long)]
        email: Option<String>,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Print a one-time link: for a user to choose a password, or without a name for the first owner
    #[command(after_long_help = "Examples:\n  bellwire users link\n  bellwire users link ada\n\n\
        It counts once and for 24 hours; the one before it ends.")]
    Link {
        /// Whose password is chosen anew; left out, the first owner is made
        name: Option<String>,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Give a user another role; open sessions end
    #[command(after_long_help = "Example:\n  bellwire users role ada owner")]
    Role {
        /// Such as ada
        name: String,
        /// viewer, editor or owner
        role: Role,
    },
    /// Let a user sign in no more; sessions end, tokens are refused
    #[command(after_long_help = "Example:\n  bellwire users disable ada")]
    Disable {
        /// Such as ada
        name: String,
    },
    /// Let a user sign in again
    #[command(after_long_help = "Example:\n  bellwire users enable ada")]
    Enable {
        /// Such as ada
        name: String,
    },
    /// Remove a user with sessions and tokens; what was done stays in the audit log
    #[command(after_long_help = "Example:\n  bellwire users remove ada")]
    Remove {
        /// Such as ada
        name: String,
    },
    /// Set a user's password; it comes from standard input, and open sessions end
    #[command(after_long_help = "Example:\n  bellwire users password ada < password.txt")]
    Password {
        /// Such as ada
        name: String,
    },
    /// Look at a user's open sessions, and end them
    #[command(subcommand)]
    Sessions(SessionsVerb),
}

#[derive(Debug, Subcommand)]
pub(super) enum SessionsVerb {
    /// List the open sessions of a user
    #[command(
        after_long_help = "Examples:\n  bellwire users sessions list ada\n  bellwire users sessions list ada --json"
    )]
    List {
        /// Such as ada
        name: String,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// End all sessions of a user
    #[command(after_long_help = "Example:\n  bellwire users sessions end ada")]
    End {
        /// Such as ada
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum TokensVerb {
    /// List tokens of the API, never the tokens themselves
    #[command(after_long_help = "Examples:\n  bellwire tokens list\n  bellwire tokens list --user ada --json")]
    List {
        /// Those of one user
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Make a token of the API; it is shown once
    #[command(
        after_long_help = "Examples:\n  bellwire tokens new ci --user ada --scope read --scope run --expires 90d\n  \
        bellwire tokens new backup --user ada --scope read --json\n\n\
        It may do what its scopes and its user's role both allow."
    )]
    New {
        /// What people call it
        name: String,
        /// Whose it is
        #[arg(long, value_name = "NAME")]
        user: String,
        /// What it may do: read, run, rules, people, secrets, admin; several times for several
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<Scope>,
        /// When it ends, such as 90d; left out, it does not
        #[arg(long, value_name = "SPAN", value_parser = duration)]
        expires: Option<Duration>,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// End a token
    #[command(after_long_help = "Example:\n  bellwire tokens revoke tok_01hf3y8a9d000")]
    Revoke {
        /// tok_...
        id: TokenId,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum EventsVerb {
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
pub(super) struct EventsList {
    /// Only this type, such as gruveo.call
    #[arg(long = "type", value_name = "TYPE")]
    pub(super) kind: Option<String>,
    /// Only from this source
    #[arg(long)]
    pub(super) source: Option<String>,
    /// Only those that a rule matched
    #[arg(long, conflicts_with = "unmatched")]
    pub(super) matched: bool,
    /// Only those that no rule matched
    #[arg(long)]
    pub(super) unmatched: bool,
    /// Only those before this one
    #[arg(long, value_name = "EVENT")]
    pub(super) before: Option<EventId>,
    /// How many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) limit: u16,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum RunsVerb {
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
pub(super) struct RunsList {
    /// Only of this rule, such as calls/missed
    #[arg(long)]
    pub(super) rule: Option<String>,
    /// Only in this state, such as held or failed
    #[arg(long)]
    pub(super) state: Option<RunStatus>,
    /// Only on this event
    #[arg(long)]
    pub(super) event: Option<EventId>,
    /// Only those before this one
    #[arg(long, value_name = "RUN")]
    pub(super) before: Option<RunId>,
    /// How many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) limit: u16,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Resolve {
    /// run_...
    pub(super) id: RunId,
    #[command(flatten)]
    pub(super) outcome: Outcome,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
#[expect(clippy::struct_excessive_bools, reason = "clap has a flag each; the group takes one")]
pub(super) struct Outcome {
    /// It took effect: the step ends well
    #[arg(long)]
    pub(super) done: bool,
    /// It did not: try again
    #[arg(long)]
    pub(super) retry: bool,
    /// It did not, and shall not: the step fails
    #[arg(long)]
    pub(super) fail: bool,
    /// Let the service be asked again, by the action's `verify`
    #[arg(long)]
    pub(super) verify: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  bellwire send gruveo.call --sample missed --set tracking.ticket=42\n  \
    bellwire send gruveo.call --set-json duration=12 --url https://bellwire.example.com\n  \
    bellwire send gruveo.call --as-is     twice, to see a duplicate\n\n\
    It is signed with the workspace's own secret, so the server must have the same one. The time in the sample, where the\n\
    pack says which value that is, becomes now, so that each is a fresh event; unless --set or --set-json names it, or with --as-is.")]
pub(super) struct Send {
    /// The type, such as gruveo.call
    pub(super) event: String,
    /// Which sample of the pack; its first unless set
    #[arg(long, value_name = "NAME")]
    pub(super) sample: Option<String>,
    /// Change a value of the sample to a text
    #[arg(long, value_name = "PATH=TEXT")]
    pub(super) set: Vec<String>,
    /// Change a value of the sample to a JSON value
    #[arg(long, value_name = "PATH=JSON")]
    pub(super) set_json: Vec<String>,
    /// Leave the sample's time as it is: the same bytes every time, which a server takes once
    #[arg(long)]
    pub(super) as_is: bool,
    /// The source, where it has another name than the service
    #[arg(long)]
    pub(super) source: Option<String>,
    /// The server; server.listen of the workspace unless set
    #[arg(long)]
    pub(super) url: Option<String>,
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  bellwire circuits\n\n\
    After failures in a row ([circuit] in bellwire.toml) nothing is sent to a host for a while; its runs wait, and no attempt\n\
    is spent. Then one request goes out as a probe; once it is answered the others follow.")]
pub(super) struct Circuits {
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  bellwire doctor\n\nExit code 1 where something fails.")]
pub(super) struct Doctor {
    /// The machine's form
    #[arg(long)]
    pub(super) json: bool,
}

/// The longest overlap: longer is no rotation any more.
const LONGEST_OVERLAP: Duration = Duration::from_hours(30 * 24);

fn overlap(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let span = duration(text)?;
    if span > LONGEST_OVERLAP {
        return Err("30 days at most".to_owned());
    }
    Ok(span)
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
