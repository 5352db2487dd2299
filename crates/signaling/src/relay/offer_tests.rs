//! Which servers clients are told of.

use maru_protocol::ResumeToken;

use super::*;
use crate::relay::RelaySecret;

fn urls() -> Urls {
    Urls { udp: Some(3478), tcp: Some(3478), tls: Some(5349) }
}

fn ice(public_host: Option<&str>) -> Ice {
    let credentials = CredentialsConfig {
        secret: RelaySecret::random(),
        lifetime: Duration::from_secs(3600),
        servers: vec!["turn:elsewhere.example:3478".into()],
    };
    Ice::new(Vec::new(), Some(&credentials), public_host.map(str::to_owned))
}

fn told(offer: &IceOffer) -> Vec<String> {
    let servers = offer.servers(Instant::now(), ResumeToken::random().peer_id());
    servers.into_iter().flat_map(|server| server.urls).collect()
}

#[test]
fn clients_are_told_the_host_under_which_they_came_or_the_public_one() {
    let own = |host: &str| {
        vec![
            format!("stun:{host}:3478"),
            "turn:elsewhere.example:3478".to_owned(),
            format!("turn:{host}:3478?transport=udp"),
            format!("turn:{host}:3478?transport=tcp"),
            format!("turns:{host}:5349?transport=tcp"),
        ]
    };
    for (host, expected) in [
        ("call.example.org", "call.example.org"),
        ("call.example.org:6278", "call.example.org"),
        ("192.0.2.1:6278", "192.0.2.1"),
        ("[2001:db8::1]:6278", "[2001:db8::1]"),
        ("[2001:db8::1]", "[2001:db8::1]"),
    ] {
        assert_eq!(told(&ice(None).offer(Some(host), false, Some(urls()))), own(expected), "{host}");
    }
    let public = ice(Some("turn.example.org")).offer(Some("127.0.0.1:6278"), false, Some(urls()));
    assert_eq!(told(&public), own("turn.example.org"));
}

#[test]
fn a_loopback_name_is_of_use_on_this_machine_only() {
    for host in ["localhost:6278", "127.0.0.1", "[::1]:6278", "127.9.9.9:1", "a.localhost"] {
        assert_eq!(told(&ice(None).offer(Some(host), false, Some(urls()))), ["turn:elsewhere.example:3478"]);
        assert_eq!(told(&ice(None).offer(Some(host), true, Some(urls()))).len(), 5);
    }
}

#[test]
fn credentials_are_fresh_when_they_are_handed_out_and_rotated_before_they_expire() {
    let offer = ice(None).offer(Some("a"), false, Some(urls()));
    let peer = ResumeToken::random().peer_id();
    let expiry = |now| {
        let username = offer.servers(now, peer).pop().unwrap().username.unwrap();
        username.split(':').next().unwrap().parse::<u64>().unwrap()
    };
    let now = Instant::now();
    let later = offer.rotation().unwrap();
    assert_eq!(later, Duration::from_secs(2700));
    assert!((2699..=2701).contains(&(expiry(now + later) - expiry(now))));
    assert_eq!(Ice::default().offer(Some("a"), false, None).rotation(), None, "nothing to rotate");
}
