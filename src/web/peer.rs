//! The address that a request came from: the peer, or what a trusted proxy says.

use std::net::IpAddr;

use ipnet::IpNet;
use rocket::Request;

/// The header in which the gate tells Rocket the client's address; a client's own is stripped.
pub const PEER: &str = "x-bellwire-peer";

/// How a request's peer is found; managed state of Rocket.
#[derive(Debug, Clone)]
pub struct PeerRules {
    /// Whether requests come through the gate, which says it in a header.
    pub gate: bool,
    /// Whose `X-Forwarded-For` counts.
    pub trusted: Vec<IpNet>,
}

/// The client's address: `peer`, or where that is a trusted proxy, the right-most address of `X-Forwarded-For` that is not one.
/// `forwarded` are the values of that header, first to last. Anything that is no address ends the walk at the last one that was.
pub fn client_address<'v>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'v str>,
    trusted: &[IpNet],
) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    for entry in forwarded.rev().flat_map(|value| value.rsplit(',')) {
        if !is_trusted(&client) {
            return client;
        }
        match address(entry.trim()) {
            Some(next) => client = next,
            None => return client,
        }
    }
    client
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    bare.or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

/// The address that a request came from, as text; empty where it is not known.
pub fn peer_of(request: &Request<'_>) -> String {
    let Some(rules) = request.rocket().state::<PeerRules>() else { return String::new() };
    if rules.gate {
        return request.headers().get_one(PEER).unwrap_or_default().to_owned();
    }
    let Some(remote) = request.remote() else { return String::new() };
    let forwarded: Vec<&str> = request.headers().get("x-forwarded-for").collect();
    client_address(remote.ip(), forwarded.into_iter(), &rules.trusted).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), forwarded.iter().copied(), &trusted).to_string()
    }

    #[test]
    fn forwarded_addresses_count_only_from_a_trusted_proxy() {
        let table: [(&str, &[&str], &[&str], &str); 9] = [
            ("198.51.100.7", &["203.0.113.1"], &[], "198.51.100.7"),
            ("198.51.100.7", &["203.0.113.1"], &["10.0.0.0/8"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.1"], &["10.0.0.0/8"], "203.0.113.1"),
            ("10.0.0.1", &["6.6.6.6, 203.0.113.1, 10.0.0.2"], &["10.0.0.0/8"], "203.0.113.1"),
            ("10.0.0.1", &["6.6.6.6", "203.0.113.1"], &["10.0.0.0/8"], "203.0.113.1"),
            ("10.0.0.1", &["nonsense"], &["10.0.0.0/8"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3"], &["10.0.0.0/8"], "10.0.0.3"),
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.1"], &["10.0.0.0/8"], "203.0.113.1"),
            ("10.0.0.1", &["[2001:db8::1]:4711"], &["10.0.0.0/8"], "2001:db8::1"),
        ];
        for (peer, forwarded, trusted, wanted) in table {
            assert_eq!(client(peer, forwarded, trusted), wanted, "{peer} {forwarded:?} {trusted:?}");
        }
    }
}
