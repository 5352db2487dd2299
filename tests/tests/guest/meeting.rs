//! An engine and a guest in a room, for every test here.

use std::time::Duration;

use maru_engine::{PeerState, VideoKind};
use maru_tests::browser::Kind;
use maru_tests::guest::Guest;
use maru_tests::order::{First, in_order};
use maru_tests::participant::Participant;
use maru_tests::server::LocalServer;
use maru_tests::wait::{eventually, now_ms};
use tokio::sync::{Mutex, MutexGuard};

/// One browser test at a time: each is a whole call with encoders and decoders on both sides.
pub static MACHINE: Mutex<()> = Mutex::const_new(());

pub const LIMIT: Duration = Duration::from_secs(45);
pub const ROOM: &str = "회의실 / 100%?";
pub const ENGINE: &str = "Enno Engine";
pub const GUEST: &str = "게스트 Greta";
pub const TONE_HZ: f64 = 440.0;
/// A browser's made-up beeps, after its voice processing.
pub const HEARD_DBFS: f64 = -50.0;

/// An engine and a guest in a room.
pub struct Meeting {
    // In this order: who is in the room goes before the server does.
    pub guest: Guest,
    pub engine: Participant,
    pub server: LocalServer,
    _machine: MutexGuard<'static, ()>,
}

impl Meeting {
    pub async fn of(kind: Kind, first: First) -> Self {
        Self::named(kind, first, ENGINE, GUEST).await
    }

    /// As [`Self::of`], under other names.
    pub async fn named(kind: Kind, first: First, engine_name: &str, guest_name: &str) -> Self {
        let machine = MACHINE.lock().await;
        let server = LocalServer::start();
        let url = server.url();
        let engine = Participant::join(&url, ROOM, engine_name);
        let guest = Guest::join(kind, &server, ROOM, guest_name);
        let (engine, guest) = in_order(first, engine, guest).await;
        let meeting = Self { guest, engine, server, _machine: machine };
        meeting.engine.until_peer("connected", guest_name, |peer| peer.state == PeerState::Connected).await;
        meeting
    }

    /// The engine's tile on the guest's page.
    pub fn tile(&self) -> String {
        format!("[data-peer=\"{}\"]", self.engine.id())
    }

    /// The guest sees and hears what the engine sends now.
    pub async fn guest_sees_and_hears(&self) {
        self.guest.picture_after(&self.tile(), now_ms()).await;
        self.guest.hear(&self.engine.id(), TONE_HZ).await;
    }

    /// The engine sees what the guest sends now; the guest has to [`Guest::paint`].
    pub async fn engine_sees(&self) {
        self.engine.picture_after(GUEST, now_ms()).await;
    }

    pub async fn engine_hears(&self) {
        eventually("the guest's beeps", LIMIT, async || {
            let report = self.engine.engine().report().await.unwrap();
            (report.peers[0].audio.level_dbfs > HEARD_DBFS).then_some(())
        })
        .await;
    }

    /// Offers made or taken by the engine.
    pub async fn negotiations(&self) -> u32 {
        self.engine.engine().report().await.unwrap().peers[0].negotiations
    }

    /// Pictures of the guest that the engine decoded.
    pub async fn frames(&self) -> u64 {
        self.engine.engine().report().await.unwrap().peers[0].video.frames
    }

    /// Waits until the guest's picture has this shape for the engine.
    pub async fn shape(&self, what: &str, fits: impl Fn(u32, u32) -> bool) {
        eventually(&format!("a {what} picture"), LIMIT, async || {
            let pictures = self.engine.engine().pictures(VideoKind::Camera);
            let (_, _, picture) = pictures.first()?;
            fits(picture.width_px(), picture.height_px()).then_some(())
        })
        .await;
    }
}
