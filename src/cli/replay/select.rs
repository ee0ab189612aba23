//! Which runs `--where` means.

use std::str::FromStr;

use crate::{
    cli::{failure::Failure, when::When},
    clock::Time,
    model::RunStatus,
    starts::Wanted,
    store::{RunFilter, RunRow, Store},
};

/// Runs that one command repeats.
pub(in crate::cli) const MOST: usize = 10_000;
/// Rows of one question.
const PAGE: usize = 1_000;

/// `rule=calls/missed state=failed since=2h type=gruveo.call`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cli) struct Filter {
    pub(in crate::cli) rule: Option<String>,
    pub(in crate::cli) state: Option<RunStatus>,
    pub(in crate::cli) since: Option<When>,
    pub(in crate::cli) kind: Option<String>,
}

/// No run is like that.
pub(in crate::cli) fn none_found() -> Failure {
    Failure::No("no run that is over is like that; see `bellwire runs list`".to_owned())
}

/// More runs are like that than one command repeats.
pub(in crate::cli) fn too_many() -> Failure {
    Failure::No(format!("more than {MOST} runs are like that; narrow it with since= or rule="))
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut filter = Self::default();
        for word in text.split_whitespace() {
            match word.split_once('=') {
                Some(("rule", rule)) => filter.rule = Some(rule.to_owned()),
                Some(("type", kind)) => filter.kind = Some(kind.to_owned()),
                Some(("since", since)) => filter.since = Some(since.parse()?),
                Some(("state", state)) => {
                    let status: RunStatus = state.parse().map_err(|_| format!("`{state}` is no state of a run"))?;
                    if !status.is_final() {
                        return Err(format!(
                            "a run that is {status} is not over; ok, failed, skipped or cancelled wanted"
                        ));
                    }
                    filter.state = Some(status);
                }
                _ => return Err(format!("`{word}`: rule=, state=, since= or type= wanted")),
            }
        }
        if filter == Self::default() {
            return Err("say which runs: rule=, state=, since= or type=".to_owned());
        }
        Ok(filter)
    }
}

/// The runs that a filter means and that are over, oldest first; without those that have a newer run in their place.
pub(super) async fn found(
    store: &Store,
    filter: &Filter,
    rule: Option<&str>,
    now: Time,
) -> Result<Vec<Wanted>, Failure> {
    let since = filter.since.map_or(Time(0), |since| since.at(now));
    let mut ask = RunFilter {
        limit: Some(PAGE),
        rule: rule.map(str::to_owned).or_else(|| filter.rule.clone()),
        states: filter.state.into_iter().collect(),
        ..RunFilter::default()
    };
    let mut found = Vec::new();
    loop {
        let rows = store.runs(ask.clone()).await?;
        let Some(last) = rows.last() else { break };
        ask.before = Some(last.id);
        let is_done = last.created_at < since;
        for row in rows {
            if row.created_at < since || !row.status.is_final() {
                continue;
            }
            if let Some(kind) = &filter.kind {
                let event = store.event(row.event).await?;
                if event.is_none_or(|event| event.row.kind != *kind) {
                    continue;
                }
            }
            if is_repeated(store, &row).await? {
                continue;
            }
            found.push(Wanted { event: row.event, of: Some(row.id), rule: row.rule });
            if found.len() > MOST {
                return Err(too_many());
            }
        }
        if is_done {
            break;
        }
    }
    found.reverse();
    Ok(found)
}

/// Whether a run was repeated already: that one stands in its place. It is of the same event.
async fn is_repeated(store: &Store, row: &RunRow) -> Result<bool, Failure> {
    let ask =
        RunFilter { event: Some(row.event), rule: Some(row.rule.clone()), limit: Some(PAGE), ..RunFilter::default() };
    Ok(store.runs(ask).await?.iter().any(|other| other.replay_of == Some(row.id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_says_which_runs() {
        let filter: Filter = "rule=calls/missed state=failed since=2h type=gruveo.call".parse().unwrap();
        assert_eq!((filter.rule.as_deref(), filter.state), (Some("calls/missed"), Some(RunStatus::Failed)));
        for (text, says) in [
            ("", "which runs"),
            ("state=due", "not over"),
            ("state=x", "no state"),
            ("what=x", "wanted"),
            ("since=x", "time"),
        ] {
            let error = text.parse::<Filter>().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
