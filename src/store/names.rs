//! Words that come again and again, kept once: rows hold their small numbers. Names are only ever added.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, RwLock},
};

use diesel::{ExpressionMethods as _, Insertable, OptionalExtension as _, QueryDsl as _, Queryable, RunQueryDsl as _};

use super::{
    compress::{BARE, Dictionary, PLAIN},
    dialect::{self, Conn, each},
    error::StoreError,
    schema::{channels, dictionaries, names},
    tallies::Tally,
    waits,
};

/// Ids of `dictionaries` begin after the two that stand for none.
const FIRST_DICTIONARY: i32 = BARE + 1;

/// Where an event came in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Channel {
    pub(super) kind: String,
    pub(super) source: String,
    /// Empty for none.
    pub(super) service: String,
    pub(super) verified: String,
}

#[derive(Insertable)]
#[diesel(table_name = channels)]
struct ChannelInsert<'c> {
    id: i32,
    kind: &'c str,
    source: &'c str,
    service: &'c str,
    verified: &'c str,
}

#[derive(Queryable)]
struct ChannelRow {
    _id: i32,
    kind: String,
    source: String,
    service: String,
    verified: String,
}

/// Channels kept in memory; a public source may bring any number of types.
const KEPT: usize = 10_000;

/// What the writer knows of names and their numbers, and of what waits for events. Forgotten when a transaction is rolled back, since some
/// may have gone with it.
#[derive(Default)]
pub(super) struct Known {
    names: HashMap<String, i32>,
    channels: HashMap<Channel, i32>,
    dictionaries: HashMap<[u8; 32], i32>,
    pub(super) waits: waits::Open,
    /// Rules with problems of failed runs. `None`: not asked yet.
    pub(super) troubled: Option<HashSet<i32>>,
    pub(super) echoes_since_sweep: u32,
    /// Duplicates since their ring was last cut.
    pub(super) repeats_since_cut: u32,
    /// Asked for once; whoever pauses or resumes one forgets it.
    pub(super) paused: Option<BTreeSet<String>>,
    /// What the open transaction counts.
    pub(super) tally: Tally,
}

impl Known {
    /// Whether the runs of a source are not begun now.
    pub(super) fn is_paused(&mut self, conn: &mut Conn, source: &str) -> Result<bool, StoreError> {
        let paused = match self.paused.take() {
            Some(paused) => paused,
            None => dialect::paused_names(conn)?,
        };
        let found = paused.contains(source);
        self.paused = Some(paused);
        Ok(found)
    }

    /// Forgets everything but what the open transaction counts.
    pub(super) fn forget(&mut self) {
        *self = Self { tally: std::mem::take(&mut self.tally), ..Self::default() };
    }

    /// Forgets everything: the transaction came to nothing.
    pub(super) fn roll_back(&mut self) {
        *self = Self::default();
    }

    /// The number of a name; a new one where it has none.
    pub(super) fn name(&mut self, conn: &mut Conn, name: &str) -> Result<i32, StoreError> {
        if let Some(id) = self.names.get(name) {
            return Ok(*id);
        }
        let found = name_id(conn, name)?;
        let id = if let Some(id) = found {
            id
        } else {
            let last: Option<i32> = each!(conn, c => names::table.select(diesel::dsl::max(names::id)).get_result(c))?;
            let id = last.unwrap_or(0).saturating_add(1);
            each!(conn, c => diesel::insert_into(names::table).values((names::id.eq(id), names::name.eq(name))).execute(c))?;
            id
        };
        if self.names.len() >= KEPT {
            self.names.clear();
        }
        self.names.insert(name.to_owned(), id);
        Ok(id)
    }

    /// The number of a name that is there already.
    pub(super) fn known_name(&mut self, conn: &mut Conn, name: &str) -> Result<Option<i32>, StoreError> {
        match self.names.get(name) {
            Some(id) => Ok(Some(*id)),
            None => name_id(conn, name),
        }
    }

    /// The number of a channel; a new one where it has none.
    pub(super) fn channel(&mut self, conn: &mut Conn, channel: &Channel) -> Result<i32, StoreError> {
        if let Some(id) = self.channels.get(channel) {
            return Ok(*id);
        }
        let found: Option<i32> = each!(conn, c => channels::table
            .filter(channels::kind.eq(&channel.kind))
            .filter(channels::source.eq(&channel.source))
            .filter(channels::service.eq(&channel.service))
            .filter(channels::verified.eq(&channel.verified))
            .select(channels::id)
            .get_result(c)
            .optional())?;
        let id = if let Some(id) = found {
            id
        } else {
            let last: Option<i32> =
                each!(conn, c => channels::table.select(diesel::dsl::max(channels::id)).get_result(c))?;
            let row = ChannelInsert {
                id: last.unwrap_or(0).saturating_add(1),
                kind: &channel.kind,
                source: &channel.source,
                service: &channel.service,
                verified: &channel.verified,
            };
            each!(conn, c => diesel::insert_into(channels::table).values(&row).execute(c))?;
            row.id
        };
        if self.channels.len() >= KEPT {
            self.channels.clear();
        }
        self.channels.insert(channel.clone(), id);
        Ok(id)
    }

    /// The number of a dictionary; it is stored where it is not yet. `None`: the body is plain.
    pub(super) fn dictionary(&mut self, conn: &mut Conn, used: Option<&Dictionary>) -> Result<i32, StoreError> {
        let Some(dictionary) = used else { return Ok(PLAIN) };
        if let Some(id) = self.dictionaries.get(&dictionary.digest) {
            return Ok(*id);
        }
        let found: Option<i32> = each!(conn, c => dictionaries::table
            .filter(dictionaries::digest.eq(&dictionary.digest[..]))
            .select(dictionaries::id)
            .get_result(c)
            .optional())?;
        let id = if let Some(id) = found {
            id
        } else {
            let last: Option<i32> =
                each!(conn, c => dictionaries::table.select(diesel::dsl::max(dictionaries::id)).get_result(c))?;
            let id = last.map_or(FIRST_DICTIONARY, |last| last.saturating_add(1));
            each!(conn, c => diesel::insert_into(dictionaries::table)
                    .values((
                        dictionaries::id.eq(id),
                        dictionaries::digest.eq(&dictionary.digest[..]),
                        dictionaries::data.eq(&dictionary.bytes[..]),
                    ))
                    .execute(c))?;
            id
        };
        self.dictionaries.insert(dictionary.digest, id);
        Ok(id)
    }
}

/// The number of a name that is known. `None`: nothing was ever stored under it.
pub(super) fn name_id(conn: &mut Conn, name: &str) -> Result<Option<i32>, StoreError> {
    Ok(each!(conn, c => names::table.filter(names::name.eq(name)).select(names::id).get_result(c).optional())?)
}

/// The channels of a type and a source, where given, newest first.
pub(super) fn channels_of(conn: &mut Conn, kind: Option<&str>, source: Option<&str>) -> Result<Vec<i32>, StoreError> {
    let mut question = channels::table.select(channels::id).order(channels::id.desc()).into_boxed();
    if let Some(kind) = kind {
        question = question.filter(channels::kind.eq(kind.to_owned()));
    }
    if let Some(source) = source {
        question = question.filter(channels::source.eq(source.to_owned()));
    }
    Ok(question.load(conn)?)
}

/// What readers have looked up: names never change, and a number is never given twice while this process runs, but for dictionaries,
/// whose content is checked by what it opens.
#[derive(Default)]
pub(super) struct Lookup {
    names: RwLock<HashMap<i32, Arc<str>>>,
    channels: RwLock<HashMap<i32, Arc<Channel>>>,
    dictionaries: RwLock<HashMap<i32, Arc<Dictionary>>>,
}

impl Lookup {
    /// The name of a number.
    pub(super) fn name(&self, conn: &mut Conn, id: i32) -> Result<Arc<str>, StoreError> {
        remembered(&self.names, id, || {
            let found: Option<String> =
                each!(conn, c => names::table.find(id).select(names::name).get_result(c).optional())?;
            found.map(Arc::from).ok_or_else(|| StoreError::Corrupt(format!("name {id} is missing")))
        })
    }

    /// The channel of a number.
    pub(super) fn channel(&self, conn: &mut Conn, id: i32) -> Result<Arc<Channel>, StoreError> {
        remembered(&self.channels, id, || {
            let row: Option<ChannelRow> = each!(conn, c => channels::table.find(id).get_result(c).optional())?;
            row.map(|row| {
                Arc::new(Channel { kind: row.kind, source: row.source, service: row.service, verified: row.verified })
            })
            .ok_or_else(|| StoreError::Corrupt(format!("channel {id} is missing")))
        })
    }

    /// The dictionary of a number, which is neither `PLAIN` nor `BARE`.
    pub(super) fn dictionary(&self, conn: &mut Conn, id: i32) -> Result<Arc<Dictionary>, StoreError> {
        remembered(&self.dictionaries, id, || {
            let data: Option<Vec<u8>> =
                each!(conn, c => dictionaries::table.find(id).select(dictionaries::data).get_result(c).optional())?;
            data.map(|bytes| Arc::new(Dictionary::prepare(bytes)))
                .ok_or_else(|| StoreError::Corrupt(format!("dictionary {id} is missing")))
        })
    }

    /// After dictionaries were deleted: a number may be given again.
    pub(super) fn forget_dictionaries(&self) {
        if let Ok(mut known) = self.dictionaries.write() {
            known.clear();
        }
    }
}

fn remembered<T: Clone>(
    known: &RwLock<HashMap<i32, T>>,
    id: i32,
    ask: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    if let Ok(known) = known.read()
        && let Some(value) = known.get(&id)
    {
        return Ok(value.clone());
    }
    let value = ask()?;
    if let Ok(mut known) = known.write() {
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(id, value.clone());
    }
    Ok(value)
}
