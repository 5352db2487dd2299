//! Credentials that say themselves until when they hold (draft-uberti-behave-turn-rest-00): the user
//! name is `EXPIRY:ID`, the password its signature by a secret that only servers know. Who hands them
//! out and who checks them need nothing in common but that secret, so coturn can be the one that checks.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use maru_protocol::{IceServer, PeerId};
use md5::{Digest as _, Md5};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::ServerError;

/// A secret shorter than this can be found by trying.
const SHORTEST: usize = 16;

/// What signs credentials.
#[derive(Clone)]
pub struct RelaySecret {
    /// HMAC-SHA1, by the draft.
    signing: hmac::Key,
    /// For everything else that nobody must be able to make up.
    inner: hmac::Key,
}

impl RelaySecret {
    /// A secret of this text, as it would be in coturn's `static-auth-secret`.
    pub fn new(text: &str) -> Self {
        let key = |algorithm| hmac::Key::new(algorithm, text.as_bytes());
        Self { signing: key(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY), inner: key(hmac::HMAC_SHA256) }
    }

    /// A secret that nobody knows.
    ///
    /// # Panics
    /// When the system has no random numbers, without which nothing of a server is safe.
    pub fn random() -> Self {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).expect("the system gives random numbers");
        Self::new(&BASE64_STANDARD.encode(bytes))
    }

    /// The secret in a file, which is all of its text but for white space around it.
    ///
    /// # Errors
    /// [`ServerError::RelaySecret`] when it cannot be read or is shorter than 16 bytes.
    pub fn from_file(path: &Path) -> Result<Self, ServerError> {
        let wrong = |problem| ServerError::RelaySecret { path: path.to_owned(), problem };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let text = text.trim();
        if text.len() < SHORTEST {
            return Err(wrong(format!("it is shorter than {SHORTEST} characters")));
        }
        Ok(Self::new(text))
    }

    /// What a user name is for a participant: the same for as long as the secret is, so that quotas hold
    /// across rotations, and meaningless to whoever reads it.
    fn id(&self, peer: PeerId) -> String {
        let tag = hmac::sign(&self.inner, format!("participant {peer}").as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(&tag.as_ref()[..12])
    }

    /// Signs something of this server's own.
    pub(super) fn tag(&self, text: &str) -> [u8; 12] {
        let mut short = [0; 12];
        short.copy_from_slice(&hmac::sign(&self.inner, text.as_bytes()).as_ref()[..12]);
        short
    }

    fn password(&self, username: &str) -> String {
        BASE64_STANDARD.encode(hmac::sign(&self.signing, username.as_bytes()))
    }
}

impl fmt::Debug for RelaySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RelaySecret")
    }
}

/// Hands out credentials.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    secret: RelaySecret,
    lifetime: Duration,
}

impl Issuer {
    /// With credentials that hold for `lifetime`.
    pub(crate) fn new(secret: RelaySecret, lifetime: Duration) -> Self {
        Self { secret, lifetime }
    }

    /// How long after credentials were handed out there should be new ones: three quarters of their life.
    pub(crate) fn rotation(&self) -> Duration {
        self.lifetime * 3 / 4
    }

    /// The servers at these URLs with fresh credentials for a participant; `unix_seconds` is the time.
    pub(crate) fn server(&self, unix_seconds: u64, peer: PeerId, urls: Vec<String>) -> IceServer {
        let expiry = unix_seconds.saturating_add(self.lifetime.as_secs());
        let username = format!("{expiry}:{}", self.secret.id(peer));
        let credential = Some(self.secret.password(&username));
        IceServer { urls, username: Some(username), credential }
    }
}

/// What a user name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct User<'a> {
    /// Until when, in UNIX seconds.
    pub(super) expiry: u64,
    /// Who, across rotations.
    pub(super) id: &'a str,
}

impl<'a> User<'a> {
    /// `None` when it is no name that was ever handed out.
    pub(super) fn read(username: &'a str) -> Option<Self> {
        let (expiry, id) = username.split_once(':')?;
        let plain =
            !id.is_empty() && username.len() <= 128 && expiry.bytes().all(|byte| byte.is_ascii_digit());
        if plain { Some(Self { expiry: expiry.parse().ok()?, id }) } else { None }
    }
}

/// What a user's messages are signed with (RFC 8489, section 9.2.2).
pub(super) fn key(secret: &RelaySecret, username: &str, realm: &str) -> hmac::Key {
    let text = format!("{username}:{realm}:{}", secret.password(username));
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &Md5::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use maru_protocol::ResumeToken;

    use super::*;

    #[test]
    fn a_password_is_what_coturn_computes_for_the_same_name() {
        // `printf 1700000000:ada | openssl dgst -binary -sha1 -hmac north-star-secret | base64`
        let secret = RelaySecret::new("north-star-secret");
        assert_eq!(secret.password("1700000000:ada"), "L9pMHz18AADdiAPCvI7B8laaEko=");
    }

    #[test]
    fn credentials_say_until_when_they_hold_and_not_for_whom() {
        let issuer = Issuer::new(RelaySecret::random(), Duration::from_secs(3600));
        let (ada, bob) = (ResumeToken::random().peer_id(), ResumeToken::random().peer_id());
        let server = issuer.server(1000, ada, vec!["turn:a".into()]);
        let username = server.username.clone().unwrap();
        let user = User::read(&username).unwrap();
        assert_eq!(user.expiry, 4600);
        assert!(!username.contains(&ada.to_string()));

        let later = issuer.server(2000, ada, Vec::new()).username.unwrap();
        assert_eq!(User::read(&later).unwrap().id, user.id, "one user, whatever the rotation");
        let other = issuer.server(1000, bob, Vec::new()).username.unwrap();
        assert_ne!(User::read(&other).unwrap().id, user.id);
        assert_ne!(RelaySecret::random().id(ada), user.id, "another start, another name");
    }

    #[test]
    fn names_that_were_never_handed_out_are_none() {
        for wrong in
            ["", "ada", "1700000000", ":ada", "1700000000:", "-1:ada", "+1:ada", "99999999999999999999:a"]
        {
            assert_eq!(User::read(wrong), None, "{wrong}");
        }
        assert_eq!(User::read(&format!("1:{}", "a".repeat(200))), None);
    }
}
