//! Access tokens of private servers, in the system's store for secrets: Keychain, Credential Manager,
//! Secret Service. Where there is none, a token lasts until the app ends.
//!
//! A token comes as part of the address that a person was given, `wss://example.org/?token=…`, and is
//! taken out of it before the address is shown or written anywhere.

use std::collections::HashMap;
use std::time::Duration;

use maru_engine::{Problem, Sentence};
use maru_protocol::Invite;
use parking_lot::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The name under which the store lists Maru's secrets.
const SERVICE: &str = "app.maru.desktop";

/// A store may ask the person to unlock it. Nobody is kept from a call for longer than this.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);

/// Takes a token out of a server's address: the address without it, and the token.
pub fn split_token(address: &str) -> (String, Option<String>) {
    let Some((base, query)) = address.split_once('?') else { return (address.to_owned(), None) };
    let mut token = None;
    let rest: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.strip_prefix("token=") {
            Some(value) => {
                token = Some(value.to_owned()).filter(|value| !value.is_empty());
                false
            }
            None => !pair.is_empty(),
        })
        .collect();
    let address = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    (address, token)
}

/// What of a typed room may be remembered: a room's name as it is, an invite without what follows its room's
/// name, where a server's token may be. Nothing of an invite that leads nowhere, since nobody knows what is in it.
pub fn room_without_secrets(room: &str) -> String {
    let room = room.trim();
    if !Invite::is_meant(room) {
        return room.to_owned();
    }
    Invite::parse(room).map(|invite| invite.to_string()).unwrap_or_default()
}

/// The tokens of this run, over those in the store.
#[derive(Default)]
pub struct Tokens {
    /// By the server's address.
    session: Mutex<HashMap<String, String>>,
}

/// There is no store, or it refuses.
#[derive(Debug, thiserror::Error)]
#[error(
    "This computer has no place to keep the server's access token safe ({problem}). Maru uses it until you close the window; enter the address with the token again next time."
)]
pub struct NoStore {
    problem: String,
}

impl From<NoStore> for Problem {
    fn from(error: NoStore) -> Self {
        let text = error.to_string();
        Self::new(Sentence::TokenNotKept { problem: error.problem }, text)
    }
}

impl Tokens {
    /// The token for a server, if one is known.
    pub async fn get(&self, server: &str) -> Option<String> {
        if let Some(token) = self.session.lock().get(server) {
            return Some(token.clone());
        }
        let account = server.to_owned();
        let read = spawn_blocking(move || keyring::Entry::new(SERVICE, &account)?.get_password());
        match timeout(STORE_TIMEOUT, read).await {
            Ok(Ok(Ok(token))) => {
                self.session.lock().insert(server.to_owned(), token.clone());
                Some(token)
            }
            // Nothing stored and no store are both ordinary: most servers want no token.
            Ok(Ok(Err(error))) => {
                tracing::debug!("no access token from the store: {error}");
                None
            }
            Ok(Err(_)) | Err(_) => {
                tracing::warn!("the system's store for secrets does not answer");
                None
            }
        }
    }

    /// Remembers the token for a server: for this run in any case, in the store if there is one.
    ///
    /// # Errors
    /// [`NoStore`] when it is for this run only.
    pub async fn keep(&self, server: &str, token: &str) -> Result<(), NoStore> {
        let known = self.session.lock().insert(server.to_owned(), token.to_owned());
        if known.as_deref() == Some(token) {
            return Ok(()); // kept already, or the person was told
        }
        let (account, token) = (server.to_owned(), token.to_owned());
        let write = spawn_blocking(move || keyring::Entry::new(SERVICE, &account)?.set_password(&token));
        match timeout(STORE_TIMEOUT, write).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(keyring::Error::NoDefaultStore))) => {
                Err(NoStore { problem: "no keyring runs".to_owned() })
            }
            Ok(Ok(Err(error))) => Err(NoStore { problem: error.to_string() }),
            Ok(Err(_)) | Err(_) => Err(NoStore { problem: "it does not answer".to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_out_of_an_address_and_the_rest_stays() {
        for (address, rest, token) in [
            ("wss://example.org", "wss://example.org", None),
            ("wss://example.org/?token=abc", "wss://example.org/", Some("abc")),
            ("wss://example.org/ws?a=1&token=abc&b=2", "wss://example.org/ws?a=1&b=2", Some("abc")),
            ("wss://example.org/?token=", "wss://example.org/", None),
            ("wss://example.org/?tokens=1", "wss://example.org/?tokens=1", None),
            ("", "", None),
        ] {
            assert_eq!(split_token(address), (rest.to_owned(), token.map(str::to_owned)), "{address}");
        }
    }
}
