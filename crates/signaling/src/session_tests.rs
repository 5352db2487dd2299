//! The rules of one connection, in virtual time.

use std::net::Ipv4Addr;

use maru_protocol::{ErrorCode, Status};
use serde_json::json;

use super::*;
use crate::PerAddress;
use crate::visitors::Visitors;

const LEAVE_UNSAID: &str = r#"{"type":"status","muted":true}"#;

fn config() -> Config {
    Config::default()
}

fn session(now: Instant, config: &Config) -> Session {
    let visitor = Visitors::new(config.per_address).of(now, Ipv4Addr::LOCALHOST.into());
    Session::new(now, config, arrival(), ResumeToken::random(), visitor)
}

fn join() -> serde_json::Value {
    json!({ "type": "join", "room": "standup", "name": "Ada", "client": { "name": "test", "version": "1" },
            "capabilities": {} })
}

fn joined(now: Instant, config: &Config) -> Session {
    let mut session = session(now, config);
    assert!(matches!(session.text(now, &join().to_string()), Step::Room(Input::Join(_))));
    session
}

fn refused(step: Step) -> (ErrorCode, bool) {
    match step {
        Step::Refuse(refusal) => (refusal.code, refusal.fatal),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn join_comes_first_and_only_once() {
    let now = Instant::now();
    let mut early = session(now, &config());
    assert_eq!(refused(early.text(now, LEAVE_UNSAID)), (ErrorCode::NotJoined, true));

    let mut session = joined(now, &config());
    assert_eq!(
        session.text(now, LEAVE_UNSAID),
        Step::Room(Input::Status(Status { muted: true, ..Status::default() }))
    );
    assert_eq!(refused(session.text(now, &join().to_string())), (ErrorCode::AlreadyJoined, false));
}

#[test]
fn a_client_without_an_identity_gets_the_fresh_one_and_one_with_a_token_keeps_its_own() {
    let now = Instant::now();
    let fresh = ResumeToken::random();
    let visitor = Visitors::new(config().per_address).of(now, Ipv4Addr::LOCALHOST.into());
    let mut session = Session::new(now, &config(), arrival(), fresh.clone(), Arc::clone(&visitor));
    let Step::Room(Input::Join(first)) = session.text(now, &join().to_string()) else { panic!() };
    assert_eq!(first.identity, fresh);

    let own = ResumeToken::random();
    let mut with_token = join();
    with_token["resume"] = json!(own);
    let mut session = Session::new(now, &config(), arrival(), fresh, visitor);
    let Step::Room(Input::Join(second)) = session.text(now, &with_token.to_string()) else { panic!() };
    assert_eq!(second.identity, own);
}

#[test]
fn a_private_server_wants_its_token() {
    let now = Instant::now();
    let config = Config { token: Some("sesame".into()), ..config() };
    for wrong in [json!(null), json!("open")] {
        let mut request = join();
        request["token"] = wrong;
        let refusal = session(now, &config).text(now, &request.to_string());
        assert_eq!(refused(refusal), (ErrorCode::Unauthorized, true));
    }
    let mut request = join();
    request["token"] = json!("sesame");
    let step = session(now, &config).text(now, &request.to_string());
    assert!(matches!(step, Step::Room(Input::Join(_))), "{step:?}");
}

#[test]
fn the_third_faulty_message_is_the_last() {
    let now = Instant::now();
    let mut session = joined(now, &config());
    assert_eq!(refused(session.text(now, "garbage")), (ErrorCode::Malformed, false));
    assert_eq!(refused(session.binary(now, 3)), (ErrorCode::Malformed, false));
    let large = "x".repeat(config().limits.message_bytes as usize + 1);
    assert_eq!(refused(session.text(now, &large)), (ErrorCode::MessageTooLarge, true));
}

#[test]
fn a_message_of_exactly_the_limit_is_taken() {
    let now = Instant::now();
    let limit = config().limits.message_bytes as usize;
    let mut session = joined(now, &config());
    let padded = format!("{LEAVE_UNSAID}{}", " ".repeat(limit - LEAVE_UNSAID.len()));
    assert!(matches!(session.text(now, &padded), Step::Room(Input::Status(_))));
    assert_eq!(refused(session.text(now, &format!("{padded} "))), (ErrorCode::MessageTooLarge, false));
}

#[test]
fn a_flood_is_first_dropped_with_one_complaint_and_then_ends_the_connection() {
    let now = Instant::now();
    let mut session = joined(now, &config());
    let rate = config().limits.messages_per_second;
    let mut steps = (0..rate * 20).map(|_| session.text(now, LEAVE_UNSAID));

    let taken = steps.by_ref().take_while(|step| matches!(step, Step::Room(_))).count();
    assert_eq!(taken as u32, rate * 5 - 1, "five seconds' worth, the join included");
    // take_while consumed the first refusal: the complaint. What follows is dropped without a word.
    let dropped = steps.by_ref().take_while(|step| *step == Step::Nothing).count();
    assert_eq!(dropped as u32, rate * 2 - 1);
    assert_eq!(refused(steps.next().unwrap()), (ErrorCode::TooManyMessages, true));
}

#[test]
fn a_complaint_about_too_many_messages_is_not_fatal_and_names_the_limit() {
    let now = Instant::now();
    let mut session = joined(now, &config());
    let complaint =
        (0..1000).map(|_| session.text(now, LEAVE_UNSAID)).find(|step| matches!(step, Step::Refuse(_)));
    let Some(Step::Refuse(refusal)) = complaint else { panic!("no complaint") };
    assert_eq!((refusal.code, refusal.fatal), (ErrorCode::TooManyMessages, false));
    assert!(refusal.message.contains("60"), "{}", refusal.message);
}

#[test]
fn the_allowed_rate_may_go_on_for_minutes() {
    let start = Instant::now();
    let mut session = joined(start, &config());
    let rate = config().limits.messages_per_second;
    for n in 0..300 * rate {
        let now = start + Duration::from_secs(1) / rate * n;
        assert!(matches!(session.text(now, LEAVE_UNSAID), Step::Room(_)), "message {n}");
    }
}

#[test]
fn a_flood_of_pings_ends_the_connection_too() {
    let now = Instant::now();
    let mut session = joined(now, &config());
    assert!((0..1000).any(|_| matches!(session.control(now), Step::Refuse(refusal) if refusal.fatal)));
}

#[test]
fn who_does_not_join_in_time_is_refused_whatever_else_it_says() {
    let start = Instant::now();
    let config = config();
    let mut session = session(start, &config);
    let before = start + config.join_timeout - Duration::from_millis(1);
    assert_eq!(session.control(before), Step::Nothing);
    assert_eq!(session.timeout(before), Step::Nothing);
    assert_eq!(session.deadline(), start + config.join_timeout);
    let step = session.timeout(start + config.join_timeout);
    assert_eq!(refused(step), (ErrorCode::JoinTimeout, true));
}

#[test]
fn who_answers_pings_may_be_early_once_and_join_in_a_longer_time() {
    let start = Instant::now();
    let config = config();
    let (late, last) = (start + config.join_timeout, start + config.early_timeout);
    let mut mute = session(start, &config);
    assert!(!mute.may_be_early(late), "nothing came from it");
    mute.control(start + config.idle_timeout / 2);
    assert!(!mute.may_be_early(late - Duration::from_millis(1)), "it has time still");
    assert!(!mute.may_be_early(start + config.idle_timeout * 2), "it fell silent");

    let mut early = session(start, &config);
    early.control(late - Duration::from_secs(1));
    assert!(early.may_be_early(late));
    let counted = Arc::<crate::addresses::Addresses>::default();
    early.be_early(counted.enter(Ipv4Addr::LOCALHOST.into()));
    assert_eq!(early.timeout(late), Step::Nothing);
    early.control(last - Duration::from_secs(1));
    assert_eq!(early.deadline(), last);
    assert!(!early.may_be_early(last));
    assert_eq!(refused(early.timeout(last)), (ErrorCode::JoinTimeout, true));
    assert!(matches!(early.text(last, &join().to_string()), Step::Room(Input::Join(_))));
    assert_eq!(counted.total(), 0, "whoever joined is not early any more");
}

#[test]
fn silence_breaks_a_connection_and_any_sign_of_life_keeps_it() {
    let start = Instant::now();
    let config = config();
    let mut session = joined(start, &config);
    let pong = start + config.idle_timeout / 2;
    session.control(pong);
    assert_eq!(session.timeout(start + config.idle_timeout), Step::Nothing);
    assert_eq!(session.deadline(), pong + config.idle_timeout);
    assert_eq!(session.timeout(pong + config.idle_timeout), Step::Silent);
}

#[test]
fn by_default_a_dead_connection_is_noticed_within_ten_seconds() {
    let config = config();
    assert!(config.idle_timeout < Duration::from_secs(10));
    assert!(config.ping_interval * 2 < config.idle_timeout, "one lost ping must not break a connection");
}

fn arrival() -> Arrival {
    let ice = crate::relay::Ice::default().offer(None, false, None);
    Arrival { address: Ipv4Addr::LOCALHOST.into(), bases: Vec::new(), ice }
}

#[test]
fn messages_of_all_connections_of_an_address_are_limited_together() {
    let now = Instant::now();
    let config =
        Config { per_address: PerAddress { messages_per_second: 30, ..Default::default() }, ..config() };
    let visitor = Visitors::new(config.per_address).of(now, Ipv4Addr::LOCALHOST.into());
    let session = || Session::new(now, &config, arrival(), ResumeToken::random(), Arc::clone(&visitor));
    let (mut first, mut second) = (session(), session());
    let later = r#"{"type":"of a later version"}"#;
    let passed = (0..200).filter(|_| first.text(now, later) == Step::Nothing).count();
    assert_eq!(passed, 199, "150 pass, one is complained about, the others are dropped in silence");
    let Step::Refuse(refusal) = second.text(now, later) else { panic!("not refused") };
    assert_eq!((refusal.code, refusal.fatal), (ErrorCode::TooManyMessages, false));
    assert!(refusal.message.contains("30 a second from all its connections"), "{}", refusal.message);
    let mut third = session();
    assert!((0..100).all(|_| third.control(now) == Step::Nothing), "answers to pings are not among them");
}

#[test]
fn joins_of_an_address_are_limited_whether_their_token_is_right_or_not() {
    let now = Instant::now();
    let config = Config {
        token: Some("sesame".into()),
        per_address: PerAddress { joins_per_minute: 5, ..Default::default() },
        ..config()
    };
    let visitor = Visitors::new(config.per_address).of(now, Ipv4Addr::LOCALHOST.into());
    let joined = || {
        let mut session = Session::new(now, &config, arrival(), ResumeToken::random(), Arc::clone(&visitor));
        session.text(now, &join().to_string())
    };
    for _ in 0..10 {
        assert_eq!(refused(joined()), (ErrorCode::Unauthorized, true));
    }
    let Step::Postpone(refusal, seconds) = joined() else { panic!("not postponed") };
    assert_eq!(
        (refusal.code, seconds),
        (ErrorCode::TooManyJoins, 13),
        "five a minute are one in twelve seconds"
    );
}
