//! Which server to use. It refuses to know how one is reached.

use std::sync::Arc;

use async_trait::async_trait;
use maru_protocol::{Invite, RoomName};
use url::Url;

use super::SignalingError;
use crate::notice::Problem;

/// Says which server to use; asked anew before every connection, so that the answer may change
/// while a call goes on.
#[async_trait]
pub trait ServerLocator: Send + Sync + 'static {
    /// The server for this room.
    ///
    /// # Errors
    /// A sentence that tells the person what to do.
    async fn locate(&self, room: &RoomName) -> Result<ServerAddress, Problem>;

    /// The server that any room would be on, where that is known without looking for it and reaching it takes time;
    /// none for one on this machine. A connection to it is opened before somebody joins.
    fn expected(&self) -> Option<ServerAddress> {
        None
    }

    /// Resolves when the room that was located last has another server than the one that is in use. The
    /// call goes there; whoever asks again about the old one did not get there. Never, for most.
    async fn moved(&self, _from: &ServerAddress) -> ServerAddress {
        std::future::pending().await
    }

    /// The access token for the server of this URL, where the configuration has none: a person may name
    /// a private server while the engine runs.
    async fn token(&self, _url: &str) -> Option<String> {
        None
    }
}

/// Where a server is, and how to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// Its `ws://` or `wss://` URL.
    pub url: String,
    /// SHA-256 of the certificate that it must show, instead of one that this computer trusts.
    pub fingerprint: Option<[u8; 32]>,
}

impl From<String> for ServerAddress {
    fn from(url: String) -> Self {
        Self { url, fingerprint: None }
    }
}

/// Always the same server.
#[derive(Clone, Debug)]
pub struct FixedServer(String);

impl FixedServer {
    /// Takes what a person typed: a `ws://` or `wss://` URL; the endpoint's path is added where it is missing.
    ///
    /// # Errors
    /// [`SignalingError::BadUrl`] or [`SignalingError::WrongScheme`].
    pub fn parse(text: &str) -> Result<Self, SignalingError> {
        let mut url =
            Url::parse(text.trim()).map_err(|_| SignalingError::BadUrl { url: text.trim().to_owned() })?;
        if !matches!(url.scheme(), "ws" | "wss") {
            return Err(SignalingError::WrongScheme { scheme: url.scheme().to_owned() });
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(SignalingError::BadUrl { url: text.trim().to_owned() });
        }
        if url.path() == "/" {
            url.set_path(maru_protocol::WEBSOCKET_PATH);
        }
        Ok(Self(url.into()))
    }

    /// The server that an invite names.
    ///
    /// # Errors
    /// [`SignalingError::BadUrl`] when its host can be none.
    pub fn of_invite(invite: &Invite) -> Result<Self, SignalingError> {
        Self::parse(&invite.server_url())
    }

    /// The endpoint's URL.
    pub fn url(&self) -> &str {
        &self.0
    }
}

#[async_trait]
impl ServerLocator for FixedServer {
    async fn locate(&self, _room: &RoomName) -> Result<ServerAddress, Problem> {
        Ok(self.0.clone().into())
    }

    fn expected(&self) -> Option<ServerAddress> {
        Some(self.0.clone().into())
    }
}

impl From<FixedServer> for ServerAddress {
    fn from(server: FixedServer) -> Self {
        server.0.into()
    }
}

/// The server that an invite names, with the tokens of the usual locator.
pub(super) struct Invited {
    pub server: FixedServer,
    pub locator: Arc<dyn ServerLocator>,
}

#[async_trait]
impl ServerLocator for Invited {
    async fn locate(&self, room: &RoomName) -> Result<ServerAddress, Problem> {
        self.server.locate(room).await
    }

    async fn token(&self, url: &str) -> Option<String> {
        self.locator.token(url).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_the_endpoint_path_unless_it_has_one() {
        assert_eq!(FixedServer::parse(" ws://localhost:1 ").unwrap().url(), "ws://localhost:1/ws");
        assert_eq!(FixedServer::parse("wss://a.example/base/ws").unwrap().url(), "wss://a.example/base/ws");
    }

    #[test]
    fn what_is_not_an_address_is_refused_with_an_example() {
        for text in ["", "localhost", "ws://", "not a url"] {
            let error = FixedServer::parse(text).unwrap_err();
            assert!(error.to_string().contains("wss://example.org"), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_wrong_scheme_is_named() {
        let error = FixedServer::parse("https://example.org").unwrap_err();
        assert_eq!(error, SignalingError::WrongScheme { scheme: "https".into() });
    }
}
