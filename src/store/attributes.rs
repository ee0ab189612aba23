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
    model::{Change, Keeper},
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

/// What a change makes of the attributes; nothing is written yet. The inner `Err` is one sentence: it cannot be made.
pub(super) fn changed(
    conn: &mut Conn,
    run: RunId,
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
    origins.extend(written.map(|name| (name.clone(), Value::from(run.0))));
    origins.retain(|name, _| attributes.contains_key(name));
    Ok(Ok(After { keeper: code(keeper), key, attributes, origins, is_changed: !change.is_read() }))
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
