//! JSON columns: packed, and NULL for nothing.

use serde_json::{Map, Value};

use super::{compress, error::StoreError};
use crate::model::StepError;

fn unreadable(error: &serde_json::Error) -> StoreError {
    StoreError::Corrupt(format!("stored JSON does not read: {error}"))
}

/// Bytes that say how long the meta is.
pub(super) const HEAD: usize = 4;

/// Meta and body as one value: the length of the meta in four bytes, the meta as JSON, the body as it came.
pub(super) fn join(meta: &Map<String, Value>, body: &[u8]) -> Result<Vec<u8>, StoreError> {
    let meta = serde_json::to_vec(meta).map_err(|error| unreadable(&error))?;
    let length =
        u32::try_from(meta.len()).map_err(|_| StoreError::Rejected("the meta of an event is too long".to_owned()))?;
    Ok([&length.to_le_bytes(), meta.as_slice(), body].concat())
}

/// What `join` was given.
pub(super) fn split(mut joined: Vec<u8>) -> Result<(Map<String, Value>, Vec<u8>), StoreError> {
    let cut = || StoreError::Corrupt("a stored body is cut".to_owned());
    let length: [u8; 4] = joined.get(..4).and_then(|head| head.try_into().ok()).ok_or_else(cut)?;
    let end = usize::try_from(u32::from_le_bytes(length)).ok().and_then(|n| n.checked_add(4)).ok_or_else(cut)?;
    let meta = joined.get(4..end).ok_or_else(cut)?;
    let meta = serde_json::from_slice(meta).map_err(|error| unreadable(&error))?;
    joined.drain(..end);
    Ok((meta, joined))
}

/// An object for its column; NULL where it is empty.
pub(super) fn pack_object(object: &Map<String, Value>) -> Result<Option<Vec<u8>>, StoreError> {
    if object.is_empty() {
        return Ok(None);
    }
    pack_all(object).map(Some)
}

/// An object for its column where NULL means "not touched".
pub(super) fn pack_all(object: &Map<String, Value>) -> Result<Vec<u8>, StoreError> {
    let text = serde_json::to_vec(object).map_err(|error| unreadable(&error))?;
    Ok(compress::pack(&text))
}

/// The object of a column; empty for NULL.
pub(super) fn open_object(column: Option<Vec<u8>>) -> Result<Map<String, Value>, StoreError> {
    let Some(packed) = column else { return Ok(Map::new()) };
    serde_json::from_slice(&compress::open(&packed)?).map_err(|error| unreadable(&error))
}

/// An error for its column.
pub(super) fn pack_error(error: Option<&StepError>) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(error) = error else { return Ok(None) };
    let text = serde_json::to_vec(error).map_err(|error| unreadable(&error))?;
    Ok(Some(compress::pack(&text)))
}

/// The error of a column.
pub(super) fn open_error(column: Option<Vec<u8>>) -> Result<Option<StepError>, StoreError> {
    let Some(packed) = column else { return Ok(None) };
    serde_json::from_slice(&compress::open(&packed)?).map(Some).map_err(|error| unreadable(&error))
}
