//! The machine's own addresses, which no rule may call.

use std::{
    collections::BTreeSet,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The addresses of this machine's interfaces, as Linux lists them in `/proc/net`. Empty where it does not.
///
/// An address that a router in front of the machine translates is not among them.
pub fn own_addresses() -> Vec<IpAddr> {
    let v4 = fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let v6 = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let mut own: BTreeSet<IpAddr> = local_v4(&v4).map(IpAddr::V4).collect();
    own.extend(local_v6(&v6).map(IpAddr::V6));
    own.into_iter().collect()
}

/// In the trie, a line `|-- ADDRESS` is followed by what the address is: `/32 host LOCAL`.
fn local_v4(trie: &str) -> impl Iterator<Item = Ipv4Addr> {
    let mut address = None;
    trie.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(next) = line.strip_prefix("|-- ") {
            address = next.parse().ok();
        }
        address.filter(|_| line == "/32 host LOCAL")
    })
}

/// Each line begins with an address of 32 hex digits.
fn local_v6(list: &str) -> impl Iterator<Item = Ipv6Addr> {
    let digits = list.lines().filter_map(|line| line.split_whitespace().next());
    digits
        .filter(|digits| digits.len() == 32)
        .filter_map(|digits| u128::from_str_radix(digits, 16).ok())
        .map(Ipv6Addr::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIE: &str = "Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 198.51.100.255
           /32 link BROADCAST
           |-- 198.51.100.7
              /32 host LOCAL
";

    #[test]
    fn own_addresses_are_read_from_the_trie_and_the_list() {
        let v4: Vec<_> = local_v4(TRIE).map(|ip| ip.to_string()).collect();
        assert_eq!(v4, ["127.0.0.1", "198.51.100.7"]);
        let list = "fe8000000000000000fc00fffe000001 04 40 20 80     eth0\nbad line\n00000000000000000000000000000001 01 80 10 80       lo\n";
        let v6: Vec<_> = local_v6(list).map(|ip| ip.to_string()).collect();
        assert_eq!(v6, ["fe80::fc:ff:fe00:1", "::1"]);
        assert_eq!(local_v4("").count() + local_v6("").count(), 0);
    }

    #[test]
    fn this_machine_has_a_loopback_address() {
        let own = own_addresses();
        assert!(own.is_empty() || own.iter().any(IpAddr::is_loopback), "{own:?}");
    }
}
