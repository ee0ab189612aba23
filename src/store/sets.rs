//! Rule sets: a manifest of paths, and texts stored once by digest.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};
use sha2::{Digest as _, Sha256};

use super::{
    compress,
    dialect::{self, Conn, each},
    error::StoreError,
    schema::{set_texts, sets, texts},
    state,
};
use crate::clock::Time;

/// A rule set to be stored.
#[derive(Debug, Clone)]
pub struct NewSet {
    /// Over its paths and texts.
    pub digest: [u8; 32],
    /// Path -> text.
    pub texts: Vec<(String, String)>,
}

fn find(conn: &mut Conn, set: &NewSet) -> Result<Option<i64>, StoreError> {
    Ok(each!(conn, c => sets::table
        .filter(sets::digest.eq(&set.digest[..]))
        .select(sets::id)
        .get_result(c)
        .optional())?)
}

/// Stores the set where it is not yet, without putting it in force; its id. It goes as one that was replaced now: once nothing names it.
pub(super) fn keep(conn: &mut Conn, set: &NewSet, at: Time) -> Result<i64, StoreError> {
    let Some(id) = find(conn, set)? else {
        let id = insert(conn, set, at)?;
        let row = sets::table.filter(sets::id.eq(id));
        each!(conn, c => diesel::update(row).set(sets::superseded_at.eq(at.0)).execute(c))?;
        return Ok(id);
    };
    let row = sets::table.filter(sets::id.eq(id)).filter(sets::superseded_at.is_not_null());
    each!(conn, c => diesel::update(row).set(sets::superseded_at.eq(at.0)).execute(c))?;
    Ok(id)
}

/// Stores the set where it is not yet, and puts it in force; its id.
pub(super) fn put_in_force(conn: &mut Conn, set: &NewSet, at: Time) -> Result<i64, StoreError> {
    let id = match find(conn, set)? {
        Some(id) => id,
        None => insert(conn, set, at)?,
    };
    each!(conn, c => diesel::update(sets::table.filter(sets::id.ne(id)).filter(sets::superseded_at.is_null()))
        .set(sets::superseded_at.eq(at.0))
        .execute(c))?;
    let changed = each!(conn, c => diesel::update(sets::table.filter(sets::id.eq(id)))
        .set(sets::superseded_at.eq(None::<i64>))
        .execute(c))?;
    if changed != 1 {
        return Err(StoreError::Corrupt(format!("rule set {id} went away")));
    }
    dialect::put_state(conn, state::IN_FORCE, Some(id), None, None)?;
    Ok(id)
}

fn insert(conn: &mut Conn, set: &NewSet, at: Time) -> Result<i64, StoreError> {
    // A number is not given again while an event may still name it.
    let last: Option<i64> = each!(conn, c => sets::table.select(diesel::dsl::max(sets::id)).get_result(c))?;
    let id = last.unwrap_or(0).saturating_add(1);
    each!(conn, c => diesel::insert_into(sets::table)
        .values((sets::id.eq(id), sets::digest.eq(&set.digest[..]), sets::created_at.eq(at.0)))
        .execute(c))?;
    for (path, text) in &set.texts {
        let text = text_id(conn, text)?;
        each!(conn, c => diesel::insert_into(set_texts::table)
            .values((set_texts::rule_set.eq(id), set_texts::path.eq(path), set_texts::text.eq(text)))
            .execute(c))?;
    }
    Ok(id)
}

fn text_id(conn: &mut Conn, text: &str) -> Result<i64, StoreError> {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let found: Option<i64> = each!(conn, c => texts::table
        .filter(texts::digest.eq(&digest[..]))
        .select(texts::id)
        .get_result(c)
        .optional())?;
    if let Some(id) = found {
        return Ok(id);
    }
    let last: Option<i64> = each!(conn, c => texts::table.select(diesel::dsl::max(texts::id)).get_result(c))?;
    let id = last.unwrap_or(0).saturating_add(1);
    each!(conn, c => diesel::insert_into(texts::table)
        .values((texts::id.eq(id), texts::digest.eq(&digest[..]), texts::data.eq(compress::pack(text.as_bytes()))))
        .execute(c))?;
    Ok(id)
}

/// The texts of a set by path. `None`: there is no such set.
pub(super) fn texts_of(conn: &mut Conn, set: i64) -> Result<Option<Vec<(String, String)>>, StoreError> {
    let known: Option<i64> = each!(conn, c => sets::table.find(set).select(sets::id).get_result(c).optional())?;
    if known.is_none() {
        return Ok(None);
    }
    let rows: Vec<(String, i64)> = each!(conn, c => set_texts::table
        .filter(set_texts::rule_set.eq(set))
        .order(set_texts::path.asc())
        .select((set_texts::path, set_texts::text))
        .load(c))?;
    let mut found = Vec::with_capacity(rows.len());
    for (path, text) in rows {
        let packed: Vec<u8> = each!(conn, c => texts::table.find(text).select(texts::data).get_result(c))?;
        let text = String::from_utf8(compress::open(&packed)?)
            .map_err(|_| StoreError::Corrupt(format!("the text of {path} in rule set {set} is not UTF-8")))?;
        found.push((path, text));
    }
    Ok(Some(found))
}
