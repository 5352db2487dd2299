//! Entering, staying in and leaving a room, whatever the server does.

use super::*;

#[test]
fn the_server_can_go_and_come_back_without_touching_a_connected_peer() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    bench.connect_newcomer(&peer);
    bench.input(Input::SignalingClosed(lost()));
    assert_eq!(bench.call.state(), CallState::Reconnecting);
    bench.pass(Duration::from_secs(1));
    assert!(bench.outputs().iter().any(|output| matches!(output, Output::OpenSignaling)));
    bench.input(Input::SignalingOpen);
    let outputs = bench.outputs();
    assert!(
        matches!(&outputs[..], [Output::Send(ClientMessage::Join { resume: Some(token), .. })] if *token == bench.me)
    );
    // The server was restarted and the peer is not back yet; then it is.
    bench.enter(&[]);
    bench.server(ServerMessage::PeerJoined { peer: peer.clone() });
    assert!(bench.outputs().is_empty(), "nothing to negotiate, nothing to close");
    assert_eq!(bench.state_of(&peer), Some(PeerState::Connected));
    assert_eq!(bench.call.state(), CallState::InCall);
}

#[test]
fn reconnecting_goes_on_with_growing_waits_until_the_server_is_back() {
    let mut bench = Bench::joined(&[]);
    bench.input(Input::SignalingClosed(lost()));
    let mut waits = Vec::new();
    for _ in 0..20 {
        let deadline = bench.call.next_deadline().unwrap();
        waits.push(deadline - bench.now);
        bench.now = deadline;
        bench.call.handle_timeout(bench.now);
        bench.input(Input::SignalingClosed(lost()));
    }
    assert!(waits[0] < Duration::from_millis(300));
    assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(10)));
    assert!(waits[19] > Duration::from_secs(4));
    assert!(notices(&bench.outputs()).is_empty(), "the state tells it all");
}

#[test]
fn the_first_attempt_to_join_fails_with_the_reason() {
    let mut bench = Bench::new();
    bench.join();
    let problem = Problem::new(Sentence::ServerUnknownHost { host: "nowhere".into() }, "no such host");
    bench.input(Input::SignalingClosed(problem.clone()));
    assert_eq!(bench.call.state(), CallState::Idle);
    let said = problem.notice(NoticeCode::Server);
    assert!(bench.outputs().iter().any(|output| matches!(output, Output::Notice(notice) if *notice == said)));
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time() {
    let mut bench = Bench::new();
    bench.join();
    bench.input(Input::SignalingOpen);
    bench.pass(JOIN_TIMEOUT);
    assert_eq!(bench.call.state(), CallState::Idle);
    assert_eq!(notices(&bench.outputs()), [NoticeCode::Server]);
}

#[test]
fn a_full_room_ends_the_attempt_with_the_servers_words() {
    let mut bench = Bench::new();
    bench.join();
    bench.input(Input::SignalingOpen);
    bench.outputs();
    let message = "The room is full.".to_owned();
    bench.server(ServerMessage::Error { code: ErrorCode::RoomFull, message, fatal: true });
    assert_eq!(bench.call.state(), CallState::Idle);
    assert_eq!(notices(&bench.outputs()), [NoticeCode::RoomFull]);
}

#[test]
fn leaving_says_so_closes_everything_and_is_over_in_a_second_at_most() {
    let peer = member("a");
    let mut bench = Bench::joined(&[]);
    bench.connect_newcomer(&peer);
    bench.input(Input::Leave);
    let outputs = bench.outputs();
    assert!(closed(&outputs));
    assert!(outputs.iter().any(|output| matches!(output, Output::Send(ClientMessage::Leave))));
    assert_eq!(bench.call.state(), CallState::Leaving);
    bench.pass(LEAVE_TIMEOUT);
    assert_eq!(bench.call.state(), CallState::Idle);
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let mut bench = Bench::joined(&[]);
    bench.server(ServerMessage::Closing { reason: ClosingReason::Shutdown, retry_after: Some(5) });
    bench.input(Input::SignalingClosed(lost()));
    let wait = bench.call.next_deadline().unwrap() - bench.now;
    assert!(wait >= Duration::from_secs(5), "{wait:?}");
}

#[test]
fn a_full_server_ends_a_joining_with_its_sentence_and_no_call_that_goes_on() {
    let full = || ServerMessage::Error {
        code: ErrorCode::Overloaded,
        message: "The server is full just now.".to_owned(),
        fatal: false,
    };
    let busy = || ServerMessage::Closing { reason: ClosingReason::Busy, retry_after: Some(5) };
    let mut joining = Bench::new();
    joining.join();
    joining.input(Input::SignalingOpen);
    joining.server(full());
    joining.server(busy());
    joining.input(Input::SignalingClosed(lost()));
    assert_eq!(joining.call.state(), CallState::Idle);
    assert_eq!(
        notices(&joining.outputs()),
        [NoticeCode::Server],
        "the reason, and not that the line was cut"
    );

    let mut going_on = Bench::joined(&[]);
    going_on.outputs();
    going_on.server(full());
    going_on.server(busy());
    going_on.input(Input::SignalingClosed(lost()));
    assert_eq!(going_on.call.state(), CallState::Reconnecting);
    assert!(going_on.call.next_deadline().unwrap() - going_on.now >= Duration::from_secs(5));
}

#[test]
fn joining_again_elsewhere_ends_this_call() {
    let mut bench = Bench::joined(&[]);
    bench.server(ServerMessage::Closing { reason: ClosingReason::Replaced, retry_after: None });
    assert_eq!(bench.call.state(), CallState::Idle);
    assert_eq!(notices(&bench.outputs()), [NoticeCode::Server]);
}

#[test]
fn the_times_of_a_peer_count_from_its_arrival_or_from_our_wish_to_join() {
    let (there, later) = (member("there"), member("later"));
    let mut bench = Bench::new();
    bench.join();
    bench.now += Duration::from_millis(40);
    bench.input(Input::SignalingOpen);
    bench.enter(&[&there]);
    assert_eq!(bench.call.joined_after(), Some(Duration::from_millis(40)));
    bench.signal(&there, Signal::Description { sdp_type: SdpType::Offer, sdp: OFFER.into(), offer: None });
    let generation = opened(&bench.outputs()).unwrap();
    bench.now += Duration::from_millis(60);
    bench.connection(&there, generation, ConnectionEvent::Connected);
    bench.server(ServerMessage::PeerJoined { peer: later.clone() });
    let generation = opened(&bench.outputs()).unwrap();
    bench.now += Duration::from_millis(30);
    bench.connection(&later, generation, ConnectionEvent::Connected);
    let after = |peer: &PeerInfo| {
        bench.call.peers().iter().find(|known| known.id() == peer.id).and_then(Peer::connected_after)
    };
    assert_eq!(after(&there), Some(Duration::from_millis(100)));
    assert_eq!(after(&later), Some(Duration::from_millis(30)));
}

#[test]
fn the_links_that_the_server_gave_are_shown_until_the_call_ends() {
    let mut bench = Bench::joined(&[]);
    assert_eq!(bench.call.links(), [link()]);
    bench.input(Input::Leave);
    bench.input(Input::SignalingClosed(lost()));
    assert_eq!(bench.call.links(), []);
}

#[test]
fn a_room_that_moves_to_another_server_is_entered_there_and_the_call_goes_on_as_it_is() {
    let (anna, bo) = (member("Anna"), member("Bo"));
    let mut bench = Bench::joined(&[]);
    for peer in [&anna, &bo] {
        bench.connect_newcomer(peer);
    }
    bench.input(Input::SignalingMoved);
    let outputs = bench.outputs();
    let [Output::Send(ClientMessage::Join { resume: Some(resume), .. })] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!(*resume, bench.me);
    assert_eq!(bench.call.state(), CallState::InCall);

    // Anna moved before, Bo comes after, and Cy was there.
    let cy = member("Cy");
    bench.enter(&[&anna, &cy]);
    bench.server(ServerMessage::PeerJoined { peer: bo.clone() });
    let outputs = bench.outputs();
    assert!(!outputs.iter().any(|output| matches!(
        output,
        Output::OpenConnection { .. } | Output::CloseConnection { .. } | Output::Notice(_)
    )));
    assert_eq!(bench.call.state(), CallState::InCall);
    for peer in [&anna, &bo] {
        assert_eq!(bench.state_of(peer), Some(PeerState::Connected));
    }
    assert!(bench.state_of(&cy).is_some());
}

#[test]
fn a_second_joined_without_a_move_changes_nothing() {
    let anna = member("Anna");
    let mut bench = Bench::joined(&[]);
    bench.connect_newcomer(&anna);
    bench.enter(&[&member("Mallory")]);
    assert_eq!(bench.call.peers().len(), 1);
}

#[test]
fn a_room_that_moves_while_it_is_entered_is_entered_at_the_other_server() {
    let mut bench = Bench::new();
    bench.join();
    bench.input(Input::SignalingOpen);
    bench.outputs();
    bench.input(Input::SignalingMoved);
    assert!(matches!(bench.outputs()[..], [Output::Send(ClientMessage::Join { .. })]));
    bench.enter(&[]);
    assert_eq!(bench.call.state(), CallState::InCall);
}

#[test]
fn whoever_left_meanwhile_is_not_taken_along() {
    let mut bench = Bench::joined(&[]);
    bench.input(Input::Leave);
    bench.outputs();
    bench.input(Input::SignalingMoved);
    assert!(matches!(bench.outputs()[..], [Output::CloseSignaling]));
}
