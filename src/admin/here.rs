//! Where this server is, for addresses that people copy.

use std::{convert::Infallible, net::IpAddr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use super::state::Admin;

/// What is percent-encoded in a segment of a path or a value of a query (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// A text as a segment of a path, or as a value of a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Where this server is, without a slash at its end.
pub(super) struct Here {
    /// `server.public_url`, else the address that it listens on.
    pub(super) base: String,
    /// Nobody has said how the world reaches it.
    pub(super) is_guessed: bool,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Here {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        let Some(admin) = request.rocket().state::<Admin>() else {
            return Outcome::Forward(rocket::http::Status::NotFound);
        };
        let server = &admin.config.server;
        if let Some(url) = &server.public_url {
            return Outcome::Success(Self { base: url.clone(), is_guessed: false });
        }
        // Whoever listens on every address, or on any port, is found where the browser found it; only its shape is believed.
        let (ip, port) = (server.listen.ip(), server.listen.port());
        let host = request.headers().get_one("Host").filter(|host| is_authority(host));
        let base = match host {
            Some(host) if ip.is_unspecified() || port == 0 => host.to_owned(),
            _ if ip.is_unspecified() => format!("{}:{port}", loopback(ip)),
            _ => server.listen.to_string(),
        };
        Outcome::Success(Self { base: format!("http://{base}"), is_guessed: true })
    }
}

fn loopback(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "127.0.0.1" } else { "[::1]" }
}

fn is_authority(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    !text.is_empty() && text.len() <= 255 && text.chars().all(fits)
}
