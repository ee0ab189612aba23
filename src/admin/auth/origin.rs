//! Where a request says that it comes from: the host that it names, and the page that sent it.

use http::uri::Authority;
use rocket::Request;

use crate::{admin::refused::Refused, config::Config};

/// The host of a request must be ours where we know what we are called: nobody leads a browser here under another name.
pub(super) fn check_host(request: &Request<'_>, config: &Config) -> Result<(), Refused> {
    let Some(ours) = public_authority(config) else { return Ok(()) };
    let host = request.headers().get_one("Host").unwrap_or_default();
    let is_admin = config.server.admin_listen.is_some_and(|address| address.to_string() == host);
    if same_host(host, &ours) || is_loopback(host) || is_admin {
        return Ok(());
    }
    Err(Refused::new(421, "host", format!("This server is reached at {ours}. See `server.public_url`.")))
}

/// A write of a browser must come from one of our own pages.
pub(super) fn check_write(request: &Request<'_>, config: &Config) -> Result<(), &'static str> {
    let headers = request.headers();
    let site = headers.get_one("Sec-Fetch-Site");
    if site.is_some_and(|site| site != "same-origin") {
        return Err("Sec-Fetch-Site is not same-origin");
    }
    let mut origins = headers.get("Origin");
    match (origins.next(), origins.next()) {
        (Some(origin), None) if is_own(origin, request, config) => Ok(()),
        (None, _) if site.is_some() => Ok(()),
        (None, _) => Err("neither Origin nor Sec-Fetch-Site"),
        _ => Err("Origin is another one"),
    }
}

/// A page may be led to from elsewhere, and not be fetched from there.
pub(super) fn check_read(request: &Request<'_>) -> Result<(), &'static str> {
    let headers = request.headers();
    let is_near = headers.get_one("Sec-Fetch-Site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let is_led = headers.get_one("Sec-Fetch-Mode").is_none_or(|mode| mode == "navigate");
    if is_near || is_led { Ok(()) } else { Err("fetched by a page elsewhere") }
}

fn is_own(origin: &str, request: &Request<'_>, config: &Config) -> bool {
    let host = request.headers().get_one("Host").unwrap_or_default();
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    if host.is_empty() || !matches!(scheme, "http" | "https") {
        return false;
    }
    match public_authority(config) {
        // By its public name it is reached by the scheme of that alone.
        Some(ours) if same_host(host, &ours) => {
            same_host(authority, &ours)
                && config.server.public_url.as_ref().is_some_and(|url| url.starts_with(&format!("{scheme}://")))
        }
        _ => same_host(authority, host),
    }
}

/// Host and port of `server.public_url`.
fn public_authority(config: &Config) -> Option<String> {
    let url = url::Url::parse(config.server.public_url.as_ref()?).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// Whether two hosts are one, a usual port left out or not.
fn same_host(one: &str, other: &str) -> bool {
    let bare = |host: &str| {
        let host = host.to_ascii_lowercase();
        host.strip_suffix(":443").or_else(|| host.strip_suffix(":80")).map_or(host.clone(), str::to_owned)
    };
    bare(one) == bare(other)
}

/// Names that no stranger's server can have.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_without_their_usual_port() {
        assert!(same_host("Bell.example.com:443", "bell.example.com"));
        assert!(!same_host("bell.example.com:8443", "bell.example.com"));
        assert!(!same_host("bell.example.com.evil.example", "bell.example.com"));
        for (host, wanted) in [
            ("localhost:8000", true),
            ("127.0.0.1:8000", true),
            ("[::1]:8000", true),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(host), wanted, "{host}");
        }
    }
}
