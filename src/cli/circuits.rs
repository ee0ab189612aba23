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
    if rows.is_empty() {
        return Ok(Answer::text("No circuit is open: every host is called as rules ask."));
    }
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let (since, last) = (row.opened_at.to_string(), row.last_at.to_string());
            vec![clean(&row.subject, 80), since, last, clean(&row.message, 300)]
        })
        .collect();
    Ok(Answer::text(table(&["HOST", "SINCE", "LAST FAILURE", "WHAT"], &lines)))
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
