//! The relay without sockets, for fuzzing: any bytes, and any requests that are signed as they must be.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};

use super::auth::Auth;
use super::config::RelayConfig;
use super::counters::RelayCounters;
use super::credentials::{RelaySecret, key};
use super::filter::Filter;
use super::frame::{self, Frame};
use super::requests::{self, Now};
use super::stun::{Class, Message, Writer, attribute};
use super::table::{Key, Quotas, Table, Target, Wish};

const REALM: &str = "maru";
const USER: &str = "9999999999:fuzz";

/// A stream of frames.
pub fn stream(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Some((length, padded))) = frame::length(rest) {
        assert!(length <= padded && padded <= frame::LONGEST && padded > 0);
        let Some((frame, after)) = rest.split_at_checked(padded) else { return };
        datagram(&frame[..length]);
        rest = after;
    }
}

/// One datagram.
pub fn datagram(bytes: &[u8]) {
    match Frame::read(bytes) {
        Some(Frame::Channel { data, .. }) => assert!(data.end <= bytes.len()),
        Some(Frame::Stun(message)) => {
            for (start, _, value) in message.attributes() {
                assert_eq!(&bytes[start..start + value.len()], value);
                let _ = message.address(value);
            }
            let secret = RelaySecret::new("fuzz");
            let key = key(&secret, USER, REALM);
            assert!(!message.is_signed(&key), "it was forged");
        }
        None => {}
    }
}

/// What one client asks for, one request after the other: method, attributes, seconds until the next.
pub fn requests(steps: &[(u16, Vec<(u16, &[u8])>, u16)]) {
    let secret = RelaySecret::new("fuzz");
    let mut now = Now { instant: Instant::now(), unix_seconds: 1_800_000_000 };
    let auth = Auth::new(secret.clone(), REALM.into(), now.unix_seconds);
    let config = RelayConfig::default();
    let quotas = Quotas {
        allocations: 2,
        allocations_per_user: 2,
        bytes_per_second_per_user: Some(1000),
        longest: config.longest_allocation,
    };
    let table: RwLock<Table<()>> = RwLock::new(Table::new(quotas, Filter::default()));
    let counters = RelayCounters::default();
    let remote: SocketAddr = ([198, 51, 100, 1], 9).into();
    let from = Key { link: 0, remote, local: None };
    let key = key(&secret, USER, REALM);
    let ports = Mutex::new(50_000_u16);
    for (method, attributes, wait) in steps {
        let mut writer = Writer::new(Class::Request, method & 0xFFF, [3; 12]);
        for (kind, value) in attributes {
            writer.add(*kind, value);
        }
        writer.add(attribute::USERNAME, USER.as_bytes());
        writer.add(attribute::REALM, REALM.as_bytes());
        writer.add(attribute::NONCE, auth.nonce(now.unix_seconds, remote.ip()).as_bytes());
        writer.sign(&key);
        let bytes = writer.finish();
        let Some(request) = Message::read(&bytes) else { continue };
        let answer = requests::handle(
            now,
            &auth,
            &counters,
            from,
            &request,
            || table.write(),
            |_: Wish, _: &dyn Fn(SocketAddr) -> bool| {
                let mut port = ports.lock();
                *port = port.wrapping_add(1);
                Ok(((), SocketAddr::from(([9, 9, 9, 9], *port))))
            },
        );
        let answer = Message::read(&answer.bytes).expect("an answer that is a message");
        assert!(matches!(answer.class(), Class::Success | Class::Error));
        assert_eq!(answer.transaction(), [3; 12]);
        for (_, kind, value) in request.attributes().filter(|_| answer.class() == Class::Success) {
            if kind == attribute::XOR_PEER_ADDRESS
                && let Some(peer) = request.address(value)
                && let Some(entry) = table.read().get(&from)
                && entry.state.lock().may_send(now.instant, peer.ip())
            {
                let inside = matches!(table.read().target(peer), Target::Inside(_));
                assert!(inside || Filter::default().allows(peer.ip()), "{peer} is permitted");
            }
        }
        now.instant += Duration::from_secs(u64::from(*wait));
        now.unix_seconds += u64::from(*wait);
        table.write().expire(now.instant);
    }
}
