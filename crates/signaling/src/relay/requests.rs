//! Requests in, answers out (RFC 8489, section 9.2.4; RFC 8656, sections 7 to 12): what a message says
//! is passed to the table, what comes of it is written down. Told the time; it refuses to know sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::auth::{Auth, Distrust, Sender};
use super::counters::RelayCounters;
use super::stun::{Class, Message, Writer, attribute, method, u16_at};
use super::table::{Entry, Family, Key, NoPort, Refreshed, Refusal, Table, Wish};

/// UDP, in REQUESTED-TRANSPORT.
const UDP: u8 = 17;

/// Attributes that must be understood, and are.
const KNOWN: [u16; 13] = [
    attribute::USERNAME,
    attribute::MESSAGE_INTEGRITY,
    attribute::CHANNEL_NUMBER,
    attribute::LIFETIME,
    attribute::XOR_PEER_ADDRESS,
    attribute::DATA,
    attribute::REALM,
    attribute::NONCE,
    attribute::REQUESTED_ADDRESS_FAMILY,
    attribute::EVEN_PORT,
    attribute::REQUESTED_TRANSPORT,
    attribute::RESERVATION_TOKEN,
    attribute::ERROR_CODE,
];

/// What comes of a request.
#[derive(Debug)]
pub(super) struct Answer<P> {
    pub(super) bytes: Vec<u8>,
    /// An allocation that begins.
    pub(super) opened: Option<Arc<Entry<P>>>,
    /// An allocation that ended.
    pub(super) closed: Option<Arc<Entry<P>>>,
}

impl<P> Answer<P> {
    fn plain(bytes: Vec<u8>) -> Self {
        Self { bytes, opened: None, closed: None }
    }
}

/// The time, as clocks show it and as it passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) instant: Instant,
    pub(super) unix_seconds: u64,
}

/// Whether an answer goes to somebody who has not said who it is. Such answers may be sent to whoever
/// the sender's address was borrowed from.
pub(super) fn is_for_anybody(request: &Message<'_>) -> bool {
    request.attribute(attribute::MESSAGE_INTEGRITY).is_none()
}

/// The answer to a Binding request.
pub(super) fn binding(request: &Message<'_>, from: SocketAddr) -> Vec<u8> {
    if let Some(refused) = unknown_attributes(request) {
        return refused.finish();
    }
    let mut answer = Writer::new(Class::Success, method::BINDING, request.transaction());
    answer.add_address(attribute::XOR_MAPPED_ADDRESS, canonical(from));
    answer.finish()
}

/// Takes a request and answers it. The table is locked by `table` when the sender is known, and not
/// before: checking a signature is most of the work.
pub(super) fn handle<P, T: std::ops::DerefMut<Target = Table<P>>>(
    now: Now,
    auth: &Auth,
    counters: &RelayCounters,
    key: Key,
    request: &Message<'_>,
    table: impl FnOnce() -> T,
    open: impl FnOnce(Wish, &dyn Fn(SocketAddr) -> bool) -> Result<(P, SocketAddr), NoPort>,
) -> Answer<P> {
    let sender = match auth.check(now.unix_seconds, key.remote, request) {
        Ok(sender) => sender,
        Err(distrust) => {
            let code = match distrust {
                Distrust::Unauthorized => 401,
                Distrust::StaleNonce => 438,
                Distrust::BadRequest => 400,
            };
            counters.refused.by(code).add(1);
            let mut answer = error(request, code);
            if code != 400 {
                answer.add(attribute::REALM, auth.realm.as_bytes());
                answer.add(attribute::NONCE, auth.nonce(now.unix_seconds, key.remote.ip()).as_bytes());
            }
            return Answer::plain(answer.finish());
        }
    };
    if let Some(mut refused) = unknown_attributes(request) {
        counters.refused.by(420).add(1);
        refused.sign(&sender.key);
        return Answer::plain(refused.finish());
    }
    let mut answer = Writer::new(Class::Success, request.method(), request.transaction());
    let (mut opened, mut closed) = (None, None);
    let done = match request.method() {
        method::ALLOCATE => allocate(now.instant, key, request, &sender, &mut *table(), open, &mut answer)
            .map(|entry| opened = entry),
        method::REFRESH => refresh(now.instant, key, request, &sender, &mut *table(), &mut answer)
            .map(|entry| closed = entry),
        method::CREATE_PERMISSION => {
            peers(request).and_then(|peers| table().permit(now.instant, &key, &sender, &peers))
        }
        method::CHANNEL_BIND => {
            channel(request).and_then(|(number, peer)| table().bind(now.instant, &key, &sender, number, peer))
        }
        _ => Err(Refusal(400)),
    };
    if let Err(Refusal(code)) = done {
        counters.refused.by(code).add(1);
        answer = error(request, code);
    }
    answer.sign(&sender.key);
    Answer { bytes: answer.finish(), opened, closed }
}

fn allocate<P>(
    now: Instant,
    key: Key,
    request: &Message<'_>,
    sender: &Sender,
    table: &mut Table<P>,
    open: impl FnOnce(Wish, &dyn Fn(SocketAddr) -> bool) -> Result<(P, SocketAddr), NoPort>,
    answer: &mut Writer,
) -> Result<Option<Arc<Entry<P>>>, Refusal> {
    let mut made = None;
    let (relayed, lifetime) = match table.answered(now, &key, request.transaction()) {
        Some(before) => before,
        None => {
            let wish = wish(request)?;
            let (entry, lifetime) =
                table.allocate(now, key, sender, request.transaction(), lifetime(request)?, wish, open)?;
            (made.insert(entry).relayed, lifetime)
        }
    };
    answer.add_address(attribute::XOR_RELAYED_ADDRESS, relayed);
    answer.add(attribute::LIFETIME, &seconds(lifetime));
    answer.add_address(attribute::XOR_MAPPED_ADDRESS, canonical(key.remote));
    Ok(made)
}

fn wish(request: &Message<'_>) -> Result<Wish, Refusal> {
    match request.attribute(attribute::REQUESTED_TRANSPORT) {
        Some(&[UDP, _, _, _]) => {}
        Some([_, _, _, _]) => return Err(Refusal(442)),
        _ => return Err(Refusal(400)),
    }
    let family = match family(request)? {
        // Without a word it is IPv4 (RFC 8656, section 7.2).
        None => Family::V4,
        Some(family) => family,
    };
    let even_port = match request.attribute(attribute::EVEN_PORT) {
        None => false,
        Some([0]) => true,
        // The next port is to be kept for another allocation, which nobody needs who sends RTP and RTCP
        // on one port.
        Some(_) => return Err(Refusal(508)),
    };
    if request.attribute(attribute::RESERVATION_TOKEN).is_some() {
        return Err(Refusal(508));
    }
    Ok(Wish { family, even_port })
}

fn refresh<P>(
    now: Instant,
    key: Key,
    request: &Message<'_>,
    sender: &Sender,
    table: &mut Table<P>,
    answer: &mut Writer,
) -> Result<Option<Arc<Entry<P>>>, Refusal> {
    let family = family(request).map_err(|_| Refusal(443))?;
    let (lifetime, closed) = match table.refresh(now, &key, sender, lifetime(request)?, family)? {
        Refreshed::For(lifetime) => (lifetime, None),
        Refreshed::Deleted(entry) => (Duration::ZERO, Some(entry)),
    };
    answer.add(attribute::LIFETIME, &seconds(lifetime));
    Ok(closed)
}

fn lifetime(request: &Message<'_>) -> Result<Option<Duration>, Refusal> {
    let Some(value) = request.attribute(attribute::LIFETIME) else { return Ok(None) };
    let bytes: [u8; 4] = value.try_into().map_err(|_| Refusal(400))?;
    Ok(Some(Duration::from_secs(u32::from_be_bytes(bytes).into())))
}

fn family(request: &Message<'_>) -> Result<Option<Family>, Refusal> {
    match request.attribute(attribute::REQUESTED_ADDRESS_FAMILY) {
        None => Ok(None),
        Some([1, _, _, _]) => Ok(Some(Family::V4)),
        Some([2, _, _, _]) => Ok(Some(Family::V6)),
        Some([_, _, _, _]) => Err(Refusal(440)),
        Some(_) => Err(Refusal(400)),
    }
}

fn peers(request: &Message<'_>) -> Result<Vec<SocketAddr>, Refusal> {
    let values = request.attributes().filter(|(_, kind, _)| *kind == attribute::XOR_PEER_ADDRESS);
    values.map(|(_, _, value)| request.address(value).ok_or(Refusal(400))).collect()
}

fn channel(request: &Message<'_>) -> Result<(u16, SocketAddr), Refusal> {
    let number = request.attribute(attribute::CHANNEL_NUMBER).filter(|value| value.len() == 4);
    let number = number.and_then(|value| u16_at(value, 0)).ok_or(Refusal(400))?;
    let peer = request.attribute(attribute::XOR_PEER_ADDRESS).and_then(|value| request.address(value));
    Ok((number, peer.ok_or(Refusal(400))?))
}

/// A refusal of a request with attributes that must be understood, and are not.
fn unknown_attributes(request: &Message<'_>) -> Option<Writer> {
    let unknown = |kind: &u16| *kind < 0x8000 && !KNOWN.contains(kind);
    let unknown: Vec<u8> = request
        .attributes()
        .map(|(_, kind, _)| kind)
        .filter(unknown)
        .take(16)
        .flat_map(u16::to_be_bytes)
        .collect();
    if unknown.is_empty() {
        return None;
    }
    let mut answer = error(request, 420);
    answer.add(attribute::UNKNOWN_ATTRIBUTES, &unknown);
    Some(answer)
}

fn error(request: &Message<'_>, code: u16) -> Writer {
    let reason = match code {
        401 => "Unauthorized",
        403 => "Forbidden",
        420 => "Unknown Attribute",
        437 => "Allocation Mismatch",
        438 => "Stale Nonce",
        440 => "Address Family not Supported",
        441 => "Wrong Credentials",
        442 => "Unsupported Transport Protocol",
        443 => "Peer Address Family Mismatch",
        486 => "Allocation Quota Reached",
        508 => "Insufficient Capacity",
        _ => "Bad Request",
    };
    let mut value = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
    value.extend_from_slice(reason.as_bytes());
    let mut answer = Writer::new(Class::Error, request.method(), request.transaction());
    answer.add(attribute::ERROR_CODE, &value);
    answer
}

fn seconds(time: Duration) -> [u8; 4] {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX).to_be_bytes()
}

/// A client as it knows itself, also where one socket serves both families.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
