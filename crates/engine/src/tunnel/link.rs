//! What one socket sends to one relay, and how: waiting for the race, by UDP, or over a carrier that lives as
//! long as the socket or until it breaks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use arc_swap::ArcSwap;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use webrtc::runtime::AsyncUdpSocket;

use super::placeholder::Placeholder;
use super::race::Found;
use super::{MOST_RELAYS, Relay, carrier};

/// Messages that may wait for the race or the stream: some hundred milliseconds of a call. Above that the
/// newest is dropped, as a full network does.
const WAITING: usize = 128;
/// Messages sent together at most.
const TOGETHER: usize = 32;

/// How what is for a relay gets there.
#[derive(Clone, Debug, Default)]
pub(super) enum Link {
    /// Nothing was sent yet, or the last carrier broke.
    #[default]
    None,
    /// By datagrams to this address.
    Udp(SocketAddr),
    /// Through the task that waits for the race, or that has a carrier.
    Task(mpsc::Sender<Bytes>),
    /// Not from this socket.
    Nowhere,
}

/// What one socket and its links work with.
pub(super) struct Links {
    /// The real one.
    pub socket: Arc<dyn AsyncUdpSocket>,
    /// What it speaks, otherwise IPv6.
    pub ipv4: bool,
    /// How to send to each relay.
    pub relays: Mutex<[Link; MOST_RELAYS]>,
    pub routes: Routes,
    /// Those of all sockets of the connection.
    pub carried: Arc<Carried>,
    /// Where what a carrier brings goes, as from this address.
    pub incoming: mpsc::Sender<(Bytes, SocketAddr)>,
}

/// Real addresses of relays that are reached by UDP, with the placeholders they stand behind: read for every
/// packet, written once in a call.
#[derive(Debug, Default)]
pub(super) struct Routes(ArcSwap<Vec<(SocketAddr, SocketAddr)>>);

impl Routes {
    fn add(&self, address: SocketAddr, placeholder: SocketAddr) {
        self.0.rcu(|known| {
            let others = known.iter().copied().filter(|(_, other)| *other != placeholder);
            others.chain([(address, placeholder)]).collect::<Vec<_>>()
        });
    }

    /// Puts the placeholders in place of the relays' addresses; says whether there was one.
    pub fn disguise<'a>(&self, senders: impl Iterator<Item = &'a mut SocketAddr>) -> bool {
        let known = self.0.load();
        if known.is_empty() {
            return false;
        }
        let mut found = false;
        for sender in senders {
            if let Some((_, placeholder)) = known.iter().find(|(address, _)| address == sender) {
                *sender = *placeholder;
                found = true;
            }
        }
        found
    }
}

/// Which relays the connection has a carrier to. One is enough: every socket of a connection would have one
/// of its own, and all of them leave this machine by the same route.
#[derive(Debug, Default)]
pub(super) struct Carried(AtomicU16);

/// One relay's mark in [`Carried`], taken back when dropped.
struct Claim<'a>(&'a Carried, u16);

impl Carried {
    fn claim(&self, placeholder: Placeholder) -> Option<Claim<'_>> {
        let mark = 1 << placeholder.index();
        let before = self.0.fetch_or(mark, Ordering::AcqRel);
        (before & mark == 0).then_some(Claim(self, mark))
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_and(!self.1, Ordering::AcqRel);
    }
}

/// One link's task.
pub(super) struct Task {
    pub relay: Arc<Relay>,
    pub links: Arc<Links>,
}

impl Task {
    /// Starts the task, and gives the queue to it.
    pub fn start(self, stop: CancellationToken) -> Link {
        let (sender, queue) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let _ = stop.run_until_cancelled(self.run(queue)).await;
        });
        Link::Task(sender)
    }

    /// The relay's placeholder, for this socket.
    fn here(&self) -> SocketAddr {
        self.relay.placeholder.address(self.links.ipv4)
    }

    async fn send_by_udp(&self, message: &[u8], address: SocketAddr) {
        // An error: as good as lost on the way; who sent it repeats it.
        let _ = self.links.socket.send_to(message, address).await;
    }

    fn set(&self, link: Link) {
        if let Some(place) = self.links.relays.lock().get_mut(self.relay.placeholder.index()) {
            *place = link;
        }
    }

    async fn run(&self, mut queue: mpsc::Receiver<Bytes>) {
        match self.relay.race.winner(&self.relay.ways).await {
            None => self.set(Link::None),
            Some(Found::Udp { ipv4, ipv6 }) => match if self.links.ipv4 { ipv4 } else { ipv6 } {
                None => self.set(Link::Nowhere),
                Some(address) => {
                    self.links.routes.add(address, self.here());
                    // There is one, or is just about to be: the link was made for it.
                    if let Some(first) = queue.recv().await {
                        self.send_by_udp(&first, address).await;
                    }
                    self.set(Link::Udp(address));
                    while let Ok(message) = queue.try_recv() {
                        self.send_by_udp(&message, address).await;
                    }
                }
            },
            Some(Found::Stream(way)) => {
                let Some(_claim) = self.links.carried.claim(self.relay.placeholder) else {
                    return self.set(Link::Nowhere);
                };
                match carrier::open(&way).await {
                    Ok((outgoing, incoming)) => {
                        let error = self.carry(outgoing, incoming, &mut queue).await;
                        tracing::info!(%error, way = way.name(), "the way to the relay broke");
                    }
                    Err(error) => tracing::info!(%error, way = way.name(), "the way to the relay is gone"),
                }
                self.relay.race.forget();
                self.set(Link::None);
            }
        }
    }

    async fn carry(
        &self,
        mut outgoing: carrier::Outgoing,
        mut incoming: carrier::Incoming,
        queue: &mut mpsc::Receiver<Bytes>,
    ) -> std::io::Error {
        let from = self.here();
        let receive = async {
            loop {
                match incoming.next().await {
                    // Full: the connection is behind, as when a socket's buffer is full.
                    Ok(message) => drop(self.links.incoming.try_send((message, from))),
                    Err(error) => return error,
                }
            }
        };
        let send = async {
            let mut messages = Vec::with_capacity(TOGETHER);
            while queue.recv_many(&mut messages, TOGETHER).await > 0 {
                if let Err(error) = outgoing.send(&messages).await {
                    return error;
                }
                messages.clear();
            }
            std::io::ErrorKind::NotConnected.into()
        };
        tokio::select! {
            error = receive => error,
            error = send => error,
        }
    }
}
