//! Which addresses may be reached through the relay. A relay stands inside of what its machine can
//! reach: without this, whoever has credentials could speak to services that trust the machine's
//! network, or to the metadata service of its cloud.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Networks that are not the internet (IANA's special-purpose registries, RFC 6890).
const NOT_PUBLIC_V4: [Ipv4Net; 15] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// All that was ever given out as public.
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0], 3);

/// What of it is not: protocols with addresses of others inside (Teredo, ORCHID), documentation.
const NOT_PUBLIC_V6: [Ipv6Net; 3] =
    [v6([0x2001, 0, 0], 23), v6([0x2001, 0x0DB8, 0], 32), v6([0x3FFF, 0, 0], 20)];

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(first: [u16; 3], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first[0], first[1], first[2], 0, 0, 0, 0, 0), prefix)
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    /// Reachable although they are not public.
    pub(super) allow: Vec<IpNet>,
    /// Never reachable; goes before `allow`.
    pub(super) deny: Vec<IpNet>,
}

impl Filter {
    /// Whether this address may be reached.
    pub(super) fn allows(&self, ip: IpAddr) -> bool {
        self.is_named(ip) || (is_public(ip) && !self.is_denied(ip))
    }

    /// Whether the operator named this address.
    pub(super) fn is_named(&self, ip: IpAddr) -> bool {
        !self.is_denied(ip) && contains(&self.allow, ip)
    }

    fn is_denied(&self, ip: IpAddr) -> bool {
        contains(&self.deny, ip)
    }
}

/// Also by the IPv4 address that an IPv6 one means.
fn contains(networks: &[IpNet], ip: IpAddr) -> bool {
    let inner = match ip {
        IpAddr::V4(_) => None,
        IpAddr::V6(ip) => embedded(ip).map(IpAddr::V4),
    };
    networks
        .iter()
        .any(|network| network.contains(&ip) || inner.is_some_and(|inner| network.contains(&inner)))
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => NOT_PUBLIC_V4.iter().all(|network| !network.contains(&ip)),
        IpAddr::V6(ip) => match embedded(ip) {
            Some(inner) => is_public(inner.into()),
            None => {
                GLOBAL_UNICAST.contains(&ip) && NOT_PUBLIC_V6.iter().all(|network| !network.contains(&ip))
            }
        },
    }
}

/// The IPv4 address that an IPv6 one stands for: mapped, compatible, translated (RFC 4291, 2765), 6to4
/// (RFC 3056) and NAT64 (RFC 6052).
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let last = |ip: Ipv6Addr| Ipv4Addr::from_bits(ip.to_bits() as u32);
    match ip.segments() {
        // `::` and `::1` too: they mean addresses in 0.0.0.0/8.
        [0, 0, 0, 0, 0, 0 | 0xFFFF, _, _]
        | [0, 0, 0, 0, 0xFFFF, 0, _, _]
        | [0x64, 0xFF9B, 0, 0, 0, 0, _, _] => Some(last(ip)),
        [0x2002, high, low, ..] => Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(allow: &[&str], deny: &[&str]) -> Filter {
        let nets = |list: &[&str]| list.iter().map(|net| net.parse().unwrap()).collect();
        Filter { allow: nets(allow), deny: nets(deny) }
    }

    #[test]
    fn what_is_not_the_internet_is_refused_in_every_way_to_write_it() {
        let filter = Filter::default();
        for refused in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.251",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::10.0.0.1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "4000::1",
        ] {
            assert!(!filter.allows(refused.parse().unwrap()), "{refused}");
        }
        for allowed in
            ["8.8.8.8", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8", "2002:808:808::1"]
        {
            assert!(filter.allows(allowed.parse().unwrap()), "{allowed}");
        }
    }

    #[test]
    fn the_operators_ranges_open_and_close_what_they_name_and_nothing_else() {
        let filter = filter(&["192.168.1.0/24", "fd00::/8"], &["192.168.1.1/32", "8.8.8.0/24"]);
        for (ip, allowed) in [
            ("192.168.1.2", true),
            ("::ffff:192.168.1.2", true),
            ("192.168.1.1", false),
            ("::ffff:192.168.1.1", false),
            ("192.168.2.2", false),
            ("fd00::7", true),
            ("fc00::7", false),
            ("8.8.8.8", false),
            ("2002:808:808::1", false),
            ("9.9.9.9", true),
        ] {
            assert_eq!(filter.allows(ip.parse().unwrap()), allowed, "{ip}");
        }
    }
}
