//! Problems: raised, seen again, solved, and what people say of them.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _, SelectableHelper as _};

use super::{
    accept::{NewEvent, ReadyEvent, accept_all},
    dialect::{self, Conn, each},
    error::StoreError,
    handle::Store,
    problem_lists::{ProblemRow, TableRow, find, state_of},
    schema::problems,
};
use crate::{
    clock::Time,
    ids::{ProblemId, first_at},
    model::{Problem, ProblemState},
};

/// Runs of a problem after which it is looked whether it has too many.
const CUT_EVERY: i64 = 1000;

/// Problems that are told of in one go.
const TOLD_AT_ONCE: i64 = 100;

/// What a person says of a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemWord {
    /// I know of it.
    Acknowledge {
        /// Who.
        by: String,
    },
    /// Tell nobody until then.
    Mute {
        /// Who.
        by: String,
        /// The end of time for until somebody says so.
        until: Time,
    },
    /// It is gone.
    Resolve,
    /// Neither known nor muted.
    Reopen,
}

/// What rules are still to be told of a problem.
#[derive(Debug, Clone)]
pub struct Untold {
    /// The problem.
    pub row: ProblemRow,
    /// It was solved; else it was opened.
    pub solved: bool,
    /// How deep in a chain of our own events the one stood that it came of.
    pub depth: u8,
}

/// What failed runs of one problem have in common.
#[derive(Debug, Default)]
pub(super) struct Common {
    pub(super) rule: Option<String>,
    pub(super) step: Option<String>,
    pub(super) path: Option<String>,
    pub(super) host: Option<String>,
    pub(super) class: Option<String>,
    pub(super) run: Option<i64>,
    pub(super) depth: i16,
}

/// The numbers of `told`.
const TELL_OPENED: i16 = 1;
const TELL_SOLVED: i16 = 2;

/// Opens a problem, counts it once more, or opens it anew; its id.
pub(super) fn raise(conn: &mut Conn, problem: &Problem, common: &Common, at: Time) -> Result<i64, StoreError> {
    let known: Option<TableRow> = each!(conn, c => problems::table
        .find(&problem.fingerprint)
        .select(TableRow::as_select())
        .get_result(c)
        .optional())?;
    let Some(mut row) = known else { return open(conn, problem, common, at) };
    let was = state_of(row.state)?;
    let is_muted = row.muted_until.is_some_and(|until| until > at.0);
    let now = match was {
        ProblemState::Solved | ProblemState::Muted if is_muted => ProblemState::Muted,
        ProblemState::Solved | ProblemState::Muted | ProblemState::Open => ProblemState::Open,
        ProblemState::Acknowledged => ProblemState::Acknowledged,
    };
    let begins = was == ProblemState::Solved;
    if begins {
        (row.count, row.opened_at, row.depth) = (0, at.0, common.depth);
        (row.acknowledged_by, row.acknowledged_at) = (None, None);
    }
    if now == ProblemState::Open {
        row.muted_until = None;
        if was != now {
            // Who has not heard yet that it was solved need not hear that it is back.
            row.told = if row.told == TELL_SOLVED { 0 } else { TELL_OPENED };
        }
    } else if begins {
        row.told = 0;
    }
    let changed = each!(conn, c => diesel::update(problems::table.find(&problem.fingerprint))
        .set((
            (problems::kind.eq(problem.kind), problems::subject.eq(&problem.subject)),
            (problems::message.eq(&problem.message), problems::last_at.eq(at.0)),
            (problems::count.eq(row.count.saturating_add(1)), problems::opened_at.eq(row.opened_at)),
            (problems::solved_at.eq(None::<i64>), problems::state.eq(now.code())),
            (problems::acknowledged_by.eq(&row.acknowledged_by), problems::acknowledged_at.eq(row.acknowledged_at)),
            (problems::muted_until.eq(row.muted_until), problems::told.eq(row.told), problems::depth.eq(row.depth)),
            (problems::rule.eq(&common.rule), problems::path.eq(&common.path), problems::run.eq(common.run)),
        ))
        .execute(c))?;
    if changed != 1 {
        return Err(StoreError::Corrupt("a problem went away while it was counted".to_owned()));
    }
    if row.count % CUT_EVERY == 0 {
        dialect::cut_problem_runs(conn, row.id)?;
    }
    Ok(row.id)
}

fn open(conn: &mut Conn, problem: &Problem, common: &Common, at: Time) -> Result<i64, StoreError> {
    let last: Option<i64> = each!(conn, c => problems::table.select(diesel::dsl::max(problems::id)).get_result(c))?;
    let id = first_at(at).max(last.unwrap_or(0).saturating_add(1));
    let row = TableRow {
        fingerprint: problem.fingerprint.clone(),
        kind: problem.kind.to_owned(),
        subject: problem.subject.clone(),
        message: problem.message.clone(),
        count: 1,
        first_at: at.0,
        last_at: at.0,
        solved_at: None,
        id,
        state: ProblemState::Open.code(),
        opened_at: at.0,
        acknowledged_by: None,
        acknowledged_at: None,
        muted_until: None,
        rule: common.rule.clone(),
        step: common.step.clone(),
        path: common.path.clone(),
        host: common.host.clone(),
        class: common.class.clone(),
        run: common.run,
        depth: common.depth,
        told: TELL_OPENED,
    };
    each!(conn, c => diesel::insert_into(problems::table).values(&row).execute(c))?;
    Ok(id)
}

/// A problem of a rule that is not solved: its fingerprint, the path of its step, and its newest run.
pub(super) type OpenOfRule = (String, Option<String>, Option<i64>);

/// The problems of a rule that are not solved.
pub(super) fn open_of_rule(conn: &mut Conn, rule: &str) -> Result<Vec<OpenOfRule>, StoreError> {
    Ok(each!(conn, c => problems::table
        .filter(problems::kind.eq("run"))
        .filter(problems::rule.eq(rule))
        .filter(problems::solved_at.is_null())
        .select((problems::fingerprint, problems::path, problems::run))
        .load(c))?)
}

fn change(conn: &mut Conn, id: ProblemId, word: &ProblemWord, now: Time) -> Result<bool, StoreError> {
    let open = problems::table.filter(problems::id.eq(id.0)).filter(problems::solved_at.is_null());
    let (by, at) = (problems::acknowledged_by, problems::acknowledged_at);
    let (state, until) = (problems::state, problems::muted_until);
    let changed = match word {
        ProblemWord::Acknowledge { by: who } => each!(conn, c => diesel::update(open)
            .set((state.eq(ProblemState::Acknowledged.code()), by.eq(who), at.eq(now.0), until.eq(None::<i64>)))
            .execute(c))?,
        ProblemWord::Mute { by: who, until: end } => each!(conn, c => diesel::update(open)
            .set((
                (state.eq(ProblemState::Muted.code()), by.eq(who), at.eq(now.0)),
                // What was not told yet is not told any more.
                (until.eq(end.0), problems::told.eq(0_i16)),
            ))
            .execute(c))?,
        ProblemWord::Reopen => each!(conn, c => diesel::update(open)
            .set((state.eq(ProblemState::Open.code()), by.eq(None::<String>), at.eq(None::<i64>), until.eq(None::<i64>)))
            .execute(c))?,
        ProblemWord::Resolve => {
            let Some(row) = find(conn, id)? else { return Ok(false) };
            let solved = dialect::solve_problem(conn, &row.fingerprint, now.0, 0)?;
            each!(conn, c => diesel::update(problems::table.filter(problems::id.eq(id.0)))
                .set(until.eq(None::<i64>))
                .execute(c))?;
            usize::from(solved)
        }
    };
    Ok(changed == 1)
}

fn untold(conn: &mut Conn) -> Result<Vec<Untold>, StoreError> {
    let rows: Vec<TableRow> = each!(conn, c => problems::table
        .filter(dialect::is_untold())
        .order(problems::id.asc())
        .limit(TOLD_AT_ONCE)
        .select(TableRow::as_select())
        .load(c))?;
    rows.into_iter()
        .map(|row| {
            let (solved, depth) = (row.told == TELL_SOLVED, u8::try_from(row.depth).unwrap_or(u8::MAX));
            Ok(Untold { row: row.try_into()?, solved, depth })
        })
        .collect()
}

impl Store {
    /// Opens a problem, or counts it once more where it is open; one that was solved is opened anew.
    pub async fn raise(&self, problem: Problem, at: Time) -> Result<(), StoreError> {
        let size = 128 + problem.message.len();
        // Of these kinds the subject is the rule.
        let rule = matches!(problem.kind, "poll" | "schedule").then(|| problem.subject.clone());
        let common = Common { rule, ..Common::default() };
        self.write(size, move |desk| raise(&mut desk.conn, &problem, &common, at).map(drop)).await
    }

    /// Closes the problem of this fingerprint. True: it was open.
    pub async fn solve(&self, fingerprint: &str, at: Time) -> Result<bool, StoreError> {
        let fingerprint = fingerprint.to_owned();
        self.write(128, move |desk| dialect::solve_problem(&mut desk.conn, &fingerprint, at.0, 0)).await
    }

    /// Keeps what a person says of a problem. False: it is solved, or gone.
    pub async fn word_on(&self, id: ProblemId, word: ProblemWord, now: Time) -> Result<bool, StoreError> {
        self.write(128, move |desk| {
            let changed = change(&mut desk.conn, id, &word, now)?;
            desk.known.troubled = None;
            Ok(changed)
        })
        .await
    }

    /// Problems that rules are still to be told of. Those that were muted for long enough are open again.
    pub async fn untold(&self, now: Time) -> Result<Vec<Untold>, StoreError> {
        let has_work = self
            .read(move |conn, _| {
                let there: i64 = each!(conn, c => problems::table.filter(dialect::is_untold()).count().get_result(c))?;
                let unmuted: i64 = each!(conn, c => problems::table
                    .filter(problems::state.eq(ProblemState::Muted.code()))
                    .filter(problems::muted_until.le(now.0))
                    .count()
                    .get_result(c))?;
                Ok(there + unmuted > 0)
            })
            .await?;
        if !has_work {
            return Ok(Vec::new());
        }
        self.write(64, move |desk| {
            dialect::unmute_problems(&mut desk.conn, now.0)?;
            untold(&mut desk.conn)
        })
        .await
    }

    /// Notes that rules were told, and stores the event that tells them, in one transaction. False: something else is to be told by now.
    pub async fn told(&self, untold: &Untold, event: Option<NewEvent>) -> Result<bool, StoreError> {
        let ready = event.map(|event| ReadyEvent::new(event, self.dictionaries())).transpose()?;
        let (id, was) = (untold.row.id.0, if untold.solved { TELL_SOLVED } else { TELL_OPENED });
        let size = 64 + ready.as_ref().map_or(0, ReadyEvent::size);
        self.write(size, move |desk| {
            let question = problems::table.filter(problems::id.eq(id)).filter(problems::told.eq(was));
            let changed =
                each!(&mut desk.conn, c => diesel::update(question).set(problems::told.eq(0_i16)).execute(c))?;
            if changed == 1
                && let Some(ready) = &ready
            {
                accept_all(&mut desk.conn, &mut desk.known, &[ready])?;
            }
            Ok(changed == 1)
        })
        .await
    }
}
