//! From the words of the command line to an exit code.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

use super::{
    answer::Answer,
    arguments::{Arguments, Verb},
    backtest, calls, check, circuits, config, connections, demo, doctor, events, explain,
    failure::Failure,
    help, init, polls, problems, profiles, remote, render, replay, run as run_verb, runs, schedules, schema, secrets,
    send, serve, services, test, tokens, users,
};

/// Runs the command line of this process. Exit codes: 0 fine, 1 the answer is no, 2 wrong use, 74 storage, 78 configuration.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers and go to standard output; clap knows which is which.
            let printed = error.print();
            return ExitCode::from(if printed.is_ok() && !error.use_stderr() { 0 } else { 2 });
        }
    };
    match run(arguments) {
        Ok(Ended::Answer(answer)) => write(&answer),
        Ok(Ended::Code(code)) => code,
        Err(failure) => write(&Answer { out: String::new(), err: failure.to_string(), exit: failure.exit() }),
    }
}

/// How a verb ended: with something to print, or (a server) with a code.
enum Ended {
    Answer(Answer),
    Code(ExitCode),
}

fn run(arguments: Arguments) -> Result<Ended, Failure> {
    let workspace = &arguments.workspace;
    if let Some(there) = remote::asked(&arguments)? {
        return remote::run(&there, workspace, &arguments.verb).map(Ended::Answer);
    }
    let answer = match arguments.verb {
        Verb::Serve => return serve::run(workspace).map(Ended::Code),
        Verb::Demo(options) => return demo::run(workspace, &options).map(Ended::Code),
        Verb::Init(options) => init::run(&options)?,
        Verb::Check(options) => check::run(workspace, &options)?,
        Verb::Render(options) => render::run(workspace, &options)?,
        Verb::Schema(options) => schema::run(workspace, &options)?,
        Verb::Test(options) => test::run(workspace, &options)?,
        Verb::Help(options) => help::run(&options)?,
        Verb::Config(verb) => config::run(workspace, &verb)?,
        Verb::Secrets(verb) => secrets::run(workspace, verb)?,
        Verb::Users(verb) => users::run(workspace, verb)?,
        Verb::Tokens(verb) => tokens::run(workspace, verb)?,
        Verb::Connections(options) => connections::run(workspace, &options)?,
        Verb::Services(verb) => services::run(workspace, &verb)?,
        Verb::Events(verb) => events::run(workspace, &verb)?,
        Verb::Backtest(options) => backtest::run(workspace, &options)?,
        Verb::Explain(options) => explain::run(workspace, &options)?,
        Verb::Replay(options) => replay::run(workspace, &options)?,
        Verb::Run(options) => run_verb::run(workspace, &options)?,
        Verb::Runs(verb) => runs::run(workspace, &verb)?,
        Verb::Calls(options) => calls::run(workspace, &options)?,
        Verb::Profiles(verb) => profiles::run(workspace, &verb)?,
        Verb::Schedules(options) => schedules::run(workspace, &options)?,
        Verb::Problems(options) => problems::run(workspace, &options)?,
        Verb::Polls(options) => polls::run(workspace, &options)?,
        Verb::Send(options) => send::run(workspace, &options)?,
        Verb::Circuits(options) => circuits::run(workspace, &options)?,
        Verb::Doctor(options) => doctor::run(workspace, &options)?,
    };
    Ok(Ended::Answer(answer))
}

/// Writes an answer. A reader that went away (`bellwire runs list | head`) is no failure.
fn write(answer: &Answer) -> ExitCode {
    let written = io::stdout()
        .write_all(answer.out.as_bytes())
        .and_then(|()| io::stdout().flush())
        .and_then(|()| io::stderr().write_all(answer.err.as_bytes()));
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(74),
        _ => ExitCode::from(answer.exit),
    }
}
