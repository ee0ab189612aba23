//! What `profile` and `record` steps keep: attributes of a person, or of any key.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};
use serde_json::{Map, Value};

use super::{
    dialect::{self, Conn, each},
    error::StoreError,
    json,
    schema::attributes,
};
use crate::{
    clock::Time,
    ids::RunId,
    model::{Change, Keeper, attribute_fault, name_fault},
};

type Object = Map<String, Value>;

/// Attributes of one key.
const MOST: usize = 500;
/// Their JSON, in bytes.
const LARGEST: usize = 64 << 10;
/// A key, in bytes: PostgreSQL has no longer ones in an index.
const LONGEST_KEY: usize = 1024;

/// Attributes as they are after a step.
pub(super) struct After {
    keeper: i16,
    key: String,
    /// All of them.
    pub(super) attributes: Object,
    /// The run that last wrote each.
    origins: Object,
    is_changed: bool,
}

fn code(keeper: Keeper) -> i16 {
    match keeper {
        Keeper::Profile => 0,
        Keeper::Record => 1,
    }
}

/// The key as it is kept: e-mails compare without case.
fn kept(keeper: Keeper, key: &str) -> String {
    match keeper {
        Keeper::Profile => key.to_lowercase(),
        Keeper::Record => key.to_owned(),
    }
}

fn row(conn: &mut Conn, keeper: i16, key: &str) -> Result<(Object, Object), StoreError> {
    let row: Option<(Vec<u8>, Vec<u8>)> = each!(conn, c => attributes::table
        .filter(attributes::keeper.eq(keeper))
        .filter(attributes::key.eq(key))
        .select((attributes::data, attributes::origins))
        .get_result(c)
        .optional())?;
    let Some((data, origins)) = row else { return Ok((Object::new(), Object::new())) };
    Ok((json::open_object(Some(data))?, json::open_object(Some(origins))?))
}

/// The attributes of a person or key. Empty where there are none.
pub(super) fn of(conn: &mut Conn, keeper: Keeper, key: &str) -> Result<Object, StoreError> {
    if key.contains('\0') {
        return Ok(Object::new());
    }
    Ok(row(conn, code(keeper), &kept(keeper, key))?.0)
}

/// The attributes of one person or key, with where each comes from.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AttributesRow {
    /// The e-mail in lower case, or the key.
    pub key: String,
    /// By name.
    pub attributes: Object,
    /// Who last wrote each: a run (`run_...`), `hand` or `import`. One without was written before that was kept.
    pub origins: Object,
    /// When any of them was last written.
    pub changed_at: Time,
}

pub(super) type TableRow = (String, Vec<u8>, Vec<u8>, i64);

impl AttributesRow {
    fn of((key, data, origins, changed_at): TableRow) -> Result<Self, StoreError> {
        let shown = |origin: Value| match origin.as_i64() {
            Some(run) => Value::String(RunId(run).to_string()),
            None => origin,
        };
        let origins = json::open_object(Some(origins))?.into_iter().map(|(name, origin)| (name, shown(origin)));
        let attributes = json::open_object(Some(data))?;
        Ok(Self { key, attributes, origins: origins.collect(), changed_at: Time(changed_at) })
    }
}

/// The same with their origins. `None`: nothing is kept of this key.
pub(super) fn find(conn: &mut Conn, keeper: Keeper, key: &str) -> Result<Option<AttributesRow>, StoreError> {
    if key.contains('\0') {
        return Ok(None);
    }
    let row: Option<TableRow> = each!(conn, c => attributes::table
        .filter(attributes::keeper.eq(code(keeper)))
        .filter(attributes::key.eq(kept(keeper, key)))
        .select((attributes::key, attributes::data, attributes::origins, attributes::changed_at))
        .get_result(c)
        .optional())?;
    row.map(AttributesRow::of).transpose()
}

/// Up to `limit` of them in the order of their keys, behind `after`.
pub(super) fn page(
    conn: &mut Conn,
    keeper: Keeper,
    after: &str,
    limit: usize,
) -> Result<Vec<AttributesRow>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<TableRow> = each!(conn, c => attributes::table
        .filter(attributes::keeper.eq(code(keeper)))
        .filter(attributes::key.gt(after))
        .order(attributes::key.asc())
        .limit(limit)
        .select((attributes::key, attributes::data, attributes::origins, attributes::changed_at))
        .load(c))?;
    rows.into_iter().map(AttributesRow::of).collect()
}

/// Up to 51 of those whose keys begin with `prefix`, in the order of the bytes of their keys, behind `after`.
pub(super) fn with_prefix(
    conn: &mut Conn,
    keeper: Keeper,
    prefix: &str,
    after: &str,
) -> Result<Vec<AttributesRow>, StoreError> {
    let prefix = kept(keeper, prefix);
    if prefix.contains('\0') || after.contains('\0') {
        return Ok(Vec::new());
    }
    let end = format!("{prefix}{}", char::MAX);
    let rows = dialect::attributes_between(conn, code(keeper), after, &prefix, &end)?;
    rows.into_iter().map(AttributesRow::of).collect()
}

/// Who writes attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A step of this run.
    Run(RunId),
    /// A person.
    Hand,
    /// A file of many.
    Import,
}

impl By {
    fn value(self) -> Value {
        match self {
            Self::Run(run) => Value::from(run.0),
            Self::Hand => Value::from("hand"),
            Self::Import => Value::from("import"),
        }
    }
}

/// Changes attributes at once. The inner `Err` is one sentence: it cannot be made, and nothing is changed.
pub(super) fn change(
    conn: &mut Conn,
    keeper: Keeper,
    key: &str,
    change: &Change,
    by: By,
    now: Time,
) -> Result<Result<Object, String>, StoreError> {
    match changed(conn, by, keeper, key, change)? {
        Ok(after) => put(conn, &after, now).map(|()| Ok(after.attributes)),
        Err(why) => Ok(Err(why)),
    }
}

/// What a change makes of the attributes; nothing is written yet. The inner `Err` is one sentence: it cannot be made.
pub(super) fn changed(
    conn: &mut Conn,
    by: By,
    keeper: Keeper,
    key: &str,
    change: &Change,
) -> Result<Result<After, String>, StoreError> {
    let key = kept(keeper, key);
    if key.contains('\0') || key.len() > LONGEST_KEY {
        return Ok(Err(format!(
            "a key of attributes has {LONGEST_KEY} bytes at most and no NUL character; this one has {} bytes",
            key.len()
        )));
    }
    let (mut attributes, mut origins) = row(conn, code(keeper), &key)?;
    let of_set = || change.set.iter().find_map(|(name, value)| attribute_fault(name, value));
    let of_others = || change.add.keys().chain(change.append.keys()).find_map(|name| name_fault(name));
    if keeper == Keeper::Profile
        && let Some(why) = of_set().or_else(of_others)
    {
        return Ok(Err(why));
    }
    if let Err(why) = change.apply(&mut attributes) {
        return Ok(Err(why));
    }
    if attributes.len() > MOST {
        let count = attributes.len();
        return Ok(Err(format!(
            "`{key}` would have {count} attributes, and {MOST} are kept at most; remove some first"
        )));
    }
    let bytes = serde_json::to_vec(&attributes).map_err(|error| StoreError::Rejected(error.to_string()))?.len();
    if bytes > LARGEST {
        return Ok(Err(format!(
            "the attributes of `{key}` would take {bytes} bytes, and {LARGEST} are kept at most; remove some first"
        )));
    }
    let written = change.set.keys().chain(change.add.keys()).chain(change.append.keys());
    origins.extend(written.map(|name| (name.clone(), by.value())));
    origins.retain(|name, _| attributes.contains_key(name));
    Ok(Ok(After { keeper: code(keeper), key, attributes, origins, is_changed: !change.is_read() }))
}

/// Deletes all attributes of a key as it is kept.
pub(super) fn delete(conn: &mut Conn, keeper: Keeper, key: &str) -> Result<(), StoreError> {
    dialect::overwrite_deleted(conn)?;
    dialect::delete_attributes(conn, code(keeper), key)
}

/// Writes them, where they have changed.
pub(super) fn put(conn: &mut Conn, after: &After, now: Time) -> Result<(), StoreError> {
    if !after.is_changed {
        return Ok(());
    }
    if after.attributes.is_empty() {
        return dialect::delete_attributes(conn, after.keeper, &after.key);
    }
    let (data, origins) = (json::pack_all(&after.attributes)?, json::pack_all(&after.origins)?);
    dialect::put_attributes(conn, after.keeper, &after.key, &data, &origins, now.0)
}
