//! A delivery: one HTTP request to a hook, accepted or refused. What is kept of a refused one.

use serde::Serialize;

use crate::ids::RefusalId;

/// Why a delivery was refused: the word on the wire, in the log and in the list of refusals, such as `signature_mismatch`.
pub type RefusalReason = &'static str;

/// A refused delivery as it is kept: never body, header values or query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Its id, `ref_...`.
    pub id: RefusalId,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// The source it was sent to. `None` where there is no such source.
    pub source: Option<String>,
    /// The address it came from, as text.
    pub peer: String,
    /// The word of the reason.
    pub reason: String,
    /// The HTTP status it was answered with.
    pub status: u16,
    /// What differed, for the operator: never the key, the expected value or a value of the sender's.
    pub detail: String,
    /// Bytes of the body that were read.
    pub bytes: u64,
}
