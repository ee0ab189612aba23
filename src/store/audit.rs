//! What people did, append-only: rows are written and read, never changed; the database refuses it too.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, Queryable, RunQueryDsl as _};

use super::{
    dialect::{Conn, each},
    error::StoreError,
    handle::Store,
    page_size,
    schema::audit,
    writer::Desk,
};
use crate::clock::Time;

/// Actions that are looked at for those that begin alike: far more than there are.
const ACTIONS: usize = 500;

/// Something that somebody did, or was refused.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AuditRow {
    /// From the source of ids: newer ones are higher.
    #[serde(serialize_with = "as_audit")]
    pub id: i64,
    /// When.
    pub at: Time,
    /// The name as it was then. Empty where nobody was known.
    pub who: String,
    /// The user.
    pub user: Option<i64>,
    /// The token by which it was done. `None`: by a session, or on the machine.
    pub token: Option<i64>,
    /// `rule.save`, `user.disable`, `login`.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// What it was, as JSON.
    pub before: Option<String>,
    /// What it is, as JSON.
    pub after: Option<String>,
    /// The address that it came from. Empty: from this machine's command line.
    pub peer: String,
    /// `done` or `refused`.
    pub outcome: String,
}

/// Which rows.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this name.
    pub who: Option<String>,
    /// Of this action, or of those that begin with it where it ends with a dot (`rule.`).
    pub action: Option<String>,
    /// On this subject.
    pub subject: Option<String>,
    /// `done` or `refused`.
    pub outcome: Option<String>,
    /// Older than this one.
    pub before: Option<i64>,
    /// This one or newer.
    pub since: Option<i64>,
    /// Rows at most.
    pub limit: Option<usize>,
}

#[derive(Queryable)]
struct AuditTableRow {
    id: i64,
    at: i64,
    who: String,
    user_id: Option<i64>,
    token: Option<i64>,
    action: String,
    subject: String,
    before: Option<String>,
    after: Option<String>,
    peer: String,
    outcome: String,
}

impl From<AuditTableRow> for AuditRow {
    fn from(row: AuditTableRow) -> Self {
        Self {
            id: row.id,
            at: Time(row.at),
            who: row.who,
            user: row.user_id,
            token: row.token,
            action: row.action,
            subject: row.subject,
            before: row.before,
            after: row.after,
            peer: row.peer,
            outcome: row.outcome,
        }
    }
}

impl Store {
    /// Keeps a row.
    pub async fn keep_audit(&self, row: AuditRow) -> Result<(), StoreError> {
        let size = 256 + row.before.as_ref().map_or(0, String::len) + row.after.as_ref().map_or(0, String::len);
        let keep = move |desk: &mut Desk| {
            // Asked first: the trigger that refuses to replace a row does not say that it is the id which is taken.
            let taken: i64 =
                each!(&mut desk.conn, c => audit::table.filter(audit::id.eq(row.id)).count().get_result(c))?;
            if taken > 0 {
                return Err(StoreError::Doubled(format!("an audit row {}", row.id)));
            }
            let values = (
                (audit::id.eq(row.id), audit::at.eq(row.at.0), audit::who.eq(&row.who), audit::user_id.eq(row.user)),
                (audit::token.eq(row.token), audit::action.eq(&row.action), audit::subject.eq(&row.subject)),
                (audit::before.eq(row.before.as_ref()), audit::after.eq(row.after.as_ref())),
                (audit::peer.eq(&row.peer), audit::outcome.eq(&row.outcome)),
            );
            each!(&mut desk.conn, c => diesel::insert_into(audit::table).values(values).execute(c))?;
            Ok(())
        };
        self.write(size, keep).await
    }

    /// Rows, newest first.
    pub async fn audit(&self, filter: AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
        let rows = self.read(move |conn, _| list(conn, &filter)).await?;
        Ok(rows.into_iter().map(AuditRow::from).collect())
    }

    /// A row. `None`: there is none of this id.
    pub async fn audit_row(&self, id: i64) -> Result<Option<AuditRow>, StoreError> {
        let rows: Vec<AuditTableRow> =
            self.read(move |conn, _| Ok(each!(conn, c => audit::table.filter(audit::id.eq(id)).load(c))?)).await?;
        Ok(rows.into_iter().next().map(AuditRow::from))
    }
}

fn list(conn: &mut Conn, filter: &AuditFilter) -> Result<Vec<AuditTableRow>, StoreError> {
    let limit = page_size(filter.limit);
    let of_many = filter.action.as_deref().filter(|action| action.ends_with('.'));
    let Some(prefix) = of_many else { return of_action(conn, filter, filter.action.as_deref(), limit) };
    // Each action by its index: no index has all that begin alike in the order of ids.
    let mut rows = Vec::new();
    for action in actions(conn)?.iter().filter(|action| action.starts_with(prefix)) {
        rows.extend(of_action(conn, filter, Some(action), limit)?);
    }
    rows.sort_by_key(|row: &AuditTableRow| std::cmp::Reverse(row.id));
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(rows)
}

/// Every action that stands in the log: one look at the index for each.
fn actions(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    let mut all: Vec<String> = Vec::new();
    while all.len() < ACTIONS {
        let last = all.last().map_or("", String::as_str);
        let next: Option<String> = each!(conn, c => audit::table
            .filter(audit::action.gt(last))
            .order(audit::action.asc())
            .select(audit::action)
            .first(c)
            .optional())?;
        let Some(next) = next else { break };
        all.push(next);
    }
    Ok(all)
}

fn of_action(
    conn: &mut Conn,
    filter: &AuditFilter,
    action: Option<&str>,
    limit: i64,
) -> Result<Vec<AuditTableRow>, StoreError> {
    Ok(each!(conn, c => {
        let mut question = audit::table
            .order(audit::id.desc())
            .filter(audit::id.lt(filter.before.unwrap_or(i64::MAX)))
            .filter(audit::id.ge(filter.since.unwrap_or(0)))
            .limit(limit)
            .into_boxed();
        if let Some(who) = &filter.who {
            question = question.filter(audit::who.eq(who));
        }
        if let Some(action) = action {
            question = question.filter(audit::action.eq(action));
        }
        if let Some(subject) = &filter.subject {
            question = question.filter(audit::subject.eq(subject));
        }
        if let Some(outcome) = &filter.outcome {
            question = question.filter(audit::outcome.eq(outcome));
        }
        question.load(c)
    })?)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over so")]
fn as_audit<S: serde::Serializer>(id: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&crate::ids::AuditId(*id))
}
