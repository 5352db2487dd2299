//! STUN messages as bytes (RFC 8489): what TURN needs of them, read without copying. It refuses to
//! know what a message means.
//!
//! Our own, because half of what a relay forwards is read here once per packet, and because strangers
//! send most of what is malformed: it costs them no line in a log and us no allocation.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ring::hmac;

/// Bytes before the attributes.
pub(super) const HEADER: usize = 20;

const COOKIE: u32 = 0x2112_A442;

/// Bytes of a MESSAGE-INTEGRITY attribute with its head.
const INTEGRITY: usize = 24;

/// What attributes are called (RFC 8489 and RFC 8656, section 18 each).
pub(super) mod attribute {
    pub(in super::super) const USERNAME: u16 = 0x0006;
    pub(in super::super) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub(in super::super) const ERROR_CODE: u16 = 0x0009;
    pub(in super::super) const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
    pub(in super::super) const CHANNEL_NUMBER: u16 = 0x000C;
    pub(in super::super) const LIFETIME: u16 = 0x000D;
    pub(in super::super) const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub(in super::super) const DATA: u16 = 0x0013;
    pub(in super::super) const REALM: u16 = 0x0014;
    pub(in super::super) const NONCE: u16 = 0x0015;
    pub(in super::super) const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    pub(in super::super) const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    pub(in super::super) const EVEN_PORT: u16 = 0x0018;
    pub(in super::super) const REQUESTED_TRANSPORT: u16 = 0x0019;
    pub(in super::super) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub(in super::super) const RESERVATION_TOKEN: u16 = 0x0022;
}

/// What requests and indications are called.
pub(super) mod method {
    pub(in super::super) const BINDING: u16 = 0x001;
    pub(in super::super) const ALLOCATE: u16 = 0x003;
    pub(in super::super) const REFRESH: u16 = 0x004;
    pub(in super::super) const SEND: u16 = 0x006;
    pub(in super::super) const DATA: u16 = 0x007;
    pub(in super::super) const CREATE_PERMISSION: u16 = 0x008;
    pub(in super::super) const CHANNEL_BIND: u16 = 0x009;
}

/// What kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Request,
    Indication,
    Success,
    Error,
}

/// A message whose shape is right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// `None` when these bytes are not exactly one message.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, mut rest) = bytes.split_at_checked(HEADER)?;
        let length = usize::from(u16_at(head, 2)?);
        let right = head[0] & 0xC0 == 0
            && head[4..8] == COOKIE.to_be_bytes()
            && length % 4 == 0
            && length == rest.len();
        if !right {
            return None;
        }
        while !rest.is_empty() {
            let length = usize::from(u16_at(rest, 2)?).next_multiple_of(4);
            rest = rest.get(4 + length..)?;
        }
        Some(Self { bytes })
    }

    pub(super) fn class(&self) -> Class {
        match (self.bytes[0] & 1, self.bytes[1] & 0x10) {
            (0, 0) => Class::Request,
            (0, _) => Class::Indication,
            (_, 0) => Class::Success,
            (_, _) => Class::Error,
        }
    }

    pub(super) fn method(&self) -> u16 {
        let bits = u16::from_be_bytes([self.bytes[0], self.bytes[1]]);
        (bits & 0x000F) | ((bits & 0x00E0) >> 1) | ((bits & 0x3E00) >> 2)
    }

    pub(super) fn transaction(&self) -> [u8; 12] {
        let mut id = [0; 12];
        id.copy_from_slice(&self.bytes[8..HEADER]);
        id
    }

    /// Where each attribute's value begins, its type and its value. What comes after MESSAGE-INTEGRITY
    /// nobody has signed: it is not there (RFC 8489, section 14.5).
    pub(super) fn attributes(&self) -> impl Iterator<Item = (usize, u16, &'a [u8])> + use<'a> {
        let bytes = self.bytes;
        let (mut at, mut signed) = (HEADER, false);
        std::iter::from_fn(move || {
            let kind = u16_at(bytes, at)?;
            let length = usize::from(u16_at(bytes, at + 2)?);
            let value = bytes.get(at + 4..at + 4 + length)?;
            let start = at + 4;
            at = start + length.next_multiple_of(4);
            if signed {
                return None;
            }
            signed = kind == attribute::MESSAGE_INTEGRITY;
            Some((start, kind, value))
        })
    }

    /// The first attribute of a type.
    pub(super) fn attribute(&self, wanted: u16) -> Option<&'a [u8]> {
        self.attributes().find(|(_, kind, _)| *kind == wanted).map(|(_, _, value)| value)
    }

    /// An attribute's text.
    pub(super) fn text(&self, wanted: u16) -> Option<&'a str> {
        std::str::from_utf8(self.attribute(wanted)?).ok()
    }

    /// An attribute's address.
    pub(super) fn address(&self, value: &[u8]) -> Option<SocketAddr> {
        read_address(value, &self.bytes[8..HEADER])
    }

    /// Whether the message was signed with this key.
    pub(super) fn is_signed(&self, key: &hmac::Key) -> bool {
        let signature = self.attributes().find(|(_, kind, _)| *kind == attribute::MESSAGE_INTEGRITY);
        let Some((start, _, signature)) = signature else { return false };
        // As if the signature were the last thing: the length in the head counts up to its end.
        let until = start - 4;
        let Ok(length) = u16::try_from(until + INTEGRITY - HEADER) else { return false };
        let mut signed = Vec::with_capacity(until);
        signed.extend_from_slice(&self.bytes[..until]);
        signed[2..4].copy_from_slice(&length.to_be_bytes());
        hmac::verify(key, &signed, signature).is_ok()
    }
}

/// A message being written.
#[derive(Debug)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn new(class: Class, method: u16, transaction: [u8; 12]) -> Self {
        let mut bytes = Vec::with_capacity(160);
        bytes.extend_from_slice(&message_type(class, method).to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&COOKIE.to_be_bytes());
        bytes.extend_from_slice(&transaction);
        Self { bytes }
    }

    pub(super) fn add(&mut self, kind: u16, value: &[u8]) {
        // Nothing that is written here is longer than a nonce.
        let length = u16::try_from(value.len()).unwrap_or(0);
        self.bytes.extend_from_slice(&kind.to_be_bytes());
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(&value[..usize::from(length)]);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    pub(super) fn add_address(&mut self, kind: u16, address: SocketAddr) {
        let mut value = [0; 20];
        let length = write_address(address, &self.bytes[8..HEADER], &mut value);
        self.add(kind, &value[..length]);
    }

    /// Signs what is there.
    pub(super) fn sign(&mut self, key: &hmac::Key) {
        self.set_length(INTEGRITY);
        let signature = hmac::sign(key, &self.bytes);
        self.add(attribute::MESSAGE_INTEGRITY, signature.as_ref());
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.set_length(0);
        self.bytes
    }

    fn set_length(&mut self, more: usize) {
        let length = u16::try_from(self.bytes.len() - HEADER + more).unwrap_or(u16::MAX);
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
    }
}

fn message_type(class: Class, method: u16) -> u16 {
    let class = match class {
        Class::Request => 0x0000,
        Class::Indication => 0x0010,
        Class::Success => 0x0100,
        Class::Error => 0x0110,
    };
    class | (method & 0x000F) | ((method & 0x0070) << 1) | ((method & 0x0F80) << 2)
}

/// What precedes the data of a Data indication; gives back how long it is: 36 bytes, or 48 for IPv6.
pub(super) fn write_data_head(
    head: &mut [u8; 48],
    transaction: [u8; 12],
    peer: SocketAddr,
    data_length: usize,
) -> usize {
    head[..2].copy_from_slice(&message_type(Class::Indication, method::DATA).to_be_bytes());
    head[4..8].copy_from_slice(&COOKIE.to_be_bytes());
    head[8..HEADER].copy_from_slice(&transaction);
    let mut value = [0; 20];
    let length = write_address(peer, &transaction, &mut value);
    head[20..22].copy_from_slice(&attribute::XOR_PEER_ADDRESS.to_be_bytes());
    head[22..24].copy_from_slice(&(length as u16).to_be_bytes());
    head[24..24 + length].copy_from_slice(&value[..length]);
    let end = 24 + length;
    head[end..end + 2].copy_from_slice(&attribute::DATA.to_be_bytes());
    // A datagram is never longer than 65,507 bytes, so the sum fits but for the longest.
    let data = u16::try_from(data_length).unwrap_or(u16::MAX);
    head[end + 2..end + 4].copy_from_slice(&data.to_be_bytes());
    let whole = u16::try_from(end + 4 - HEADER + data_length.next_multiple_of(4)).unwrap_or(u16::MAX);
    head[2..4].copy_from_slice(&whole.to_be_bytes());
    end + 4
}

/// Reads the value of an XOR-…-ADDRESS attribute (RFC 8489, section 14.2).
fn read_address(value: &[u8], transaction: &[u8]) -> Option<SocketAddr> {
    let port = u16_at(value, 2)? ^ (COOKIE >> 16) as u16;
    let ip: IpAddr = match (value[1], value.len()) {
        (1, 8) => {
            let bits = u32::from_be_bytes(value[4..8].try_into().ok()?);
            Ipv4Addr::from_bits(bits ^ COOKIE).into()
        }
        (2, 20) => {
            let bits = u128::from_be_bytes(value[4..20].try_into().ok()?);
            Ipv6Addr::from_bits(bits ^ pad(transaction)?).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Writes such a value; gives back how long it is.
fn write_address(address: SocketAddr, transaction: &[u8], value: &mut [u8; 20]) -> usize {
    value[0] = 0;
    value[2..4].copy_from_slice(&(address.port() ^ (COOKIE >> 16) as u16).to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => {
            value[1] = 1;
            value[4..8].copy_from_slice(&(ip.to_bits() ^ COOKIE).to_be_bytes());
            8
        }
        IpAddr::V6(ip) => {
            value[1] = 2;
            let bits = ip.to_bits() ^ pad(transaction).unwrap_or_default();
            value[4..20].copy_from_slice(&bits.to_be_bytes());
            20
        }
    }
}

/// What an IPv6 address is hidden under.
fn pad(transaction: &[u8]) -> Option<u128> {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&COOKIE.to_be_bytes());
    bytes[4..].copy_from_slice(transaction.get(..12)?);
    Some(u128::from_be_bytes(bytes))
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes([two[0], two[1]]))
}

#[cfg(test)]
#[path = "stun_tests.rs"]
mod tests;
