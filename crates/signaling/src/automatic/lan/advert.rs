//! What a machine says about a room on its server to everybody on its network, such that only those who
//! know the room's name know what is meant. A record has no name in it: neither the room's, nor anybody's,
//! nor the machine's.
//!
//! The room's name becomes a key (PBKDF2, RFC 8018, so that names cannot be guessed in bulk), and the key
//! signs the rest of the record (HMAC-SHA256, RFC 2104): whoever knows the name finds the record by its
//! signature, and nobody else can make one for that room. Addresses are not signed: the certificate's
//! fingerprint is, and a connection that does not show that certificate goes nowhere.

use std::num::NonZeroU32;

use ring::{hmac, pbkdf2};

use crate::hex::{hex, unhex};

/// Bytes of the salt.
pub(super) const SALT_BYTES: usize = 16;

/// SHA-256 of a certificate.
pub(in crate::automatic) type Fingerprint = [u8; 32];

/// Of the record's layout and of what is signed.
const VERSION: &str = "1";

/// Some 30 ms of one core: nobody waits for it, and a list of a million names takes hours for each salt.
const ROUNDS: u32 = 100_000;

/// Separates this use of a name from any other.
const PURPOSE: &[u8] = b"maru room on the local network, version 1";

const KEY_VERSION: &str = "v";
const KEY_SALT: &str = "s";
const KEY_FINGERPRINT: &str = "c";
const KEY_SINCE: &str = "t";
const KEY_GUESTS: &str = "g";
const KEY_SIGNATURE: &str = "m";

/// A room's key under one salt.
#[derive(Clone)]
pub(super) struct RoomKey(hmac::Key);

impl RoomKey {
    /// Takes its time: not for a thread that others wait for. `room` is [`maru_protocol::RoomName::key`].
    pub(super) fn derive(room: &str, salt: &[u8; SALT_BYTES]) -> Self {
        const ROUNDS_SET: NonZeroU32 = NonZeroU32::new(ROUNDS).unwrap();
        let mut key = [0; 32];
        let salted = [PURPOSE, salt].concat();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS_SET, &salted, room.as_bytes(), &mut key);
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }
}

/// What is said about one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Advert {
    /// The same for all rooms of a server.
    pub(super) salt: [u8; SALT_BYTES],
    /// Of the server's certificate.
    pub(super) fingerprint: Fingerprint,
    /// The server's TCP port.
    pub(super) port: u16,
    /// Since when somebody has been in the room there, in milliseconds of UNIX time by that machine's clock.
    pub(super) since: u64,
    /// Whether somebody is there who cannot follow to another server: a browser.
    pub(super) guests: bool,
    signature: [u8; 32],
}

impl Advert {
    /// Signs what is to be said.
    pub(super) fn new(
        key: &RoomKey,
        salt: [u8; SALT_BYTES],
        fingerprint: Fingerprint,
        port: u16,
        since: u64,
        guests: bool,
    ) -> Self {
        let mut advert = Self { salt, fingerprint, port, since, guests, signature: [0; 32] };
        let signature = hmac::sign(&key.0, &advert.signed());
        advert.signature.copy_from_slice(signature.as_ref());
        advert
    }

    /// Whether somebody who knows the room's name said this, about that room.
    pub(super) fn is_of(&self, key: &RoomKey) -> bool {
        hmac::verify(&key.0, &self.signed(), &self.signature).is_ok()
    }

    fn signed(&self) -> Vec<u8> {
        let (port, since) = (self.port.to_be_bytes(), self.since.to_be_bytes());
        let guests = [u8::from(self.guests)];
        [VERSION.as_bytes(), &self.salt, &self.fingerprint, &port, &since, &guests].concat()
    }

    /// The record's keys and values.
    pub(super) fn properties(&self) -> Vec<(&'static str, String)> {
        vec![
            (KEY_VERSION, VERSION.to_owned()),
            (KEY_SALT, hex(&self.salt)),
            (KEY_FINGERPRINT, hex(&self.fingerprint)),
            (KEY_SINCE, self.since.to_string()),
            (KEY_GUESTS, u8::from(self.guests).to_string()),
            (KEY_SIGNATURE, hex(&self.signature)),
        ]
    }

    /// Reads a record; `None` when it is not one of this version.
    pub(super) fn read<'a>(port: u16, property: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        if property(KEY_VERSION)? != VERSION || port == 0 {
            return None;
        }
        Some(Self {
            salt: unhex(property(KEY_SALT)?)?,
            fingerprint: unhex(property(KEY_FINGERPRINT)?)?,
            port,
            since: property(KEY_SINCE)?.parse().ok()?,
            guests: property(KEY_GUESTS)? == "1",
            signature: unhex(property(KEY_SIGNATURE)?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn advert(room: &str) -> Advert {
        let salt = [7; SALT_BYTES];
        Advert::new(&RoomKey::derive(room, &salt), salt, [9; 32], 4433, 1_700_000_000_123, true)
    }

    fn read(properties: &[(&'static str, String)]) -> Option<Advert> {
        let map: HashMap<_, _> = properties.iter().map(|(key, value)| (*key, value.as_str())).collect();
        Advert::read(4433, |key| map.get(key).copied())
    }

    #[test]
    fn who_knows_the_rooms_name_knows_its_record_and_nobody_else_does() {
        let advert = advert("회의실");
        let read = read(&advert.properties()).unwrap();
        assert_eq!(read, advert);
        assert!(read.is_of(&RoomKey::derive("회의실", &read.salt)));
        assert!(!read.is_of(&RoomKey::derive("회의실2", &read.salt)));
        assert!(!read.is_of(&RoomKey::derive("회의실", &[8; SALT_BYTES])));
    }

    #[test]
    fn a_record_that_was_changed_is_nobodys() {
        let advert = advert("standup");
        let key = RoomKey::derive("standup", &advert.salt);
        let changed = [
            Advert { port: 4434, ..advert.clone() },
            Advert { fingerprint: [8; 32], ..advert.clone() },
            Advert { since: advert.since - 1, ..advert.clone() },
            Advert { guests: false, ..advert.clone() },
        ];
        assert!(changed.iter().all(|changed| !changed.is_of(&key)));
    }

    #[test]
    fn a_record_fits_what_a_record_may_hold_and_names_no_room() {
        let properties = advert("standup").properties();
        // RFC 6763, section 6.1: 255 bytes each; section 6.2: 200 to 400 in all are fine.
        assert!(properties.iter().all(|(key, value)| key.len() + value.len() < 255));
        assert!(properties.iter().map(|(key, value)| key.len() + value.len() + 2).sum::<usize>() < 400);
        assert!(properties.iter().all(|(_, value)| !value.contains("standup")));
    }

    #[test]
    fn what_is_no_record_is_none() {
        let whole = advert("standup").properties();
        for missing in 0..whole.len() {
            let mut properties = whole.clone();
            properties.remove(missing);
            assert_eq!(read(&properties), None, "without {}", whole[missing].0);
        }
        for (key, value) in [
            (KEY_VERSION, "2"),
            (KEY_SALT, "07"),
            (KEY_FINGERPRINT, ""),
            (KEY_SIGNATURE, &"é".repeat(32)),
            (KEY_SIGNATURE, &"+f".repeat(32)),
            (KEY_SINCE, "-1"),
        ] {
            let mut properties = whole.clone();
            properties.iter_mut().filter(|(name, _)| *name == key).for_each(|(_, old)| *old = value.into());
            assert_eq!(read(&properties), None, "{key}={value}");
        }
        assert_eq!(Advert::read(0, |_| Some("1")), None);
    }
}
