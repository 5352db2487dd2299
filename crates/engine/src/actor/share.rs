//! The own share: a screen or window that is opened, shown and closed. Opening may take as long as a person
//! does in the system's dialog, and closing a moment, so both happen on a thread per change. What is shared goes on
//! until what takes its place is there.

use std::sync::Arc;
use std::time::Duration;

use maru_media::screen::Screen;
use maru_media::{Devices, LatestFrame, ScreenError, ScreenSourceId};
use maru_protocol::PeerId;
use tokio::sync::mpsc;

use super::Actor;
use crate::api::ShareView;
use crate::notice::{NoticeCode, Problem, Sentence};
use crate::send::screen::Capture;

/// Changes that may wait for the actor; it drains them at once.
const NEWS_LIMIT: usize = 16;
/// What takes another one's place has so long for its first picture: a window that is hidden has none.
const FIRST_PICTURE_LIMIT: Duration = Duration::from_secs(2);

/// What became of a share, by its number.
pub(super) enum ShareNews {
    Open(u64, Box<dyn Screen>, Arc<LatestFrame>),
    Ended(u64, ScreenError),
}

/// What is shared.
pub(super) struct Share {
    devices: Arc<dyn Devices>,
    capture: Arc<Capture>,
    /// Of the newest wish.
    number: u64,
    /// The wish that is on its way: what is said of older ones does not count any more.
    opening: Option<Opening>,
    open: Option<Open>,
    news: (mpsc::Sender<ShareNews>, mpsc::Receiver<ShareNews>),
}

struct Opening {
    number: u64,
    /// For its pictures. Closed when nobody wishes for them any more, which ends the system's dialog too.
    slot: Arc<LatestFrame>,
}

struct Open {
    number: u64,
    screen: Box<dyn Screen>,
    view: ShareView,
}

impl Share {
    pub fn new(devices: Arc<dyn Devices>, capture: Arc<Capture>) -> Self {
        Self { devices, capture, number: 0, opening: None, open: None, news: mpsc::channel(NEWS_LIMIT) }
    }

    /// What is shared now.
    pub fn view(&self) -> Option<ShareView> {
        self.open.as_ref().map(|open| open.view.clone())
    }

    /// The next thing that became of a share.
    pub async fn next(&mut self) -> Option<ShareNews> {
        self.news.1.recv().await
    }

    /// Shares this, in place of what is shared.
    fn start(&mut self, source: ScreenSourceId) {
        self.give_up_opening();
        self.number += 1;
        let (number, slot) = (self.number, LatestFrame::new());
        self.opening = Some(Opening { number, slot: Arc::clone(&slot) });
        let takes_over = self.open.is_some();
        let devices = Arc::clone(&self.devices);
        let news = self.news.0.clone();
        let failed = news.clone();
        let spawned = std::thread::Builder::new().name("share".into()).spawn(move || {
            let ended = news.clone();
            // The actor drains the queue; when it is gone there is nobody to tell.
            let on_ended = Box::new(move |error| drop(ended.try_send(ShareNews::Ended(number, error))));
            let mut pictures = slot.reader();
            let told = match devices.open_screen(&source, Arc::clone(&slot), on_ended) {
                Ok(screen) => {
                    if takes_over {
                        pictures.wait(FIRST_PICTURE_LIMIT);
                    }
                    ShareNews::Open(number, screen, slot)
                }
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
        self.give_up_opening();
        self.end();
    }

    fn give_up_opening(&mut self) {
        if let Some(Opening { slot, .. }) = self.opening.take() {
            slot.close();
        }
    }

    fn is_opening(&self, number: u64) -> bool {
        self.opening.as_ref().is_some_and(|opening| opening.number == number)
    }

    /// What is shared ends.
    fn end(&mut self) {
        self.capture.switch(LatestFrame::new());
        close(self.open.take().map(|open| open.screen));
    }

    fn is_wanted(&self) -> bool {
        self.opening.is_some() || self.open.is_some()
    }

    /// What a person has to be told of, if anything.
    fn take(&mut self, news: ShareNews) -> Option<Problem> {
        match news {
            ShareNews::Open(number, screen, slot) if self.is_opening(number) => {
                self.opening = None;
                self.capture.switch(slot);
                let source = screen.source();
                let view = ShareView { name: source.name, kind: source.kind };
                close(self.open.replace(Open { number, screen, view }).map(|open| open.screen));
                None
            }
            // Given up while it was opened.
            ShareNews::Open(_, screen, _) => {
                close(Some(screen));
                None
            }
            ShareNews::Ended(number, error) if self.is_opening(number) => {
                tracing::info!(%error, "it cannot be shared");
                self.opening = None;
                Problem::screen(error)
            }
            ShareNews::Ended(number, error)
                if self.open.as_ref().is_some_and(|open| open.number == number) =>
            {
                tracing::info!(%error, "nothing is shared any more");
                self.end();
                // Its person has turned to another one already.
                if self.opening.is_some() { None } else { Problem::screen(error) }
            }
            ShareNews::Ended(..) => None,
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_up_opening();
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
        if !self.call.state().is_in_room() && self.share.is_wanted() {
            self.share.stop();
        }
    }
}
