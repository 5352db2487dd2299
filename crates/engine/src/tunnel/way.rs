//! The ways to a relay that its URLs name (RFC 7065), and the one that the signaling server adds.

use maru_protocol::TUNNEL_SUBPROTOCOL;

use crate::stats::RelayProtocol;

/// One way to a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Datagrams, to `host:port`.
    Udp(String),
    /// A stream, to `host:port`.
    Tcp(String),
    /// A stream within TLS.
    Tls {
        /// `host:port`.
        address: String,
        /// Who the certificate must be for.
        name: String,
    },
    /// A WebSocket with [`TUNNEL_SUBPROTOCOL`], to the signaling server's own URL: where people can join,
    /// this gets through.
    WebSocket(String),
}

impl Way {
    /// For logs and reports: never an address.
    pub fn name(&self) -> &'static str {
        match self {
            Way::Udp(_) => "udp",
            Way::Tcp(_) => "tcp",
            Way::Tls { .. } => "tls",
            Way::WebSocket(_) => TUNNEL_SUBPROTOCOL,
        }
    }

    /// For the statistics.
    pub fn protocol(&self) -> RelayProtocol {
        match self {
            Way::Udp(_) => RelayProtocol::Udp,
            Way::Tcp(_) => RelayProtocol::Tcp,
            Way::Tls { .. } => RelayProtocol::Tls,
            Way::WebSocket(_) => RelayProtocol::Websocket,
        }
    }
}

/// Whether a URL names a relay.
pub(super) fn is_relay(url: &str) -> bool {
    url.starts_with("turn:") || url.starts_with("turns:")
}

/// The ways that these URLs name, the best first; with the way over the signaling server's URL last. None
/// when no URL can be read.
pub(super) fn ways(urls: &[String], signaling: Option<&str>) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    for way in urls.iter().filter_map(|url| parse(url)) {
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    if !ways.is_empty() {
        ways.extend(signaling.map(|url| Way::WebSocket(url.to_owned())));
    }
    let rank = |way: &Way| match way {
        Way::Udp(_) => 0,
        Way::Tcp(_) => 1,
        Way::Tls { .. } => 2,
        Way::WebSocket(_) => 3,
    };
    ways.sort_by_key(rank);
    ways
}

fn parse(url: &str) -> Option<Way> {
    let (scheme, rest) = url.split_once(':')?;
    let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
    let secure = scheme == "turns";
    let (host, port) = match authority.rsplit_once(':') {
        // A colon within brackets is one of the address.
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (authority, if secure { 5349_u16 } else { 3478 }),
    };
    if host.is_empty() || host.contains(['/', '@']) {
        return None;
    }
    let address = format!("{host}:{port}");
    match (secure, query) {
        (false, "" | "transport=udp") => Some(Way::Udp(address)),
        (false, "transport=tcp") => Some(Way::Tcp(address)),
        (true, "" | "transport=tcp") => {
            Some(Way::Tls { address, name: host.trim_matches(['[', ']']).to_owned() })
        }
        // DTLS, or of a later version.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_the_ways_they_name_the_best_first() {
        let urls = [
            "turns:a.example?transport=tcp",
            "turn:a.example:3479?transport=tcp",
            "turn:[2001:db8::1]",
            "turn:a.example",
        ];
        let urls = urls.map(str::to_owned);
        let wanted = [
            Way::Udp("[2001:db8::1]:3478".into()),
            Way::Udp("a.example:3478".into()),
            Way::Tcp("a.example:3479".into()),
            Way::Tls { address: "a.example:5349".into(), name: "a.example".into() },
            Way::WebSocket("wss://a.example/ws".into()),
        ];
        assert_eq!(ways(&urls, Some("wss://a.example/ws")), wanted);
    }

    #[test]
    fn what_cannot_be_read_is_no_way() {
        for wrong in [
            "turn:",
            "turn::3478",
            "turn:a:b:c",
            "turns:a?transport=udp",
            "turn:a?transport=sctp",
            "turn:u@a",
        ] {
            let ways = ways(&[wrong.to_owned()], Some("wss://a/ws"));
            assert!(ways.is_empty(), "{wrong}: {ways:?}");
        }
    }
}
