//! How often somebody may be wrong: by account, network and device, and in all.

use std::{net::IpAddr, time::Duration};

use super::keys::digest;
use crate::store::TryLimit;

const fn minutes(n: u64) -> Duration {
    Duration::from_mins(n)
}

/// What a try to sign in is counted on. `device`: the digest of a device that this account has signed in with before; it alone counts
/// then, so that nobody can lock an owner out by guessing.
pub(super) fn of_login(name: &str, peer: &str, device: Option<[u8; 32]>) -> Vec<TryLimit> {
    if let Some(device) = device {
        return vec![TryLimit {
            key: format!("device:{}", short(device)),
            free: 10,
            delay: Duration::from_secs(5),
            longest: minutes(15),
            forgives: minutes(10),
        }];
    }
    let account = TryLimit {
        key: format!("account:{}", short(digest(&name.to_lowercase()))),
        free: 5,
        delay: Duration::from_secs(1),
        longest: minutes(15),
        forgives: minutes(15),
    };
    let network = TryLimit {
        key: format!("network:{}", network(peer)),
        free: 30,
        delay: Duration::from_secs(2),
        longest: minutes(15),
        forgives: minutes(1),
    };
    let all = TryLimit {
        key: "all".to_owned(),
        free: 500,
        delay: Duration::from_secs(1),
        longest: minutes(1),
        forgives: Duration::from_secs(1),
    };
    vec![account, network, all]
}

/// What a guess at a one-time code is counted on: the user alone, whatever sign-ins lie between. `device`: the digest of a device that this
/// user has signed in with before; it alone counts then, so that who has stolen a password cannot use up its owner's tries.
pub(super) fn of_code(user: i64, device: Option<[u8; 32]>) -> Vec<TryLimit> {
    let whose = device.map_or_else(|| user.to_string(), |device| format!("{user}:{}", short(device)));
    vec![TryLimit {
        key: format!("second:{whose}"),
        free: 5,
        delay: Duration::from_secs(10),
        longest: minutes(60),
        forgives: minutes(30),
    }]
}

/// What a wrong recovery code is counted on: the network alone. It has 80 bits, so that nobody finds one by guessing; its owner gets in by it
/// from a new device also while somebody else uses up all tries.
pub(super) fn of_recovery(peer: &str) -> Vec<TryLimit> {
    vec![TryLimit {
        key: format!("recovery:{}", network(peer)),
        free: 10,
        delay: Duration::from_secs(5),
        longest: minutes(15),
        forgives: minutes(5),
    }]
}

/// What a way to the provider is counted on: each one is kept for minutes.
pub(super) fn of_provider(peer: &str) -> Vec<TryLimit> {
    vec![TryLimit {
        key: format!("provider:{}", network(peer)),
        free: 60,
        delay: Duration::from_secs(1),
        longest: minutes(1),
        forgives: Duration::from_secs(5),
    }]
}

fn short(digest: [u8; 32]) -> String {
    hex::encode(digest.first_chunk::<16>().copied().unwrap_or_default())
}

/// The network of an address: what one sender has in hand.
pub(in crate::admin) fn network(peer: &str) -> String {
    let length = |ip: &IpAddr| if ip.is_ipv4() { 24 } else { 64 };
    let network = peer.parse::<IpAddr>().ok().and_then(|ip| ipnet::IpNet::new(ip, length(&ip)).ok());
    network.map_or_else(|| "unknown".to_owned(), |network| network.trunc().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_counted_by_network_and_by_name_in_any_case() {
        for (peer, wanted) in
            [("203.0.113.7", "203.0.113.0/24"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("nonsense", "unknown")]
        {
            assert_eq!(network(peer), wanted);
        }
        assert_eq!(of_login("Ada", "203.0.113.7", None), of_login("ADA", "203.0.113.99", None));
        assert_ne!(of_login("ada", "203.0.113.7", None), of_login("bob", "203.0.113.7", None));
        assert_eq!(of_login("ada", "203.0.113.7", Some([1; 32])).len(), 1);
        assert_ne!(of_code(1, None), of_code(1, Some([1; 32])));
        assert_ne!(of_code(1, Some([1; 32])), of_code(2, Some([1; 32])));
        assert_eq!(of_recovery("203.0.113.7"), of_recovery("203.0.113.99"));
    }
}
