//! The own share: a screen or window that is opened, shown and closed. Opening may take as long as a person
//! does in the system's dialog, and closing a moment, so both happen on a thread per change.

use std::sync::Arc;

use maru_media::screen::Screen;
use maru_media::{Devices, ScreenError, ScreenSourceId};
use maru_protocol::PeerId;
use tokio::sync::mpsc;

use super::Actor;
use crate::api::ShareView;
use crate::notice::{NoticeCode, Problem, Sentence};
use crate::send::screen::Capture;

/// Changes that may wait for the actor; it drains them at once.
const NEWS_LIMIT: usize = 16;

/// What became of a share, by its number.
pub(super) enum ShareNews {
    Open(u64, Box<dyn Screen>),
    Ended(u64, ScreenError),
}

/// What is shared.
pub(super) struct Share {
    devices: Arc<dyn Devices>,
    capture: Arc<Capture>,
    /// Of the newest wish: what is said of an older one does not count any more.
    number: u64,
    wanted: bool,
    open: Option<(Box<dyn Screen>, ShareView)>,
    news: (mpsc::Sender<ShareNews>, mpsc::Receiver<ShareNews>),
}

impl Share {
    pub fn new(devices: Arc<dyn Devices>, capture: Arc<Capture>) -> Self {
        Self { devices, capture, number: 0, wanted: false, open: None, news: mpsc::channel(NEWS_LIMIT) }
    }

    /// What is shared now.
    pub fn view(&self) -> Option<ShareView> {
        self.open.as_ref().map(|(_, view)| view.clone())
    }

    /// The next thing that became of a share.
    pub async fn next(&mut self) -> Option<ShareNews> {
        self.news.1.recv().await
    }

    /// Shares this, in place of what was shared.
    fn start(&mut self, source: ScreenSourceId) {
        let before = self.end();
        self.wanted = true;
        let number = self.number;
        let (devices, slot) = (Arc::clone(&self.devices), self.capture.renew());
        let news = self.news.0.clone();
        let failed = news.clone();
        let spawned = std::thread::Builder::new().name("share".into()).spawn(move || {
            drop(before);
            let ended = news.clone();
            // The actor drains the queue; when it is gone there is nobody to tell.
            let on_ended = Box::new(move |error| drop(ended.try_send(ShareNews::Ended(number, error))));
            let told = match devices.open_screen(&source, slot, on_ended) {
                Ok(screen) => ShareNews::Open(number, screen),
                Err(error) => ShareNews::Ended(number, error),
            };
            let _ = news.blocking_send(told);
        });
        if let Err(error) = spawned {
            let error = ScreenError::Failed { name: String::new(), problem: error.to_string() };
            let _ = failed.try_send(ShareNews::Ended(number, error));
        }
    }

    /// Shares nothing any more.
    fn stop(&mut self) {
        let before = self.end();
        self.capture.renew();
        close(before);
    }

    /// The next one has another number.
    fn end(&mut self) -> Option<Box<dyn Screen>> {
        self.number += 1;
        self.wanted = false;
        self.open.take().map(|(screen, _)| screen)
    }

    /// What a person has to be told of, if anything.
    fn take(&mut self, news: ShareNews) -> Option<Problem> {
        match news {
            ShareNews::Open(number, screen) if number == self.number && self.wanted => {
                let source = screen.source();
                self.open = Some((screen, ShareView { name: source.name, kind: source.kind }));
                None
            }
            // Given up while it was opened.
            ShareNews::Open(_, screen) => {
                close(Some(screen));
                None
            }
            ShareNews::Ended(number, error) if number == self.number && self.wanted => {
                tracing::info!(%error, "nothing is shared any more");
                self.stop();
                Problem::screen(error)
            }
            ShareNews::Ended(..) => None,
        }
    }
}

/// Closes what was shared, off the actor: it may take a moment.
fn close(screen: Option<Box<dyn Screen>>) {
    let Some(screen) = screen else { return };
    let spawned = std::thread::Builder::new().name("share".into()).spawn(move || drop(screen));
    if let Err(error) = spawned {
        tracing::warn!(%error, "a share was closed on the spot");
    }
}

impl Actor {
    /// Whether a peer's program takes a second video section, for a screen.
    pub(super) fn takes_screen(&self, peer: PeerId) -> bool {
        let peer = self.call.peers().iter().find(|known| known.id() == peer);
        peer.is_some_and(|peer| peer.info().capabilities.screen)
    }

    pub(super) fn start_share(&mut self, source: ScreenSourceId) {
        self.notice.take_if(|notice| notice.code == NoticeCode::Screen);
        if self.call.state().is_in_room() {
            return self.share.start(source);
        }
        let problem =
            Problem::new(Sentence::ScreenNotInARoom {}, "Join a room first, then share your screen.");
        self.notice = Some(problem.notice(NoticeCode::Screen));
    }

    pub(super) fn stop_share(&mut self) {
        self.share.stop();
    }

    pub(super) fn share_news(&mut self, news: ShareNews) {
        if let Some(problem) = self.share.take(news) {
            self.notice = Some(problem.notice(NoticeCode::Screen));
        }
        self.update_devices();
    }

    /// A share ends with the call.
    pub(super) fn follow_share(&mut self) {
        if !self.call.state().is_in_room() && self.share.wanted {
            self.share.stop();
        }
    }
}
