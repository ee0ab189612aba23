//! By which index a list of the inbox is read, for every filter that can be asked.

use std::collections::HashSet;

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};

use super::{InboxFilter, InboxState};
use crate::{
    model::RunStatus,
    store::{
        dialect::{self, Conn, IdSpan},
        error::StoreError,
        names::{channels_of, name_id},
        schema::runs,
    },
};

/// More channels than this are not asked one by one: a list then reads in the order of ids.
const ASKED_APART: usize = 128;
/// Rows of one look at what has no index.
const SCANNED: usize = 5_000;
/// Events of one look for those of which a run failed.
const LOOKED_AT: usize = 1_000;

/// How events are found.
enum EventsWay {
    /// None can be like that.
    None,
    /// In the order of their ids.
    All,
    /// Each channel and state by its index.
    Channels(Vec<i32>, Vec<bool>),
    /// Too many channels: in the order of ids, and each is looked at.
    Scan(Option<HashSet<i32>>, Option<bool>),
    /// Those that a rule ran on; the rest is asked of each.
    Rule(i32, Option<HashSet<i32>>, Option<bool>),
}

/// How a filter is read.
pub(super) struct Ways {
    events: EventsWay,
    /// Of those, the ones alone of which a run failed.
    is_failed: bool,
    /// Duplicates, by their channels.
    repeats: Shown<HashSet<i32>>,
    /// Refusals, by their source.
    refusals: Shown<String>,
}

/// Which of one kind are shown.
enum Shown<T> {
    None,
    All,
    Of(T),
}

impl<T> Shown<T> {
    /// Those of `of` where there is such a thing; none at all unless `are`.
    fn where_they(are: bool, of: Option<T>) -> Self {
        match of {
            _ if !are => Self::None,
            Some(of) => Self::Of(of),
            None => Self::All,
        }
    }
}

/// What a delivery may be, newest or oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Event(i64),
    Repeat(i64),
    Refusal(i64),
}

impl Found {
    pub(super) fn id(self) -> i64 {
        match self {
            Self::Event(id) | Self::Repeat(id) | Self::Refusal(id) => id,
        }
    }
}

/// What was found in a part of a stretch.
pub(super) struct Part {
    /// In order.
    pub(super) found: Vec<Found>,
    /// All that there is up to and with this id was found. `None`: all of the stretch.
    pub(super) upto: Option<i64>,
}

impl Ways {
    /// How a filter is read. Asks the small tables of names alone.
    pub(super) fn of(conn: &mut Conn, filter: &InboxFilter) -> Result<Self, StoreError> {
        let matched = match filter.state {
            Some(InboxState::Matched) => Some(true),
            Some(InboxState::Unmatched) => Some(false),
            _ => None,
        };
        let accepted = [InboxState::Matched, InboxState::Unmatched, InboxState::Failed];
        let wants = |state: InboxState| {
            filter.state.is_none_or(|wanted| wanted == state) && (!filter.is_accepted || accepted.contains(&state))
        };
        let is_accepted = accepted.into_iter().any(wants);
        let is_named = filter.source.is_some() || filter.kind.is_some();
        let channels = channels_of(conn, filter.kind.as_deref(), filter.source.as_deref())?;
        let named = is_named.then(|| channels.iter().copied().collect::<HashSet<i32>>());
        let events = match &filter.rule {
            _ if !is_accepted || channels.is_empty() => EventsWay::None,
            Some(rule) => match name_id(conn, rule)? {
                Some(rule) => EventsWay::Rule(rule, named.clone(), matched),
                None => EventsWay::None,
            },
            None if named.is_none() && matched.is_none() => EventsWay::All,
            None if channels.len() <= ASKED_APART => {
                EventsWay::Channels(channels, matched.map_or(vec![true, false], |matched| vec![matched]))
            }
            None => EventsWay::Scan(named.clone(), matched),
        };
        let repeats = Shown::where_they(wants(InboxState::Duplicate) && filter.rule.is_none(), named);
        let has_refusals =
            wants(InboxState::Refused) && filter.rule.is_none() && filter.kind.is_none() && filter.probe.test.is_none();
        let refusals = Shown::where_they(has_refusals, filter.source.clone());
        Ok(Self { events, is_failed: filter.state == Some(InboxState::Failed), repeats, refusals })
    }

    /// The first `most` of a stretch, and how far that reaches.
    pub(super) fn next(&self, conn: &mut Conn, stretch: IdSpan, most: usize) -> Result<Part, StoreError> {
        let order = stretch.order;
        let events = if self.is_failed { self.failed(conn, stretch, most)? } else { self.events(conn, stretch, most)? };
        let repeats = self.repeats(conn, stretch, most)?;
        let refusals = self.refusals(conn, stretch, most)?;
        let parts = [events, repeats, refusals];
        // What one part has not looked at yet may stand before what another has found.
        let upto = parts.iter().filter_map(|part| part.upto).reduce(|one, other| order.first(one, other));
        let mut found: Vec<Found> = parts.into_iter().flat_map(|part| part.found).collect();
        found.sort_by(|one, other| order.compare(one.id(), other.id()));
        if let Some(upto) = upto {
            found.retain(|one| order.compare(one.id(), upto).is_le());
        }
        Ok(Part { found, upto })
    }

    fn events(&self, conn: &mut Conn, stretch: IdSpan, most: usize) -> Result<Part, StoreError> {
        match &self.events {
            EventsWay::None => Ok(Part { found: Vec::new(), upto: None }),
            EventsWay::All => Ok(full(events(dialect::inbox_events(conn, stretch, most)?), most)),
            EventsWay::Channels(channels, states) => {
                let mut ids = Vec::new();
                for channel in channels {
                    for matched in states {
                        ids.extend(dialect::inbox_channel(conn, stretch, *channel, *matched, most)?);
                    }
                }
                ids.sort_by(|one, other| stretch.order.compare(*one, *other));
                ids.truncate(most);
                Ok(full(events(ids), most))
            }
            EventsWay::Scan(channels, state) => {
                let rows = dialect::inbox_scan(conn, stretch, SCANNED)?;
                Ok(chosen(rows, SCANNED, channels.as_ref(), *state))
            }
            EventsWay::Rule(rule, channels, state) => {
                let size = if channels.is_some() || state.is_some() { SCANNED.min(most * 8) } else { most };
                let rows = dialect::inbox_rule(conn, stretch, *rule, size)?;
                Ok(chosen(rows, size, channels.as_ref(), *state))
            }
        }
    }

    /// Events of which a run failed: they are looked for among all that the filter means otherwise, a bounded number at once.
    fn failed(&self, conn: &mut Conn, stretch: IdSpan, most: usize) -> Result<Part, StoreError> {
        let looked = self.events(conn, stretch, most.max(LOOKED_AT))?;
        let ids: Vec<i64> = looked.found.iter().map(|one| one.id()).collect();
        let mut question = runs::table
            .filter(runs::event.eq_any(ids))
            .filter(runs::status.eq(RunStatus::Failed.code()))
            .select(runs::event)
            .into_boxed();
        if let EventsWay::Rule(rule, ..) = self.events {
            question = question.filter(runs::rule.eq(rule));
        }
        let failed: Vec<i64> = question.load(conn)?;
        let failed: HashSet<i64> = failed.into_iter().collect();
        let mut found: Vec<Found> = looked.found.into_iter().filter(|one| failed.contains(&one.id())).collect();
        if found.len() <= most {
            return Ok(Part { found, upto: looked.upto });
        }
        found.truncate(most);
        Ok(full(found, most))
    }

    fn refusals(&self, conn: &mut Conn, stretch: IdSpan, most: usize) -> Result<Part, StoreError> {
        let source = match &self.refusals {
            Shown::None => return Ok(Part { found: Vec::new(), upto: None }),
            Shown::All => None,
            Shown::Of(source) => Some(source.as_str()),
        };
        let ids = dialect::inbox_refusals(conn, stretch, source, most)?;
        Ok(full(ids.into_iter().map(Found::Refusal).collect(), most))
    }

    fn repeats(&self, conn: &mut Conn, stretch: IdSpan, most: usize) -> Result<Part, StoreError> {
        let channels = match &self.repeats {
            Shown::None => return Ok(Part { found: Vec::new(), upto: None }),
            Shown::All => None,
            Shown::Of(channels) => Some(channels),
        };
        let size = if channels.is_some() { SCANNED } else { most };
        let rows = dialect::inbox_repeats(conn, stretch, size)?;
        let upto = (rows.len() >= size).then(|| rows.last().map(|row| row.0)).flatten();
        let passes = |channel: &i32| channels.is_none_or(|channels| channels.contains(channel));
        let found = rows.iter().filter(|(_, channel)| passes(channel)).map(|(id, _)| Found::Repeat(*id)).collect();
        Ok(Part { found, upto })
    }

    /// How many accepted events there are, `most` at most. `None`: only by looking at each.
    pub(super) fn count(&self, conn: &mut Conn, stretch: IdSpan, most: i64) -> Result<Option<i64>, StoreError> {
        match &self.events {
            EventsWay::None => Ok(Some(0)),
            _ if self.is_failed => Ok(None),
            EventsWay::All => dialect::count_inbox_events(conn, stretch, most).map(Some),
            EventsWay::Channels(channels, states) => {
                let mut count = 0;
                for channel in channels {
                    for matched in states {
                        count += dialect::count_inbox_channel(conn, stretch, *channel, *matched, most - count)?;
                        if count >= most {
                            return Ok(Some(count));
                        }
                    }
                }
                Ok(Some(count))
            }
            EventsWay::Rule(rule, None, None) => dialect::count_inbox_rule(conn, stretch, *rule, most).map(Some),
            EventsWay::Scan(..) | EventsWay::Rule(..) => Ok(None),
        }
    }
}

fn events(ids: Vec<i64>) -> Vec<Found> {
    ids.into_iter().map(Found::Event).collect()
}

/// A list that is full ends at its last entry; one that is not has all.
fn full(found: Vec<Found>, most: usize) -> Part {
    let upto = (found.len() >= most).then(|| found.last().map(|one| one.id())).flatten();
    Part { found, upto }
}

/// Those of the rows that are of the channels and in the state.
fn chosen(rows: Vec<(i64, i32, bool)>, size: usize, channels: Option<&HashSet<i32>>, state: Option<bool>) -> Part {
    let upto = (rows.len() >= size).then(|| rows.last().map(|row| row.0)).flatten();
    let passes = |(_, channel, matched): &(i64, i32, bool)| {
        channels.is_none_or(|channels| channels.contains(channel)) && state.is_none_or(|state| state == *matched)
    };
    let found = rows.into_iter().filter(passes).map(|(id, ..)| Found::Event(id)).collect();
    Part { found, upto }
}

/// How many channels are asked one by one, for the test of the way without an index.
#[cfg(test)]
pub(in crate::store) fn channels_apart() -> usize {
    ASKED_APART
}
