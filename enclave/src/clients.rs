// SPDX-License-Identifier: Apache-2.0
//! Who a client is, and how much each has at once.
//!
//! A client is an IPv4 address, or the 64 bits of an IPv6 address that name a network: whoever has one
//! such address has all of them. Nothing of it is logged or shown.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

/// Whom something is counted for.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub(crate) enum Client {
    V4([u8; 4]),
    V6([u8; 8]),
    /// All those whose address is not known.
    Unknown,
}

impl Client {
    pub(crate) fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => Self::V4(address.octets()),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
            None => Self::Unknown,
        }
    }
}

/// How much each client has at once; bounded, if it is. Never more entries than there is.
#[derive(Default)]
pub(crate) struct AtOnce {
    most: Option<NonZeroU32>,
    counts: Mutex<HashMap<Client, u32>>,
}

/// One that a client has, until it is dropped.
pub(crate) struct Place {
    all: Arc<AtOnce>,
    client: Client,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = locked(&self.all.counts);
        match counts.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(&self.client)),
        }
    }
}

impl AtOnce {
    /// Nobody has any yet. `most` is what each may have; `None` sets no bound.
    pub(crate) fn new(most: Option<NonZeroU32>) -> Arc<Self> {
        Arc::new(Self { most, counts: Mutex::default() })
    }

    /// One more for a client; `None` if it has all that it may.
    pub(crate) fn enter(self: &Arc<Self>, client: Client) -> Option<Place> {
        let mut counts = locked(&self.counts);
        let count = counts.entry(client).or_default();
        if self.most.is_some_and(|most| *count >= most.get()) {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Place { all: self.clone(), client })
    }

    /// How many clients have any.
    #[cfg(test)]
    pub(crate) fn clients(&self) -> usize {
        locked(&self.counts).len()
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked while holding it has left a map that can be used.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connections of a listener: counted, and bounded for each client. By default there is no bound.
#[derive(Clone, Default)]
pub struct Connections {
    at_once: Arc<AtOnce>,
    open: Gauge,
    refused: Counter,
}

/// A connection, until it is dropped.
pub(crate) struct Connected {
    _place: Place,
    open: Gauge,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.open.dec();
    }
}

impl Connections {
    /// At most `most` for each client. `open` tells how many there are, `refused` how many were one too
    /// many.
    pub fn new(most: Option<NonZeroU32>, open: Gauge, refused: Counter) -> Self {
        Self { at_once: AtOnce::new(most), open, refused }
    }

    /// One more from an address; `None` if its client has all that it may.
    pub(crate) fn enter(&self, address: IpAddr) -> Option<Connected> {
        let Some(place) = self.at_once.enter(Client::of(Some(address))) else {
            self.refused.inc();
            return None;
        };
        self.open.inc();
        Some(Connected { _place: place, open: self.open.clone() })
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn of(address: &str) -> Client {
        Client::of(Some(address.parse().unwrap()))
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one_client() {
        assert!(of("2001:db8::1") == of("2001:db8:0:0:ffff::1"));
        assert!(of("2001:db8::1") != of("2001:db8:0:1::1"));
        let mapped = Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped();
        assert!(Client::of(Some(mapped.into())) == of("192.0.2.1"));
        assert!(of("192.0.2.1") != of("192.0.2.2"));
        assert!(Client::of(None) != Client::of(Some(Ipv6Addr::UNSPECIFIED.into())));
    }

    #[test]
    fn what_a_client_has_is_bounded_and_forgotten_when_it_has_none() {
        let all = AtOnce::new(NonZeroU32::new(2));
        let [client, other] = [of("192.0.2.1"), of("192.0.2.2")];
        let first = all.enter(client).unwrap();
        let second = all.enter(client).unwrap();
        assert!(all.enter(client).is_none());
        assert!(all.enter(other).is_some());
        drop(first);
        let third = all.enter(client);
        assert!(third.is_some() && all.enter(client).is_none());
        drop((second, third));
        assert_eq!(all.clients(), 0);
        let unbounded = AtOnce::new(None);
        let places: Vec<_> = (0..1_000).map(|_| unbounded.enter(client).unwrap()).collect();
        assert_eq!((places.len(), unbounded.clients()), (1_000, 1));
    }

    #[test]
    fn connections_are_counted() {
        let (open, refused) = (Gauge::default(), Counter::default());
        let connections = Connections::new(NonZeroU32::new(1), open.clone(), refused.clone());
        let [address, other] = ["192.0.2.1", "2001:db8::1"].map(|ip| ip.parse().unwrap());
        let first = connections.enter(address).unwrap();
        let second = connections.enter(other).unwrap();
        assert!(connections.enter(address).is_none());
        assert_eq!((open.get(), refused.get()), (2, 1));
        drop((first, second));
        assert_eq!(open.get(), 0);
        assert!(connections.enter(address).is_some());
    }
}
