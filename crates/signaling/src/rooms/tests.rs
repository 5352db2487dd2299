//! Rooms in virtual time.

use maru_protocol::{ErrorCode, LinkScope};

use super::*;

struct World {
    rooms: Rooms,
    now: Instant,
    connections: u64,
}

struct Client {
    connection: ConnectionId,
    identity: ResumeToken,
    id: PeerId,
}

impl World {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        Self { rooms: Rooms::new(&config), now: Instant::now(), connections: 0 }
    }

    fn join_as(&mut self, identity: &ResumeToken, room: &str, status: Status) -> (Client, Vec<Output>) {
        self.connections += 1;
        let connection = ConnectionId(self.connections);
        let join = Join {
            identity: identity.clone(),
            room: RoomName::parse(room).unwrap(),
            name: DisplayName::parse("Ada").unwrap(),
            client: ClientInfo { name: "test".into(), version: "1".into() },
            capabilities: Capabilities::default(),
            status,
            bases: vec![base()],
            ice_servers: Vec::new(),
        };
        let outputs = self.rooms.handle(self.now, connection, Input::Join(Box::new(join)));
        (Client { connection, identity: identity.clone(), id: identity.peer_id() }, outputs)
    }

    fn join(&mut self, room: &str) -> Client {
        self.join_as(&ResumeToken::random(), room, Status::default()).0
    }

    fn back(&mut self, client: &Client, room: &str) -> (Client, Vec<Output>) {
        self.join_as(&client.identity, room, Status::default())
    }

    fn say(&mut self, client: &Client, input: Input) -> Vec<Output> {
        self.rooms.handle(self.now, client.connection, input)
    }

    fn signal(&mut self, from: &Client, to: &Client, candidate: &str) -> Vec<Output> {
        self.say(from, Input::Signal { to: to.id, signal: signal(candidate) })
    }
}

fn base() -> Base {
    Base { url: "https://call.example/".into(), scope: LinkScope::Public, fingerprint: None }
}

fn signal(candidate: &str) -> Signal {
    Signal::Candidate { candidate: candidate.into(), sdp_mid: None, sdp_m_line_index: None }
}

/// The messages that one connection gets.
fn to<'a>(client: &Client, outputs: &'a [Output]) -> Vec<&'a ServerMessage> {
    let connection = client.connection;
    let messages = outputs.iter().filter_map(|output| match output {
        Output::Send { to, message } if to.contains(&connection) => Some(message),
        _ => None,
    });
    messages.collect()
}

fn joined_peers(message: &ServerMessage) -> (bool, Vec<PeerId>) {
    let ServerMessage::Joined { resumed, peers, .. } = message else { panic!("not joined: {message:?}") };
    (*resumed, peers.iter().map(|peer| peer.id).collect())
}

#[test]
fn who_was_there_is_told_of_the_newcomer_and_the_newcomer_of_who_was_there() {
    let mut world = World::new();
    let ada = world.join("standup");
    let ben = world.join("Standup");
    let (cleo, outputs) = world.join_as(&ResumeToken::random(), "STANDUP", Status::default());

    assert_eq!(joined_peers(to(&cleo, &outputs)[0]), (false, vec![ada.id, ben.id]));
    for other in [&ada, &ben] {
        let messages = to(other, &outputs);
        assert!(
            matches!(messages[..], [ServerMessage::PeerJoined { peer }] if peer.id == cleo.id),
            "{messages:?}"
        );
    }
    let ServerMessage::Joined { room, .. } = to(&cleo, &outputs)[0] else { panic!() };
    assert_eq!(room.as_str(), "standup", "the spelling of whoever opened the room");
}

#[test]
fn a_signal_reaches_the_addressed_member_only_and_names_its_real_sender() {
    let mut world = World::new();
    let (ada, ben, _cleo) = (world.join("standup"), world.join("standup"), world.join("standup"));
    assert_eq!(
        world.signal(&ada, &ben, "candidate"),
        [tell(ben.connection, ServerMessage::Signal { from: ada.id, signal: signal("candidate") })]
    );
}

#[test]
fn a_signal_to_another_room_to_nobody_or_to_oneself_is_refused_and_reaches_nobody() {
    let mut world = World::new();
    let (ada, stranger) = (world.join("standup"), world.join("elsewhere"));
    let gone = world.join("standup");
    world.say(&gone, Input::Leave);
    for target in [&stranger, &gone, &ada] {
        assert_eq!(world.signal(&ada, target, "x"), [tell(ada.connection, Refusal::no_such_peer())]);
    }
}

#[test]
fn a_status_goes_to_the_others_once_and_newcomers_see_it() {
    let mut world = World::new();
    let (ada, ben) = (world.join("standup"), world.join("standup"));
    let muted = Status { muted: true, ..Status::default() };
    assert_eq!(
        world.say(&ada, Input::Status(muted)),
        [tell(ben.connection, ServerMessage::Status { from: ada.id, status: muted })]
    );
    assert_eq!(world.say(&ada, Input::Status(muted)), [], "nothing changed");

    let (cleo, outputs) = world.join_as(&ResumeToken::random(), "standup", Status::default());
    let ServerMessage::Joined { peers, .. } = to(&cleo, &outputs)[0] else { panic!() };
    assert_eq!(peers[0].status, muted);
}

#[test]
fn leaving_tells_the_others_and_ends_the_connection() {
    let mut world = World::new();
    let (ada, ben) = (world.join("standup"), world.join("standup"));
    assert_eq!(
        world.say(&ada, Input::Leave),
        [
            tell(ben.connection, ServerMessage::PeerLeft { peer: ada.id, reason: LeftReason::Left }),
            Output::Close(ada.connection)
        ]
    );
    assert_eq!(world.say(&ada, Input::Broken), [], "its end is no news any more");
}

#[test]
fn a_broken_connection_is_away_then_lost_when_the_window_is_over() {
    let mut world = World::new();
    let (ada, ben) = (world.join("standup"), world.join("standup"));
    assert_eq!(
        world.say(&ada, Input::Broken),
        [tell(ben.connection, ServerMessage::PeerAway { peer: ada.id })]
    );
    let end = world.rooms.next_expiry().unwrap();
    assert_eq!(end, world.now + Duration::from_secs(30));
    assert_eq!(world.rooms.expire(end - Duration::from_millis(1)), []);
    assert_eq!(
        world.rooms.expire(end),
        [tell(ben.connection, ServerMessage::PeerLeft { peer: ada.id, reason: LeftReason::Lost })]
    );
    assert_eq!(world.rooms.next_expiry(), None);

    let (ada, outputs) = world.back(&ada, "standup");
    assert_eq!(joined_peers(to(&ada, &outputs)[0]), (false, vec![ben.id]), "too late: a newcomer again");
}

#[test]
fn a_return_in_time_keeps_the_place_and_the_others_see_no_more_than_away_and_back() {
    let mut world = World::new();
    let (ada, ben) = (world.join("standup"), world.join("standup"));
    world.say(&ada, Input::Broken);
    world.now += Duration::from_secs(29);
    let (ada, outputs) = world.back(&ada, "standup");
    assert_eq!(joined_peers(to(&ada, &outputs)[0]), (true, vec![ben.id]));
    assert_eq!(to(&ben, &outputs), [&ServerMessage::PeerBack { peer: ada.id }]);

    world.now += Duration::from_secs(60);
    assert_eq!(world.rooms.expire(world.now), [], "the place is not given up later");
    assert_eq!(world.signal(&ben, &ada, "x").len(), 1);
}

#[test]
fn a_status_that_changed_during_the_absence_is_told_on_return() {
    let mut world = World::new();
    let (ada, ben) = (world.join("standup"), world.join("standup"));
    world.say(&ada, Input::Broken);
    let off = Status { muted: false, camera_off: true, ..Status::default() };
    let (_, outputs) = world.join_as(&ada.identity, "standup", off);
    assert_eq!(
        to(&ben, &outputs),
        [&ServerMessage::PeerBack { peer: ada.id }, &ServerMessage::Status { from: ada.id, status: off }]
    );
}

#[test]
fn signals_to_somebody_away_are_kept_in_order_and_delivered_on_return() {
    let mut world = World::new();
    let (ada, ben) = (world.join("standup"), world.join("standup"));
    world.say(&ada, Input::Broken);
    for candidate in ["one", "two", "three"] {
        assert_eq!(world.signal(&ben, &ada, candidate), []);
    }
    let (ada, outputs) = world.back(&ada, "standup");
    let kept: Vec<ServerMessage> =
        ["one", "two", "three"].map(|c| ServerMessage::Signal { from: ben.id, signal: signal(c) }).into();
    assert_eq!(to(&ada, &outputs)[1..], kept.iter().collect::<Vec<_>>());
}

#[test]
fn what_is_kept_for_somebody_away_is_bounded_per_sender_and_in_bytes() {
    let mut world = World::new();
    let (ada, ben, cleo) = (world.join("standup"), world.join("standup"), world.join("standup"));
    world.say(&ada, Input::Broken);
    let refused = [tell(ben.connection, Refusal::no_more_is_kept())];
    for _ in 0..room::KEPT_PER_SENDER {
        assert_eq!(world.signal(&ben, &ada, "x"), []);
    }
    assert_eq!(world.signal(&ben, &ada, "x"), refused);
    let large = "x".repeat(room::KEPT_BYTES / 2);
    assert_eq!(world.signal(&cleo, &ada, &large), [], "one sender does not use up another's share");
    assert_eq!(world.signal(&cleo, &ada, &large).len(), 1, "but the space for all is bounded");
    let (ada, outputs) = world.back(&ada, "standup");
    assert_eq!(to(&ada, &outputs).len(), 1 + room::KEPT_PER_SENDER + 1);
}

#[test]
fn who_came_during_an_absence_is_announced_on_return_so_that_the_offer_is_made() {
    let mut world = World::new();
    let (ada, ben) = (world.join("standup"), world.join("standup"));
    world.say(&ada, Input::Broken);
    let (cleo, outputs) = world.join_as(&ResumeToken::random(), "standup", Status::default());
    assert_eq!(joined_peers(to(&cleo, &outputs)[0]).1, [ada.id, ben.id], "the one away stays listed");
    assert_eq!(to(&cleo, &outputs)[1], &ServerMessage::PeerAway { peer: ada.id });
    world.signal(&cleo, &ada, "early");

    let (ada, outputs) = world.back(&ada, "standup");
    let messages = to(&ada, &outputs);
    assert_eq!(joined_peers(messages[0]), (true, vec![ben.id]));
    assert!(matches!(messages[1], ServerMessage::PeerJoined { peer } if peer.id == cleo.id), "{messages:?}");
    assert!(matches!(messages[2], ServerMessage::Signal { from, .. } if *from == cleo.id), "{messages:?}");
}

#[test]
fn signals_of_somebody_who_left_during_an_absence_are_not_delivered() {
    let mut world = World::new();
    let (ada, ben) = (world.join("standup"), world.join("standup"));
    world.say(&ada, Input::Broken);
    world.signal(&ben, &ada, "x");
    world.say(&ben, Input::Leave);
    let (ada, outputs) = world.back(&ada, "standup");
    assert_eq!(to(&ada, &outputs).len(), 1);
    assert_eq!(joined_peers(to(&ada, &outputs)[0]), (true, vec![]));
}

#[test]
fn a_second_connection_of_the_same_participant_replaces_the_first_and_the_others_notice_nothing() {
    let mut world = World::new();
    let (ada, ben) = (world.join("standup"), world.join("standup"));
    let (again, outputs) = world.back(&ada, "standup");
    let replaced = ServerMessage::Closing { reason: ClosingReason::Replaced, retry_after: None };
    assert_eq!(outputs[..2], [tell(ada.connection, replaced), Output::Close(ada.connection)]);
    assert_eq!(joined_peers(to(&again, &outputs)[0]), (true, vec![ben.id]));
    assert!(to(&ben, &outputs).is_empty());

    assert_eq!(world.say(&ada, Input::Broken), [], "the end of the first connection changes nothing");
    assert_eq!(world.say(&ada, Input::Leave), [Output::Close(ada.connection)]);
    assert_eq!(world.signal(&ben, &again, "x").len(), 1);
}

#[test]
fn the_same_participant_in_another_room_has_left_the_first() {
    let mut world = World::new();
    let (ada, ben) = (world.join("standup"), world.join("standup"));
    let (moved, outputs) = world.back(&ada, "elsewhere");
    assert_eq!(to(&ben, &outputs), [&ServerMessage::PeerLeft { peer: ada.id, reason: LeftReason::Left }]);
    assert!(outputs.contains(&Output::Close(ada.connection)));
    assert_eq!(joined_peers(to(&moved, &outputs)[0]), (false, vec![]));
    assert_eq!(world.signal(&moved, &ben, "x"), [tell(moved.connection, Refusal::no_such_peer())]);
}

#[test]
fn a_server_that_remembers_nobody_takes_a_participant_as_who_it_says_it_is() {
    let mut world = World::new();
    let identity = ResumeToken::random();
    let (ada, outputs) = world.join_as(&identity, "standup", Status::default());
    let ServerMessage::Joined { you, resume, resumed, .. } = to(&ada, &outputs)[0] else { panic!() };
    assert_eq!((*you, resume, *resumed), (identity.peer_id(), &identity, false));
}

#[test]
fn a_full_room_refuses_and_keeps_the_places_of_those_who_are_away() {
    let limits = Limits { peers_per_room: 2, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let (ada, _ben) = (world.join("standup"), world.join("standup"));
    world.say(&ada, Input::Broken);
    let (late, outputs) = world.join_as(&ResumeToken::random(), "standup", Status::default());
    let [Output::Send { message: ServerMessage::Error { code, message, fatal }, .. }, Output::Close(closed)] =
        &outputs[..]
    else {
        panic!("{outputs:?}")
    };
    assert_eq!((*code, *fatal, *closed), (ErrorCode::RoomFull, true, late.connection));
    assert!(message.contains('2'), "{message}");

    let (ada, outputs) = world.back(&ada, "standup");
    assert!(joined_peers(to(&ada, &outputs)[0]).0);
}

#[test]
fn moving_to_a_full_room_is_refused_and_the_old_place_stays() {
    let limits = Limits { peers_per_room: 2, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let (_one, _two) = (world.join("full"), world.join("full"));
    let (ada, ben) = (world.join("standup"), world.join("standup"));
    world.back(&ada, "full");
    assert_eq!(world.signal(&ben, &ada, "x").len(), 1);
}

#[test]
fn a_member_that_the_server_removes_is_gone_at_once() {
    let mut world = World::new();
    let (ada, ben) = (world.join("standup"), world.join("standup"));
    assert_eq!(
        world.say(&ada, Input::Removed),
        [tell(ben.connection, ServerMessage::PeerLeft { peer: ada.id, reason: LeftReason::Removed })]
    );
}

#[test]
fn without_a_resume_window_a_broken_connection_is_lost_at_once() {
    let mut world = World::with(Config { resume_window: Duration::ZERO, ..Config::default() });
    let (ada, ben) = (world.join("standup"), world.join("standup"));
    assert_eq!(
        world.say(&ada, Input::Broken),
        [tell(ben.connection, ServerMessage::PeerLeft { peer: ada.id, reason: LeftReason::Lost })]
    );
    assert_eq!(world.rooms.next_expiry(), None);
}

#[test]
fn two_thousand_rooms_are_apart_and_vanish_without_a_trace() {
    let mut world = World::new();
    let pairs: Vec<(Client, Client)> =
        (0..2000).map(|n| (world.join(&format!("room {n}")), world.join(&format!("room {n}")))).collect();
    assert_eq!((world.rooms.room_count(), world.rooms.peer_count()), (2000, 4000));

    for (n, (ada, ben)) in pairs.iter().enumerate() {
        let outputs = world.signal(ada, ben, "x");
        assert_eq!(to(ben, &outputs).len(), 1);
        let stranger = &pairs[(n + 1) % pairs.len()].1;
        assert_eq!(world.signal(ada, stranger, "x"), [tell(ada.connection, Refusal::no_such_peer())]);
    }
    for (n, (ada, ben)) in pairs.iter().enumerate() {
        world.say(ada, if n % 2 == 0 { Input::Leave } else { Input::Broken });
        world.say(ben, if n % 3 == 0 { Input::Removed } else { Input::Broken });
    }
    world.rooms.expire(world.now + Duration::from_secs(30));
    let Rooms { rooms, places, connections, expiries, .. } = &world.rooms;
    assert!(rooms.is_empty() && places.is_empty() && connections.is_empty() && expiries.is_empty());
}

#[test]
fn who_joins_and_who_comes_back_gets_links_with_the_rooms_own_spelling() {
    let mut world = World::new();
    world.join("Stand Up");
    let (ben, outputs) = world.join_as(&ResumeToken::random(), "stand up", Status::default());
    let expected = "https://call.example/Stand%20Up";
    let ServerMessage::Joined { links, .. } = to(&ben, &outputs)[0] else { panic!() };
    assert_eq!((links.len(), &links[0].url[..]), (1, expected));

    world.say(&ben, Input::Broken);
    let (ben, outputs) = world.back(&ben, "stand up");
    let ServerMessage::Joined { links, resumed: true, .. } = to(&ben, &outputs)[0] else { panic!() };
    assert_eq!((links.len(), &links[0].url[..]), (1, expected));
}
