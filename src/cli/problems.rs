//! `bellwire problems`: what is wrong for longer than a moment.

use std::path::Path;

use super::{
    answer::{Answer, clean, machine},
    arguments::Problems,
    failure::Failure,
    open,
    table::table,
};
use crate::{
    model::ProblemState,
    store::{Mode, ProblemRow},
};

pub(super) fn run(workspace: &Path, options: &Problems) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    let rows = if open::is_unborn(&config)? {
        Vec::new()
    } else {
        let all = options.all;
        open::block_on(async { Ok(open::store(&config, Mode::Read)?.problems(!all, usize::MAX).await?) })?
    };
    if options.json {
        return Ok(Answer::json(&machine(&rows)));
    }
    Ok(Answer::text(as_text(&rows, options.all)))
}

/// Problems as people read them.
pub(super) fn as_text(rows: &[ProblemRow], all: bool) -> String {
    if rows.is_empty() {
        return if all { "There was no problem yet." } else { "No problem is open." }.to_owned();
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                row.kind.clone(),
                clean(&row.subject, 40),
                row.count.to_string(),
                row.first_at.to_string(),
                row.last_at.to_string(),
                standing(row),
            ]
        })
        .collect();
    let mut text = table(&["KIND", "ABOUT", "SEEN", "FIRST", "LAST", "STATE"], &cells);
    for row in rows.iter().filter(|row| row.solved_at.is_none()) {
        text.push_str(&format!("\n{}\n", clean(&row.message, 400)));
    }
    text
}

/// The state in a word, with its time where that says more.
fn standing(row: &ProblemRow) -> String {
    let word = row.state.word();
    match (row.state, row.solved_at, row.muted_until, &row.acknowledged_by) {
        (ProblemState::Solved, Some(at), ..) => format!("{word} {at}"),
        (ProblemState::Muted, _, Some(until), _) if until.0 < i64::MAX => format!("{word} until {until}"),
        (ProblemState::Acknowledged, .., Some(by)) => format!("{word} by {}", clean(by, 40)),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Time, ids::ProblemId};

    #[test]
    fn an_open_problem_is_told_with_its_sentence() {
        let row = |solved_at: Option<Time>| ProblemRow {
            fingerprint: "silence:box".to_owned(),
            kind: "silence".to_owned(),
            subject: "box".to_owned(),
            message: "nothing came\u{1b}".to_owned(),
            state: if solved_at.is_some() { ProblemState::Solved } else { ProblemState::Open },
            count: 3,
            first_at: Time(0),
            opened_at: Time(0),
            last_at: Time(1000),
            solved_at,
            id: ProblemId(1),
            acknowledged_by: None,
            acknowledged_at: None,
            muted_until: None,
            rule: None,
            step: None,
            host: None,
            class: None,
            run: None,
        };
        let text = as_text(&[row(None)], false);
        assert!(text.contains("silence  box    3") && text.ends_with("\nnothing came\\u{1b}\n"), "{text}");
        let text = as_text(&[row(Some(Time(2000)))], true);
        assert!(text.trim_end().ends_with("solved 1970-01-01T00:00:02Z"), "{text}");
        assert_eq!(as_text(&[], false), "No problem is open.");
    }
}
