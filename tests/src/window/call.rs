//! A call between somebody at a window and somebody without one. It refuses to know what a test does with it.

use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use super::{AppWindow, Place};
use crate::participant::Participant;
use crate::server::LocalServer;
use crate::wait::now_ms;

/// The room.
pub const ROOM: &str = "회의실 window";
/// Who is at the window.
pub const WINDOW_NAME: &str = "Wanda Window";
/// Who is not.
pub const OTHER_NAME: &str = "Hedy <b>Headless</b>";

/// Waits for the screen: one window at a time, since each test is a whole call with encoders and decoders on both
/// sides.
pub async fn screen() -> MutexGuard<'static, ()> {
    static SCREEN: Mutex<()> = Mutex::const_new(());
    SCREEN.lock().await
}

/// A window and a participant without one in the same room.
pub struct Call {
    // In this order: who is in the room goes before the server does.
    /// The window.
    pub window: AppWindow,
    /// The participant without one.
    pub other: Participant,
    /// The server they met at.
    pub server: LocalServer,
    _screen: MutexGuard<'static, ()>,
}

impl Call {
    /// Brings both into the room, the window with these settings.
    ///
    /// # Panics
    /// When the call does not come up in time.
    pub async fn start(settings: Value) -> Self {
        Self::start_at(Place::with_settings(&settings.to_string())).await
    }

    /// Brings both into the room, the window at this place.
    ///
    /// # Panics
    /// When the call does not come up in time.
    pub async fn start_at(place: Place) -> Self {
        let screen = screen().await;
        let server = LocalServer::start();
        let other = Participant::join(&server.url(), ROOM, OTHER_NAME).await;
        let window = AppWindow::open_at(place, &server.url(), &[]).await;
        window.join(ROOM, WINDOW_NAME).await;
        other.until_peer("in the room", WINDOW_NAME, |_| true).await;
        Self { window, other, server, _screen: screen }
    }

    /// The other participant's tile in the window.
    pub fn tile(&self) -> String {
        format!("[data-peer=\"{}\"]", self.other.id())
    }

    /// Waits for a picture of the other participant's that is taken from now on.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn pictures_move(&self) {
        self.window.picture_after(&self.tile(), now_ms()).await;
    }

    /// What a browser would open to be in a room on the server.
    pub fn link(&self, room: &str) -> String {
        self.server.link(room)
    }

    /// Ends the app and the participant.
    ///
    /// # Panics
    /// When one of them does not end in time.
    pub async fn end(self) {
        self.window.end().await;
        self.other.leave().await;
    }
}
