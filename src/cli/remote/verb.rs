//! From a verb to what asks a server for it.

use std::path::Path;

use super::{
    address::There,
    backtest,
    client::Remote,
    explain, lists, people,
    reach::{Reach, reach},
    replays, runs, secrets, services, starts,
};
use crate::cli::{
    answer::Answer,
    arguments::{EventsVerb, PollsVerb, RunsVerb, Verb},
    failure::Failure,
    open,
    profiles::ProfilesVerb,
    services::ServicesVerb,
};

/// Runs a verb by the API of a server. `Err` with exit code 2: it works on a workspace alone.
pub(in crate::cli) fn run(there: &There, workspace: &Path, verb: &Verb) -> Result<Answer, Failure> {
    if let Reach::Here(words, way_out) = reach(verb) {
        return Err(here_alone(there, words, way_out));
    }
    let remote = Remote::new(there)?;
    open::block_on(async {
        match verb {
            Verb::Events(EventsVerb::List(options)) => lists::events(&remote, options).await,
            Verb::Events(EventsVerb::Show { id, json }) => lists::event(&remote, *id, *json).await,
            Verb::Events(EventsVerb::Save(options)) => lists::save(&remote, options).await,
            Verb::Events(EventsVerb::Refused { limit, json }) => lists::refusals(&remote, *limit, *json).await,
            Verb::Explain(options) => explain::run(&remote, options).await,
            Verb::Runs(RunsVerb::List(options)) => runs::list(&remote, options).await,
            Verb::Runs(RunsVerb::Show { id, json }) => runs::show(&remote, *id, *json).await,
            Verb::Runs(RunsVerb::Resolve(options)) => runs::resolve(&remote, options).await,
            Verb::Runs(RunsVerb::Release { rule }) => runs::release(&remote, rule).await,
            Verb::Runs(RunsVerb::Cancel { id }) => runs::cancel(&remote, *id).await,
            Verb::Backtest(options) => backtest::run(&remote, workspace, options).await,
            Verb::Replay(options) => replays::replay(&remote, options).await,
            Verb::Run(options) => starts::run(&remote, options).await,
            Verb::Calls(options) => lists::calls(&remote, options).await,
            Verb::Problems(options) => lists::problems(&remote, options).await,
            Verb::Circuits(options) => lists::circuits(&remote, options.json).await,
            Verb::Connections(options) => services::connections(&remote, options.json).await,
            Verb::Services(ServicesVerb::List(options)) => services::list(&remote, options.json).await,
            Verb::Services(ServicesVerb::Show(options)) => services::show(&remote, options).await,
            Verb::Schedules(options) => lists::schedules(&remote, options.json).await,
            Verb::Polls(options) => match &options.verb {
                None => lists::polls(&remote, options.json).await,
                Some(PollsVerb::Run { rule }) => starts::poll(&remote, rule).await,
            },
            Verb::Profiles(ProfilesVerb::List { after, limit, json }) => {
                people::list(&remote, after, usize::from(*limit), *json).await
            }
            Verb::Profiles(ProfilesVerb::Get { email, json }) => people::get(&remote, email, *json).await,
            Verb::Profiles(ProfilesVerb::Set(options)) => people::set(&remote, options).await,
            Verb::Profiles(ProfilesVerb::Forget(options)) => people::forget(&remote, options).await,
            Verb::Profiles(ProfilesVerb::Import(options)) => people::import(&remote, options).await,
            Verb::Profiles(ProfilesVerb::Export { csv }) => people::export(&remote, *csv).await,
            Verb::Profiles(ProfilesVerb::Preview(options)) => people::preview(&remote, options).await,
            Verb::Secrets(verb) => secrets::run(&remote, verb).await,
            // The table says that nothing else comes here.
            _ => Err(here_alone(there, "this verb", "run it there, in the workspace")),
        }
    })
}

fn here_alone(there: &There, words: &str, way_out: &str) -> Failure {
    let leave = if there.from == "--url" { "leave out --url" } else { "BELLWIRE_URL is set: unset it" };
    Failure::Usage(format!(
        "{words} works on a workspace of this machine, not by a server's API: {way_out}; or {leave}"
    ))
}
