//! Which links are given to whom.

use super::*;

fn base(url: &str) -> Base {
    Base { url: url.into(), scope: LinkScope::Public, fingerprint: None }
}

fn reach(address: &str, secure: bool, host: &str) -> Reach {
    Reach { address: address.parse().unwrap(), secure, host: Some(host.into()), through_proxy: false }
}

fn door(address: &str, fingerprint: Option<&str>) -> Entrance {
    Entrance {
        address: address.parse().unwrap(),
        secure: fingerprint.is_some(),
        fingerprint: fingerprint.map(str::to_owned),
    }
}

fn urls(config: &Config, doors: &[Entrance], reach: &Reach) -> Vec<String> {
    let here = reach.address.is_loopback() && !reach.through_proxy;
    let own =
        || ["127.0.0.1", "192.168.1.5", "169.254.1.1", "fe80::1"].map(|ip| ip.parse().unwrap()).to_vec();
    collect(config, doors, reach, None, here, own).into_iter().map(|base| base.url).collect()
}

#[test]
fn a_rooms_name_is_one_segment_whatever_is_in_it() {
    for (room, url) in [
        ("standup", "https://a.example/standup"),
        ("main.js", "https://a.example/main.js"),
        ("회의실", "https://a.example/%ED%9A%8C%EC%9D%98%EC%8B%A4"),
        ("a/b?c#d%e f", "https://a.example/a%2Fb%3Fc%23d%25e%20f"),
        ("<b>\"🏠\"", "https://a.example/%3Cb%3E%22%F0%9F%8F%A0%22"),
        ("-", "https://a.example/-"),
        ("ws", "https://a.example/?room=ws"),
        ("health", "https://a.example/?room=health"),
        ("..", "https://a.example/?room=.."),
        ("index.html", "https://a.example/?room=index.html"),
        ("WS", "https://a.example/WS"),
    ] {
        assert_eq!(base("https://a.example/").room(&RoomName::parse(room).unwrap()).url, url);
    }
}

#[test]
fn who_is_on_the_machine_gets_links_for_it_and_for_the_network_and_others_only_what_works_for_them() {
    let doors = [door("127.0.0.1:6278", None), door("0.0.0.0:6279", Some("AB"))];
    let config = Config::default();
    let network = "https://192.168.1.5:6279/";
    assert_eq!(
        urls(&config, &doors, &reach("127.0.0.1", false, "127.0.0.1:6278")),
        [network, "http://127.0.0.1:6278/"]
    );
    let secure_only = &doors[1..];
    assert_eq!(
        urls(&config, secure_only, &reach("127.0.0.1", true, "127.0.0.1:6279")),
        [network, "https://127.0.0.1:6279/"]
    );
    assert_eq!(urls(&config, &doors, &reach("192.168.1.9", true, "192.168.1.5:6279")), [network]);
}

#[test]
fn a_page_that_browsers_give_no_camera_is_not_linked_to() {
    let doors = [door("0.0.0.0:6278", None)];
    let config = Config::default();
    assert_eq!(urls(&config, &doors, &reach("192.168.1.9", false, "192.168.1.5:6278")), [""; 0]);
    let on_the_machine = urls(&config, &doors, &reach("127.0.0.1", false, "192.168.1.5:6278"));
    assert_eq!(on_the_machine, ["http://127.0.0.1:6278/"]);
}

#[test]
fn the_name_under_which_a_client_came_is_passed_on_unless_there_is_a_better_one() {
    let doors = [Entrance { secure: true, ..door("0.0.0.0:443", None) }];
    let far = reach("203.0.113.7", true, "call.example.org");
    let mut config = Config { base_path: "/maru".into(), ..Config::default() };
    assert_eq!(urls(&config, &doors, &far), ["https://call.example.org/maru/"]);
    config.public_url = Some("https://meet.example.org/maru".into());
    assert_eq!(urls(&config, &doors, &far), ["https://meet.example.org/maru/"]);
}

#[test]
fn behind_a_proxy_on_the_same_machine_nobody_is_told_that_they_are_on_it() {
    let doors = [door("127.0.0.1:6278", None)];
    let proxied = Reach { through_proxy: true, ..reach("127.0.0.1", true, "call.example.org") };
    assert_eq!(urls(&Config::default(), &doors, &proxied), ["https://call.example.org/"]);
}

#[test]
fn a_hosts_scope_is_read_from_its_name() {
    for (host, scope) in [
        ("localhost:6278", LinkScope::Machine),
        ("127.0.0.1", LinkScope::Machine),
        ("[::1]:6278", LinkScope::Machine),
        ("192.168.1.5:6279", LinkScope::Network),
        ("[fd00::1]", LinkScope::Network),
        ("laptop.local", LinkScope::Network),
        ("laptop", LinkScope::Network),
        ("203.0.113.7", LinkScope::Public),
        ("call.example.org", LinkScope::Public),
    ] {
        assert_eq!(scope_of(host), scope, "{host}");
    }
}

#[test]
fn a_socket_that_was_closed_is_in_no_link() {
    let entrances = Entrances::default();
    let opened = entrances.add(door("127.0.0.1:6278", None));
    assert_eq!(bases_of_the_owner(&Config::default(), &entrances).len(), 1);
    drop(opened);
    assert_eq!(bases_of_the_owner(&Config::default(), &entrances), []);
}
