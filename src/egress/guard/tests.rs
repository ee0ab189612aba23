use proptest::prelude::*;

use super::*;

fn egress(allow: &[&str], ports: &[u16]) -> Egress {
    let allow = allow.iter().map(|net| net.parse().unwrap()).collect();
    Egress::new(&config::Egress { allow, ports: ports.to_vec() }, vec!["93.184.216.34".parse().unwrap()])
}

fn closed() -> Egress {
    egress(&[], &[])
}

fn open(address: &str) -> bool {
    closed().address(address.parse().unwrap()).is_ok()
}

#[test]
fn special_ipv4_blocks_are_shut_from_first_to_last_and_their_neighbours_open() {
    // first, last, and the neighbours where these are public
    let blocks = [
        ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
        ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
        ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
        ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
        ("168.63.129.16", "168.63.129.16", Some("168.63.129.15"), Some("168.63.129.17")),
        ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
        ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
        ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
        ("192.0.2.0", "192.0.2.255", Some("192.0.1.255"), Some("192.0.3.0")),
        ("192.88.99.0", "192.88.99.255", Some("192.88.98.255"), Some("192.88.100.0")),
        ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
        ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
        ("198.51.100.0", "198.51.100.255", Some("198.51.99.255"), Some("198.51.101.0")),
        ("203.0.113.0", "203.0.113.255", Some("203.0.112.255"), Some("203.0.114.0")),
        ("224.0.0.0", "239.255.255.255", Some("223.255.255.255"), None),
        ("240.0.0.0", "255.255.255.255", None, None),
    ];
    for (first, last, before, after) in blocks {
        assert!(!open(first), "{first}");
        assert!(!open(last), "{last}");
        for neighbour in before.into_iter().chain(after) {
            assert!(open(neighbour), "{neighbour}");
        }
    }
    assert!(!open("100.100.100.200") && !open("169.254.169.254"), "cloud metadata");
}

#[test]
fn ipv6_is_shut_but_for_public_unicast() {
    let shut = [
        "::",
        "::1",
        "::2",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::",
        "64:ff9b::808:808",
        "64:ff9b::ffff:ffff",
        "64:ff9b:1::",
        "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
        "100::",
        "100::ffff:ffff:ffff:ffff",
        "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001::",
        "2001:0:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "2002::",
        "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff::",
        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
        "4000::",
        "5f00::",
        "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "fbff:ffff::",
        "fc00::",
        "fd00:ec2::254",
        "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "fe80::",
        "fe80::1",
        "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "fec0::",
        "ff00::",
        "ff02::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ];
    for address in shut {
        assert!(!open(address), "{address}");
    }
    let public = [
        "2000::",
        "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:200::",
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::",
        "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2003::",
        "2606:4700::1111",
        "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff:1000::",
        "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ];
    for address in public {
        assert!(open(address), "{address}");
    }
}

#[test]
fn every_way_to_write_an_inner_address_is_refused() {
    let hosts = [
        "127.0.0.1",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "a.localhost",
        "ip6-localhost",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "１２７.０.０.１",
        "127。0。0。1",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[fe80::1%25eth0]",
        "[fd00:ec2::254]",
        "metadata.google.internal",
        "METADATA.google.internal.",
        "169.254.169.254",
        "168.63.129.16",
        "ⓛocalhost",
        "93.184.216.34",
    ];
    for host in hosts {
        assert!(closed().url(&format!("http://{host}/x")).is_err(), "{host}");
    }
}

#[test]
fn urls_that_browsers_would_repair_are_refused() {
    let texts = [
        "http://user:pw@example.com",
        "http://user@example.com",
        "http://@example.com",
        "http://:@example.com",
        "http://a\\@b",
        "http://a#@b",
        "http://exa\nmple.com",
        "http://example.com/\ta",
        "http://example.com/a b",
        " http://example.com",
        "http://example.com\u{0}",
        "http:\\\\example.com",
        "http:example.com",
        "http:/example.com",
        "http:///example.com",
        "//example.com",
        "example.com",
        "",
        "file:///etc/passwd",
        "gopher://example.com",
        "ftp://example.com",
        "ws://example.com",
        "javascript://example.com",
        "http://",
        "http://?a",
        "http://example.com:",
        "http://example.com:99999",
        "http://exa\u{a0}mple.com",
        "http://[::1",
        "http://example.com\u{2028}/",
    ];
    for text in texts {
        let read = closed().url(text);
        // an empty port is the default port, and nothing else
        assert!(read.is_err() || text == "http://example.com:", "{text:?} gives {read:?}");
    }
}

#[test]
fn public_urls_are_read_as_they_are_without_their_fragment() {
    let url = closed().url("https://API.example.com/v1/a%20b?email=a@b.c#part").unwrap();
    assert_eq!(url.as_str(), "https://api.example.com/v1/a%20b?email=a@b.c");
    assert!(closed().url("http://93.184.216.35:80/").is_ok());
    assert!(closed().url("https://example.com?to=a@b.c").is_ok(), "an @ in the query is no user name");
}

#[test]
fn only_the_usual_and_the_configured_ports_are_open() {
    for port in [22, 25, 6379, 5432, 0, 8080, 81, 65535] {
        assert!(closed().url(&format!("http://example.com:{port}")).is_err(), "{port}");
    }
    assert!(closed().url("http://example.com:65536").is_err());
    assert!(closed().url("http://example.com:443").is_ok());
    assert!(egress(&[], &[8080]).url("http://example.com:8080").is_ok());
    assert!(egress(&[], &[8080]).url("http://example.com:8081").is_err());
    assert!(egress(&["0.0.0.0/0"], &[0]).url("http://10.0.0.1:0").is_err());
}

#[test]
fn what_is_allowed_is_exactly_that() {
    let one = egress(&["192.168.1.10/32"], &[]);
    assert!(one.url("http://192.168.1.10/").is_ok());
    for other in ["192.168.1.9", "192.168.1.11", "127.0.0.1", "localhost", "[::ffff:192.168.1.10]"] {
        assert!(one.url(&format!("http://{other}/")).is_err(), "{other}");
    }
    assert!(egress(&["93.184.216.34/32"], &[]).url("http://93.184.216.34/").is_ok(), "own address, allowed");
    let loopback = egress(&["127.0.0.0/8"], &[]);
    assert!(loopback.url("http://localhost/").is_ok(), "left to what it resolves to");
    assert!(loopback.address("::1".parse().unwrap()).is_err());
    assert!(egress(&["127.0.0.2/32"], &[]).url("http://localhost/").is_ok());
    assert!(egress(&["0.0.0.0/0"], &[]).url("http://localhost/").is_ok());
}

#[test]
fn a_denial_names_the_host_and_never_path_or_query() {
    for text in [
        "http://10.0.0.1/hidden?key=hidden",
        "http://example.com:22/hidden",
        "http://localhost/hidden",
        "http://a\\/hidden",
    ] {
        let why = closed().url(text).unwrap_err().to_string();
        assert!(!why.contains("hidden"), "{why}");
    }
    assert!(closed().url("http://10.0.0.1/").unwrap_err().to_string().contains("10.0.0.1"));
}

/// The same question, answered from octets instead of networks.
fn special_by_octets(ip: Ipv4Addr) -> bool {
    let by_std = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_unspecified();
    let by_octets = match ip.octets() {
        [0 | 240..=255, ..]
        | [192, 0, 0, _]
        | [192, 88, 99, _]
        | [168, 63, 129, 16]
        | [192, 31, 196, _]
        | [192, 52, 193, _]
        | [192, 175, 48, _] => true,
        [100, second, ..] => (64..128).contains(&second),
        [198, second, ..] => second == 18 || second == 19,
        _ => false,
    };
    by_std || by_octets
}

fn special_by_segments(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        [first, ..] if !(0x2000..0x4000).contains(&first) => true,
        [0x2001, second, ..] => second < 0x200 || second == 0xdb8,
        [0x3fff, second, ..] => second < 0x1000,
        [first, second, third, ..] => first == 0x2002 || (first, second, third) == (0x2620, 0x4f, 0x8000),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_blocks_agree_with_the_octets(ip in any::<[u8; 4]>(), near in prop::sample::select(vec![0, 10, 100, 127, 168, 169, 172, 192, 198, 203, 224])) {
        for ip in [Ipv4Addr::from(ip), Ipv4Addr::new(near, ip[1], ip[2], ip[3])] {
            let own = ip == Ipv4Addr::new(93, 184, 216, 34);
            prop_assert_eq!(closed().address(ip.into()).is_err(), special_by_octets(ip) || own, "{}", ip);
        }
    }

    #[test]
    fn the_blocks_agree_with_the_segments(ip in any::<[u16; 8]>(), near in prop::sample::select(vec![0, 0x64, 0x100, 0x2001, 0x2002, 0x3fff, 0x5f00, 0xfc00, 0xfe80, 0xff00])) {
        let mut other = ip;
        other[0] = near;
        for ip in [Ipv6Addr::from(ip), Ipv6Addr::from(other)] {
            prop_assert_eq!(closed().address(ip.into()).is_err(), special_by_segments(ip), "{}", ip);
            let by_std = ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || ip.is_unique_local() || ip.is_unicast_link_local();
            prop_assert!(!by_std || closed().address(ip.into()).is_err(), "{}", ip);
        }
    }

    #[test]
    fn no_text_panics_the_reader(text in "(https?|[a-z]{0,5})(:|://|:///)?\\PC{0,40}") {
        if let Ok(url) = closed().url(&text) {
            prop_assert!(matches!(url.scheme(), "http" | "https"));
            prop_assert!(url.username().is_empty() && url.password().is_none());
        }
    }
}

#[test]
fn mail_is_guarded_like_all_else() {
    let egress = Egress::new(&config::Egress::default(), Vec::new());
    for fine in ["smtps://smtp.example.com", "SMTP://SMTP.example.com", "smtps://smtp.example.com:587"] {
        let url = egress.url(fine).unwrap_or_else(|denied| panic!("{fine}: {}", denied.0));
        assert!(url.port().is_some() && url.host_str() == Some("smtp.example.com"), "{url}");
    }
    for denied in [
        "smtp://127.0.0.1",
        "smtps://[::1]",
        "smtps://2130706433",
        "smtps://0x7f.1:465",
        "smtp://localhost",
        "smtp+plain://smtp.example.com",
        "smtps://smtp.example.com:25",
        "smtps://user:word@smtp.example.com",
        "smtps://smtp.example.com/path",
        "smtps://smtp.example.com?tls=none",
        "smtp://",
        "imap://mail.example.com",
    ] {
        assert!(egress.url(denied).is_err(), "{denied}");
    }
}
