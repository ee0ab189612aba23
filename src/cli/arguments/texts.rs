//! Words of what is written: rules, templates, settings.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire check\n  bellwire check --strict              warnings count too\n  \
    bellwire check --explain R043        what a code means, and the way out\n  \
    bellwire check --json | jq '.findings[].message'\n\nExit code 1 where a file has an error."
)]
pub(in crate::cli) struct Check {
    /// Print the page of a code, or all codes where none is named
    #[arg(long, value_name = "CODE")]
    #[expect(clippy::option_option, reason = "not asked, asked for all, asked for one")]
    pub(in crate::cli) explain: Option<Option<String>>,
    /// Warnings end with exit code 1 too
    #[arg(long, conflicts_with = "explain")]
    pub(in crate::cli) strict: bool,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "these comments are the help texts")]
#[command(after_long_help = "Examples:\n  bellwire test\n  bellwire test rules/calls --watch\n  \
    bellwire test calls/missed --filter ticket\n  bellwire test --junit report.xml\n\n\
    Nothing is sent: a test needs no network, no database and no secrets. Exit code 1 where a test fails or a file has an error.")]
pub(in crate::cli) struct Test {
    /// Files or folders of rules, or their ids; all rules unless given
    #[arg(value_name = "PATHS")]
    pub(in crate::cli) paths: Vec<String>,
    /// Only tests whose name holds this text, whatever its case
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) filter: Option<String>,
    /// Run them again whenever a rule, template or pack changes, until Ctrl-C
    #[arg(long, conflicts_with_all = ["json", "junit"])]
    pub(in crate::cli) watch: bool,
    /// Also write a report there, as JUnit does, for CI
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) junit: Option<PathBuf>,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire render 'Call from {{ event.location }}' --event sample:gruveo.call/missed\n  \
        bellwire render --template templates/notes/call.liquid --event evt_01hf3y8a9d000 --sink html\n  \
        bellwire render --lenient --template card.liquid --data person.json\n\n\
        The files that `include` and `render` name are those of the workspace's templates/. Exit code 1 where the template has a\n\
        fault or cannot be rendered; the message names line and column."
)]
pub(in crate::cli) struct Render {
    /// The template; or --template
    #[arg(conflicts_with = "template")]
    pub(in crate::cli) text: Option<String>,
    /// The file that holds the template; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) template: Option<PathBuf>,
    /// A JSON file with an object: its keys are the names that the template sees; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) data: Option<PathBuf>,
    /// evt_..., sample:TYPE/NAME, or a JSON file with a payload: the template sees `event`, `trigger` and `vars`
    #[arg(long, value_name = "EVENT")]
    pub(in crate::cli) event: Option<String>,
    /// The type of a payload in a file that does not say its own, such as gruveo.call
    #[arg(long = "type", value_name = "TYPE", requires = "event")]
    pub(in crate::cli) kind: Option<String>,
    /// What is missing is empty, as in other Liquid engines and in profile cards; in rules it is an error
    #[arg(long)]
    pub(in crate::cli) lenient: bool,
    /// What the text is for: decides how values are escaped
    #[arg(long, value_enum, default_value = "plain")]
    pub(in crate::cli) sink: RenderSink,
    /// Print the value as JSON; a template that is one {{ }} keeps its type
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// What a rendered text is for.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(in crate::cli) enum RenderSink {
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
pub(in crate::cli) struct Schema {
    /// Of what
    #[arg(value_enum, default_value = "rules")]
    pub(in crate::cli) of: SchemaOf,
    /// Write all three into templates/.schema/ of the workspace
    #[arg(long)]
    pub(in crate::cli) write: bool,
}

/// What a schema is of.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(in crate::cli) enum SchemaOf {
    /// Rule files
    Rules,
    /// Packs: templates/services/*.yaml
    Packs,
    /// bellwire.toml
    Settings,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ConfigVerb {
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
#[command(after_long_help = "Example:\n  bellwire doctor\n\nExit code 1 where something fails.")]
pub(in crate::cli) struct Doctor {
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
