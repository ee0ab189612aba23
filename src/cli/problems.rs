//! `bellwire problems`: what is wrong for longer than a moment.

use std::{path::Path, time::Duration};

use clap::Subcommand;
use serde_json::json;

use super::{
    answer::{Answer, clean, machine},
    arguments::Problems,
    failure::Failure,
    open,
    table::table,
    users,
};
use crate::{
    clock::Time,
    config::{Config, forms::duration},
    ids::ProblemId,
    model::ProblemState,
    store::{Mode, ProblemRow, ProblemWord},
};

/// What a person says of a problem.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(in crate::cli) enum ProblemsVerb {
    /// Say that you know of a problem
    #[command(after_long_help = "Example:\n  bellwire problems acknowledge prb_01hf3y8a9d000")]
    Acknowledge {
        /// prb_...
        id: ProblemId,
    },
    /// Let a problem tell nobody; it is counted all the same
    #[command(after_long_help = "Examples:\n  bellwire problems mute prb_01hf3y8a9d000\n  \
        bellwire problems mute prb_01hf3y8a9d000 --for 8h")]
    Mute {
        /// prb_...
        id: ProblemId,
        /// For how long, such as 8h; until somebody says otherwise unless set
        #[arg(long = "for", value_name = "SPAN", value_parser = duration)]
        span: Option<Duration>,
    },
    /// Say that a problem is gone
    #[command(after_long_help = "Example:\n  bellwire problems resolve prb_01hf3y8a9d000")]
    Resolve {
        /// prb_...
        id: ProblemId,
    },
    /// Let a problem be open again that was acknowledged or muted
    #[command(after_long_help = "Example:\n  bellwire problems reopen prb_01hf3y8a9d000")]
    Reopen {
        /// prb_...
        id: ProblemId,
    },
}

impl ProblemsVerb {
    /// Which problem.
    pub(in crate::cli) fn id(self) -> ProblemId {
        match self {
            Self::Acknowledge { id } | Self::Mute { id, .. } | Self::Resolve { id } | Self::Reopen { id } => id,
        }
    }

    /// What it is called.
    pub(in crate::cli) fn word(self) -> &'static str {
        match self {
            Self::Acknowledge { .. } => "acknowledge",
            Self::Mute { .. } => "mute",
            Self::Resolve { .. } => "resolve",
            Self::Reopen { .. } => "reopen",
        }
    }

    /// Until when a problem that is muted tells nobody. `None`: until somebody says so, or it is not about that.
    pub(in crate::cli) fn until(self, now: Time) -> Option<Time> {
        match self {
            Self::Mute { span, .. } => span.map(|span| now.plus(span)),
            Self::Acknowledge { .. } | Self::Resolve { .. } | Self::Reopen { .. } => None,
        }
    }

    /// What is told when it was said.
    pub(in crate::cli) fn told(self, now: Time) -> Answer {
        let id = self.id();
        Answer::text(match (self, self.until(now)) {
            (Self::Acknowledge { .. }, _) => format!("{id} is acknowledged"),
            (Self::Mute { .. }, Some(until)) => format!("{id} tells nobody until {until}"),
            (Self::Mute { .. }, None) => format!("{id} tells nobody; to end that: bellwire problems reopen {id}"),
            (Self::Resolve { .. }, _) => format!("{id} is solved; it opens again if it comes back"),
            (Self::Reopen { .. }, _) => format!("{id} is open"),
        })
    }
}

fn say(config: &Config, verb: ProblemsVerb) -> Result<Answer, Failure> {
    let id = verb.id();
    let missing = || Failure::No(format!("there is no problem {id}; see `bellwire problems`"));
    if open::is_unborn(config)? {
        return Err(missing());
    }
    users::with_store(config, Mode::Write, async |store, now| {
        let was = store.problem(id).await?.ok_or_else(missing)?;
        let by = users::HERE.to_owned();
        let word = match verb {
            ProblemsVerb::Acknowledge { .. } => ProblemWord::Acknowledge { by },
            ProblemsVerb::Mute { .. } => ProblemWord::Mute { by, until: verb.until(now).unwrap_or(Time(i64::MAX)) },
            ProblemsVerb::Resolve { .. } => ProblemWord::Resolve,
            ProblemsVerb::Reopen { .. } => ProblemWord::Reopen,
        };
        if !store.word_on(id, word, now).await? {
            return Err(Failure::No(format!("{id} is solved: there is nothing to say of it")));
        }
        let (action, subject) = (format!("problem.{}", verb.word()), format!("{id} {} {}", was.kind, was.subject));
        users::keep(store, now, &action, &subject, json!({ "until": verb.until(now) })).await?;
        Ok(verb.told(now))
    })
}

pub(super) fn run(workspace: &Path, options: &Problems) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    if let Some(verb) = options.verb {
        return say(&config, verb);
    }
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
                row.id.to_string(),
                row.kind.clone(),
                clean(&row.subject, 40),
                row.count.to_string(),
                row.first_at.to_string(),
                row.last_at.to_string(),
                standing(row),
            ]
        })
        .collect();
    let mut text = table(&["ID", "KIND", "ABOUT", "SEEN", "FIRST", "LAST", "STATE"], &cells);
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
