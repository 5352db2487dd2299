//! Addresses that stand for relays: from the ranges kept for documentation (RFC 5737, RFC 3849), so that
//! nothing real has them, and if one ever got out, no network would carry it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The port of every placeholder.
const PORT: u16 = 3478;
const HOST_PREFIX: &str = "relay-";
const HOST_SUFFIX: &str = ".maru.invalid";

/// Stands for one relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placeholder(u8);

impl Placeholder {
    /// The one with this number.
    pub fn new(number: u8) -> Self {
        Self(number)
    }

    /// Its place in tables.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// As a TURN URL for the webrtc crate.
    pub fn url(self) -> String {
        format!("turn:{HOST_PREFIX}{}{HOST_SUFFIX}:{PORT}?transport=udp", self.0)
    }

    /// What a host and port, as in [`Placeholder::url`], stands for.
    pub fn of_host(host: &str) -> Option<Self> {
        let (name, _port) = host.rsplit_once(':')?;
        let number = name.strip_prefix(HOST_PREFIX)?.strip_suffix(HOST_SUFFIX)?;
        number.parse().ok().map(Self)
    }

    /// Its address for sockets of IPv4 or IPv6.
    pub fn address(self, ipv4: bool) -> SocketAddr {
        let ip = if ipv4 {
            IpAddr::V4(Ipv4Addr::new(192, 0, 2, self.0))
        } else {
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(self.0)))
        };
        SocketAddr::new(ip, PORT)
    }

    /// What an address stands for.
    pub fn of_address(address: SocketAddr) -> Option<Self> {
        let number = match address.ip() {
            IpAddr::V4(ip) => ip.octets()[3],
            IpAddr::V6(ip) => u8::try_from(ip.segments()[7]).ok()?,
        };
        Some(Self(number)).filter(|it| it.address(address.is_ipv4()) == address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_known_by_its_host_and_by_both_its_addresses() {
        for number in [0, 7] {
            let placeholder = Placeholder::new(number);
            let url = placeholder.url();
            let host = url.trim_start_matches("turn:").split('?').next().unwrap();
            assert_eq!(Placeholder::of_host(host), Some(placeholder));
            for ipv4 in [true, false] {
                assert_eq!(Placeholder::of_address(placeholder.address(ipv4)), Some(placeholder));
            }
        }
    }

    #[test]
    fn nothing_else_is_taken_for_one() {
        for host in
            ["example.org:3478", "relay-.maru.invalid:1", "relay-1.maru.invalid", "relay-300.maru.invalid:1"]
        {
            assert_eq!(Placeholder::of_host(host), None, "{host}");
        }
        for address in ["192.168.2.1:3478", "192.0.2.1:3479", "[2001:db8::1:1]:3478", "127.0.0.1:3478"] {
            assert_eq!(Placeholder::of_address(address.parse().unwrap()), None, "{address}");
        }
    }
}
