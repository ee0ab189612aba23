//! A person's word on a held run, and the runs that a dead process left behind.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};

use super::{
    attempts as tries,
    dialect::{self, Conn, each},
    error::StoreError,
    names::{self, Known},
    places,
    schema::{attempts, runs},
    waits,
};
use crate::{
    clock::Time,
    ids::RunId,
    model::{AttemptKind, AttemptOutcome, RunStatus},
};

/// What a person says became of an attempt of unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It took effect: the step ends ok with a null result.
    Done,
    /// Try again.
    Retry,
    /// It did not, and shall not: the step fails.
    Fail,
    /// Let the service be asked again, by the action's `verify`.
    Verify,
}

impl Resolution {
    const ALL: [(Self, i16); 4] = [(Self::Done, 0), (Self::Retry, 1), (Self::Fail, 2), (Self::Verify, 3)];

    pub(super) fn code(self) -> i16 {
        Self::ALL.iter().find(|(known, _)| *known == self).map_or(-1, |(_, code)| *code)
    }

    /// The resolution of a number in the store.
    pub(super) fn from_code(code: i16) -> Result<Self, StoreError> {
        let found = Self::ALL.iter().find(|(_, known)| *known == code);
        found.map(|(resolution, _)| *resolution).ok_or_else(|| StoreError::Corrupt(format!("{code} is no resolution")))
    }
}

/// What was found of a dead process.
#[derive(Debug, Clone, Default)]
pub struct Recovered {
    /// Runs that it held.
    pub runs: usize,
    /// Attempts that it had begun, now `unknown`.
    pub attempts: usize,
}

/// Notes the resolution and makes the run due. False: it is neither held nor waits for a read that tells what became of its attempt; or it
/// is held by its rule's fuse or a source that is paused.
pub(super) fn resolve(conn: &mut Conn, run: RunId, resolution: Resolution, now: Time) -> Result<bool, StoreError> {
    let due = RunStatus::Held.next(RunStatus::Due)?;
    // Whoever has loaded it before this does not get it: a claim names the word that was seen.
    let from = if waits_for_read(conn, run)? { RunStatus::Due } else { RunStatus::Held };
    let changed = each!(conn, c => diesel::update(
            runs::table
                .filter(runs::id.eq(run.0))
                .filter(runs::status.eq(from.code()))
                .filter(runs::claim_id.is_null())
                .filter(dialect::held_by_no_fuse())
        )
        .set((runs::status.eq(due.code()), runs::due_at.eq(now.0), runs::resolution.eq(resolution.code())))
        .execute(c))?;
    Ok(changed == 1)
}

/// Whether a run that nobody has in hand is due for a read that tells what became of its attempt, as `RunDetail::waits_for_read`.
fn waits_for_read(conn: &mut Conn, run: RunId) -> Result<bool, StoreError> {
    let row: Option<(Option<i32>, Option<i16>)> = each!(conn, c => runs::table
        .filter(runs::id.eq(run.0))
        .filter(runs::status.eq(RunStatus::Due.code()))
        .select((runs::step, runs::resolution))
        .get_result(c)
        .optional())?;
    let Some((Some(step), said)) = row else { return Ok(false) };
    let said = said.map(Resolution::from_code).transpose()?;
    let all = tries::of_step(conn, run, step)?;
    let Some(last) = all.last().filter(|_| matches!(said, None | Some(Resolution::Verify))) else { return Ok(false) };
    Ok(match last.kind()? {
        AttemptKind::Verify => last.outcome()? != AttemptOutcome::Ok,
        AttemptKind::Try if last.outcome()? != AttemptOutcome::Unknown => false,
        AttemptKind::Try => {
            said.is_some() || (last.reason.is_some() && last.reason == names::name_id(conn, tries::READ_FOLLOWS)?)
        }
    })
}

/// Makes every running run due, or waiting and due where its `wait` step has not ended, and its begun attempts unknown. One that was
/// asked to end as cancelled ends.
pub(super) fn recover(conn: &mut Conn, known: &mut Known, now: Time) -> Result<Recovered, StoreError> {
    let due = RunStatus::Running.next(RunStatus::Due)?;
    let held: Vec<i64> = each!(conn, c => runs::table
        .filter(dialect::not_ok())
        .filter(runs::status.eq(RunStatus::Running.code()))
        .select(runs::id)
        .load(c))?;
    let mut recovered = Recovered { runs: held.len(), attempts: 0 };
    for run in held {
        let next = if waits::has_row(conn, run)? { RunStatus::Waiting } else { due };
        recovered.attempts += each!(conn, c => diesel::update(
                attempts::table
                    .filter(attempts::run.eq(run))
                    .filter(attempts::outcome.eq(AttemptOutcome::Started.code()))
            )
            .set((attempts::outcome.eq(AttemptOutcome::Unknown.code()), attempts::claim_id.eq(None::<i64>)))
            .execute(c))?;
        let changed = each!(conn, c => diesel::update(runs::table.filter(runs::id.eq(run)))
            .set((
                runs::status.eq(next.code()),
                runs::due_at.eq(now.0),
                runs::claim_id.eq(None::<i64>),
                runs::claimed_by.eq(None::<i32>),
                runs::claimed_until.eq(None::<i64>),
            ))
            .execute(c))?;
        if changed != 1 {
            return Err(StoreError::Corrupt(format!("{} went away while it was recovered", RunId(run))));
        }
        places::recovered(conn, known, run, now)?;
    }
    Ok(recovered)
}
