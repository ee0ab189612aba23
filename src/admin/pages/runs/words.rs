//! What a run says of itself in a list, and how it ended in words.

use crate::{
    admin::{
        refused::Refused,
        state::Admin,
        view::{Frame, Markup},
    },
    model::RunStatus,
    store::{RunDetail, RunRow},
};

/// A run in a table.
pub(in crate::admin::pages) struct Line {
    pub(in crate::admin::pages) id: String,
    pub(in crate::admin::pages) rule: String,
    pub(in crate::admin::pages) state: &'static str,
    pub(in crate::admin::pages) event: String,
    pub(in crate::admin::pages) created: Markup,
    /// When it is due next. `None`: it is not.
    pub(in crate::admin::pages) due: Option<Markup>,
    /// From when it was made until it was over, such as `1.2 s`. Empty while it is not.
    pub(in crate::admin::pages) took: String,
    /// Why it is as it is. Empty where there is nothing to say.
    pub(in crate::admin::pages) why: String,
    pub(in crate::admin::pages) repeats: Option<String>,
    /// The newest run that repeats it, and its state, where a list tells that.
    pub(in crate::admin::pages) repeated: Option<(String, &'static str)>,
}

/// A row of the store as a table shows it.
pub(in crate::admin::pages) fn line_of(frame: &Frame, row: &RunRow) -> Line {
    Line {
        id: row.id.to_string(),
        rule: row.rule.clone(),
        state: row.status.word(),
        event: row.event.to_string(),
        created: frame.ago(&row.created_at),
        due: row.due_at.map(|at| frame.ago(&at)),
        took: row.ended_at.map(|at| span(at.since(row.created_at).as_millis())).unwrap_or_default(),
        why: why(row),
        repeats: row.replay_of.map(|of| of.to_string()),
        repeated: None,
    }
}

/// Rows of the store as a table shows them, those that were repeated with what became of that.
pub(in crate::admin::pages) async fn lines_of(
    admin: &Admin,
    frame: &Frame,
    rows: &[RunRow],
) -> Result<Vec<Line>, Refused> {
    let repeated = admin.store.repeated(rows.iter().map(|row| row.id).collect()).await?;
    let line = |row: &RunRow| {
        let repeated = repeated.get(&row.id).map(|(run, state)| (run.to_string(), state.word()));
        Line { repeated, ..line_of(frame, row) }
    };
    Ok(rows.iter().map(line).collect())
}

fn why(row: &RunRow) -> String {
    match (&row.error, &row.why) {
        (Some(error), _) => format!("{}: {}", error.class, error.message),
        (None, Some(why)) => why.clone(),
        (None, None) if row.status == RunStatus::Held => "a person must say what became of it".to_owned(),
        (None, None) => String::new(),
    }
}

/// `340 ms`, `1.2 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`.
pub(super) fn span(millis: u128) -> String {
    let seconds = millis / 1000;
    match seconds {
        0 => format!("{millis} ms"),
        1..=59 => format!("{}.{} s", seconds, millis % 1000 / 100),
        60..=3599 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..=86_399 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// How a run ended, or what it waits for, in one sentence.
pub(super) fn ending(detail: &RunDetail) -> String {
    let row = &detail.row;
    let why = row.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    let step = detail.step.as_ref().map(|step| format!(" in step {step}")).unwrap_or_default();
    match row.status {
        RunStatus::Ok => format!("It ended well{why}."),
        RunStatus::Failed => match &row.error {
            Some(error) => format!("It failed in {}: {} ({}).", error.step, error.message, error.class),
            None => format!("It failed{why}."),
        },
        RunStatus::Skipped => format!("It was skipped{why}."),
        RunStatus::Cancelled => format!("It was cancelled{why}."),
        // Which source, and who paused it, stands beside this.
        RunStatus::Held if detail.is_held_by_source() => {
            "It is held until its source is resumed, and begins by itself then.".to_owned()
        }
        RunStatus::Held if detail.is_held_by_fuse() => {
            format!("It is held by the blown fuse of its rule{why}. Look at why so many came, then release them.")
        }
        RunStatus::Held => format!(
            "It is held{step}: no answer came, and nobody knows whether the last attempt took effect. Look at the target, then say so below."
        ),
        RunStatus::Waiting => "It waits in a step for a time or an event; the step says which.".to_owned(),
        RunStatus::Running if detail.cancelled => {
            "It was cancelled, and ends as soon as its open request has been answered.".to_owned()
        }
        RunStatus::Running => format!("It is running{step}."),
        RunStatus::Due if detail.attempts.is_empty() => format!("It is due{why}."),
        RunStatus::Due if detail.waits_for_read() => format!(
            "No answer came to the last attempt{step}, and nobody knows whether it took effect. What comes next is a read that asks the \
             service; the attempt is not sent again before that is known. You may say it below at once."
        ),
        RunStatus::Due => format!("The next attempt{step} waits for its time{why}."),
        RunStatus::Collecting => "It gathers events until its digest is due.".to_owned(),
        RunStatus::Undecided => "Its rule is still to be asked whether it matches.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_two_units_at_most() {
        let table = [
            (340, "340 ms"),
            (1_250, "1.2 s"),
            (185_000, "3 min 5 s"),
            (7_800_000, "2 h 10 min"),
            (273_600_000, "3 d 4 h"),
        ];
        for (millis, wanted) in table {
            assert_eq!(span(millis), wanted);
        }
    }
}
