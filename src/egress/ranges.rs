//! Addresses that no rule may call unless the operator opens them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// IANA's registry of special IPv4 blocks (RFC 6890 and what came after), multicast and the reserved end, and one address of a cloud
/// that lies in public space.
const V4: [(Ipv4Net, &str); 18] = [
    (v4([0, 0, 0, 0], 8), "this network"),
    (v4([10, 0, 0, 0], 8), "private"),
    (v4([100, 64, 0, 0], 10), "shared by carriers"),
    (v4([127, 0, 0, 0], 8), "loopback"),
    (v4([169, 254, 0, 0], 16), "link-local; cloud metadata"),
    (v4([172, 16, 0, 0], 12), "private"),
    (v4([192, 0, 0, 0], 24), "protocol assignments"),
    (v4([192, 0, 2, 0], 24), "documentation"),
    (v4([192, 31, 196, 0], 24), "AS112"),
    (v4([192, 52, 193, 0], 24), "AMT"),
    (v4([192, 88, 99, 0], 24), "6to4 relays"),
    (v4([192, 168, 0, 0], 16), "private"),
    (v4([192, 175, 48, 0], 24), "AS112"),
    (v4([198, 18, 0, 0], 15), "benchmarks"),
    (v4([198, 51, 100, 0], 24), "documentation"),
    (v4([203, 0, 113, 0], 24), "documentation"),
    (v4([168, 63, 129, 16], 32), "Azure's wire server"),
    // Multicast, the reserved block and broadcast are one stretch.
    (v4([224, 0, 0, 0], 3), "multicast or reserved"),
];

/// All that is public in IPv6 today (RFC 4291, section 2.4). Loopback, mapped and compatible IPv4, NAT64, discard, segment routing,
/// unique-local, link-local and multicast lie outside.
const V6_GLOBAL: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Special blocks within `V6_GLOBAL`.
const V6: [(Ipv6Net, &str); 5] = [
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "protocol assignments; Teredo"),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "documentation"),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "6to4"),
    (v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), "AS112"),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "documentation"),
];

const fn v4(address: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::from_octets(address), length)
}

const fn v6(address: [u16; 8], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::from_segments(address), length)
}

/// What an address is, if it is not a public one: `private, 10.0.0.0/8`.
pub(super) fn special(ip: IpAddr) -> Option<String> {
    match ip {
        IpAddr::V4(ip) => V4.iter().find(|(net, _)| net.contains(&ip)).map(|(net, what)| format!("{what}, {net}")),
        IpAddr::V6(ip) if !V6_GLOBAL.contains(&ip) => Some(format!("outside {V6_GLOBAL}, which is all that is public")),
        IpAddr::V6(ip) => V6.iter().find(|(net, _)| net.contains(&ip)).map(|(net, what)| format!("{what}, {net}")),
    }
}
