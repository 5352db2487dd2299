//! The STUN and TURN servers that a client is told of, with credentials of its own where they need some.

use std::time::{Duration, Instant};

use maru_protocol::{IceServer, PeerId};

use super::config::CredentialsConfig;
use super::credentials::Issuer;
use super::relay::unix_seconds;
use super::sockets::Urls;

/// What every client is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ice {
    /// As they are in the settings.
    fixed: Vec<IceServer>,
    issuer: Option<Issuer>,
    /// TURN servers elsewhere that know the secret.
    elsewhere: Vec<String>,
    public_host: Option<String>,
}

/// What one client is told, who came under some name.
#[derive(Clone, Debug)]
pub(crate) struct IceOffer {
    fixed: Vec<IceServer>,
    turn: Vec<String>,
    issuer: Option<Issuer>,
    /// What the calendar said at some moment.
    moment: (Instant, u64),
}

impl Ice {
    pub(crate) fn new(
        fixed: Vec<IceServer>,
        credentials: Option<&CredentialsConfig>,
        public_host: Option<String>,
    ) -> Self {
        let issuer = credentials.map(|config| Issuer::new(config.secret.clone(), config.lifetime));
        let elsewhere = credentials.map(|config| config.servers.clone()).unwrap_or_default();
        Self { fixed, issuer, elsewhere, public_host }
    }

    /// For a client that reached the server under `host`, a name or an address with or without a port;
    /// `here` when it is on this machine. `urls` are those of the relay, when there is one.
    pub(crate) fn offer(&self, host: Option<&str>, here: bool, urls: Option<Urls>) -> IceOffer {
        let reached = || host.map(without_port).filter(|host| here || !is_loopback(host)).map(str::to_owned);
        let host = self.public_host.clone().or_else(reached);
        let mut fixed = self.fixed.clone();
        let mut turn = self.elsewhere.clone();
        if let Some((urls, host)) = urls.zip(host) {
            let stun = urls.stun(&host);
            if !stun.is_empty() {
                fixed.push(IceServer { urls: stun, username: None, credential: None });
            }
            turn.extend(urls.turn(&host));
        }
        IceOffer { fixed, turn, issuer: self.issuer.clone(), moment: (Instant::now(), unix_seconds()) }
    }
}

impl IceOffer {
    /// The servers with fresh credentials for a participant.
    pub(crate) fn servers(&self, now: Instant, peer: PeerId) -> Vec<IceServer> {
        let (then, unix) = self.moment;
        let unix = unix + now.saturating_duration_since(then).as_secs();
        let relay = self.issuer.as_ref().filter(|_| !self.turn.is_empty());
        let relay = relay.map(|issuer| issuer.server(unix, peer, self.turn.clone()));
        self.fixed.iter().cloned().chain(relay).collect()
    }

    /// How long after they were handed out there should be new credentials; `None` for never.
    pub(crate) fn rotation(&self) -> Option<Duration> {
        self.issuer.as_ref().filter(|_| !self.turn.is_empty()).map(Issuer::rotation)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

/// Whether a name means whoever says it.
fn is_loopback(name: &str) -> bool {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let ip = bare.parse::<std::net::IpAddr>();
    ip.map_or(bare == "localhost" || bare.ends_with(".localhost"), |ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
#[path = "offer_tests.rs"]
mod tests;
