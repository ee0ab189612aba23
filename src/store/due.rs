//! Which runs are due, fairly over rules.

use super::{
    dialect::{self, Conn},
    error::StoreError,
    names::Lookup,
    runs::status_of,
};
use crate::{clock::Time, ids::RunId, model::RunStatus};

/// What the due list tells of a run.
#[derive(Debug, Clone)]
pub struct DueRun {
    /// Its id.
    pub id: RunId,
    /// The rule's id.
    pub rule: String,
    /// Undecided, Due or Waiting.
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
) -> Result<Vec<DueRun>, StoreError> {
    let mut rules = dialect::open_rules(conn, now)?;
    rules.retain(|rule| rule.first.is_some_and(|first| first <= now.0));
    rules.sort_by_key(|rule| rule.first);
    let mut due = Vec::new();
    let share = (limit / rules.len().max(1)).clamp(1, per_rule.max(1));
    for rule in rules {
        let room = share.min(limit.saturating_sub(due.len()));
        if room == 0 {
            break;
        }
        let name = lookup.name(conn, rule.rule)?;
        for row in dialect::due_of_rule(conn, rule.rule, now, room)? {
            due.push(DueRun {
                id: RunId(row.id),
                rule: name.to_string(),
                status: status_of(row.status)?,
                due_at: Time(row.due_at),
            });
        }
    }
    due.sort_by_key(|run| (run.due_at, run.id));
    Ok(due)
}

/// The earliest due time after `now`. `None`: nothing waits.
pub(super) fn next(conn: &mut Conn, now: Time) -> Result<Option<Time>, StoreError> {
    Ok(dialect::open_rules(conn, now)?.into_iter().filter_map(|rule| rule.next).min().map(Time))
}
