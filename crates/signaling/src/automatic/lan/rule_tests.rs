//! Servers come and go in virtual time.

use super::*;

fn id(n: u8) -> ServerId {
    ServerId { fingerprint: [n; 32], port: 4000 + u16::from(n) }
}

fn address(n: u8) -> SocketAddr {
    SocketAddr::new([10, 0, 0, n].into(), 4000 + u16::from(n))
}

/// The server of machine `n`, with the room on it since then.
fn offer(n: u8, since: u64) -> Offer {
    Offer { id: id(n), since, guests: false, addresses: vec![[10, 0, 0, n].into()], is_here: false }
}

fn there(n: u8) -> Place {
    Place::There { id: id(n), address: address(n) }
}

/// A machine, all of whose neighbours answer but for some.
struct Machine {
    rule: Rule,
    now: Instant,
    deaf_to: Vec<u8>,
    moves: Vec<Place>,
}

impl Machine {
    fn new() -> Self {
        let now = Instant::now();
        Self { rule: Rule::new(now), now, deaf_to: Vec::new(), moves: Vec::new() }
    }

    /// Lets time pass, doing what the rule says.
    fn run(&mut self, milliseconds: u64) -> Place {
        let end = self.now + Duration::from_millis(milliseconds);
        for _ in 0..10_000 {
            match self.rule.next(self.now) {
                Next::Stay { until: Some(until) } if until <= end => self.now = until,
                Next::Stay { .. } => {
                    self.now = end;
                    return self.rule.place();
                }
                Next::Probe { id: server, addresses } => {
                    let deaf = self.deaf_to.iter().any(|n| id(*n) == server);
                    self.rule.probed(self.now, server, addresses.first().copied().filter(|_| !deaf));
                }
                Next::Move(place) => self.moves.push(place),
            }
        }
        panic!("it never rests");
    }
}

#[test]
fn alone_on_the_network_everybody_is_on_their_own_machine() {
    let mut machine = Machine::new();
    assert_eq!(machine.run(10_000), Place::Here);
    machine.rule.see(vec![Offer { is_here: true, ..offer(1, 100) }]);
    assert_eq!(machine.run(10_000), Place::Here);
    assert_eq!(machine.moves, []);
}

#[test]
fn whoever_comes_later_goes_to_where_the_room_is_older_and_whoever_was_there_stays() {
    let (mut first, mut second) = (Machine::new(), Machine::new());
    let (a, b) = (offer(9, 100), offer(1, 200));
    first.rule.see(vec![Offer { is_here: true, ..a.clone() }, b.clone()]);
    second.rule.see(vec![a, Offer { is_here: true, ..b }]);
    assert_eq!(first.run(1000), Place::Here);
    assert_eq!(second.run(1000), there(9));
    assert_eq!((first.moves.len(), second.moves.len()), (0, 1));
}

#[test]
fn of_two_that_began_in_the_same_millisecond_the_lower_fingerprint_wins() {
    let (mut first, mut second) = (Machine::new(), Machine::new());
    // Each hears of the other before its own advert is made.
    first.rule.see(vec![offer(2, 100)]);
    second.rule.see(vec![offer(1, 100)]);
    first.run(50);
    second.run(50);
    first.rule.see(vec![Offer { is_here: true, ..offer(1, 100) }, offer(2, 100)]);
    second.rule.see(vec![offer(1, 100), Offer { is_here: true, ..offer(2, 100) }]);
    assert_eq!((first.run(1000), second.run(1000)), (Place::Here, there(1)));
    assert_eq!((first.moves.len(), second.moves.len()), (0, 1), "nobody moved in vain");
}

#[test]
fn a_server_with_a_guest_who_cannot_follow_wins() {
    let mut machine = Machine::new();
    let own = Offer { is_here: true, ..offer(1, 100) };
    machine.rule.see(vec![own.clone(), Offer { guests: true, ..offer(2, 900) }]);
    assert_eq!(machine.run(1000), there(2));
    machine.rule.see(vec![Offer { guests: true, ..own }, Offer { guests: true, ..offer(2, 900) }]);
    assert_eq!(machine.run(1000), Place::Here, "the older one of two with guests");
}

#[test]
fn everybody_agrees_whatever_the_order_in_which_they_hear() {
    let offers: Vec<Offer> =
        (1..=5).map(|n| Offer { guests: n % 3 == 0, ..offer(n, u64::from(n * 7 % 5)) }).collect();
    let mut ends = Vec::new();
    for own in 0..5 {
        let mut machine = Machine::new();
        let mut heard = Vec::new();
        for turn in 0..5 {
            let n = (own + turn * 2) % 5;
            heard.push(Offer { is_here: n == own, ..offers[n].clone() });
            machine.rule.see(heard.clone());
            machine.run(40);
        }
        ends.push(match machine.run(5000) {
            Place::Here => offers[own].id,
            Place::There { id, .. } => id,
        });
    }
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
}

#[test]
fn the_host_goes_and_the_others_meet_again_at_the_next_best() {
    let (mut b, mut c) = (Machine::new(), Machine::new());
    for machine in [&mut b, &mut c] {
        machine.rule.see(vec![offer(1, 100)]);
        assert_eq!(machine.run(1000), there(1));
        machine.rule.lost(machine.now);
        assert_eq!(machine.rule.place(), Place::Here);
        machine.deaf_to.push(1);
    }
    // Its advert is still about, and both offer the room themselves now.
    let (of_b, of_c) = (offer(2, 500), offer(3, 501));
    b.rule.see(vec![offer(1, 100), Offer { is_here: true, ..of_b.clone() }, of_c.clone()]);
    c.rule.see(vec![offer(1, 100), of_b, Offer { is_here: true, ..of_c }]);
    assert_eq!((b.run(2000), c.run(2000)), (Place::Here, there(2)));
    // Neither went back to the dead one, and it is asked ever less often.
    assert_eq!((b.moves.len(), c.moves.len()), (1, 2));
    assert_eq!((b.run(600_000), c.run(600_000)), (Place::Here, there(2)));
    assert!(b.rule.trials[&id(1)].failures < 25);
}

#[test]
fn a_lost_advert_does_not_end_a_good_connection() {
    let mut machine = Machine::new();
    machine.rule.see(vec![offer(1, 100)]);
    assert_eq!(machine.run(1000), there(1));
    machine.rule.see(vec![]);
    assert_eq!(machine.run(60_000), there(1));
    machine.rule.see(vec![Offer { is_here: true, ..offer(2, 900) }]);
    assert_eq!(machine.run(60_000), there(1));
    machine.rule.lost(machine.now);
    machine.rule.see(vec![Offer { is_here: true, ..offer(2, 900) }]);
    assert_eq!(machine.run(60_000), Place::Here);
}

#[test]
fn a_server_that_hung_up_once_is_soon_tried_again() {
    let mut machine = Machine::new();
    machine.rule.see(vec![offer(1, 100)]);
    machine.run(1000);
    machine.rule.lost(machine.now);
    assert_eq!(machine.run(200), Place::Here);
    assert_eq!(machine.run(1000), there(1));
}

#[test]
fn what_cannot_be_reached_is_as_good_as_not_there() {
    let mut machine = Machine::new();
    machine.deaf_to.push(1);
    machine.rule.see(vec![offer(1, 100), offer(2, 200)]);
    assert_eq!(machine.run(1000), there(2));
    machine.deaf_to.clear();
    assert_eq!(machine.run(120_000), there(1), "it can be reached now");
}
