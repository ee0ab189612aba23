//! What a signature may be over beside headers and body, and what a proof that held says.

/// Where a delivery was sent to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target<'a> {
    /// `POST`.
    pub method: &'a str,
    /// The scheme and host that senders use, without a slash at the end: `https://bellwire.example.com`.
    pub origin: &'a str,
    /// Path and query as they were sent, nothing of them decoded.
    pub path: &'a str,
    /// The origin is the setting `server.public_url`; false: it is what the request's `Host` says.
    pub is_set: bool,
}

/// A proof that held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Which form matched: `hex`, `base64`, `ed25519`, `token`, `basic` or `none`.
    pub form: &'static str,
    /// Seconds by which the sender's clock is behind ours; below 0 where it is ahead. `None` where no time is signed.
    pub skew: Option<i64>,
    /// The delivery's id, where the signature is over it.
    pub id: Option<String>,
    /// The time as it was sent, where the signature is over it.
    pub time: Option<String>,
}

impl Proof {
    /// One that says nothing of time and id.
    pub(super) fn of(form: &'static str) -> Self {
        Self { form, skew: None, id: None, time: None }
    }
}
