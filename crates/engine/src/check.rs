//! Tries, before a call, what a call needs of the network: the server, datagrams, the relay. In a room of its own that
//! nobody can guess, for as long as it takes to be told of the relay. Everything is bounded in time, and ends when
//! it is dropped. It refuses to know devices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use maru_media::VideoCodec;
use maru_media::audio::protection::Protection;
use maru_media::video::adapt::Adaptation;
use maru_protocol::{
    Capabilities, ClientInfo, ClientMessage, DisplayName, IceServer, RoomName, ServerMessage, Status,
};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::timeout;
use ts_rs::TS;

use crate::api::AddressPolicy;
use crate::call::{ConnectionEvent, ConnectionOrder};
use crate::network::is_loopback;
use crate::notice::{Problem, Sentence};
use crate::peer::{Connection, ConnectionConfig, ConnectionNews, Network, VideoSection, random_u32};
use crate::receive::audio::PeerAudio;
use crate::receive::video::{PeerVideo, VideoOutput};
use crate::send::fanout::Fanout;
use crate::signaling::{ServerLocator, SignalingClient, SignalingEvent};
use crate::stats::RelayProtocol;
use crate::tunnel::{Tunnels, answers_by_udp, names_relay};

/// How long the server may take, from the first packet to its list of relays.
const SERVER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer by UDP may take, repetitions included.
const UDP_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the relay may take: the race for a way to it, and what it then asks and answers.
const RELAY_TIMEOUT: Duration = Duration::from_secs(10);

/// What was found out about one thing.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(tag = "step", rename_all = "snake_case")]
#[ts(export_to = "engine.d.ts")]
pub enum NetworkFinding {
    /// The server let us into a room.
    Server {
        /// After so many milliseconds.
        ms: f64,
    },
    /// It did not. There is nothing more to find out then.
    NoServer {
        /// Why.
        #[ts(type = "{ key: string, values: Record<string, string | number | boolean>, text: string }")]
        problem: Problem,
    },
    /// Whether an answer came by UDP.
    Udp {
        /// `None` where the server names nobody who could answer.
        answered: Option<bool>,
    },
    /// Whether a relay lent us an address.
    Relay {
        /// It did.
        lent: bool,
        /// How it was reached.
        protocol: Option<RelayProtocol>,
        /// The server names one.
        named: bool,
    },
}

/// What a check works with.
pub struct NetworkCheck {
    /// Which server to try.
    pub server: Arc<dyn ServerLocator>,
    /// Which program this is.
    pub client: ClientInfo,
}

impl NetworkCheck {
    /// Tries one after the other, and tells of each as soon as it is known.
    pub async fn run(self, found: impl Fn(NetworkFinding)) {
        let began = Instant::now();
        let entered = timeout(SERVER_TIMEOUT, self.enter()).await;
        let (url, ice_servers) = match entered.unwrap_or_else(|_| Err(silent())) {
            Ok(entered) => entered,
            Err(problem) => return found(NetworkFinding::NoServer { problem }),
        };
        found(NetworkFinding::Server { ms: began.elapsed().as_secs_f64() * 1e3 });
        let udp = async {
            let urls = ice_servers.iter().flat_map(|server| server.urls.iter().cloned()).collect::<Vec<_>>();
            found(NetworkFinding::Udp { answered: answers_by_udp(&urls, UDP_TIMEOUT).await });
        };
        let relay = async {
            let named = names_relay(&ice_servers);
            let lent = if named { borrow(&url, &ice_servers).await } else { None };
            found(NetworkFinding::Relay { lent: lent.is_some(), protocol: lent.flatten(), named });
        };
        tokio::join!(udp, relay);
    }

    /// Enters a room, and leaves it: the server's URL, and the servers it names.
    async fn enter(self) -> Result<(String, Vec<IceServer>), Problem> {
        let [a, b, c, d] = std::array::from_fn(|_| random_u32());
        let names = RoomName::parse(&format!("check-{a:08x}{b:08x}{c:08x}{d:08x}"))
            .and_then(|room| Ok((room, DisplayName::parse("check")?)));
        let Ok((room, name)) = names else { return Err(silent()) }; // these are names
        let (sender, mut events) = mpsc::channel(16);
        let signaling = SignalingClient::connect(0, self.server, room.clone(), None, None, sender);
        let mut url = String::new();
        while let Some((_, event)) = events.recv().await {
            match event {
                SignalingEvent::Open { url: reached, .. } | SignalingEvent::Moved { url: reached, .. } => {
                    url = reached;
                    signaling.send(ClientMessage::Join {
                        room: room.clone(),
                        name: name.clone(),
                        token: None, // the locator's
                        client: self.client.clone(),
                        capabilities: Capabilities::default(),
                        status: Status { muted: true, camera_off: true, sharing: false },
                        resume: None,
                    });
                }
                SignalingEvent::Message(message) => match *message {
                    ServerMessage::Joined { ice_servers, .. } => {
                        signaling.send(ClientMessage::Leave);
                        signaling.close();
                        return Ok((url, ice_servers));
                    }
                    ServerMessage::Error { code, message, .. } => {
                        return Err(Problem::new(Sentence::Refused { code }, message));
                    }
                    _ => {}
                },
                SignalingEvent::Alive => {}
                SignalingEvent::Closed { problem } => return Err(problem),
            }
        }
        Err(silent())
    }
}

fn silent() -> Problem {
    Problem::new(Sentence::ServerSilent {}, "The server does not answer. Try again, or use another server.")
}

/// Has a connection of its own ask the relays for an address, in every way that a call would: with the way that it
/// went, if one lent it.
async fn borrow(url: &str, named: &[IceServer]) -> Option<Option<RelayProtocol>> {
    let tunnels: Arc<Tunnels> = Arc::default();
    let (audio, _voice) = PeerAudio::new();
    let config = ConnectionConfig {
        network: Network {
            ice_servers: tunnels.stand_in(&[], named, Some(url)),
            tunnels: Arc::clone(&tunnels),
            addresses: AddressPolicy::RelayOnly,
            loopback: is_loopback(url),
        },
        video_codecs: VideoCodec::BUILT_IN.to_vec(),
        files: false,
        protection: Arc::new(Mutex::new(Protection::new())),
        camera: VideoSection {
            fanout: Arc::new(Fanout::default()),
            adaptation: Arc::new(Mutex::new(Adaptation::new())),
            video: PeerVideo::new(VideoOutput::Off, Some(Arc::clone(&audio))),
        },
        audio,
        screen: None,
    };
    let (sender, mut news) = mpsc::channel(64);
    let connection = Connection::start(config, move |event| {
        let _ = sender.try_send(event); // more candidates than that: one is enough
    });
    connection.order(ConnectionOrder::Offer { restart: false, number: 0 });
    let lent = async {
        while let Some(event) = news.recv().await {
            let ConnectionNews::Event(event) = event else { continue };
            match event {
                // No other is told where only relays are wanted.
                ConnectionEvent::Candidate { .. } => return true,
                ConnectionEvent::EndOfCandidates | ConnectionEvent::Failed(_) => return false,
                _ => {}
            }
        }
        false
    };
    let lent = timeout(RELAY_TIMEOUT, lent).await.unwrap_or(false);
    lent.then(|| tunnels.way())
}
