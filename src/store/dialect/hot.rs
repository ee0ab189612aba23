//! The updates that every run makes and the questions for due runs, kept prepared (`statement.rs`).

use diesel::{
    OptionalExtension as _, Queryable, RunQueryDsl as _,
    sql_types::{BigInt, Integer, Nullable, SmallInt},
};

use super::{
    Conn, each,
    statement::{Bind, execute, question},
};
use crate::{
    clock::Time,
    store::{accept::DedupeRow, error::StoreError},
};

/// A claim: only of a run in state `from` that nobody holds.
pub(in crate::store) struct ClaimUpdate {
    pub(in crate::store) run: i64,
    pub(in crate::store) from: i16,
    pub(in crate::store) running: i16,
    pub(in crate::store) claim: i64,
    pub(in crate::store) now: i64,
    pub(in crate::store) until: i64,
    /// The step that is begun. `None` leaves it as it is.
    pub(in crate::store) step: Option<i32>,
    /// What a person had said of its attempt when it was seen.
    pub(in crate::store) said: Option<i16>,
    /// Also where the run is marked: what the marks ask has been done.
    pub(in crate::store) is_passed: bool,
}

/// Takes the run. False: it is not in `from`, or held, or a person has said something else since; or, unless it `is_passed`, marked, or new and of a rule whose fuse is blown.
pub(in crate::store) fn claim_run(conn: &mut Conn, claim: &ClaimUpdate) -> Result<bool, StoreError> {
    let sql = if claim.is_passed {
        "UPDATE runs SET status = ?, claim_id = ?, claimed_until = ?, due_at = NULL, \
         started_at = coalesce(started_at, ?), step = coalesce(?, step), \
         resolution = CASE WHEN CAST(? AS INTEGER) IS NULL THEN resolution END \
         WHERE id = ? AND status = ? AND coalesce(resolution, -1) = ? AND claim_id IS NULL"
    } else {
        // 1 is `undecided`: whether the rule matched at all is not known yet.
        "UPDATE runs SET status = ?, claim_id = ?, claimed_until = ?, due_at = NULL, \
         started_at = coalesce(started_at, ?), step = coalesce(?, step), \
         resolution = CASE WHEN CAST(? AS INTEGER) IS NULL THEN resolution END \
         WHERE id = ? AND status = ? AND coalesce(resolution, -1) = ? AND claim_id IS NULL AND marks IS NULL AND (started_at IS NOT NULL OR status = 1 \
         OR NOT EXISTS (SELECT 1 FROM fuses WHERE fuses.rule = runs.rule AND fuses.blown_at IS NOT NULL))"
    };
    let changed = execute(
        conn,
        sql,
        &[
            Bind::Small(Some(claim.running)),
            Bind::Big(Some(claim.claim)),
            Bind::Big(Some(claim.until)),
            Bind::Big(Some(claim.now)),
            Bind::Int(claim.step),
            // A person's word is for one attempt: what becomes of that is another question.
            Bind::Int(claim.step),
            Bind::Big(Some(claim.run)),
            Bind::Small(Some(claim.from)),
            Bind::Small(Some(claim.said.unwrap_or(-1))),
        ],
    )?;
    Ok(changed == 1)
}

/// What becomes of a run that somebody holds.
pub(in crate::store) struct RunUpdate<'u> {
    pub(in crate::store) run: i64,
    pub(in crate::store) claim: i64,
    pub(in crate::store) running: i16,
    pub(in crate::store) status: i16,
    pub(in crate::store) due_at: Option<i64>,
    pub(in crate::store) ended_at: Option<i64>,
    /// The claim goes on.
    pub(in crate::store) keeps_claim: bool,
    /// So does a person's word on its attempt: nothing has been done about that yet.
    pub(in crate::store) keeps_word: bool,
    /// Also where the run is marked: what the marks ask is done in this transaction.
    pub(in crate::store) is_marked: bool,
    pub(in crate::store) error: Option<&'u [u8]>,
    pub(in crate::store) why: Option<&'u str>,
}

/// Moves the run on; its rule. `None`: the claim was lost; or, unless `is_marked`, the run is marked.
pub(in crate::store) fn move_run(conn: &mut Conn, update: &RunUpdate<'_>) -> Result<Option<i32>, StoreError> {
    let claim = Bind::Big(update.keeps_claim.then_some(update.claim));
    let sql = if update.is_marked {
        "UPDATE runs SET status = ?, due_at = ?, ended_at = ?, claim_id = ?, \
         claimed_until = CASE WHEN claim_id = ? THEN claimed_until END, \
         resolution = CASE WHEN CAST(? AS INTEGER) IS NULL THEN resolution END, error = ?, why = ? \
         WHERE id = ? AND claim_id = ? AND status = ? RETURNING rule"
    } else {
        "UPDATE runs SET status = ?, due_at = ?, ended_at = ?, claim_id = ?, \
         claimed_until = CASE WHEN claim_id = ? THEN claimed_until END, \
         resolution = CASE WHEN CAST(? AS INTEGER) IS NULL THEN resolution END, error = ?, why = ? \
         WHERE id = ? AND claim_id = ? AND status = ? AND marks IS NULL RETURNING rule"
    };
    let binds = [
        Bind::Small(Some(update.status)),
        Bind::Big(update.due_at),
        Bind::Big(update.ended_at),
        claim,
        Bind::Big(update.keeps_claim.then_some(update.claim)),
        Bind::Int((!update.keeps_word).then_some(0)),
        Bind::Bytes(update.error),
        Bind::Text(update.why),
        Bind::Big(Some(update.run)),
        Bind::Big(Some(update.claim)),
        Bind::Small(Some(update.running)),
    ];
    Ok(each!(conn, c => question::<Integer>(sql, &binds).get_result(c).optional())?)
}

/// Says which step is begun. `None`: none.
pub(in crate::store) fn set_step(conn: &mut Conn, run: i64, step: Option<i32>) -> Result<(), StoreError> {
    execute(conn, "UPDATE runs SET step = ? WHERE id = ?", &[Bind::Int(step), Bind::Big(Some(run))]).map(drop)
}

/// Forgets the begun step, if it is this one.
pub(in crate::store) fn end_step(conn: &mut Conn, run: i64, step: i32) -> Result<(), StoreError> {
    execute(
        conn,
        "UPDATE runs SET step = NULL WHERE id = ? AND step = ?",
        &[Bind::Big(Some(run)), Bind::Int(Some(step))],
    )
    .map(drop)
}

/// Keeps what has changed in a run beside its state; `None` leaves it as it is.
pub(in crate::store) fn set_memory(
    conn: &mut Conn,
    run: i64,
    vars: Option<&[u8]>,
    failure: Option<&[u8]>,
) -> Result<(), StoreError> {
    execute(
        conn,
        "UPDATE runs SET vars = coalesce(?, vars), failure = coalesce(?, failure) WHERE id = ?",
        &[Bind::Bytes(vars), Bind::Bytes(failure), Bind::Big(Some(run))],
    )
    .map(drop)
}

/// The end of an attempt.
pub(in crate::store) struct AttemptUpdate<'u> {
    pub(in crate::store) id: i64,
    pub(in crate::store) run: i64,
    pub(in crate::store) ended_at: i64,
    pub(in crate::store) outcome: i16,
    pub(in crate::store) status: Option<i32>,
    pub(in crate::store) reason: Option<i32>,
    pub(in crate::store) late: bool,
    pub(in crate::store) error: Option<&'u [u8]>,
    pub(in crate::store) reply: Option<&'u [u8]>,
}

/// Keeps the end of an attempt that has begun (0), or was taken for unknown (4) meanwhile. False: it has an end already, or is not there.
pub(in crate::store) fn end_attempt(conn: &mut Conn, end: &AttemptUpdate<'_>) -> Result<bool, StoreError> {
    let sql = if end.late {
        "UPDATE attempts SET ended_at = ?, outcome = ?, status = ?, reason = ?, error = ?, reply = ?, claim_id = NULL, \
         late = TRUE WHERE id = ? AND run = ? AND outcome IN (0, 4) AND NOT late"
    } else {
        "UPDATE attempts SET ended_at = ?, outcome = ?, status = ?, reason = ?, error = ?, reply = ?, claim_id = NULL \
         WHERE id = ? AND run = ? AND outcome = 0"
    };
    let changed = execute(
        conn,
        sql,
        &[
            Bind::Big(Some(end.ended_at)),
            Bind::Small(Some(end.outcome)),
            Bind::Int(end.status),
            Bind::Int(end.reason),
            Bind::Bytes(end.error),
            Bind::Bytes(end.reply),
            Bind::Big(Some(end.id)),
            Bind::Big(Some(end.run)),
        ],
    )?;
    Ok(changed == 1)
}

/// One more delivery of an event that is known by this key.
pub(in crate::store) fn seen_again(conn: &mut Conn, key: &DedupeRow) -> Result<(), StoreError> {
    execute(
        conn,
        "UPDATE dedupe SET seen = seen + 1 WHERE source = ? AND \"key\" = ? AND digest = ?",
        &[Bind::Int(Some(key.source)), Bind::Bytes(Some(&key.key)), Bind::Bytes(Some(&key.digest))],
    )?;
    execute(conn, "UPDATE events SET seen = seen + 1 WHERE id = ?", &[Bind::Big(Some(key.event))]).map(drop)
}

/// A key that had expired stands for another event now.
pub(in crate::store) fn renew_key(conn: &mut Conn, key: &DedupeRow) -> Result<(), StoreError> {
    execute(
        conn,
        "UPDATE dedupe SET event = ?, expires = ?, seen = ? WHERE source = ? AND \"key\" = ? AND digest = ?",
        &[
            Bind::Big(Some(key.event)),
            Bind::Big(Some(key.expires)),
            Bind::Int(Some(key.seen)),
            Bind::Int(Some(key.source)),
            Bind::Bytes(Some(&key.key)),
            Bind::Bytes(Some(&key.digest)),
        ],
    )
    .map(drop)
}

/// Adds to a counter in `state`, which is there from the first migration's birth on.
pub(in crate::store) fn count(conn: &mut Conn, name: &'static str, more: i64) -> Result<(), StoreError> {
    execute(
        conn,
        "UPDATE state SET number = number + ? WHERE name = ?",
        &[Bind::Big(Some(more)), Bind::Text(Some(name))],
    )
    .map(drop)
}

/// A rule that has open runs with a due time.
#[derive(Debug, Queryable)]
pub(in crate::store) struct OpenRule {
    pub(in crate::store) rule: i32,
    /// Its earliest due time, past or to come.
    pub(in crate::store) first: Option<i64>,
    /// Its earliest due time after `now`.
    pub(in crate::store) next: Option<i64>,
}

/// The index of open runs by rule, where it must be named: SQLite has no statistics here, and would scan a wider one.
fn by_due(conn: &Conn) -> &'static str {
    match conn {
        Conn::Sqlite(_) => "runs INDEXED BY runs_due",
        Conn::Postgres(_) => "runs",
    }
}

/// Every rule with open runs: the index is skipped through from rule to rule, however many runs each has.
pub(in crate::store) fn open_rules(conn: &mut Conn, now: Time) -> Result<Vec<OpenRule>, StoreError> {
    type Row = (Integer, Nullable<BigInt>, Nullable<BigInt>);
    let runs = by_due(conn);
    let sql = format!(
        "WITH RECURSIVE open (rule) AS ( \
           SELECT (SELECT rule FROM {runs} WHERE due_at IS NOT NULL ORDER BY rule LIMIT 1) \
           UNION ALL \
           SELECT (SELECT rule FROM {runs} WHERE due_at IS NOT NULL AND rule > open.rule ORDER BY rule LIMIT 1) \
           FROM open WHERE open.rule IS NOT NULL) \
         SELECT open.rule AS rule, \
           (SELECT due_at FROM {runs} WHERE rule = open.rule AND due_at IS NOT NULL ORDER BY due_at LIMIT 1) AS first, \
           (SELECT due_at FROM {runs} WHERE rule = open.rule AND due_at > ? ORDER BY due_at LIMIT 1) AS next \
         FROM open WHERE open.rule IS NOT NULL"
    );
    let binds = [Bind::Big(Some(now.0))];
    Ok(each!(conn, c => question::<Row>(&sql, &binds).load(c))?)
}

/// How many runs are in a state other than `ok`; of more than `most`, one more than that.
pub(in crate::store) fn runs_in_state(conn: &mut Conn, status: i16, most: u64) -> Result<u64, StoreError> {
    let limit = most.saturating_add(1);
    let sql = format!(
        "SELECT count(*) AS runs FROM (SELECT id FROM runs WHERE status <> 6 AND status = ? LIMIT {limit}) AS found"
    );
    let count: i64 = each!(conn, c => question::<BigInt>(&sql, &[Bind::Small(Some(status))]).get_result(c))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// One due run.
#[derive(Debug, Queryable)]
pub(in crate::store) struct DueRow {
    pub(in crate::store) id: i64,
    pub(in crate::store) status: i16,
    pub(in crate::store) due_at: i64,
}

/// The runs of a rule that are due, oldest due first; at most `limit`, rounded up to a power of two so that few statements are prepared.
pub(in crate::store) fn due_of_rule(
    conn: &mut Conn,
    rule: i32,
    now: Time,
    limit: usize,
) -> Result<Vec<DueRow>, StoreError> {
    type Row = (BigInt, SmallInt, BigInt);
    let sql = format!(
        "SELECT id, status, due_at FROM {} WHERE rule = ? AND due_at <= ? ORDER BY due_at, id LIMIT {}",
        by_due(conn),
        limit.next_power_of_two()
    );
    let binds = [Bind::Int(Some(rule)), Bind::Big(Some(now.0))];
    let mut rows: Vec<DueRow> = each!(conn, c => question::<Row>(&sql, &binds).load(c))?;
    rows.truncate(limit);
    Ok(rows)
}

/// The condition by which the index of all but `ok` runs is used: both planners want its text as it stands in the index.
pub(in crate::store) fn not_ok() -> diesel::expression::SqlLiteral<diesel::sql_types::Bool> {
    diesel::dsl::sql("runs.status <> 6")
}
