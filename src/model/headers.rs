//! Headers of a request that are nobody's to set.

/// Headers that the client makes from the request itself, or that belong to one hop; in lower case.
pub const OWN_HEADERS: [&str; 10] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "proxy-authorization",
];
