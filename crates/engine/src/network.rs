//! Tells when this machine's addresses change. It knows the system's interfaces; what a change means for a call
//! is the call's business.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use if_watch::tokio::IfWatcher;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use url::{Host, Url};

/// Without a word from the system, addresses are looked at this often: some changes are not told on some
/// systems, and some systems tell nothing.
const LOOK: Duration = Duration::from_secs(3);
const LOOK_UNTOLD: Duration = Duration::from_secs(1);
/// One change comes as several events.
const SETTLE: Duration = Duration::from_millis(20);
/// Changes that may wait.
const WAITING: usize = 16;

/// What is different from before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NetworkChange {
    /// Addresses that this machine had.
    pub gone: Vec<IpAddr>,
    /// Addresses that it had not.
    pub came: Vec<IpAddr>,
}

/// Changes from now on, until the receiver is dropped.
pub(crate) fn watch() -> mpsc::Receiver<NetworkChange> {
    let (changes, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        tokio::select! {
            () = changes.closed() => {}
            () = tell(&changes) => {}
        }
    });
    receiver
}

async fn tell(changes: &mpsc::Sender<NetworkChange>) {
    let mut watcher = IfWatcher::new()
        .inspect_err(|error| tracing::debug!(%error, "the system does not tell of network changes"))
        .ok();
    let mut known = addresses().await;
    loop {
        match &mut watcher {
            None => sleep(LOOK_UNTOLD).await,
            Some(events) => match timeout(LOOK, events.next()).await {
                Ok(Some(Ok(_))) => {
                    sleep(SETTLE).await;
                    // What else came meanwhile is told by the same look.
                    while let Ok(Some(Ok(_))) = timeout(Duration::ZERO, events.next()).await {}
                }
                Ok(Some(Err(_)) | None) => watcher = None,
                Err(_) => {}
            },
        }
        let now = addresses().await;
        let change = difference(&known, &now);
        known = now;
        if change != NetworkChange::default() && changes.send(change).await.is_err() {
            return;
        }
    }
}

fn difference(before: &BTreeSet<IpAddr>, now: &BTreeSet<IpAddr>) -> NetworkChange {
    NetworkChange {
        gone: before.difference(now).copied().collect(),
        came: now.difference(before).copied().collect(),
    }
}

async fn addresses() -> BTreeSet<IpAddr> {
    tokio::task::spawn_blocking(usable_addresses).await.unwrap_or_default()
}

/// Those a path to another machine can use. What cannot be asked counts as none, and is asked again.
pub(crate) fn usable_addresses() -> BTreeSet<IpAddr> {
    let usable = |interface: &if_addrs::Interface| !interface.is_loopback() && !interface.is_link_local();
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    interfaces.into_iter().filter(usable).map(|interface| interface.ip()).collect()
}

/// Whether the server runs on this machine, so that peers may too.
pub(crate) fn is_loopback(url: &str) -> bool {
    match Url::parse(url).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether an address means something on its own network only: private, link-local or loopback.
pub(crate) fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local() || ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_what_went_and_what_came() {
        let set = |list: &[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect::<BTreeSet<IpAddr>>();
        let (home, phone) = (set(&["192.168.1.5", "fd00::5"]), set(&["10.0.0.2", "fd00::5"]));
        let change = difference(&home, &phone);
        assert_eq!(change.gone, ["192.168.1.5".parse::<IpAddr>().unwrap()]);
        assert_eq!(change.came, ["10.0.0.2".parse::<IpAddr>().unwrap()]);
        assert_eq!(difference(&home, &home), NetworkChange::default());
    }
}
