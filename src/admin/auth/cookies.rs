//! The four cookies: of the session, of the login page, of a device that was used before, and of a way to the provider.

use std::time::Duration;

use rocket::Request;

use crate::{config::Config, store::SESSION_LONGEST};

/// How long a device is known.
pub(super) const DEVICE: Duration = Duration::from_hours(180 * 24);
/// How long a login page may lie open.
const LOGIN: Duration = Duration::from_hours(12);
/// How long somebody may be at the provider.
const OIDC: Duration = Duration::from_mins(10);

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cookie {
    /// The id of the session.
    Session,
    /// What binds the form of login to this browser.
    Login,
    /// What tells that somebody has signed in here before.
    Device,
    /// What binds a way to the provider of sign-in, and back, to this browser.
    Oidc,
}

impl Cookie {
    fn name(self, is_secure: bool) -> &'static str {
        match (self, is_secure) {
            (Self::Session, true) => "__Host-bellwire",
            (Self::Session, false) => "bellwire",
            (Self::Login, true) => "__Host-bellwire-login",
            (Self::Login, false) => "bellwire-login",
            (Self::Device, true) => "__Host-bellwire-device",
            (Self::Device, false) => "bellwire-device",
            (Self::Oidc, true) => "__Host-bellwire-oidc",
            (Self::Oidc, false) => "bellwire-oidc",
        }
    }

    fn lasts(self) -> Duration {
        match self {
            Self::Session => SESSION_LONGEST,
            Self::Login => LOGIN,
            Self::Device => DEVICE,
            Self::Oidc => OIDC,
        }
    }

    /// Its value in a request. One that stands twice was planted by a neighbour, and counts as none.
    pub(super) fn of(self, request: &Request<'_>, config: &Config) -> Option<String> {
        let name = self.name(is_secure(config));
        let pairs = request.headers().get("Cookie").flat_map(|line| line.split(';')).filter_map(|pair| {
            let (known, value) = pair.trim().split_once('=')?;
            (known == name).then_some(value)
        });
        let mut found = pairs;
        let value = found.next()?;
        let is_key = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        (found.next().is_none() && is_key).then(|| value.to_owned())
    }

    /// The header that keeps it.
    pub(super) fn set(self, value: &str, config: &Config) -> String {
        let is_secure = is_secure(config);
        let (name, lasts) = (self.name(is_secure), self.lasts().as_secs());
        let secure = if is_secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={lasts}{secure}")
    }

    /// The header that ends it.
    pub(super) fn end(self, config: &Config) -> String {
        let is_secure = is_secure(config);
        let secure = if is_secure { "; Secure" } else { "" };
        format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}", self.name(is_secure))
    }
}

/// Whether browsers reach this server by https.
pub(super) fn is_secure(config: &Config) -> bool {
    config.server.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
}
