//! Places of `concurrency`: taken with a run's first claim, given back in the transaction that ends it. And what else stands at a claim's
//! door: a blown fuse, a digest's window, the wish to end a run.

use super::{
    claim::Claim,
    dialect::{self, Conn, Move, RuleKey, Standing},
    error::StoreError,
    gates::{Claimed, Full, GateKey, PlaceWish},
    marks,
    names::Known,
    sources,
    tallies::Kind,
};
use crate::{clock::Time, ids::RunId, model::RunStatus};

const WAITS: &str = "waits for a place (concurrency)";
const SKIPPED: &str = "no place was free (concurrency)";
const BLOWN: &str = "the rule's fuse is blown; release the rule to let its runs go";

/// Why a run with these marks was cancelled.
pub(super) fn cancelled_by(marks: i32) -> &'static str {
    if marks::has(Some(marks), marks::NEWER) {
        "a newer run took its place (concurrency)"
    } else {
        "cancelled by a person"
    }
}

/// Whether a run may be taken by this claim. `Some`: it may not.
pub(super) fn door(conn: &mut Conn, known: &mut Known, claim: &Claim) -> Result<Option<Claimed>, StoreError> {
    let run = claim.run.0;
    let Some(row) = dialect::standing(conn, run)? else { return Ok(Some(Claimed::NotMine)) };
    if row.status == RunStatus::Held.code() && marks::has(row.marks, marks::FUSE | marks::SOURCE) {
        return Ok(Some(Claimed::Held));
    }
    if row.status != claim.from.code() || row.claim_id.is_some() {
        return Ok(Some(Claimed::NotMine));
    }
    if marks::has(row.marks, marks::CANCEL) {
        cancel_free(conn, known, run, &row, claim.now)?;
        return Ok(Some(Claimed::NotMine));
    }
    if claim.from == RunStatus::Collecting {
        // Whoever asks may have loaded it before its last event joined: from here on none does.
        close(conn, claim)?;
        return Ok(Some(Claimed::NotMine));
    }
    let is_first = row.started_at.is_none() && claim.from != RunStatus::Undecided;
    if is_first && marks::has(row.marks, marks::SOURCE) {
        hold(conn, claim, sources::PAUSED, 0)?;
        return Ok(Some(Claimed::Held));
    }
    if is_first && dialect::fuse_of(conn, row.rule)?.is_blown {
        hold(conn, claim, BLOWN, marks::FUSE)?;
        return Ok(Some(Claimed::Held));
    }
    match &claim.place {
        // Of an undecided run nobody knows yet whether it wants one.
        Some(wish) if claim.from != RunStatus::Undecided => enter(conn, known, claim, &row, wish),
        None if marks::has(row.marks, marks::QUEUED) => Ok(Some(Claimed::Queued)),
        _ => Ok(None),
    }
}

/// Ends the gathering of a digest's run.
fn close(conn: &mut Conn, claim: &Claim) -> Result<(), StoreError> {
    dialect::close_window(conn, claim.run.0)?;
    let due = claim.from.next(RunStatus::Due)?;
    move_free(conn, Move { run: claim.run.0, status: due.code(), due_at: Some(claim.now.0), ended_at: None, why: None })
}

fn hold(conn: &mut Conn, claim: &Claim, why: &str, mark: i32) -> Result<(), StoreError> {
    let held = claim.from.next(RunStatus::Held)?;
    let why = Some(why.to_owned());
    move_free(conn, Move { run: claim.run.0, status: held.code(), due_at: None, ended_at: None, why })?;
    dialect::add_mark(conn, claim.run.0, mark)
}

fn move_free(conn: &mut Conn, to: Move) -> Result<(), StoreError> {
    if dialect::move_free(conn, &to)? {
        return Ok(());
    }
    Err(StoreError::Corrupt(format!("{} is in hand, and was not a moment ago", RunId(to.run))))
}

/// Asks for a place. `Some`: there is none now.
fn enter(
    conn: &mut Conn,
    known: &mut Known,
    claim: &Claim,
    row: &Standing,
    wish: &PlaceWish,
) -> Result<Option<Claimed>, StoreError> {
    let (run, of) = (claim.run.0, RuleKey { rule: row.rule, key: &wish.key });
    if dialect::place_of(conn, run)?.is_none() {
        let seats = i32::try_from(wish.limit.max(1)).unwrap_or(i32::MAX);
        if dialect::first_in_line(conn, of)?.is_some_and(|(_, known)| known != seats) {
            // The rule was changed since they came.
            dialect::set_seats(conn, of, seats)?;
        }
        dialect::stand_in_line(conn, of, run, seats)?;
        dialect::add_mark(conn, run, marks::PLACE | marks::QUEUED)?;
    }
    fill(conn, of, claim.now)?;
    if has_place(conn, run)? {
        return Ok(None);
    }
    match wish.when_full {
        Full::Queue => {}
        Full::Skip => {
            dialect::leave_place(conn, run)?;
            let skipped = claim.from.next(RunStatus::Skipped)?;
            let why = Some(SKIPPED.to_owned());
            move_free(conn, Move { run, status: skipped.code(), due_at: None, ended_at: Some(claim.now.0), why })?;
            known.tally.note(Kind::Ended(skipped), Some(row.rule), claim.now);
            return Ok(Some(Claimed::Skipped));
        }
        Full::CancelOldest => {
            make_room(conn, known, of, run, wish.limit, claim.now)?;
            if has_place(conn, run)? {
                return Ok(None);
            }
        }
    }
    let due = if claim.from == RunStatus::Due { RunStatus::Due } else { claim.from.next(RunStatus::Due)? };
    let why = Some(WAITS.to_owned());
    move_free(conn, Move { run, status: due.code(), due_at: None, ended_at: None, why })?;
    Ok(Some(Claimed::Queued))
}

fn has_place(conn: &mut Conn, run: i64) -> Result<bool, StoreError> {
    Ok(dialect::place_of(conn, run)?.is_some_and(|place| !place.is_queued))
}

/// Gives free places to those who wait longest.
fn fill(conn: &mut Conn, of: RuleKey<'_>, now: Time) -> Result<(), StoreError> {
    while let Some((run, seats)) = dialect::first_in_line(conn, of)? {
        if dialect::holders(conn, of)? >= i64::from(seats) {
            break;
        }
        dialect::seat(conn, run, now.0)?;
    }
    Ok(())
}

/// Asks so many of the oldest others to end that this run and those that stay fit.
fn make_room(
    conn: &mut Conn,
    known: &mut Known,
    of: RuleKey<'_>,
    run: i64,
    limit: u32,
    now: Time,
) -> Result<(), StoreError> {
    let others = dialect::others_with_place(conn, of, run)?;
    let stay = usize::try_from(limit.max(1)).unwrap_or(usize::MAX) - 1;
    let surplus = others.len().saturating_sub(stay);
    for other in others.into_iter().take(surplus) {
        cancel(conn, known, RunId(other), marks::NEWER, now)?;
    }
    Ok(())
}

/// Ends an open run as cancelled: at once where nobody has it in hand, else with its next record. False: it is over already.
pub(super) fn cancel(conn: &mut Conn, known: &mut Known, run: RunId, by: i32, now: Time) -> Result<bool, StoreError> {
    let Some(mut row) = dialect::standing(conn, run.0)? else { return Ok(false) };
    if RunStatus::from_code(row.status).is_none_or(RunStatus::is_final) {
        return Ok(false);
    }
    if row.claim_id.is_some() {
        dialect::add_mark(conn, run.0, marks::CANCEL | by)?;
        return Ok(true);
    }
    row.marks = Some(row.marks.unwrap_or(0) | by);
    cancel_free(conn, known, run.0, &row, now)?;
    Ok(true)
}

/// Ends a run as cancelled that nobody has in hand.
fn cancel_free(conn: &mut Conn, known: &mut Known, run: i64, row: &Standing, now: Time) -> Result<(), StoreError> {
    let from = RunStatus::from_code(row.status);
    let cancelled = match from {
        Some(from) => from.next(RunStatus::Cancelled)?,
        None => return Err(StoreError::Corrupt(format!("{} is no state of a run", row.status))),
    };
    if from == Some(RunStatus::Collecting) {
        dialect::close_window(conn, run)?;
    }
    let why = Some(cancelled_by(row.marks.unwrap_or(0)).to_owned());
    move_free(conn, Move { run, status: cancelled.code(), due_at: None, ended_at: Some(now.0), why })?;
    known.tally.note(Kind::Ended(cancelled), Some(row.rule), now);
    leave(conn, run, now)
}

/// A run that a dead process had in hand is due again; one that was to end as cancelled ends now, since nobody answers its request.
pub(super) fn recovered(conn: &mut Conn, known: &mut Known, run: i64, now: Time) -> Result<(), StoreError> {
    match dialect::standing(conn, run)? {
        Some(row) if marks::has(row.marks, marks::CANCEL) => cancel_free(conn, known, run, &row, now),
        _ => Ok(()),
    }
}

/// After a run has ended: its place, if it had one, goes to whoever waits longest.
pub(super) fn leave(conn: &mut Conn, run: i64, now: Time) -> Result<(), StoreError> {
    let Some(place) = dialect::place_of(conn, run)? else { return Ok(()) };
    let Ok(key) = GateKey::try_from(place.key) else {
        return Err(StoreError::Corrupt("a key of `concurrency` is not 16 bytes".to_owned()));
    };
    dialect::leave_place(conn, run)?;
    fill(conn, RuleKey { rule: place.rule, key: &key }, now)
}
