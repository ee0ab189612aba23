//! What a claim and a run's end ask and write where the run is marked: places, the fuse, being cancelled.

use diesel::{
    Queryable, RunQueryDsl as _,
    sql_types::{BigInt, Binary, Integer, Nullable, SmallInt},
};

use super::{
    Conn, RuleKey, each,
    statement::{Bind, execute, question},
};
use crate::store::error::StoreError;

/// Where a run stands, for those who want it.
#[derive(Debug, Queryable)]
pub(in crate::store) struct Standing {
    pub(in crate::store) event: i64,
    pub(in crate::store) rule: i32,
    pub(in crate::store) status: i16,
    pub(in crate::store) started_at: Option<i64>,
    pub(in crate::store) claim_id: Option<i64>,
    pub(in crate::store) marks: Option<i32>,
}

/// Where a run stands. `None`: there is none of this id.
pub(in crate::store) fn standing(conn: &mut Conn, run: i64) -> Result<Option<Standing>, StoreError> {
    type Row = (BigInt, Integer, SmallInt, Nullable<BigInt>, Nullable<BigInt>, Nullable<Integer>);
    let sql = "SELECT event, rule, status, started_at, claim_id, marks FROM runs WHERE id = ?";
    let binds = [Bind::Big(Some(run))];
    let rows: Vec<Standing> = each!(conn, c => question::<Row>(sql, &binds).load(c))?;
    Ok(rows.into_iter().next())
}

/// A run that nobody has in hand goes to another state.
pub(in crate::store) struct Move {
    pub(in crate::store) run: i64,
    pub(in crate::store) status: i16,
    pub(in crate::store) due_at: Option<i64>,
    pub(in crate::store) ended_at: Option<i64>,
    pub(in crate::store) why: Option<String>,
}

/// Moves a run that nobody has in hand. False: somebody has.
pub(in crate::store) fn move_free(conn: &mut Conn, to: &Move) -> Result<bool, StoreError> {
    let changed = execute(
        conn,
        "UPDATE runs SET status = ?, due_at = ?, ended_at = ?, why = ? WHERE id = ? AND claim_id IS NULL",
        &[
            Bind::Small(Some(to.status)),
            Bind::Big(to.due_at),
            Bind::Big(to.ended_at),
            Bind::Text(to.why.as_deref()),
            Bind::Big(Some(to.run)),
        ],
    )?;
    Ok(changed == 1)
}

/// A run that was undecided and is let go by whoever decided.
pub(in crate::store) struct Decided<'d> {
    pub(in crate::store) to: Move,
    pub(in crate::store) claim: i64,
    pub(in crate::store) vars: Option<&'d [u8]>,
}

/// Ends the claim of whoever decided about a run; its first step is yet to come. False: the claim was lost.
pub(in crate::store) fn move_decided(conn: &mut Conn, decided: &Decided<'_>) -> Result<bool, StoreError> {
    let to = &decided.to;
    let changed = execute(
        conn,
        "UPDATE runs SET status = ?, due_at = ?, ended_at = ?, why = ?, vars = ?, started_at = NULL, claim_id = NULL, \
         claimed_until = NULL WHERE id = ? AND claim_id = ? AND status = 3",
        &[
            Bind::Small(Some(to.status)),
            Bind::Big(to.due_at),
            Bind::Big(to.ended_at),
            Bind::Text(to.why.as_deref()),
            Bind::Bytes(decided.vars),
            Bind::Big(Some(to.run)),
            Bind::Big(Some(decided.claim)),
        ],
    )?;
    Ok(changed == 1)
}

/// A run's place, or its wish for one.
pub(in crate::store) struct PlaceRow {
    pub(in crate::store) rule: i32,
    pub(in crate::store) key: Vec<u8>,
    pub(in crate::store) is_queued: bool,
}

/// The place of a run. `None`: it has none, and waits for none.
pub(in crate::store) fn place_of(conn: &mut Conn, run: i64) -> Result<Option<PlaceRow>, StoreError> {
    let sql = "SELECT rule, \"key\", queued FROM places WHERE run = ?";
    let binds = [Bind::Big(Some(run))];
    let rows: Vec<(i32, Vec<u8>, i16)> =
        each!(conn, c => question::<(Integer, Binary, SmallInt)>(sql, &binds).load(c))?;
    Ok(rows.into_iter().next().map(|(rule, key, queued)| PlaceRow { rule, key, is_queued: queued != 0 }))
}

/// Puts a run at the door of its key; `seats` is how many places there are.
pub(in crate::store) fn stand_in_line(
    conn: &mut Conn,
    of: RuleKey<'_>,
    run: i64,
    seats: i32,
) -> Result<(), StoreError> {
    execute(
        conn,
        "INSERT INTO places (rule, \"key\", queued, run, seats) VALUES (?, ?, 1, ?, ?)",
        &[Bind::Int(Some(of.rule)), Bind::Bytes(Some(of.key)), Bind::Big(Some(run)), Bind::Int(Some(seats))],
    )
    .map(drop)
}

/// How many hold a place of a key.
pub(in crate::store) fn holders(conn: &mut Conn, of: RuleKey<'_>) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM places WHERE rule = ? AND \"key\" = ? AND queued = 0";
    let binds = [Bind::Int(Some(of.rule)), Bind::Bytes(Some(of.key))];
    let rows: Vec<(i64,)> = each!(conn, c => question::<(BigInt,)>(sql, &binds).load(c))?;
    Ok(rows.first().map_or(0, |(count,)| *count))
}

/// Who waits longest for a place of a key, and how many places it knows of.
pub(in crate::store) fn first_in_line(conn: &mut Conn, of: RuleKey<'_>) -> Result<Option<(i64, i32)>, StoreError> {
    let sql = "SELECT run, seats FROM places WHERE rule = ? AND \"key\" = ? AND queued = 1 ORDER BY run LIMIT 1";
    let binds = [Bind::Int(Some(of.rule)), Bind::Bytes(Some(of.key))];
    let rows: Vec<(i64, i32)> = each!(conn, c => question::<(BigInt, Integer)>(sql, &binds).load(c))?;
    Ok(rows.into_iter().next())
}

/// How many places there are now, for all who wait for one of a key.
pub(in crate::store) fn set_seats(conn: &mut Conn, of: RuleKey<'_>, seats: i32) -> Result<(), StoreError> {
    execute(
        conn,
        "UPDATE places SET seats = ? WHERE rule = ? AND \"key\" = ? AND queued = 1",
        &[Bind::Int(Some(seats)), Bind::Int(Some(of.rule)), Bind::Bytes(Some(of.key))],
    )
    .map(drop)
}

/// Gives a place to a run that waits, and makes it due. 2 is `due`, and the mark of those who wait.
pub(in crate::store) fn seat(conn: &mut Conn, run: i64, now: i64) -> Result<(), StoreError> {
    execute(conn, "UPDATE places SET queued = 0 WHERE run = ?", &[Bind::Big(Some(run))])?;
    execute(
        conn,
        "UPDATE runs SET due_at = ?, why = NULL, marks = nullif(marks & -3, 0) \
         WHERE id = ? AND status = 2 AND (marks & 2) <> 0",
        &[Bind::Big(Some(now)), Bind::Big(Some(run))],
    )
    .map(drop)
}

/// Gives a place back, or ends the wait for one.
pub(in crate::store) fn leave_place(conn: &mut Conn, run: i64) -> Result<(), StoreError> {
    execute(conn, "DELETE FROM places WHERE run = ?", &[Bind::Big(Some(run))]).map(drop)
}

/// The runs that hold a place of a key or wait for one, and are not to end (8) anyway, without `aside`; oldest first.
pub(in crate::store) fn others_with_place(
    conn: &mut Conn,
    of: RuleKey<'_>,
    aside: i64,
) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT places.run FROM places JOIN runs ON runs.id = places.run WHERE places.rule = ? \
               AND places.\"key\" = ? AND places.run <> ? AND (runs.marks & 8) = 0 ORDER BY places.run";
    let binds = [Bind::Int(Some(of.rule)), Bind::Bytes(Some(of.key)), Bind::Big(Some(aside))];
    let rows: Vec<(i64,)> = each!(conn, c => question::<(BigInt,)>(sql, &binds).load(c))?;
    Ok(rows.into_iter().map(|(run,)| run).collect())
}

/// The marks of a run that this claim holds. `None`: it does not.
pub(in crate::store) fn marks_of_mine(conn: &mut Conn, run: i64, claim: i64) -> Result<Option<i32>, StoreError> {
    let sql = "SELECT coalesce(marks, 0) FROM runs WHERE id = ? AND claim_id = ? AND status = 3";
    let binds = [Bind::Big(Some(run)), Bind::Big(Some(claim))];
    let rows: Vec<(i32,)> = each!(conn, c => question::<(Integer,)>(sql, &binds).load(c))?;
    Ok(rows.into_iter().next().map(|(marks,)| marks))
}

/// The condition of runs that are held, and not by their rule's fuse.
pub(in crate::store) fn held_by_no_fuse() -> diesel::expression::SqlLiteral<diesel::sql_types::Bool> {
    diesel::dsl::sql("(runs.marks IS NULL OR (runs.marks & 68) = 0)")
}
