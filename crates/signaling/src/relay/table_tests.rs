//! What requests do to the table, in virtual time and without sockets.

use ring::hmac;

use super::*;

struct Test {
    now: Instant,
    table: Table<()>,
    next_port: u16,
}

fn sender(username: &str) -> Sender {
    let id = username.split(':').nth(1).unwrap().to_owned();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"key");
    Sender { username: username.to_owned(), id, expired: false, key }
}

fn key(port: u16) -> Key {
    Key { link: 0, remote: SocketAddr::new("198.51.100.7".parse().unwrap(), port), local: None }
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

const WISH: Wish = Wish { family: Family::V4, even_port: false };

impl Test {
    fn new() -> Self {
        let quotas = Quotas {
            allocations: 4,
            allocations_per_user: 2,
            bytes_per_second_per_user: None,
            longest: Duration::from_secs(7200),
        };
        let mut table = Table::new(quotas, Filter::default());
        table.own = Own { ips: vec!["9.9.9.9".parse().unwrap()], ports: vec![3478, 6278] };
        Self { now: Instant::now(), table, next_port: 50_000 }
    }

    fn allocate(&mut self, port: u16, sender: &Sender) -> Result<SocketAddr, Refusal> {
        self.next_port += 1;
        let relayed = SocketAddr::new("9.9.9.9".parse().unwrap(), self.next_port);
        let open = |_: Wish, _: &dyn Fn(SocketAddr) -> bool| Ok(((), relayed));
        let transaction = [port as u8; 12];
        let made = self.table.allocate(self.now, key(port), sender, transaction, None, WISH, open);
        made.map(|(entry, _)| entry.relayed)
    }
}

#[test]
fn users_and_the_server_have_their_quotas_and_give_places_back() {
    let mut test = Test::new();
    let (ada, bob, eve) = (sender("9:ada"), sender("9:bob"), sender("9:eve"));
    test.allocate(1, &ada).unwrap();
    test.allocate(2, &ada).unwrap();
    assert_eq!(test.allocate(3, &ada), Err(Refusal(486)));
    assert_eq!(test.allocate(3, &sender("10:ada")), Err(Refusal(486)), "fresh credentials are the same user");
    test.allocate(3, &bob).unwrap();
    test.allocate(4, &bob).unwrap();
    assert_eq!(test.allocate(5, &eve), Err(Refusal(508)));
    let over = test.table.refresh(test.now, &key(1), &ada, Some(Duration::ZERO), None).unwrap();
    assert!(matches!(over, Refreshed::Deleted(_)));
    test.allocate(5, &eve).unwrap();
    test.now += LIFETIME;
    assert_eq!(test.table.expire(test.now).len(), 4);
    test.allocate(1, &ada).unwrap();
}

#[test]
fn one_transport_has_one_allocation_and_a_repeated_request_the_same_answer() {
    let mut test = Test::new();
    let ada = sender("9:ada");
    let relayed = test.allocate(1, &ada).unwrap();
    assert_eq!(test.table.answered(test.now, &key(1), [1; 12]), Some((relayed, LIFETIME)));
    assert_eq!(test.table.answered(test.now, &key(1), [2; 12]), None);
    assert_eq!(test.allocate(1, &ada), Err(Refusal(437)));
}

#[test]
fn credentials_that_expired_allocate_nothing_but_keep_what_there_is_until_its_end() {
    let mut test = Test::new();
    let mut ada = sender("9:ada");
    test.allocate(1, &ada).unwrap();
    ada.expired = true;
    assert_eq!(test.allocate(2, &ada), Err(Refusal(401)));
    let hour = Some(Duration::from_secs(9999));
    let start = test.now;
    for (at, granted) in [(0, 3600), (3000, 3600), (4000, 3200), (7199, 1)] {
        let now = start + Duration::from_secs(at);
        let refreshed = test.table.refresh(now, &key(1), &ada, hour, None).unwrap();
        let Refreshed::For(lifetime) = refreshed else { panic!("deleted") };
        assert_eq!(lifetime.as_secs(), granted, "never beyond two hours");
    }
    let over = start + Duration::from_secs(7200);
    assert_eq!(test.table.refresh(over, &key(1), &ada, hour, None).unwrap_err(), Refusal(437));
}

#[test]
fn another_users_allocation_and_none_at_all_are_refused() {
    let mut test = Test::new();
    let (ada, eve) = (sender("9:ada"), sender("9:eve"));
    test.allocate(1, &ada).unwrap();
    let peer = address("8.8.8.8:53");
    let Test { now, table, .. } = &mut test;
    assert_eq!(table.permit(*now, &key(1), &eve, &[peer]), Err(Refusal(441)));
    assert_eq!(table.bind(*now, &key(1), &eve, 0x4000, peer), Err(Refusal(441)));
    assert_eq!(table.refresh(*now, &key(1), &eve, None, None).unwrap_err(), Refusal(441));
    assert_eq!(table.permit(*now, &key(2), &ada, &[peer]), Err(Refusal(437)));
    assert_eq!(table.permit(*now, &key(1), &ada, &[]), Err(Refusal(400)));
    assert_eq!(table.refresh(*now, &key(1), &ada, None, Some(Family::V6)).unwrap_err(), Refusal(443));
    assert_eq!(table.permit(*now, &key(1), &ada, &[address("[2606:4700::1]:1")]), Err(Refusal(443)));
}

#[test]
fn forbidden_peers_get_neither_permission_nor_channel_nor_data() {
    let mut test = Test::new();
    let ada = sender("9:ada");
    test.allocate(1, &ada).unwrap();
    for forbidden in [
        "127.0.0.1:80",
        "0.0.0.0:80",
        "10.0.0.1:80",
        "192.168.0.1:80",
        "169.254.169.254:80",
        "224.0.0.1:80",
        "255.255.255.255:80",
        // The machine itself, and the server on it.
        "9.9.9.9:22",
        "9.9.9.9:3478",
    ] {
        let peer = address(forbidden);
        assert_eq!(test.table.permit(test.now, &key(1), &ada, &[peer]), Err(Refusal(403)), "{forbidden}");
        assert_eq!(test.table.bind(test.now, &key(1), &ada, 0x4000, peer), Err(Refusal(403)), "{forbidden}");
        assert!(matches!(test.table.target(peer), Target::Forbidden), "{forbidden}");
    }
    let mixed = [address("8.8.8.8:1"), address("127.0.0.1:1")];
    assert_eq!(test.table.permit(test.now, &key(1), &ada, &mixed), Err(Refusal(403)));
    assert!(!test.table.get(&key(1)).unwrap().state.lock().may_send(test.now, mixed[0].ip()));
}

#[test]
fn two_clients_of_one_relay_reach_each_other_although_its_address_is_forbidden() {
    let mut test = Test::new();
    let (ada, bob) = (sender("9:ada"), sender("9:bob"));
    test.allocate(1, &ada).unwrap();
    let of_bob = test.allocate(2, &bob).unwrap();
    test.table.permit(test.now, &key(1), &ada, &[of_bob]).unwrap();
    let Target::Inside(entry) = test.table.target(of_bob) else { panic!("not inside") };
    assert_eq!(entry.key, key(2));
    let other_port = SocketAddr::new(of_bob.ip(), 22);
    assert!(matches!(test.table.target(other_port), Target::Forbidden), "a permission is for all ports");
    test.table.remove(&key(2));
    assert!(matches!(test.table.target(of_bob), Target::Forbidden));
}

#[test]
fn own_ports_are_closed_even_where_the_operator_opened_the_network() {
    let mut test = Test::new();
    test.table.filter.allow = vec!["127.0.0.0/8".parse().unwrap(), "9.9.9.9/32".parse().unwrap()];
    for (peer, open) in
        [("127.0.0.1:3478", false), ("9.9.9.9:6278", false), ("127.0.0.1:4000", true), ("9.9.9.9:4000", true)]
    {
        assert_eq!(matches!(test.table.target(address(peer)), Target::Outside), open, "{peer}");
    }
}
