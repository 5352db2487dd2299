//! Everybody is as loud as the listener wants, each for itself: proven by what comes out of the speaker.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use maru_engine::{Choice, Command, Event};
use maru_media::DeviceId;
use maru_media::audio::volume::Volume;
use maru_protocol::PeerId;
use maru_tests::participant::Participant;
use maru_tests::recording::{amplitude, length, recorded, write_tone};
use maru_tests::server::LocalServer;
use maru_tests::wait::eventually;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);
const ROOM: &str = "choir";
const LOW_HZ: u16 = 500;
const HIGH_HZ: u16 = 1700;
/// How loud each sings: both together at twice that are below what the limiter lets pass.
const AMPLITUDE: f32 = 0.1;
/// A quarter of a second, in samples: what is listened to at a time.
const LISTENED: usize = 12_000;
/// Softer than this, of 0.1, is not there.
const NOTHING: f32 = 0.001;

/// Two who sing a note each, and one who listens and is silent.
struct Choir {
    listener: Participant,
    low: Participant,
    high: Participant,
    played: PathBuf,
    _folder: TempDir,
    _server: LocalServer,
}

async fn singer(server: &LocalServer, folder: &Path, name: &str, hz: u16) -> Participant {
    let file = folder.join(name).with_extension("wav");
    write_tone(&file, hz, AMPLITUDE);
    Participant::join_with(&server.url(), ROOM, name, |config| {
        config.microphone = Choice::Device(DeviceId::new(format!("file:{}", file.display())));
        config.camera_off = true;
    })
    .await
}

impl Choir {
    async fn gather() -> Self {
        let server = LocalServer::start();
        let folder = tempfile::tempdir().unwrap();
        let played = folder.path().join("played.wav");
        let listener = Participant::join_with(&server.url(), ROOM, "listener", |config| {
            config.speaker = Choice::Device(DeviceId::new(format!("file:{}", played.display())));
            (config.muted, config.camera_off) = (true, true);
        })
        .await;
        let low = singer(&server, folder.path(), "low", LOW_HZ).await;
        let high = singer(&server, folder.path(), "high", HIGH_HZ).await;
        // Nobody can be made louder who is not known yet.
        for name in ["low", "high"] {
            listener.until_peer("known", name, |_| true).await;
        }
        Self { listener, low, high, played, _folder: folder, _server: server }
    }

    fn id_of(singer: &Participant) -> PeerId {
        singer.engine().view().me.id.unwrap()
    }

    async fn set(&self, singer: &Participant, percent: f64) {
        let (peer, volume) = (Self::id_of(singer), Volume::try_from(percent).unwrap());
        self.listener.command(Command::SetPeerVolume { peer, volume }).await;
        self.shown(peer, |peer| peer.volume == volume).await;
    }

    async fn mute(&self, singer: &Participant, muted: bool) {
        let peer = Self::id_of(singer);
        self.listener.command(Command::SetPeerMuted { peer, muted }).await;
        self.shown(peer, |peer| peer.muted_for_me == muted).await;
    }

    async fn shown(&self, id: PeerId, look: impl Fn(&maru_engine::PeerView) -> bool) {
        let find = |view: &maru_engine::CallView| {
            view.peers.iter().find(|peer| peer.id == id && look(peer)).map(drop)
        };
        self.listener.until("in the view", find).await;
    }

    /// Waits until the speaker plays the two notes with these parts of what is sung.
    async fn hear(&self, low: f32, high: f32) {
        let near = |heard: f32, part: f32| match part {
            0.0 => heard < NOTHING,
            part => (heard / (AMPLITUDE * part) - 1.0).abs() < 0.2,
        };
        let mut from = length(&self.played);
        eventually(&format!("{low} of the low note, {high} of the high one"), LIMIT, async || {
            let heard = recorded(&self.played, from, LISTENED);
            if heard.len() < LISTENED {
                return None;
            }
            from += LISTENED;
            (near(amplitude(&heard, f32::from(LOW_HZ)), low)
                && near(amplitude(&heard, f32::from(HIGH_HZ)), high))
            .then_some(())
        })
        .await;
    }

    async fn leave(self) {
        for participant in [self.listener, self.low, self.high] {
            participant.leave().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_turned_down_is_not_heard_and_the_other_is_as_loud_as_before() {
    let choir = Choir::gather().await;
    choir.hear(1.0, 1.0).await;
    choir.set(&choir.low, 0.0).await;
    choir.hear(0.0, 1.0).await;
    choir.set(&choir.low, 200.0).await;
    choir.hear(2.0, 1.0).await;
    choir.mute(&choir.low, true).await;
    choir.set(&choir.high, 50.0).await;
    choir.hear(0.0, 0.5).await;
    choir.mute(&choir.low, false).await;
    choir.hear(2.0, 0.5).await;
    // Nobody was told: to the singers nothing is different.
    for singer in [&choir.low, &choir.high] {
        let view = singer.engine().view();
        assert!(view.peers.iter().all(|peer| !peer.muted_for_me && peer.volume == Volume::UNCHANGED));
        assert!(!view.me.muted);
    }
    choir.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sings_is_marked_also_when_the_listener_does_not_want_to_hear_it() {
    let choir = Choir::gather().await;
    choir.mute(&choir.high, true).await;
    let (singing, silent) = (Choir::id_of(&choir.high), Choir::id_of(&choir.low));
    choir.low.command(Command::SetMuted { muted: true }).await;
    let mut events = choir.listener.engine().events();
    let marked = async {
        loop {
            let Ok(Event::Levels { levels }) = events.recv().await else { continue };
            let speaks = |id| levels.peers.iter().any(|peer| peer.id == id && peer.speaking);
            if speaks(singing) && !speaks(silent) && !levels.speaking {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT, marked).await.expect("the one who sings is marked, and nobody else");
    choir.leave().await;
}
