//! What becomes of a run that has gates: decided one by one, in their order, by what the tables hold at that moment. There is one writer,
//! so nothing can change between a question and the write that follows from it.

use super::{
    dialect::{self, Conn, Fuse, RuleKey},
    error::StoreError,
    gates::{DigestGate, FuseGate, Gates, OnceGate, SuppressedBy, ThresholdGate},
    json, marks,
    names::Known,
    places,
    runs::RunInsert,
    sources, suppressed,
    tallies::Kind,
};
use crate::{
    clock::Time,
    config::forms::show_duration,
    ids::{EventId, RunId, first_at},
    model::RunStatus,
};

/// A run that wants to start.
struct Wish<'w> {
    run: i64,
    rule: i32,
    event: i64,
    /// When the event was received: by that the gates count.
    received_at: Time,
    vars: Option<&'w [u8]>,
    /// When it is due if nothing stands in its way.
    due_at: Time,
}

/// What the gates said.
enum Passage {
    /// It starts, with these events before its own.
    Starts { earlier: Vec<i64> },
    /// It gathers until then.
    Gathers { until: Time },
    /// It may start, but its rule's fuse is blown; one sentence says so.
    IsHeld { earlier: Vec<i64>, why: String },
    /// It does not start.
    Suppressed(SuppressedBy),
}

impl Passage {
    fn status(&self, is_paused: bool) -> RunStatus {
        match self {
            Self::Starts { .. } if is_paused => RunStatus::Held,
            Self::Starts { .. } => RunStatus::Due,
            Self::Gathers { .. } => RunStatus::Collecting,
            Self::IsHeld { .. } => RunStatus::Held,
            Self::Suppressed(_) => RunStatus::Skipped,
        }
    }

    fn due_at(&self, at_once: Time, is_paused: bool) -> Option<i64> {
        match self {
            Self::Starts { .. } if is_paused => None,
            Self::Starts { .. } => Some(at_once.0),
            Self::Gathers { until } => Some(until.0),
            Self::IsHeld { .. } | Self::Suppressed(_) => None,
        }
    }

    fn earlier(&self) -> &[i64] {
        match self {
            Self::Starts { earlier } | Self::IsHeld { earlier, .. } => earlier,
            Self::Gathers { .. } | Self::Suppressed(_) => &[],
        }
    }

    fn marks(&self) -> i32 {
        let held = if matches!(self, Self::IsHeld { .. }) { marks::FUSE } else { 0 };
        let several = if self.earlier().is_empty() { 0 } else { marks::EVENTS };
        held | several
    }

    /// What a list shows beside the state.
    fn why(&self, is_paused: bool) -> Option<String> {
        match self {
            Self::Starts { .. } if is_paused => Some(sources::PAUSED.to_owned()),
            Self::Starts { .. } | Self::Gathers { .. } => None,
            Self::IsHeld { why, .. } => Some(why.clone()),
            Self::Suppressed(by) => Some(by.to_string()),
        }
    }
}

/// Puts a run of an event, which is stored, to its gates, and stores it if it passes. Whether it is there now.
pub(super) fn admit(
    conn: &mut Conn,
    mut run: RunInsert,
    received_at: Time,
    due_at: Time,
    gates: &Gates,
) -> Result<bool, StoreError> {
    let vars = run.vars.take();
    let wish = Wish { run: run.id, rule: run.rule, event: run.event, received_at, vars: vars.as_deref(), due_at };
    let passage = pass(conn, &wish, gates)?;
    if let Passage::Suppressed(by) = passage {
        suppressed::keep(conn, wish.event, wish.rule, &by)?;
        return Ok(false);
    }
    let (id, rule, event) = (run.id, run.rule, run.event);
    let is_paused = marks::has(run.marks, marks::SOURCE);
    let marks = passage.marks() | run.marks.unwrap_or(0);
    run.status = passage.status(is_paused).code();
    run.due_at = passage.due_at(due_at, is_paused);
    run.marks = (marks != 0).then_some(marks);
    run.why = passage.why(is_paused);
    run.vars = vars;
    dialect::insert_runs(conn, &[run])?;
    settle(conn, id, rule, event, &passage, gates)?;
    Ok(true)
}

/// A run that was undecided, and that its worker found to match.
pub(super) struct Late<'l> {
    pub(super) run: RunId,
    pub(super) claim: i64,
    pub(super) vars: &'l serde_json::Map<String, serde_json::Value>,
    pub(super) gates: &'l Gates,
    pub(super) now: Time,
}

/// Puts a run that is there already to its rule's gates; one that was asked to end as cancelled does. False: the claim was lost.
pub(super) fn admit_late(conn: &mut Conn, known: &mut Known, late: &Late<'_>) -> Result<bool, StoreError> {
    let Some(known_marks) = dialect::marks_of_mine(conn, late.run.0, late.claim)? else { return Ok(false) };
    let Some(row) = dialect::standing(conn, late.run.0)? else { return Ok(false) };
    let vars = json::pack_object(late.vars)?;
    let decided = |status: RunStatus, due_at: Option<i64>, why: Option<&str>| dialect::Decided {
        to: dialect::Move {
            run: late.run.0,
            status: status.code(),
            due_at,
            ended_at: status.is_final().then_some(late.now.0),
            why: why.map(str::to_owned),
        },
        claim: late.claim,
        vars: vars.as_deref(),
    };
    if marks::has(Some(known_marks), marks::CANCEL) {
        let cancelled = decided(RunStatus::Cancelled, None, Some(places::cancelled_by(known_marks)));
        let moved = dialect::move_decided(conn, &cancelled)?;
        if moved {
            known.tally.note(Kind::Ended(RunStatus::Cancelled), Some(row.rule), late.now);
        }
        return Ok(moved);
    }
    let wish = Wish {
        run: late.run.0,
        rule: row.rule,
        event: row.event,
        received_at: dialect::received_at(conn, row.event)?.map_or(late.now, Time),
        vars: vars.as_deref(),
        due_at: late.now,
    };
    let passage = pass(conn, &wish, late.gates)?;
    let status = RunStatus::Running.next(passage.status(false))?;
    if !dialect::move_decided(conn, &decided(status, passage.due_at(late.now, false), passage.why(false).as_deref()))? {
        return Err(StoreError::Corrupt(format!("{} went away while it was decided", late.run)));
    }
    known.tally.note(Kind::Ended(status), Some(row.rule), late.now);
    if let Passage::Suppressed(by) = &passage {
        suppressed::keep(conn, row.event, row.rule, by)?;
    }
    if passage.marks() != 0 {
        dialect::add_mark(conn, late.run.0, passage.marks())?;
    }
    settle(conn, late.run.0, row.rule, row.event, &passage, late.gates)?;
    Ok(true)
}

/// What hangs on a run that is stored: its other events, and the window that it opened.
fn settle(
    conn: &mut Conn,
    run: i64,
    rule: i32,
    event: i64,
    passage: &Passage,
    gates: &Gates,
) -> Result<(), StoreError> {
    for (seq, earlier) in (0..).zip(passage.earlier().iter().filter(|earlier| **earlier != event)) {
        dialect::insert_run_event(conn, run, seq, *earlier)?;
    }
    if let (Passage::Gathers { until }, Some(digest)) = (passage, &gates.digest) {
        dialect::open_window(conn, RuleKey { rule, key: &digest.key }, run, until.0)?;
    }
    Ok(())
}

fn pass(conn: &mut Conn, wish: &Wish<'_>, gates: &Gates) -> Result<Passage, StoreError> {
    if gates.threshold_without_key {
        return Ok(Passage::Suppressed(SuppressedBy::NoKey));
    }
    let earlier = match &gates.threshold {
        Some(threshold) => match reach(conn, wish, threshold)? {
            Ok(earlier) => earlier,
            Err(by) => return Ok(Passage::Suppressed(by)),
        },
        None => Vec::new(),
    };
    if let Some(once) = &gates.once
        && let Some(by) = take(conn, wish, once)?
    {
        return Ok(Passage::Suppressed(by));
    }
    if let Some(digest) = &gates.digest
        && let Some(run) = join(conn, wish, digest)?
    {
        return Ok(Passage::Suppressed(SuppressedBy::Digest { run: RunId(run) }));
    }
    let blown = match &gates.fuse {
        Some(fuse) => burn(conn, wish, fuse)?,
        None => None,
    };
    // A digest gathers all the same: it is held when it would start.
    match (&gates.digest, blown) {
        (Some(digest), _) if digest.max > 1 => Ok(Passage::Gathers { until: digest.until }),
        (_, Some(why)) => Ok(Passage::IsHeld { earlier, why }),
        (_, None) => Ok(Passage::Starts { earlier }),
    }
}

/// Counts the event. The events that reached the threshold with it, oldest first; or how many there are.
fn reach(conn: &mut Conn, wish: &Wish<'_>, gate: &ThresholdGate) -> Result<Result<Vec<i64>, SuppressedBy>, StoreError> {
    let of = RuleKey { rule: wish.rule, key: &gate.key };
    let earlier = dialect::counted_of(conn, of, wish.received_at.minus(gate.within).0)?;
    let have = u32::try_from(earlier.len()).unwrap_or(u32::MAX).saturating_add(1);
    if have >= gate.count {
        dialect::forget_counted(conn, of)?;
        return Ok(Ok(earlier));
    }
    let until = wish.received_at.plus(gate.within);
    dialect::count_event(conn, of, wish.event, wish.received_at.0, until.0)?;
    Ok(Err(SuppressedBy::Threshold { have, of: gate.count }))
}

/// Takes the key. `Some`: another event has it.
fn take(conn: &mut Conn, wish: &Wish<'_>, gate: &OnceGate) -> Result<Option<SuppressedBy>, StoreError> {
    let of = RuleKey { rule: wish.rule, key: &gate.key };
    let (now, until) = (wish.received_at, wish.received_at.plus(gate.within));
    if dialect::take_once(conn, of, wish.event, now.0, until.0)? {
        return Ok(None);
    }
    let Some((event, until)) = dialect::once_holder(conn, of)? else {
        return Err(StoreError::Corrupt("a key of `once` is taken and by nobody".to_owned()));
    };
    Ok(Some(SuppressedBy::Once { event: EventId(event), until: Time(until) }))
}

/// Joins the open window of the key: its run. `None`: there is none that is open.
fn join(conn: &mut Conn, wish: &Wish<'_>, gate: &DigestGate) -> Result<Option<i64>, StoreError> {
    let of = RuleKey { rule: wish.rule, key: &gate.key };
    let Some(window) = dialect::window_of(conn, of)? else { return Ok(None) };
    if wish.received_at.0 >= window.until {
        return Ok(None);
    }
    let collecting = RunStatus::Collecting;
    let Some(newest) = dialect::gathered(conn, window.run, collecting.code())? else { return Ok(None) };
    dialect::insert_run_event(conn, window.run, window.events, newest)?;
    dialect::set_newest(conn, window.run, wish.event, wish.vars)?;
    let events = u32::try_from(window.events).unwrap_or(u32::MAX).saturating_add(1);
    if events < gate.max {
        dialect::grow_window(conn, window.run)?;
        return Ok(Some(window.run));
    }
    let full = dialect::Move {
        run: window.run,
        status: collecting.next(RunStatus::Due)?.code(),
        due_at: Some(wish.due_at.0),
        ended_at: None,
        why: None,
    };
    if !dialect::move_free(conn, &full)? {
        return Err(StoreError::Corrupt(format!("{} gathers and is in hand", RunId(window.run))));
    }
    dialect::close_window(conn, window.run)?;
    Ok(Some(window.run))
}

/// Counts the run against its rule's fuse. `Some`: it is blown, and why.
fn burn(conn: &mut Conn, wish: &Wish<'_>, gate: &FuseGate) -> Result<Option<String>, StoreError> {
    let Fuse { is_blown, since } = dialect::fuse_of(conn, wish.rule)?;
    if !is_blown {
        // As with the other gates: what is exactly that old counts no more.
        let past = Time(wish.received_at.minus(gate.within).0.saturating_add(1));
        let first = first_at(past).max(since.saturating_add(1));
        if dialect::runs_since(conn, wish.rule, first, wish.run, gate.count)? < u64::from(gate.count) {
            return Ok(None);
        }
        dialect::blow(conn, wish.rule, wish.received_at.0)?;
    }
    Ok(Some(format!(
        "the rule's fuse is blown: more than {} {} in {}; release the rule to let its runs go",
        gate.count,
        if gate.count == 1 { "run" } else { "runs" },
        show_duration(gate.within)
    )))
}
