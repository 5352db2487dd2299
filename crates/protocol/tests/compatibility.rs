//! What is written is read back the same, what is unknown is ignored, and no input makes the
//! parser panic: the promises that let versions of client and server differ.
#![allow(clippy::unwrap_used)]

use maru_protocol::{
    Capabilities, ClientInfo, ClientMessage, ClosingReason, DisplayName, ErrorCode, GuestLink, IceServer,
    LeftReason, Limits, LinkScope, PeerId, PeerInfo, ResumeToken, RoomName, SdpType, ServerMessage, Signal,
    Status, VideoCodec,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn name() -> impl Strategy<Value = String> {
    "[\\PC&&[^\\s]]{1,20}".prop_filter("a name", |text| RoomName::parse(text).is_ok())
}

fn token() -> impl Strategy<Value = ResumeToken> {
    any::<u128>().prop_map(|bits| {
        let hex = format!("{bits:032x}");
        let text = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
        serde_json::from_value(Value::String(text)).unwrap()
    })
}

fn peer_id() -> impl Strategy<Value = PeerId> {
    token().prop_map(|token| token.peer_id())
}

fn status() -> impl Strategy<Value = Status> {
    any::<(bool, bool, bool)>().prop_map(|(muted, camera_off, sharing)| Status { muted, camera_off, sharing })
}

fn capabilities() -> impl Strategy<Value = Capabilities> {
    let codec = prop_oneof![Just(VideoCodec::H264), Just(VideoCodec::Vp8)];
    (vec(codec, 0..4), any::<[bool; 3]>()).prop_map(|(video_codecs, [chat, files, screen])| Capabilities {
        video_codecs,
        chat,
        files,
        screen,
    })
}

fn client() -> impl Strategy<Value = ClientInfo> {
    any::<(String, String)>().prop_map(|(name, version)| ClientInfo { name, version })
}

fn signal() -> impl Strategy<Value = Signal> {
    prop_oneof![
        (prop_oneof![Just(SdpType::Offer), Just(SdpType::Answer)], any::<(String, Option<u32>)>())
            .prop_map(|(sdp_type, (sdp, offer))| Signal::Description { sdp_type, sdp, offer }),
        any::<(String, Option<String>, Option<u16>)>().prop_map(|(candidate, sdp_mid, sdp_m_line_index)| {
            Signal::Candidate { candidate, sdp_mid, sdp_m_line_index }
        }),
        Just(Signal::EndOfCandidates),
        Just(Signal::Restart),
    ]
}

fn peer() -> impl Strategy<Value = PeerInfo> {
    (peer_id(), name(), client(), capabilities(), status()).prop_map(
        |(id, name, client, capabilities, status)| PeerInfo {
            id,
            name: DisplayName::parse(&name).unwrap(),
            client,
            capabilities,
            status,
        },
    )
}

fn client_message() -> impl Strategy<Value = ClientMessage> {
    let join =
        (name(), name(), any::<Option<String>>(), client(), capabilities(), status(), option::of(token()))
            .prop_map(|(room, name, token, client, capabilities, status, resume)| ClientMessage::Join {
                room: RoomName::parse(&room).unwrap(),
                name: DisplayName::parse(&name).unwrap(),
                token,
                client,
                capabilities,
                status,
                resume,
            });
    prop_oneof![
        join,
        (peer_id(), signal()).prop_map(|(to, signal)| ClientMessage::Signal { to, signal }),
        status().prop_map(ClientMessage::Status),
        Just(ClientMessage::Leave),
    ]
}

fn ice_server() -> impl Strategy<Value = IceServer> {
    any::<(Vec<String>, Option<String>, Option<String>)>()
        .prop_map(|(urls, username, credential)| IceServer { urls, username, credential })
}

fn limits() -> impl Strategy<Value = Limits> {
    any::<[u32; 4]>().prop_map(|[message_bytes, messages_per_second, peers_per_room, connections]| Limits {
        message_bytes,
        messages_per_second,
        peers_per_room,
        connections_per_address: connections,
    })
}

fn link() -> impl Strategy<Value = GuestLink> {
    let scope = prop_oneof![Just(LinkScope::Machine), Just(LinkScope::Network), Just(LinkScope::Public)];
    (any::<String>(), scope, any::<Option<String>>()).prop_map(|(url, scope, fingerprint)| GuestLink {
        url,
        scope,
        fingerprint,
    })
}

fn server_message() -> impl Strategy<Value = ServerMessage> {
    use ErrorCode::*;
    let (peers, ice_servers, links) = (vec(peer(), 0..4), vec(ice_server(), 0..3), vec(link(), 0..3));
    let joined = (token(), any::<bool>(), name(), peers, ice_servers, limits(), links).prop_map(
        |(resume, resumed, room, peers, ice_servers, limits, links)| ServerMessage::Joined {
            you: resume.peer_id(),
            resume,
            resumed,
            room: RoomName::parse(&room).unwrap(),
            peers,
            ice_servers,
            limits,
            links,
        },
    );
    let codes = proptest::sample::select(vec![
        Malformed,
        MessageTooLarge,
        TooManyMessages,
        TooManyConnections,
        UnsupportedVersion,
        BadRoomName,
        BadDisplayName,
        RoomFull,
        NotJoined,
        AlreadyJoined,
        NoSuchPeer,
        Unauthorized,
        JoinTimeout,
        Internal,
    ]);
    let left = proptest::sample::select(vec![LeftReason::Left, LeftReason::Lost, LeftReason::Removed]);
    let closing = proptest::sample::select(vec![
        ClosingReason::Shutdown,
        ClosingReason::Replaced,
        ClosingReason::TooSlow,
    ]);
    prop_oneof![
        joined,
        peer().prop_map(|peer| ServerMessage::PeerJoined { peer }),
        (peer_id(), left).prop_map(|(peer, reason)| ServerMessage::PeerLeft { peer, reason }),
        peer_id().prop_map(|peer| ServerMessage::PeerAway { peer }),
        peer_id().prop_map(|peer| ServerMessage::PeerBack { peer }),
        (peer_id(), signal()).prop_map(|(from, signal)| ServerMessage::Signal { from, signal }),
        (peer_id(), status()).prop_map(|(from, status)| ServerMessage::Status { from, status }),
        vec(ice_server(), 0..3).prop_map(|ice_servers| ServerMessage::IceServers { ice_servers }),
        (codes, any::<String>(), any::<bool>()).prop_map(|(code, message, fatal)| ServerMessage::Error {
            code,
            message,
            fatal
        }),
        (closing, any::<Option<u32>>())
            .prop_map(|(reason, retry_after)| ServerMessage::Closing { reason, retry_after }),
    ]
}

/// JSON of any shape, with the protocol's own words in it often enough to get past the first check.
fn any_json() -> impl Strategy<Value = Value> {
    let words = vec![
        "type",
        "kind",
        "join",
        "joined",
        "signal",
        "status",
        "leave",
        "error",
        "closing",
        "peer_joined",
        "room",
        "name",
        "to",
        "from",
        "peer",
        "peers",
        "resume",
        "client",
        "capabilities",
        "video_codecs",
        "description",
        "candidate",
        "offer",
        "sdp",
        "h264",
        "code",
        "limits",
    ];
    let word = proptest::sample::select(words).prop_map(str::to_owned);
    let text = prop_oneof![3 => word, 1 => any::<String>()];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((text.clone(), inner), 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn assert_reads_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(message: &T) {
    let text = serde_json::to_string(message).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), message, "{text}");
}

/// The same message as a later version might write it: with one more field.
fn with_a_new_field(message: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(message).unwrap();
    value["a_field_of_the_future"] = json!({ "deep": [1, "two"] });
    value
}

proptest! {
    #[test]
    fn what_a_client_writes_is_read_back_the_same(message in client_message()) {
        assert_reads_back(&message);
    }

    #[test]
    fn what_a_server_writes_is_read_back_the_same(message in server_message()) {
        assert_reads_back(&message);
    }

    #[test]
    fn a_field_that_a_version_does_not_know_is_ignored(
        from_client in client_message(), from_server in server_message()
    ) {
        prop_assert_eq!(
            serde_json::from_value::<ClientMessage>(with_a_new_field(&from_client)).unwrap(), from_client
        );
        prop_assert_eq!(
            serde_json::from_value::<ServerMessage>(with_a_new_field(&from_server)).unwrap(), from_server
        );
    }

    #[test]
    fn no_json_makes_the_parser_panic_and_what_is_read_can_be_written(value in any_json()) {
        if let Ok(message) = serde_json::from_value::<ClientMessage>(value.clone()) {
            assert_reads_back(&message);
        }
        if let Ok(message) = serde_json::from_value::<ServerMessage>(value) {
            assert_reads_back(&message);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = serde_json::from_str::<ClientMessage>(&text);
        let _ = serde_json::from_str::<ServerMessage>(&text);
    }

    #[test]
    fn normalising_a_name_twice_changes_nothing_more(text in any::<String>()) {
        if let Ok(once) = RoomName::parse(&text) {
            let twice = RoomName::parse(once.as_str()).unwrap();
            prop_assert_eq!(twice.as_str(), once.as_str());
            prop_assert_eq!(twice.key(), once.key());
            prop_assert!((1..=RoomName::MAX_CHARS).contains(&once.as_str().chars().count()));
            prop_assert!(!once.as_str().chars().any(char::is_control));
        }
    }
}

#[test]
fn a_message_type_that_a_version_does_not_know_is_unknown_and_not_an_error() {
    let text = r#"{"type":"reaction","emoji":"👏","to":["all"]}"#;
    assert_eq!(serde_json::from_str::<ClientMessage>(text).unwrap(), ClientMessage::Unknown);
    assert_eq!(serde_json::from_str::<ServerMessage>(text).unwrap(), ServerMessage::Unknown);
}

#[test]
fn unknown_codecs_kinds_codes_and_reasons_do_not_spoil_the_message_around_them() {
    let id = ResumeToken::random().peer_id();
    let join = json!({
        "type": "join", "room": "standup", "name": "Ada", "client": { "name": "maru", "version": "9" },
        "capabilities": { "video_codecs": ["av1", "h264", { "h266": 1, "profile": 2 }, 7], "files": true },
    });
    let ClientMessage::Join { capabilities, status, resume, .. } = serde_json::from_value(join).unwrap()
    else {
        panic!("not a join");
    };
    assert_eq!(capabilities.video_codecs, [VideoCodec::H264], "unknown codecs are dropped");
    assert_eq!((status, resume), (Status::default(), None));

    let signal = json!({ "type": "signal", "from": id, "signal": { "kind": "hologram", "depth": 3 } });
    assert_eq!(
        serde_json::from_value::<ServerMessage>(signal).unwrap(),
        ServerMessage::Signal { from: id, signal: Signal::Unknown }
    );
    let left = json!({ "type": "peer_left", "peer": id, "reason": "abducted" });
    assert_eq!(
        serde_json::from_value::<ServerMessage>(left).unwrap(),
        ServerMessage::PeerLeft { peer: id, reason: LeftReason::Unknown }
    );
    let error = json!({ "type": "error", "code": "teapot", "message": "Short and stout.", "fatal": false });
    assert!(matches!(
        serde_json::from_value::<ServerMessage>(error).unwrap(),
        ServerMessage::Error { code: ErrorCode::Unknown, fatal: false, .. }
    ));
    let closing = json!({ "type": "closing", "reason": "upgrade" });
    assert_eq!(
        serde_json::from_value::<ServerMessage>(closing).unwrap(),
        ServerMessage::Closing { reason: ClosingReason::Unknown, retry_after: None }
    );
}

#[test]
fn the_words_on_the_wire_are_those_of_the_first_version() {
    let id = ResumeToken::random().peer_id();
    let offer = Signal::Description { sdp_type: SdpType::Offer, sdp: "v=0".into(), offer: None };
    assert_eq!(
        serde_json::to_value(ClientMessage::Signal { to: id, signal: offer }).unwrap(),
        json!({ "type": "signal", "to": id, "signal": { "kind": "description", "type": "offer", "sdp": "v=0" } })
    );
    assert_eq!(
        serde_json::to_value(ClientMessage::Status(Status { muted: true, ..Status::default() })).unwrap(),
        json!({ "type": "status", "muted": true, "camera_off": false, "sharing": false })
    );
    let candidate =
        Signal::Candidate { candidate: "c".into(), sdp_mid: Some("0".into()), sdp_m_line_index: None };
    assert_eq!(
        serde_json::to_value(ServerMessage::Signal { from: id, signal: candidate }).unwrap(),
        json!({ "type": "signal", "from": id, "signal":
            { "kind": "candidate", "candidate": "c", "sdp_mid": "0", "sdp_m_line_index": null } })
    );
    let server = IceServer {
        urls: vec!["turn:h:3478".into()],
        username: Some("u".into()),
        credential: Some("c".into()),
    };
    assert_eq!(
        serde_json::to_value(ServerMessage::IceServers { ice_servers: vec![server] }).unwrap(),
        json!({ "type": "ice_servers", "ice_servers":
            [{ "urls": ["turn:h:3478"], "username": "u", "credential": "c" }] })
    );
    assert_eq!(
        serde_json::to_value(ServerMessage::Closing { reason: ClosingReason::TooSlow, retry_after: Some(1) })
            .unwrap(),
        json!({ "type": "closing", "reason": "too_slow", "retry_after": 1 })
    );
}

#[test]
fn json_nested_thousands_deep_is_an_error_and_not_a_stack_overflow() {
    let deep = format!(r#"{{"type":"signal","to":{}"#, "[".repeat(100_000));
    assert!(serde_json::from_str::<ClientMessage>(&deep).is_err());
}

#[test]
fn a_server_that_knows_no_links_is_read_and_a_scope_of_the_future_does_not_spoil_its_link() {
    let resume = ResumeToken::random();
    let mut joined = json!({
        "type": "joined", "you": resume.peer_id(), "resume": resume, "resumed": false, "room": "standup",
        "peers": [], "ice_servers": [], "limits": {},
    });
    let links = |joined: &Value| match serde_json::from_value(joined.clone()).unwrap() {
        ServerMessage::Joined { links, .. } => links,
        other => panic!("not joined: {other:?}"),
    };
    assert_eq!(links(&joined), []);

    joined["links"] = json!([
        { "url": "https://192.0.2.1:6279/standup", "scope": "network", "fingerprint": "AB:CD" },
        { "url": "https://call.example/standup", "scope": "galaxy", "colour": "blue" },
    ]);
    let [network, later] = &links(&joined)[..] else { panic!("not two links") };
    assert_eq!((network.scope, network.fingerprint.as_deref()), (LinkScope::Network, Some("AB:CD")));
    assert_eq!((later.scope, &later.url[..]), (LinkScope::Unknown, "https://call.example/standup"));
}

#[test]
fn a_limit_that_a_server_does_not_state_has_its_default() {
    let limits: Limits = serde_json::from_value(json!({ "peers_per_room": 4 })).unwrap();
    assert_eq!(limits, Limits { peers_per_room: 4, ..Limits::default() });
}
