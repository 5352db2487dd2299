//! Who sent a request: the long-term credential mechanism (RFC 8489, section 9.2) with nonces that the
//! server need not remember. It is told the time, and refuses to know what is asked for.

use ring::hmac;
use std::net::{IpAddr, SocketAddr};

use super::credentials::{RelaySecret, User, key};
use super::stun::{Message, attribute};
use crate::hex::hex;

/// How long a nonce holds, in seconds; coturn's default too.
const NONCE_SECONDS: u64 = 600;

/// Checks requests.
#[derive(Debug)]
pub(super) struct Auth {
    secret: RelaySecret,
    pub(super) realm: String,
    /// So that nonces of an earlier start with the same secret are stale.
    start: u64,
}

/// Whoever signed a request.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) username: String,
    /// Who, across rotations.
    pub(super) id: String,
    /// The credentials' time is over.
    pub(super) expired: bool,
    /// What answers are signed with.
    pub(super) key: hmac::Key,
}

/// Why a request is not believed: an error code (RFC 8489, section 9.2.4).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Distrust {
    /// 401 with a nonce.
    Unauthorized,
    /// 438 with a nonce.
    StaleNonce,
    /// 400.
    BadRequest,
}

impl Auth {
    pub(super) fn new(secret: RelaySecret, realm: String, unix_seconds: u64) -> Self {
        Self { secret, realm, start: unix_seconds }
    }

    /// Who sent this request.
    pub(super) fn check(
        &self,
        unix_seconds: u64,
        from: SocketAddr,
        request: &Message<'_>,
    ) -> Result<Sender, Distrust> {
        if request.attribute(attribute::MESSAGE_INTEGRITY).is_none() {
            return Err(Distrust::Unauthorized);
        }
        let text = |kind| request.text(kind).ok_or(Distrust::BadRequest);
        let username = text(attribute::USERNAME)?;
        let (realm, nonce) = (text(attribute::REALM)?, text(attribute::NONCE)?);
        if !self.nonce_holds(unix_seconds, from.ip(), nonce) {
            return Err(Distrust::StaleNonce);
        }
        let user = User::read(username).filter(|_| realm == self.realm).ok_or(Distrust::Unauthorized)?;
        let key = key(&self.secret, username, &self.realm);
        if !request.is_signed(&key) {
            return Err(Distrust::Unauthorized);
        }
        let expired = user.expiry < unix_seconds;
        Ok(Sender { username: username.to_owned(), id: user.id.to_owned(), expired, key })
    }

    /// A nonce for a client at this address.
    pub(super) fn nonce(&self, unix_seconds: u64, ip: IpAddr) -> String {
        let tag = self.secret.tag(&format!("nonce {} {unix_seconds} {}", self.start, ip.to_canonical()));
        format!("{unix_seconds:x}-{}", hex(&tag))
    }

    fn nonce_holds(&self, unix_seconds: u64, ip: IpAddr, nonce: &str) -> bool {
        let Some(made) = nonce.split('-').next().and_then(|made| u64::from_str_radix(made, 16).ok()) else {
            return false;
        };
        // A nonce says nothing that is secret: comparing may take as long as it takes.
        unix_seconds.saturating_sub(made) < NONCE_SECONDS && nonce == self.nonce(made, ip)
    }
}
