//! Says and hears records by multicast DNS (RFC 6762, RFC 6763): a thin shell around the responder. Names
//! of instances and of the machine are random; only the service's type says that this is Maru.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mdns_sd::{IfKind, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent, ServiceInfo};
use tokio_util::sync::CancellationToken;

use super::advert::Advert;
use super::board::{Board, Notice};
use super::random;
use crate::hex::hex;

/// The service's type.
const SERVICE: &str = "_maru._tcp.local.";

/// How long a record whose server does not answer may take to be confirmed.
const DOUBT: Duration = Duration::from_secs(2);

/// How long the last words may take.
const GOODBYE: Duration = Duration::from_millis(400);

/// One responder, until it is closed or dropped.
pub(in crate::automatic) struct Wire {
    daemon: ServiceDaemon,
    /// This machine's name on the network, for as long as this program runs.
    host: String,
    board: Arc<Board>,
    closed: CancellationToken,
}

impl Wire {
    /// Listens on all networks of this machine from now on.
    pub(super) fn open(board: Arc<Board>) -> Result<Self, mdns_sd::Error> {
        let daemon = ServiceDaemon::new()?;
        // Who is on this machine is found without it. The server listens on IPv4, as for browsers.
        daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6, IfKind::IPv6])?;
        let events = daemon.browse(SERVICE)?;
        let closed = CancellationToken::new();
        let (over, heard) = (closed.clone(), Arc::clone(&board));
        let browsing = daemon.clone();
        tokio::spawn(async move {
            let listen = async {
                let mut events = events;
                loop {
                    match events.recv_async().await {
                        Ok(event) => hear(&heard, event),
                        // It hangs up on who is too slow; what is known is repeated to who asks again.
                        Err(_) => match browsing.browse(SERVICE) {
                            Ok(again) => events = again,
                            Err(_) => return,
                        },
                    }
                }
            };
            let _ = over.run_until_cancelled(listen).await;
        });
        let host = format!("{}.local.", hex(&random::<8>()));
        Ok(Self { daemon, host, board, closed })
    }

    /// Says it to the network until [`Wire::withdraw`]; gives the instance's name.
    pub(super) fn say(&self, advert: Advert) -> Result<String, mdns_sd::Error> {
        let instance = hex(&random::<8>());
        let properties = advert.properties();
        let properties: Vec<(&str, &str)> =
            properties.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let mut info =
            ServiceInfo::new(SERVICE, &instance, &self.host, "", advert.port, properties.as_slice())?
                .enable_addr_auto();
        // Nobody else has such a name: nothing to wait for.
        info.set_requires_probe(false);
        let name = info.get_fullname().to_owned();
        self.board.put(&name, Notice { advert, addresses: Vec::new(), own: true });
        self.daemon.register(info)?;
        Ok(name)
    }

    /// Takes it back.
    pub(super) fn withdraw(&self, name: &str) {
        self.board.remove(name);
        if let Err(error) = self.daemon.unregister(name) {
            tracing::debug!(%error, "an advert runs out instead of being taken back");
        }
    }

    /// A server did not answer: is its record still true?
    pub(super) fn doubt(&self, name: &str) {
        let _ = self.daemon.verify(name.to_owned(), DOUBT); // an error: it runs out by itself
    }

    /// Takes everything back and ends; returns when that was said.
    pub(super) async fn close(&self) {
        self.closed.cancel();
        if let Ok(done) = self.daemon.shutdown() {
            let _ = tokio::time::timeout(GOODBYE, done.recv_async()).await;
        }
        self.board.clear();
    }
}

impl Wire {
    /// Resolves when it is closed.
    pub(in crate::automatic) async fn closed(&self) {
        self.closed.cancelled().await;
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.closed.cancel();
        let _ = self.daemon.shutdown(); // an error: it ended before
    }
}

fn hear(board: &Board, event: ServiceEvent) {
    match event {
        ServiceEvent::ServiceResolved(service) => {
            let property = |key: &str| service.get_property_val_str(key);
            if let Some(advert) = Advert::read(service.port, property) {
                let notice = Notice { advert, addresses: addresses(&service), own: false };
                board.put(&service.fullname, notice);
            }
        }
        ServiceEvent::ServiceRemoved(_, name) => board.remove(&name),
        _ => {}
    }
}

fn addresses(service: &ResolvedService) -> Vec<IpAddr> {
    let all = service.addresses.iter().map(ScopedIp::to_ip_addr);
    all.filter(|address| address.is_ipv4() && !address.is_loopback() && !address.is_unspecified()).collect()
}
