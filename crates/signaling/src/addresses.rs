//! Addresses: this machine's own, and how many connections each other one has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// The addresses of this machine; none where the system does not tell.
pub(crate) fn own() -> impl Iterator<Item = IpAddr> {
    if_addrs::get_if_addrs().unwrap_or_default().into_iter().map(|interface| interface.ip())
}

/// How many connections each address has open now.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    open: Mutex<HashMap<IpAddr, u32>>,
    total: AtomicUsize,
}

impl Addresses {
    /// Counts one more connection, until the returned value is dropped.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Visit {
        let network = network(address);
        self.total.fetch_add(1, Ordering::Relaxed);
        let mut open = self.open.lock();
        let count = open.entry(network).or_insert(0);
        *count = count.saturating_add(1);
        Visit { addresses: Arc::clone(self), network, nth: *count }
    }

    /// Of all addresses together.
    pub(crate) fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }
}

/// One connection that is counted.
#[derive(Debug)]
pub(crate) struct Visit {
    addresses: Arc<Addresses>,
    network: IpAddr,
    nth: u32,
}

impl Visit {
    /// How many connections the address had when this one came, this one included.
    pub(crate) fn nth(&self) -> u32 {
        self.nth
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.addresses.total.fetch_sub(1, Ordering::Relaxed);
        let mut open = self.addresses.open.lock();
        if let Some(count) = open.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.network);
            }
        }
    }
}

/// What counts as one address: an IPv4 address, however it is written, or the /64 network that one
/// IPv6 household has.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_of_one_address_are_counted_until_they_end() {
        let addresses = Arc::new(Addresses::default());
        let ada: IpAddr = "192.0.2.1".parse().unwrap();
        let first = addresses.enter(ada);
        let second = addresses.enter("::ffff:192.0.2.1".parse().unwrap());
        assert_eq!((first.nth(), second.nth()), (1, 2));
        assert_eq!(addresses.enter("192.0.2.2".parse().unwrap()).nth(), 1);

        drop(first);
        assert_eq!(addresses.enter(ada).nth(), 2);
        assert_eq!(addresses.total(), 1);
        drop(second);
        assert!(addresses.open.lock().is_empty(), "an address without connections is forgotten");
    }

    #[test]
    fn all_addresses_of_one_ipv6_household_count_together() {
        let addresses = Arc::new(Addresses::default());
        let _first = addresses.enter("2001:db8:1:2::1".parse().unwrap());
        assert_eq!(addresses.enter("2001:db8:1:2:ffff::9".parse().unwrap()).nth(), 2);
        assert_eq!(addresses.enter("2001:db8:1:3::1".parse().unwrap()).nth(), 1);
    }
}
