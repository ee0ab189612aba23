//! Which headers and query values of a delivery are never kept: rules cannot see them, and intake drops them.

/// Never kept: proofs, what is of one hop, what says nothing about the event.
const DROPPED: [&str; 20] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "pragma",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "referer",
];
/// Parts of a name that tell of a proof, whoever invented it.
const TELLING: [&str; 8] = ["signature", "token", "secret", "hmac", "password", "api-key", "apikey", "api_key"];

/// Whether a header or query value of this name (in small letters) is dropped when a delivery comes in.
pub fn is_dropped(name: &str) -> bool {
    is_telling(name) || DROPPED.contains(&name)
}

/// Whether the name (in small letters) is one that a proof of identity has: `x-api-key`, `access_token`.
pub fn is_telling(name: &str) -> bool {
    matches!(name, "authorization" | "proxy-authorization" | "cookie") || TELLING.iter().any(|part| name.contains(part))
}
