//! Who may connect: the access token of a private server, and which web pages may connect at all.
//!
//! A browser lets any page open a WebSocket to any server, also to one on the loopback interface. A
//! page somewhere on the web must not enter the rooms of a server on the visitor's own machine. So
//! a page may connect only from the server's own origin, and to a server that only this machine
//! can reach only under a loopback name (a foreign name that was made to point here is refused).

use crate::Config;

/// Whether the given token is the wanted one, in a time that does not tell how much of it is right.
pub(crate) fn token_matches(wanted: &str, given: &str) -> bool {
    let (wanted, given) = (wanted.as_bytes(), given.as_bytes());
    let differing = wanted.iter().zip(given).fold(0, |bits, (a, b)| bits | (a ^ b));
    wanted.len() == given.len() && std::hint::black_box(differing) == 0
}

/// Whether a request with these `Origin` and `Host` headers may open a WebSocket.
pub(crate) fn origin_allowed(
    origin: Option<&str>,
    host: Option<&str>,
    listens_on_loopback: bool,
    config: &Config,
) -> bool {
    let Some(origin) = origin else { return true };
    let public = config.public_url.as_deref().and_then(origin_of);
    let allowed = config.allowed_origins.iter().map(String::as_str).chain(public);
    if allowed.into_iter().any(|entry| entry.trim_end_matches('/').eq_ignore_ascii_case(origin)) {
        return true;
    }
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    match (authority, host) {
        (Some(authority), Some(host)) => {
            authority.eq_ignore_ascii_case(host) && (!listens_on_loopback || is_loopback(host))
        }
        _ => false,
    }
}

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> Option<&str> {
    let authority = url.find("://")? + 3;
    let end = url[authority..].find('/').map_or(url.len(), |slash| authority + slash);
    Some(&url[..end])
}

/// Whether a `Host` header names this machine by a name that nobody else can give out.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_token_matches() {
        assert!(token_matches("open sesame", "open sesame"));
        for wrong in ["", "open", "open sesamf", "open sesame ", "Open sesame"] {
            assert!(!token_matches("open sesame", wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_program_that_is_not_a_browser_may_connect() {
        assert!(origin_allowed(None, Some("127.0.0.1:6278"), true, &Config::default()));
        assert!(origin_allowed(None, None, false, &Config::default()));
    }

    #[test]
    fn a_page_of_the_server_itself_may_connect_and_a_foreign_page_may_not() {
        for (origin, host, allowed) in [
            ("http://127.0.0.1:6278", "127.0.0.1:6278", true),
            ("http://localhost:6278", "localhost:6278", true),
            ("http://[::1]:6278", "[::1]:6278", true),
            ("https://example.org", "127.0.0.1:6278", false),
            ("http://localhost:8080", "localhost:6278", false),
            ("null", "127.0.0.1:6278", false),
            ("file://", "127.0.0.1:6278", false),
        ] {
            assert_eq!(
                origin_allowed(Some(origin), Some(host), true, &Config::default()),
                allowed,
                "{origin} to {host}"
            );
        }
    }

    #[test]
    fn a_foreign_name_that_points_to_the_loopback_interface_is_refused() {
        let (origin, host) = (Some("http://evil.example:6278"), Some("evil.example:6278"));
        assert!(!origin_allowed(origin, host, true, &Config::default()));
        assert!(
            origin_allowed(origin, host, false, &Config::default()),
            "a public server has names of its own"
        );
    }

    #[test]
    fn an_origin_that_the_server_was_told_of_may_connect() {
        let allowed = Config {
            allowed_origins: vec!["https://call.example.org/".to_owned()],
            public_url: Some("https://meet.example.org:8443/maru".to_owned()),
            ..Config::default()
        };
        let host = Some("call.example.org");
        assert!(origin_allowed(Some("https://call.example.org"), host, true, &allowed));
        assert!(origin_allowed(Some("https://meet.example.org:8443"), host, true, &allowed));
        assert!(!origin_allowed(Some("https://meet.example.org"), host, true, &allowed));
        assert!(!origin_allowed(Some("https://other.example.org"), host, true, &allowed));
    }
}
