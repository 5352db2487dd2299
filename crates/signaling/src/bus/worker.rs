//! The task that keeps this node and Redis together: connects, says and asks what the rooms want, listens,
//! and starts again when any of that fails. Nothing that a client waits for waits for it longer than
//! [`TIMEOUT`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use redis::aio::PubSub;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::redis::{BusError, ECHO, Link, Settings};
use super::{BEAT, BusConfig, Envelope, NodeId, NodeMessage, Request, message};
use crate::Config;
use crate::hub::Hub;

/// Rooms and signals that go in one round trip.
const BATCH: usize = 64;

/// Waits between two attempts to connect, at least and at most.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// A connection that lasted so long was none that fails again and again.
const STEADY: Duration = Duration::from_secs(5);

/// Echoes that may be missing before the connection that listens counts as broken.
const MISSED_ECHOES: u32 = 3;

/// See the module.
#[derive(Debug)]
pub(crate) struct Worker {
    config: BusConfig,
    settings: Settings,
    /// The largest message that another node may send.
    message_bytes: usize,
    signals: mpsc::Receiver<Envelope>,
}

/// What reads the messages for this node.
struct Reader<'a> {
    hub: &'a Hub,
    me: NodeId,
    message_bytes: usize,
    unheard: &'a AtomicU32,
}

impl Worker {
    /// The task of node `me`, which sends these signals; `None` without a bus.
    pub(crate) fn new(config: &Config, me: NodeId, signals: mpsc::Receiver<Envelope>) -> Option<Self> {
        let settings =
            Settings { me, window: config.resume_window, capacity: config.limits.peers_per_room.max(1) };
        // A client's message, in which JSON may write each byte as six, and what is around it.
        let message_bytes = config.limits.message_bytes as usize * 6 + 4096;
        Some(Self { config: config.bus.clone()?, settings, message_bytes, signals })
    }

    /// Works until `stop`, and then says farewell.
    pub(crate) async fn run(mut self, hub: Arc<Hub>, stop: CancellationToken) {
        let place = self.config.place();
        let mut wait = WAITS.0;
        let mut told = false;
        loop {
            let opened = tokio::select! {
                opened = Link::open(&self.config.client, self.settings.clone()) => opened,
                () = stop.cancelled() => return,
            };
            let why = match opened {
                Err(why) => {
                    if !told {
                        hub.bus_down(Instant::now(), Vec::new());
                    }
                    why
                }
                Ok((link, listening)) => {
                    tracing::info!("rooms span all servers at Redis {place}");
                    let opened = Instant::now();
                    told = false;
                    hub.bus_up(opened);
                    let ended = self.serve(&hub, link, listening, &stop).await;
                    if opened.elapsed() > STEADY {
                        wait = WAITS.0;
                    }
                    match ended {
                        Ok(()) => return,
                        Err(why) => why,
                    }
                }
            };
            if told {
                tracing::debug!("still no Redis at {place}: {why}");
            } else {
                tracing::warn!(
                    "cannot reach Redis at {place}: {why}. Rooms are this server's own until it can; it goes on \
                     trying"
                );
                told = true;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
            wait = (wait * 2).min(WAITS.1);
        }
    }

    /// Keeps to one pair of connections until one of them fails (the error) or the node stops.
    async fn serve(
        &mut self,
        hub: &Hub,
        link: Link,
        mut listening: PubSub,
        stop: &CancellationToken,
    ) -> Result<(), BusError> {
        let (mut asked, mut sent) = (Vec::new(), Vec::new());
        let unheard = AtomicU32::new(0);
        let mut last = link.clone();
        let reader =
            Reader { hub, me: self.settings.me, message_bytes: self.message_bytes, unheard: &unheard };
        let ended = tokio::select! {
            why = sync(hub, link.clone(), &mut asked) => Err(why),
            why = pass(hub, link.clone(), &mut self.signals, &mut sent) => Err(why),
            why = beat(hub, link, &unheard) => Err(why),
            why = reader.listen(&mut listening) => Err(why),
            () = stop.cancelled() => Ok(()),
        };
        if ended.is_ok() {
            if let Err(why) = last.farewell().await {
                tracing::debug!("no farewell: {why}");
            }
            return ended;
        }
        hub.bus_down(Instant::now(), asked);
        while let Ok(envelope) = self.signals.try_recv() {
            sent.push(envelope);
        }
        hub.undelivered(Instant::now(), sent);
        ended
    }
}

/// Says and asks what the rooms want. What is `asked` was not answered yet.
async fn sync(hub: &Hub, mut link: Link, asked: &mut Vec<Request>) -> BusError {
    loop {
        *asked = hub.requests(Instant::now(), BATCH);
        if asked.is_empty() {
            hub.bus_changed().await;
            continue;
        }
        match link.sync(asked).await {
            Ok(answers) => hub.answered(Instant::now(), std::mem::take(asked), answers),
            Err(why) => return why,
        }
    }
}

/// Sends signals. Whether those `sent` arrived is not known yet.
async fn pass(
    hub: &Hub,
    mut link: Link,
    signals: &mut mpsc::Receiver<Envelope>,
    sent: &mut Vec<Envelope>,
) -> BusError {
    loop {
        if signals.recv_many(sent, BATCH).await == 0 {
            // The hub is gone, and with it the server.
            return BusError::Silent;
        }
        let taken = match link.pass(sent).await {
            Ok(taken) if taken.len() == sent.len() => taken,
            Ok(_) => return BusError::Nonsense,
            Err(why) => return why,
        };
        let lost = std::mem::take(sent).into_iter().zip(taken).filter(|(_, taken)| !taken);
        hub.undelivered(Instant::now(), lost.map(|(envelope, _)| envelope).collect());
    }
}

/// Gives signs of life, and sees who else does.
async fn beat(hub: &Hub, mut link: Link, unheard: &AtomicU32) -> BusError {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        match link.beat().await {
            Ok(nodes) => hub.bus_tick(Instant::now(), &nodes),
            Err(why) => return why,
        }
        if unheard.fetch_add(1, Ordering::Relaxed) >= MISSED_ECHOES {
            return BusError::Deaf;
        }
        if let Err(why) = link.echo().await {
            return why;
        }
    }
}

impl Reader<'_> {
    /// Listens until the connection breaks.
    async fn listen(&self, listening: &mut PubSub) -> BusError {
        let mut messages = listening.on_message();
        while let Some(message) = messages.next().await {
            self.read(message.get_payload_bytes());
        }
        BusError::Silent
    }

    fn read(&self, payload: &[u8]) {
        if payload == ECHO {
            return self.unheard.store(0, Ordering::Relaxed);
        }
        match message::parse(self.me, payload, self.message_bytes) {
            Some(NodeMessage::News(news)) => self.hub.news(news),
            Some(NodeMessage::Signal(envelope)) => self.hub.signal_of_node(Instant::now(), envelope),
            None => self.hub.garbled(1),
        }
    }
}
