//! `multipart/form-data` (RFC 7578), both ways, in memory.

mod read;
mod write;

pub use read::{MOST_FILES, MultipartError, Part, read_multipart};
pub use write::{MultipartWriteError, NewPart, write_multipart};
