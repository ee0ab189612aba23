//! Who holds how many connections.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// The connections that are open.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    most_each: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The place of one connection; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    address: Option<IpAddr>,
}

impl Places {
    pub(super) fn new(most: usize, most_each: usize) -> Arc<Self> {
        Arc::new(Self { most, most_each, taken: Mutex::default() })
    }

    /// A place for a connection from `peer`; `exempt` from the count by address. `Err` is the word for why there is none.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr, exempt: bool) -> Result<Place, &'static str> {
        let address = (!exempt).then(|| neighbourhood(peer));
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.most {
            return Err("too_many_connections");
        }
        if let Some(address) = address {
            let count = taken.by_address.entry(address).or_default();
            if *count >= self.most_each {
                return Err("too_many_connections_of_one");
            }
            *count += 1;
        }
        taken.all += 1;
        drop(taken);
        Ok(Place { places: Arc::clone(self), address })
    }

    /// Connections that are open.
    pub(super) fn open(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        let Some(address) = self.address else { return };
        let left = taken.by_address.get(&address).copied().unwrap_or_default().saturating_sub(1);
        if left == 0 {
            taken.by_address.remove(&address);
        } else {
            taken.by_address.insert(address, left);
        }
    }
}

/// What counts as one address: an IPv4 address, or the /64 that one IPv6 customer holds.
fn neighbourhood(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_place_is_free_again_when_its_connection_ends() {
        let places = Places::new(3, 2);
        let first = places.take(address("192.0.2.1"), false).unwrap();
        let second = places.take(address("::ffff:192.0.2.1"), false).unwrap();
        assert_eq!(places.take(address("192.0.2.1"), false).unwrap_err(), "too_many_connections_of_one");
        let third = places.take(address("192.0.2.2"), false).unwrap();
        assert_eq!(places.take(address("192.0.2.3"), false).unwrap_err(), "too_many_connections");
        drop((first, second, third));
        assert_eq!(places.open(), 0);
        assert!(places.taken.lock().unwrap().by_address.is_empty(), "no address is remembered");
    }

    #[test]
    fn one_ipv6_customer_is_one_address() {
        let places = Places::new(10, 1);
        let held = places.take(address("2001:db8:0:1::1"), false).unwrap();
        assert!(places.take(address("2001:db8:0:1:ffff::2"), false).is_err());
        assert!(places.take(address("2001:db8:0:2::1"), false).is_ok());
        assert!(places.take(address("2001:db8:0:1::1"), true).is_ok(), "a trusted proxy is not counted");
        drop(held);
    }
}
