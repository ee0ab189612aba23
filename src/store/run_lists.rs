//! Lists of runs, newest first: read by an index that narrows them, and looked through for the rest in bounded stretches.

use std::time::{Duration, Instant};

use super::{
    dialect::{self, Conn, Light, Source},
    error::StoreError,
    names::{Lookup, name_id},
    page_size,
    runs::{self, RunFilter, RunPage},
};
use crate::{
    ids::{RunId, first_at},
    model::RunStatus,
};

/// Runs that one question looks at in one go.
const STRETCH: usize = 512;
/// Runs and time that one question takes at most where an index does not narrow it enough.
const LOOKED_AT: usize = 8192;
const TIME: Duration = Duration::from_millis(25);

/// What a filter asks, in numbers.
struct Asked {
    below: i64,
    floor: i64,
    rule: Option<i32>,
    class: Option<i32>,
    states: Vec<i16>,
    event: Option<i64>,
}

impl Asked {
    fn fits(&self, row: &Light) -> bool {
        self.rule.is_none_or(|rule| rule == row.rule)
            && self.event.is_none_or(|event| event == row.event)
            && self.class.is_none_or(|class| row.class == Some(class))
            && (self.states.is_empty() || self.states.contains(&row.status))
    }
}

/// What one source gave.
struct Found {
    ids: Vec<i64>,
    /// All above and at it was looked at. `i64::MIN`: all there is.
    down_to: i64,
}

/// A page of runs.
pub(super) fn page(conn: &mut Conn, lookup: &Lookup, filter: &RunFilter) -> Result<RunPage, StoreError> {
    let Some(asked) = asked(conn, filter)? else { return Ok(RunPage::default()) };
    let limit = usize::try_from(page_size(filter.limit)).unwrap_or(0);
    let sources = sources(filter, &asked);
    let (begun, each) = (Instant::now(), LOOKED_AT / sources.len().max(1));
    let mut ids = Vec::new();
    let mut down_to = i64::MIN;
    for source in sources {
        let found = look(conn, &source, &asked, limit, (each, begun))?;
        down_to = down_to.max(found.down_to);
        ids.extend(found.ids);
    }
    // What one source has not reached yet, none may show: it would be out of order.
    ids.retain(|id| *id >= down_to);
    ids.sort_unstable_by(|left, right| right.cmp(left));
    let next = if ids.len() > limit {
        ids.truncate(limit);
        ids.last().copied()
    } else {
        (down_to > i64::MIN).then_some(down_to)
    };
    Ok(RunPage { rows: runs::of_ids(conn, lookup, &ids)?, next: next.map(RunId) })
}

/// In numbers. `None`: nothing can be like that.
fn asked(conn: &mut Conn, filter: &RunFilter) -> Result<Option<Asked>, StoreError> {
    let mut numbers = [None, None];
    for (number, name) in numbers.iter_mut().zip([&filter.rule, &filter.class]) {
        let Some(name) = name else { continue };
        let Some(known) = name_id(conn, name)? else { return Ok(None) };
        *number = Some(known);
    }
    let [rule, class] = numbers;
    let until = filter.until.map_or(i64::MAX, first_at);
    Ok(Some(Asked {
        below: filter.before.map_or(i64::MAX, |before| before.0).min(until),
        floor: filter.from.map_or(i64::MIN, first_at),
        rule,
        class,
        states: filter.states.iter().map(|state| state.code()).collect(),
        event: filter.event.map(|event| event.0),
    }))
}

/// What narrows it most; for states, one each.
fn sources(filter: &RunFilter, asked: &Asked) -> Vec<Source> {
    if let Some(problem) = filter.problem {
        return vec![Source::Problem(problem.0)];
    }
    if let Some(event) = asked.event {
        return vec![Source::Event(event)];
    }
    if let Some(class) = asked.class {
        return vec![Source::Class(class)];
    }
    if !asked.states.is_empty() && !asked.states.contains(&RunStatus::Ok.code()) {
        let mut states = asked.states.clone();
        states.sort_unstable();
        states.dedup();
        let one = |state| match asked.rule {
            Some(rule) if state > RunStatus::Ok.code() => Source::Ended(rule, state),
            _ => Source::State(state),
        };
        return states.into_iter().map(one).collect();
    }
    vec![asked.rule.map_or(Source::All, Source::Rule)]
}

/// Looks through a source until there is one more than fits, or for as long as it may.
fn look(
    conn: &mut Conn,
    source: &Source,
    asked: &Asked,
    limit: usize,
    (most, begun): (usize, Instant),
) -> Result<Found, StoreError> {
    let mut found = Found { ids: Vec::new(), down_to: i64::MIN };
    let (mut below, mut seen) = (asked.below, 0);
    // Most questions are answered whole by their index: the first stretch is no longer than the page.
    let mut size = (limit + 1).min(STRETCH);
    loop {
        let rows = dialect::runs_below(conn, source, below, asked.floor, size)?;
        let is_last = rows.len() < size;
        seen += rows.len();
        for row in &rows {
            below = row.id;
            if asked.fits(row) {
                found.ids.push(row.id);
                if found.ids.len() > limit {
                    found.down_to = row.id;
                    return Ok(found);
                }
            }
        }
        if is_last {
            return Ok(found);
        }
        if seen >= most || begun.elapsed() > TIME {
            found.down_to = below;
            return Ok(found);
        }
        size = STRETCH;
    }
}
