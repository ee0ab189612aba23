//! What each tag does when it renders.

mod branch;
mod cycle;
mod include;
mod looping;
mod output;
mod variable;

use std::io::Write;

use liquid_core::{Error, Renderable, Runtime};

use super::{
    RenderError,
    frame::state,
    language::{Arm, OUTPUT, TEXT},
    prepare::Prepared,
};

/// Tags that part a block.
pub(super) const BRANCHES: [&str; 3] = ["else", "elsif", "when"];

/// What renders a tag that stands alone.
pub(super) fn single(name: &str, piece: Prepared) -> liquid_core::Result<Box<dyn Renderable>> {
    Ok(match (name, piece) {
        (TEXT, Prepared::Text(text)) => Box::new(output::Text(text)),
        (OUTPUT, Prepared::Output(chain)) => Box::new(output::Output(chain)),
        (_, Prepared::Assign(name, chain)) => Box::new(variable::Assign { name, chain }),
        ("increment", Prepared::Count(name)) => Box::new(variable::Count { name, step: 1 }),
        ("decrement", Prepared::Count(name)) => Box::new(variable::Count { name, step: -1 }),
        (_, Prepared::Cycle(cycle)) => Box::new(cycle::Cycling(cycle)),
        (_, Prepared::Include(include)) => Box::new(include::Including(include)),
        ("break", _) => Box::new(looping::Jump::Break),
        ("continue", _) => Box::new(looping::Jump::Continue),
        _ => return Err(Error::with_msg("no such tag")),
    })
}

/// What renders a block.
pub(super) fn block(name: &str, arms: Vec<Arm>) -> liquid_core::Result<Box<dyn Renderable>> {
    match name {
        "if" => branch::Branching::new(arms, true),
        "unless" => branch::Branching::new(arms, false),
        "case" => branch::Case::new(arms),
        "for" => looping::For::new(arms),
        "tablerow" => looping::TableRow::new(arms),
        "capture" => variable::Capture::new(arms),
        "ifchanged" => cycle::IfChanged::new(arms),
        _ => Err(Error::with_msg("no such block")),
    }
}

/// Ends the render for a reason that outlives `liquid_core`'s text-only errors.
fn stop(runtime: &dyn Runtime, error: RenderError) -> Error {
    state(runtime).failure.get_or_insert(error);
    Error::with_msg("stopped")
}

/// Writes what needs no escaping.
fn write(writer: &mut dyn Write, runtime: &dyn Runtime, bytes: &[u8]) -> liquid_core::Result<()> {
    writer.write_all(bytes).map_err(|_full| output::full(runtime))
}
