//! Which verbs ask a server elsewhere, which are the same everywhere, and which work here alone: the one table.

use crate::cli::{
    arguments::{ConfigVerb, PollsVerb, SchedulesVerb, Verb},
    services::ServicesVerb,
};

/// How a verb stands to `--url`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It asks the server.
    There,
    /// It needs neither server nor workspace, or has a `--url` of its own.
    Either,
    /// It works on the workspace here alone: its words, and the way out.
    Here(&'static str, &'static str),
}

/// On the machine of the server.
const ON_ITS_MACHINE: &str = "run it there, in the workspace";
/// What the admin has a page for.
const IN_THE_ADMIN: &str = "do it in the admin, or run it there, in the workspace";

/// The table.
pub(super) fn reach(verb: &Verb) -> Reach {
    use Reach::{Either, Here, There};
    match verb {
        Verb::Help(_)
        | Verb::Send(_)
        | Verb::Schema(_)
        | Verb::Config(ConfigVerb::Defaults)
        | Verb::Schedules(crate::cli::arguments::Schedules { verb: Some(SchedulesVerb::Next(_)), .. }) => Either,
        Verb::Serve => Here("serve", "it is the server"),
        Verb::Demo(_) => Here("demo", "it makes a workspace of its own"),
        Verb::Init(_) => Here("init", "it makes a workspace"),
        Verb::Check(_) => Here("check", ON_ITS_MACHINE),
        Verb::Test(_) => Here("test", ON_ITS_MACHINE),
        Verb::Render(_) => Here("render", ON_ITS_MACHINE),
        Verb::Config(ConfigVerb::Print { .. }) => Here("config print", ON_ITS_MACHINE),
        Verb::Users(_) => Here("users", IN_THE_ADMIN),
        Verb::Tokens(_) => Here("tokens", IN_THE_ADMIN),
        Verb::Doctor(_) => Here("doctor", ON_ITS_MACHINE),
        Verb::Connections(options) if options.verb.is_some() => Here("connections login and logout", IN_THE_ADMIN),
        Verb::Services(ServicesVerb::Capture(_)) => Here("services capture", ON_ITS_MACHINE),
        Verb::Services(ServicesVerb::New(_)) => Here("services new", ON_ITS_MACHINE),
        Verb::Services(ServicesVerb::Test(_)) => Here("services test", IN_THE_ADMIN),
        Verb::Services(ServicesVerb::Subscribe(_) | ServicesVerb::Unsubscribe(_) | ServicesVerb::Status(_)) => {
            Here("services subscribe, unsubscribe and status", ON_ITS_MACHINE)
        }
        Verb::Polls(crate::cli::arguments::Polls { verb: None | Some(PollsVerb::Run { .. }), .. })
        | Verb::Secrets(_)
        | Verb::Backtest(_)
        | Verb::Connections(_)
        | Verb::Services(_)
        | Verb::Events(_)
        | Verb::Explain(_)
        | Verb::Replay(_)
        | Verb::Run(_)
        | Verb::Runs(_)
        | Verb::Calls(_)
        | Verb::Profiles(_)
        | Verb::Schedules(_)
        | Verb::Problems(_)
        | Verb::Circuits(_) => There,
    }
}

/// Whether the verb asks nobody, whatever `--url` says.
pub(super) fn is_here(verb: &Verb) -> bool {
    reach(verb) == Reach::Either
}
