//! Invites, as they are pasted and printed.

use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> Invite {
    Invite::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn both_schemes_mean_the_same_room_on_the_same_server() {
    let https = parsed("https://call.example.org:8443/maru/%ED%9A%8C%EC%9D%98%EC%8B%A4");
    let maru = parsed(" maru://call.example.org:8443/maru/회의실 ");
    assert_eq!(https, maru);
    assert_eq!(https.room().as_str(), "회의실");
    assert_eq!(https.server_url(), "wss://call.example.org:8443/maru/ws");
    assert_eq!(maru.to_string(), "https://call.example.org:8443/maru/%ED%9A%8C%EC%9D%98%EC%8B%A4");
    assert_eq!(https.app_link().unwrap(), "maru://call.example.org:8443/maru/%ED%9A%8C%EC%9D%98%EC%8B%A4");
}

#[test]
fn servers_have_names_and_addresses_and_the_usual_port_is_not_said() {
    for (text, server, link) in [
        ("https://a.example/x", "wss://a.example/ws", "https://a.example/x"),
        ("HTTPS://A.Example:443/x", "wss://a.example/ws", "https://a.example/x"),
        ("maru://a.example:443/x#top", "wss://a.example/ws", "https://a.example/x"),
        ("maru://192.168.1.5:6279/x", "wss://192.168.1.5:6279/ws", "https://192.168.1.5:6279/x"),
        ("https://[FD00::0:1]:9/x", "wss://[fd00::1]:9/ws", "https://[fd00::1]:9/x"),
        ("http://127.0.0.1:6278/x", "ws://127.0.0.1:6278/ws", "http://127.0.0.1:6278/x"),
        ("http://localhost:80/x", "ws://localhost/ws", "http://localhost/x"),
        ("https://마루.example/x", "wss://마루.example/ws", "https://마루.example/x"),
        ("https://a.example/b/c/x?lang=ko", "wss://a.example/b/c/ws", "https://a.example/b/c/x"),
    ] {
        let invite = parsed(text);
        assert_eq!((invite.server_url().as_str(), invite.to_string().as_str()), (server, link), "{text}");
    }
    assert_eq!(parsed("http://localhost/x").app_link(), None);
}

#[test]
fn a_room_is_named_as_in_a_browsers_address() {
    for (text, room) in [
        ("https://h/a%2Fb%3Fc%23d%25e%20f", "a/b?c#d%e f"),
        ("https://h/a+b", "a+b"),
        ("https://h/회의실", "회의실"),
        ("https://h/two words", "two words"),
        ("https://h/?room=ws", "ws"),
        ("https://h/?room=a+b%2Bc", "a b+c"),
        ("https://h?room=x", "x"),
        ("https://h/index.html?lang=en&room=x&room=y", "x"),
        ("https://h/standup?rooms=x", "standup"),
        // Not a code: the percent sign means itself, and the page sees what the browser made of the rest.
        ("https://h/100%", "100%"),
        ("https://h/50% off", "50%%20off"),
        ("https://h/%ff", "%ff"),
        ("https://h/WS", "WS"),
    ] {
        assert_eq!(parsed(text).room().as_str(), room, "{text}");
    }
    // With the room in the query, the whole path is the base.
    for text in ["https://h/maru?room=ws", "https://h/maru/?room=ws", "https://h/maru/index.html?room=ws"] {
        assert_eq!(parsed(text).to_string(), "https://h/maru/?room=ws", "{text}");
    }
}

#[test]
fn what_names_no_room_is_said_with_an_example() {
    for text in
        ["https://h", "https://h/", "maru://h/maru/", "https://h/ws", "https://h/?room=", "https://h/%20"]
    {
        let error = Invite::parse(text).unwrap_err();
        assert_eq!(error, InviteError::NoRoom, "{text}");
        assert!(error.to_string().contains("https://example.org/standup"));
    }
}

#[test]
fn what_names_no_server_is_said_with_what_was_given() {
    for (text, address) in [
        ("maru:///room", ""),
        ("https://h:0/x", "h:0"),
        ("https://h:65536/x", "h:65536"),
        ("https://h:+1/x", "h:+1"),
        ("https://me:secret@h/x", "me:secret@h"),
        ("https://a b/x", "a b"),
        ("https://192.168.1/x", "192.168.1"),
        ("https://[::g]/x", "[::g]"),
        ("https://[fe80::1%25eth0]/x", "[fe80::1%25eth0]"),
        ("https://h/../x", "h/../x"),
        ("https://h/a//x", "h/a//x"),
        ("standup", "standup"),
        ("ws://h/x", "ws://h/x"),
    ] {
        assert_eq!(Invite::parse(text), Err(InviteError::BadAddress { address: address.into() }), "{text}");
    }
}

#[test]
fn a_bad_room_is_refused_as_if_it_had_been_typed() {
    let long = format!("https://h/{}", "x".repeat(65));
    for text in ["https://h/a%00b", long.as_str()] {
        assert!(matches!(Invite::parse(text), Err(InviteError::BadRoom(_))), "{text}");
    }
}

#[test]
fn only_what_begins_like_one_is_taken_for_an_invite() {
    for text in ["maru://h/x", " https://", "Http://h"] {
        assert!(Invite::is_meant(text), "{text}");
    }
    for text in ["standup", "https", "maru: the film", "a/b", "ftp://h/x", "h.example/x"] {
        assert!(!Invite::is_meant(text), "{text}");
    }
}

prop_compose! {
    fn room()(name in "\\PC{1,40}".prop_filter_map("a name", |name| RoomName::parse(&name).ok())) -> RoomName {
        name
    }
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9-]{0,20}(\\.[a-z]{2,8}){0,2}",
        any::<Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<Ipv6Addr>().prop_map(|address| format!("[{address}]")),
        "[가-힣]{1,8}\\.example",
    ]
}

prop_compose! {
    fn invite()(
        secure in any::<bool>(),
        host in host(),
        port in proptest::option::of(1u16..),
        base in "(/[a-z0-9~_-]{1,8}){0,3}/",
        room in prop_oneof![room(), proptest::sample::select(&RESERVED).prop_map(|name| RoomName::parse(name).unwrap())],
    ) -> Invite {
        let port = port.filter(|port| *port != if secure { 443 } else { 80 });
        Invite { secure, host, port, base, room }
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_what_it_was(invite in invite()) {
        let links = [Some(invite.to_string()), invite.app_link()];
        for link in links.into_iter().flatten() {
            prop_assert!(link.is_ascii() || !invite.host.is_ascii());
            let read = Invite::parse(&link).unwrap();
            prop_assert_eq!(&read, &invite, "{}", link);
            prop_assert_eq!(read.room().as_str(), invite.room().as_str());
        }
    }

    #[test]
    fn whatever_is_pasted_is_refused_or_prints_as_what_it_means(text in "(https|maru|http)://\\PC{0,60}") {
        if let Ok(invite) = Invite::parse(&text) {
            let again = Invite::parse(&invite.to_string()).unwrap();
            prop_assert_eq!(&again, &invite);
            prop_assert_eq!(again.to_string(), invite.to_string());
        }
    }

    #[test]
    fn anything_at_all_is_read_without_a_panic(text in any::<String>()) {
        let _ = Invite::parse(&text);
    }
}
