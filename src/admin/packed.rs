//! Answers that are packed for the wire. Only what holds nothing of the person's and nothing that was sent: the length of a packed secret
//! beside a guess of it tells whether the guess is right.

use std::{convert::Infallible, io::Write as _};

use flate2::{Compression, write::GzEncoder};
use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

/// Whether whoever asks can unpack gzip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TakesGzip(pub(super) bool);

impl TakesGzip {
    /// Of a request.
    pub(super) fn of(request: &Request<'_>) -> Self {
        let mut words = request.headers().get("Accept-Encoding").flat_map(|value| value.split(','));
        Self(words.any(|word| {
            let (name, weight) = word.split_once(';').unwrap_or((word, ""));
            let is_never = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0);
            name.trim().eq_ignore_ascii_case("gzip") && !is_never
        }))
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for TakesGzip {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(Self::of(request))
    }
}

/// Packed, as small as it gets. Empty where that fails, which memory does not.
pub(super) fn pack(plain: &[u8], effort: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), effort);
    encoder.write_all(plain).and_then(|()| encoder.finish()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rocket::http::Header;

    use super::*;

    #[test]
    fn gzip_is_taken_where_it_is_named_and_not_forbidden() {
        let client = rocket::local::blocking::Client::untracked(rocket::build()).unwrap();
        for (text, wanted) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("br, gzip; q=0.0", false),
            ("identity", false),
            ("x-gzipped", false),
        ] {
            let mut request = client.get("/");
            request.add_header(Header::new("Accept-Encoding", text));
            assert_eq!(TakesGzip::of(request.inner()), TakesGzip(wanted), "{text}");
        }
    }
}
