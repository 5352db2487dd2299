//! The links that bring a browser into a room: the names under which this server can be reached by
//! pages that browsers trust with a camera, which are secure ones and those of the own machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};

use maru_protocol::{GuestLink, LinkScope, RoomName, invite};
use parking_lot::Mutex;

use crate::Config;
use crate::addresses;
use crate::reach::Reach;

/// The address of the page, without a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// Ends with a slash.
    pub(crate) url: String,
    pub(crate) scope: LinkScope,
    pub(crate) fingerprint: Option<String>,
}

impl Base {
    /// The link into a room.
    pub(crate) fn room(&self, room: &RoomName) -> GuestLink {
        let url = invite::room_url(&self.url, room);
        GuestLink { url, scope: self.scope, fingerprint: self.fingerprint.clone() }
    }
}

/// A listening socket, as far as links go.
#[derive(Clone, Debug)]
pub(crate) struct Entrance {
    pub(crate) address: SocketAddr,
    pub(crate) secure: bool,
    /// Of a certificate that the server signed itself, which is as good under every name.
    pub(crate) fingerprint: Option<String>,
}

/// The sockets that are open now.
#[derive(Debug, Default)]
pub(crate) struct Entrances {
    next: AtomicU64,
    open: Mutex<Vec<(u64, Entrance)>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    entrances: &'a Entrances,
    id: u64,
}

impl Entrances {
    /// One more is open.
    pub(crate) fn add(&self, entrance: Entrance) -> Opened<'_> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.open.lock().push((id, entrance));
        Opened { entrances: self, id }
    }

    fn all(&self) -> Vec<Entrance> {
        self.open.lock().iter().map(|(_, entrance)| entrance.clone()).collect()
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.entrances.open.lock().retain(|(id, _)| *id != self.id);
    }
}

/// The addresses that somebody who came this way can pass on, the best first. `fingerprint` is that of
/// the certificate on the way, if the server signed it itself.
pub(crate) fn bases(
    config: &Config,
    entrances: &Entrances,
    reach: &Reach,
    fingerprint: Option<&str>,
) -> Vec<Base> {
    let here = reach.address.is_loopback() && !reach.through_proxy;
    collect(config, &entrances.all(), reach, fingerprint, here, || addresses::own().collect())
}

/// The addresses that whoever runs the server can pass on.
pub(crate) fn bases_of_the_owner(config: &Config, entrances: &Entrances) -> Vec<Base> {
    let address = Ipv4Addr::LOCALHOST.into();
    bases(config, entrances, &Reach { address, secure: false, host: None, through_proxy: false }, None)
}

fn collect(
    config: &Config,
    entrances: &[Entrance],
    reach: &Reach,
    fingerprint: Option<&str>,
    here: bool,
    own_addresses: impl Fn() -> Vec<IpAddr>,
) -> Vec<Base> {
    let mut found: Vec<Base> = Vec::new();
    let mut add = |url: String, scope, fingerprint: Option<String>| {
        if !found.iter().any(|base| base.url == url) {
            found.push(Base { url, scope, fingerprint });
        }
    };
    let path = &config.base_path;
    if let Some(public) = &config.public_url {
        add(format!("{}/", public.trim_end_matches('/')), scope_of_url(public), None);
    } else if let (true, Some(host)) = (reach.secure, &reach.host) {
        add(format!("https://{host}{path}/"), scope_of(host), fingerprint.map(str::to_owned));
    }
    // Only a certificate that names nothing is good for a bare address: others name a domain.
    for door in entrances.iter().filter(|door| door.secure && door.fingerprint.is_some()) {
        let addresses =
            if door.address.ip().is_unspecified() { own_addresses() } else { vec![door.address.ip()] };
        for address in addresses.into_iter().filter(|address| is_of_a_network(*address)) {
            let host = SocketAddr::new(address, door.address.port());
            add(format!("https://{host}{path}/"), LinkScope::Network, door.fingerprint.clone());
        }
    }
    let reachable = |door: &&Entrance| door.address.ip().is_loopback() || door.address.ip().is_unspecified();
    // Without a warning if there is a choice.
    let plain_too = entrances.iter().filter(reachable).any(|door| !door.secure);
    if here {
        let usable = |door: &&Entrance| !door.secure || (!plain_too && door.fingerprint.is_some());
        for door in entrances.iter().filter(reachable).filter(usable) {
            let ip =
                if door.address.ip().is_loopback() { door.address.ip() } else { Ipv4Addr::LOCALHOST.into() };
            let host = SocketAddr::new(ip, door.address.port());
            let scheme = if door.secure { "https" } else { "http" };
            add(format!("{scheme}://{host}{path}/"), LinkScope::Machine, door.fingerprint.clone());
        }
    }
    found.retain(|base| here || base.scope != LinkScope::Machine);
    found.sort_by_key(|base| match base.scope {
        LinkScope::Public => 0,
        LinkScope::Network => 1,
        LinkScope::Machine | LinkScope::Unknown => 2,
    });
    found
}

/// Whether others can reach this address of ours without more words. IPv6 in a home is IPv4 with
/// addresses that nobody can type.
fn is_of_a_network(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local(),
        IpAddr::V6(_) => false,
    }
}

fn scope_of_url(url: &str) -> LinkScope {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    scope_of(rest.split('/').next().unwrap_or(rest))
}

/// From where a host can be reached, by its name.
fn scope_of(host: &str) -> LinkScope {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) if address.is_loopback() => LinkScope::Machine,
        Ok(IpAddr::V4(address)) if address.is_private() || address.is_link_local() => LinkScope::Network,
        Ok(IpAddr::V6(address)) if address.is_unique_local() || address.is_unicast_link_local() => {
            LinkScope::Network
        }
        Ok(_) => LinkScope::Public,
        Err(_) if bare.eq_ignore_ascii_case("localhost") => LinkScope::Machine,
        Err(_) if !bare.contains('.') || bare.ends_with(".local") => LinkScope::Network,
        Err(_) => LinkScope::Public,
    }
}

#[cfg(test)]
#[path = "links_tests.rs"]
mod tests;
