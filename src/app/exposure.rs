//! Where the admin may be served: never where passwords would cross a network in the clear, unless somebody says that they may.

use std::net::SocketAddr;

use crate::config::Config;

/// Refuses an address of the admin that others reach without TLS. The error is one sentence with the ways out.
pub(super) fn check(config: &Config) -> Result<(), String> {
    let (key, listen) = listener(config);
    if is_by_tls(config) || listen.ip().to_canonical().is_loopback() || config.server.dangerous_plain_http {
        return Ok(());
    }
    Err(format!(
        "{key} is {listen}, which others reach, and nothing says that they reach it by TLS: passwords of the admin would cross the network \
         in the clear. Ways out: put a proxy with TLS before it and set `server.public_url = \"https://...\"`; or keep the admin on this \
         machine with `server.admin_listen = \"127.0.0.1:8001\"`; or, in a network that you trust, set `server.dangerous_plain_http = true`"
    ))
}

/// What to say at the start where browsers speak http. `None`: they speak https.
pub(super) fn warning(config: &Config) -> Option<String> {
    let (_, listen) = listener(config);
    if is_by_tls(config) {
        return None;
    }
    Some(if listen.ip().to_canonical().is_loopback() {
        format!(
            "the admin is served over http at {listen}: sign in from this machine alone, or set server.public_url to https"
        )
    } else {
        format!("the admin is served over http at {listen}: whoever is on the way reads passwords")
    })
}

/// The setting and the address of the admin.
fn listener(config: &Config) -> (&'static str, SocketAddr) {
    config.server.admin_listen.map_or(("server.listen", config.server.listen), |listen| ("server.admin_listen", listen))
}

fn is_by_tls(config: &Config) -> bool {
    config.server.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
}

/// How browsers reach the admin, without the slash at its end.
pub fn admin_url(config: &Config, listen: SocketAddr) -> String {
    match (&config.server.public_url, config.server.admin_listen) {
        (Some(url), None) => url.clone(),
        (Some(url), Some(_)) if !listen.ip().is_loopback() => url.clone(),
        _ => format!("http://{listen}"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_admin_is_not_served_in_the_clear_to_a_network() {
        for (listen, admin, url, dangerous, fine) in [
            ("127.0.0.1:8000", None, None, false, true),
            ("[::1]:8000", None, None, false, true),
            ("0.0.0.0:8000", None, None, false, false),
            ("[::]:8000", None, None, false, false),
            ("0.0.0.0:8000", None, Some("http://bell.example.com"), false, false),
            ("0.0.0.0:8000", None, Some("https://bell.example.com"), false, true),
            ("0.0.0.0:8000", Some("127.0.0.1:8001"), None, false, true),
            ("127.0.0.1:8000", Some("192.0.2.1:8001"), None, false, false),
            ("0.0.0.0:8000", None, None, true, true),
        ] {
            let mut config = Config::defaults(Path::new("."));
            config.server.listen = listen.parse().unwrap();
            config.server.admin_listen = admin.map(|admin: &str| admin.parse().unwrap());
            config.server.public_url = url.map(str::to_owned);
            config.server.dangerous_plain_http = dangerous;
            let checked = check(&config);
            assert_eq!(checked.is_ok(), fine, "{listen} {admin:?} {url:?}: {checked:?}");
        }
    }
}
