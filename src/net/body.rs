//! Bounded reads of what comes back.

use http::HeaderMap;
use reqwest::Response;

/// Bytes of names and values of headers that are kept.
pub(super) const HEADERS: usize = 64 * 1024;

/// The body up to `limit`, and whether there was more.
pub(super) async fn read(response: &mut Response, limit: usize) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = limit - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if chunk.len() > room {
            return Ok((body, true));
        }
    }
    Ok((body, false))
}

/// The headers as text, to the limit.
pub(super) fn headers(map: &HeaderMap) -> Vec<(String, String)> {
    let mut room = HEADERS;
    let mut headers = Vec::with_capacity(map.len());
    for (name, value) in map {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let Some(rest) = room.checked_sub(name.as_str().len() + value.len()) else { break };
        room = rest;
        headers.push((name.as_str().to_owned(), value));
    }
    headers
}
