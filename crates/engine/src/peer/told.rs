//! What a peer is told of our addresses, by the person's choice. It knows candidates' lines (RFC 8839,
//! section 5.1), nothing of connections.

use std::net::IpAddr;

use crate::api::AddressPolicy;
use crate::network::is_local;

/// Positions in a candidate's line.
const ADDRESS: usize = 4;
const TYPE: usize = 7;

/// The line as the peer may see it; `None` when it may not. `name_of` gives the name that stands for a
/// private address on this network, if there is one.
pub(super) fn told(
    line: &str,
    policy: AddressPolicy,
    name_of: impl FnOnce(IpAddr) -> Option<String>,
) -> Option<String> {
    if policy == AddressPolicy::All {
        return Some(line.to_owned());
    }
    let mut fields: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let (kind, address) = (fields.get(TYPE)?.clone(), fields.get(ADDRESS)?.parse::<IpAddr>().ok());
    if policy == AddressPolicy::RelayOnly && kind != "relay" {
        return None;
    }
    if kind == "host"
        && let Some(address) = address
        && is_private(address)
    {
        fields[ADDRESS] = name_of(address)?;
    }
    // Where a reflexive or relayed candidate comes from is for diagnosis only.
    for (key, hidden) in [("raddr", "0.0.0.0"), ("rport", "0")] {
        if let Some(value) =
            fields.iter().position(|field| field == key).and_then(|at| fields.get_mut(at + 1))
        {
            *value = hidden.to_owned();
        }
    }
    Some(fields.join(" "))
}

/// A description without candidates, which go out one by one.
pub(super) fn without_candidates(sdp: &str) -> String {
    let kept = sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate:"));
    kept.collect()
}

/// Whether an address says something about the network that it is in, and is of no use outside of it.
fn is_private(address: IpAddr) -> bool {
    let shared = match address {
        IpAddr::V4(ip) => matches!(ip.octets(), [100, 64..128, ..]), // a provider's own (RFC 6598)
        IpAddr::V6(_) => false,
    };
    shared || is_local(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "candidate:1 1 udp 2130706431 192.168.1.5 50000 typ host";
    const PUBLIC: &str = "candidate:2 1 udp 2130706431 2a00::5 50000 typ host";
    const REFLEXIVE: &str =
        "candidate:3 1 udp 1694498815 203.0.113.7 50001 typ srflx raddr 192.168.1.5 rport 50000";
    const RELAYED: &str =
        "candidate:4 1 udp 16777215 198.51.100.2 50002 typ relay raddr 192.168.1.5 rport 50000";

    fn named(_: IpAddr) -> Option<String> {
        Some("f00.local".to_owned())
    }

    #[test]
    fn whoever_hides_nothing_tells_all() {
        for line in [HOST, PUBLIC, REFLEXIVE, RELAYED] {
            assert_eq!(told(line, AddressPolicy::All, named).as_deref(), Some(line));
        }
    }

    #[test]
    fn private_addresses_are_named_or_left_out_and_never_told_beside_others() {
        let policy = AddressPolicy::HidePrivate;
        assert_eq!(told(HOST, policy, named).unwrap(), HOST.replace("192.168.1.5", "f00.local"));
        assert_eq!(told(HOST, policy, |_| None), None);
        assert_eq!(told(PUBLIC, policy, named).as_deref(), Some(PUBLIC));
        for line in [REFLEXIVE, RELAYED] {
            let told = told(line, policy, named).unwrap();
            assert!(!told.contains("192.168") && told.ends_with("raddr 0.0.0.0 rport 0"), "{told}");
        }
    }

    #[test]
    fn whoever_goes_by_the_relay_only_tells_nothing_but_the_relay() {
        for line in [HOST, PUBLIC, REFLEXIVE] {
            assert_eq!(told(line, AddressPolicy::RelayOnly, named), None);
        }
        let told = told(RELAYED, AddressPolicy::RelayOnly, named).unwrap();
        assert!(told.contains("198.51.100.2") && !told.contains("192.168"), "{told}");
    }

    #[test]
    fn a_line_that_is_cut_short_or_empty_is_not_told() {
        for line in ["", "candidate:1", "candidate:1 1 udp 1 192.168.1.5 5 typ"] {
            assert_eq!(told(line, AddressPolicy::HidePrivate, named), None, "{line:?}");
        }
    }

    #[test]
    fn a_description_loses_its_candidates_and_nothing_else() {
        let sdp = "v=0\r\na=candidate:1 1 udp 1 192.168.1.5 5 typ host\r\na=mid:0\r\n";
        assert_eq!(without_candidates(sdp), "v=0\r\na=mid:0\r\n");
    }
}
