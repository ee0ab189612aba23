//! `bellwire circuits`: hosts that are left alone for a while, since they failed again and again.

use std::path::Path;

use super::{
    answer::{Answer, clean, machine},
    arguments::Circuits,
    failure::Failure,
    open,
    table::table,
};
use crate::{
    config::Config,
    store::{Mode, ProblemRow, Store},
};

/// The kind that a circuit's problem has.
const KIND: &str = "circuit";

/// Open problems that are looked through.
const MOST: usize = 1_000;

pub(super) fn run(workspace: &Path, options: &Circuits) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    let rows = if open::is_unborn(&config)? { Vec::new() } else { read(&config)? };
    if options.json {
        return Ok(Answer::json(&machine(&rows)));
    }
    let line = |row: &ProblemRow| {
        [&row.subject, &row.opened_at.to_string(), &row.last_at.to_string(), &row.message].map(String::clone)
    };
    Ok(as_text(rows.iter().map(line)))
}

/// Hosts as people read them: each with since when, its last failure and what that was.
pub(super) fn as_text(circuits: impl Iterator<Item = [String; 4]>) -> Answer {
    let line = |[host, since, last, what]: [String; 4]| vec![clean(&host, 80), since, last, clean(&what, 300)];
    let lines: Vec<Vec<String>> = circuits.map(line).collect();
    if lines.is_empty() {
        return Answer::text("No circuit is open: every host is called as rules ask.");
    }
    Answer::text(table(&["HOST", "SINCE", "LAST FAILURE", "WHAT"], &lines))
}

fn read(config: &Config) -> Result<Vec<ProblemRow>, Failure> {
    open::block_on(async {
        let store = open::store(config, Mode::Read)?;
        let rows = of_store(&store).await;
        store.close();
        rows
    })
}

/// The problems of circuits that are open, the one that failed last first.
pub(super) async fn of_store(store: &Store) -> Result<Vec<ProblemRow>, Failure> {
    let rows = store.problems(true, MOST).await?;
    Ok(rows.into_iter().filter(|row| row.kind == KIND).collect())
}
