//! Connections to peers: offered, lost, restarted, given up.

use super::*;

#[test]
fn who_was_there_first_offers_to_the_newcomer_and_the_newcomer_waits() {
    let peer = member("a");
    let mut first = Bench::joined(&[]);
    first.server(ServerMessage::PeerJoined { peer: peer.clone() });
    assert_eq!(offers(&first.outputs()), [false]);

    let mut newcomer = Bench::joined(&[&peer]);
    assert!(opened(&newcomer.outputs()).is_none());
    newcomer.signal(&peer, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    let outputs = newcomer.outputs();
    assert!(opened(&outputs).is_some());
    assert!(offers(&outputs).is_empty());
}

#[test]
fn an_offer_while_ours_is_pending_is_ignored_by_the_one_who_offers() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    bench.server(ServerMessage::PeerJoined { peer: peer.clone() });
    bench.outputs();
    bench.signal(&peer, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    assert!(bench.outputs().is_empty());
}

#[test]
fn a_newcomer_whose_offer_does_not_come_asks_for_it_and_gives_up_in_the_end() {
    let peer = member("a");
    let mut bench = Bench::joined(&[&peer]);
    bench.pass(Duration::from_secs(13));
    assert!(matches!(signals(&bench.outputs())[..], [Signal::Restart]));
    bench.pass(Duration::from_secs(120));
    let outputs = bench.outputs();
    assert_eq!(notices(&outputs), [NoticeCode::Peer]);
    assert_eq!(bench.state_of(&peer), Some(PeerState::Closed));
}

#[test]
fn a_vanished_peer_is_gone_when_both_the_server_and_the_path_have_lost_it() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.server(ServerMessage::PeerAway { peer: peer.id });
    assert_eq!(bench.state_of(&peer), Some(PeerState::Connected), "media may well go on");
    bench.connection(&peer, generation, ConnectionEvent::Disconnected);
    assert_eq!(bench.state_of(&peer), Some(PeerState::Restarting), "both may come back");
    bench.pass(Duration::from_secs(14));
    assert!(offers(&bench.outputs()).is_empty(), "nobody is there to take an offer");
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.state_of(&peer), None);
    assert!(closed(&bench.outputs()));
    // It comes back within the server's patience: as a newcomer, for us.
    bench.server(ServerMessage::PeerBack { peer: peer.id });
    assert_eq!(offers(&bench.outputs()), [false]);
}

#[test]
fn whoever_was_away_when_we_came_offers_when_it_is_back() {
    let peer = member("a");
    let mut bench = Bench::joined(&[&peer]);
    bench.server(ServerMessage::PeerAway { peer: peer.id });
    assert_eq!(bench.state_of(&peer), None);
    bench.outputs();
    // The server tells it of us then, and both would offer for ever.
    bench.server(ServerMessage::PeerBack { peer: peer.id });
    assert_eq!(bench.state_of(&peer), Some(PeerState::New));
    assert!(offers(&bench.outputs()).is_empty());
    bench.signal(&peer, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    assert_eq!(bench.state_of(&peer), Some(PeerState::Negotiating));
}

#[test]
fn a_lost_path_is_restarted_by_who_offers_when_it_is_asked_to() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation, ConnectionEvent::Disconnected);
    assert_eq!(bench.state_of(&peer), Some(PeerState::Restarting));
    bench.pass(Duration::from_secs(2));
    assert!(offers(&bench.outputs()).is_empty(), "the peer may have lost its network");
    bench.signal(&peer, Signal::Restart);
    assert_eq!(offers(&bench.outputs()), [true]);
    bench.connection(&peer, generation, ConnectionEvent::Connected);
    assert_eq!(bench.state_of(&peer), Some(PeerState::Connected));
}

#[test]
fn a_lost_path_is_reported_by_who_answers() {
    let peer = member("a");
    let mut bench = Bench::joined(&[&peer]);
    bench.signal(&peer, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    let generation = opened(&bench.outputs()).unwrap();
    bench.connection(&peer, generation, description(SdpType::Answer, ANSWER));
    bench.connection(&peer, generation, ConnectionEvent::Connected);
    bench.outputs();
    bench.connection(&peer, generation, ConnectionEvent::Disconnected);
    assert!(probed(&bench.outputs()));
    bench.pass(Duration::from_secs(5));
    assert!(signals(&bench.outputs()).is_empty(), "where the server is silent too, it is our own network");
    bench.input(Input::ServerAlive);
    bench.pass(Duration::from_secs(1));
    assert!(matches!(signals(&bench.outputs())[..], [Signal::Restart]));
    // The same certificate with other credentials is a restart; another one is another connection.
    bench.signal(&peer, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    assert!(opened(&bench.outputs()).is_none());
    bench.signal(
        &peer,
        Signal::Description { sdp_type: SdpType::Offer, sdp: OTHER_OFFER.into(), offer: None },
    );
    let outputs = bench.outputs();
    assert!(opened(&outputs).is_some() && closed(&outputs));
}

#[test]
fn who_offers_and_is_not_asked_restarts_a_lost_path_after_a_while() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation, ConnectionEvent::Disconnected);
    bench.pass(Duration::from_millis(50));
    bench.input(Input::ServerAlive);
    bench.pass(Duration::from_secs(7));
    assert!(offers(&bench.outputs()).is_empty());
    bench.pass(Duration::from_secs(1));
    assert_eq!(offers(&bench.outputs()), [true]);
}

#[test]
fn a_path_whose_address_is_gone_is_restarted_at_once() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation, ConnectionEvent::AddressGone);
    assert_eq!(offers(&bench.outputs()), [true]);
    assert_eq!(bench.state_of(&peer), Some(PeerState::Restarting));
}

#[test]
fn when_the_network_changes_the_server_is_reached_anew_at_once_and_then_every_lost_path_is() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.input(Input::NetworkChanged { signaling_gone: true, came: true });
    bench.connection(&peer, generation, ConnectionEvent::AddressGone);
    assert_eq!(bench.call.state(), CallState::Reconnecting);
    bench.pass(Duration::ZERO);
    let outputs = bench.outputs();
    assert!(outputs.iter().any(|output| matches!(output, Output::OpenSignaling)), "{outputs:?}");
    assert!(offers(&outputs).is_empty(), "nobody would get it");
    bench.pass(Duration::from_millis(50));
    bench.input(Input::SignalingOpen);
    bench.resume(&[&peer]);
    bench.pass(Duration::ZERO);
    assert_eq!(offers(&bench.outputs()), [true]);
    assert_eq!(bench.state_of(&peer), Some(PeerState::Restarting));
}

#[test]
fn a_new_network_serves_who_looks_for_a_path_and_leaves_who_has_one_alone() {
    let (lost, fine) = (member("lost"), member("fine"));
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&lost);
    bench.connect_newcomer(&fine);
    bench.connection(&lost, generation, ConnectionEvent::Disconnected);
    bench.outputs();
    bench.input(Input::NetworkChanged { signaling_gone: false, came: true });
    assert_eq!(offers(&bench.outputs()), [true]);
    assert_eq!(bench.state_of(&fine), Some(PeerState::Connected));
}

#[test]
fn an_offer_that_was_lost_is_made_anew_and_a_late_answer_to_the_first_is_not_taken_for_one_to_the_second() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation, ConnectionEvent::AddressGone);
    bench.signal(&peer, Signal::Restart);
    let numbers: Vec<u32> = bench.outputs().iter().filter_map(number_of).collect();
    let [first, second] = numbers[..] else { panic!("{numbers:?}") };
    let answer =
        |offer| Signal::Description { sdp_type: SdpType::Answer, sdp: ANSWER.into(), offer: Some(offer) };
    bench.signal(&peer, answer(first));
    assert!(bench.outputs().is_empty());
    bench.signal(&peer, answer(second));
    assert!(matches!(bench.outputs()[..], [Output::Order { .. }]));
}

#[test]
fn a_peer_that_was_connected_is_never_given_up_while_it_is_in_the_room() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation, ConnectionEvent::Disconnected);
    for _ in 0..600 {
        bench.input(Input::ServerAlive);
        bench.pass(Duration::from_secs(1));
        assert!(notices(&bench.outputs()).is_empty());
    }
    assert!(bench.state_of(&peer).is_some_and(|state| state != PeerState::Closed));
}

#[test]
fn who_comes_back_too_late_waits_for_offers_as_a_newcomer_does() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation, ConnectionEvent::Disconnected);
    bench.input(Input::SignalingClosed(lost()));
    bench.pass(Duration::from_secs(40));
    bench.outputs();
    bench.input(Input::SignalingOpen);
    bench.enter(&[&peer]);
    assert!(offers(&bench.outputs()).is_empty());
    bench.signal(&peer, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    assert!(opened(&bench.outputs()).is_some());
}

#[test]
fn who_asks_to_go_on_with_a_connection_that_the_peer_has_no_more_takes_the_peers_new_one() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation, ConnectionEvent::AddressGone);
    assert_eq!(offers(&bench.outputs()), [true]);
    bench.signal(
        &peer,
        Signal::Description { sdp_type: SdpType::Offer, sdp: OTHER_OFFER.into(), offer: None },
    );
    let outputs = bench.outputs();
    assert!(closed(&outputs) && opened(&outputs).is_some());
}

#[test]
fn a_peer_that_sends_garbage_fails_alone_and_is_given_up_after_a_few_tries() {
    let (bad, good) = (member("bad"), member("good"));
    let mut bench = Bench::joined(&[]);
    bench.connect_newcomer(&good);
    bench.server(ServerMessage::PeerJoined { peer: bad.clone() });
    let mut given_up = false;
    for _ in 0..10 {
        let outputs = bench.outputs();
        given_up |= notices(&outputs) == [NoticeCode::Peer];
        if let Some(generation) = opened(&outputs) {
            bench.signal(
                &bad,
                Signal::Description { sdp_type: SdpType::Answer, sdp: "garbage".into(), offer: None },
            );
            bench.connection(&bad, generation, ConnectionEvent::Failed(Failure::Other("bad SDP".into())));
        }
        bench.pass(Duration::from_secs(2));
    }
    assert!(given_up);
    assert_eq!(bench.state_of(&bad), Some(PeerState::Closed));
    assert_eq!(bench.state_of(&good), Some(PeerState::Connected));
}

#[test]
fn news_of_a_replaced_connection_counts_for_nothing() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let generation = bench.connect_newcomer(&peer);
    bench.connection(&peer, generation + 7, ConnectionEvent::Failed(Failure::Other("old".into())));
    assert_eq!(bench.state_of(&peer), Some(PeerState::Connected));
}

#[test]
fn a_peer_that_lost_its_memory_asks_and_gets_an_offer_whoever_was_there_first() {
    let peer = member("a");
    let mut bench = Bench::joined(&[&peer]);
    bench.signal(&peer, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    let old = opened(&bench.outputs()).unwrap();
    bench.connection(&peer, old, ConnectionEvent::Connected);
    bench.signal(&peer, Signal::Restart);
    let outputs = bench.outputs();
    assert!(closed(&outputs), "its keys are forgotten over there");
    assert!(opened(&outputs).unwrap() > old);
    assert_eq!(offers(&outputs), [false]);
}

#[test]
fn when_both_ask_for_an_offer_one_of_them_makes_it() {
    let peer = member("a");
    let mut bench = Bench::joined(&[&peer]);
    bench.pass(Duration::from_secs(3));
    assert_eq!(signals(&bench.outputs()), [&Signal::Restart]);
    bench.signal(&peer, Signal::Restart);
    let expected = if bench.me.peer_id() < peer.id { 0 } else { 1 };
    assert_eq!(offers(&bench.outputs()).len(), expected);
}

#[test]
fn an_answer_with_another_certificate_makes_a_new_connection() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    let old = bench.connect_newcomer(&peer);
    bench.signal(&peer, Signal::Restart);
    assert_eq!(offers(&bench.outputs()), [true]);
    bench.connection(&peer, old, description(SdpType::Offer, OFFER));
    bench.outputs();
    let sdp = ANSWER.replace("22", "44");
    bench.signal(&peer, Signal::Description { sdp_type: SdpType::Answer, sdp, offer: None });
    let outputs = bench.outputs();
    assert!(closed(&outputs));
    assert_eq!(offers(&outputs), [false]);
}

#[test]
fn who_closes_the_channel_and_the_line_to_the_server_is_gone_at_once() {
    let peer = member("a");
    for channel_first in [true, false] {
        let mut bench = Bench::joined(&[]);
        let generation = bench.connect_newcomer(&peer);
        let away = ServerMessage::PeerAway { peer: peer.id };
        if channel_first {
            bench.connection(&peer, generation, ConnectionEvent::ChannelClosed);
            assert_eq!(bench.state_of(&peer), Some(PeerState::Connected), "the channel alone says little");
            bench.server(away);
        } else {
            bench.server(away);
            bench.connection(&peer, generation, ConnectionEvent::ChannelClosed);
        }
        assert_eq!(bench.state_of(&peer), None);
        assert!(closed(&bench.outputs()));
    }
}
