//! How a client reached the server: from which address, under which name, and whether securely. What
//! a reverse proxy says about that is believed only of proxies that the server was told of.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use ipnet::IpNet;

/// A request's way to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The client, not a proxy.
    pub(crate) address: IpAddr,
    /// Over TLS, at least up to the proxy.
    pub(crate) secure: bool,
    /// The server's name (and port) as the client wrote it; `None` when it is not a plain one.
    pub(crate) host: Option<String>,
    /// Through a proxy that is believed.
    pub(crate) through_proxy: bool,
}

impl Reach {
    /// Of a request that came from `peer`, `secure` or not.
    pub(crate) fn new(peer: IpAddr, secure: bool, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let host = plain_host(raw_host(headers));
        let peer = peer.to_canonical();
        // A program on the proxy's machine that comes by itself has nobody's address to tell.
        if !is_trusted(peer, trusted) || !headers.contains_key("x-forwarded-for") {
            return Self { address: peer, secure, host, through_proxy: false };
        }
        let forwarded_host = plain_host(last(headers, "x-forwarded-host"));
        let proto = last(headers, "x-forwarded-proto");
        Self {
            address: client(headers, trusted).unwrap_or(peer),
            secure: proto.map_or(secure, |proto| proto.eq_ignore_ascii_case("https")),
            host: forwarded_host.or(host),
            through_proxy: true,
        }
    }
}

/// Whether an address is that of a proxy that is believed.
pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|network| network.contains(&address))
}

/// The last address in `X-Forwarded-For` that is not of a trusted proxy: what is before it can be
/// anything that the client made up.
fn client(headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let lists: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    let hops = lists.iter().flat_map(|list| list.split(',')).map(|hop| address(hop.trim()));
    let hops: Vec<Option<IpAddr>> = hops.collect();
    // What is no address ends the chain that can be believed.
    let believed = hops.iter().rev().map_while(|hop| *hop);
    let mut farthest = None;
    for hop in believed {
        farthest = Some(hop);
        if !is_trusted(hop, trusted) {
            break;
        }
    }
    farthest
}

/// An address as proxies write it: some add a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.split(']').next());
    let address = bare
        .and_then(|text| text.parse().ok())
        .or_else(|| text.parse().ok())
        .or_else(|| text.rsplit_once(':').and_then(|(address, _)| address.parse().ok()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// A host with nothing in it that means something elsewhere (in a URL, in a header): letters, digits,
/// dots and hyphens or an address in brackets, and a port.
pub(crate) fn plain_host(host: Option<&str>) -> Option<String> {
    let host = host?;
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let plain = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !name.is_empty()
                && name.len() <= 253
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        }
    };
    (plain && port.is_none_or(|port| port.parse::<u16>().is_ok())).then(|| host.to_ascii_lowercase())
}

/// The last value of a list: the nearest proxy's.
fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(str::trim)
}

/// The `Host` header's text, whatever it is.
pub(crate) fn raw_host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST).map(|value| value.to_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn nets() -> Vec<IpNet> {
        vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()]
    }

    const SAID: [(&str, &str); 4] = [
        ("host", "127.0.0.1:6278"),
        ("x-forwarded-for", "203.0.113.9, 198.51.100.7, 10.0.0.2"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "call.example.org"),
    ];

    #[test]
    fn a_trusted_proxy_is_believed_and_only_as_far_as_trust_goes() {
        let reach = Reach::new("127.0.0.1".parse().unwrap(), false, &headers(&SAID), &nets());
        let expected = Reach {
            address: "198.51.100.7".parse().unwrap(),
            secure: true,
            host: Some("call.example.org".into()),
            through_proxy: true,
        };
        assert_eq!(reach, expected, "the address before it was made up by the client, for all we know");
    }

    #[test]
    fn anybody_else_is_not_believed() {
        let peer = "198.51.100.1".parse().unwrap();
        let reach = Reach::new(peer, false, &headers(&SAID), &nets());
        let expected =
            Reach { address: peer, secure: false, host: Some("127.0.0.1:6278".into()), through_proxy: false };
        assert_eq!(reach, expected);
    }

    #[test]
    fn who_comes_from_the_proxys_machine_without_the_proxy_is_no_proxy() {
        let local = headers(&[("host", "127.0.0.1:6278")]);
        assert!(!Reach::new("127.0.0.1".parse().unwrap(), false, &local, &nets()).through_proxy);
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (written, expected) in [
            ("198.51.100.7", "198.51.100.7"),
            ("198.51.100.7:4711", "198.51.100.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("198.51.100.7, unknown", "127.0.0.1"),
            ("", "127.0.0.1"),
            ("a proxy that hides it", "127.0.0.1"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ] {
            let headers = headers(&[("x-forwarded-for", written)]);
            let reach = Reach::new("::ffff:127.0.0.1".parse().unwrap(), false, &headers, &nets());
            assert_eq!(reach.address, expected.parse::<IpAddr>().unwrap(), "{written}");
        }
    }

    #[test]
    fn a_host_that_could_mean_something_elsewhere_is_none() {
        for plain in ["localhost", "localhost:6278", "Call.Example.org", "192.0.2.1:1", "[2001:db8::1]:6278"]
        {
            assert_eq!(plain_host(Some(plain)), Some(plain.to_ascii_lowercase()));
        }
        for strange in
            ["", "a b", "a;b", "a/b", "a\"b", "x:y", "a,b", "[x]:1", "a:99999", "me@a", "<b>", ":80"]
        {
            assert_eq!(plain_host(Some(strange)), None, "{strange}");
        }
    }
}
