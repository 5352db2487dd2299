//! What may be said of a path: its kind and how its relay is reached, never an address. Pure.

use std::net::{IpAddr, Ipv6Addr};

use rtc::peer_connection::transport::{RTCIceCandidate, RTCIceCandidateType};

use crate::network::is_local;
use crate::stats::{PathKind, PathStats, RelayProtocol};

/// Describes the path between two candidates. `way` is how this machine reaches its relays.
pub(super) fn describe(
    local: &RTCIceCandidate,
    remote: &RTCIceCandidate,
    way: Option<RelayProtocol>,
) -> PathStats {
    let through_ours = local.typ == RTCIceCandidateType::Relay;
    let relayed = through_ours || remote.typ == RTCIceCandidateType::Relay;
    let (from, to) = (local.address.parse().ok(), remote.address.parse().ok());
    let kind = match (from, to) {
        _ if relayed => PathKind::Relay,
        (Some(from), Some(to)) if is_one_network(from, to) => PathKind::Network,
        _ => PathKind::Internet,
    };
    PathStats {
        kind,
        relay_protocol: way.filter(|_| through_ours),
        ip_version: to.filter(|_| !through_ours).map(|to| if to.is_ipv4() { 4 } else { 6 }),
    }
}

fn is_one_network(from: IpAddr, to: IpAddr) -> bool {
    let same_prefix = match (from, to) {
        (IpAddr::V6(from), IpAddr::V6(to)) => prefix(from) == prefix(to),
        _ => false,
    };
    from == to || is_local(to) || same_prefix // the first: one machine
}

/// The part of a global address that machines of one network share (RFC 4291, section 2.5.4).
fn prefix(address: Ipv6Addr) -> [u16; 4] {
    let [a, b, c, d, ..] = address.segments();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(typ: RTCIceCandidateType, address: &str) -> RTCIceCandidate {
        RTCIceCandidate { typ, address: address.into(), ..Default::default() }
    }

    fn direct(local: &str, remote: &str) -> (PathKind, Option<u8>) {
        let host = RTCIceCandidateType::Host;
        let path = describe(&candidate(host, local), &candidate(host, remote), Some(RelayProtocol::Tcp));
        assert_eq!(path.relay_protocol, None);
        (path.kind, path.ip_version)
    }

    #[test]
    fn a_path_that_stays_on_this_network_is_told_from_one_over_the_internet() {
        for (local, remote, expected) in [
            ("192.168.1.5", "192.168.1.9", (PathKind::Network, Some(4))),
            ("10.0.0.1", "169.254.3.4", (PathKind::Network, Some(4))),
            ("203.0.113.5", "203.0.113.5", (PathKind::Network, Some(4))),
            ("192.168.1.5", "203.0.113.9", (PathKind::Internet, Some(4))),
            ("fe80::1", "fe80::2", (PathKind::Network, Some(6))),
            ("2001:db8:1:2::5", "2001:db8:1:2::9", (PathKind::Network, Some(6))),
            ("2001:db8:1:2::5", "2001:db8:1:3::9", (PathKind::Internet, Some(6))),
            ("", "not an address", (PathKind::Internet, None)),
        ] {
            assert_eq!(direct(local, remote), expected, "{local} to {remote}");
        }
    }

    #[test]
    fn a_relay_of_either_side_makes_a_path_relayed_and_only_ours_says_how_it_is_reached() {
        let (host, relay) = (RTCIceCandidateType::Host, RTCIceCandidateType::Relay);
        let (near, far) = ("192.168.1.5", "192.168.1.9");
        let way = Some(RelayProtocol::Websocket);
        let ours = describe(&candidate(relay, near), &candidate(host, far), way);
        assert_eq!(ours, PathStats { kind: PathKind::Relay, relay_protocol: way, ip_version: None });
        let theirs = describe(&candidate(host, near), &candidate(relay, far), way);
        assert_eq!(theirs, PathStats { kind: PathKind::Relay, relay_protocol: None, ip_version: Some(4) });
    }
}
