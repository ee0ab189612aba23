//! Which runs are due, rule by rule, so that none hides the others.

use std::sync::Arc;

use super::{
    dialect::{self, Conn},
    error::StoreError,
    names::Lookup,
    runs::status_of,
};
use crate::{clock::Time, ids::RunId, model::RunStatus};

/// What is due, and when to look again.
#[derive(Debug, Clone, Default)]
pub struct Due {
    /// Runs that are due, oldest due first.
    pub runs: Vec<DueRun>,
    /// There may be more that are due than were asked for.
    pub cut: bool,
    /// The earliest due time of any open run after `now`. `None`: nothing waits for its time.
    pub next: Option<Time>,
}

/// What the due list tells of a run.
#[derive(Debug, Clone)]
pub struct DueRun {
    /// Its id.
    pub id: RunId,
    /// The rule's id.
    pub rule: Arc<str>,
    /// Undecided, Collecting, Due or Waiting.
    pub status: RunStatus,
    /// When it was due.
    pub due_at: Time,
}

/// At most `per_rule` runs of each rule, oldest due first, and of all rules together about `limit`: where many rules have due runs, each
/// is heard with its share, since the oldest may be just those that cannot go on. Rules whose oldest run waits longest come first.
pub(super) fn list(
    conn: &mut Conn,
    lookup: &Lookup,
    now: Time,
    per_rule: usize,
    limit: usize,
) -> Result<Due, StoreError> {
    let mut rules = dialect::open_rules(conn, now)?;
    let next = rules.iter().filter_map(|rule| rule.next).min().map(Time);
    rules.retain(|rule| rule.first.is_some_and(|first| first <= now.0));
    rules.sort_by_key(|rule| rule.first);
    let mut due = Due { runs: Vec::new(), cut: false, next };
    let share = (limit / rules.len().max(1)).clamp(1, per_rule.max(1));
    for rule in rules {
        let room = share.min(limit.saturating_sub(due.runs.len()));
        if room == 0 {
            due.cut = true;
            break;
        }
        let name = lookup.name(conn, rule.rule)?;
        let rows = dialect::due_of_rule(conn, rule.rule, now, room)?;
        due.cut |= rows.len() >= room;
        for row in rows {
            due.runs.push(DueRun {
                id: RunId(row.id),
                rule: Arc::clone(&name),
                status: status_of(row.status)?,
                due_at: Time(row.due_at),
            });
        }
    }
    due.runs.sort_by_key(|run| (run.due_at, run.id));
    Ok(due)
}
