//! Reads the raw bytes of a delivery, whole or not at all.

use rocket::{Data, Request, data::ByteUnit};

use crate::web::Fault;

/// The body, at most `limit` bytes. `Err` holds the bytes that were read.
pub(super) async fn read(request: &Request<'_>, data: Data<'_>, limit: usize) -> Result<Vec<u8>, (Fault, u64)> {
    let claimed = match request.headers().get_one("content-length") {
        None => None,
        Some(text) => Some(text.parse::<u64>().map_err(|_| (Fault::INCOMPLETE, 0))?),
    };
    if claimed.is_some_and(|claimed| usize::try_from(claimed).map_or(true, |claimed| claimed > limit)) {
        return Err((Fault::TOO_LARGE, 0));
    }
    let read = data.open(ByteUnit::from(limit)).into_bytes().await.map_err(|_| (Fault::INCOMPLETE, 0))?;
    let length = u64::try_from(read.len()).unwrap_or(u64::MAX);
    if !read.is_complete() {
        return Err((Fault::TOO_LARGE, length));
    }
    // Rocket takes a body that breaks off within its first bytes for a whole one: only the length tells. Without one (chunked, and no
    // gate before us) nothing does.
    match claimed {
        Some(claimed) if claimed != length => Err((Fault::INCOMPLETE, length)),
        None if request.headers().contains("transfer-encoding") => {
            Err((Fault::new(411, "length_required", "send the body with a Content-Length"), length))
        }
        _ => Ok(read.into_inner()),
    }
}
